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
    SYNAPSES,
    TARGET_STATE,
    WEIGHT,
    WEIGHT_FIRST,
)
from rulesearch.simulate.vm import run_segment


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def _fill(plastics: Any, membrane: Any, change: Any, event: int, desk: Any, lanes: int, w: Any) -> None:
    """Fill the registers with what an event reads of the synapses that wait in the lanes."""
    synapse, target, row = desk.synapse[:lanes], desk.target[:lanes], desk.row[:lanes]
    for f in range(plastics.fill_starts[event], plastics.fill_starts[event + 1]):
        register, kind = plastics.fills[f, 0], plastics.fills[f, 1]
        first, level = plastics.fills[f, 2], plastics.fills[f, 3]
        out = desk.registers[register, :lanes]
        if kind == WEIGHT:
            offset, scale, low, high = change[OFFSET], change[LEVEL], change[LOW], change[HIGH]
            if scale == 1.0 and offset == 0.0:
                for k in range(lanes):
                    out[k] = w[synapse[k]]
            else:
                for k in range(lanes):
                    out[k] = min(max(offset + w[synapse[k]] * scale, low), high)
        elif kind == MEMBRANE:
            source = membrane[level, first:]
            for k in range(lanes):
                out[k] = source[target[k]]
        elif kind == MEAN:
            source, inverse = plastics.values[first:], plastics.values[level:]
            for k in range(lanes):
                out[k] = source[target[k]] * inverse[target[k]]
        elif kind == SIGNAL:
            out[:] = plastics.signals[first]
        else:
            place = row if kind == ROW else (target if kind == TARGET_STATE else synapse)
            source, scale = plastics.values[first:], plastics.levels[level]
            for k in range(lanes):
                out[k] = source[place[k]] * scale


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def run_lanes(
    program: Any, plastics: Any, membrane: Any, q: int, event: int, desk: Any, lanes: int, w: Any, seconds: float
) -> None:
    """Run what an event of plastic projection q runs on the synapses that wait in the lanes.

    **Arguments:** `seconds`: what a drift is multiplied by, 1 for what comes at once.
    """
    change, registers = plastics.change[q], desk.registers
    _fill(plastics, membrane, change, event, desk, lanes, w)
    synapse, target = desk.synapse[:lanes], desk.target[:lanes]
    sums = plastics.whole[q, SUM]
    for a in range(plastics.action_starts[event], plastics.action_starts[event + 1]):
        segment, result = plastics.actions[a, 0], plastics.actions[a, 1]
        first, level, register = plastics.actions[a, 2], plastics.actions[a, 3], plastics.actions[a, 4]
        run_segment(program, segment, registers, lanes)
        delta = registers[result, :lanes]
        if register >= 0:
            own, state = registers[register, :lanes], plastics.values[first:]
            back = 1.0 / plastics.levels[level]
            for k in range(lanes):
                own[k] += seconds * delta[k]
                state[synapse[k]] = own[k] * back
            continue
        eta, low, high = change[ETA] * seconds, change[LOW], change[HIGH]
        old = registers[0, :lanes]
        if change[SOFT] == 1.0:
            for k in range(lanes):
                delta[k] *= (high - old[k]) if eta * delta[k] > 0.0 else (old[k] - low)
        for k in range(lanes):
            new = old[k] + eta * delta[k]
            delta[k] = low if new < low else (high if new > high else new)
        if sums >= 0:
            total = plastics.values[sums:]
            for k in range(lanes):
                total[target[k]] += delta[k] - old[k]
        offset, scale = change[OFFSET], change[LEVEL]
        if offset != 0.0 or scale != 1.0:
            for k in range(lanes):
                delta[k] = (delta[k] - offset) / scale
        for k in range(lanes):
            w[synapse[k]] = delta[k]


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
