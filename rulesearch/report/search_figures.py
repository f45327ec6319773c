"""Figures of a search: how it went, why rules died, and where the recommended rule came from."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rulesearch.report.style import BLUE, GREEN, GREY, ORANGE, RED, new_figure, panel
from rulesearch.workflow.history import Ancestor, History

_WIDE = 30


def history_figure(history: History) -> Figure:
    """Return best loss, share of duplicates, and diversity against the distinct rules tried."""
    rows = history.generations
    figure = new_figure(9.0, 2.7)
    panels: Any = figure.subplots(1, 3)
    distinct = np.array([row.distinct for row in rows], dtype=float)
    axes = panel(panels[0], "distinct rules tried", "best loss so far")
    losses = np.array([np.nan if row.best_loss is None else row.best_loss for row in rows], dtype=float)
    axes.step(distinct, losses, where="post", color=BLUE, linewidth=1.5)
    positive = losses[losses > 0.0]
    if positive.size and positive.size == np.sum(np.isfinite(losses)):
        axes.set_yscale("log")
    axes = panel(panels[1], "distinct rules tried", "share of rules proposed [%]", "met before")
    duplicates = np.diff([0, *(row.duplicates for row in rows)])
    tried = np.array([row.evaluated for row in rows])
    axes.plot(distinct, _share(duplicates, duplicates + tried), color=RED, linewidth=1.2)
    axes.set_ylim(0.0, 100.0)
    axes = panel(panels[2], "distinct rules tried", "structures per rule evaluated [%]", "diversity")
    structures = np.array([row.structures for row in rows])
    axes.plot(distinct, _share(structures, tried), color=GREEN, linewidth=1.2)
    axes.set_ylim(0.0, 105.0)
    return figure


def _share(parts: Any, wholes: Any) -> Any:
    """Return per cent in a window that moves over a thirtieth of the generations."""
    kernel = np.ones(2 * (len(parts) // 60) + 1)
    return 100.0 * np.convolve(parts, kernel, "same") / np.maximum(np.convolve(wholes, kernel, "same"), 1.0)


def deaths_figure(deaths: dict[str, int]) -> Figure:
    """Return how simulations ended, in per cent."""
    total = sum(deaths.values())
    rows = sorted(deaths.items(), key=lambda item: (item[0] != "ok", -item[1], item[0]))
    figure = new_figure(4.6, 0.3 * len(rows) + 0.9)
    axes = panel(figure.subplots(), "share of simulations [%]", "")
    place = np.arange(len(rows))
    shares = [100.0 * count / total for _, count in rows]
    axes.barh(place, shares, color=[BLUE if status == "ok" else ORANGE for status, _ in rows], height=0.65)
    for row, (share, (_, count)) in enumerate(zip(shares, rows, strict=True)):
        axes.annotate(f" {count:,}", (share, row), va="center", fontsize=8)
    axes.set_yticks(place, [status for status, _ in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.margins(x=0.18)
    return figure


def lineage_figure(ancestors: tuple[Ancestor, ...]) -> Figure:
    """Return the family tree of a rule: it stands at the right, its ancestors to the left, generation below each."""
    import networkx

    graph = networkx.DiGraph()
    layers: dict[int, list[Ancestor]] = {}
    for each in ancestors:
        layers.setdefault(each.depth, []).append(each)
        graph.add_node(each.fingerprint)
    graph.add_edges_from(
        (parent, each.fingerprint) for each in ancestors for parent in each.parents if parent in graph.nodes
    )
    tallest = max(len(layer) for layer in layers.values())
    figure = new_figure(min(16.0, 2.3 * len(layers) + 0.6), max(1.4, 0.72 * tallest + 0.5))
    axes: Any = figure.subplots()
    axes.set_axis_off()
    places = {
        each.fingerprint: (-float(depth), (len(layer) - 1) / 2.0 - row)
        for depth, layer in layers.items()
        for row, each in enumerate(layer)
    }
    for parent, child in graph.edges:
        (x, y), (to_x, to_y) = places[parent], places[child]
        axes.plot([x, to_x], [y, to_y], color=GREY, linewidth=0.9, zorder=1)
    for each in ancestors:
        x, y = places[each.fingerprint]
        loss = "" if each.loss is None else f"{each.loss:.3g}, "
        rule = "\n".join(textwrap.wrap(each.rule.partition(";")[0], _WIDE)[:2]).replace("$", r"\$")
        text = f"{rule}\n{loss}{each.origin or 'evolved'}, gen. {each.generation}"
        box = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": RED if each.depth == 0 else GREY}
        axes.text(x, y, text, ha="center", va="center", fontsize=7, bbox=box, zorder=2)
    axes.set_xlim(-len(layers) + 0.4, 0.6)
    axes.set_ylim(-tallest / 2.0 - 0.1, tallest / 2.0 + 0.1)
    return figure
