"""Constants are fitted to a known optimum, inside their range, within what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from rulesearch.evaluation.evaluator import Job, Waiting
from rulesearch.evaluation.outcome import Outcome
from rulesearch.expression import parse_expression
from rulesearch.grammar import load_grammar
from rulesearch.search.candidate import Candidate
from rulesearch.search.constants import fit_constants
from rulesearch.search.problem import Problem
from rulesearch.tasks import Trial, load_task
from tests.places import ON_STEP

Loss = Callable[[tuple[float, ...]], float | None]


class Bowl:
    """Evaluates rules by a function of their constants alone, in place of a simulation."""

    def __init__(self, loss: Loss) -> None:
        self.task = load_task("oja")
        self.settings = self.task.resolve()
        self.loss = loss
        self.tried: list[tuple[float, ...]] = []

    def submit(self, jobs: Sequence[Job]) -> Waiting:
        found = []
        for job in jobs:
            constants = tuple(job.rules.only().constant_values().values())
            self.tried.append(constants)
            loss = self.loss(constants)
            found.append(Outcome.of((0,), [Trial("runaway" if loss is None else "ok", loss, {}, (loss or 0.0,))]))
        return lambda: found

    def problem(self) -> Problem:
        return Problem(self, load_grammar("rate"), 0, 10_000)  # type: ignore[arg-type]


def started(problem: Problem, text: str, **constants: float) -> Candidate:
    """A candidate that was evaluated."""
    made = problem.maker.make(problem.primitives.genome({ON_STEP: parse_expression(text)}, constants), "random")
    assert problem.is_new(made)
    problem.evaluate([made])
    return made


def fit(problem: Problem, *candidates: Candidate, seed: int = 0, rounds: int = 40) -> list[Candidate]:
    return fit_constants(problem, candidates, np.random.default_rng(seed), rounds)


def test_two_constants_reach_the_optimum() -> None:
    bowl = Bowl(lambda c: (c[0] - 0.3) ** 2 + 2.0 * (c[1] + 1.2) ** 2 + 0.5 * (c[0] - 0.3) * (c[1] + 1.2))
    problem = bowl.problem()
    best = fit(problem, started(problem, "a*x + b*y", a=1.0, b=1.0))[0]
    assert best.constants == pytest.approx((0.3, -1.2), abs=0.01)
    assert best.fitted
    assert best.origin == "constants"


def test_one_constant_reaches_the_optimum() -> None:
    bowl = Bowl(lambda c: abs(c[0] - 0.7))
    problem = bowl.problem()
    best = fit(problem, started(problem, "a*x", a=-1.0))[0]
    assert best.constants == pytest.approx((0.7,), abs=0.01)


def test_constants_stay_in_their_range_where_the_optimum_is_outside() -> None:
    bowl = Bowl(lambda c: (c[0] - 5.0) ** 2)
    problem = bowl.problem()
    best = fit(problem, started(problem, "a*x", a=0.0))[0]
    assert best.constants == pytest.approx((2.0,), abs=0.02)
    values = np.array([constants[0] for constants in bowl.tried])
    assert values.min() >= -2.0
    assert values.max() <= 2.0


def test_failures_are_worse_than_any_loss() -> None:
    bowl = Bowl(lambda c: None if c[0] > 0.5 else 100.0 - c[0])
    problem = bowl.problem()
    best = fit(problem, started(problem, "a*x", a=-1.0))[0]
    assert 0.4 < best.constants[0] <= 0.5


def test_what_cannot_be_improved_is_kept() -> None:
    bowl = Bowl(lambda c: (c[0] - 0.25) ** 2)
    problem = bowl.problem()
    start = started(problem, "a*x", a=0.25)
    assert fit(problem, start, rounds=3) == [start]
    assert start.fitted


def test_several_structures_are_fitted_side_by_side_and_repeatably() -> None:
    def run() -> tuple[list[tuple[float, ...]], int]:
        bowl = Bowl(lambda c: sum((value - 0.5) ** 2 for value in c))
        problem = bowl.problem()
        starts = [started(problem, "a*x", a=1.5), started(problem, "a*x + b*y", a=-1.0, b=1.0)]
        return [best.constants for best in fit(problem, *starts, seed=5, rounds=30)], len(bowl.tried)

    first, tried = run()
    assert run() == (first, tried)
    assert first[0] == pytest.approx((0.5,), abs=0.05)
    assert first[1] == pytest.approx((0.5, 0.5), abs=0.05)
    assert 100 < tried <= 2 + 30 * 2 * 6


def test_the_norm_of_a_rule_is_fitted_on_the_task(make_problem: Callable[..., Problem]) -> None:
    # c1 = 1 normalises to length 1; the start normalises to 1/sqrt(1.9).
    problem = make_problem()
    start = started(problem, "y*(x - a*w*y)", a=1.9)
    best = fit(problem, start, rounds=12)[0]
    assert best.constants[0] == pytest.approx(1.0, abs=0.1)
    assert best.rank < start.rank
    assert problem.progress.evaluations <= 1 + 12 * 6
