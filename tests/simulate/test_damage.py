"""Damaged synapses: drawn apart from everything else, and as much as was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import parse_rules
from rulesearch.simulate import (
    AllToAll,
    Damage,
    FixedProbability,
    Network,
    Neuron,
    Pairs,
    Poisson,
    Population,
    Projection,
    Receptor,
    Simulation,
)

COUNT = 40_000
CELL = Neuron({"E": Receptor(0.005, 0.0)}, leak=1.0)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def simulation(damage: Damage, **projection: object) -> Simulation:
    given = {"wiring": FixedProbability(0.5), "weight": 0.2, **projection}
    synapses = Projection("synapses", "input", "cells", "E", **given)  # type: ignore[arg-type]
    network = Network([Population("cells", 100, CELL)], [synapses], [Poisson("input", 200, 10.0)], damage=damage)
    return Simulation(network, 5)


@pytest.mark.parametrize("noise", [0.05, 0.2, 1.0])
def test_factors_have_mean_1_and_the_relative_deviation_that_was_asked_for(noise: float) -> None:
    found = Damage(noise).factors(COUNT, generator())
    assert found.min() > 0.0
    assert found.mean() == pytest.approx(1.0, abs=5 * noise / np.sqrt(COUNT))
    assert np.log(found).std() == pytest.approx(np.sqrt(np.log(1.0 + noise**2)), rel=0.02)
    assert np.all(Damage().factors(10, generator()) == 1.0)


def test_so_many_synapses_are_missing_as_was_asked_for() -> None:
    assert Damage(missing=0.1).there(COUNT, generator()).mean() == pytest.approx(0.9, abs=0.01)
    assert Damage().there(COUNT, generator()).all()


@pytest.mark.parametrize(("noise", "missing"), [(-0.1, 0.0), (np.nan, 0.0), (0.0, 1.0), (0.0, -0.1), (0.0, np.nan)])
def test_what_is_no_damage_is_refused(noise: float, missing: float) -> None:
    with pytest.raises(RulesearchError, match="must"):
        Damage(noise, missing)


def test_a_damaged_network_lacks_synapses_of_the_one_that_is_whole_and_has_no_others() -> None:
    whole, damaged = (
        set(zip(*simulation(each).synapses("synapses"), strict=True)) for each in (Damage(), Damage(0.0, 0.1))
    )
    assert damaged < whole
    assert len(damaged) / len(whole) == pytest.approx(0.9, abs=0.02)


def test_noise_leaves_the_wiring_and_moves_each_weight_by_its_factor() -> None:
    whole, noisy = simulation(Damage()), simulation(Damage(0.3))
    assert np.array_equal(whole.synapses("synapses"), noisy.synapses("synapses"))
    weights = noisy.weights("synapses") / 0.2
    assert weights.std() == pytest.approx(0.3, rel=0.05)
    assert weights.mean() == pytest.approx(1.0, abs=0.02)


def test_noisy_plastic_weights_keep_to_the_bounds_of_their_rule() -> None:
    rule = parse_rules("on_pre: -0.01; eta = 1; bounds = [0.19, 0.21]").only()
    weights = simulation(Damage(0.5), rule=rule).weights("synapses")
    assert (weights.min(), weights.max()) == (pytest.approx(0.19), pytest.approx(0.21))


def test_weights_that_are_given_by_pair_or_by_matrix_go_with_the_synapses_that_are_left() -> None:
    senders, targets = (each.ravel() for each in np.indices((200, 100)))
    matrix = 1.0 + np.arange(200.0)[:, None] * 100 + np.arange(100.0)
    for wiring, weight in ((AllToAll(), matrix), (Pairs(senders, targets), matrix[senders, targets])):
        found = simulation(Damage(missing=0.25), wiring=wiring, weight=weight, delay=(0.0, 0.002))
        pre, post = found.synapses("synapses")
        assert 0 < pre.size < 20_000
        assert np.array_equal(found.weights("synapses"), matrix[pre, post])
