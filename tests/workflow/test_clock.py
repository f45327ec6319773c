"""A limit of time holds for all that a run does: what matters most comes first, what is left out is named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import rulesearch as rs
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.evaluation.store import Store
from rulesearch.grammar import load_grammar
from rulesearch.search.engine import load_engine
from rulesearch.search.problem import Problem
from rulesearch.tasks import load_task
from rulesearch.workflow.clock import Clock, OutOfTime
from rulesearch.workflow.evidence import gather, stored_evidence
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.scorer import Scorer

LITTLE = {"data_sets": 2, "points": 300}


def test_without_a_limit_nothing_is_left_out() -> None:
    clock = Clock()
    with clock.part("everything", 0.1):
        clock.check(1e9)
    assert not clock.limited and clock.left == float("inf") and clock.sentence() == ""


def test_each_part_gets_its_share_of_what_is_left_and_no_more() -> None:
    clock = Clock(100.0)
    with clock.part("half", 0.5):
        assert 49.0 < clock.left <= 50.0
        with clock.part("a fifth of it", 0.2):
            assert 9.0 < clock.left <= 10.0
            clock.check(11.0)
        clock.check(11.0)
    assert 99.0 < clock.left <= 100.0
    assert clock.sentence() == "left out for want of time: a fifth of it"


def test_what_cannot_be_scored_in_time_is_not_begun() -> None:
    settings = load_task("oja").resolve(LITTLE)
    rules = [load_task("oja").baseline(settings)]
    with Evaluator("oja", settings) as evaluator:
        unlimited = Scorer(evaluator, None, 1).score(rules, "report", 3)[0]
        scorer = Scorer(evaluator, None, 1, Clock(5.0))
        assert scorer.score(rules, "report", 3)[0] == unlimited
        begin = time.monotonic()
        with pytest.raises(OutOfTime):
            scorer.score(rules, "report", 20_000)
        assert time.monotonic() - begin < 5.0
        with pytest.raises(OutOfTime):
            Scorer(evaluator, None, 1, Clock(0.0)).score(rules, "report", 1)


def test_a_search_that_was_ended_by_time_is_replayed_to_the_same_end(tmp_path: Path) -> None:
    found = []
    for limit in (0.4, 60.0):
        store = Store(tmp_path / "run.sqlite")
        with Evaluator("oja", load_task("oja").resolve(LITTLE)) as evaluator:
            problem = Problem(evaluator, load_grammar("rate"), 1, 10**9, store, limit)
            load_engine("deap").run(problem)
        store.close()
        members = [(str(item.rules), item.rank) for item in problem.archive.members()]
        found.append((problem.stopped_by, problem.progress.distinct, problem.progress.generation, members))
    assert found[0] == found[1]
    assert found[0][0] == "time" and found[0][1] > 0


@pytest.mark.slow
def test_a_run_keeps_to_its_limit_and_says_what_there_was_no_time_for(tmp_path: Path) -> None:
    experiment = Experiment("short", "oja", "rate", seed=1, budget=10**9, settings=LITTLE, time_limit=3.0)
    lines: list[str] = []
    begin = time.monotonic()
    run = rs.discover(experiment, permutations=50, out=tmp_path / "run", failed=lines.append)
    # Drawing a brief page, and a loaded machine, take their time.
    assert time.monotonic() - begin < 30.0
    assert run.status == "stopped" and run.members
    assert "searches on permuted targets" in run.conclusion or "no time was left" in run.conclusion
    assert lines == [f"no time was left for the whole page; draw it with: rulesearch report {tmp_path / 'run'}"]
    assert not stored_evidence(run).rules
    lines.clear()
    again = rs.resume(tmp_path / "run", failed=lines.append)
    assert (again.members, again.conclusion) == (run.members, run.conclusion)
    assert not lines and stored_evidence(again).rules


def test_evidence_that_is_not_whole_is_not_kept(tmp_path: Path) -> None:
    experiment = Experiment("little", "oja", "rate", seed=1, budget=40, settings=LITTLE)
    run = rs.discover(experiment, out=tmp_path / "run", report=False)
    assert not gather(run, 0.0).rules
    assert not stored_evidence(run).rules
    assert gather(run).rules == stored_evidence(run).rules != ()
