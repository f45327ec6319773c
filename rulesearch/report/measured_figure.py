"""Measured weight changes beside what a fitted rule gives, and what it predicts of rows that were left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rulesearch.report.style import BLACK, COLOURS, GREY, RED, new_figure, panel
from rulesearch.workflow.fitted import Fitted

_MOST_NAMED = 50


def measured_figure(found: Fitted) -> Figure:
    """Return the figure of a fit: each row in turn, and predictions of left-out rows over measured changes."""
    data, fit = found.found.data, found.found
    left = found.predictions[0]
    count = len(data.changes)
    figure = new_figure(max(8.0, 4.5 + 0.16 * count), 4.4)
    panels: Any = figure.subplots(1, 2, width_ratios=(max(1.0, count / 25.0), 1.0))
    place = np.arange(count, dtype=np.float64)
    rows = panel(panels[0], "", "weight change", "each row")
    rows.errorbar(place, data.changes, data.sem, fmt="o", color=BLACK, markersize=3.5, capsize=2, label="measured")
    rows.plot(place, fit.predictions, "_", color=RED, markersize=10, markeredgewidth=2.0, label="fitted")
    rows.axhline(0.0, color=GREY, linewidth=0.6)
    if count <= _MOST_NAMED:
        rows.set_xticks(place, list(data.labels), rotation=75, ha="right", rotation_mode="anchor", fontsize=6.5)
    rows.legend(fontsize=8, frameon=False)
    beside = panel(panels[1], "measured change", "predicted, the row left out", "prediction")
    groups = fit.form.groups
    for group, name in enumerate(fit.form.preparations):
        here = groups == group
        beside.errorbar(
            data.changes[here],
            left.predictions[here],
            xerr=data.sem[here],
            fmt="o",
            color=COLOURS[group % len(COLOURS)],
            markersize=3.5,
            linewidth=0.7,
            label=name or None,
        )
    known = [*data.changes[np.isfinite(data.changes)], *left.predictions[np.isfinite(left.predictions)]]
    ends = np.array([min(known), max(known)])
    beside.plot(ends, ends, color=GREY, linewidth=0.8)
    if len(fit.form.preparations) > 1:
        beside.legend(fontsize=6.5, frameon=False)
    figure.suptitle(
        f"mean z² {fit.z2:.3g}, of rows that were left out {left.z2:.3g}; elpd {left.elpd:.3g} ± {left.elpd_se:.2g}",
        fontsize=9,
    )
    return figure
