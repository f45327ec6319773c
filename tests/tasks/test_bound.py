"""What is simulated on a task has a learning rate and bounds; what is written down keeps what it was given."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import RuleSet, parse_rules
from rulesearch.rules.bound import FREE, BoundRule, BoundSet
from rulesearch.tasks import load_task

RATE, SPIKING = load_task("oja"), load_task("inhibitory-rate")


def test_a_task_gives_what_a_rule_leaves_to_it() -> None:
    settings = SPIKING.resolve({"eta": 0.02, "w_max": 3.0})
    bound = SPIKING.bind(SPIKING.parse("on_pre: y - 0.1; on_post: x"), settings)
    assert isinstance(bound, BoundSet) and isinstance(bound.only(), BoundRule)
    assert (bound.only().eta, bound.only().bounds) == (0.02, (0.0, 3.0))
    assert set(bound.only().states) == {"x", "y"}


def test_what_a_rule_gives_is_kept() -> None:
    rules = RATE.parse("x*y; eta = 0.5; bounds = [-1, 2]")
    bound = RATE.bind(rules, RATE.resolve()).only()
    assert (bound.eta, bound.bounds) == (0.5, (-1.0, 2.0))
    assert str(bound) == str(rules)


def test_binding_again_changes_nothing() -> None:
    bound = RATE.bind(RATE.parse("x*y"), RATE.resolve())
    assert RATE.bind(bound, RATE.resolve({"eta": 0.7})) == bound


def test_a_bound_rule_stays_one_when_its_numbers_change() -> None:
    bound = RATE.bind(RATE.parse("a*x*y; a = 2"), RATE.resolve()).only()
    assert isinstance(bound.with_constants({"a": 3.0}), BoundRule) and isinstance(replace(bound, eta=1.0), BoundRule)


def test_bounds_that_hold_nothing_back_are_not_spelled_out() -> None:
    settings = RATE.resolve()
    for text, bounds in (
        ("x*y", None),
        ("x*y; bounds = [-inf, inf]", FREE),
        ("x*y; bounds = [0, inf]", (0.0, math.inf)),
    ):
        rule = RATE.spelled_out(RATE.parse(text), settings).only()
        assert not isinstance(rule, BoundRule)
        assert (rule.eta, rule.bounds) == (settings["eta"], bounds)


def test_several_bound_rules_are_no_single_one() -> None:
    rules = parse_rules("feedforward[x*y]; lateral[-x*y]")
    each = {name: BoundRule(rule.slots) for name, rule in rules.rules.items()}
    bound = BoundSet.of(RuleSet(rules.rules, "a pair"), each)
    assert bound.name == "a pair" and bound.rules == each
    with pytest.raises(RulesearchError, match="expected one rule, found a set of 2"):
        bound.only()
