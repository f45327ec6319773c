"""Several rules side by side, on the same axes: STDP windows and frequencies, or changes over the two activities."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rulesearch.errors import RulesearchError
from rulesearch.export.equations import slot_equations
from rulesearch.export.width import latex_width
from rulesearch.report.changes import (
    FREQUENCIES,
    PAIRS,
    WEIGHTS,
    check_drawn,
    frequency_changes,
    moves,
    reads_weight,
    surface,
    widest_delay,
)
from rulesearch.report.front_figure import plain
from rulesearch.report.rule_figures import draw_surface
from rulesearch.report.style import BLUE, GREY, RED, draws, limits, new_figure, panel
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.simulate.synapse.respond import pair_change
from rulesearch.simulate.synapse.synapse import with_customary_traces
from rulesearch.workflow.side_by_side import spikes_alone

_COLUMN = 2.7
_WIDEST_TITLE, _WIDEST_EQUATION = 30, 30.0
_POINTS = 150
_FAR = 20.0
"""How many times larger the changes of a rule may be before each is drawn in units of its own largest."""
_MOST = 8
_HELD = "what else a rule reads is 0, a reward 1"


def beside_figure(rules: Mapping[str, RuleSet], weight: float = 0.5) -> Figure:
    """Return rules by label as columns on the same axes.

    Where the largest changes of two rules are more than 20 times apart, each is drawn in units of its own largest. A
    rule of a set that changes nothing is left out, and named below.

    **Arguments:** `weight` before the spikes.
    **Raises:** `RulesearchError` for rules of spikes and of rates together, or more than fit a page.
    """
    for each in rules.values():
        check_drawn(each.rules.values(), moves)
    found = [(_column_label(label, each, name), each.rules[name]) for name, label, each in _in_order(rules)]
    columns = [(label, rule) for label, rule in found if moves(rule)]
    still = [label for label, rule in found if not moves(rule)]
    note = f"{_HELD}; not drawn, as nothing changes: {', '.join(still)}" if still else _HELD
    if len(columns) > _MOST:
        raise RulesearchError(f"at most {_MOST} rules are drawn side by side, found {len(columns)}")
    kinds = {rule.moved_by_spikes: label for label, rule in columns}
    if len(kinds) > 1:
        raise RulesearchError(
            f"{kinds[True]!r} changes at spikes and {kinds[False]!r} with activities; draw one kind at a time"
        )
    return _windows(columns, weight, note) if True in kinds else _surfaces(columns, note)


def _in_order(rules: Mapping[str, RuleSet]) -> list[tuple[str, str, RuleSet]]:
    """Return the name of each rule with the label and the set it is of; rules of one name stand side by side."""
    names = dict.fromkeys(name for each in rules.values() for name in each.rules)
    return [(name, label, each) for name in names for label, each in rules.items() if name in each.rules]


def _column_label(label: str, rules: RuleSet, name: str) -> str:
    if len(rules.rules) == 1:
        return label
    return f"{name}[{rules.rules[name]}]" if label == str(rules) else f"{label}, {name}"


def fitting_beside(rules: RuleSet, names: Sequence[str]) -> list[str]:
    """Return the known rules that can stand beside rules on the same axes, as many as a page takes."""
    found: list[str] = []
    columns = list(rules.rules.values())
    for name in names:
        wider = [*columns, *known_rule(name).rules.rules.values()]
        if len(wider) <= _MOST and len({rule.moved_by_spikes for rule in wider}) == 1 and all(map(moves, wider)):
            columns = wider
            found.append(name)
    return found


def _windows(columns: Sequence[tuple[str, Rule]], weight: float, held_note: str) -> Figure:
    figure, panels = _new(columns, 2, 2.1)
    alone = [spikes_alone(with_customary_traces(rule)) for _, rule in columns]
    widest = max(widest_delay(rule) for rule, _ in alone)
    times = np.linspace(0.0, widest, _POINTS + 1)[1:]
    orders = ((-1.0, RED, "post before pre"), (1.0, BLUE, "pre before post"))
    windows = [
        [np.array([pair_change(rule, float(sign * t), weight, held) for t in times]) for sign, _, _ in orders]
        for rule, held in alone
    ]
    pairs = [[np.array(frequency_changes(rule, sign, weight, held)) for sign, _, _ in orders] for rule, held in alone]
    for top, found, heading in (
        (True, windows, "change by one pair"),
        (False, pairs, f"change by {PAIRS} pairs"),
    ):
        units, said = _units([float(np.nanmax(np.abs(each))) for each in found])
        for place, (axes, curves, unit) in enumerate(zip(panels[0 if top else 1], found, units, strict=True)):
            panel(
                axes,
                r"$t_{\mathrm{post}} - t_{\mathrm{pre}}$ [ms]" if top else "frequency of pairs [Hz]",
                f"{heading}{said}" if place == 0 else "",
            )
            for curve, (sign, colour, label) in zip(curves, orders, strict=True):
                style = {"color": colour, "linewidth": 1.6, "label": label}
                if top:
                    axes.plot(1e3 * sign * times, curve / unit, **style)
                else:
                    axes.plot(FREQUENCIES, curve / unit, "o-", markersize=3, **style)
            axes.axhline(0.0, color=GREY, linewidth=0.6)
            if top:
                axes.axvline(0.0, color=GREY, linewidth=0.6)
    _titles(panels[0], columns)
    handles = panels[0][0].get_legend_handles_labels()
    note = f"pairs are 10 ms apart; traces start at 0, w = {weight:g}; {held_note}"
    legend = figure.legend(*handles, fontsize=8, frameon=False, loc="outside lower center", ncols=2, title=note)
    legend.get_title().set_fontsize(7.5)
    return figure


def _surfaces(columns: Sequence[tuple[str, Rule]], note: str) -> Figure:
    weights = WEIGHTS if any(reads_weight(rule) for _, rule in columns) else WEIGHTS[1:2]
    figure, panels = _new(columns, len(weights), 2.2)
    found = [[surface(rule, w) for w in weights] for _, rule in columns]
    units, said = _units([limits(np.array(each), 0.0) for each in found])
    scaled = [[values / unit for values in each] for each, unit in zip(found, units, strict=True)]
    widest = limits(np.array(scaled))
    for row, w in enumerate(weights):
        for column, each in enumerate(scaled):
            axes = panel(
                panels[row][column], "x" if row == len(weights) - 1 else "", f"w = {w:g}\ny" if not column else ""
            )
            image = draw_surface(axes, each[row], widest)
    _titles(panels[0], columns)
    beyond = "both" if np.nanmax(np.abs(scaled), initial=0.0) > widest else "neither"
    figure.supxlabel(plain(f"black line: no change; {note}"), fontsize=7.5, color="#404040")
    bar = figure.colorbar(image, ax=panels, extend=beyond, shrink=0.9, aspect=25)
    bar.set_label(f"change of w{said}", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure


def _new(columns: Sequence[tuple[str, Rule]], rows: int, height: float) -> tuple[Figure, Any]:
    figure = new_figure(_COLUMN * len(columns) + 1.0, rows * height + 0.8)
    panels: Any = figure.subplots(rows, len(columns), sharex="row", sharey="row", squeeze=False)
    return figure, panels


def _titles(row: Any, columns: Sequence[tuple[str, Rule]]) -> None:
    for axes, (label, rule) in zip(row, columns, strict=True):
        lines = [plain(line) for line in textwrap.wrap(label, _WIDEST_TITLE)]
        found = [f"${left} = {parts[0]}$" for left, parts in slot_equations(rule, 3, with_values=True, line=1e9)]
        if all(latex_width(each) <= _WIDEST_EQUATION for each in found) and draws(found):
            lines += found
        axes.set_title("\n".join(lines), fontsize=8, loc="left")


def _units(largest: Sequence[float]) -> tuple[list[float], str]:
    """Return by what the changes of each rule are divided, and what an axis says of it; `largest` of each."""
    changing = [each for each in largest if each > 0.0]
    if not changing or max(changing) <= _FAR * min(changing):
        return [1.0] * len(largest), ""
    return [each or 1.0 for each in largest], "\nin units of each rule's largest"
