"""The compiled loop of the spiking neuron: its cost is per spike, plus a few operations per time step.

Presynaptic traces, and postsynaptic ones that presynaptic spikes reset, are kept scaled: z_i = Z_i * level, where
`level` decays by exp(-dt/tau) each step and a spike adds 1/level to Z_i (nearest: sets it), so that no trace is touched
between spikes. Presynaptic updates wait in
lanes of their own until something may read their result: the next spike of that synapse, a postsynaptic spike,
the mean weight, the end of a second. That changes no result, since an update depends on its own synapse and on
what was read at its time; it lets the virtual machine work on many lanes at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rulesearch.simulate.codes import EXHAUSTED, NONFINITE, OK, RUNAWAY, SATURATED, SILENT
from rulesearch.simulate.machine.kernel import compiled
from rulesearch.simulate.machine.vm import run_segment

WEIGHT, MEAN, TRACES = 0, 1, 2
"""Registers: weight, mean weight, and the first trace."""

POST, TAU, NEAREST, RESETS, READ_ON_PRE, READ_ON_POST = range(6)
"""Columns of the table of traces."""

_SMALLEST_LEVEL = 1e-100
_LARGEST_EXPONENT = 200.0
"""A trace that decays faster than by exp(-200) per step is zero at the next one in either case."""


@compiled(error_model="numpy")
def _clip(value: float, low: float, high: float) -> float:
    if value < low:
        return low
    return high if value > high else value


@compiled(error_model="numpy")
def _apply(program: Any, pre: Any, result: int, w: Any, synapse: Any, waits: Any, lanes: int, change: Any) -> Any:
    """Run the waiting presynaptic updates; return by how much the summed weights changed."""
    eta, low, high = change
    run_segment(program, 0, pre, lanes)
    delta = pre[result]
    moved = 0.0
    for lane in range(lanes):
        i = synapse[lane]
        new = _clip(w[i] + eta * delta[lane], low, high)
        moved += new - w[i]
        w[i] = new
        waits[i] = False
    return moved


@compiled(nogil=True, error_model="numpy")
def integrate(
    program: Any,
    pre: Any,
    post: Any,
    results: Any,
    reads_mean: Any,
    traces: Any,
    excitation: Any,
    offsets: Any,
    indices: Any,
    physics: Any,
    change: Any,
    schedule: Any,
    limits: Any,
    records: Any,
    spikes: Any,
) -> Any:
    """Integrate the neuron; return the result code, steps done, number of spikes, and counted work.

    **Arguments:** `pre` and `post`: registers of the two slots, the weights in `post`; `results`: their result
    registers (-1: empty); `reads_mean`: whether they read `w_mean`; `traces` `(traces, 6)`; `excitation`,
    `offsets`, `indices`: the input; `physics`: rest, threshold, dt/tau_m, whether spikes move the potential itself, and
    reversal, decay and gain of either conductance; `change`: eta and bounds; `schedule`: dt [s] and numbers of steps:
    learning, settling, refractory, one second, recording, from a synapse to the membrane and back; `limits`: see
    `simulate_spiking`; `records` and `spikes` are filled.
    """
    rest, threshold, step_over_tau, jumps = physics[:4]
    e_static, decay_static, gain_static, e_plastic, decay_plastic, gain_plastic = physics[4:]
    relaxed = np.exp(-step_over_tau)
    eta, low, high = change
    dt, learning_steps, settling_steps, refractory, second, record_every, axon, dendrite = schedule
    silent_steps, rate_limit, weight_limit, stuck_limit, work_limit = limits
    steps, afferents, number = excitation.size, records.shape[1], traces.shape[0]
    w = post[WEIGHT, :afferents]
    scaled = np.zeros((number, afferents))
    value = np.zeros(number)
    level = np.ones(number)
    decay = np.exp(-np.minimum(dt / traces[:, TAU], _LARGEST_EXPONENT))
    is_post, nearest, resets = traces[:, POST] == 1.0, traces[:, NEAREST] == 1.0, traces[:, RESETS] == 1.0
    of_neuron = is_post & ~resets
    read_on_pre, read_on_post = traces[:, READ_ON_PRE] == 1.0, traces[:, READ_ON_POST] == 1.0
    has_pre, has_post = results[0] >= 0, results[1] >= 0
    synapse = np.zeros(afferents, dtype=np.int64)
    waits = np.zeros(afferents, dtype=np.bool_)
    lanes = 0
    learning = learning_steps > 0
    total = w.sum()
    v, g_static, g_plastic = rest, 0.0, 0.0
    free_again, applied = 0, 0
    on_their_way, slot = np.zeros(axon + 1), 0
    count, counted, last_spike, stuck, work = 0, 0, -1, 0, 0
    for t in range(steps):
        g_static = g_static * decay_static + gain_static * excitation[t]
        g_plastic *= decay_plastic
        if learning:
            for z in range(number):
                if of_neuron[z]:
                    value[z] *= decay[z]
                else:
                    level[z] *= decay[z]
                    if level[z] < _SMALLEST_LEVEL:
                        for i in range(afferents):
                            scaled[z, i] *= level[z]
                        level[z] = 1.0

        # Presynaptic spikes. A weight acts as it stands before this spike changes it.
        arriving = 0.0
        for k in range(offsets[t], offsets[t + 1]):
            i = indices[k]
            if learning:
                if has_pre:
                    if waits[i]:
                        total += _apply(program, pre, results[0], w, synapse, waits, lanes, change)
                        lanes = 0
                    pre[WEIGHT, lanes] = w[i]
                    for z in range(number):
                        if read_on_pre[z]:
                            pre[TRACES + z, lanes] = value[z] if of_neuron[z] else scaled[z, i] * level[z]
                    if reads_mean[0]:
                        pre[MEAN, lanes] = total / afferents
                    synapse[lanes] = i
                    waits[i] = True
                    lanes += 1
                for z in range(number):
                    if not is_post[z]:
                        scaled[z, i] = 1.0 / level[z] + (0.0 if nearest[z] else scaled[z, i])
                    elif resets[z]:
                        scaled[z, i] = 0.0
            arriving += w[i]
        on_their_way[slot - 1 if slot > 0 else axon] = arriving
        g_plastic += gain_plastic * on_their_way[slot]
        slot = slot + 1 if slot < axon else 0
        if lanes > 0 and reads_mean[0]:
            total += _apply(program, pre, results[0], w, synapse, waits, lanes, change)
            lanes = 0

        if t >= free_again:
            if jumps > 0.0:
                v = rest + (v - rest) * relaxed + g_plastic
            else:
                conductance = 1.0 + g_static + g_plastic
                target = (rest + g_static * e_static + g_plastic * e_plastic) / conductance
                v = target + (v - target) * np.exp(-step_over_tau * conductance)
            if v > threshold:
                v = rest
                free_again = t + refractory
                spikes[count] = t
                count += 1
                last_spike = t

        if learning and applied < count and spikes[applied] + dendrite == t:
            applied += 1
            if lanes > 0:
                total += _apply(program, pre, results[0], w, synapse, waits, lanes, change)
                lanes = 0
            if has_post:
                for z in range(number):
                    if read_on_post[z]:
                        for i in range(afferents):
                            post[TRACES + z, i] = value[z] if of_neuron[z] else scaled[z, i] * level[z]
                if reads_mean[1]:
                    post[MEAN, :] = w.sum() / afferents
                run_segment(program, 1, post, afferents)
                delta = post[results[1]]
                for i in range(afferents):
                    w[i] = _clip(w[i] + change[0] * delta[i], low, high)
                total = w.sum()
                work += afferents
            for z in range(number):
                if of_neuron[z]:
                    value[z] = 1.0 + (0.0 if nearest[z] else value[z])
                elif is_post[z]:
                    for i in range(afferents):
                        scaled[z, i] = 1.0 / level[z] + (0.0 if nearest[z] else scaled[z, i])
                elif resets[z]:
                    for i in range(afferents):
                        scaled[z, i] = 0.0

        # Once a second: weights brought up to date, running sums made exact, reasons to stop.
        done = t + 1
        if done % second == 0 or done == learning_steps or done % record_every == 0:
            if lanes > 0:
                _apply(program, pre, results[0], w, synapse, waits, lanes, change)
                lanes = 0
            if done % record_every == 0:
                records[done // record_every - 1] = w
            total = w.sum()
            if learning and learning_steps - done < settling_steps:
                change = (eta * (learning_steps - done) / settling_steps, low, high)
            code = OK
            at_bound = (w <= low).all() or (w >= high).all()
            if done % second == 0:
                stuck = stuck + 1 if at_bound else 0
                if count - counted > rate_limit * second * dt:
                    code = RUNAWAY
                counted = count
            size = np.abs(w).sum()
            if not np.isfinite(size):
                code = NONFINITE
            elif size > weight_limit * afferents or not np.isfinite(v):
                code = RUNAWAY
            elif learning and t - last_spike >= silent_steps:
                code = SILENT
            elif learning and at_bound and (stuck >= stuck_limit or done == learning_steps):
                code = SATURATED
            elif work + done + offsets[done] > work_limit:
                code = EXHAUSTED
            if code != OK:
                return code, done, count, work + done + offsets[done]
            learning = done < learning_steps
    silent = steps > learning_steps and last_spike < learning_steps
    return (SILENT if silent else OK), steps, count, work + steps + offsets[steps]
