"""The polynomial baseline: its terms, its fit, and the rules that are left as terms go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.grammar import Grammar, load_grammar, parse_grammar
from rulesearch.rules import known_rule, parse_rules
from rulesearch.search.candidate import Candidate
from rulesearch.search.constants import ConstantFit
from rulesearch.search.polynomial_terms import bases_of
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.problem import Problem
from rulesearch.search.volterra_engine import VolterraEngine, VolterraSettings
from rulesearch.symbolic import compare
from rulesearch.tasks import load_task
from tests.places import ON_POST, ON_PRE


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator("oja", load_task("oja").resolve({"data_sets": 4, "points": 1000})) as made:
        yield made


def test_the_surviving_terms_are_those_of_oja(evaluator: Evaluator) -> None:
    problem = Problem(evaluator, load_grammar("rate"), 3, 6000)
    VolterraEngine().search(problem)
    assert problem.stopped_by == "terms"
    two_terms = [item for item in problem.archive.members() if len(item.constants) == 2]
    best = min(two_terms, key=lambda item: item.rank)
    verdict = compare(best.rules, [known_rule("oja")])[0]
    assert verdict.verdict in ("equal-up-to-scale", "same-terms")


def test_the_polynomial_has_every_term_up_to_its_order(evaluator: Evaluator) -> None:
    problem = Problem(evaluator, load_grammar("rate"), 3, 100)
    for order, power, number in ((1, 1, 4), (2, 2, 10), (3, 2, 17), (6, 2, 27)):
        terms = list(VolterraEngine(VolterraSettings(order=order, power=power))._terms(bases_of(problem.grammar)))
        assert {name for _, factors in terms for name in factors} == {"x", "y", "w"}
        assert len(terms) == len(set(terms)) == number


def test_each_rule_has_one_term_less_than_the_one_it_came_from(evaluator: Evaluator) -> None:
    problem = Problem(evaluator, load_grammar("rate"), 3, 1500)
    VolterraEngine(VolterraSettings(order=2, refit=2)).search(problem)
    numbers = {len(item.constants) for item in problem.archive.members()}
    assert numbers == set(range(1, 11))
    assert all(
        re.fullmatch(r"[c\dxyw*+ ]+", str(part))
        for item in problem.archive.members()
        for part in [str(item.rules).split(";")[0]]
    )


def test_every_fit_draws_numbers_of_its_own(evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first fit, of all terms, takes the wide step; no two fits share a stream of random numbers."""
    drawn: list[tuple[int, float]] = []
    engine = VolterraEngine(VolterraSettings(order=1, refit=1))

    def fit(
        problem: Problem, start: Candidate, rng: np.random.Generator, population: int, step: float, l1: float
    ) -> ConstantFit:
        drawn.append((int(rng.integers(2**62)), step))
        return ConstantFit(problem, start, rng, population, step, l1)

    monkeypatch.setattr("rulesearch.search.volterra_engine.ConstantFit", fit)
    engine.search(Problem(evaluator, load_grammar("rate"), 3, 400))
    numbers, steps = zip(*drawn, strict=True)
    assert len(set(numbers)) == len(numbers) == 4
    assert steps == (0.1, 0.03, 0.03, 0.03)


def test_coefficients_begin_where_a_rule_to_grow_from_has_them(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.5*y*(x - 2*w*y) + 0.25 is 0.5*x*y - 1*w*y**2 + 0.25, whatever the order of its factors."""
    rules = parse_rules("0.5*y*(x - 2.0*w*y) + 0.25")
    problem = Problem(evaluator, load_grammar("rate"), 3, 200, start=rules)
    begun: list[Candidate] = []
    fit = VolterraEngine._fit

    def noted(engine: VolterraEngine, problem: Problem, start: Candidate, evaluations: int, number: int) -> Candidate:
        begun.append(start)
        return fit(engine, problem, start, evaluations, number)

    monkeypatch.setattr(VolterraEngine, "_fit", noted)
    engine = VolterraEngine(VolterraSettings(order=3, share=0.2))
    engine.search(problem)
    first = begun[0]
    assert sorted(value for value in first.constants if value) == [-1.0, 0.25, 0.5]
    assert len(first.constants) == 17
    assert first.rules.only().fingerprint() == rules.only().fingerprint()
    assert first.parents == (first.key,), "the rule itself was tried before, as a function of the same fingerprint"


@pytest.mark.parametrize(
    ("text", "named"),
    [("tanh(x)*y", r"tanh\(x\)"), ("x*y/w", "x\\*y/w|w"), ("y**2*y", r"y\*\*3"), ("x*y*w*w", r"w\*\*2")],
)
def test_a_rule_to_grow_from_with_other_terms_is_refused(evaluator: Evaluator, text: str, named: str) -> None:
    primitives = GrammarPrimitives(load_grammar("rate"))
    start = primitives.genome_of(parse_rules(text))
    with pytest.raises(RulesearchError, match=f"cannot grow from .*: .*({named}).* is not among its terms"):
        VolterraEngine().check_start(primitives, start)


def test_what_cannot_be_grown_from_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(RulesearchError, match="engine volterra cannot grow from"):
        rs.discover("oja", engine="volterra", start="tanh(x)*y", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_slot_that_must_not_be_empty_keeps_a_term(evaluator: Evaluator, typed: Grammar) -> None:
    engine = VolterraEngine()
    problem = Problem(evaluator, typed, 1, 100)
    terms = [(ON_PRE, ("x",)), (ON_POST, ("x",)), (ON_POST, ("y",))]
    assert engine._droppable(problem, terms) == [1, 2]
    assert engine._droppable(problem, terms[:2]) == [1]
    assert engine._droppable(problem, terms[:1]) == []


def test_l1_keeps_coefficients_small(evaluator: Evaluator) -> None:
    sums = []
    for l1 in (0.0, 10.0):
        problem = Problem(evaluator, load_grammar("rate"), 3, 1500)
        VolterraEngine(VolterraSettings(order=2, share=1.0, l1=l1)).search(problem)
        best = min(
            (item for item in problem.archive.members() if len(item.constants) == 10), key=lambda item: item.rank
        )
        sums.append(sum(map(abs, best.constants)))
    assert sums[1] < sums[0]


def test_a_grammar_without_constants_is_refused(evaluator: Evaluator) -> None:
    with pytest.raises(RulesearchError, match="grammar mettler has no constants"):
        VolterraEngine().search(Problem(evaluator, load_grammar("mettler"), 1, 100))


LOGARITHMS = """
name = "logarithms"
[symbols]
x = { meaning = "pre", unit = "" }
y = { meaning = "post", unit = "" }
w = { meaning = "weight", unit = "" }
[constants]
a = { range = [0.001, 2.0], prior = "log-uniform", unit = "" }
[slots]
on_step = "change"
[productions]
change = ["x", "y", "w", "a", "change + change", "change*change"]
[limits]
size = 9
depth = 6
"""


def test_coefficients_of_a_range_above_0_stay_in_it(evaluator: Evaluator) -> None:
    """A logarithm has no place for 0, where coefficients begin elsewhere; here they begin at the lower end."""
    problem = Problem(evaluator, parse_grammar(LOGARITHMS), 1, 40)
    VolterraEngine(VolterraSettings(order=1)).search(problem)
    values = [value for item in problem.archive.members() for value in item.constants]
    assert values
    assert all(0.001 <= value <= 2.0 for value in values)


def test_a_rule_to_grow_from_may_have_coefficients_beyond_such_a_range(evaluator: Evaluator) -> None:
    problem = Problem(evaluator, parse_grammar(LOGARITHMS), 1, 40, start=parse_rules("0.5*x*y + (-1.0)*w"))
    VolterraEngine(VolterraSettings(order=2)).search(problem)
    assert problem.progress.distinct >= 40


def test_coefficients_are_of_a_kind_whose_range_holds_0_where_there_is_one() -> None:
    both = LOGARITHMS.replace("[slots]", 'c = { range = [-1.0, 1.0], prior = "uniform", unit = "" }\n[slots]')
    both = both.replace('"a", ', '"a", "c", ')
    assert [kind for kind, _ in bases_of(parse_grammar(both)).values()] == ["c"]


@pytest.mark.slow
def test_gradient_descent_finds_the_terms_of_oja_as_well(evaluator: Evaluator) -> None:
    pytest.importorskip("jax")
    problem = Problem(evaluator, load_grammar("rate"), 3, 1200)
    VolterraEngine(VolterraSettings(order=2, descent=0.02, share=0.3, refit=10)).search(problem)
    terms = {str(item.rules).split(";")[0] for item in problem.archive.members()}
    assert terms
    best = problem.archive.best()
    assert best is not None and best.full.loss is not None and best.full.loss < 0.2
    again = Problem(evaluator, load_grammar("rate"), 3, 1200)
    VolterraEngine(VolterraSettings(order=2, descent=0.02, share=0.3, refit=10)).search(again)
    assert [item.constants for item in again.archive.members()] == [
        item.constants for item in problem.archive.members()
    ]


def test_gradient_descent_is_refused_where_a_task_has_no_derivatives() -> None:
    engine = VolterraEngine(VolterraSettings(descent=0.02))
    with pytest.raises(RulesearchError, match="has no derivatives"):
        engine.check(load_task("inhibitory-rate"), load_grammar("spiking"))
