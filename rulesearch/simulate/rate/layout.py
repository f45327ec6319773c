"""Rate networks laid out for the kernel: rows, synapses, connections by target, output functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.simulate.machine.program import Program, encode
from rulesearch.simulate.machine.vector_writing import padded
from rulesearch.simulate.rate.lanes import from_lanes
from rulesearch.simulate.rate.network import Array, Mask, RateNetwork
from rulesearch.simulate.rate.tables import CONNECTION, LAYER, RUN, TARGET, Wiring, Workspace

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything of a network stands.

    **Fields:** `lanes`: data sets, filled up to whole vectors; `rows` in all, and those `shown` in a presentation;
    `first`: row of the first output of each input and layer; `drives`: of the first input of each layer's neurons;
    `signals` and `clamps`: of the values of each signal and each clamped layer; `synapses`: targets and sources by
    connection, and the `shapes` of their matrices; `scratch` `(registers, lanes)`: of the output functions,
    their constants in place.
    """

    wiring: Wiring
    lanes: int
    rows: int
    shown: int
    first: Mapping[str, int]
    drives: Mapping[str, int]
    signals: Mapping[str, int]
    clamps: Mapping[str, int]
    synapses: Mapping[str, tuple[Integers, Integers]]
    shapes: Mapping[str, tuple[int, int]]
    scratch: Array

    def weights(self, rows: Array, data_sets: int, kept: Collection[str]) -> dict[str, Array]:
        """Return records of lanes as `(records, data sets, targets, sources)` by connection, of those that are kept."""
        found, place = {}, 0
        for name, (targets, sources) in self.synapses.items():
            if name not in kept:
                continue
            width = targets.size * self.lanes
            dense = np.zeros((len(rows), data_sets, *self.shapes[name]))
            dense[:, :, targets, sources] = from_lanes(rows[:, place : place + width], self.lanes, data_sets)
            found[name] = dense
            place += width
        return found

    def outputs(self, rows: Array, data_sets: int) -> dict[str, Array]:
        """Return records of lanes as `(records, data sets, neurons)` by layer."""
        found, place = {}, 0
        for name, neurons in zip(self.drives, self.wiring.layers["neurons"].tolist(), strict=True):
            width = neurons * self.lanes
            found[name] = from_lanes(rows[:, place : place + width], self.lanes, data_sets)
            place += width
        return found

    def workspace(self) -> Workspace:
        """Return room to run in."""
        largest = int(max(self.wiring.layers["neurons"]))
        return Workspace(
            # Two rows more, for neurons that settle.
            values=np.zeros((self.rows + 2) * self.lanes),
            scratch=self.scratch.copy(),
            base=np.zeros((largest, self.lanes)),
            sums=np.zeros(self.rows * self.lanes),
            moved=np.zeros(2 * self.lanes),
            active=np.zeros(self.lanes, dtype=np.bool_),
        )


def lay_out(network: RateNetwork, data_sets: int, clamped: Collection[str], norm_limit: float) -> Layout:
    """Lay out a network for so many data sets.

    **Arguments:** `clamped`: layers whose outputs may be given; `norm_limit`: a weight vector longer than this runs
    away.
    """
    lanes = padded(data_sets)
    sizes = network.sizes
    first: dict[str, int] = {}
    signals: dict[str, int] = {}
    clamps: dict[str, int] = {}
    drives: dict[str, int] = {}
    rows = 0
    for name, size in network.inputs.items():
        first[name], rows = rows, rows + size
    for signal in network.signals:
        signals[signal.name], rows = rows, rows + (1 if signal.layer is None else sizes[signal.layer])
    for layer in network.layers:
        if layer.name in clamped:
            clamps[layer.name], rows = rows, rows + layer.size
    shown = rows
    for place in (first, drives):
        for layer in network.layers:
            place[layer.name], rows = rows, rows + layer.size

    layers = np.zeros(len(network.layers), dtype=LAYER)
    connections = np.zeros(len(network.connections), dtype=CONNECTION)
    incoming: list[int] = []
    programs: list[Program | None] = []
    registers = segments = bias = 0
    for row, layer in zip(layers, network.layers, strict=True):
        function = layer.function()
        program = None if function is None else encode([function], ["h"], {})
        programs.append(program)
        reaching = [k for k, connection in enumerate(network.connections) if connection.target == layer.name]
        row["neurons"], row["order"], row["bias"] = layer.size, network.order(layer), bias
        row["output"], row["drive"], row["clamp"] = first[layer.name], drives[layer.name], clamps.get(layer.name, -1)
        row["first"], row["end"] = len(incoming), len(incoming) + len(reaching)
        row["segment"], row["scratch"] = (-1, 0) if program is None else (segments, registers)
        row["registers"] = 0 if program is None else program.registers
        incoming += reaching
        bias += layer.size
        if program is not None:
            registers, segments = registers + program.registers, segments + 1
    synapses = {connection.name: _synapses(network.mask(connection)) for connection in network.connections}
    shapes = {each.name: (sizes[each.target], sizes[each.source]) for each in network.connections}
    reached: list[tuple[int, int, int, int]] = []
    runs: list[tuple[int, int, int]] = []
    for row, connection in zip(connections, network.connections, strict=True):
        targets, sources = synapses[connection.name]
        counts = np.bincount(targets, minlength=sizes[connection.target])
        row["synapses"], row["target"], row["targets"] = targets.size, len(reached), counts.size
        row["source"], row["most"] = first[connection.source], counts.max()
        row["lateral"], row["inhibitory"] = connection.lateral, connection.inhibitory
        row["normalised"] = connection.normalised
        for target, end in enumerate(np.cumsum(counts).tolist()):
            begin = end - int(counts[target])
            own = _runs(begin, sources[begin:end].tolist())
            reached.append((begin, end - begin, len(runs), len(own)))
            runs += own
    code, parts, scratch = _outputs([program for program in programs if program is not None], lanes)
    biases = np.concatenate([np.broadcast_to(layer.bias, layer.size) for layer in network.layers]).astype(np.float64)
    wiring = Wiring(
        layers=layers,
        connections=connections,
        incoming=np.array(incoming, dtype=np.int64),
        targets=np.array(reached, dtype=TARGET),
        runs=np.array(runs, dtype=RUN),
        biases=np.repeat(biases, lanes),
        code=code,
        segments=parts,
        rounds=network.rounds,
        tolerance=network.tolerance,
        limit=norm_limit * norm_limit,
    )
    return Layout(wiring, lanes, rows, shown, first, drives, signals, clamps, synapses, shapes, scratch)


def _outputs(programs: list[Program], lanes: int) -> tuple[Integers, Integers, Array]:
    """Return the output functions' code, one segment each, and registers `(registers, lanes)`."""
    code, segments = [np.zeros((0, 4), dtype=np.int64)], [np.zeros((0, 3), dtype=np.int64)]
    before = 0
    for program in programs:
        moved = program.segments.copy()
        moved[:, :2] += before
        before += len(program.code)
        code.append(program.code)
        segments.append(moved)
    scratch = [np.zeros((0, lanes)), *(program.workspace(lanes) for program in programs)]
    return np.concatenate(code), np.concatenate(segments), np.concatenate(scratch)


def _synapses(mask: Mask) -> tuple[Integers, Integers]:
    """Return targets and sources, ordered by target."""
    targets, sources = np.nonzero(mask)
    return targets.astype(np.int64), sources.astype(np.int64)


def _runs(synapse: int, sources: list[int]) -> list[tuple[int, int, int]]:
    """Return the runs of one target's synapses (see `RUN`), of which `synapse` is the first."""
    found: list[tuple[int, int, int]] = []
    for k, source in enumerate(sources):
        if k and source == sources[k - 1] + 1:
            begin, first, length = found[-1]
            found[-1] = begin, first, length + 1
        else:
            found.append((synapse + k, source, 1))
    return found
