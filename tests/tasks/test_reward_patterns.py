"""Task `reward-patterns`: what is rewarded, and when a trial ends early."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.tasks import Trial, load_task
from rulesearch.tasks.reward_patterns import draw_experiment

TASK = load_task("reward-patterns")


def tried(text: str, **settings: float) -> Trial:
    values = TASK.resolve({"experiments": 2, "trials": 40, **settings})
    return TASK.trial(TASK.bind(TASK.parse(text), values), 5, values, "full")


def test_a_neuron_without_weights_is_rewarded_for_the_patterns_that_it_should_not_answer() -> None:
    found = tried("0*E; bounds = [0, 1e-9]")
    values = TASK.resolve({"trials": 40})
    for number, case in enumerate(found.cases):
        experiment = draw_experiment(5, number, values)
        # In the first trial the weights are those that were drawn.
        silent = -experiment.labels[experiment.shown[1:]].sum()
        assert 40 * (1.0 - case) == pytest.approx(silent, abs=1.001)
    assert found.metrics["fitness"] == pytest.approx(40 * (1.0 - np.mean(found.cases)))
    assert found.loss == pytest.approx(np.mean(found.cases))


def test_weights_that_overflow_end_the_trial() -> None:
    found = tried("E/0")
    assert (found.status, found.loss, found.metrics) == ("nonfinite", None, {})
    assert found.died_at == 1 / 80


def test_the_cheap_fidelity_has_a_fifth_of_the_experiments() -> None:
    values = TASK.resolve({"experiments": 10, "trials": 5})
    bound = TASK.bind(TASK.control(values), values)
    assert TASK.trial(bound, 5, values, "screen") == TASK.trial(bound, 5, {**values, "experiments": 2}, "full")


def test_rules_with_states_of_their_own_are_refused() -> None:
    with pytest.raises(RulesearchError, match="task reward-patterns keeps no states of a rule; found z"):
        TASK.parse("z*E; z = lowpass(R, 10)")


def test_rewards_of_other_trials_teach_nothing() -> None:
    values = TASK.resolve({"experiments": 10})
    known = TASK.bind(TASK.parse("(R - 1)*E"), values)
    taught = TASK.trial(known, 5, values, "full").metrics["fitness"]
    told_others = TASK.trial(known, 5, {**values, "shuffled": 1.0}, "full").metrics["fitness"]
    # Without learning the sum of 500 rewards of 1 or -1 has a mean of 0.
    assert taught > 150.0 > 60.0 > abs(told_others)


def test_only_rewards_of_earlier_trials_can_be_told() -> None:
    given = draw_experiment(5, 0, TASK.resolve({"shuffled": 1}))
    own = draw_experiment(5, 0, TASK.resolve())
    trials = np.arange(500)
    assert np.all(given.told[1:] < trials[1:])
    np.testing.assert_array_equal(own.told, trials)
    np.testing.assert_array_equal(given.thresholds, own.thresholds)
