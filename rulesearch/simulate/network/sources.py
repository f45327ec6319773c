"""Where spikes come from besides the simulated neurons; every source draws one stretch of time after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.simulate.network.streams import (
    FluctuatingStream,
    GivenStream,
    PatternStream,
    PoissonStream,
    Stream,
    on_grid,
)


class Source(Protocol):
    """Afferents that fire without being simulated.

    **Fields:** `name`; `size`: number of afferents.
    """

    @property
    def name(self) -> str:
        """Name by which projections refer to it."""

    @property
    def size(self) -> int:
        """Number of afferents."""

    def stream(self, generator: np.random.Generator, dt: float) -> Stream:
        """Return the spikes from the start of a simulation on.

        **Raises:** `RulesearchError` where the source cannot be drawn with this time step [s].
        """


@dataclass(frozen=True, slots=True)
class Poisson:
    """Afferents that fire independently, at most once per time step, with given rates.

    **Fields:** `rates` [Hz]: one value; one per afferent `(size,)`; or `(bins, 1 or size)`, constant for `every`
    seconds each, the last one held.
    """

    name: str
    size: int
    rates: float | npt.NDArray[np.float64]
    every: float = math.inf

    def stream(self, generator: np.random.Generator, dt: float) -> Stream:
        """Return the spikes from the start on; errors as in `Source`."""
        table = self.table(self.rates, dt)
        if not self.every >= dt:
            raise RulesearchError(f"source {self.name}: rates must last at least one step of {dt:g} s")
        return PoissonStream(generator, table, self.every, self.size, dt)

    def table(self, given: float | npt.NDArray[np.float64], dt: float) -> npt.NDArray[np.float64]:
        """Return rates as `(bins, 1 or size)` [Hz]; errors as in `Source`."""
        rates = np.asarray(given, dtype=np.float64)
        table: npt.NDArray[np.float64] = rates.reshape(1, -1) if rates.ndim < 2 else rates
        if table.ndim != 2 or table.shape[1] not in (1, self.size) or not table.size:
            raise RulesearchError(f"source {self.name}: rates of shape {rates.shape} do not fit {self.size} afferents")
        if not (np.all(np.isfinite(table)) and table.min() >= 0.0 and table.max() * dt <= 1.0):
            raise RulesearchError(f"source {self.name}: rates must lie in 0 to {1.0 / dt:g} Hz (1/dt)")
        return table


@dataclass(frozen=True, slots=True)
class FluctuatingGroups:
    r"""Groups of afferents with a common rate each, $\max(0, \mathrm{mean} + \mathrm{sd}\, z)$ or, rectified,
    $\mathrm{mean} + \max(0, \mathrm{sd}\, z)$.

    z is an Ornstein-Uhlenbeck process of variance 1 and correlation time `tau` [s], held for 1 ms at a time. Groups
    have the same size and come one after the other.
    """

    name: str
    size: int
    groups: int
    mean: float
    sd: float
    tau: float = 0.05
    rectified: bool = True

    def stream(self, generator: np.random.Generator, dt: float) -> Stream:
        """Return the spikes from the start on; errors as in `Source`."""
        if self.groups < 1 or self.size % self.groups:
            raise RulesearchError(f"source {self.name}: {self.size} afferents cannot form {self.groups} equal groups")
        if not (self.mean >= 0.0 and self.sd >= 0.0 and self.tau > 0.0):
            raise RulesearchError(f"source {self.name}: mean and sd must be at least 0 Hz, and tau above 0 s")
        return FluctuatingStream(generator, self.size, self.groups, self.mean, self.sd, self.tau, self.rectified, dt)


@dataclass(frozen=True, slots=True)
class SpikeTimes:
    """Given spikes: `times` [s] `(spikes,)` and `afferents` `(spikes,)`, which fires; in any order."""

    name: str
    size: int
    times: npt.NDArray[np.float64]
    afferents: npt.NDArray[np.int64]

    def stream(self, generator: np.random.Generator, dt: float) -> Stream:
        """Return the spikes from the start on; errors as in `Source`."""
        return GivenStream(*on_grid(self.name, self.size, self.times, self.afferents, dt))


@dataclass(frozen=True, slots=True)
class FrozenPatterns:
    """Patterns of spikes that come back unchanged, in background firing that ceases while one is shown.

    **Fields:** `patterns`: times [s] from its start and afferents of each; `duration` of a pattern [s]; `starts` [s],
    ascending, and `shown`: when which pattern begins; `background` between them [Hz], one value or one per afferent
    `(size,)`; `members`: afferents that belong to the patterns (empty: all); the others fire on.
    """

    name: str
    size: int
    patterns: tuple[tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]], ...]
    duration: float
    starts: npt.NDArray[np.float64]
    shown: npt.NDArray[np.int64]
    background: float | npt.NDArray[np.float64] = 0.0
    members: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def stream(self, generator: np.random.Generator, dt: float) -> Stream:
        """Return the spikes from the start on; errors as in `Source`."""
        if self.starts.shape != self.shown.shape or np.any(np.diff(self.starts) < self.duration):
            raise RulesearchError(f"source {self.name}: patterns must follow each other without an overlap")
        if self.shown.size and not (self.shown.min() >= 0 and self.shown.max() < len(self.patterns)):
            raise RulesearchError(f"source {self.name}: shown must name patterns 0 to {len(self.patterns) - 1}")
        begins = np.rint(self.starts / dt).astype(np.int64)
        length = round(self.duration / dt)
        times, units = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        grids = [on_grid(self.name, self.size, *pattern, dt) for pattern in self.patterns]
        for grid in grids:
            if grid[0].size and grid[0].max() >= length:
                raise RulesearchError(f"source {self.name}: a pattern has spikes behind its duration")
        for begin, which in zip(begins, self.shown, strict=True):
            times.append(grids[which][0] + begin)
            units.append(grids[which][1])
        given = GivenStream(np.concatenate(times), np.concatenate(units))
        around = Poisson(self.name, self.size, self.background).stream(generator, dt)
        member = np.ones(self.size, dtype=bool)
        if self.members.size:
            member[:] = False
            member[self.members] = True
        return PatternStream(given, around, begins, length, member)
