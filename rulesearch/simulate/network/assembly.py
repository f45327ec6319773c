"""The tables of a network's neurons and synapses, as they are when a simulation begins."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.given import real_array
from rulesearch.rules.rule import Rule
from rulesearch.simulate.damage import generators_of
from rulesearch.simulate.network import tables
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import CELL_STATE, Population, Step
from rulesearch.simulate.network.plasticity import PlasticityTables, SynapseGroup
from rulesearch.simulate.network.recording import joined
from rulesearch.simulate.network.wiring import Pairs, Rows, columns, draw_rows, split_by_delay, thinned

Whole = npt.NDArray[np.uint32] | npt.NDArray[np.int64]


def first_neurons(network: Network) -> dict[str, int]:
    """Return the first neuron of each population, among all."""
    starts = np.cumsum([0, *(population.size for population in network.populations)])
    return {population.name: int(first) for population, first in zip(network.populations, starts, strict=False)}


def cells_of(
    network: Network, first: Mapping[str, int], generator: np.random.Generator
) -> tuple[tables.Cells, dict[tuple[str, str], int]]:
    """Return the tables of all neurons, and the first gate of each receptor by population and name."""
    total = sum(population.size for population in network.populations)
    cells: list[dict[str, float]] = []
    receptors: list[dict[str, float]] = []
    gates: dict[tuple[str, str], int] = {}
    membrane = np.zeros((4, total))
    used = 0
    clamps: list[npt.NDArray[np.float64]] = []
    step = Step(network.dt, network.method == "euler")
    # Only the loop for neurons of any kind keeps the currents, which few rules read.
    with_currents = {
        projection.target
        for projection in network.projections
        if projection.rule is not None and {"I_E", "I_I"} & set(projection.rule.symbols)
    }
    for population in network.populations:
        neuron, place = population.neuron, first[population.name]
        plain = neuron.plain and population.name not in with_currents
        kind = tables.CLAMPED if population.clamp is not None else tables.PLAIN if plain else tables.GENERAL
        names = list(neuron.receptors)
        begin = len(receptors)
        for name, part in neuron.receptors.items():
            gates[population.name, name] = used
            drive = part.sign if part.reversal is None else part.reversal
            decay = step.decay(part.tau)
            receptors.append(
                {
                    "gate": used,
                    "follows": begin + names.index(part.follows) if part.follows else -1,
                    "dendritic": part.site == "dendrite",
                    "jumps": part.tau == 0.0,
                    "decay": decay,
                    "drive": part.share * drive,
                    "load": part.share * (0.0 if part.reversal is None else 1.0),
                    "gain": 1.0 - decay,
                }
            )
            used += population.size
        clamp = (0, 1)
        if population.clamp is not None:
            clamps.append(np.asarray(population.clamp, dtype=np.float64))
            clamp = (sum(part.shape[1] for part in clamps[:-1]), clamps[-1].shape[1])
        cells.append(
            {
                "first": place,
                "size": population.size,
                "kind": kind,
                "receptor": begin,
                "receptors": len(names),
                "clamp": clamp[0],
                "clamps": clamp[1],
                **neuron.fields(step),
            }
        )
        membrane[tables.V, place : place + population.size] = _initial(population, generator)
        membrane[tables.V_DENDRITE, place : place + population.size] = neuron.dendrite.rest if neuron.dendrite else 0.0
    longest = max((len(part) for part in clamps), default=1)
    padded = [np.concatenate((part, np.repeat(part[-1:], longest - len(part), axis=0))) for part in clamps]
    return (
        tables.Cells(
            tables.records(tables.POPULATION, cells),
            tables.records(tables.RECEPTOR, receptors),
            membrane,
            np.zeros(used),
            np.zeros(total, dtype=np.int32),
            np.zeros(total),
            np.zeros(total, dtype=CELL_STATE),
            np.concatenate(padded, axis=1) if padded else np.zeros((1, 1)),
        ),
        gates,
    )


def _initial(population: Population, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    given = population.initial
    if population.clamp is not None:
        return np.broadcast_to(population.clamp[0], (population.size,)).astype(np.float64)
    if isinstance(given, tuple):
        return generator.uniform(given[0], given[1], population.size)
    return np.full(population.size, population.neuron.rest if given is None else given)


def connect(
    network: Network,
    neurons: Mapping[str, int],
    gates: Mapping[tuple[str, str], int],
    seed: np.random.SeedSequence,
) -> tuple[tables.Wires, PlasticityTables]:
    """Draw the synapses of all projections, and encode the rules of the plastic ones.

    **Arguments:** `neurons`: the first of each population; `gates`: the first of each receptor.
    **Raises:** `RulesearchError` where a pattern, a weight or a rule does not fit.
    """
    names = [group.name for group in network.groups]
    plasticity = PlasticityTables()
    table: list[dict[str, float]] = []
    delays: list[int] = []
    row_starts: list[Whole] = []
    targets: list[Whole] = []
    weights: list[npt.NDArray[np.float64]] = []
    column_starts: list[Whole] = []
    entries: list[Whole] = []
    entry_rows: list[Whole] = []
    children = seed.spawn(len(network.projections))
    for j, (projection, child) in enumerate(zip(network.projections, children, strict=True)):
        where = f"projection {projection.name}"
        sender, target = names.index(projection.source), network.population(projection.target)
        senders = network.groups[sender].size
        wiring, values, lags = (np.random.Generator(np.random.PCG64(part)) for part in child.spawn(3))
        recurrent = projection.source == projection.target
        rows = draw_rows(projection.wiring, senders, target.size, recurrent, wiring, where)
        if rows.targets.size > np.iinfo(np.int32).max:
            raise RulesearchError(f"{where}: at most 2147483647 synapses are possible, found {rows.targets.size}")
        damage = network.damage
        # Only damage draws from children of its own: without it there are the same numbers as ever.
        missing, noise = generators_of(child) if damage else (values, values)
        if damage.missing:
            rows = thinned(rows, damage.there(rows.targets.size, missing))
        rows, kinds, order = _with_delays(projection, rows, network.dt, lags)
        stored = _weights(projection, rows, order, senders, target.size, values)
        if damage.weight_noise:
            stored = stored * damage.factors(rows.targets.size, noise)
            if projection.rule is not None and projection.rule.bounds is not None:
                stored = np.clip(stored, *projection.rule.bounds)
        row: dict[str, float] = {
            "sender": sender,
            "senders": senders,
            "target": neurons[target.name],
            "targets": target.size,
            "target_group": names.index(target.name),
            "gate_first": gates[target.name, projection.receptor],
            "delay_first": len(delays),
            "delays": len(kinds),
            "row_first": sum(part.size for part in row_starts),
            "synapse_first": sum(part.size for part in targets),
            "synapses": rows.targets.size,
            "weight_first": sum(part.size for part in weights),
            "uniform": stored.size == 1 and projection.rule is None,
            "plastic": -1,
        }
        if projection.rule is not None:
            begin, synapse, owner = columns(rows, target.size)
            row["plastic"] = len(plasticity.table)
            row["column_first"] = sum(part.size for part in column_starts)
            row["entry_first"] = sum(part.size for part in entries)
            rule = plasticity.add(j, projection.rule, _group(network, projection, neurons, rows, np.diff(begin)))
            stored = _stored(stored, rows.targets.size, rule, plasticity.change[-1], where)
            column_starts.append(begin)
            entries.append(synapse)
            entry_rows.append(owner)
        table.append(row)
        delays += kinds
        row_starts.append(rows.starts)
        targets.append(rows.targets)
        weights.append(stored)
    wires = tables.Wires(
        tables.records(tables.PROJECTION, table),
        np.array(delays, dtype=np.int64),
        joined(row_starts, np.int64),
        joined(targets, np.uint32),
        joined(weights, np.float64),
        joined(column_starts, np.int64),
        joined(entries, np.uint32),
        joined(entry_rows, np.uint32),
    )
    return wires, plasticity


def _group(
    network: Network, projection: Projection, neurons: Mapping[str, int], rows: Rows, in_degree: npt.NDArray[np.int64]
) -> SynapseGroup:
    every = projection.drift_every or network.dt
    return SynapseGroup(
        projection.name,
        rows.starts.size - 1,
        in_degree.size,
        neurons[projection.target],
        rows.targets.size,
        tuple(network.signals),
        max(1, round(every / network.dt)),
        in_degree,
        network.dt,
        network.method == "euler",
        projection.soft,
    )


def _with_delays(
    projection: Projection, rows: Rows, dt: float, generator: np.random.Generator
) -> tuple[Rows, list[int], npt.NDArray[np.int64] | None]:
    if not isinstance(projection.delay, tuple):
        return rows, [round(projection.delay / dt)], None
    low, high = (round(part / dt) for part in projection.delay)
    drawn = generator.integers(low, high + 1, rows.targets.size)
    kinds = np.unique(drawn) if drawn.size else np.array([low])
    rows, order = split_by_delay(rows, drawn, kinds)
    return rows, [int(kind) for kind in kinds], order


def _weights(
    projection: Projection,
    rows: Rows,
    order: npt.NDArray[np.int64] | None,
    senders: int,
    targets: int,
    generator: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Return one weight for all synapses, or one each in the order of the rows."""
    where, given, number = f"projection {projection.name}", projection.weight, rows.targets.size
    if isinstance(given, tuple):
        drawn = generator.uniform(given[0], given[1], number)
        return drawn if order is None else drawn[order]
    values = real_array(given, f"{where}: weights")
    if not np.all(np.isfinite(values)):
        raise RulesearchError(f"{where}: weights must be finite")
    if values.ndim == 0:
        return values.reshape(1)
    if values.ndim == 1 and isinstance(projection.wiring, Pairs) and values.size == len(projection.wiring.senders):
        return values[rows.order]
    if values.shape == (senders, targets):
        row = np.repeat(np.arange(rows.starts.size - 1), np.diff(rows.starts))
        found: npt.NDArray[np.float64] = values[row % senders, rows.targets]
        return found
    raise RulesearchError(
        f"{where}: weights of shape {values.shape} fit neither {number} given pairs nor ({senders}, {targets})"
    )


def _stored(
    values: npt.NDArray[np.float64], synapses: int, rule: Rule, change: dict[str, float], where: str
) -> npt.NDArray[np.float64]:
    """Return the weights of a plastic projection as they are stored, one per synapse."""
    low, high = rule.bounds or (-math.inf, math.inf)
    if values.size and not (low <= values.min() and values.max() <= high):
        raise RulesearchError(
            f"{where}: weights from {values.min():g} to {values.max():g} leave the rule's bounds {low:g} to {high:g}"
        )
    every = np.full(synapses, values[0]) if values.size == 1 and synapses != 1 else values
    return every - change["offset"]
