"""Figure of several rules beside each other on a task."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rulesearch.report.front_figure import plain
from rulesearch.report.style import COLOURS, GREY, new_figure, panel, rule_title
from rulesearch.rules.rule import RuleSet
from rulesearch.workflow.side_by_side import Behaviour

_STYLES = ("-", "--", ":", "-.")
"""How windows of the rules of a set are told apart."""


def comparison_figure(rules: RuleSet, behaviours: Sequence[Behaviour]) -> Figure:
    """Return losses (own and fitted learning rate), weights on the way, and STDP windows, as far as there are."""
    windows = any(each.windows for each in behaviours)
    trajectories = any(each.weights.size for each in behaviours)
    figure = new_figure(max(5.2, 3.4 + 3.2 * (windows + trajectories)), 3.6)
    figure.suptitle(rule_title(rules), fontsize=9)
    panels: list[Any] = list(np.atleast_1d(figure.subplots(1, 1 + windows + trajectories)))
    colours = dict(zip([each.label for each in behaviours], COLOURS * len(behaviours), strict=False))
    _losses(panels.pop(0), behaviours, colours)
    if trajectories:
        axes = panel(panels.pop(0), "time (steps, or s)", "root mean square weight", "on the way, own learning rate")
        for each in behaviours:
            if each.weights.size:
                axes.plot(each.times, each.weights, color=colours[each.label], label=each.label)
        # A rule that runs away must not hide the others.
        tops = [float(np.nanmax(each.weights)) for each in behaviours if each.weights.size and each.outcome.ok]
        if tops:
            axes.set_ylim(0.0, 1.15 * max(tops))
    if windows:
        axes = panel(panels.pop(0), r"$t_{\mathrm{post}} - t_{\mathrm{pre}}$ [ms]", r"$\Delta w$", "one pair of spikes")
        styles: dict[str, str] = {}
        for each in behaviours:
            for name, window in each.windows.items():
                style = styles.setdefault(name, _STYLES[len(styles) % len(_STYLES)])
                _draw_window(axes, window, style, colours[each.label])
        if len(styles) > 1:
            for name, style in styles.items():
                axes.plot([], [], style, color=GREY, label=name)
            axes.legend(fontsize=7, frameon=False)
        axes.axhline(0.0, color=GREY, linewidth=0.6)
        axes.axvline(0.0, color=GREY, linewidth=0.6)
    return figure


def _draw_window(axes: Any, window: Mapping[float, float], style: str, colour: str) -> None:
    for sign in (-1.0, 1.0):
        side = {delay: change for delay, change in window.items() if sign * delay > 0}
        axes.plot([1e3 * delay for delay in side], list(side.values()), f"o{style}", markersize=3, color=colour)


def _losses(axes: Any, behaviours: Sequence[Behaviour], colours: dict[str, str]) -> None:
    panel(axes, "loss", "", "own (open) and best learning rate")
    place = np.arange(len(behaviours))[::-1]
    for row, each in zip(place, behaviours, strict=True):
        for outcome, face in ((each.outcome, "none"), (each.fitted, colours[each.label])):
            if outcome.loss is not None:
                axes.plot(outcome.loss, row, "o", color=colours[each.label], markerfacecolor=face, markersize=6)
        if each.fitted.loss is None:
            said = f"{each.fitted.status} at the best rate" if each.outcome.ok else each.fitted.status
            # Above the open circle of its own rate.
            at = (0.5, row + 0.15 * each.outcome.ok)
            axes.annotate(said, at, xycoords=("axes fraction", "data"), fontsize=8, ha="center", va="bottom")
    found = [outcome.loss for each in behaviours for outcome in (each.outcome, each.fitted) if outcome.loss is not None]
    if found and min(found) > 0.0 and max(found) > 20.0 * min(found):
        axes.set_xscale("log")
    axes.set_yticks(place, [_short(each.label) for each in behaviours], fontsize=7)
    for label, each in zip(axes.get_yticklabels(), behaviours, strict=True):
        label.set_color(colours[each.label])
    axes.set_ylim(-0.5, len(behaviours) - 0.5)


def _short(label: str, width: int = 34, most: int = 4) -> str:
    """Return a label in lines of a column."""
    return "\n".join(textwrap.wrap(plain(label), width, max_lines=most, placeholder=" ..."))
