"""The compiled passage of spikes through synapses: arrivals, postsynaptic spikes, and what reaches all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from rulesearch.simulate.machine.kernel import inlined, kernel
from rulesearch.simulate.network.plasticity_kernel import run_lanes, show_sums
from rulesearch.simulate.network.tables import (
    BEHIND_PRE,
    CATCH_UP,
    EVENTS,
    LANES,
    LONG,
    ON_POST,
    ON_PRE,
    SYNAPTIC_EVENTS,
    UPDATES,
    Lanes,
)

# Loops run over unsigned numbers: such an index needs no check for a negative one.


@inlined
def _go_on(place: Any, taken: int, left: int) -> None:
    """Go on behind the synapses that were taken: those of the same unit that are left, or those of the next."""
    if taken < left:
        place[1] += taken
    else:
        place[0] += 1
        place[1] = 0


@kernel
def _take_rows(
    work: Any, targets: Any, starts: Any, units: Any, place: Any, stop: int, first_row: int, needs: Any
) -> Any:
    """Return lanes on synapses of the senders that fired: of one with a long row, or of as many as there is room for.

    **Arguments:** `starts`: of the senders' rows, the first of which is `first_row`; `place`: which unit comes next,
    up to `stop`, and how many of its synapses were taken before.
    """
    synapse, target, rows = work.synapse, work.target, work.row
    lanes, zero = 0, np.uint64(0)
    while place[0] < stop and lanes < LANES:
        unit = units[place[0]]
        row, begin, end = first_row + unit, starts[unit] + place[1], starts[unit + 1]
        if end - begin >= LONG:
            if lanes == 0:
                lanes = min(end - begin, LANES)
                _go_on(place, lanes, end - begin)
                reached = targets[begin : begin + lanes]
                return Lanes(lanes, True, np.uint64(begin), work.numbers, zero, reached, np.uint64(row), work.zeros)
            break
        number = min(end - begin, LANES - lanes)
        first, at = np.uint64(begin), np.uint64(lanes)
        for k in range(np.uint64(number)):
            synapse[at + k] = first + k
        if needs[0]:
            for k in range(np.uint64(number)):
                target[at + k] = targets[first + k]
        if needs[1]:
            for k in range(np.uint64(number)):
                rows[at + k] = row
        lanes += number
        _go_on(place, number, end - begin)
    return Lanes(lanes, False, zero, synapse, zero, target, zero, rows)


@kernel
def _take_columns(
    work: Any, entries: Any, owners: Any, starts: Any, units: Any, place: Any, stop: int, needs: Any
) -> Any:
    """Return lanes on synapses onto the neurons that fired, as `_take_rows` does."""
    synapse, target, rows = work.synapse, work.target, work.row
    lanes, zero = 0, np.uint64(0)
    while place[0] < stop and lanes < LANES:
        own = units[place[0]]
        begin, end = starts[own] + place[1], starts[own + 1]
        if end - begin >= LONG:
            if lanes == 0:
                lanes = min(end - begin, LANES)
                _go_on(place, lanes, end - begin)
                last = begin + lanes
                return Lanes(
                    lanes, False, zero, entries[begin:last], np.uint64(own), work.zeros, zero, owners[begin:last]
                )
            break
        number = min(end - begin, LANES - lanes)
        first, at = np.uint64(begin), np.uint64(lanes)
        for k in range(np.uint64(number)):
            synapse[at + k] = entries[first + k]
        if needs[0]:
            for k in range(np.uint64(number)):
                target[at + k] = own
        if needs[1]:
            for k in range(np.uint64(number)):
                rows[at + k] = owners[first + k]
        lanes += number
        _go_on(place, number, end - begin)
    return Lanes(lanes, False, zero, synapse, zero, target, zero, rows)


@kernel
def _run_rows(
    program: Any,
    cells: Any,
    plastics: Any,
    q: int,
    slot: int,
    targets: Any,
    starts: Any,
    units: Any,
    start: int,
    stop: int,
    first_row: int,
    w: Any,
    seconds: float,
    work: Any,
) -> None:
    """Run an event of plastic projection q on all synapses of the units `start` to `stop`; see `_take_rows`."""
    event = EVENTS * q + slot
    needs, place = plastics.needs[event], work.place
    place[0], place[1] = start, 0
    while place[0] < stop:
        lanes = _take_rows(work, targets, starts, units, place, stop, first_row, needs)
        run_lanes(program, plastics, cells.membrane, q, event, work.registers, lanes, w, seconds)


@kernel
def acts(plastics: Any, q: int, slot: int) -> bool:
    """Return whether an event of plastic projection q moves anything."""
    event = EVENTS * q + slot
    moves: bool = plastics.action_starts[event] < plastics.action_starts[event + 1]
    return moves


@kernel
def add_static(
    gates: Any, row_starts: Any, targets: Any, weights: Any, units: Any, start: int, stop: int, wire: Any, delay: int
) -> int:
    """Let the spikes `start` to `stop` of `units` arrive at static synapses; return their number.

    **Arguments:** `wire`: the projection's row of the table; `delay`: which of its delays.
    """
    row = np.uint64(wire.row_first + delay * wire.senders)
    gate, synapse, weight = np.uint64(wire.gate_first), np.uint64(wire.synapse_first), np.uint64(wire.weight_first)
    events = 0
    one = weights[weight]
    for k in range(np.uint64(start), np.uint64(stop)):
        first, last = row_starts[row + units[k]], row_starts[row + units[k] + np.uint64(1)]
        events += last - first
        if wire.uniform == 1:
            for s in range(np.uint64(first), np.uint64(last)):
                gates[gate + targets[synapse + s]] += one
        else:
            for s in range(np.uint64(first), np.uint64(last)):
                gates[gate + targets[synapse + s]] += weights[weight + s]
    return events


@kernel
def _add_plastic(gate: Any, starts: Any, targets: Any, units: Any, start: int, stop: int, w: Any, change: Any) -> int:
    """Let spikes arrive at plastic synapses with their weights as they stand; return the number of synapses."""
    offset, scale, low, high = change.offset, change.level, change.low, change.high
    events = 0
    for k in range(np.uint64(start), np.uint64(stop)):
        first, last = starts[units[k]], starts[units[k] + 1]
        events += last - first
        if offset == 0.0 and scale == 1.0:
            for s in range(np.uint64(first), np.uint64(last)):
                gate[targets[s]] += w[s]
        else:
            for s in range(np.uint64(first), np.uint64(last)):
                gate[targets[s]] += min(max(offset + w[s] * scale, low), high)
    return events


@kernel
def deliver(
    program: Any,
    cells: Any,
    wires: Any,
    plastics: Any,
    j: int,
    units: Any,
    start: int,
    stop: int,
    delay: int,
    work: Any,
    counts: Any,
) -> None:
    """Let the spikes `start` to `stop` of `units` arrive at the plastic synapses of projection j with this delay."""
    wire = wires.table[j]
    q = wire.plastic
    targets = wires.targets[wire.synapse_first : wire.synapse_first + wire.synapses]
    gate = cells.gates[wire.gate_first : wire.gate_first + wire.targets]
    starts = wires.row_starts[wire.row_first + delay * wire.senders :]
    w = wires.weights[wire.weight_first : wire.weight_first + wire.synapses]
    learns, first_row = plastics.table[q].learns == 1, delay * wire.senders
    if learns and plastics.table[q].touched >= 0:
        _run_rows(program, cells, plastics, q, CATCH_UP, targets, starts, units, start, stop, first_row, w, 1.0, work)
    events = _add_plastic(gate, starts, targets, units, start, stop, w, plastics.change[q])
    counts[SYNAPTIC_EVENTS] += events
    if learns and acts(plastics, q, ON_PRE):
        _run_rows(program, cells, plastics, q, ON_PRE, targets, starts, units, start, stop, first_row, w, 1.0, work)
        counts[UPDATES] += events
    if acts(plastics, q, BEHIND_PRE):
        _run_rows(program, cells, plastics, q, BEHIND_PRE, targets, starts, units, start, stop, first_row, w, 1.0, work)


@kernel
def post_spikes(
    program: Any,
    cells: Any,
    wires: Any,
    plastics: Any,
    q: int,
    slot: int,
    units: Any,
    start: int,
    stop: int,
    work: Any,
    counts: Any,
) -> None:
    """Run an event on all synapses of plastic projection q onto neurons that fired, `start` to `stop` of the ring."""
    wire = wires.table[plastics.table[q].projection]
    w = wires.weights[wire.weight_first : wire.weight_first + wire.synapses]
    starts = wires.column_starts[wire.column_first : wire.column_first + wire.targets + 1]
    entries = wires.entries[wire.entry_first : wire.entry_first + wire.synapses]
    rows = wires.entry_rows[wire.entry_first : wire.entry_first + wire.synapses]
    event = EVENTS * q + slot
    waits = slot == ON_POST and plastics.table[q].touched >= 0
    needs, place = plastics.needs[event], work.place
    place[0], place[1] = start, 0
    while place[0] < stop:
        lanes = _take_columns(work, entries, rows, starts, units, place, stop, needs)
        if waits:
            run_lanes(program, plastics, cells.membrane, q, EVENTS * q + CATCH_UP, work.registers, lanes, w, 1.0)
        run_lanes(program, plastics, cells.membrane, q, event, work.registers, lanes, w, 1.0)
        counts[UPDATES] += lanes.number if slot == ON_POST else 0
    show_sums(plastics, wires, q)


@kernel
def every_synapse(
    program: Any,
    cells: Any,
    wires: Any,
    plastics: Any,
    q: int,
    slot: int,
    seconds: float,
    work: Any,
    counts: Any,
) -> None:
    """Run an event (drift, on_step, what was put off) on every synapse of plastic projection q."""
    wire = wires.table[plastics.table[q].projection]
    w = wires.weights[wire.weight_first : wire.weight_first + wire.synapses]
    targets = wires.targets[wire.synapse_first : wire.synapse_first + wire.synapses]
    starts = wires.row_starts[wire.row_first :]
    every = work.every[: wire.delays * wire.senders]
    _run_rows(program, cells, plastics, q, slot, targets, starts, every, 0, every.size, 0, w, seconds, work)
    show_sums(plastics, wires, q)
    counts[UPDATES] += wire.synapses
