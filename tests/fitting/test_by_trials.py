"""Numbers of a rule by trials, where the best ones are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rulesearch.fitting.by_trials import numbers_by_trials
from rulesearch.grammar.parts import ConstantPrior

PRIOR = ConstantPrior(0.01, 1.0, "log-uniform", "")


def found(best: float, start: float = 1.0, rates: tuple[str, ...] = ("eta",)) -> tuple[dict[str, float], int]:
    """Return what is found where the loss is the distance from a rate in factors, and how often it was asked."""
    asked = []

    def loss(numbers: dict[str, float]) -> float:
        asked.append(numbers)
        return abs(math.log(numbers[rates[0]] / best))

    given = dict.fromkeys(rates, start)
    return numbers_by_trials(given, {}, loss, loss, np.random.default_rng(0)), len(asked)


@pytest.mark.parametrize("best", [2e-3, 0.03, 0.7, 1.0, 5.0, 140.0])
@pytest.mark.parametrize("start", [1.0, 1700.0])
def test_a_learning_rate_is_found_to_a_factor_of_the_root_of_two(best: float, start: float) -> None:
    numbers, asked = found(best * start, start)
    assert abs(math.log2(numbers["eta"] / (best * start))) <= 0.5 + 1e-9
    assert asked <= 13


def test_rates_of_several_rules_have_one_factor() -> None:
    numbers, _ = found(0.03, 1.0, ("EE.eta", "IE.eta"))
    assert numbers["EE.eta"] == numbers["IE.eta"] == pytest.approx(0.03, rel=0.42)


def test_a_rule_that_learns_nothing_keeps_its_rate_and_costs_few_trials() -> None:
    asked = []
    numbers = numbers_by_trials(
        {"eta": 3.0}, {"c": PRIOR}, lambda _: asked.append(1) or 1.0, lambda _: 1 / 0, np.random.default_rng(0)
    )
    assert numbers == {"eta": 3.0, "c": pytest.approx(0.1)}
    assert len(asked) == 7


def test_rates_that_kill_are_avoided_and_one_that_lives_is_returned_where_all_others_die() -> None:
    def loss(numbers: dict[str, float]) -> float:
        return math.inf if numbers["eta"] > 0.05 else 1.0 - numbers["eta"]

    numbers = numbers_by_trials({"eta": 1.0}, {}, loss, loss, np.random.default_rng(0))
    assert 0.025 < numbers["eta"] <= 0.05
    dead = numbers_by_trials({"eta": 1.0}, {}, lambda _: math.inf, lambda _: math.inf, np.random.default_rng(0))
    assert dead == {"eta": 1.0}


def test_constants_are_found_with_the_rate_within_their_ranges() -> None:
    def loss(numbers: dict[str, float]) -> float:
        assert 0.01 <= numbers["c"] <= 1.0
        return math.log10(numbers["c"] / 0.4) ** 2 + math.log10(numbers["eta"] / 20.0) ** 2

    numbers = numbers_by_trials({"eta": 1.0}, {"c": PRIOR}, loss, loss, np.random.default_rng(1))
    assert loss(numbers) < 0.1 < loss({"eta": 1.0, "c": 0.1})
    again = numbers_by_trials({"eta": 1.0}, {"c": PRIOR}, loss, loss, np.random.default_rng(1))
    assert again == numbers
