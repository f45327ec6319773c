"""What is written down while a network runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.given import integer, real_number, several
from rulesearch.simulate.machine.kernel import compiled
from rulesearch.simulate.network import tables
from rulesearch.simulate.network.network import Network


@dataclass(frozen=True, slots=True)
class Record:
    """What is written down while a network runs.

    **Fields:** `spikes`: names of sources and populations, None for all populations; `potentials`: neurons by
    population, every `potentials_every` seconds; `weights`: names of plastic projections, every `weights_every` seconds
    (0: none); `synapses`: at most so many of each, evenly chosen.
    """

    spikes: Sequence[str] | None = None
    potentials: Mapping[str, Sequence[int]] = field(default_factory=dict)
    potentials_every: float = 1e-3
    weights: Sequence[str] = ()
    weights_every: float = 0.0
    synapses: int = 100_000

    def __post_init__(self) -> None:
        integer(self.synapses, "synapses that are written down", 1)
        for what, seconds in (("potentials_every", self.potentials_every), ("weights_every", self.weights_every)):
            if not (math.isfinite(real_number(seconds, what)) and seconds >= 0.0):
                raise RulesearchError(f"{what} must be at least 0 s, found {seconds:g}")


@dataclass(frozen=True, slots=True)
class Recording:
    """What one stretch of a simulation did.

    **Fields:** `status`; `start` and `stop` [s] as far as it came; `spikes` by source or population: times [s] and
    units; `sizes`: units of each; `potential_times` [s] and `potentials` `(times, neurons)` by population;
    `weight_times` [s] and `weights` `(times, synapses)` by projection; `counts`: spikes by source or population,
    recorded or not; `work`: counted work since the simulation began; `events`: arrivals at synapses; `updates`:
    evaluations of rules.
    """

    status: str
    start: float
    stop: float
    spikes: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]]
    sizes: Mapping[str, int]
    potential_times: npt.NDArray[np.float64]
    potentials: Mapping[str, npt.NDArray[np.float64]]
    weight_times: npt.NDArray[np.float64]
    weights: Mapping[str, npt.NDArray[np.float64]]
    counts: Mapping[str, int]
    work: int
    events: int
    updates: int

    def mean_rate(self, name: str) -> float:
        """Return the mean rate [Hz] of a source's or population's units over the stretch."""
        return self.counts[name] / self.sizes[name] / max(self.stop - self.start, 1e-300)

    def rates(self, name: str, window: float) -> npt.NDArray[np.float64]:
        """Return the mean rate [Hz] of the units in consecutive windows of so many seconds."""
        times, _ = self._recorded(name)
        edges = np.arange(round((self.stop - self.start) / window) + 1) * window + self.start
        counts: npt.NDArray[np.float64] = np.histogram(times, edges)[0] / (self.sizes[name] * window)
        return counts

    def interval_cv(self, name: str) -> npt.NDArray[np.float64]:
        """Return the coefficient of variation of each unit's intervals between spikes; nan below three spikes."""
        times, units = self._recorded(name)
        order = np.lexsort((times, units))
        times, units = times[order], units[order]
        same = np.diff(units) == 0
        gaps, owner = np.diff(times)[same], units[1:][same]
        number = np.bincount(owner, minlength=self.sizes[name])
        with np.errstate(all="ignore"):
            mean = np.bincount(owner, gaps, self.sizes[name]) / number
            square = np.bincount(owner, gaps**2, self.sizes[name]) / number
            found: npt.NDArray[np.float64] = np.sqrt(np.maximum(0.0, square - mean**2)) / mean
        return np.where(number > 1, found, np.nan)

    def _recorded(self, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        if name not in self.spikes:
            raise RulesearchError(f"spikes of {name!r} were not recorded{did_you_mean(name, self.spikes)}")
        return self.spikes[name]


class Recorder:
    """Collects what is recorded, piece by piece as the kernel's logs fill."""

    def __init__(
        self,
        network: Network,
        record: Record,
        begin: int,
        first_neurons: Mapping[str, int],
        weights: Callable[[str], npt.NDArray[np.float64]],
    ) -> None:
        """Begin to collect.

        **Arguments:** `begin`: the step at which the stretch begins; `first_neurons`: number of the first neuron of
        each population; `weights`: returns those of a projection as they stand.
        **Raises:** `RulesearchError` for names that are not there.
        """
        self._network, self._record, self._begin, self._weights_of = network, record, begin, weights
        self._names = [group.name for group in network.groups]
        populations = [population.name for population in network.populations]
        self._recorded = populations if record.spikes is None else several(record.spikes, str, "spikes")
        for name in self._recorded:
            if name not in self._names:
                raise RulesearchError(f"unknown population {name!r}{did_you_mean(name, self._names)}")
        sizes = [group.size for group in network.groups]
        self._first = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        watched: list[int] = []
        for name, neurons in record.potentials.items():
            size = network.population(name).size
            if any(not (isinstance(neuron, Integral) and 0 <= neuron < size) for neuron in neurons):
                raise RulesearchError(f"neurons of population {name} are numbered 0 to {size - 1}")
            watched += [first_neurons[name] + neuron for neuron in neurons]
        self.every = max(1, round(record.potentials_every / network.dt))
        self._weights_every = round(record.weights_every / network.dt) if record.weights else 0
        self._chosen: dict[str, npt.NDArray[np.int64]] = {}
        for name in record.weights:
            number = len(weights(name))
            self._chosen[name] = np.unique(np.linspace(0, number - 1, min(number, record.synapses)).astype(np.int64))
        self._weight_steps: list[int] = []
        self._weight_rows: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in record.weights}
        # A step adds at most one spike per unit, and the kernel returns where fewer would fit.
        room = 4 * sum(sizes) + 100_000 if self._recorded else 2 * sum(sizes) + 1
        self.log = tables.Log(
            np.zeros(room, dtype=np.int64),
            np.zeros(room, dtype=np.uint32),
            np.array([name in self._recorded for name in self._names]),
            self._first[:-1].copy(),
            np.array(watched, dtype=np.int64),
            np.zeros((10_000 if watched else 1, len(watched))),
            np.zeros(4, dtype=np.int64),
            np.zeros(len(sizes), dtype=np.int64),
        )
        self._pieces: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]] = []
        self._potentials: list[npt.NDArray[np.float64]] = []
        self._counted = 0
        self.weights(begin)

    def next_weights(self, step: int) -> int:
        """Return the step behind this one at which weights are written down."""
        if not self._weights_every:
            return 2**62
        return self._begin + ((step - self._begin) // self._weights_every + 1) * self._weights_every

    def weights(self, step: int) -> None:
        """Write weights down where it is time at this step."""
        if self._weights_every and (step - self._begin) % self._weights_every == 0:
            self._weight_steps.append(step)
            for name, chosen in self._chosen.items():
                self._weight_rows[name].append(self._weights_of(name)[chosen])

    def flush(self) -> None:
        """Take what the kernel wrote down, and make room."""
        counts = self.log.counts
        if counts[tables.LOGGED]:
            end = counts[tables.LOGGED]
            self._pieces.append((self.log.steps[:end].copy(), self.log.units[:end].copy()))
        if counts[tables.WATCHED]:
            self._potentials.append(self.log.potentials[: counts[tables.WATCHED]].copy())
        counts[tables.LOGGED] = counts[tables.WATCHED] = 0

    def counted(self) -> int:
        """Return the synaptic work since the last call."""
        total = int(self.log.counts[tables.SYNAPTIC_EVENTS] + self.log.counts[tables.UPDATES])
        new, self._counted = total - self._counted, total
        return new

    def recording(self, status: str, end: int, work: int) -> Recording:
        """Return all that was collected up to step `end`."""
        network, dt = self._network, self._network.dt
        spikes = {}
        for name in self._recorded:
            index = self._names.index(name)
            times = np.empty(self.log.spikes[index])
            units = np.empty(self.log.spikes[index], dtype=np.int64)
            at = 0
            for piece in self._pieces:
                at = _sort_out(*piece, self._first[index], self._first[index + 1], dt, times, units, at)
            spikes[name] = (times, units)
        watched = np.concatenate(self._potentials) if self._potentials else self.log.potentials[:0]
        first_watched = -(-self._begin // self.every) * self.every
        potentials, column = {}, 0
        for name, neurons in self._record.potentials.items():
            potentials[name] = watched[:, column : column + len(neurons)]
            column += len(neurons)
        return Recording(
            status,
            self._begin * dt,
            end * dt,
            spikes,
            {group.name: group.size for group in network.groups},
            dt * (first_watched + self.every * np.arange(len(watched), dtype=np.float64)),
            potentials,
            np.array(self._weight_steps, dtype=np.float64) * dt,
            {name: np.array(rows) for name, rows in self._weight_rows.items()},
            dict(zip(self._names, (int(count) for count in self.log.spikes), strict=True)),
            work,
            int(self.log.counts[tables.SYNAPTIC_EVENTS]),
            int(self.log.counts[tables.UPDATES]),
        )


def joined(parts: Sequence[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
    """Return arrays one behind the other, of the given kind also where there are none."""
    return np.concatenate([np.zeros(0, dtype=kind), *parts]).astype(kind, copy=False)


@compiled(nogil=True)
def _sort_out(steps: Any, units: Any, low: int, high: int, dt: float, times: Any, chosen: Any, at: int) -> int:
    """Add times [s] and numbers of the units from `low` to `high` behind entry `at`; return where the next would go."""
    for k in range(steps.size):
        unit = np.int64(units[k])
        if low <= unit < high:
            times[at] = steps[k] * dt
            chosen[at] = unit - low
            at += 1
    return at
