"""Engine sbi: the constants of one form, filter by filter."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.grammar import load_grammar
from rulesearch.rules import parse_rules
from rulesearch.search.engine import load_engine
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.problem import Problem

pytest.importorskip("sbi")

MakeProblem = Callable[..., Problem]
HEBB = "c1*x*y - c2*w*y*y; c1 = 1; c2 = 1"


def test_one_form_is_asked_for() -> None:
    engine = load_engine("sbi")
    rate = GrammarPrimitives(load_grammar("rate"))
    with pytest.raises(
        RulesearchError, match="fits the constants of one form, and grammar rate has several; give a rule"
    ):
        engine.check_start(rate, None)
    with pytest.raises(RulesearchError, match="the form has none that the grammar searches"):
        engine.check_start(rate, rate.genome_of(parse_rules("y*(x - w*y)", "on_step")))
    engine.check_start(rate, rate.genome_of(parse_rules(HEBB, "on_step")))
    engine.check_start(GrammarPrimitives(load_grammar("coactive-polynomial")), None)


def test_the_polynomial_of_four_rules_has_24_constants() -> None:
    primitives = GrammarPrimitives(load_grammar("coactive-polynomial"))
    rules = parse_rules(
        "; ".join(
            f"{kind}[on_pre: a + k*y; on_post: b + g*x; a = 1; b = 1; g = 1; k = 1]"
            for kind in ("EE", "EI", "IE", "II")
        )
    )
    assert len(primitives.parameter_kinds(primitives.skeleton(primitives.genome_of(rules)))) == 24


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_each_posterior_passes_more_often_than_the_prior(make_problem: MakeProblem, seed: int) -> None:
    problem = make_problem(seed=seed, budget=800, start=parse_rules(HEBB, "on_step"))
    load_engine("sbi", {"rounds": 3}).search(problem)
    passed = [int(number) for number in re.findall(r"(\d+) of 200", problem.how_it_ended())]
    assert len(passed) == 4
    assert passed[-1] > 2 * passed[0]
    best = problem.archive.best()
    threshold = problem.threshold()
    assert best is not None and threshold is not None and best.full.ranked_loss <= threshold


@pytest.mark.slow
def test_a_search_with_too_little_to_learn_from_draws_from_the_prior(make_problem: MakeProblem) -> None:
    problem = make_problem(budget=40, start=parse_rules(HEBB, "on_step"))
    load_engine("sbi", {"rounds": 1}).search(problem)
    assert problem.stopped_by and problem.archive.members()
