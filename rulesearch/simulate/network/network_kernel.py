"""The compiled loop of spiking networks: one kernel for every network, so that nothing is compiled for a new one.

Order of a time step: sources fire; drift and low-passes move by values of the step before; membranes are integrated
and spikes found; spikes arrive after their delays (weights act as they stand, then synaptic states and `on_pre`,
then the presynaptic trace); postsynaptic spikes (`on_post`, then the trace); membranes are reset. All presynaptic
spikes of a step at a projection are one event, and all postsynaptic ones: sums of weights are read as they stood before
the event, and so are synaptic states by each other.

Traces and everything else that decays alike in all places is kept scaled: value = stored * level, where only `level`
decays. Plastic synapses are gathered into lanes, so that the program of a rule runs over many at a time.
"""

from __future__ import annotations

from typing import Any

from rulesearch.simulate.machine.kernel import kernel
from rulesearch.simulate.network.general_neurons import integrate_general, reset
from rulesearch.simulate.network.leaky_neurons import integrate_plain
from rulesearch.simulate.network.plasticity_kernel import decay, drift, lowpasses, show_sums
from rulesearch.simulate.network.synapse_kernel import acts, add_static, deliver, every_synapse, post_spikes
from rulesearch.simulate.network.tables import (
    BEHIND_POST,
    DELAY_FIRST,
    DELAYS,
    DRIFT,
    DRIFT_EVERY,
    GROWTH,
    KIND,
    LEARNS,
    LOGGED,
    ON_POST,
    PLAIN,
    PLASTIC,
    PROJECTION,
    SENDER,
    SENDERS,
    SHIFT,
    STATE_FIRST,
    STATE_NEAREST,
    STATE_PLASTIC,
    STATE_SIDE,
    SYNAPTIC_EVENTS,
    TARGET_GROUP,
    TOUCHED,
    WATCHED,
    V,
)


@kernel
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
    table, delays, row_starts, targets, weights = (
        wires.table,
        wires.delays,
        wires.row_starts,
        wires.targets,
        wires.weights,
    )
    whole, change, states, values, levels = (
        plastics.whole,
        plastics.change,
        plastics.states,
        plastics.values,
        plastics.levels,
    )
    taus, begun = plastics.taus, plastics.begun
    gates, membrane, cell_whole = cells.gates, cells.membrane, cells.whole
    ring_units, ring_starts = ring.units, ring.starts
    log_steps, log_units, recorded, counts = log.steps, log.units, log.recorded, log.counts
    group_first, watched, potentials, fired = log.group_first, log.watched, log.potentials, log.spikes
    sources, populations = offsets.shape[0], cell_whole.shape[0]
    slots, most = ring_units.shape
    scratch, news = desk.sums, desk.news
    for t in range(start, stop):
        if counts[LOGGED] + most > log_steps.size or counts[WATCHED] >= potentials.shape[0]:
            return t
        slot = t % slots
        units, begins = ring_units[slot], ring_starts[slot]
        count = 0
        for s in range(sources):
            begins[s] = count
            for k in range(offsets[s, t - origin], offsets[s, t - origin + 1]):
                units[count] = given[k]
                count += 1

        for q in range(whole.shape[0]):
            every = whole[q, DRIFT_EVERY]
            if every > 0 and whole[q, LEARNS] == 1 and t % every == 0:
                every_synapse(program, cells, wires, plastics, q, DRIFT, every * dt, desk, counts)
        if news.size > 0:
            lowpasses(program, cells, plastics, desk.registers, news)
        decay(levels, taus, begun, states, values, t, dt)
        plastics.clock[0] = t
        for q in range(whole.shape[0]):
            if t > 0 and whole[q, LEARNS] == 1 and (change[q, SHIFT] != 0.0 or change[q, GROWTH] != 1.0):
                drift(plastics, wires, q)

        for p in range(populations):
            begins[sources + p] = count
            if cell_whole[p, KIND] == PLAIN:
                count = integrate_plain(cells, p, t, exact, scratch, units, count)
            else:
                count = integrate_general(cells, p, t, exact, dt, generator, units, count)
        begins[sources + populations] = count

        for j in range(table.shape[0]):
            sender, arrived = table[j, SENDER], False
            for d in range(table[j, DELAYS]):
                back = delays[table[j, DELAY_FIRST] + d]
                if back > t:
                    continue
                then = (t - back) % slots
                first, last = ring_starts[then, sender], ring_starts[then, sender + 1]
                if last == first:
                    continue
                if table[j, PLASTIC] < 0:
                    counts[SYNAPTIC_EVENTS] += add_static(
                        gates, row_starts, targets, weights, ring_units[then], first, last, table[j], d
                    )
                else:
                    deliver(program, cells, wires, plastics, j, ring_units[then], first, last, d, desk, counts)
                    arrived = True
            if arrived:
                show_sums(plastics, wires, table[j, PLASTIC])
        for z in range(states.shape[0]):
            if states[z, STATE_SIDE] == 0:
                j = whole[states[z, STATE_PLASTIC], PROJECTION]
                sender, add = table[j, SENDER], 1.0 / levels[z + 1]
                for d in range(table[j, DELAYS]):
                    back = delays[table[j, DELAY_FIRST] + d]
                    if back > t:
                        continue
                    then = (t - back) % slots
                    base = states[z, STATE_FIRST] + d * table[j, SENDERS]
                    for k in range(ring_starts[then, sender], ring_starts[then, sender + 1]):
                        at = base + ring_units[then, k]
                        values[at] = add + (0.0 if states[z, STATE_NEAREST] else values[at])
        for q in range(whole.shape[0]):
            target = table[whole[q, PROJECTION], TARGET_GROUP]
            first, last = begins[target], begins[target + 1]
            if last == first:
                continue
            if whole[q, LEARNS] == 1 and (acts(plastics, q, ON_POST) or whole[q, TOUCHED] >= 0):
                post_spikes(program, cells, wires, plastics, q, ON_POST, units, first, last, desk, counts)
            if acts(plastics, q, BEHIND_POST):
                post_spikes(program, cells, wires, plastics, q, BEHIND_POST, units, first, last, desk, counts)
        for z in range(states.shape[0]):
            if states[z, STATE_SIDE] == 1:
                target = table[whole[states[z, STATE_PLASTIC], PROJECTION], TARGET_GROUP]
                add = 1.0 / levels[z + 1]
                for k in range(begins[target], begins[target + 1]):
                    at = states[z, STATE_FIRST] + units[k]
                    values[at] = add + (0.0 if states[z, STATE_NEAREST] else values[at])

        for p in range(populations):
            if begins[sources + p + 1] > begins[sources + p]:
                reset(cells, p, t, units, begins[sources + p], begins[sources + p + 1])
        for group in range(sources + populations):
            fired[group] += begins[group + 1] - begins[group]
            if recorded[group]:
                for k in range(begins[group], begins[group + 1]):
                    log_steps[counts[LOGGED]] = t
                    log_units[counts[LOGGED]] = group_first[group] + units[k]
                    counts[LOGGED] += 1
        if watched.size > 0 and t % watch_every == 0:
            row = counts[WATCHED]
            for k in range(watched.size):
                potentials[row, k] = membrane[V, watched[k]]
            counts[WATCHED] += 1
    return stop
