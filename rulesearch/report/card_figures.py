"""Figures on the card of one rule: its tree, what each part does, how weights and rates went, fits to data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from rulesearch.expression.operators import Operator
from rulesearch.expression.printing import number_latex, symbol_latex
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import from_base
from rulesearch.report.front_figure import plain
from rulesearch.report.style import BLACK, BLUE, GREY, RED, new_figure, panel
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.workflow.evidence import Ablation, CourseBand, RuleEvidence

_LABEL = 34
_COURSES = 3
_MOST_PARTS = 14
_HEAD = 1.5
"""Height of a panel's title, in parts."""


def tree_figure(rules: RuleSet) -> Figure:
    """Return the expression tree of every slot, leaves below the operators that take them."""
    trees = [
        (f"{name}: {slot}" if len(rules.rules) > 1 else slot, expression.substitute(_values(rule)))
        for name, rule in rules.rules.items()
        for slot, expression in rule.slots.items()
    ]
    widths = [max(2.0, sum(1.0 for node in each.nodes if not isinstance(node, Operator))) for _, each in trees]
    depth = max(_depth(each) for _, each in trees)
    figure = new_figure(min(9.6, max(2.2, 0.62 * sum(widths))), 0.5 * depth + 0.45)
    panels: Any = figure.subplots(1, len(trees), squeeze=False, width_ratios=widths)
    for axes, (title, expression) in zip(panels[0], trees, strict=True):
        axes.set_axis_off()
        if len(trees) > 1:
            axes.set_title(title, fontsize=9)
        _draw_tree(axes, expression)
        axes.set_ylim(-depth + 0.4, 0.6)
        axes.margins(x=0.18)
    return figure


def _values(rule: Rule) -> dict[str, Expression]:
    return {name: Expression((number,)) for name, number in rule.constants.items()}


def _depth(expression: Expression) -> int:
    return 1 + max((_depth(part) for part in expression.arguments), default=0)


def _draw_tree(axes: Any, expression: Expression) -> None:
    edges: list[tuple[float, float, float, float]] = []
    labels: list[tuple[float, float, str, bool]] = []
    leaves = [0.0]

    def place(part: Expression, level: int) -> float:
        below = [place(argument, level + 1) for argument in part.arguments]
        x = sum(below) / len(below) if below else leaves[0]
        if not below:
            leaves[0] += 1.0
        edges.extend((x, -level, child, -level - 1.0) for child in below)
        labels.append((x, -float(level), _node_label(part.head), bool(below)))
        return x

    place(expression, 0)
    for x, y, child_x, child_y in edges:
        axes.plot([x, child_x], [y, child_y], color=GREY, linewidth=1.0, zorder=1)
    for x, y, label, inner in labels:
        box = {"boxstyle": "round,pad=0.28", "facecolor": "#E8F1F8" if inner else "white", "edgecolor": GREY}
        axes.text(x, y, label, ha="center", va="center", fontsize=9.5, bbox=box, zorder=2)


def _node_label(head: Operator | Number | str) -> str:
    if isinstance(head, Operator):
        return head.shown
    if isinstance(head, Number):
        return f"${number_latex(float(from_base(head.value, head.unit)), 4)}$ {head.unit}".strip()
    return f"${symbol_latex(head)}$"


def ablation_figure(ablations: Sequence[Ablation], own: float, on: str, names: Sequence[str] = ()) -> Figure:
    """Return the loss of a rule without each of its parts, beside its `own` loss; what did not run is named.

    Longest bars first, at most 14 parts of each rule; `on`: what the losses are over; `names`: of the rules of a set,
    each of which has a panel of its own.
    """
    shown = {
        name: sorted(parts, key=lambda each: -np.inf if each.loss is None else -each.loss)[:_MOST_PARTS]
        for name, parts in _by_rule(ablations, names).items()
    }
    losses = [own, *(each.loss for each in ablations if each.loss is not None)]
    rows = [len(parts) + _HEAD * bool(name) for name, parts in shown.items()]
    figure = new_figure(5.6, 0.27 * sum(rows) + 0.95)
    panels: Any = figure.subplots(len(shown), 1, sharex=True, squeeze=False, height_ratios=rows)[:, 0]
    for axes, (name, parts) in zip(panels, shown.items(), strict=True):
        _draw_ablations(panel(axes, "", "", name), parts, losses, own)
        axes.axvline(own, color=RED, linewidth=1.4, zorder=0)
    panels[-1].set_xlabel(f"loss on {on} (line: with all its parts)", fontsize=9)
    return figure


def _by_rule(ablations: Sequence[Ablation], names: Sequence[str]) -> dict[str, list[Ablation]]:
    """Return ablations by the rule of a set that loses a part, without its name; of a single rule under no name."""
    found: dict[str, list[Ablation]] = {}
    for each in ablations:
        name, _, part = each.removed.partition(": ")
        within = name in names
        changed = replace(each, removed=part) if within else each
        found.setdefault(name if within else "", []).append(changed)
    return found


def _draw_ablations(axes: Any, shown: Sequence[Ablation], losses: Sequence[float], own: float) -> None:
    place = np.arange(len(shown), dtype=float)
    positive = [value for value in losses if value > 0.0]
    if positive and max(positive) > 20.0 * min(positive):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    # A word stands on the side that the line of the whole rule does not.
    x, side = (0.96, "right") if own <= sorted(losses)[len(losses) // 2] else (0.04, "left")
    for row, each in zip(place, shown, strict=True):
        if each.loss is None:
            box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
            where = {"xycoords": ("axes fraction", "data"), "va": "center", "ha": side, "fontsize": 8}
            axes.annotate(each.status, (x, row), bbox=box, **where)
        else:
            axes.plot(each.loss, row, "o", color=BLUE, markersize=5)
    axes.set_yticks(place, [_cut(f"without {each.removed}") for each in shown], fontsize=8)
    axes.set_ylim(len(shown) - 0.5, -0.5)


def _cut(text: str) -> str:
    text = text.replace("$", r"\$")
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 3]}..."


def course_figure(courses: Sequence[CourseBand], clock: str, seeds: int) -> Figure:
    """Return how quantities went: the median over several seeds, and the range of all of them; three to a row."""
    columns = min(len(courses), _COURSES)
    rows = -(-len(courses) // columns)
    figure = new_figure(3.5 * columns, 2.4 * rows + 0.3)
    panels: Any = figure.subplots(rows, columns, squeeze=False).ravel()
    unit = "presentations" if clock == "steps" else f"time [{clock}]"
    over = f"median and range of {seeds} seeds" if seeds > 1 else "one seed"
    for axes in panels[len(courses) :]:
        axes.set_axis_off()
    for axes, course in zip(panels, courses, strict=False):
        panel(axes, unit, plain(course.name))
        axes.fill_between(course.times, course.low, course.high, color=BLUE, alpha=0.22, linewidth=0)
        axes.plot(course.times, course.middle, color=BLUE, linewidth=1.4, label=over)
        if course.target is not None:
            axes.axhline(course.target, color=RED, linestyle="--", linewidth=1.1, label="wanted")
            largest = max(course.middle)
            if course.target > 0.0 and largest > 8.0 * course.target:
                axes.set_yscale("symlog", linthresh=2.0 * course.target)
        axes.margins(x=0.0)
        axes.locator_params(axis="x", nbins=5)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", fontsize=8, frameon=False, ncols=2
    )
    return figure


def fit_figure(evidence: RuleEvidence) -> Figure:
    """Return measured values with standard errors, and what the rule predicts of each."""
    figure = new_figure(6.4, 3.4)
    axes = panel(figure.subplots(), "", r"$\Delta w / w$")
    labels, values, errors, predicted = zip(*evidence.fits, strict=True)
    place = np.arange(len(labels))
    axes.errorbar(place, values, errors, fmt="o", color=BLACK, markersize=4, capsize=2, label="measured")
    axes.plot(place, predicted, "_", color=RED, markersize=13, markeredgewidth=2.2, label="rule")
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    axes.set_xticks(place, labels, rotation=55, ha="right", fontsize=7.5)
    axes.legend(fontsize=8, frameon=False)
    return figure
