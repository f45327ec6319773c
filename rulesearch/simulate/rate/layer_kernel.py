"""The compiled computation of one layer: what reaches each neuron, what it gives, and lateral rounds until all rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from rulesearch.simulate.machine.kernel import inlined, kernel
from rulesearch.simulate.machine.vm import execute
from rulesearch.simulate.rate.network import REVERSED, SETTLED
from rulesearch.simulate.rate.vectors import add_products, put_numbers, subtract_products


@inlined
def compute_layer(values: Any, wiring: Any, work: Any, motions: Any, memory: Any, layer: Any, lanes: int) -> Any:
    """Compute the outputs of a layer for the present inputs; return whether they rest."""
    if layer.order == SETTLED:
        return _settle(wiring, work, motions, memory, layer, lanes)
    for k in range(layer.neurons):
        i = layer.neurons - 1 - k if layer.order == REVERSED else k
        drive = (layer.drive + i) * lanes
        put_numbers(values, drive, wiring.biases, (layer.bias + i) * lanes, lanes)
        _drive(values, drive, wiring, motions, memory, layer, i, lanes, True, True)
        _give(values, drive, (layer.output + i) * lanes, wiring, work, layer, i, lanes)
    return True


@inlined
def _drive(
    values: Any,
    drive: int,
    wiring: Any,
    motions: Any,
    memory: Any,
    layer: Any,
    neuron: int,
    lanes: int,
    forward: bool,
    lateral: bool,
) -> None:
    """Add what reaches a neuron to the numbers at `drive`; `forward` and `lateral`: by which connections."""
    for place in range(layer.first, layer.end):
        c = wiring.incoming[place]
        connection = wiring.connections[c]
        if connection.lateral == 1:
            if not lateral:
                continue
        elif not forward:
            continue
        target = wiring.targets[connection.target + neuron]
        for k in range(target.run, target.run + target.runs):
            run = wiring.runs[k]
            weight, source = motions[c].weight + run.synapse * lanes, (connection.source + run.source) * lanes
            if connection.inhibitory == 1:
                subtract_products(values, drive, memory, weight, values, source, lanes, run.synapses)
            else:
                add_products(values, drive, memory, weight, values, source, lanes, run.synapses)


@inlined
def _give(values: Any, drive: int, output: int, wiring: Any, work: Any, layer: Any, neuron: int, lanes: int) -> None:
    """Put what a neuron gives for the input at `drive` to `output`: f(h), or where it is clamped that value."""
    if layer.segment < 0:
        put_numbers(values, output, values, drive, lanes)
    else:
        registers = work.scratch[layer.scratch : layer.scratch + layer.registers]
        for i in range(lanes):
            registers[0, i] = values[drive + i]
        segment = wiring.segments[layer.segment]
        execute(wiring.code, segment[0], segment[1], registers, lanes)
        for i in range(lanes):
            values[output + i] = registers[segment[2], i]
    if layer.clamp >= 0:
        clamp = (layer.clamp + neuron) * lanes
        for i in range(lanes):
            if not np.isnan(values[clamp + i]):
                values[output + i] = values[clamp + i]


@kernel
def _settle(wiring: Any, work: Any, motions: Any, memory: Any, layer: Any, lanes: int) -> bool:
    """Go over the neurons of a layer, each with the others' latest outputs, until none moves; return whether they rest.

    A data set that has settled stays as it is, so that it does not depend on the others.
    """
    values, base, moved, active = work.values, work.base, work.moved, work.active
    spare = values.size - 2 * lanes
    for i in range(layer.neurons):
        put_numbers(values, spare, wiring.biases, (layer.bias + i) * lanes, lanes)
        _drive(values, spare, wiring, motions, memory, layer, i, lanes, True, False)
        for d in range(lanes):
            base[i, d] = values[spare + d]
            values[(layer.output + i) * lanes + d] = 0.0
    active[:lanes] = True
    for _ in range(wiring.rounds):
        moved[:lanes] = 0.0
        largest = moved[lanes:]
        largest[:] = 1.0
        for i in range(layer.neurons):
            for d in range(lanes):
                values[spare + d] = base[i, d]
            _drive(values, spare, wiring, motions, memory, layer, i, lanes, False, True)
            _give(values, spare, spare + lanes, wiring, work, layer, i, lanes)
            drive, output = (layer.drive + i) * lanes, (layer.output + i) * lanes
            for d in range(lanes):
                if active[d]:
                    after = values[spare + lanes + d]
                    change = abs(after - values[output + d])
                    if not change <= moved[d]:
                        moved[d] = change
                    largest[d] = max(largest[d], abs(after))
                    values[drive + d] = values[spare + d]
                    values[output + d] = after
        rest = True
        for d in range(lanes):
            active[d] = active[d] and not moved[d] <= wiring.tolerance * largest[d]
            rest = rest and not active[d]
        if rest:
            return True
    return False
