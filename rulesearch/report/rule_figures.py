"""Figures of a rule by itself: STDP window and frequency dependence, or its weight change over the two activities."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from rulesearch.expression.printing import symbol_latex
from rulesearch.expression.tree import Expression
from rulesearch.report.style import BLUE, GREY, RED, limits, new_figure, panel, rule_title
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SUMS, VOCABULARY, Trace
from rulesearch.simulate.synapse.respond import far_apart_change, pair_change, respond
from rulesearch.simulate.synapse.synapse import with_customary_traces
from rulesearch.workflow.side_by_side import spikes_alone

Array = npt.NDArray[np.float64]

_POINTS = 400
_GRID = 161
_ACTIVITY = 2.0
WEIGHTS = (0.0, 0.5, 1.0)
_WINDOW_HEIGHT, _SURFACE_HEIGHT = 3.1, 2.4
PAIRS, _GAP = 60, 0.01
FREQUENCIES = (0.1, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0)
_BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}


def rule_figure(rules: RuleSet, weight: float = 0.5, named: bool = False) -> Figure:
    """Return what pairs of spikes do by their order and frequency; without spike slots, the change over x and y.

    **Arguments:** `weight` before the spikes; `named`: the title says the name also of a rule that is the only one.
    """
    number, title = len(rules.rules), rule_title(rules, named)
    heights = [_WINDOW_HEIGHT if rule.moved_by_spikes else _SURFACE_HEIGHT for rule in rules.rules.values()]
    windows = any(rule.moved_by_spikes for rule in rules.rules.values())
    wide = windows or any(reads_weight(rule) for rule in rules.rules.values())
    figure = new_figure(9.0 if windows else 7.2 if wide else 4.4, sum(heights) + 0.25 * (2 + title.count("\n")))
    figure.suptitle(title, fontsize=10)
    parts: Any = figure.subfigures(number, 1, height_ratios=heights, squeeze=False)
    columns = len(WEIGHTS) if wide else 1
    for part, (name, rule) in zip(parts[:, 0], rules.rules.items(), strict=True):
        label = name if number > 1 else ""
        if rule.moved_by_spikes:
            _window(part, rule, weight, label)
        else:
            _surface(part, rule, label, columns)
    return figure


def reads_weight(rule: Rule) -> bool:
    """Return whether the change depends on the weight."""
    return any(name in rule.symbols for name in ("w", *SUMS))


def _window(part: Any, rule: Rule, weight: float, label: str) -> None:
    rule = with_customary_traces(rule)
    widest = widest_delay(rule)
    window, frequency = part.subplots(1, 2)
    axes = panel(window, r"$t_{\mathrm{post}} - t_{\mathrm{pre}}$ [ms]", _change_label(rule, r"\Delta w"), label)
    times = np.linspace(0.0, widest, _POINTS + 1)[1:]
    alone, held = spikes_alone(rule)
    for sign, colour, order in ((-1.0, RED, "post before pre"), (1.0, BLUE, "pre before post")):
        changes = np.array([pair_change(alone, float(sign * t), weight, held) for t in times])
        axes.plot(1e3 * sign * times, changes, color=colour, label=order, linewidth=1.8)
    apart = far_apart_change(alone, weight, held)
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    axes.axvline(0.0, color=GREY, linewidth=0.6)
    if apart:
        axes.axhline(apart, color=GREY, linestyle="--", linewidth=1.0, label="spikes far apart")
    axes.margins(x=0.02, y=0.1)
    _frequency(frequency, alone, weight, held)
    frequency.legend(*axes.get_legend_handles_labels(), fontsize=8, frameon=False, **_BESIDE)
    left_out = [slot for slot in ("drift", "on_step") if slot in rule.slots]
    notes = [
        f"left: one pair of spikes; right: {PAIRS} pairs, {1e3 * _GAP:g} ms apart; traces start at 0, w = {weight:g}"
    ]
    notes += [f"{_named(name)} = {value:g}" for name, value in held.items()]
    notes += [f"${symbol_latex(name)}$ = w" for name in SUMS if name in alone.symbols]
    notes += [f"{slot} left out" for slot in left_out]
    _note(part, notes)


def widest_delay(rule: Rule) -> float:
    """Return how far apart a window shows spikes [s]: five of the longest time constant, 0.1 to 0.5 s."""
    taus = [state.tau for state in rule.states.values() if isinstance(state, Trace)]
    return min(max([0.1, *(5.0 * tau for tau in taus)]), 0.5)


def _frequency(axes: Any, rule: Rule, weight: float, held: dict[str, float]) -> None:
    """Draw what pairs of either order do at several frequencies."""
    panel(axes, "frequency of pairs [Hz]", "", "")
    for order, colour in ((-1.0, RED), (1.0, BLUE)):
        changes = frequency_changes(rule, order, weight, held)
        axes.plot(FREQUENCIES, changes, "o-", color=colour, markersize=3, linewidth=1.4)
    axes.axhline(0.0, color=GREY, linewidth=0.6)


def frequency_changes(rule: Rule, order: float, weight: float, held: dict[str, float]) -> list[float]:
    """Return what pairs of an order (1: presynaptic first, -1) do at each of the frequencies."""
    low, high = rule.bounds or (-np.inf, np.inf)
    bounded = replace(rule, bounds=(min(low, weight), max(high, weight)))
    pre, post = ([max(0.0, -order * _GAP)], [max(0.0, order * _GAP)])
    return [respond(bounded, pre, post, PAIRS, 1.0 / hz, weight, held).delta_w for hz in FREQUENCIES]


def _surface(part: Any, rule: Rule, label: str, columns: int) -> None:
    left = r"\Delta w" if "on_step" in rule.slots else r"\dot{w}"
    weights = WEIGHTS if reads_weight(rule) else WEIGHTS[1:2]
    surfaces = [surface(rule, w) for w in weights]
    held = held_values(rule)
    widest = limits(np.array(surfaces))
    panels: Any = np.atleast_1d(part.subplots(1, columns, sharey=True, squeeze=True))
    for axes in panels[len(weights) :]:
        axes.set_axis_off()
    panels = panels[: len(weights)]
    for axes, w, values in zip(panels, weights, surfaces, strict=True):
        title = f"{label}{': ' * bool(label)}{f'w = {w:g}' if reads_weight(rule) else 'at any w'}"
        panel(axes, "x", "y" if axes is panels[0] else "", title)
        image = draw_surface(axes, values, widest)
    beyond = "both" if np.nanmax(np.abs(surfaces), initial=0.0) > widest else "neither"
    bar = part.colorbar(image, ax=list(panels), extend=beyond, shrink=0.95, aspect=15)
    bar.set_label(_change_label(rule, left), fontsize=9)
    bar.ax.tick_params(labelsize=8)
    notes = ["black line: no change"]
    notes += [f"{_named(name)} = {value:g}" for name, value in held.items() if name not in SUMS]
    notes += [f"${symbol_latex(name)}$ = w" for name in held if name in SUMS]
    _note(part, notes)


def held_values(rule: Rule) -> dict[str, float]:
    """Return the values at which all but x, y and w is held (R is 1, else 0) where a rate rule is drawn."""
    names = [name for name in _rate_slot(rule).symbols if name not in {"x", "y", "w", *rule.constants}]
    return {name: 1.0 if name == "R" else 0.0 for name in names}


def surface(rule: Rule, w: float) -> Array:
    """Return the change of a weight `w` over a grid of x and y from -2 to 2, learning rate included."""
    side = np.linspace(-_ACTIVITY, _ACTIVITY, _GRID)
    x, y = np.meshgrid(side, side)
    held = held_values(rule)
    values: dict[str, Any] = {**held, **rule.constant_values(), "x": x, "y": y, "w": w}
    values |= {name: w for name in SUMS if name in held}
    eta = 1.0 if rule.eta is None else rule.eta
    changes: Array = eta * np.broadcast_to(np.asarray(_rate_slot(rule).evaluate(values), dtype=float), x.shape)
    return changes


def draw_surface(axes: Any, values: Array, widest: float) -> Any:
    """Draw the change over x and y in colours that end at +-`widest`, with a line where there is none."""
    side = np.linspace(-_ACTIVITY, _ACTIVITY, _GRID)
    look: dict[str, Any] = {"origin": "lower", "cmap": "RdBu_r", "vmin": -widest, "vmax": widest}
    image = axes.imshow(values, extent=(-_ACTIVITY, _ACTIVITY) * 2, **look)
    # Beside a pole the sign changes without passing 0.
    passing = np.where(np.abs(values) <= widest, values, np.nan)
    if np.any(passing < 0.0) and np.any(passing > 0.0):
        axes.contour(side, side, passing, levels=[0.0], colors="black", linewidths=0.8)
    return image


def _rate_slot(rule: Rule) -> Expression:
    return rule.slots["on_step" if "on_step" in rule.slots else "drift"]


def _change_label(rule: Rule, change: str) -> str:
    return f"${change}$" if rule.eta is not None else rf"${change} / \eta$"


def _named(name: str) -> str:
    meaning = VOCABULARY.get(name, ("", ""))[0]
    return f"{meaning} ${symbol_latex(name)}$".strip()


def _note(part: Any, notes: list[str]) -> None:
    part.supxlabel("\n".join(textwrap.wrap("; ".join(notes), 120)), fontsize=7.5, color="#404040")
