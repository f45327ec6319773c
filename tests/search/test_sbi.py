"""Engine sbi: the constants of one form, filter by filter."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.outcome import Outcome
from rulesearch.grammar import load_grammar
from rulesearch.rules import parse_rules
from rulesearch.search.candidate import Candidate
from rulesearch.search.engine import load_engine
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.problem import Problem
from rulesearch.search.sbi_engine import _FEW_ANEW, _RULE_ANEW, _RULE_TAKEN, _STEP, _around, _numbered
from rulesearch.tasks.declaration import Fidelity
from rulesearch.workflow.discover import discover, resume
from rulesearch.workflow.run import Run

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


@pytest.mark.parametrize("way", [_RULE_ANEW, _RULE_TAKEN, _FEW_ANEW, _STEP])
def test_what_is_near_keeps_what_its_way_says(way: int) -> None:
    rng = np.random.default_rng(4)
    near, alive = 0.4 + 0.2 * rng.random((20, 24)), rng.random((50, 24))
    rules = _numbered([rule for rule in ("EE", "EI", "IE", "II") for _ in range(6)])
    found = _around(way, near, alive, rules, 400, rng)
    assert found.shape == (400, 24)
    assert found.min() >= 0.0 and found.max() <= 1.0
    kept = np.array([max((row == other).sum() for other in near) for row in found])
    taken = np.array([max((row == other).sum() for other in alive) for row in found])
    if way == _STEP:
        assert not kept.any()
        wider = np.cov(found, rowvar=False).trace() / np.cov(near, rowvar=False).trace()
        assert 1.0 < wider < 1.5
    elif way == _FEW_ANEW:
        assert kept.max() == 23 and 21.8 < kept.mean() < 22.3
    else:
        assert set(kept) == {18}
        assert set(taken) == ({6} if way == _RULE_TAKEN else {0})


def test_constants_of_one_rule_are_moved_one_by_one() -> None:
    assert list(_numbered(["w", "w", "w"])) == [0, 1, 2]
    assert list(_numbered(["EE", "II", "EE"])) == [0, 1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_each_posterior_passes_more_often_than_the_prior(
    make_problem: MakeProblem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seed: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    problem = make_problem(seed=seed, budget=800, start=parse_rules(HEBB, "on_step"))
    load_engine("sbi", {"rounds": 3}).search(problem)
    told = re.findall(r"(\d+) of (\d+) draws from (the prior|posterior \d)", problem.how_it_ended())
    assert [source for _, _, source in told] == ["the prior", "posterior 1", "posterior 2", "posterior 3"]
    assert sum(int(of) for _, of, _ in told) <= problem.progress.distinct <= 800
    assert int(told[-1][0]) > 2 * int(told[0][0])
    # sbi prints and keeps logs by itself.
    assert not [*tmp_path.iterdir()] and not capsys.readouterr().out


@pytest.mark.slow
def test_a_search_that_is_stopped_after_a_posterior_was_fitted_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    def search(folder: Path, stop: Callable[[Problem], None] | None = None) -> Run:
        return discover(
            "oja",
            grammar="rate",
            engine="sbi",
            budget=500,
            seed=11,
            out=folder,
            start=HEBB,
            options={"rounds": 2},
            watch=stop,
        )

    def stop(problem: Problem) -> None:
        if "posterior" in problem.told:
            raise KeyboardInterrupt

    whole = search(tmp_path / "whole")
    assert whole.status == "done"
    assert search(tmp_path / "cut", stop).status == "interrupted"
    assert resume(tmp_path / "cut").members == whole.members
    first, second = ((tmp_path / name / "front.csv").read_bytes() for name in ("whole", "cut"))
    assert first == second


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_start_and_the_best_draw_of_any_round_are_tried(make_problem: MakeProblem, seed: int) -> None:
    # With so few draws no posterior is fitted.
    problem = make_problem(seed=seed, budget=60, start=parse_rules(HEBB.replace("c1 = 1", "c1 = 1.9"), "on_step"))
    drawn: list[tuple[float, str]] = []
    simulate = problem.simulate

    def noted(candidates: Sequence[Candidate], first: int, fidelity: Fidelity) -> list[Outcome]:
        found = simulate(candidates, first, fidelity)
        drawn.extend((outcome.ranked_loss, str(each.rules)) for each, outcome in zip(candidates, found, strict=True))
        return found

    problem.simulate = noted  # type: ignore[method-assign]
    load_engine("sbi", {"rounds": 5}).search(problem)
    assert "posterior" not in problem.how_it_ended()
    assert problem.progress.distinct <= 60
    best = problem.archive.best()
    assert best is not None and problem.stopped_by
    # Losses of draws are on one seed each, that of the best on the search seeds.
    assert str(best.rules) in {rules for _, rules in sorted(drawn)[:8]} | {
        str(problem.maker.make(problem.start, "start").rules)
    }


@pytest.mark.parametrize(("full", "fidelity"), [(0, "screen"), (1, "full")])
def test_draws_are_simulated_at_the_cheap_fidelity_or_in_full(
    make_problem: MakeProblem, full: int, fidelity: str
) -> None:
    problem = make_problem(budget=60, start=parse_rules(HEBB, "on_step"))
    # The task has one fidelity alone, to which any name will do.
    problem.screen = Fidelity("screen", 1, "")
    asked: set[str] = set()
    simulate = problem.simulate

    def noted(candidates: Sequence[Candidate], first: int, at: Fidelity) -> list[Outcome]:
        asked.add(at.name)
        return simulate(candidates, first, at)

    problem.simulate = noted  # type: ignore[method-assign]
    load_engine("sbi", {"full": full}).search(problem)
    assert asked == {fidelity}


def test_a_search_that_ends_early_has_something_to_show(make_problem: MakeProblem) -> None:
    problem = make_problem(budget=5000, start=parse_rules(HEBB, "on_step"))
    problem.watch = lambda now: setattr(now, "stopped_by", "time") if now.progress.generation > 2 else None
    load_engine("sbi").search(problem)
    assert problem.progress.distinct < 100
    assert problem.archive.members()
    assert re.search(r"passing all filters: \d+ of 40 draws from the prior$", problem.how_it_ended())


def test_without_anything_to_filter_by_the_search_is_refused(make_problem: MakeProblem) -> None:
    problem = make_problem(budget=60, start=parse_rules(HEBB, "on_step"))
    problem.threshold = lambda: None  # type: ignore[method-assign]
    with pytest.raises(RulesearchError, match="engine sbi has nothing to filter by: task oja requires nothing"):
        load_engine("sbi").search(problem)
