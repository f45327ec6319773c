"""Verdicts on the known rule of a task that is in no library."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

import rulesearch as rs
from rulesearch.rules import RuleSet, parse_rules
from rulesearch.symbolic import by_rule, compare
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.oja import Oja
from rulesearch.tasks.registry import load_task
from rulesearch.workflow.known_verdicts import known_verdicts
from tests.known_pair import Pair

OWN = "feedforward[y*(x - w)]; lateral[x*y - 0.02]"


class Instar(Pair):
    known_rule: ClassVar[str] = "instar with anti-Hebbian inhibition"

    def baseline(self, settings: Settings) -> RuleSet:
        return parse_rules(OWN)


def test_the_known_rule_of_a_task_is_recognised_as_a_whole_and_rule_by_rule() -> None:
    found = by_rule(known_verdicts(parse_rules("feedforward[x*y - w*y]; lateral[x*y - 0.02]"), Instar()))
    assert [part[0].verdict for part in found.values()] == ["equal", "equal", "identical"]
    assert found[""][0].summary == "equal to the task's known rule, instar with anti-Hebbian inhibition"
    assert found["lateral"][0].title == "lateral of the task's known rule, instar with anti-Hebbian inhibition"


def test_the_known_rule_of_a_task_stands_behind_a_known_rule_that_is_as_near() -> None:
    class Hebbian(Oja):
        known_rule = "my own"

        def baseline(self, settings: Settings) -> RuleSet:
            return parse_rules("2*x*y")

    assert [each.rule for each in known_verdicts(parse_rules("2*x*y"), Hebbian())[:2]] == ["my own", "hebb"]
    assert [each.rule for each in known_verdicts(parse_rules("x*y"), Hebbian())[:2]] == ["hebb", "my own"]
    assert rs.compare("2*x*y", task=Hebbian())[0].verdict == "identical"


def test_nothing_is_said_of_rules_that_are_given() -> None:
    rules = replace(parse_rules("feedforward[x*y - w*y]; lateral[x*y - 0.02]"), given=frozenset({"feedforward"}))
    assert set(by_rule(known_verdicts(rules, Instar()))) == {"", "lateral"}


@pytest.mark.parametrize("text", ["y*(x - w*y)", "x*y - 2*w*y**2"])
def test_a_task_whose_rule_is_in_the_library_adds_nothing(text: str) -> None:
    rules = parse_rules(text)
    assert known_verdicts(rules, load_task("oja")) == known_verdicts(rules, None) == compare(rules)


def test_a_rule_that_only_resembles_the_known_rule_of_a_task_is_not_compared_with_it() -> None:
    found = known_verdicts(parse_rules(OWN.replace("0.02", "0.03")), Instar())
    assert all("task" not in each.title for each in found if each.name != "feedforward")
