"""The compiled work of rules: what an event reads is gathered into lanes, the program run, weights moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from rulesearch.simulate.machine.kernel import kernel
from rulesearch.simulate.machine.vm import run_segment
from rulesearch.simulate.network.tables import LANES, MEAN, MEMBRANE, ROW, SIGNAL, SYNAPSE, TARGET_STATE, WAITED

# As in `synapse_kernel`, loops run over unsigned numbers.


@kernel
def _gather(
    registers: Any, register: int, lanes: int, source: Any, begin: int, first: Any, place: Any, scale: float
) -> None:
    """Fill a register with what stands at each lane's place behind `begin` and the lanes' first, times a scale."""
    base = np.uint64(begin) + first
    for k in range(np.uint64(lanes)):
        registers[register, k] = source[base + place[k]] * scale


@kernel
def _gather_weights(registers: Any, lanes: Any, w: Any, change: Any) -> None:
    """Fill the first register with the weights of the lanes' synapses as they stand."""
    offset, scale, low, high = change.offset, change.level, change.low, change.high
    number, first, synapse = np.uint64(lanes.number), lanes.first, lanes.synapse
    if scale == 1.0 and offset == 0.0:
        if lanes.together:
            for k in range(number):
                registers[0, k] = w[first + k]
        else:
            for k in range(number):
                registers[0, k] = w[first + synapse[k]]
    else:
        for k in range(number):
            registers[0, k] = min(max(offset + w[first + synapse[k]] * scale, low), high)


@kernel
def _fill(plastics: Any, membrane: Any, change: Any, event: int, registers: Any, lanes: Any, w: Any) -> None:
    """Fill the registers with what an event reads of the synapses in the lanes."""
    fills, values, levels, number = plastics.fills, plastics.values, plastics.levels, lanes.number
    _gather_weights(registers, lanes, w, change)
    for f in range(plastics.fill_starts[event], plastics.fill_starts[event + 1]):
        fill = fills[f]
        register, kind, first, level = fill.register, fill.kind, fill.first, fill.level
        if kind == ROW:
            _gather(registers, register, number, values, first, lanes.first_row, lanes.row, levels[level])
        elif kind == TARGET_STATE:
            _gather(registers, register, number, values, first, lanes.first_target, lanes.target, levels[level])
        elif kind == SYNAPSE:
            _gather(registers, register, number, values, first, lanes.first, lanes.synapse, levels[level])
        elif kind == MEMBRANE:
            _gather(registers, register, number, membrane[level], first, lanes.first_target, lanes.target, 1.0)
        elif kind == MEAN:
            _gather(registers, register, number, values, first, lanes.first_target, lanes.target, 1.0)
            target, inverse = lanes.target, np.uint64(level) + lanes.first_target
            for k in range(np.uint64(number)):
                registers[register, k] *= values[inverse + target[k]]
        elif kind == SIGNAL:
            for k in range(np.uint64(number)):
                registers[register, k] = plastics.signals[first]
        elif kind == WAITED:
            touched, begin, synapse = plastics.touched, np.uint64(first) + lanes.first, lanes.synapse
            now, dt = plastics.clock[0], plastics.clock[1]
            for k in range(np.uint64(number)):
                registers[register, k] = (now - touched[begin + synapse[k]]) * dt
                touched[begin + synapse[k]] = now


@kernel
def _move_states(
    registers: Any, register: int, result: int, lanes: Any, values: Any, begin: int, seconds: float, level: float
) -> None:
    """Add what was computed to a state of the lanes' synapses, in its register and where it is kept."""
    first, back, synapse = np.uint64(begin) + lanes.first, 1.0 / level, lanes.synapse
    for k in range(np.uint64(lanes.number)):
        moved = registers[register, k] + seconds * registers[result, k]
        registers[register, k] = moved
        values[first + synapse[k]] = moved * back


@kernel
def _move_weights(registers: Any, delta: int, lanes: Any, w: Any, change: Any, seconds: float) -> None:
    """Move the lanes' weights within their bounds; the new ones are left in the register `delta`."""
    eta, low, high = change.eta * seconds, change.low, change.high
    number, first, synapse = np.uint64(lanes.number), lanes.first, lanes.synapse
    if change.soft == 1.0:
        for k in range(number):
            old = registers[0, k]
            registers[delta, k] *= (high - old) if eta * registers[delta, k] > 0.0 else (old - low)
    for k in range(number):
        new = registers[0, k] + eta * registers[delta, k]
        registers[delta, k] = low if new < low else (high if new > high else new)
    offset, scale = change.offset, change.level
    if offset == 0.0 and scale == 1.0:
        if lanes.together:
            for k in range(number):
                w[first + k] = registers[delta, k]
        else:
            for k in range(number):
                w[first + synapse[k]] = registers[delta, k]
    else:
        for k in range(number):
            w[first + synapse[k]] = (registers[delta, k] - offset) / scale


@kernel
def run_lanes(
    program: Any, plastics: Any, membrane: Any, q: int, event: int, registers: Any, lanes: Any, w: Any, seconds: float
) -> None:
    """Run what an event of plastic projection q runs on the synapses in the lanes.

    Sums of weights are read as they stood before the event, however many lanes it fills: what it moves them by is kept
    apart until `show_sums`.

    **Arguments:** `seconds`: what a drift is multiplied by, 1 for what comes at once.
    """
    change, values, number = plastics.change[q], plastics.values, lanes.number
    actions, begin, end = plastics.actions, plastics.action_starts[event], plastics.action_starts[event + 1]
    _fill(plastics, membrane, change, event, registers, lanes, w)
    # Synaptic states come first, all by what they were before; then the weight.
    weight = end
    for a in range(begin, end):
        if actions[a].register < 0:
            weight = a
            break
        run_segment(program, actions[a].segment, registers, number)
    for a in range(begin, weight):
        move = actions[a]
        level = plastics.levels[move.level]
        _move_states(registers, move.register, move.result, lanes, values, move.first, seconds, level)
    if weight == end:
        return
    result = actions[weight].result
    run_segment(program, actions[weight].segment, registers, number)
    _move_weights(registers, result, lanes, w, change, seconds)
    sums = plastics.table[q].moved_sum
    if sums >= 0:
        total, target = np.uint64(sums) + lanes.first_target, lanes.target
        for k in range(np.uint64(number)):
            values[total + target[k]] += registers[result, k] - registers[0, k]


@kernel
def show_sums(plastics: Any, wires: Any, q: int) -> None:
    """Let rules read the sums of weights of plastic projection q as its latest event left them."""
    sums, moved = plastics.table[q].sum, plastics.table[q].moved_sum
    if sums >= 0:
        for k in range(wires.table[plastics.table[q].projection].targets):
            plastics.values[sums + k] = plastics.values[moved + k]


@kernel
def lowpasses(program: Any, cells: Any, plastics: Any, registers: Any, news: Any) -> None:
    """Move every low-pass by one step, all by the values before it: z += gain (expression - z)."""
    for stage in range(2):
        at = 0
        for m in range(plastics.lowpasses.shape[0]):
            lowpass = plastics.lowpasses[m]
            first, size = lowpass.first, lowpass.size
            if stage == 1:
                for k in range(size):
                    plastics.values[first + k] = news[at + k]
                at += size
                continue
            gain = plastics.lowpass_gains[m]
            for low in range(0, size, LANES):
                lanes = min(LANES, size - low)
                for f in range(plastics.lowpass_starts[m], plastics.lowpass_starts[m + 1]):
                    fill = plastics.lowpass_fills[f]
                    register, kind, begin, level = fill.register, fill.kind, fill.first, fill.level
                    for k in range(lanes):
                        if kind == MEMBRANE:
                            registers[register, k] = cells.membrane[level, begin + low + k]
                        elif kind == SIGNAL:
                            registers[register, k] = plastics.signals[begin]
                        elif kind == MEAN:
                            registers[register, k] = plastics.values[begin + low + k] * plastics.values[level + low + k]
                        else:
                            registers[register, k] = plastics.values[begin + low + k] * plastics.levels[level]
                run_segment(program, lowpass.segment, registers, lanes)
                for k in range(lanes):
                    old = plastics.values[first + low + k]
                    news[at + low + k] = old + gain * (registers[lowpass.result, k] - old)
            at += size


@kernel
def decay(levels: Any, taus: Any, begun: Any, states: Any, values: Any, t: int, dt: float) -> None:
    """Bring the levels of all decaying states to step t."""
    for z in range(taus.size):
        exponent = (t - begun[z]) * dt / taus[z]
        if exponent > 200.0:
            first = states[z].first
            scale = np.exp(-exponent)
            for k in range(first, first + states[z].size):
                values[k] *= scale
            begun[z] = t
            exponent = 0.0
        levels[z + 1] = np.exp(-exponent)


@kernel
def drift(plastics: Any, wires: Any, q: int) -> None:
    """Let the weights of plastic projection q drift for a step, where that is solved exactly."""
    change = plastics.change[q]
    # The fixed point and the distance from it; a constant drift moves the offset alone.
    change.offset += change.shift
    change.level *= change.growth
    if not 1e-30 < change.level < 1e30 or (change.shift != 0.0 and abs(change.offset) > 1e3):
        settle(plastics, wires, q)


@kernel
def settle(plastics: Any, wires: Any, q: int) -> None:
    """Store the weights of plastic projection q as they are: OFFSET at its fixed point or 0, LEVEL 1."""
    wire, change = wires.table[plastics.table[q].projection], plastics.change[q]
    base = change.offset if change.growth != 1.0 else 0.0
    for k in range(wire.weight_first, wire.weight_first + wire.synapses):
        weight = min(max(change.offset + wires.weights[k] * change.level, change.low), change.high)
        wires.weights[k] = weight - base
    change.offset = base
    change.level = 1.0
