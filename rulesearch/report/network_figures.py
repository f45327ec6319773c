"""Figures of what a spiking network did: raster, rates, weights, potentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from rulesearch.errors import RulesearchError
from rulesearch.report.style import BLUE, COLOURS, GREY, RED, new_figure, panel
from rulesearch.simulate.network.recording import Recording

_SHOWN_NEURONS = 60
_SHOWN_SPIKES = 20_000
_RASTER_SECONDS = 1.0
_SHOWN_WEIGHTS = 12
_BINS = 40


def network_figure(recordings: Recording | Sequence[Recording], target: float | None = None) -> Figure:
    """Return raster and rates of the recorded populations and, where they were written down, weights and potentials.

    **Arguments:** `recordings`: one stretch of a simulation or several that follow each other; `target`: a rate that is
    marked [Hz].
    **Raises:** `RulesearchError` where no spikes were recorded.
    """
    stretches = [recordings] if isinstance(recordings, Recording) else list(recordings)
    if not any(stretch.spikes for stretch in stretches):
        raise RulesearchError("no spikes were recorded: give Record(spikes=[...]) the names of populations")
    weights = [(stretch, name) for stretch in stretches for name in stretch.weights if len(stretch.weights[name]) > 1]
    potentials = any(stretch.potentials for stretch in stretches)
    rows = 1 + bool(weights) + potentials
    figure = new_figure(9.6, 3.0 * rows)
    panels: Any = figure.subplots(rows, 2, squeeze=False)
    draw_raster(panels[0, 0], stretches[-1])
    draw_rates(panels[0, 1], stretches, target)
    if weights:
        draw_weight_trajectories(panels[1, 0], *weights[0])
        draw_weight_histogram(panels[1, 1], *weights[0])
    if potentials:
        draw_potentials(panels[-1, 0], stretches[-1])
        panels[-1, 1].set_axis_off()
    return figure


def draw_raster(axes: Any, recording: Recording) -> None:
    """Draw the spikes of some units of each recorded population in the last second."""
    end = recording.stop
    start = max(recording.start, end - _RASTER_SECONDS)
    panel(axes, "time [s]", "unit", f"spikes of up to {_SHOWN_NEURONS} units of each population")
    base, ticks, labels = 0, [], []
    for (name, (times, units)), colour in zip(recording.spikes.items(), COLOURS, strict=False):
        size = recording.sizes[name]
        chosen = np.unique(np.linspace(0, size - 1, min(size, _SHOWN_NEURONS)).astype(np.int64))
        inside = (times >= start) & np.isin(units, chosen)
        place = np.searchsorted(chosen, units[inside])
        axes.plot(times[inside][:_SHOWN_SPIKES], base + place[:_SHOWN_SPIKES], "|", color=colour, markersize=2.5)
        ticks.append(base + 0.5 * len(chosen))
        labels.append(name)
        base += len(chosen) + 4
    axes.set_yticks(ticks, labels)
    axes.set_xlim(start, end)
    axes.set_ylim(-1, max(base - 3, 1))


def draw_rates(axes: Any, recordings: Sequence[Recording], target: float | None = None) -> None:
    """Draw the mean rate of each recorded population in windows of a hundredth of the time, at least 10 ms."""
    panel(axes, "time [s]", "mean rate [Hz]", "rates")
    whole = recordings[-1].stop - recordings[0].start
    window = max(0.01, round(whole / 100.0, 2))
    names = list(dict.fromkeys(name for recording in recordings for name in recording.spikes))
    for name, colour in zip(names, COLOURS, strict=False):
        time: list[npt.NDArray[np.float64]] = []
        rate: list[npt.NDArray[np.float64]] = []
        for recording in recordings:
            if name in recording.spikes:
                found = recording.rates(name, window)
                time.append(recording.start + window * (np.arange(len(found), dtype=np.float64) + 0.5))
                rate.append(found)
        axes.plot(np.concatenate(time), np.concatenate(rate), color=colour, linewidth=1.0, label=name)
    if target is not None:
        axes.axhline(target, color=GREY, linestyle="--", linewidth=1.2, label=f"target {target:g} Hz")
    axes.set_ylim(bottom=0.0)
    axes.legend(fontsize=8, frameon=False)


def draw_weight_trajectories(axes: Any, recording: Recording, projection: str) -> None:
    """Draw the median weight, the range of the middle 90 %, and some single synapses."""
    time, weights = recording.weight_times, recording.weights[projection]
    panel(axes, "time [s]", "weight", f"weights of {projection}: median, middle 90 %, single synapses")
    if weights.shape[1]:
        low, middle, high = np.percentile(weights, [5.0, 50.0, 95.0], axis=1)
        axes.fill_between(time, low, high, color=BLUE, alpha=0.2, linewidth=0)
        shown = np.unique(np.linspace(0, weights.shape[1] - 1, _SHOWN_WEIGHTS).astype(np.int64))
        axes.plot(time, weights[:, shown], color=GREY, linewidth=0.5, alpha=0.7)
        axes.plot(time, middle, color=RED, linewidth=1.6)
    axes.set_xlim(time[0], time[-1])


def draw_weight_histogram(axes: Any, recording: Recording, projection: str) -> None:
    """Draw how weights are distributed at the first and the last time they were written down."""
    weights = recording.weights[projection]
    panel(axes, "weight", "synapses", f"weights of {projection}")
    finite = weights[:, np.all(np.isfinite(weights[[0, -1]]), axis=0)]
    if finite.size:
        edges = np.histogram_bin_edges(finite[[0, -1]], _BINS)
        for row, colour in ((0, GREY), (-1, BLUE)):
            label = f"{recording.weight_times[row]:g} s"
            axes.hist(finite[row], edges, color=colour, alpha=0.6, label=label)
        axes.legend(fontsize=8, frameon=False)


def draw_potentials(axes: Any, recording: Recording) -> None:
    """Draw the membrane potentials that were written down, in the last second."""
    panel(axes, "time [s]", "membrane potential [mV]", "potentials")
    inside = recording.potential_times >= recording.stop - _RASTER_SECONDS
    colours = iter(COLOURS * 4)
    for name, values in recording.potentials.items():
        for column, colour in zip(range(min(values.shape[1], 4)), colours, strict=False):
            axes.plot(
                recording.potential_times[inside], values[inside, column], color=colour, linewidth=0.7, label=name
            )
    axes.legend(fontsize=8, frameon=False)
