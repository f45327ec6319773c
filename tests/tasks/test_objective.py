"""A Python function as a task: what it gives is what is scored, and what goes wrong is told."""

from __future__ import annotations

import math
from typing import Any

import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.rules import parse_rules
from rulesearch.tasks import objective


def made(function: Any) -> Any:
    symbols = {"x": "input", "y": "output", "w": "weight"}
    return objective(grammar="mettler", symbols=symbols, known_rule="oja", control="x*y")(function)()


def test_loss_and_metrics_are_those_of_the_function() -> None:
    task = made(lambda rule, seed: {"loss": float(rule.change(x=2.0, y=3.0, w=0.5) * seed), "seed": seed})
    outcome = rs.evaluate("x*y; eta = 0.5", task=task, seeds=2, first_seed=1)
    assert outcome.loss == pytest.approx(0.5 * 6.0 * (1 + 2) / 2)
    assert outcome.metrics == {"seed": 1.5}


@pytest.mark.parametrize(("value", "status"), [(math.nan, "nonfinite"), (math.inf, "nonfinite"), ("silent", "silent")])
def test_what_is_no_loss_is_a_status(value: float | str, status: str) -> None:
    assert rs.evaluate("x*y", task=made(lambda rule, seed: value)).status == status


def test_an_overflow_is_a_result_and_another_error_is_told() -> None:
    def overflow(rule: Any, seed: int) -> float:
        return math.exp(1000.0)

    def wrong(rule: Any, seed: int) -> float:
        return {}["missing"]  # type: ignore[no-any-return]

    assert rs.evaluate("x*y", task=made(overflow)).status == "nonfinite"
    with pytest.raises(RulesearchError, match=r"wrong failed on x\*y.*KeyError"):
        rs.evaluate("x*y", task=made(wrong))


def test_negative_losses_and_unknown_statuses_are_refused() -> None:
    with pytest.raises(RulesearchError, match="at least 0"):
        rs.evaluate("x*y", task=made(lambda rule, seed: -1.0))
    with pytest.raises(RulesearchError, match="is no status"):
        rs.evaluate("x*y", task=made(lambda rule, seed: "tired"))


def test_a_rule_gives_its_change_for_arrays() -> None:
    rule = parse_rules("c*(x - w); c = 2; eta = 0.1").only()
    assert rule.change(x=[1.0, 3.0], w=0.5).tolist() == pytest.approx([0.1, 0.5])
    assert rule.change("on_pre", x=1.0) == 0.0
