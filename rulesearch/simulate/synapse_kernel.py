"""The compiled passage of spikes through synapses: arrivals, postsynaptic spikes, and what reaches all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from rulesearch.simulate.network_tables import (
    COLUMN_FIRST,
    DELAYS,
    ENTRY_FIRST,
    GATE_FIRST,
    HIGH,
    LANES,
    LEARNS,
    LEVEL,
    LOW,
    OFFSET,
    ON_POST,
    ON_PRE,
    PLASTIC,
    PROJECTION,
    ROW_FIRST,
    SENDERS,
    SUM,
    SYNAPSE_FIRST,
    SYNAPSES,
    SYNAPTIC_EVENTS,
    TARGETS,
    UNIFORM,
    UPDATES,
    WEIGHT_FIRST,
)
from rulesearch.simulate.rule_kernel import run_lanes

# Loops run over unsigned numbers on whole arrays: such an index needs no check for a negative one, and no view of an
# array, whose count of owners would be changed for every spike.


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def _take_row(desk: Any, lane: int, targets: Any, start: int, stop: int, row: int, needs: Any) -> int:
    """Let the synapses `start` to `stop` of a row wait in lanes from `lane` on; return the next free lane."""
    synapse, target, rows = desk.synapse, desk.target, desk.row
    first, at, number = np.uint64(start), np.uint64(lane), np.uint64(stop - start)
    for k in range(number):
        synapse[at + k] = first + k
    if needs[0]:
        for k in range(number):
            target[at + k] = targets[first + k]
    if needs[1]:
        for k in range(number):
            rows[at + k] = row
    stand: int = lane + stop - start
    return stand


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def _take_column(desk: Any, lane: int, synapses: Any, owners: Any, start: int, stop: int, own: int, needs: Any) -> int:
    """Let the entries `start` to `stop` of a column wait in lanes from `lane` on; return the next free lane."""
    synapse, target, rows = desk.synapse, desk.target, desk.row
    first, at, number = np.uint64(start), np.uint64(lane), np.uint64(stop - start)
    for k in range(number):
        synapse[at + k] = synapses[first + k]
    if needs[0]:
        for k in range(number):
            target[at + k] = own
    if needs[1]:
        for k in range(number):
            rows[at + k] = owners[first + k]
    stand: int = lane + stop - start
    return stand


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def _add_uniform(gate: Any, starts: Any, targets: Any, units: Any, start: int, stop: int, weight: float) -> int:
    """Add one weight for every synapse of the senders that fired; return the number of synapses."""
    events = 0
    for k in range(np.uint64(start), np.uint64(stop)):
        first, last = starts[units[k]], starts[units[k] + 1]
        events += last - first
        for s in range(np.uint64(first), np.uint64(last)):
            gate[targets[s]] += weight
    return events


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def _add_weights(gate: Any, starts: Any, targets: Any, units: Any, start: int, stop: int, w: Any) -> int:
    """Add the weights of the senders that fired; return the number of synapses."""
    events = 0
    for k in range(np.uint64(start), np.uint64(stop)):
        first, last = starts[units[k]], starts[units[k] + 1]
        events += last - first
        for s in range(np.uint64(first), np.uint64(last)):
            gate[targets[s]] += w[s]
    return events


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def _add_drifting(gate: Any, starts: Any, targets: Any, units: Any, start: int, stop: int, w: Any, change: Any) -> int:
    """Add weights that drift, as they stand now; return the number of synapses."""
    offset, scale, low, high = change[OFFSET], change[LEVEL], change[LOW], change[HIGH]
    events = 0
    for k in range(np.uint64(start), np.uint64(stop)):
        first, last = starts[units[k]], starts[units[k] + 1]
        events += last - first
        for s in range(np.uint64(first), np.uint64(last)):
            gate[targets[s]] += min(max(offset + w[s] * scale, low), high)
    return events


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
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
    desk: Any,
    counts: Any,
) -> None:
    """Let the spikes `start` to `stop` of the ring arrive at the synapses of projection j that have this delay."""
    wire = wires.table[j]
    targets = wires.targets[wire[SYNAPSE_FIRST] : wire[SYNAPSE_FIRST] + wire[SYNAPSES]]
    gate = cells.gates[wire[GATE_FIRST] : wire[GATE_FIRST] + wire[TARGETS]]
    starts = wires.row_starts[wire[ROW_FIRST] + delay * wire[SENDERS] :]
    q = wire[PLASTIC]
    if wire[UNIFORM] == 1:
        weight = wires.weights[wire[WEIGHT_FIRST]]
        counts[SYNAPTIC_EVENTS] += _add_uniform(gate, starts, targets, units, start, stop, weight)
        return
    w = wires.weights[wire[WEIGHT_FIRST] : wire[WEIGHT_FIRST] + wire[SYNAPSES]]
    if q < 0 or (plastics.change[q, LEVEL] == 1.0 and plastics.change[q, OFFSET] == 0.0):
        events = _add_weights(gate, starts, targets, units, start, stop, w)
    else:
        events = _add_drifting(gate, starts, targets, units, start, stop, w, plastics.change[q])
    counts[SYNAPTIC_EVENTS] += events
    event = 4 * q + ON_PRE
    if q < 0 or plastics.whole[q, LEARNS] == 0 or plastics.action_starts[event] == plastics.action_starts[event + 1]:
        return
    one_by_one = plastics.whole[q, SUM] >= 0
    needs = plastics.needs[event]
    lanes = 0
    for k in range(start, stop):
        row = delay * wire[SENDERS] + units[k]
        first, last = starts[units[k]], starts[units[k] + 1]
        while first < last:
            until = min(last, first + LANES - lanes)
            lanes = _take_row(desk, lanes, targets, first, until, row, needs)
            first = until
            if lanes == LANES:
                run_lanes(program, plastics, cells.membrane, q, event, desk, lanes, w, 1.0)
                lanes = 0
        if one_by_one and lanes > 0:
            # What reads a sum of weights must see the changes by the spikes before it.
            run_lanes(program, plastics, cells.membrane, q, event, desk, lanes, w, 1.0)
            lanes = 0
    if lanes > 0:
        run_lanes(program, plastics, cells.membrane, q, event, desk, lanes, w, 1.0)
    counts[UPDATES] += events


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def post_spikes(
    program: Any,
    cells: Any,
    wires: Any,
    plastics: Any,
    q: int,
    units: Any,
    start: int,
    stop: int,
    desk: Any,
    counts: Any,
) -> None:
    """Let the neurons `start` to `stop` of the ring, which fired, reach their synapses of plastic projection q."""
    wire = wires.table[plastics.whole[q, PROJECTION]]
    w = wires.weights[wire[WEIGHT_FIRST] : wire[WEIGHT_FIRST] + wire[SYNAPSES]]
    starts = wires.column_starts[wire[COLUMN_FIRST] : wire[COLUMN_FIRST] + wire[TARGETS] + 1]
    entries = wires.entries[wire[ENTRY_FIRST] : wire[ENTRY_FIRST] + wire[SYNAPSES]]
    rows = wires.entry_rows[wire[ENTRY_FIRST] : wire[ENTRY_FIRST] + wire[SYNAPSES]]
    event = 4 * q + ON_POST
    needs = plastics.needs[event]
    lanes = 0
    for k in range(start, stop):
        target = units[k]
        first, last = starts[target], starts[target + 1]
        counts[UPDATES] += last - first
        while first < last:
            until = min(last, first + LANES - lanes)
            lanes = _take_column(desk, lanes, entries, rows, first, until, target, needs)
            first = until
            if lanes == LANES:
                run_lanes(program, plastics, cells.membrane, q, event, desk, lanes, w, 1.0)
                lanes = 0
    if lanes > 0:
        run_lanes(program, plastics, cells.membrane, q, event, desk, lanes, w, 1.0)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def every_synapse(
    program: Any,
    cells: Any,
    wires: Any,
    plastics: Any,
    q: int,
    slot: int,
    seconds: float,
    desk: Any,
    counts: Any,
) -> None:
    """Run a slot (drift, on_step) on every synapse of plastic projection q."""
    wire = wires.table[plastics.whole[q, PROJECTION]]
    w = wires.weights[wire[WEIGHT_FIRST] : wire[WEIGHT_FIRST] + wire[SYNAPSES]]
    targets = wires.targets[wire[SYNAPSE_FIRST] : wire[SYNAPSE_FIRST] + wire[SYNAPSES]]
    starts = wires.row_starts[wire[ROW_FIRST] :]
    event = 4 * q + slot
    needs = plastics.needs[event]
    lanes = 0
    for row in range(wire[DELAYS] * wire[SENDERS]):
        first, last = starts[row], starts[row + 1]
        while first < last:
            until = min(last, first + LANES - lanes)
            lanes = _take_row(desk, lanes, targets, first, until, row, needs)
            first = until
            if lanes == LANES:
                run_lanes(program, plastics, cells.membrane, q, event, desk, lanes, w, seconds)
                lanes = 0
    if lanes > 0:
        run_lanes(program, plastics, cells.membrane, q, event, desk, lanes, w, seconds)
    counts[UPDATES] += wire[SYNAPSES]
