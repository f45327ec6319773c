"""What a search was asked for by a template and by words stands in its front: a clean-up keeps to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rulesearch as rs
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.evaluation.outcome import Outcome
from rulesearch.expression.operators import Operator
from rulesearch.rules import Rule, RuleSet, parse_rules
from rulesearch.search.problem import Problem
from rulesearch.tasks import Trial, load_task
from rulesearch.workflow.asked import Asked, size_on_front
from rulesearch.workflow.clean_up import clean_up
from rulesearch.workflow.experiment import load_experiment
from rulesearch.workflow.plan import planned

TASK = load_task("oja")


def asked_for(name: str, **options: Any) -> Asked | None:
    plan = planned(name, options)
    with Evaluator(plan.reference, plan.settings) as evaluator:
        return Asked.of(plan.experiment, Problem(evaluator, plan.grammar, 1, 10))


def all_alike(forms: Sequence[RuleSet], count: int) -> list[Outcome]:
    """Every form does equally well, so that all that may go goes."""
    return [Outcome.of(range(count), [Trial("ok", 1.0)] * count) for _ in forms]


def alike_where_it_computes(rules: RuleSet) -> Callable[[Sequence[RuleSet], int], list[Outcome]]:
    """What computes the same as some rules does well, all else badly, so that nothing may go."""
    wanted = rules.only().fingerprint()

    def score(forms: Sequence[RuleSet], count: int) -> list[Outcome]:
        losses = [1.0 if form.only().fingerprint() == wanted else 9.0 for form in forms]
        return [Outcome.of(range(count), [Trial("ok", loss)] * count) for loss in losses]

    return score


def words_of(rule: Rule) -> set[str]:
    nodes = [node for part in rule.slots.values() for node in part.nodes]
    return {node.name if isinstance(node, Operator) else str(node) for node in nodes}


@pytest.mark.parametrize(
    ("options", "rule", "left"),
    [
        ({}, "x*y - y**2*w + x_bar", "x_bar"),
        ({"template": "x*y - ?"}, "x*y - y**2*w", "x*y - w"),
        ({"template": "x*y - ?"}, "x*y - tanh(y*w)*x", "x*y - x"),
        ({"template": "?*y"}, "(x - w*y)*y", "x*y"),
        ({"template": "y*(x - ?)"}, "y*(x - w*y*0.5)", "y*(x - y)"),
        ({"template": "tanh(?) + x"}, "tanh(x*y - w) + x", "x + tanh(x)"),
        ({"template": "2*y*(x - ?)"}, "2*y*(x - w*y)", "2*y*(x - w)"),
        ({"require": ["tanh"]}, "tanh(y - 0.5)*x + w", "tanh(y)"),
        ({"require": ["x_bar"]}, "y*(x - w*y) + x_bar*w", "x_bar"),
        ({"require": ["/"]}, "x/y - w*y", "x/y"),
        ({"require": ["c"]}, "x*y*0.3 - w*y", "0.3"),
        ({"require": ["w", "x"]}, "y*(x - w*y) - y_bar", "x - w"),
        ({"template": "x*y - ?", "require": ["w"]}, "x*y - y**2*w", "x*y - w"),
    ],
)
def test_what_was_asked_for_stays_where_all_else_may_go(options: dict[str, Any], rule: str, left: str) -> None:
    """All forms do equally well: of a free search one leaf is left, of others the smallest rule of that kind."""
    asked = asked_for("oja", **options)
    assert (asked is None) == (not options)
    found = clean_up(parse_rules(rule), TASK, all_alike, asked)
    assert str(found.rules).partition(";")[0] == left
    if asked is not None:
        assert asked.writes(found.rules)


def test_a_rule_stays_in_the_form_of_its_template_where_a_shorter_one_is_equal() -> None:
    rules = parse_rules("x*y - w*y**2")
    score = alike_where_it_computes(rules)
    assert str(clean_up(rules, TASK, score).rules) == "y*(x - w*y)"
    assert str(clean_up(rules, TASK, score, asked_for("oja", template="x*y - ?")).rules) == "x*y - w*y**2"


@pytest.mark.parametrize(
    ("word", "rule", "left"), [("**", "x*x*y", "x*x*y"), ("-", "x + -1.0*w", "x + -1*w"), ("/", "x*y**-1", "x*y**-1")]
)
def test_a_shorter_form_brings_no_word_that_was_forbidden(word: str, rule: str, left: str) -> None:
    rules = parse_rules(rule)
    score = alike_where_it_computes(rules)
    assert str(clean_up(rules, TASK, score).rules) != left
    assert str(clean_up(rules, TASK, score, asked_for("oja", forbid=[word])).rules) == left


def test_a_required_word_that_does_nothing_is_told_from_one_that_does() -> None:
    asked = asked_for("oja", require=["x_bar"])
    assert asked is not None
    for rule, needed in (("x*y + 0.1*x_bar", True), ("x*y + x_bar - x_bar", False), ("x*y + 0*x_bar", False)):
        assert asked.writes(parse_rules(rule))
        assert asked.needs(parse_rules(rule)) == needed
    divided = asked_for("oja", require=["/"])
    assert divided is not None and divided.needs(parse_rules("x/2.0"))


def test_of_a_set_each_rule_keeps_what_it_was_asked_for() -> None:
    asked = asked_for("pca-network", require=["lateral[w]"], forbid=["feedforward[x]"])
    assert asked is not None
    for text, kept in (
        ("feedforward[y]; lateral[w*x]", True),
        ("feedforward[y*w]; lateral[x]", False),
        ("feedforward[x]; lateral[w]", False),
    ):
        assert asked.writes(parse_rules(text)) == kept, text


def test_the_size_of_a_form_that_was_asked_for_counts_what_is_written() -> None:
    set_of_two = parse_rules("feedforward[y*(x - x)]; lateral[w]")
    assert size_on_front(set_of_two, None) == 2
    assert size_on_front(set_of_two, asked_for("pca-network", template="feedforward[y*(x - ?)]; lateral[?]")) == 6
    given = replace(set_of_two, given=frozenset({"feedforward"}))
    assert size_on_front(given, asked_for("pca-network", template="feedforward[y*(x - ?)]; lateral[?]")) == 1


def test_a_search_that_was_asked_for_nothing_is_free() -> None:
    assert Asked.of(load_experiment("oja"), None) is None  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
@pytest.mark.parametrize("options", [{"require": ["tanh"]}, {"require": ["x_bar"]}, {"forbid": ["**", "-"]}])
def test_every_rule_of_a_front_has_the_words_that_were_asked_for(
    tmp_path: Path, options: dict[str, Any], seed: int
) -> None:
    """A clean-up that is free takes them away: of seed 3, with tanh required, it recommended x_bar*y_bar."""
    run = rs.discover("oja", budget=1000, seed=seed, out=tmp_path / "run", report=False, **options)
    assert run.members
    for member in run.members:
        words = words_of(member.rules.only())
        assert set(options.get("require", ())) <= words, member.rules
        assert not words & ({"pow", "sub"} if "forbid" in options else set()), member.rules


@pytest.mark.slow
@pytest.mark.parametrize("template", ["x*y - ?", "w*(? - y)"])
def test_every_rule_of_a_front_has_the_form_that_was_asked_for(tmp_path: Path, template: str) -> None:
    """Oja's rule too: it is shown as x*y - w*y**2, not in its shortest form."""
    run = rs.discover("oja", budget=1000, seed=3, template=template, out=tmp_path / "run", report=False)
    assert run.members
    form = {"x*y - ?": r"x\*y - .+", "w*(? - y)": r"w\*\(.+ - y\)|\(.+ - y\)\*w"}[template]
    for member in run.members:
        assert re.fullmatch(form, str(member.rules).partition(";")[0]), member.rules
