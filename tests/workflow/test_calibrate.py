"""Calibration: a constant moves to where a noisy loss is lowest, and no further than its digits are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules import RuleSet, parse_rules
from rulesearch.tasks import Trial, load_task
from rulesearch.workflow.calibrate import calibrate, lowest, shortlist
from rulesearch.workflow.clean_up import CleanUp, Score

TASK = load_task("inhibitory-rate")
GOOD = {"tuning_r": 1.0}


def rate_scored(rate: Callable[[RuleSet], float], scatter: float, seed: int = 0) -> Score:
    """Rates that scatter from trial to trial, scored like the task scores them."""

    def score(forms: Sequence[RuleSet], count: int) -> list[Outcome]:
        found = []
        for rules in forms:
            noise = np.random.default_rng([seed, count, int(1e6 * abs(rate(rules)))]).normal(0.0, scatter, count)
            rates = rate(rules) + noise
            trials = [Trial("ok", float((value - 5.0) ** 2 / 7.0), GOOD) for value in rates]
            found.append(Outcome.of(range(count), trials))
        return found

    return score


def alpha(rules: RuleSet) -> float:
    return rules.only().constant_values()["alpha"]


def proportional(rules: RuleSet) -> float:
    return 5.0 * alpha(rules) / 0.228


@pytest.mark.parametrize("start", [0.1, 0.16, 0.2, 0.228, 0.3, 0.6])
def test_without_noise_the_optimum_is_found(start: float) -> None:
    rules = parse_rules(f"on_pre: y - alpha; on_post: x; alpha = {start}")
    ((found, steps),) = calibrate([rules], TASK, rate_scored(proportional, 0.0))
    assert alpha(found) == pytest.approx(0.228, rel=0.01)
    assert len(steps) == 1
    assert steps[0].startswith("calibrated alpha = ")


def test_with_noise_the_rate_is_right_within_a_tenth_of_a_hertz_and_digits_are_few() -> None:
    rates, lengths = [], []
    for seed in range(20):
        rules = parse_rules("on_pre: y - alpha; on_post: x; alpha = 0.28")
        ((found, _),) = calibrate([rules], TASK, rate_scored(proportional, 0.4, seed))
        rates.append(proportional(found))
        lengths.append(len(f"{alpha(found):g}"))
    assert np.sqrt(np.mean((np.array(rates) - 5.0) ** 2)) < 0.1
    assert max(lengths) <= len("0.2345")


def test_each_of_several_constants_is_calibrated() -> None:
    def rate(rules: RuleSet) -> float:
        values = rules.only().constant_values()
        return 2.0 + 10.0 * values["a"] * values.get("b", 1.0)

    two = parse_rules("on_pre: -a*y; on_post: b*x; a = 0.5; b = 0.9")
    one = parse_rules("on_pre: -a*y; a = 0.25")
    none = parse_rules("on_pre: -y")
    first, second, third = calibrate([two, one, none], TASK, rate_scored(rate, 0.0))
    assert rate(first[0]) == pytest.approx(5.0, rel=0.01)
    assert rate(second[0]) == pytest.approx(5.0, rel=0.01)
    assert (len(first[1]), len(second[1])) == (2, 1)
    assert third == (none, ())


def outcomes(losses: Sequence[Sequence[float | None]]) -> list[Outcome]:
    found = []
    for row in losses:
        trials = [Trial("silent" if loss is None else "ok", loss, GOOD) for loss in row]
        found.append(Outcome.of(range(len(row)), trials))
    return found


def test_the_lowest_point_of_an_exact_parabola_has_no_error() -> None:
    values = [0.5, 1.0, 1.5, 2.0, 2.5]
    found = lowest(values, outcomes([[0.1 + (value - 1.7) ** 2] * 4 for value in values]), TASK)
    assert found is not None
    assert found.value == pytest.approx(1.7)
    assert found.error == pytest.approx(0.0, abs=1e-9)
    assert found.inside


def test_the_error_is_that_of_the_scatter() -> None:
    # The same shift for all values of a seed: the lowest point of seed k is 1.7 + shift k.
    rng = np.random.default_rng(3)
    values = np.linspace(1.0, 2.4, 7)
    shifts = rng.normal(0.0, 0.02, 400)
    found = lowest(values, outcomes([[(value - 1.7 - shift) ** 2 for shift in shifts] for value in values]), TASK)
    assert found is not None
    assert found.value == pytest.approx(1.7 + shifts.mean(), abs=1e-3)
    assert found.error == pytest.approx(0.02 / np.sqrt(400), rel=0.2)


def test_values_that_died_or_miss_a_requirement_do_not_count() -> None:
    values = [0.5, 1.0, 1.5, 2.0, 2.5]
    rows: list[list[float | None]] = [[(value - 1.7) ** 2] for value in values]
    rows[0] = [None]
    found = lowest(values, outcomes(rows), TASK)
    assert found is not None
    assert found.value == pytest.approx(1.7)
    rows[1] = rows[2] = [None]
    assert lowest(values, outcomes(rows), TASK) is None
    untuned = [Outcome.of((0,), [Trial("ok", 0.1, {"tuning_r": 0.0})]) for _ in values]
    assert lowest(values, untuned, TASK) is None


def test_a_constant_of_zero_stays() -> None:
    rules = parse_rules("on_pre: y - alpha; on_post: x; alpha = 0")
    assert calibrate([rules], TASK, rate_scored(lambda _: 4.0, 0.1)) == [(rules, ())]


def test_the_lowest_point_lies_within_the_values_tried() -> None:
    values = [1.0, 1.1, 1.2]
    found = lowest(values, outcomes([[(value - 3.0) ** 2] for value in values]), TASK)
    assert found is not None
    assert found.value == pytest.approx(1.2)
    assert not found.inside
    upside_down = lowest(values, outcomes([[1.0], [2.0], [0.5]]), TASK)
    assert upside_down is not None
    assert upside_down.value == 1.2


def test_small_rules_within_reach_are_calibrated_one_of_each_form() -> None:
    def cleaned(text: str, loss: float, r: float = 1.0) -> CleanUp:
        rules = parse_rules(text)
        outcome = Outcome.of((0,), [Trial("ok", loss, {"tuning_r": r})])
        return CleanUp(rules, rules.size, rules.size, outcome, loss, loss, ())

    best = cleaned("on_pre: y - c1; c1 = 0.12", 0.1)
    items = [
        cleaned("on_pre: y - c2; c2 = 0.2", 0.4),
        best,
        cleaned("on_post: c1; c1 = 0.1", 0.02, r=0.0),
        cleaned("on_pre: c1; on_post: x; c1 = -0.3", 5.0),
        cleaned("on_pre: y - c1; on_post: x*c2; c1 = 0.2; c2 = 1.1", 0.05),
        cleaned("on_pre: y*y - c1; on_post: x*c2; c1 = 0.2; c2 = 1.1", 0.05),
        cleaned("on_pre: y*y*y - w", 0.05),
    ]
    baseline = Outcome.of((0,), [Trial("ok", 0.03, GOOD)])
    assert shortlist(items, baseline, TASK) == [best, items[4]]
    assert shortlist(items, baseline, load_task("oja")) == []
