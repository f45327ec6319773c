"""The compiled loop of spiking networks: one kernel for every network, so that nothing is compiled for a new one.

Order of a time step: sources fire; drift and low-passes move by values of the step before; membranes are integrated
and spikes found; spikes arrive after their delays (weights act as they stand, then synaptic states and `on_pre`,
then the presynaptic trace); postsynaptic spikes (`on_post`, then the trace); membranes are reset.

Traces and everything else that decays alike in all places is kept scaled: value = stored * level, where only `level`
decays. Plastic synapses are gathered into lanes, so that the program of a rule runs over many at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from rulesearch.simulate.cell_kernel import integrate_general, integrate_plain, reset
from rulesearch.simulate.network_tables import (
    DELAY_FIRST,
    DELAYS,
    DRIFT,
    DRIFT_EVERY,
    KIND,
    LEARNS,
    LOGGED,
    ON_POST,
    PLAIN,
    PROJECTION,
    SENDER,
    SENDERS,
    STATE_FIRST,
    STATE_NEAREST,
    STATE_PLASTIC,
    STATE_SIDE,
    TARGET_GROUP,
    WATCHED,
    V,
)
from rulesearch.simulate.rule_kernel import decay, lowpasses
from rulesearch.simulate.synapse_kernel import deliver, every_synapse, post_spikes


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[misc]
def advance(
    program: Any,
    cells: Any,
    wires: Any,
    plastics: Any,
    ring: Any,
    log: Any,
    trains: Any,
    desk: Any,
    generator: Any,
    start: int,
    stop: int,
    origin: int,
    dt: float,
    exact: bool,
    watch_every: int,
) -> int:
    """Simulate steps `start` to `stop`; return the step that was reached, earlier where a log is full.

    **Arguments:** `trains`: offsets `(sources, steps + 1)` and units of the sources' spikes from step `origin` on;
    `exact`: whether membranes relax exactly under the conductances of a step; `watch_every`: steps between
    potentials that are written down.
    """
    offsets, given = trains
    sources, populations = offsets.shape[0], cells.whole.shape[0]
    slots, most = ring.units.shape
    counts = log.counts
    scratch = np.empty((2, cells.free_at.size))
    longest = 0
    for m in range(plastics.lowpasses.shape[0]):
        longest += plastics.lowpasses[m, 3]
    news = np.empty(longest)
    wire_count, plastic_count = wires.table.shape[0], plastics.whole.shape[0]
    for t in range(start, stop):
        if log.counts[LOGGED] + most > log.steps.size or log.counts[WATCHED] >= log.potentials.shape[0]:
            return t
        slot = t % slots
        units, begins = ring.units[slot], ring.starts[slot]
        count = 0
        for s in range(sources):
            begins[s] = count
            for k in range(offsets[s, t - origin], offsets[s, t - origin + 1]):
                units[count] = given[k]
                count += 1

        for q in range(plastic_count):
            every = plastics.whole[q, DRIFT_EVERY]
            if every > 0 and plastics.whole[q, LEARNS] == 1 and t % every == 0:
                every_synapse(program, cells, wires, plastics, q, DRIFT, every * dt, desk, counts)
        if longest > 0:
            lowpasses(program, cells, plastics, desk.registers, news)
        decay(plastics, wires, t, dt)

        for p in range(populations):
            begins[sources + p] = count
            if cells.whole[p, KIND] == PLAIN:
                count = integrate_plain(cells, p, t, exact, scratch, units, count)
            else:
                count = integrate_general(cells, p, t, exact, dt, generator, units, count)
        begins[sources + populations] = count

        for j in range(wire_count):
            sender = wires.table[j, SENDER]
            for d in range(wires.table[j, DELAYS]):
                back = wires.delays[wires.table[j, DELAY_FIRST] + d]
                if back > t:
                    continue
                then = (t - back) % slots
                first, last = ring.starts[then, sender], ring.starts[then, sender + 1]
                if last > first:
                    deliver(program, cells, wires, plastics, j, ring.units[then], first, last, d, desk, counts)
        for z in range(plastics.states.shape[0]):
            if plastics.states[z, STATE_SIDE] == 0:
                wire = wires.table[plastics.whole[plastics.states[z, STATE_PLASTIC], PROJECTION]]
                add = 1.0 / plastics.levels[z + 1]
                for d in range(wire[DELAYS]):
                    back = wires.delays[wire[DELAY_FIRST] + d]
                    if back > t:
                        continue
                    then = (t - back) % slots
                    base = plastics.states[z, STATE_FIRST] + d * wire[SENDERS]
                    for k in range(ring.starts[then, wire[SENDER]], ring.starts[then, wire[SENDER] + 1]):
                        at = base + ring.units[then, k]
                        plastics.values[at] = add + (0.0 if plastics.states[z, STATE_NEAREST] else plastics.values[at])
        for q in range(plastic_count):
            event = 4 * q + ON_POST
            target = wires.table[plastics.whole[q, PROJECTION], TARGET_GROUP]
            first, last = begins[target], begins[target + 1]
            runs = plastics.action_starts[event] < plastics.action_starts[event + 1]
            if last > first and runs and plastics.whole[q, LEARNS] == 1:
                post_spikes(program, cells, wires, plastics, q, units, first, last, desk, counts)
        for z in range(plastics.states.shape[0]):
            if plastics.states[z, STATE_SIDE] == 1:
                target = wires.table[plastics.whole[plastics.states[z, STATE_PLASTIC], PROJECTION], TARGET_GROUP]
                add = 1.0 / plastics.levels[z + 1]
                for k in range(begins[target], begins[target + 1]):
                    at = plastics.states[z, STATE_FIRST] + units[k]
                    plastics.values[at] = add + (0.0 if plastics.states[z, STATE_NEAREST] else plastics.values[at])

        for p in range(populations):
            if begins[sources + p + 1] > begins[sources + p]:
                reset(cells, p, t, units, begins[sources + p], begins[sources + p + 1])
        for group in range(sources + populations):
            log.spikes[group] += begins[group + 1] - begins[group]
            if log.recorded[group]:
                for k in range(begins[group], begins[group + 1]):
                    log.steps[log.counts[LOGGED]] = t
                    log.units[log.counts[LOGGED]] = log.group_first[group] + units[k]
                    log.counts[LOGGED] += 1
        if log.watched.size > 0 and t % watch_every == 0:
            row = log.counts[WATCHED]
            for k in range(log.watched.size):
                log.potentials[row, k] = cells.membrane[V, log.watched[k]]
            log.counts[WATCHED] += 1
    return stop
