"""Sequences, fixed weights and readout of the familiarity layer, against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rulesearch.rules import parse_rules
from rulesearch.tasks import load_task
from rulesearch.tasks.familiarity_layer import SELECTIVITY, Fixed, Synapses, addresses, answers, best_readout, network
from rulesearch.tasks.familiarity_layer import sequence as drawn


def test_a_familiar_stimulus_is_the_one_an_interval_before_and_none_is_shown_three_times() -> None:
    stimuli, familiar = drawn(20, 4, 3000, np.random.default_rng(1))
    assert not familiar[:4].any()
    assert familiar.mean() == pytest.approx(1.0 / 3.0, abs=0.03)
    for step in np.flatnonzero(familiar):
        assert np.array_equal(stimuli[step], stimuli[step - 4]) and not familiar[step - 4]
    shown = np.unique(stimuli, axis=0, return_counts=True)[1]
    assert shown.max() <= 3  # twice, but for the few that are the same by chance
    assert np.sum(shown == 2) >= np.sum(familiar) - 5


def test_every_novel_stimulus_drives_one_unit_most_and_the_others_less_by_two_components() -> None:
    weights = addresses(6, 8)
    for stimulus in itertools.product((-1.0, 1.0), repeat=6):
        drives = np.sort(weights @ np.array(stimulus))
        assert drives[-1] == 3 * SELECTIVITY and drives[-2] == SELECTIVITY
    assert not addresses(6, 1).any()


def test_a_layer_answers_as_a_plain_loop_does() -> None:
    rng = np.random.default_rng(3)
    stimuli, _ = drawn(5, 2, 40, rng)
    weights, bias, excesses = rng.normal(size=(4, 5)), -0.3, np.array([0.0, 0.7])
    task = load_task("familiarity")
    values = task.resolve({"components": 5, "units": 4})
    rules = [task.bind(parse_rules(text, "on_step", {"x", "y", "w"}), values) for text in ("-0.1*w - 0.4*x*y", "x - w")]
    layer = network(weights, bias, Synapses(0.2))
    found = answers(rules, layer, stimuli, excesses, "vm")
    for change, each in zip(
        (lambda a, h, x: -0.1 * a - 0.4 * np.outer(h, x), lambda a, h, x: np.broadcast_to(x, a.shape) - a),
        found,
        strict=True,
    ):
        assert (each.status, each.steps) == ("ok", 40)
        for k, excess in enumerate(excesses):
            kept = np.full((4, 5), 0.2)
            for x, response in zip(stimuli, each.responses[:, k], strict=True):
                h = 1.0 / (1.0 + np.exp(-((weights + kept) @ x + bias + excess)))
                assert response == pytest.approx(h.sum())
                kept = kept + change(kept, h, x)


@pytest.mark.parametrize("levels", [2, 7, 1000])
def test_no_threshold_is_better_than_the_readouts(levels: int) -> None:
    rng = np.random.default_rng(levels)
    for _ in range(20):
        responses = rng.integers(0, levels, (30, 3)) / 4.0
        familiar = rng.random(30) < rng.random()
        excess, sign, threshold, wrong = best_readout(responses, familiar)
        called = Fixed(np.zeros((1, 1)), 0.0, sign, -sign * threshold).familiar(responses[:, excess])
        assert np.sum(called != familiar) == wrong
        cuts = np.arange(-1, levels + 1) / 4.0 + 0.125
        others = [
            np.sum((side * responses > side * cut) != familiar[:, None], axis=0) for cut in cuts for side in (-1, 1)
        ]
        assert wrong == np.min(others)


def test_of_readouts_that_do_equally_well_the_one_that_calls_low_responses_familiar_is_taken() -> None:
    assert best_readout(np.array([[1.0], [2.0]]), np.array([True, False])) == (0, -1.0, 1.5, 0)
    assert best_readout(np.array([[1.0], [2.0]]), np.array([False, True])) == (0, 1.0, 1.5, 0)
    assert best_readout(np.array([[1.0], [1.0], [1.0]]), np.array([True, False, False]))[1] == -1.0
