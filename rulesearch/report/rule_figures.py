"""Figures of a rule by itself: STDP window and frequency dependence, or its weight change over the two activities."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from rulesearch.expression.printing import symbol_latex
from rulesearch.report.changes import (
    ACTIVITY,
    FREQUENCIES,
    PAIRS,
    WEIGHTS,
    Written,
    axis,
    check_drawn,
    frequency_changes,
    held_values,
    reads_weight,
    surface,
    widest_delay,
    written_by_spikes,
)
from rulesearch.report.style import BLUE, GREY, RED, limits, new_figure, panel, rule_title
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SUMS, VOCABULARY
from rulesearch.simulate.synapse.respond import far_apart_change, pair_change
from rulesearch.simulate.synapse.synapse import with_customary_traces
from rulesearch.workflow.side_by_side import spikes_alone

Array = npt.NDArray[np.float64]

_POINTS = 400
_WINDOW_HEIGHT, _SURFACE_HEIGHT = 3.1, 2.4
_BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}


def rule_figure(rules: RuleSet, weight: float = 0.5, named: bool = False) -> Figure:
    """Return what pairs of spikes do by their order and frequency; without spike slots, the change over x and y.

    Where spikes write into a synaptic state that the weight follows, such as an eligibility, that is what is shown.

    **Arguments:** `weight` before the spikes; `named`: the title says the name also of a rule that is the only one.
    **Raises:** `RulesearchError` where nothing moves.
    """
    check_drawn(rules.rules.values())
    written = {name: written_by_spikes(rule, weight) for name, rule in rules.rules.items()}
    at_spikes = {name for name, rule in rules.rules.items() if rule.moved_by_spikes or written[name] is not None}
    number, title = len(rules.rules), rule_title(rules, named)
    heights = [_WINDOW_HEIGHT if name in at_spikes else _SURFACE_HEIGHT for name in rules.rules]
    wide = bool(at_spikes) or any(reads_weight(rule) for rule in rules.rules.values())
    figure = new_figure(9.0 if at_spikes else 7.2 if wide else 4.4, sum(heights) + 0.25 * (2 + title.count("\n")))
    figure.suptitle(title, fontsize=10)
    parts: Any = figure.subfigures(number, 1, height_ratios=heights, squeeze=False)
    columns = len(WEIGHTS) if wide else 1
    for part, (name, rule) in zip(parts[:, 0], rules.rules.items(), strict=True):
        label = name if number > 1 else ""
        if name in at_spikes:
            _window(part, rule, weight, label, written[name])
        else:
            _surface(part, rule, label, columns)
    return figure


def _window(part: Any, whole: Rule, weight: float, label: str, written: Written | None) -> None:
    """Draw what pairs of spikes do to the weight, or to what it follows."""
    rule = with_customary_traces(whole if written is None else written.rule)
    moved = "w" if written is None else symbol_latex(written.name)
    start = weight if written is None else 0.0
    widest = widest_delay(rule)
    window, frequency = part.subplots(1, 2)
    axes = panel(window, r"$t_{\mathrm{post}} - t_{\mathrm{pre}}$ [ms]", _change_label(rule, rf"\Delta {moved}"), label)
    times = np.linspace(0.0, widest, _POINTS + 1)[1:]
    alone, held = spikes_alone(rule)
    for sign, colour, order in ((-1.0, RED, "post before pre"), (1.0, BLUE, "pre before post")):
        changes = np.array([pair_change(alone, float(sign * t), start, held) for t in times])
        axes.plot(1e3 * sign * times, changes, color=colour, label=order, linewidth=1.8)
    apart = far_apart_change(alone, start, held)
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    axes.axvline(0.0, color=GREY, linewidth=0.6)
    if apart:
        axes.axhline(apart, color=GREY, linestyle="--", linewidth=1.0, label="spikes far apart")
    axes.margins(x=0.02, y=0.1)
    _frequency(frequency, alone, start, held)
    frequency.legend(*axes.get_legend_handles_labels(), fontsize=8, frameon=False, **_BESIDE)
    left_out = [slot for slot in ("drift", "on_step") if written is None and slot in rule.slots]
    notes = [f"left: one pair of spikes; right: {PAIRS} pairs, 10 ms apart; traces start at 0, w = {weight:g}"]
    if written is not None:
        notes += [f"shown: {_named(written.name)}, which w follows, without its decay"]
    notes += [f"{_named(name)} = {value:g}" for name, value in held.items()]
    notes += [f"${symbol_latex(name)}$ = w" for name in SUMS if name in alone.symbols]
    notes += [f"{slot} left out" for slot in left_out]
    _note(part, notes)


def _frequency(axes: Any, rule: Rule, weight: float, held: dict[str, float]) -> None:
    """Draw what pairs of either order do at several frequencies."""
    panel(axes, "frequency of pairs [Hz]", "", "")
    for order, colour in ((-1.0, RED), (1.0, BLUE)):
        changes = frequency_changes(rule, order, weight, held)
        axes.plot(FREQUENCIES, changes, "o-", color=colour, markersize=3, linewidth=1.4)
    axes.axhline(0.0, color=GREY, linewidth=0.6)


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


def draw_surface(axes: Any, values: Array, widest: float) -> Any:
    """Draw the change over x and y in colours that end at +-`widest`, with a line where there is none."""
    look: dict[str, Any] = {"origin": "lower", "cmap": "RdBu_r", "vmin": -widest, "vmax": widest}
    image = axes.imshow(values, extent=(-ACTIVITY, ACTIVITY) * 2, **look)
    # Beside a pole the sign changes without passing 0.
    passing = np.where(np.abs(values) <= widest, values, np.nan)
    if np.any(passing < 0.0) and np.any(passing > 0.0):
        axes.contour(axis(), axis(), passing, levels=[0.0], colors="black", linewidths=0.8)
    return image


def _change_label(rule: Rule, change: str) -> str:
    return f"${change}$" if rule.eta is not None else rf"${change} / \eta$"


def _named(name: str) -> str:
    meaning = VOCABULARY.get(name, ("", ""))[0]
    return f"{meaning} ${symbol_latex(name)}$".strip()


def _note(part: Any, notes: list[str]) -> None:
    part.supxlabel("\n".join(textwrap.wrap("; ".join(notes), 120)), fontsize=7.5, color="#404040")
