"""The compiled step of rate networks: layers, rules, weights, low-passes.

`WEIGHT` is the register that weights stand in; see `tables` for how numbers are laid out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rulesearch.simulate.codes import EXHAUSTED, NONFINITE, OK, RUNAWAY
from rulesearch.simulate.machine.kernel import inlined, kernel
from rulesearch.simulate.machine.vm import run_segment
from rulesearch.simulate.rate.layer_kernel import compute_layer
from rulesearch.simulate.rate.programs import WEIGHT
from rulesearch.simulate.rate.tables import FROM_SOURCE, FROM_TARGET, MEAN, RECONSTRUCTION, SUM
from rulesearch.simulate.rate.vectors import (
    add_numbers,
    add_products,
    follow,
    move_weights,
    put_numbers,
    repeat_numbers,
)


@kernel
def run_each(
    codes: Any,
    segments: Any,
    counts: Any,
    wiring: Any,
    work: Any,
    motions: Any,
    fills: Any,
    rates: Any,
    memory: Any,
    shown: Any,
    every: int,
    begin: int,
    kept: Any,
    weights: Any,
    outputs: Any,
    ends: Any,
) -> None:
    """Run candidates whose programs and numbers stand one behind the other.

    **Arguments:** `counts` `(candidates, 3)`: instructions, segments and numbers of each; `motions` `(candidates,
    connections)`; the others as in `run_network`.
    """
    code, segment, number = 0, 0, 0
    for k in range(counts.shape[0]):
        instructions, parts, numbers = counts[k, 0], counts[k, 1], counts[k, 2]
        own = segments[segment : segment + parts]
        run_network(
            (codes[code : code + instructions], own),
            own,
            wiring,
            work,
            motions[k],
            fills,
            rates,
            memory[number : number + numbers],
            shown,
            every,
            begin,
            kept,
            weights[k],
            outputs[k],
            ends[k],
        )
        code += instructions
        segment += parts
        number += numbers


@kernel
def run_network(
    program: Any,
    segments: Any,
    wiring: Any,
    work: Any,
    motions: Any,
    fills: Any,
    rates: Any,
    memory: Any,
    shown: Any,
    every: int,
    begin: int,
    kept: Any,
    weights: Any,
    outputs: Any,
    end: Any,
) -> None:
    """Run one candidate; `end` takes the result code and the steps done.

    **Arguments:** `memory`: registers of its plastic connections and weights of the others, as numbers; `shown`
    `(steps, numbers)`: the rows of each presentation; from step `begin` on every `every` steps, `weights` and `outputs`
    `(records, numbers)` take the weights of the connections that are `kept` after the step and the layers' outputs in
    it.
    """
    values, sums = work.values, work.sums
    lanes = work.base.shape[1]
    first = wiring.layers[0].output * lanes
    wait, record = begin + every, 0
    end[0] = OK
    for step in range(shown.shape[0]):
        put_numbers(values, 0, shown[step], 0, shown.shape[1])
        for each in range(wiring.layers.size):
            if not compute_layer(values, wiring, work, motions, memory, wiring.layers[each], lanes):
                end[0] = EXHAUSTED
                end[1] = step
                return
        for c in range(motions.size):
            motion, connection = motions[c], wiring.connections[c]
            if motion.segment < 0:
                continue
            width = connection.synapses * lanes
            for k in range(motion.fill, motion.fill + motion.fills):
                _fill(values, sums, wiring, connection, motion, memory, fills[k], lanes)
            registers = memory[motion.memory : motion.memory + motion.registers * width].reshape(
                motion.registers, width
            )
            for k in range(motion.segment, motion.segment + motion.lowpasses + 1):
                if segments[k, 1] > segments[k, 0]:
                    run_segment(program, k, registers, width)
        for c in range(motions.size):
            motion, connection = motions[c], wiring.connections[c]
            if motion.segment < 0:
                continue
            width = connection.synapses * lanes
            registers = memory[motion.memory : motion.memory + motion.registers * width].reshape(
                motion.registers, width
            )
            code = _move(registers, sums, wiring, connection, motion, segments[motion.segment, 2], lanes)
            if code != OK:
                end[0] = code
                end[1] = step + 1
                return
            for k in range(motion.lowpasses):
                follow(registers, motion.lowpass + k, segments[motion.segment + 1 + k, 2], rates[motion.rate + k])
        wait -= 1
        if wait == 0:
            wait = every
            place = 0
            for c in range(motions.size):
                if kept[c]:
                    width = wiring.connections[c].synapses * lanes
                    for i in range(width):
                        weights[record, place + i] = memory[motions[c].weight + i]
                    place += width
            for i in range(outputs.shape[1]):
                outputs[record, i] = values[first + i]
            record += 1
    end[1] = shown.shape[0]


@inlined
def _fill(
    values: Any, sums: Any, wiring: Any, connection: Any, motion: Any, memory: Any, fill: Any, lanes: int
) -> None:
    """Fill one register of a connection with what its synapses see."""
    register = motion.memory + fill.register * connection.synapses * lanes
    if fill.kind == RECONSTRUCTION:
        sums[:] = 0.0
    for i in range(connection.targets):
        target = wiring.targets[connection.target + i]
        place, count = register + target.synapse * lanes, target.synapses
        if fill.kind == FROM_TARGET:
            repeat_numbers(memory, place, values, (fill.row + i) * lanes, lanes, count)
        elif fill.kind == FROM_SOURCE:
            for k in range(target.run, target.run + target.runs):
                run = wiring.runs[k]
                source = (fill.row + run.source) * lanes
                put_numbers(memory, register + run.synapse * lanes, values, source, run.synapses * lanes)
        elif fill.kind == RECONSTRUCTION:
            for k in range(target.run, target.run + target.runs):
                run = wiring.runs[k]
                for s in range(run.synapses):
                    at, synapse = (run.source + s) * lanes, (run.synapse + s) * lanes
                    add_products(sums, at, memory, motion.weight + synapse, values, (fill.row + i) * lanes, lanes, 1)
                    put_numbers(memory, register + synapse, sums, at, lanes)
        elif fill.kind == SUM or fill.kind == MEAN:
            sums[:lanes] = 0.0
            add_numbers(sums, 0, memory, motion.weight + target.synapse * lanes, lanes, count)
            if fill.kind == MEAN:
                for d in range(lanes):
                    sums[d] /= count
            repeat_numbers(memory, place, sums, 0, lanes, count)
        else:
            repeat_numbers(memory, place, values, fill.row * lanes, lanes, count)


@inlined
def _move(registers: Any, sums: Any, wiring: Any, connection: Any, motion: Any, change: int, lanes: int) -> int:
    """Move the weights of a connection, and return a result code.

    **Arguments:** `change`: the register of the rule's value, -1: it has none.
    """
    if change < 0:
        return OK
    w = registers[WEIGHT]
    bounded = motion.low > -np.inf or motion.high < np.inf
    large = move_weights(registers, change, motion.eta, wiring.limit / max(1, connection.most))
    if bounded:
        for i in range(w.size):
            w[i] = min(max(w[i], motion.low), motion.high)
    if large or bounded or connection.normalised == 1:
        for i in range(connection.targets):
            target = wiring.targets[connection.target + i]
            begin, end = target.synapse, target.synapse + target.synapses
            sums[:lanes] = 0.0
            for k in range(begin, end):
                for d in range(lanes):
                    sums[d] += w[k * lanes + d] * w[k * lanes + d]
            for d in range(lanes):
                if not sums[d] <= wiring.limit:
                    return RUNAWAY if np.isfinite(sums[d]) else NONFINITE
            if connection.normalised == 1:
                for d in range(lanes):
                    sums[d] = np.sqrt(sums[d])
                for k in range(begin, end):
                    for d in range(lanes):
                        w[k * lanes + d] /= sums[d]
    return OK
