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
from rulesearch.simulate.network.tables import BEHIND_POST, DRIFT, LOGGED, ON_POST, PLAIN, SYNAPTIC_EVENTS, WATCHED, V


@kernel
def advance(
    program: Any,
    cells: Any,
    wires: Any,
    plastics: Any,
    ring: Any,
    log: Any,
    trains: Any,
    most_spikes: Any,
    work: Any,
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
    `most_spikes` `(groups,)`: counts of `log.spikes` above which nothing further is simulated; `exact`: whether
    membranes relax exactly under the conductances of a step; `watch_every`: steps between potentials that are written
    down.
    """
    offsets, given = trains
    table, delays, row_starts, targets, weights = (
        wires.table,
        wires.delays,
        wires.row_starts,
        wires.targets,
        wires.weights,
    )
    plastic, change, states, values, levels = (
        plastics.table,
        plastics.change,
        plastics.states,
        plastics.values,
        plastics.levels,
    )
    taus, begun = plastics.taus, plastics.begun
    gates, membrane, population = cells.gates, cells.membrane, cells.population
    ring_units, ring_starts = ring.units, ring.starts
    log_steps, log_units, recorded, counts = log.steps, log.units, log.recorded, log.counts
    group_first, watched, potentials, fired = log.group_first, log.watched, log.potentials, log.spikes
    sources, populations = offsets.shape[0], population.shape[0]
    slots, most = ring_units.shape
    scratch, news = work.sums, work.news
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

        for q in range(plastic.shape[0]):
            every = plastic[q].drift_every
            if every > 0 and plastic[q].learns == 1 and t % every == 0:
                every_synapse(program, cells, wires, plastics, q, DRIFT, every * dt, work, counts)
        if news.size > 0:
            lowpasses(program, cells, plastics, work.registers, news)
        decay(levels, taus, begun, states, values, t, dt)
        plastics.clock[0] = t
        for q in range(plastic.shape[0]):
            if t > 0 and plastic[q].learns == 1 and (change[q].shift != 0.0 or change[q].growth != 1.0):
                drift(plastics, wires, q)

        for p in range(populations):
            begins[sources + p] = count
            if population[p].kind == PLAIN:
                count = integrate_plain(cells, p, t, exact, scratch, units, count)
            else:
                count = integrate_general(cells, p, t, exact, dt, generator, units, count)
        begins[sources + populations] = count

        for j in range(table.shape[0]):
            sender, arrived = table[j].sender, False
            for d in range(table[j].delays):
                back = delays[table[j].delay_first + d]
                if back > t:
                    continue
                then = (t - back) % slots
                first, last = ring_starts[then, sender], ring_starts[then, sender + 1]
                if last == first:
                    continue
                if table[j].plastic < 0:
                    counts[SYNAPTIC_EVENTS] += add_static(
                        gates, row_starts, targets, weights, ring_units[then], first, last, table[j], d
                    )
                else:
                    deliver(program, cells, wires, plastics, j, ring_units[then], first, last, d, work, counts)
                    arrived = True
            if arrived:
                show_sums(plastics, wires, table[j].plastic)
        for z in range(states.shape[0]):
            if states[z].side == 0:
                j = plastic[states[z].plastic].projection
                sender, add = table[j].sender, 1.0 / levels[z + 1]
                for d in range(table[j].delays):
                    back = delays[table[j].delay_first + d]
                    if back > t:
                        continue
                    then = (t - back) % slots
                    base = states[z].first + d * table[j].senders
                    for k in range(ring_starts[then, sender], ring_starts[then, sender + 1]):
                        at = base + ring_units[then, k]
                        values[at] = add + (0.0 if states[z].nearest else values[at])
        for q in range(plastic.shape[0]):
            target = table[plastic[q].projection].target_group
            first, last = begins[target], begins[target + 1]
            if last == first:
                continue
            if plastic[q].learns == 1 and (acts(plastics, q, ON_POST) or plastic[q].touched >= 0):
                post_spikes(program, cells, wires, plastics, q, ON_POST, units, first, last, work, counts)
            if acts(plastics, q, BEHIND_POST):
                post_spikes(program, cells, wires, plastics, q, BEHIND_POST, units, first, last, work, counts)
        for z in range(states.shape[0]):
            if states[z].side == 1:
                target = table[plastic[states[z].plastic].projection].target_group
                add = 1.0 / levels[z + 1]
                for k in range(begins[target], begins[target + 1]):
                    at = states[z].first + units[k]
                    values[at] = add + (0.0 if states[z].nearest else values[at])

        for p in range(populations):
            if begins[sources + p + 1] > begins[sources + p]:
                reset(cells, p, t, units, begins[sources + p], begins[sources + p + 1])
        over = False
        for group in range(sources + populations):
            fired[group] += begins[group + 1] - begins[group]
            over = over or fired[group] > most_spikes[group]
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
        if over:
            return t + 1
    return stop
