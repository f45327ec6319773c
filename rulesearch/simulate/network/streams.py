"""Spikes of sources, drawn one stretch of time after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.simulate.machine.kernel import compiled

Spikes = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]
"""Spikes of a stretch: `offsets` `(steps + 1,)` and `units`: `units[offsets[t] : offsets[t + 1]]` fire in step t."""


class Stream(Protocol):
    """Spikes of a source, one stretch after the other; `memory` is all that it keeps from one to the next."""

    memory: npt.NDArray[np.float64]

    def draw(self, start: int, steps: int) -> Spikes:
        """Return the spikes of `steps` time steps from step `start` on, ascending within each step."""


@dataclass(slots=True)
class PoissonStream:
    generator: np.random.Generator
    rates: npt.NDArray[np.float64]
    every: float
    size: int
    dt: float
    memory: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def set_rates(self, rates: npt.NDArray[np.float64]) -> None:
        """Fire with these rates `(bins, 1 or size)` [Hz] in what is drawn from now on."""
        self.rates = rates

    def draw(self, start: int, steps: int) -> Spikes:
        offsets = np.zeros(steps + 1, dtype=np.int64)
        parts = []
        at = start
        while at < start + steps:
            index = 0 if math.isinf(self.every) else int(at * self.dt / self.every * (1.0 + 1e-12))
            last = index >= len(self.rates) - 1
            end = start + steps if last else min(start + steps, max(at + 1, round((index + 1) * self.every / self.dt)))
            row = self.rates[min(index, len(self.rates) - 1)]
            units, counts = _draw_cells(self.generator, row * self.dt, self.size, end - at)
            offsets[at - start + 1 : end - start + 1] = counts
            parts.append(units)
            at = end
        return np.cumsum(offsets), np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)


@dataclass(slots=True)
class FluctuatingStream:
    generator: np.random.Generator
    size: int
    groups: int
    mean: float
    sd: float
    tau: float
    rectified: bool
    dt: float
    memory: npt.NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.memory = self.generator.standard_normal(self.groups)

    def draw(self, start: int, steps: int) -> Spikes:
        width = max(1, round(1e-3 / self.dt))
        decay = math.exp(-width * self.dt / self.tau)
        offsets = np.zeros(steps + 1, dtype=np.int64)
        parts = []
        at = start
        while at < start + steps:
            end = min(start + steps, (at // width + 1) * width)
            signal = self.sd * self.memory
            rates = self.mean + np.maximum(0.0, signal) if self.rectified else np.maximum(0.0, self.mean + signal)
            row = np.minimum(1.0, np.repeat(rates, self.size // self.groups) * self.dt)
            units, counts = _draw_cells(self.generator, row, self.size, end - at)
            offsets[at - start + 1 : end - start + 1] = counts
            parts.append(units)
            if end % width == 0:
                noise = self.generator.standard_normal(self.groups)
                self.memory = decay * self.memory + math.sqrt(1.0 - decay * decay) * noise
            at = end
        return np.cumsum(offsets), np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)


@dataclass(slots=True)
class GivenStream:
    steps: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]
    memory: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def draw(self, start: int, steps: int) -> Spikes:
        low, high = np.searchsorted(self.steps, [start, start + steps])
        counts = np.bincount(self.steps[low:high] - start, minlength=steps)
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64), self.units[low:high].astype(np.uint32)


@dataclass(slots=True)
class PatternStream:
    given: GivenStream
    around: Stream
    begins: npt.NDArray[np.int64]
    length: int
    member: npt.NDArray[np.bool_]
    memory: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def draw(self, start: int, steps: int) -> Spikes:
        offsets, units = self.given.draw(start, steps)
        at = np.repeat(np.arange(start, start + steps), np.diff(offsets))
        offsets, others = self.around.draw(start, steps)
        other_at = np.repeat(np.arange(start, start + steps), np.diff(offsets))
        latest = np.searchsorted(self.begins, other_at, side="right") - 1
        inside = (
            (latest >= 0) & (other_at < self.begins[np.maximum(latest, 0)] + self.length)
            if self.begins.size
            else (np.zeros(other_at.size, dtype=bool))
        )
        keep = ~(inside & self.member[others])
        every_at, every_unit = np.concatenate((at, other_at[keep])), np.concatenate((units, others[keep]))
        order = np.lexsort((every_unit, every_at))
        every_at, every_unit = every_at[order], every_unit[order]
        # An afferent outside of the members may fire by itself and by a pattern in one step: it fires once.
        first = np.ones(every_at.size, dtype=bool)
        first[1:] = (np.diff(every_at) != 0) | (np.diff(every_unit) != 0)
        counts = np.bincount(every_at[first] - start, minlength=steps)
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64), every_unit[first].astype(np.uint32)


def on_grid(
    name: str, size: int, times: npt.NDArray[np.float64], units: npt.NDArray[np.int64], dt: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    seconds, units = np.asarray(times, dtype=np.float64), np.asarray(units, dtype=np.int64)
    if seconds.shape != units.shape or seconds.ndim != 1:
        raise RulesearchError(
            f"source {name}: as many times as afferents are needed, found {seconds.shape}, {units.shape}"
        )
    if not (np.all(np.isfinite(seconds)) and np.all(seconds >= 0.0)):
        raise RulesearchError(f"source {name}: spike times must be at least 0 s")
    if units.size and not (units.min() >= 0 and units.max() < size):
        raise RulesearchError(f"source {name}: afferents must lie in 0 to {size - 1}")
    steps = np.rint(seconds / dt).astype(np.int64)
    order = np.lexsort((units, steps))
    steps, units = steps[order], units[order]
    if np.any((np.diff(steps) == 0) & (np.diff(units) == 0)):
        raise RulesearchError(f"source {name}: an afferent fires twice within one time step of {dt:g} s")
    return steps, units


def _draw_cells(
    generator: np.random.Generator, chances: npt.NDArray[np.float64], size: int, steps: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Return which afferents fire, step after step, and how many in each of the steps."""
    units, counts = _bernoulli_cells(generator, np.ascontiguousarray(chances), float(chances.max()), size, steps)
    return units, counts


@compiled(nogil=True)
def _bernoulli_cells(generator: Any, chances: Any, most: float, size: int, steps: int) -> Any:
    cells = size * steps
    counts = np.zeros(steps, dtype=np.int64)
    expected = cells * most
    found = np.empty(int(expected + 6.0 * np.sqrt(expected) + 64.0), dtype=np.uint32)
    count = 0
    if most <= 0.0:
        return found[:0].copy(), counts
    scale = 1.0 / np.log1p(-most) if most < 1.0 else 0.0
    alike = chances.size == 1
    cell = -1
    while True:
        # Cells are passed over at the largest chance, and those of smaller chances are kept in proportion.
        gap = np.log(1.0 - generator.random()) * scale
        if not gap < cells:
            break
        cell += 1 + int(gap)
        if cell >= cells:
            break
        unit = cell % size
        if alike or generator.random() * most < chances[unit]:
            if count == found.size:
                found = np.concatenate((found, np.empty_like(found)))
            found[count] = unit
            counts[cell // size] += 1
            count += 1
    return found[:count].copy(), counts
