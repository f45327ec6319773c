"""The compiled work of rules: what an event reads is gathered into lanes, the program run, weights moved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from rulesearch.simulate.network_tables import (
    ETA,
    GROWTH,
    HIGH,
    LANES,
    LEARNS,
    LEVEL,
    LOW,
    MEAN,
    MEMBRANE,
    OFFSET,
    PROJECTION,
    ROW,
    SHIFT,
    SIGNAL,
    SOFT,
    STATE_FIRST,
    STATE_SIZE,
    SUM,
    SYNAPSE,
    SYNAPSES,
    TARGET_STATE,
    WEIGHT,
    WEIGHT_FIRST,
)
from rulesearch.simulate.vm import run_segment


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def fill_row(
    plastics: Any,
    cells: Any,
    change: Any,
    event: int,
    registers: Any,
    lane: int,
    w: Any,
    targets: Any,
    start: int,
    stop: int,
    row: int,
) -> None:
    """Fill lanes from `lane` on with what an event reads of the synapses `start` to `stop` of one row."""
    n = stop - start
    for f in range(plastics.fill_starts[event], plastics.fill_starts[event + 1]):
        register, kind = plastics.fills[f, 0], plastics.fills[f, 1]
        first, level = plastics.fills[f, 2], plastics.fills[f, 3]
        out = registers[register]
        if kind == WEIGHT:
            offset, scale, low, high = change[OFFSET], change[LEVEL], change[LOW], change[HIGH]
            if scale == 1.0 and offset == 0.0:
                for k in range(n):
                    out[lane + k] = w[start + k]
            else:
                for k in range(n):
                    out[lane + k] = min(max(offset + w[start + k] * scale, low), high)
        elif kind == ROW:
            value = plastics.values[first + row] * plastics.levels[level]
            for k in range(n):
                out[lane + k] = value
        elif kind == TARGET_STATE:
            scale = plastics.levels[level]
            for k in range(n):
                out[lane + k] = plastics.values[first + targets[start + k]] * scale
        elif kind == SYNAPSE:
            scale = plastics.levels[level]
            for k in range(n):
                out[lane + k] = plastics.values[first + start + k] * scale
        elif kind == MEMBRANE:
            for k in range(n):
                out[lane + k] = cells.membrane[level, first + targets[start + k]]
        elif kind == MEAN:
            for k in range(n):
                out[lane + k] = (
                    plastics.values[first + targets[start + k]] * plastics.values[level + targets[start + k]]
                )
        else:
            for k in range(n):
                out[lane + k] = plastics.signals[first]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def fill_column(
    plastics: Any,
    cells: Any,
    change: Any,
    event: int,
    registers: Any,
    lane: int,
    w: Any,
    entries: Any,
    rows: Any,
    start: int,
    stop: int,
    target: int,
) -> None:
    """Fill lanes from `lane` on with what an event reads of the synapses `start` to `stop` of one target."""
    n = stop - start
    for f in range(plastics.fill_starts[event], plastics.fill_starts[event + 1]):
        register, kind = plastics.fills[f, 0], plastics.fills[f, 1]
        first, level = plastics.fills[f, 2], plastics.fills[f, 3]
        out = registers[register]
        if kind == WEIGHT:
            offset, scale, low, high = change[OFFSET], change[LEVEL], change[LOW], change[HIGH]
            if scale == 1.0 and offset == 0.0:
                for k in range(n):
                    out[lane + k] = w[entries[start + k]]
            else:
                for k in range(n):
                    out[lane + k] = min(max(offset + w[entries[start + k]] * scale, low), high)
        elif kind == ROW:
            scale = plastics.levels[level]
            for k in range(n):
                out[lane + k] = plastics.values[first + rows[start + k]] * scale
        elif kind == SYNAPSE:
            scale = plastics.levels[level]
            for k in range(n):
                out[lane + k] = plastics.values[first + entries[start + k]] * scale
        else:
            if kind == TARGET_STATE:
                value = plastics.values[first + target] * plastics.levels[level]
            elif kind == MEMBRANE:
                value = cells.membrane[level, first + target]
            elif kind == MEAN:
                value = plastics.values[first + target] * plastics.values[level + target]
            else:
                value = plastics.signals[first]
            for k in range(n):
                out[lane + k] = value


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def run_lanes(
    program: Any,
    plastics: Any,
    q: int,
    event: int,
    desk: Any,
    lanes: int,
    w: Any,
    seconds: float,
) -> None:
    """Run what an event of plastic projection q runs on the filled lanes; `seconds`: what a drift is multiplied by."""
    change, registers = plastics.change[q], desk.registers
    synapses, targets = desk.synapse, desk.target
    sums = plastics.whole[q, SUM]
    for a in range(plastics.action_starts[event], plastics.action_starts[event + 1]):
        segment, result = plastics.actions[a, 0], plastics.actions[a, 1]
        first, level, register = plastics.actions[a, 2], plastics.actions[a, 3], plastics.actions[a, 4]
        run_segment(program, segment, registers, lanes)
        delta = registers[result]
        if register >= 0:
            own = registers[register]
            back = 1.0 / plastics.levels[level]
            for k in range(lanes):
                own[k] += seconds * delta[k]
                plastics.values[first + synapses[k]] = own[k] * back
            continue
        eta, low, high = change[ETA] * seconds, change[LOW], change[HIGH]
        old = registers[0]
        soft = change[SOFT] == 1.0
        offset, scale = change[OFFSET], change[LEVEL]
        plain = offset == 0.0 and scale == 1.0
        for k in range(lanes):
            moved = eta * delta[k]
            if soft:
                moved *= (high - old[k]) if moved > 0.0 else (old[k] - low)
            new = old[k] + moved
            new = low if new < low else (high if new > high else new)
            w[synapses[k]] = new if plain else (new - offset) / scale
            if sums >= 0:
                plastics.values[sums + targets[k]] += new - old[k]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def lowpasses(program: Any, cells: Any, plastics: Any, registers: Any, news: Any) -> None:
    """Move every low-pass by one step, all by the values before it: z += gain (expression - z)."""
    for stage in range(2):
        at = 0
        for m in range(plastics.lowpasses.shape[0]):
            segment, result = plastics.lowpasses[m, 0], plastics.lowpasses[m, 1]
            first, size = plastics.lowpasses[m, 2], plastics.lowpasses[m, 3]
            if stage == 1:
                for k in range(size):
                    plastics.values[first + k] = news[at + k]
                at += size
                continue
            gain = plastics.lowpass_gains[m]
            for low in range(0, size, LANES):
                lanes = min(LANES, size - low)
                for f in range(plastics.lowpass_starts[m], plastics.lowpass_starts[m + 1]):
                    register, kind = plastics.lowpass_fills[f, 0], plastics.lowpass_fills[f, 1]
                    begin, level = plastics.lowpass_fills[f, 2], plastics.lowpass_fills[f, 3]
                    for k in range(lanes):
                        if kind == MEMBRANE:
                            registers[register, k] = cells.membrane[level, begin + low + k]
                        elif kind == SIGNAL:
                            registers[register, k] = plastics.signals[begin]
                        elif kind == MEAN:
                            registers[register, k] = plastics.values[begin + low + k] * plastics.values[level + low + k]
                        else:
                            registers[register, k] = plastics.values[begin + low + k] * plastics.levels[level]
                run_segment(program, segment, registers, lanes)
                for k in range(lanes):
                    old = plastics.values[first + low + k]
                    news[at + low + k] = old + gain * (registers[result, k] - old)
            at += size


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def decay(plastics: Any, wires: Any, t: int, dt: float) -> None:
    """Bring the levels of all decaying states, and the exact drift of weights, to step t."""
    for z in range(plastics.taus.size):
        exponent = (t - plastics.begun[z]) * dt / plastics.taus[z]
        if exponent > 200.0:
            first = plastics.states[z, STATE_FIRST]
            scale = np.exp(-exponent)
            for k in range(first, first + plastics.states[z, STATE_SIZE]):
                plastics.values[k] *= scale
            plastics.begun[z] = t
            exponent = 0.0
        plastics.levels[z + 1] = np.exp(-exponent)
    for q in range(plastics.whole.shape[0]):
        change = plastics.change[q]
        if t > 0 and plastics.whole[q, LEARNS] == 1 and (change[SHIFT] != 0.0 or change[GROWTH] != 1.0):
            # The fixed point and the distance from it; a constant drift moves the offset alone.
            change[OFFSET] += change[SHIFT]
            change[LEVEL] *= change[GROWTH]
            if not 1e-30 < change[LEVEL] < 1e30 or (change[SHIFT] != 0.0 and abs(change[OFFSET]) > 1e3):
                settle(plastics, wires, q)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def settle(plastics: Any, wires: Any, q: int) -> None:
    """Store the weights of plastic projection q as they are: OFFSET at its fixed point or 0, LEVEL 1."""
    wire, change = wires.table[plastics.whole[q, PROJECTION]], plastics.change[q]
    base = change[OFFSET] if change[GROWTH] != 1.0 else 0.0
    for k in range(wire[WEIGHT_FIRST], wire[WEIGHT_FIRST] + wire[SYNAPSES]):
        weight = min(max(change[OFFSET] + wires.weights[k] * change[LEVEL], change[LOW]), change[HIGH])
        wires.weights[k] = weight - base
    change[OFFSET] = base
    change[LEVEL] = 1.0
