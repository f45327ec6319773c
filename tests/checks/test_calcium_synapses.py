"""The closed form of calcium-based plasticity is what small steps give."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.checks.calcium_synapses import calcium
from rulesearch.rules import known_rule
from rulesearch.simulate import AllToAll, Network, Neuron, Poisson, Population, Projection, Receptor, Record, Simulation
from rulesearch.simulate.synapse.respond import respond

DP = {
    **{"C_pre": 1.0, "C_post": 2.0, "theta_d": 1.0, "theta_p": 1.3, "gamma_d": 200.0, "gamma_p": 321.808},
    **{"tau_Ca": 20.0, "tau": 150.0, "D": 13.7},
}
STEP = 1e-5


def by_steps(weight: float, pre: tuple[float, ...], post: tuple[float, ...], seconds: float) -> float:
    level, last = 0.0, round(seconds / STEP)
    jumps = dict.fromkeys((round(time / STEP) for time in pre), DP["C_pre"])
    for time in post:
        jumps[round(time / STEP)] = jumps.get(round(time / STEP), 0.0) + DP["C_post"]
    for step in range(last):
        level += jumps.get(step, 0.0)
        up = DP["gamma_p"] * (level > DP["theta_p"])
        down = DP["gamma_d"] * (level > DP["theta_d"])
        speed = up * (1.0 - weight) - down * weight - weight * (1.0 - weight) * (0.5 - weight)
        weight += STEP * speed / DP["tau"]
        level -= STEP * level / (1e-3 * DP["tau_Ca"])
    return weight


def test_pairs_and_bursts_move_the_weight_as_small_steps_say() -> None:
    cases = [case for case in calcium(DP) if case.seconds < 1.0]
    assert len(cases) == 10
    for case in cases:
        assert case.change == pytest.approx(
            by_steps(case.weight, case.pre, case.post, case.seconds) - case.weight, rel=5e-3, abs=2e-6
        )


def test_the_double_well_alone_brings_weights_apart() -> None:
    low, high = [case for case in calcium(DP) if not case.pre and not case.post]
    for case in (low, high):
        weight = case.weight
        for _ in range(20_000):
            weight += 0.01 * -weight * (1.0 - weight) * (0.5 - weight) / DP["tau"]
        assert case.change == pytest.approx(weight - case.weight, rel=1e-3)
    assert low.change < 0.0 < high.change


def test_presynaptic_calcium_comes_after_the_delay() -> None:
    late = list(calcium({**DP, "D": 20.0}))
    pair, later = list(calcium(DP))[5], late[5]
    assert later.pre[0] - pair.pre[0] == pytest.approx(6.3e-3)
    assert later.change > pair.change


@pytest.mark.slow
def test_the_delay_of_a_projection_is_that_of_presynaptic_calcium() -> None:
    rule = known_rule("graupner-brunel").rules.only()
    cell = Neuron({"e": Receptor(0.005, 0.0)}, rest=-60.0, threshold=-50.0, reset=-60.0)
    drive = Projection("drive", "others", "neuron", "e", AllToAll(), 1.2)
    plastic = Projection("plastic", "inputs", "neuron", "e", AllToAll(), 0.5, rule=rule, delay=0.014)
    sources = [Poisson("inputs", 5, 4.0), Poisson("others", 60, 12.0)]
    simulation = Simulation(
        Network([Population("neuron", 1, cell)], [plastic, drive], sources, 1e-4), np.random.SeedSequence(1)
    )
    found = simulation.run(2.0, Record(["inputs", "neuron"]))
    times, units = found.spikes["inputs"]
    post = list(found.spikes["neuron"][0])

    def differences(delay: float) -> list[float]:
        late = [[float(time) for time in times[units == unit] + delay if time < 2.0] for unit in range(5)]
        exact = [respond(rule, pre, post, 1, 2.0, 0.5).weight for pre in late]
        return list(simulation.weights("plastic") - exact)

    # The steps of the network move all weights alike.
    assert np.ptp(differences(0.014)) < 2e-5
    assert np.ptp(differences(0.0)) > 1e-4
