r"""A spiking neuron that is shown patterns of spikes in trials, and learns at the end of each.

$$\tau_m \dot v = -v + I/g, \qquad \tau_s \dot I = -I + \tau_s \sum_i w_i S_i$$

from rest in each trial. It fires by a hazard $h_0 e^{(v - \theta)/\delta}$: where what it has cumulated since the last
spike passes an exponentially distributed number of mean 1. The eligibility of a synapse, at the end of a trial, is

$$E_i = c \int \mathrm{psp}_i(t)\, (S(t) - \phi(v(t)))\, e^{-(T - t)/\tau}\, dt/\tau$$

with an expected hazard $\phi$ of its own threshold and width, and the potential psp of the synapse per weight, which no
spike resets (Urbanczik & Senn 2009; Jordan et al. 2021, doi 10.7554/eLife.66273). Steps are `dt`; potentials and
currents move exactly within one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rulesearch.simulate.driven.membrane import Membrane
from rulesearch.simulate.machine.exponential import nearly_exponential
from rulesearch.simulate.machine.kernel import compiled
from rulesearch.simulate.machine.vectors import fused
from rulesearch.simulate.machine.vm import run_segment

SYMBOLS = ("R", "R_bar", "R_bar_plus", "R_bar_minus", "E", "w")
"""Registers that the simulator itself fills: reward, its running means, eligibility, weight."""
_R, _BAR, _PLUS, _MINUS, _E, _W = range(6)
_FEW = 15.0
"""Widths of the hazard below the threshold at which it is not looked at: exp(-15) of what it is there."""


class Patterns(NamedTuple):
    """Patterns of spikes, ordered by time step.

    **Fields:** `starts` `(patterns + 1,)`: the first spike of each pattern; `steps` and `units` `(spikes,)`: when which
    input fires; `length`: steps of a pattern.
    """

    starts: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]
    length: int


class Firing(NamedTuple):
    """How the neuron moves, fires and is eligible.

    **Fields:** `membrane` and `synapse`: what a step leaves of potential and current; `rise`: potential after a step
    per current [mV/pA]; `top`: threshold above rest [mV]; `hazard` at the threshold, per step, and its `width` [mV];
    `expected` and `expected_width`: the same of phi; `refractory` [steps]; `scale`: c/tau [pA/mV]; `kept` of the
    eligibility at the end from each step, `(length,)`; `left`, `risen` and `current_left` `(length + 1,)`: the three
    first ones for so many steps.
    """

    membrane: float
    synapse: float
    rise: float
    top: float
    hazard: float
    width: float
    expected: float
    expected_width: float
    refractory: int
    scale: float
    kept: npt.NDArray[np.float64]
    left: npt.NDArray[np.float64]
    risen: npt.NDArray[np.float64]
    current_left: npt.NDArray[np.float64]


def firing_of(
    dt: float,
    length: int,
    membrane: Membrane,
    top: float,
    hazard: tuple[float, float],
    expected: tuple[float, float],
    refractory: float,
    memory: float,
    scale: float,
) -> Firing:
    """Return how a neuron does all this in `length` steps of `dt` [s].

    **Arguments:** `top`: threshold above rest [mV]; `hazard` at the threshold [Hz] and its width [mV]; `expected`: the
    same of phi; `refractory` [s]; `memory`: time constant of the eligibility [s]; `scale`: c [pA s/mV].
    """
    steps = np.arange(length + 1)
    left, current_left, risen = membrane.after(dt * steps)
    return Firing(
        float(left[1]),
        float(current_left[1]),
        float(risen[1]),
        top,
        hazard[0] * dt,
        hazard[1],
        expected[0] * dt,
        expected[1],
        round(refractory / dt),
        scale / memory,
        np.exp(-dt / memory * steps[-2::-1]),
        left,
        risen,
        current_left,
    )


@compiled(nogil=True, error_model="numpy")
def learn(
    program: Any,
    registers: Any,
    count: int,
    result: int,
    patterns: Any,
    labels: Any,
    shown: Any,
    told: Any,
    thresholds: Any,
    firing: Any,
    change: Any,
    remembered: float,
) -> Any:
    """Show one pattern after the other and learn; return the sum of rewards, trials done, and whether all is finite.

    **Arguments:** `registers`: of `SYMBOLS`, a lane for each of `count` inputs, weights in place; `result`: the
    register that the rule fills; `labels` `(patterns,)`: 1 where the neuron should fire, else -1; `shown` `(trials,)`;
    `told` `(trials,)`: the trial, itself or an earlier one, whose reward the rule reads; `thresholds`
    `(trials, spikes)`: exponentially distributed numbers of mean 1, as many as a trial can have spikes; `change`: eta
    and bounds; `remembered`: trials of running means.
    """
    starts, at, units, length = patterns
    membrane, synapse, rise, top, hazard, width, expected, expected_width, refractory, scale = firing[:10]
    kept, left, risen, current_left = firing[10:]
    eta, low, high = change
    lowest = -_FEW * width
    w, e = registers[_W], registers[_E]
    potential, surprise, back = np.zeros(length), np.zeros(length), np.zeros(length)
    fired, rewards = np.zeros(thresholds.shape[1], dtype=np.int64), np.zeros(shown.size)
    bar, plus, minus, total = 0.0, 0.0, 0.0, 0.0
    one, sharpness = np.uint64(1), 1.0 / expected_width
    for trial in range(shown.size):
        first, last = starts[shown[trial]], starts[shown[trial] + 1]
        current, v, resting, spikes, cumulated = 0.0, 0.0, 0, 0, 0.0
        begin = 0
        # Between two spikes of the inputs the potential is known at once, and mostly so low that nothing can happen.
        for k in range(first, last + 1):
            end = at[k] + 1 if k < last else length
            steps, offset, close = np.uint64(end - begin), np.uint64(begin), 0
            for i in range(steps):
                above = left[i + one] * v + risen[i + one] * current - top
                potential[offset + i] = above
                close += 1 if above > lowest else 0
            if close > 0 or resting > 0:
                for step in range(begin, end):
                    if resting > 0:
                        resting -= 1
                    else:
                        v = v * membrane + current * rise
                    current *= synapse
                    above = v - top
                    potential[step] = above
                    if above > lowest:
                        cumulated += hazard * np.exp(above / width)
                        if cumulated >= thresholds[trial, spikes]:
                            fired[spikes] = step
                            spikes += 1
                            v, resting, cumulated = 0.0, refractory, 0.0
            else:
                v = left[steps] * v + risen[steps] * current
                current *= current_left[steps]
            if k < last:
                current += w[units[k]]
            begin = end
        for i in range(np.uint64(length)):
            surprise[i] = -expected * nearly_exponential(potential[i] * sharpness) * kept[i]
        for k in range(spikes):
            surprise[fired[k]] += kept[fired[k]]
        # Backwards, since what is asked is one number of each input: how a current at a step moves the sum.
        lam, mu = 0.0, 0.0
        for step in range(length - 1, -1, -1):
            mu = fused(mu, synapse, rise * lam)
            lam = fused(lam, membrane, surprise[step])
            back[step] = mu
        e[:] = 0.0
        for k in range(first, last):
            e[units[k]] += scale * back[at[k]]
        rewards[trial] = labels[shown[trial]] * (1.0 if spikes > 0 else -1.0)
        total += rewards[trial]
        reward = rewards[told[trial]]
        registers[_R], registers[_BAR], registers[_PLUS], registers[_MINUS] = reward, bar, plus, minus
        run_segment(program, 0, registers, count)
        delta = registers[result]
        size = 0.0
        for i in range(count):
            new = w[i] + eta * delta[i]
            new = low if new < low else new
            new = high if new > high else new
            w[i] = new
            size += abs(new)
        if not np.isfinite(size):
            return total, trial + 1, False
        bar += (reward - bar) / remembered
        plus += (max(reward, 0.0) - plus) / remembered
        minus += (min(reward, 0.0) - minus) / remembered
    return total, shown.size, True
