"""Figures of a search: how it went, why rules died, and where the recommended rule came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rulesearch.errors import RulesearchError
from rulesearch.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, new_figure, panel
from rulesearch.rules.text import parse_rules, short_rule
from rulesearch.workflow.front import FrontMember
from rulesearch.workflow.history import Ancestor, History

_ARCS, _WIDE, _PITCH = 1.6, 7.6, 0.24
"""Inches: for arcs, for the words beside them, and from line to line."""
_COLUMNS = (0.05, 4.7, 5.4, 6.9)
_LONGEST = 64


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


def lineage_figure(ancestors: Sequence[Ancestor], member: FrontMember) -> Figure:
    """Return where a rule of a front came from: a line for each ancestor, the oldest first, and the rule itself last.

    Arcs lead from parents to children.
    """
    rows = sorted(ancestors, key=lambda each: (each.generation, -each.depth, each.fingerprint))
    place = {each.fingerprint: row for row, each in enumerate(rows)}
    last = len(rows)
    figure = new_figure(_ARCS + _WIDE, _PITCH * (last + 2) + 0.2)
    axes: Any = figure.subplots()
    axes.set_axis_off()
    # One unit is an inch across, and one line down.
    axes.set_xlim(-_ARCS, _WIDE)
    axes.set_ylim(last + 0.6, -1.6)
    lines = [("rule", "loss", "came about by", "generation")]
    lines += [(_cut(each.rule), _loss(each.loss), each.origin or "evolution", str(each.generation)) for each in rows]
    lines.append((_cut(str(member.rules)), _loss(member.loss), f"clean-up: rank {member.rank}", ""))
    for row, texts in enumerate(lines, -1):
        colour = GREY if row < 0 else RED if row == last else BLACK
        for x, text in zip(_COLUMNS, texts, strict=True):
            axes.text(x, row, text.replace("$", r"\$"), fontsize=8, color=colour, va="center")
        if row >= 0:
            axes.plot(-0.08, row, "o", color=colour, markersize=3.5, zorder=2)
    for row, each in enumerate(rows):
        for parent in dict.fromkeys(each.parents):
            if parent in place:
                _arc(axes, place[parent], row, GREY)
    if member.source in place:
        _arc(axes, place[member.source], last, RED)
    return figure


def _arc(axes: Any, first: int, second: int, colour: str) -> None:
    angles = np.linspace(-np.pi / 2.0, np.pi / 2.0, 40)
    width = min(_ARCS - 0.15, 0.18 + 0.07 * abs(second - first))
    x, y = -0.08 - width * np.cos(angles), (first + second + (second - first) * np.sin(angles)) / 2.0
    axes.plot(x, y, color=colour, linewidth=0.9, zorder=1)


def _cut(text: str) -> str:
    try:
        short = short_rule(parse_rules(text, "on_step"))
    except RulesearchError:
        short = text
    return short if len(short) <= _LONGEST else f"{short[: _LONGEST - 3]}..."


def _loss(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
