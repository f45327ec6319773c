"""The compiled loop of the spiking neuron: cost per spike, and a few operations per time step.

Presynaptic traces are kept scaled: z_i = Z_i * level, where `level` decays by exp(-dt/tau) each step and a spike adds
1/level to Z_i (nearest: sets it), so that no trace is touched between spikes. Presynaptic updates wait in
lanes of their own until something may read their result: the next spike of that synapse, a postsynaptic spike,
the mean weight, the end of a second. That changes no result, since an update depends on its own synapse and on
what was read at its time; it lets the virtual machine work on many lanes at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from rulesearch.simulate.codes import EXHAUSTED, NONFINITE, OK, RUNAWAY, SATURATED, SILENT
from rulesearch.simulate.vm import run_segment

_SMALLEST_LEVEL = 1e-100
_LARGEST_EXPONENT = 200.0
"""A trace that decays faster than by exp(-200) per step is zero at the next one in either case."""


@njit(cache=True, error_model="numpy")  # type: ignore[misc]
def _apply(program: Any, pre: Any, result: int, w: Any, waiting: Any, lane_of: Any, count: int, change: Any) -> Any:
    """Run the waiting presynaptic updates; return the change of the summed weights (nan: a weight is not finite)."""
    eta, low, high = change
    run_segment(program, 0, pre, count)
    delta = pre[result]
    moved = 0.0
    for k in range(count):
        i = waiting[k]
        value = w[i] + eta * delta[k]
        if value < low:
            value = low
        elif value > high:
            value = high
        moved += value - w[i]
        w[i] = value
        lane_of[i] = False
    return moved


@njit(cache=True, error_model="numpy")  # type: ignore[misc]
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
    dt: float,
    learning_steps: int,
    refractory: int,
    second: int,
    limits: Any,
    record_every: int,
    records: Any,
    spikes: Any,
) -> Any:
    """Integrate the neuron (see `simulate_spiking`); return the result code, steps done, spikes, and work."""
    rest, threshold, step_over_tau, e_static, decay_static, gain_static, e_plastic, decay_plastic, gain_plastic = physics
    eta, low, high = change
    silent_steps, rate_limit, weight_limit, stuck_limit, work_limit = limits
    steps, afferents, number = excitation.size, post.shape[1], traces.shape[0]
    w = post[0]
    scaled = np.zeros((number, afferents))
    value = np.zeros(number)
    level = np.ones(number)
    decay = np.ones(number)
    for z in range(number):
        decay[z] = np.exp(-min(dt / traces[z, 1], _LARGEST_EXPONENT))
    waiting = np.zeros(afferents, dtype=np.int64)
    is_waiting = np.zeros(afferents, dtype=np.bool_)
    lanes = 0
    has_pre, has_post = results[0] >= 0, results[1] >= 0
    learning = learning_steps > 0
    total = w.sum()
    v, g_static, g_plastic = rest, 0.0, 0.0
    silent_until = 0
    count, counted, last_spike, stuck = 0, 0, 0, 0
    work = 0
    for t in range(steps):
        g_static = g_static * decay_static + gain_static * excitation[t]
        g_plastic *= decay_plastic
        first, stop = offsets[t], offsets[t + 1]
        if learning:
            for z in range(number):
                if traces[z, 0] == 0.0:
                    level[z] *= decay[z]
                    if level[z] < _SMALLEST_LEVEL:
                        for i in range(afferents):
                            scaled[z, i] *= level[z]
                        level[z] = 1.0
                else:
                    value[z] *= decay[z]
        if stop > first:
            arriving = 0.0
            if learning:
                for k in range(first, stop):
                    i = indices[k]
                    if has_pre:
                        if is_waiting[i]:
                            total += _apply(program, pre, results[0], w, waiting, is_waiting, lanes, change)
                            lanes = 0
                        pre[0, lanes] = w[i]
                        for z in range(number):
                            if traces[z, 3] == 1.0:
                                pre[2 + z, lanes] = scaled[z, i] * level[z] if traces[z, 0] == 0.0 else value[z]
                        if reads_mean[0]:
                            pre[1, lanes] = total / afferents
                        waiting[lanes] = i
                        is_waiting[i] = True
                        lanes += 1
                    arriving += w[i]
                    for z in range(number):
                        if traces[z, 0] == 0.0:
                            if traces[z, 2] == 1.0:
                                scaled[z, i] = 1.0 / level[z]
                            else:
                                scaled[z, i] += 1.0 / level[z]
                if lanes > 0 and reads_mean[0]:
                    total += _apply(program, pre, results[0], w, waiting, is_waiting, lanes, change)
                    lanes = 0
            else:
                for k in range(first, stop):
                    arriving += w[indices[k]]
            g_plastic += gain_plastic * arriving
        if t >= silent_until:
            conductance = 1.0 + g_static + g_plastic
            target = (rest + g_static * e_static + g_plastic * e_plastic) / conductance
            v = target + (v - target) * np.exp(-step_over_tau * conductance)
            if v > threshold:
                v = rest
                silent_until = t + refractory
                spikes[count] = t
                count += 1
                last_spike = t
                if learning:
                    if lanes > 0:
                        total += _apply(program, pre, results[0], w, waiting, is_waiting, lanes, change)
                        lanes = 0
                    if has_post:
                        for z in range(number):
                            if traces[z, 4] == 1.0:
                                for i in range(afferents):
                                    post[2 + z, i] = scaled[z, i] * level[z] if traces[z, 0] == 0.0 else value[z]
                        if reads_mean[1]:
                            mean = w.sum() / afferents
                            for i in range(afferents):
                                post[1, i] = mean
                        run_segment(program, 1, post, afferents)
                        delta = post[results[1]]
                        total = 0.0
                        for i in range(afferents):
                            new = w[i] + eta * delta[i]
                            if new < low:
                                new = low
                            elif new > high:
                                new = high
                            w[i] = new
                            total += new
                        work += afferents
                    for z in range(number):
                        if traces[z, 0] == 1.0:
                            value[z] = 1.0 if traces[z, 2] == 1.0 else value[z] + 1.0
        if (t + 1) % second == 0 or t + 1 == learning_steps or (t + 1) % record_every == 0:
            if lanes > 0:
                total += _apply(program, pre, results[0], w, waiting, is_waiting, lanes, change)
                lanes = 0
            if (t + 1) % record_every == 0:
                for i in range(afferents):
                    records[(t + 1) // record_every - 1, i] = w[i]
            total, size, at_low, at_high = 0.0, 0.0, True, True
            for i in range(afferents):
                total += w[i]
                size += abs(w[i])
                at_low = at_low and w[i] <= low
                at_high = at_high and w[i] >= high
            if not np.isfinite(size):
                return NONFINITE, t + 1, count, work + t + 1 + offsets[t + 1]
            if size > weight_limit * afferents or not np.isfinite(v):
                return RUNAWAY, t + 1, count, work + t + 1 + offsets[t + 1]
            if (t + 1) % second == 0:
                if count - counted > rate_limit * second * dt:
                    return RUNAWAY, t + 1, count, work + t + 1 + offsets[t + 1]
                counted = count
                stuck = stuck + 1 if (at_low or at_high) else 0
            if learning:
                if t - last_spike >= silent_steps:
                    return SILENT, t + 1, count, work + t + 1 + offsets[t + 1]
                if (at_low or at_high) and (stuck >= stuck_limit or t + 1 == learning_steps):
                    return SATURATED, t + 1, count, work + t + 1 + offsets[t + 1]
            if work + t + 1 + offsets[t + 1] > work_limit:
                return EXHAUSTED, t + 1, count, work + t + 1 + offsets[t + 1]
            if t + 1 >= learning_steps:
                learning = False
    if steps > learning_steps and last_spike < learning_steps:
        return SILENT, steps, count, work + steps + offsets[steps]
    return OK, steps, count, work + steps + offsets[steps]
