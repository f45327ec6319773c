"""Enumeration: every function once, smallest first, and a certificate that claims no more than was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.grammar import Grammar, count, load_grammar
from rulesearch.grammar.functions import FunctionTable
from rulesearch.search.certificate import Certificate
from rulesearch.search.enumerate_engine import EnumerateEngine, EnumerateSettings, functions_of_size
from rulesearch.search.problem import Problem
from rulesearch.tasks import load_task


@pytest.fixture
def make(little: Grammar) -> Iterator[Callable[..., Problem]]:
    settings = load_task("oja").resolve({"data_sets": 2, "points": 500})
    with Evaluator("oja", settings) as evaluator:

        def made(grammar: Grammar = little, budget: int = 10**6, **options: Any) -> Problem:
            return Problem(evaluator, grammar, 1, budget, **options)

        yield made


def test_every_function_of_two_slots_comes_once_at_its_size(typed: Grammar) -> None:
    table = FunctionTable(typed, 7, expressions=True)
    table.fill_to(7)
    for size in range(1, 8):
        found = [
            tuple((slot, str(part)) for slot, part in each.items()) for each in functions_of_size(typed, table, size)
        ]
        assert len(found) == len(set(found)) == count(typed, size).functions_exactly


def test_oja_is_found_and_certified(make: Callable[..., Problem], little: Grammar) -> None:
    problem = make()
    EnumerateEngine().search(problem)
    assert problem.stopped_by == "exhausted"
    best = problem.archive.best()
    assert best is not None
    assert best.size == 7
    certificate = problem.certificate
    assert certificate is not None
    assert certificate.complete == 7
    assert certificate.functions(7) == count(little, 7).functions_up_to
    assert certificate.solved == 7
    below = count(little, 6).functions_up_to
    fixed = sum(number for size, number in certificate.fixed.items() if size < 7)
    assert certificate.claim(7).startswith(
        f"no rule of fewer than 7 nodes was found in grammar little that solves task oja: all {fixed} functions "
        f"without constants were tried, and {below - fixed} structures with constants, of which "
    )
    assert 0 < certificate.fitted[5] <= 20 < certificate.open[5]
    facts = dict(certificate.basis())
    assert facts["operators"] == "add, sub, mul"
    assert "c in [-2, 2]" in facts["not exhaustive"]


@pytest.mark.slow
def test_it_ends_with_the_largest_size_that_is_asked_for(make: Callable[..., Problem], little: Grammar) -> None:
    problem = make()
    EnumerateEngine(EnumerateSettings(largest=3)).search(problem)
    certificate = problem.certificate
    assert problem.stopped_by == "exhausted" and certificate is not None
    assert certificate.complete == 3 and certificate.functions(3) == count(little, 3).functions_up_to


def test_a_size_that_is_too_small_for_several_rules_is_refused() -> None:
    engine = EnumerateEngine(EnumerateSettings(largest=1))
    pair = load_grammar("plastic-network").for_rules(["EE", "IE"])
    with pytest.raises(RulesearchError, match="2 rules have 2 nodes at least: type --option largest=2 or more"):
        engine.check(load_task("plastic-network"), pair)
    engine.check(load_task("plastic-network"), pair.for_rules(["EE"]))


def test_constants_that_are_fitted_do_better_than_those_of_the_scan(make: Callable[..., Problem]) -> None:
    problem, plain = make(), make()
    EnumerateEngine(EnumerateSettings(fitted=5)).search(problem)
    EnumerateEngine(replace(EnumerateSettings(), fitted=0, most_promising=0)).search(plain)
    assert any(item.origin == "constants" for item in problem.archive.members())
    best, poorer = ({item.size: item.rank for item in each.archive.members()[::-1]} for each in (problem, plain))
    assert all(best[size] <= poorer[size] for size in poorer)
    assert best[3] < poorer[3]


def test_a_budget_that_ends_within_a_size_certifies_the_sizes_before(make: Callable[..., Problem]) -> None:
    problem = make(budget=400)
    EnumerateEngine(EnumerateSettings(batch=50)).search(problem)
    assert problem.stopped_by == "budget"
    certificate = problem.certificate
    assert certificate is not None
    assert 1 <= certificate.complete < 7
    assert certificate.claim(None).startswith(f"no rule of up to {certificate.complete} nodes")
    whole = make(replace(problem.grammar, limits=replace(problem.grammar.limits, size=certificate.complete)))
    EnumerateEngine(EnumerateSettings(batch=50)).search(whole)
    assert whole.stopped_by == "exhausted"
    assert certificate.begun == problem.progress.distinct - whole.progress.distinct > 0
    told = f"{certificate.complete + 1} nodes were tried in part ({certificate.begun:,} evaluations)"
    assert certificate.claim(None).endswith(f"; those of {told}")
    assert dict(certificate.basis())["begun"] == f"rules of {told}, and nothing is claimed of them"


@pytest.mark.parametrize("budget", [30, 60, 150])
def test_a_budget_that_ends_while_constants_are_fitted_is_kept_to(make: Callable[..., Problem], budget: int) -> None:
    problem = make(budget=budget)
    EnumerateEngine().search(problem)
    assert problem.stopped_by == "budget"
    # One structure gets all its values.
    assert problem.progress.distinct <= budget + len(EnumerateSettings().more_values)
    certificate = problem.certificate
    assert certificate is not None and certificate.begun > 0


def test_where_the_budget_ends_within_the_first_size_nothing_is_said_to_be_done(make: Callable[..., Problem]) -> None:
    problem = make(budget=2)
    EnumerateEngine().search(problem)
    certificate = problem.certificate
    assert certificate is not None
    facts = dict(certificate.basis())
    assert facts["exhaustive"] == "no size: the search ended before"
    assert facts["begun"].startswith("rules of 1 node were tried in part (2 evaluations)")
    assert facts["not exhaustive"] == "structures with constants, of which none is that small"
    assert certificate.claim(None) == "no size was exhausted, nothing is certified about oja"


@pytest.mark.parametrize(
    ("solved", "told", "claim"),
    [
        (None, None, "no rule of up to 3 nodes in grammar little solves task oja (11 distinct functions, all tried)"),
        (3, 3, "no rule of fewer than 3 nodes in grammar little solves task oja (3 distinct functions, all tried); 11"),
        (None, 2, "no rule of fewer than 2 nodes in grammar little solves task oja (3 distinct functions, all tried)"),
        (1, None, "there is no rule smaller than that"),
        (None, 9, "no rule of up to 3 nodes"),
    ],
)
def test_a_claim_never_goes_beyond_what_was_tried(
    little: Grammar, solved: int | None, told: int | None, claim: str
) -> None:
    certificate = Certificate(little, "oja", "", 0.1, {1: 3, 2: 0, 3: 8}, {}, {}, solved)
    assert certificate.claim(told).startswith(claim)


def test_structures_with_constants_are_not_said_to_be_exhausted(little: Grammar) -> None:
    certificate = Certificate(little, "oja", "", 0.1, {1: 3, 3: 8}, {1: 1, 3: 4}, {1: 1, 3: 2})
    assert certificate.claim(None) == (
        "no rule of up to 3 nodes was found in grammar little that solves task oja: all 11 functions without constants "
        "were tried, and 5 structures with constants, of which 3 were fitted"
    )
    assert certificate.claim(3) == (
        "no rule of fewer than 3 nodes was found in grammar little that solves task oja: all 3 functions without "
        "constants were tried, and 1 structure with constants, of which 1 was fitted; 16 of up to 3 nodes were tried"
    )
    assert dict(certificate.basis())["exhaustive"] == "11 functions without constants, of up to 3 nodes"


def test_a_searched_time_constant_is_a_constant(timed: Grammar) -> None:
    task = load_task("stdp-frequency")
    with Evaluator("stdp-frequency", task.resolve({})) as evaluator:
        problem = Problem(evaluator, timed, 1, 60)
        EnumerateEngine(EnumerateSettings(batch=50, fitted=1, rounds=1)).search(problem)
    certificate = problem.certificate
    assert certificate is not None and certificate.complete >= 1
    # Of one node in one of two slots: y2 has a time constant that is given; x, y and c have something to fit.
    assert (certificate.fixed[1], certificate.open[1]) == (2, 6)
    assert "was found" in certificate.claim(None)


def test_nothing_is_certified_where_the_baseline_fails_or_no_size_is_complete(little: Grammar) -> None:
    assert "nothing is certified" in Certificate(little, "oja", "", None, {1: 3}, {1: 1}).claim(None)
    assert "nothing is certified" in Certificate(little, "oja", "", 0.1).claim(None)
    none = Certificate(little, "oja", "", 0.1, {1: 0}, {1: 0})
    assert "nothing is certified" in none.claim(None)
    assert dict(none.basis())["exhaustive"] == "no size: no rule has at most 1 node"


def test_a_size_without_functions_certifies_nothing(little: Grammar) -> None:
    certificate = Certificate(little, "oja", "", 0.1, {1: 0, 2: 1}, {1: 0, 2: 0}, solved=2)
    assert certificate.claim(2) == "there is no rule smaller than that in grammar little"
    certificate.solved = None
    assert certificate.claim(None) == (
        "no rule of up to 2 nodes in grammar little solves task oja (1 distinct function, all tried)"
    )
    certificate.open[2] = 1
    assert "the 1 function without constants was tried, and 1 structure with constants" in certificate.claim(None)
