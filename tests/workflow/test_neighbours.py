"""The last step of a search: the one-node neighbours of a cleaned front."""

from __future__ import annotations

import pytest

from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.grammar import load_grammar
from rulesearch.rules import RuleSet, known_rule
from rulesearch.search.problem import Problem
from rulesearch.tasks import load_task
from rulesearch.workflow.neighbours import try_neighbours

SETTINGS = load_task("oja").resolve({"data_sets": 2, "points": 400})
ALMOST = load_task("oja").parse("y*(x + w*y)")
OJA = known_rule("oja").rules.only().fingerprint()


@pytest.fixture
def problem() -> Problem:
    made = Problem(Evaluator("oja", SETTINGS), load_grammar("rate"), 1, 500)
    made.stopped_by, made.reserve = "budget", 400
    return made


def keys(problem: Problem, front: list[RuleSet]) -> set[str]:
    return {candidate.key for candidate in try_neighbours(problem, front)}


def test_oja_is_one_node_away_from_its_twin(problem: Problem) -> None:
    assert OJA in keys(problem, [ALMOST])
    assert OJA in {candidate.key for candidate in problem.archive.members()}
    assert problem.progress.distinct > 20


def test_known_neighbours_come_along_at_no_cost(problem: Problem) -> None:
    first = keys(problem, [ALMOST])
    before = problem.progress.distinct
    assert keys(problem, [ALMOST]) >= first - {ALMOST.only().fingerprint()}
    assert problem.progress.distinct == before


def test_the_budget_holds(problem: Problem) -> None:
    problem.budget = 7
    try_neighbours(problem, [ALMOST])
    assert problem.progress.distinct == 7
    assert try_neighbours(problem, [known_rule("oja").rules]) == []


@pytest.mark.parametrize(("stopped_by", "reserve"), [("time", 400), ("stop-loss", 400), ("budget", 0)])
def test_nothing_is_tried_where_the_engine_kept_nothing(problem: Problem, stopped_by: str, reserve: int) -> None:
    problem.stopped_by, problem.reserve = stopped_by, reserve
    assert try_neighbours(problem, [ALMOST]) == []
    assert problem.progress.evaluations == 0


def test_a_rule_that_the_grammar_cannot_write_has_none(problem: Problem) -> None:
    assert try_neighbours(problem, [load_task("oja").parse("exp(x)*y")]) == []
