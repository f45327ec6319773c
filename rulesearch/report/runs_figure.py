"""Figure of runs beside each other: the loss of each run's rank 1, and how soon searches found what they sought."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from rulesearch.report.front_figure import plain
from rulesearch.report.style import COLOURS, GREY, new_figure, panel
from rulesearch.workflow.compared_runs import RunGroup, middle
from rulesearch.workflow.shown_losses import died, shown_loss

_WIDEST_LABEL = 34
_ROW = 0.42


def runs_figure(groups: Sequence[RunGroup]) -> Figure:
    """Return, by group, the loss of rank 1 of each run with its median, and the share of runs with a hit over rules
    tried.

    A rank 1 that did not run to its end on what was held out has no loss there: no point, and the label says so.
    """
    labels = ["\n".join(textwrap.wrap(plain(_label(each)), _WIDEST_LABEL)) for each in groups]
    lines = sum(1 + label.count("\n") for label in labels)
    figure = new_figure(9.0, max(3.2, 1.4 + _ROW * max(len(groups), 0.6 * lines)))
    losses, hits = figure.subplots(1, 2)
    _losses(losses, groups, labels)
    _hits(hits, groups)
    return figure


def _label(group: RunGroup) -> str:
    return f"{group.label}; {group.died} of {len(group.runs)} died held out" if group.died else group.label


def _losses(axes: Any, groups: Sequence[RunGroup], labels: Sequence[str]) -> None:
    panel(axes, "loss of rank 1, held out where there is one", "", "one point a run, a bar at the median")
    shown = []
    for place, group in enumerate(groups):
        values = [
            shown_loss(run.members[0])
            for run in group.runs
            if run.members and not died(run.members[0], run.held_out_on)
        ]
        found = [value for value in values if value is not None]
        rows = place + 0.3 * (np.arange(len(found)) / max(len(found) - 1, 1) - 0.5) * (len(found) > 1)
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(found, rows, "o", color=colour, markersize=5, markerfacecolor="none")
        centre = middle(found)
        if centre is not None:
            axes.plot([centre.median] * 2, [place - 0.32, place + 0.32], color=colour, linewidth=2.0)
        shown += found
    if shown and min(shown) > 0.0 and max(shown) > 5.0 * min(shown):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(range(len(groups)), labels, fontsize=8)
    axes.set_ylim(len(groups) - 0.5, -0.5)


def _hits(axes: Any, groups: Sequence[RunGroup]) -> None:
    panel(axes, "distinct rules tried", "share of runs", "with a hit by the losses of the search")
    ends = [max(run.distinct for run in group.runs) for group in groups]
    start = max(1, min([*ends, *(hit for group in groups for hit in group.hits)], default=2) // 2)
    for place, (group, end) in enumerate(zip(groups, ends, strict=True)):
        hits = sorted(group.hits)
        shares = np.arange(len(hits) + 1) / len(group.runs)
        colour = COLOURS[place % len(COLOURS)]
        axes.step([start, *hits, end], [*shares, shares[-1]], where="post", color=colour, linewidth=1.6)
        axes.plot(end, shares[-1], "|", color=colour, markersize=8)
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(-0.03, 1.03)
    axes.axhline(0.0, color=GREY, linewidth=0.6)
