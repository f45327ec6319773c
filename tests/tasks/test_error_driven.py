"""Task `error-driven`: students that follow a teacher."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.tasks import Trial, load_task

TASK = load_task("error-driven")


def tried(text: str, **settings: float) -> Trial:
    values = TASK.resolve({"experiments": 2, "seconds": 2, **settings})
    return TASK.trial(TASK.bind(TASK.parse(text), values), 2, values, "full")


def test_a_student_that_does_not_learn_differs_by_what_its_weights_differ() -> None:
    # Campbell's theorem for the difference of two potentials under the same input: mean and variance of shot noise,
    # whose kernel [mV/pA] is (exp(-t/10 ms) - exp(-t/2 ms)) 2/(25 (10 - 2)), of integral 2/25 ms and square below.
    found = tried("0*psp", seconds=10)
    generators = [np.random.default_rng(np.random.SeedSequence([2, 304, n])) for n in range(2)]
    different = np.array([generator.uniform(-5.0, 35.0, 5) for generator in generators]) - 5.0
    rates = np.array([generator.uniform(150.0, 850.0, 5) for generator in generators])
    squared = 0.01**2 * (5.0 - 2.0 * 10.0 / 6.0 + 1.0) * 1e-3
    expected = np.sqrt((0.002 / 25.0 * (rates * different).sum(1)) ** 2 + squared * (rates * different**2).sum(1))
    np.testing.assert_allclose(found.cases, expected, rtol=0.06)


def test_the_fitness_is_the_loss_times_the_root_of_the_number_of_samples() -> None:
    found = tried("(v_target - v)*psp")
    assert found.loss == pytest.approx(found.metrics["rms_mV"]) == pytest.approx(np.mean(found.cases))
    assert found.metrics["fitness"] == pytest.approx(-found.metrics["rms_mV"] * np.sqrt(1800))


def test_students_learn_by_the_delta_rule_and_flee_by_its_negative() -> None:
    learnt, still = tried("(v_target - v)*psp"), tried("0*psp")
    assert learnt.loss is not None and still.loss is not None
    assert learnt.loss < 0.5 * still.loss
    fled = tried("(v - v_target)*psp; eta = 1e6")
    assert (fled.status, fled.loss) == ("runaway", None)
    assert 0.0 < fled.died_at < 1.0


def test_bounds_hold_the_weights() -> None:
    held = tried("(v_target - v)*psp; bounds = [5, 5.000001]")
    assert held.loss == pytest.approx(tried("0*psp").loss, rel=1e-5)


def test_targets_of_other_students_teach_nothing() -> None:
    taught, still = tried("(v_target - v)*psp", experiments=15), tried("0*psp", experiments=15)
    swapped = tried("(v_target - v)*psp", experiments=15, swapped=1)
    assert taught.loss is not None and still.loss is not None and swapped.loss is not None
    assert taught.loss < 0.5 * still.loss < 0.5 * swapped.loss


def test_there_must_be_another_student_where_targets_are_swapped() -> None:
    with pytest.raises(RulesearchError, match="setting swapped of task error-driven needs 8 experiments at least"):
        TASK.resolve({"experiments": 7, "swapped": 1})
