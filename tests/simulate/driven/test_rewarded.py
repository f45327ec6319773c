"""The neuron that learns from reward, beside a plain loop over steps, and its eligibility in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rulesearch.rules import parse_rules
from rulesearch.simulate.driven.membrane import Membrane
from rulesearch.simulate.driven.rewarded import SYMBOLS, Firing, Patterns, firing_of, learn
from rulesearch.simulate.machine.program import encode

Array = npt.NDArray[np.float64]
DT, LENGTH, INPUTS = 1e-4, 3000, 12
TAU_M, TAU_S, LEAK, TOP, MEMORY, SCALE = 0.01, 0.002, 25.0, 15.0, 0.5, 2000.0
ETA = 10.0


def neuron(hazard: float = 0.01, refractory: float = 0.002) -> Firing:
    return firing_of(
        DT, LENGTH, Membrane(TAU_M, TAU_S, LEAK), TOP, (hazard, 0.2), (10.0, 5.0), refractory, MEMORY, SCALE
    )


def patterns(rng: np.random.Generator, number: int) -> Patterns:
    spikes = [np.sort(rng.integers(0, LENGTH, 60)) for _ in range(number)]
    starts = np.arange(number + 1) * 60
    return Patterns(starts, np.concatenate(spikes), rng.integers(0, INPUTS, 60 * number), LENGTH)


def learnt(
    text: str, given: Patterns, labels: Array, weights: Array, shown: Any, thresholds: Array, firing: Firing
) -> tuple[float, int, bool, Array]:
    rule = parse_rules(text, "on_step").only()
    program = encode([rule.slots["on_step"]], SYMBOLS, dict(rule.constants))
    registers = program.workspace(INPUTS)
    registers[SYMBOLS.index("w"), :INPUTS] = weights
    result = int(program.segments[0, 2])
    ends, shown = (ETA, -math.inf, math.inf), np.asarray(shown)
    told = np.arange(len(shown))
    found = learn(
        program.bytecode, registers, INPUTS, result, given, labels, shown, told, thresholds, firing, ends, 100.0
    )
    return *found, registers[SYMBOLS.index("w"), :INPUTS].copy()


def step_by_step(
    change: Any, given: Patterns, labels: Array, weights: Array, shown: Any, thresholds: Array
) -> tuple[float, Array]:
    """Return the sum of rewards, and the weights at the end, of a loop that follows the equations."""
    membrane, synapse = math.exp(-DT / TAU_M), math.exp(-DT / TAU_S)
    rise = (membrane - synapse) * TAU_S / (LEAK * (TAU_M - TAU_S))
    weights, total, bar = weights.copy(), 0.0, 0.0
    for trial, which in enumerate(shown):
        spikes = np.zeros((LENGTH, INPUTS))
        own = slice(given.starts[which], given.starts[which + 1])
        np.add.at(spikes, (given.steps[own], given.units[own]), 1.0)
        psp, current, v, i, resting, hazard, fired = np.zeros(INPUTS), np.zeros(INPUTS), 0.0, 0.0, 0, 0.0, 0
        eligibility = np.zeros(INPUTS)
        for step in range(LENGTH):
            psp = psp * membrane + current * rise
            current = current * synapse + spikes[step]
            if resting:
                resting -= 1
            else:
                v = v * membrane + i * rise
            i = i * synapse + float(spikes[step] @ weights)
            surprise = -10.0 * math.exp((v - TOP) / 5.0) * DT
            hazard += 0.01 * math.exp((v - TOP) / 0.2) * DT
            if hazard >= thresholds[trial, fired]:
                surprise += 1.0
                v, resting, hazard, fired = 0.0, 20, 0.0, fired + 1
            eligibility += SCALE / MEMORY * math.exp(-(LENGTH - 1 - step) * DT / MEMORY) * surprise * psp
        reward = labels[which] * (1.0 if fired else -1.0)
        total += reward
        weights = weights + ETA * change(reward, bar, eligibility)
        bar += (reward - bar) / 100.0
    return total, weights


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_what_a_loop_over_steps_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    given, labels = patterns(rng, 3), np.array([1.0, -1.0, 1.0])
    weights, shown = rng.normal(600.0, 900.0, INPUTS), rng.integers(0, 3, 10)
    thresholds = rng.exponential(size=(10, LENGTH))
    total, trials, finite, ours = learnt("(R - R_bar)*E", given, labels, weights, shown, thresholds, neuron())
    reward, theirs = step_by_step(lambda r, bar, e: (r - bar) * e, given, labels, weights, shown, thresholds)
    assert (total, trials, finite) == (reward, 10, True)
    assert np.abs(ours - weights).max() > 10.0
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-6)


def test_the_eligibility_of_one_spike_is_that_of_the_closed_form() -> None:
    # Weights of 0 keep the potential at rest: phi is then 10 Hz exp(-15/5), and psp a difference of exponentials.
    given = Patterns(np.array([0, 1]), np.array([1000]), np.array([4]), LENGTH)
    labels, thresholds = np.array([-1.0]), np.full((1, LENGTH), math.inf)
    firing = neuron()
    _, _, _, weights = learnt("E/10", given, labels, np.zeros(INPUTS), [0], thresholds, firing)
    late = (LENGTH - 1000) * DT
    phi = 10.0 * math.exp(-3.0)

    def integral(tau: float) -> float:
        """The integral of exp(-s/tau) exp(-(late - s)/MEMORY) over s from 0 to late."""
        rate = 1.0 / tau - 1.0 / MEMORY
        return math.exp(-late / MEMORY) * (1.0 - math.exp(-late * rate)) / rate

    gain = TAU_S / (LEAK * (TAU_M - TAU_S))
    expected = -SCALE / MEMORY * phi * gain * (integral(TAU_M) - integral(TAU_S))
    assert weights[4] == pytest.approx(expected, rel=5e-3)
    assert np.all(np.delete(weights, 4) == 0.0)


def test_it_rests_after_a_spike_and_fires_as_often_as_it_may() -> None:
    # A hazard that is passed in each step at which it is looked at.
    given = Patterns(np.array([0, 1]), np.array([0]), np.array([0]), LENGTH)
    weights = np.zeros(INPUTS)
    weights[0] = 1e9
    thresholds = np.zeros((1, LENGTH // 21 + 2))
    total, trials, finite, _ = learnt("0*E", given, np.array([1.0]), weights, [0], thresholds, neuron())
    assert (total, trials, finite) == (1.0, 1, True)


def test_weights_that_are_not_finite_end_it() -> None:
    given = Patterns(np.array([0, 1]), np.array([0]), np.array([0]), LENGTH)
    thresholds = np.full((3, 4), math.inf)
    found = learnt("1/0*R", given, np.array([-1.0]), np.ones(INPUTS), [0, 0, 0], thresholds, neuron())
    assert found[1:3] == (1, False)
