"""Running a spiking network: build it once, run it for a while, look, run on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.given import named, real_number
from rulesearch.simulate.codes import EXHAUSTED, NONFINITE, OK, RUNAWAY, SILENT, STATUS, Limits
from rulesearch.simulate.machine.compiling import announce, check_backend
from rulesearch.simulate.network import tables
from rulesearch.simulate.network.assembly import cells_of, connect, first_neurons
from rulesearch.simulate.network.checkpoint import Changing, Condition, read_condition, write_condition
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.network_kernel import advance
from rulesearch.simulate.network.plasticity_kernel import lowpasses
from rulesearch.simulate.network.recording import Record, Recorder, Recording, joined
from rulesearch.simulate.network.sources import Poisson
from rulesearch.simulate.network.streams import PoissonStream, Stream
from rulesearch.simulate.network.synapse_kernel import every_synapse

_STRETCH = 1.0
"""Sources draw, and limits are looked at, at least so often [s]."""


class Simulation:
    """A network that was drawn, and runs.

    `run` goes on where the last one ended; `state` and `restore` keep and bring back a condition.
    """

    def __init__(self, network: Network, seed: int | np.random.SeedSequence = 0, backend: str = "vm") -> None:
        """Draw connections and initial values.

        **Arguments:** `seed`: wiring, initial values, sources and chance in neurons have a random stream each;
        `backend`: `vm` or `jit`.
        **Raises:** `RulesearchError` where the network's parts do not fit each other.
        """
        check_backend(backend)
        self.network = network
        self.backend = backend
        self.step = 0
        self._work = 0
        self._silent = np.zeros(len(network.populations))
        root = _sequence(seed)
        wiring, start, sources, chance = root.spawn(4)
        self._generator = np.random.Generator(np.random.PCG64(chance))
        self._neurons = first_neurons(network)
        self._source_generators = [np.random.Generator(np.random.PCG64(s)) for s in sources.spawn(len(network.sources))]
        self._streams: list[Stream] = [
            source.stream(generator, network.dt)
            for source, generator in zip(network.sources, self._source_generators, strict=True)
        ]
        self._cells, gates = cells_of(network, self._neurons, np.random.Generator(np.random.PCG64(start)))
        self._wires, plasticity = connect(network, self._neurons, gates, wiring)
        self._plastic = {name: q for q, name in enumerate(p.name for p in network.projections if p.rule is not None)}
        self._program = plasticity.encode()
        self._plastics = plasticity.arrays(self._program, network.signals)
        self._sum_up()
        self._runs = self._program.compiled() if backend == "jit" and self._plastic else self._program.bytecode
        self._workspace = self._new_workspace()
        self._plastics.clock[1] = network.dt
        self._settle_lowpasses()
        self._stretch = min(_STRETCH, plasticity.longest_wait)
        units = sum(group.size for group in network.groups)
        longest = int(self._wires.delays.max(initial=0))
        self._ring = tables.Ring(
            np.zeros((longest + 1, units), dtype=np.uint32),
            np.zeros((longest + 1, len(network.groups) + 1), dtype=np.int64),
        )

    @property
    def time(self) -> float:
        """How long the network has run [s]."""
        return self.step * self.network.dt

    def run(
        self,
        seconds: float,
        record: Record | None = None,
        learning: bool | Mapping[str, bool] = True,
        limits: Limits | None = None,
    ) -> Recording:
        """Run on for a while.

        **Arguments:** `learning`: whether weights and synaptic states change, for all plastic projections or by name;
        traces and low-passes go on in any case.
        **Raises:** `RulesearchError` for names that are not there.
        """
        record, limits = record or Record(), limits or Limits()
        if not (math.isfinite(real_number(seconds, "seconds")) and seconds >= 0.0):
            raise RulesearchError(f"a simulation lasts at least 0 s, found {seconds:g}")
        self._set_learning(learning)
        announce(advance, "the simulator of spiking networks", self.backend if self._plastic else "vm")
        for name in record.weights:
            self._plastic_index(name)
        recorder = Recorder(self.network, record, self.step, self._neurons, self.weights)
        end = self.step + round(seconds / self.network.dt)
        code = OK
        while self.step < end and code == OK:
            furthest = self.step + max(1, round(self._stretch / self.network.dt))
            stretch = min(end, furthest, recorder.next_weights(self.step))
            code = self._advance(stretch, recorder, limits)
            recorder.weights(self.step)
        return recorder.recording(STATUS[code], self.step, self._work)

    def step_rules(self, names: Sequence[str] | None = None) -> None:
        """Run the slot `on_step` of plastic projections once: a presentation's, a trial's end.

        **Raises:** `RulesearchError` for names that are not there.
        """
        self._catch_up()
        counts = np.zeros(4, dtype=np.int64)
        for name in self._plastic if names is None else names:
            q = self._plastic_index(name)
            event = tables.EVENTS * q + tables.ON_STEP
            if self._plastics.action_starts[event] < self._plastics.action_starts[event + 1]:
                parts = (self._runs, self._cells, self._wires, self._plastics)
                every_synapse(*parts, q, tables.ON_STEP, 1.0, self._workspace, counts)
        self._work += int(counts[tables.UPDATES])

    def signal(self, **values: float) -> None:
        """Set signals that rules read, such as `R=1.0`.

        **Raises:** `RulesearchError` for a signal that the network does not declare.
        """
        names = list(self.network.signals)
        for name in values:
            if name not in names:
                raise RulesearchError(f"the network has no signal {name!r}{did_you_mean(name, names)}")
            real_number(values[name], f"signal {name}")
        self._catch_up()
        for name, value in values.items():
            self._plastics.signals[names.index(name)] = value

    def set_rates(self, source: str, rates: float | npt.NDArray[np.float64]) -> None:
        """Let the afferents of a source of class `Poisson` fire with other rates [Hz] from now on.

        **Arguments:** `rates`: one for all, or one per afferent `(size,)`.
        **Raises:** `RulesearchError` where there is no such source, or the rates do not fit it.
        """
        names = [each.name for each in self.network.sources]
        if source not in names:
            raise RulesearchError(f"the network has no source {source!r}{did_you_mean(source, names)}")
        index = names.index(source)
        declared, stream = self.network.sources[index], self._streams[index]
        if not isinstance(declared, Poisson) or not isinstance(stream, PoissonStream):
            raise RulesearchError(f"source {source} has no rates that can be set; a Poisson source has")
        stream.set_rates(declared.table(rates, self.network.dt))

    def weights(self, projection: str) -> npt.NDArray[np.float64]:
        """Return the weights of a projection as they stand, `(synapses,)`, sender after sender (and delay)."""
        wire = self._wires.table[self._projection_index(projection)]
        first = wire["weight_first"]
        if wire["uniform"]:
            return np.full(wire["synapses"], self._wires.weights[first])
        stored = self._wires.weights[first : first + wire["synapses"]]
        if wire["plastic"] < 0:
            kept: npt.NDArray[np.float64] = stored.copy()
            return kept
        change = self._plastics.change[wire["plastic"]]
        found: npt.NDArray[np.float64] = np.clip(
            change["offset"] + stored * change["level"], change["low"], change["high"]
        )
        return found

    def shuffle_weights(self, projection: str, rng: np.random.Generator) -> None:
        """Permute the weights of a plastic projection among its synapses; their states stay where they are.

        **Raises:** `RulesearchError` where there is no such projection, or it is static.
        """
        self._plastic_index(projection)
        self._catch_up()
        wire = self._wires.table[self._projection_index(projection)]
        rng.shuffle(self._wires.weights[wire["weight_first"] : wire["weight_first"] + wire["synapses"]])
        self._sum_up()

    def synapses(self, projection: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return sender and target of each synapse, in the order of `weights`."""
        wire = self._wires.table[self._projection_index(projection)]
        rows = wire["delays"] * wire["senders"]
        starts = self._wires.row_starts[wire["row_first"] : wire["row_first"] + rows + 1]
        sender = np.repeat(np.arange(rows), np.diff(starts)) % wire["senders"]
        first = wire["synapse_first"]
        return sender, self._wires.targets[first : first + wire["synapses"]].astype(np.int64)

    def potentials(self, population: str) -> npt.NDArray[np.float64]:
        """Return the membrane potentials [mV] of a population as they stand."""
        size = self.network.population(population).size
        first = self._neurons[population]
        found: npt.NDArray[np.float64] = self._cells.membrane[tables.V, first : first + size].copy()
        return found

    def set_potentials(self, population: str, values: npt.ArrayLike) -> None:
        """Set the membrane potentials [mV] of a population, `(size,)` or one for all."""
        size = self.network.population(population).size
        first = self._neurons[population]
        self._cells.membrane[tables.V, first : first + size] = np.broadcast_to(np.asarray(values, float), (size,))

    def bytes_per_synapse(self, projection: str) -> float:
        """Return the memory of the network's tables per synapse of a projection [bytes], its rule's states included."""
        wire = self._wires.table[self._projection_index(projection)]
        synapses = max(1, int(wire["synapses"]))
        own = self._wires.targets.itemsize
        own += 0 if wire["uniform"] else self._wires.weights.itemsize
        if wire["plastic"] >= 0:
            own += self._wires.entries.itemsize + self._wires.entry_rows.itemsize
            states = self._plastics.states
            mine = (states["plastic"] == wire["plastic"]) & (states["side"] == 2)
            own += 8 * int(mine.sum())
            own += 4 if self._plastics.table["touched"][wire["plastic"]] >= 0 else 0
        index = 8 * (wire["delays"] * wire["senders"] + wire["targets"] + 2)
        return float(own + index / synapses)

    def state(self) -> Condition:
        """Return everything that a run changes, as arrays; random streams included."""
        return self._changing().condition()

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Bring back a condition that `state` returned for the same network and seed.

        **Raises:** `RulesearchError` where it belongs to another network; nothing is changed then.
        """
        self.step, self._work = self._changing().restore(state)

    def save(self, path: str | Path) -> None:
        """Write `state` to a file in NumPy's .npz format."""
        write_condition(self.state(), path)

    def load(self, path: str | Path) -> None:
        """Bring back a condition from a file that `save` wrote.

        **Raises:** `RulesearchError` where the file cannot be read or belongs to another network.
        """
        self.restore(read_condition(path))

    def _changing(self) -> Changing:
        parts = {"_cells": self._cells, "_wires": self._wires, "_plastics": self._plastics, "_ring": self._ring}
        generators = (self._generator, *self._source_generators)
        return Changing(self.step, self._work, parts, self._streams, generators, self._silent)

    def _new_workspace(self) -> tables.Workspace:
        synapse, target, row = np.zeros((3, tables.LANES), dtype=np.uint32)
        rows = (self._wires.table["delays"] * self._wires.table["senders"]).max(initial=0)
        return tables.Workspace(
            self._program.workspace(tables.LANES),
            synapse,
            target,
            row,
            np.zeros(2, dtype=np.int64),
            np.arange(rows, dtype=np.uint32),
            np.zeros((2, self._cells.free_at.size)),
            np.zeros(self._plastics.lowpasses["size"].sum()),
            np.arange(tables.LANES, dtype=np.uint32),
            np.zeros(tables.LANES, dtype=np.uint32),
        )

    def _settle_lowpasses(self) -> None:
        """Let low-passes begin where they rest, as those of a single synapse do: 0 mV is far from any potential."""
        at_once = np.ones_like(self._plastics.lowpass_gains)
        for _ in at_once:
            # Once for each, since one may be a low-pass of another.
            reached = self._plastics._replace(lowpass_gains=at_once)
            lowpasses(self._runs, self._cells, reached, self._workspace.registers, self._workspace.news)

    def _advance(self, end: int, recorder: Recorder, limits: Limits) -> int:
        dt = self.network.dt
        steps = end - self.step
        trains = [stream.draw(self.step, steps) for stream in self._streams]
        offsets, used = np.zeros((len(trains), steps + 1), dtype=np.int64), 0
        for index, (starts, units) in enumerate(trains):
            offsets[index] = starts + used
            used += units.size
        given = joined([units for _, units in trains], np.uint32)
        origin = self.step
        before = recorder.log.spikes.copy()
        most = self._most_spikes(before, limits, steps * dt)
        while self.step < end and np.all(recorder.log.spikes <= most):
            self.step = advance(
                self._runs,
                self._cells,
                self._wires,
                self._plastics,
                self._ring,
                recorder.log,
                (offsets, given),
                most,
                self._workspace,
                self._generator,
                self.step,
                end,
                origin,
                dt,
                self.network.method == "exponential-euler",
                recorder.every,
            )
            recorder.flush()
        self._catch_up()
        seconds = (self.step - origin) * dt
        found = (recorder.log.spikes - before)[len(self.network.sources) :]
        neurons = sum(population.size for population in self.network.populations)
        self._work += neurons * (self.step - origin) + recorder.counted()
        self._silent = np.where(found > 0, 0.0, self._silent + seconds)
        for q in range(len(self._plastics.table)):
            wire = self._wires.table[self._plastics.table["projection"][q]]
            size = np.abs(self._wires.weights[wire["weight_first"] :][: wire["synapses"]]).sum()
            if not math.isfinite(size):
                return NONFINITE
            if size * self._plastics.change["level"][q] > limits.weight * wire["synapses"]:
                return RUNAWAY
        if not np.all(np.isfinite(self._cells.membrane[tables.V])):
            return RUNAWAY
        if np.any(recorder.log.spikes > most):
            return RUNAWAY
        if np.any(self._silent >= limits.silent):
            return SILENT
        self._sum_up()
        return EXHAUSTED if self._work > limits.work else OK

    def _most_spikes(self, before: npt.NDArray[np.int64], limits: Limits, seconds: float) -> npt.NDArray[np.int64]:
        """Return the counts of spikes above which a stretch of so many seconds is a runaway, whatever comes."""
        most = np.full(before.size, np.iinfo(np.int64).max)
        if math.isfinite(limits.rate) and seconds >= 0.5 * self._stretch:
            for place, population in enumerate(self.network.populations, len(self.network.sources)):
                most[place] = before[place] + math.floor(limits.rate * population.size * seconds)
        return most

    def _catch_up(self) -> None:
        """Let every drift that was put off happen now."""
        counts = np.zeros(4, dtype=np.int64)
        for q in range(len(self._plastics.table)):
            if self._plastics.table["touched"][q] >= 0 and self._plastics.table["learns"][q] == 1:
                parts = (self._runs, self._cells, self._wires, self._plastics)
                every_synapse(*parts, q, tables.CATCH_UP, 1.0, self._workspace, counts)

    def _sum_up(self) -> None:
        """Make the running sums of weights exact."""
        for name, q in self._plastic.items():
            first = self._plastics.table["sum"][q]
            if first >= 0:
                size = self.network.population(self._projection(name).target).size
                _, target = self.synapses(name)
                moved = self._plastics.table["moved_sum"][q]
                exact = np.bincount(target, self.weights(name), size)
                self._plastics.values[first : first + size] = self._plastics.values[moved : moved + size] = exact

    def _set_learning(self, learning: bool | Mapping[str, bool]) -> None:
        given = dict.fromkeys(self._plastic, learning) if isinstance(learning, bool) else learning
        by_name = named(given, "projections that learn", "{'recurrent': True}")
        for name, value in by_name.items():
            q = self._plastic_index(name)
            first = self._plastics.table["touched"][q]
            if value and first >= 0 and self._plastics.table["learns"][q] == 0:
                # Nothing drifted while weights were frozen.
                size = self._wires.table["synapses"][self._plastics.table["projection"][q]]
                self._plastics.touched[first : first + size] = max(self.step - 1, 0)
            self._plastics.table["learns"][q] = int(value)

    def _projection(self, name: str) -> Projection:
        return self.network.projections[self._projection_index(name)]

    def _projection_index(self, name: str) -> int:
        names = [projection.name for projection in self.network.projections]
        if name not in names:
            raise RulesearchError(f"unknown projection {name!r}{did_you_mean(name, names)}")
        return names.index(name)

    def _plastic_index(self, name: str) -> int:
        self._projection_index(name)
        if name not in self._plastic:
            raise RulesearchError(f"the projection {name} is static; give it a rule")
        return self._plastic[name]


def _sequence(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    if isinstance(seed, np.random.SeedSequence):
        return seed
    try:
        return np.random.SeedSequence(seed)
    except (TypeError, ValueError):
        raise RulesearchError(f"a seed is a whole number of at least 0, found {shown(seed)}") from None
