"""stress: the agreed document, the table, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Call = Callable[..., Any]

QUICK = ("--task", "oja", "--set", "points=400", "--set", "data_sets=2", "--seeds", "2")


def test_stress_prints_the_agreed_document(call: Call) -> None:
    called = call(
        "stress", "y*(x - w*y)", *QUICK, "--only", "noise in the weights", "--only", "halved time step", "--json"
    )
    assert called.code == 0
    document = called.document
    assert list(document) == ["task", "rule", "known_rule", "on", "holds", "summary", "conditions"]
    assert (document["task"], document["known_rule"], document["on"]) == ("oja", "oja", "2 held-out seeds")
    halved, noise = document["conditions"]
    assert halved["reason"] == "it counts presentations"
    assert (halved["rule"], halved["known"]) == (None, None)
    assert noise["changes"] == {"weight_noise": {"before": 0.0, "after": 0.2}}
    assert noise["reason"] is None
    assert list(noise["rule"]) == ["verdict", "why", "status", "loss", "metrics", "weights"]
    assert noise["rule"] == noise["known"]
    assert document["holds"] == (noise["rule"]["verdict"] == "pass")


def test_stress_shows_each_condition_with_what_it_changes_and_the_reason_where_there_is_none(call: Call) -> None:
    called = call("stress", "hebb", *QUICK)
    assert called.code == 0
    lines = called.out.splitlines()
    long = next(line for line in lines if line.startswith("ten times as long"))
    assert "points 400 -> 4000" in long
    assert "fail" in long and "pass" in long and "grew beyond the task's limit" in long
    assert any(line.startswith("halved time step") and "it counts presentations" in line for line in lines)
    assert any(line.startswith("presynaptic side alone") and "1 -> 1" in line for line in lines)
    assert "simulating ten times as long: points 400 -> 4000" in called.err


def test_a_rule_that_does_not_fit_and_a_condition_that_there_is_not_are_refused(refused: Callable[..., str]) -> None:
    assert "has the slots on_step" in refused("stress", "on_pre: y", *QUICK)
    assert "did you mean 'halved time step'" in refused("stress", "oja", *QUICK, "--only", "halved step")
    assert "--seeds" in refused("stress", "oja", "--task", "oja", "--seeds", "0")


@pytest.mark.parametrize("text", ["-y*(w*y - x)", "-0.5*w"])
def test_rules_may_begin_with_a_minus(call: Call, text: str) -> None:
    assert call("stress", text, *QUICK, "--only", "the task as it is", "--json").code == 0
