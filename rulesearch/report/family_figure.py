"""Figure of families of rules: the graph of neighbours, coloured by loss."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from rulesearch.report.style import COLOURS, GREY, RED, new_figure
from rulesearch.workflow.families import Family, neighbours

_WIDEST = 58
_SMALLEST, _LARGEST = 90.0, 900.0


def family_figure(found: Sequence[Family], title: str) -> Figure:
    """Return the graph of families: a node's area grows with its rules, its colour shows the loss.

    Lines join families that differ by one term more (full) or one other term (dotted), of sets in the colour of the
    rule that differs; red rings are known rules.
    """
    import networkx

    graph = neighbours(found)
    lines = [_lines(place, family) for place, family in enumerate(found)]
    height = max(4.6, 0.155 * sum(len(each) for each in lines) + 1.2)
    figure = new_figure(11.0, height)
    figure.suptitle(title, fontsize=10)
    axes, column = figure.subplots(1, 2, width_ratios=(1.2, 1.0))
    axes.set_axis_off()
    column.set_axis_off()
    places = networkx.kamada_kawai_layout(graph, dist=_distances(found)) if len(found) > 1 else {0: (0.0, 0.0)}
    rules = dict.fromkeys(rule for _, _, rule in graph.edges(data="rule"))
    colours = {rule: COLOURS[place % len(COLOURS)] if rule else GREY for place, rule in enumerate(sorted(rules))}
    for change, style in (("more", "solid"), ("other", "dotted")):
        for rule, colour in colours.items():
            edges = [
                (a, b) for a, b, each in graph.edges(data=True) if (each["change"], each["rule"]) == (change, rule)
            ]
            networkx.draw_networkx_edges(graph, places, edges, ax=axes, edge_color=colour, style=style, width=0.9)
    if any(colours):
        for rule, colour in colours.items():
            axes.plot([], [], color=colour, label=rule)
        axes.legend(fontsize=7, frameon=False, loc="upper left", title="which rule differs", title_fontsize=7)
    most = max(len(family.members) for family in found)
    areas = [_SMALLEST + (_LARGEST - _SMALLEST) * math.sqrt(len(family.members) / most) for family in found]
    losses, label = _shown([family.loss for family in found])
    drawn: Any = networkx.draw_networkx_nodes(
        graph,
        places,
        ax=axes,
        node_size=areas,
        node_color=losses,
        cmap="viridis_r",
        edgecolors=[RED if family.known else "white" for family in found],
        linewidths=[2.2 if family.known else 0.6 for family in found],
    )
    middle = (min(losses) + max(losses)) / 2.0
    for place in graph.nodes:
        # Of `viridis_r` the small losses are light.
        colour = "black" if losses[place] < middle or max(losses) == min(losses) else "white"
        axes.annotate(str(place + 1), places[place], ha="center", va="center", fontsize=8, color=colour)
    bar = figure.colorbar(drawn, ax=axes, orientation="horizontal", fraction=0.045, pad=0.02, aspect=40)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    text = "\n".join(line for each in lines for line in each)
    column.text(0.0, 1.0, text, transform=column.transAxes, fontsize=7, family="monospace", va="top")
    return figure


def _distances(found: Sequence[Family]) -> dict[int, dict[int, float]]:
    """Return how far apart families should stand: by the number of terms that only one of them has."""
    return {
        a: {b: math.sqrt(max(1, len(first.terms ^ second.terms))) for b, second in enumerate(found) if b != a}
        for a, first in enumerate(found)
    }


def _shown(losses: list[float]) -> tuple[list[float], str]:
    if min(losses) > 0.0 and max(losses) > 10.0 * min(losses):
        return [math.log10(loss) for loss in losses], "best loss in the search (power of ten)"
    return losses, "best loss in the search"


def _lines(place: int, family: Family) -> list[str]:
    known = f" [{family.known_as}]" if family.known_as else ""
    number = f"{len(family.members)} rule{'s' * (len(family.members) > 1)}"
    whole = f"{place + 1:>2} {family.text}{known}: {family.loss:.3g}, {number}"
    return textwrap.wrap(whole, _WIDEST, subsequent_indent="   ")
