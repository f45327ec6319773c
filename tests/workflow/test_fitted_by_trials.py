"""Searches whose learning rates are fitted by trials: what is found, and what published rules are given."""

from __future__ import annotations

from pathlib import Path

import pytest

import rulesearch
from rulesearch.rules import RuleSet
from rulesearch.search.problem import Problem
from rulesearch.symbolic import compare
from rulesearch.tasks import load_task
from rulesearch.workflow.run import Run

pytestmark = pytest.mark.slow
TASK = load_task("error-driven")
DELTA = TASK.parse("(v_target - v)*psp")
QUICK = {"experiments": 5, "seconds": 6}


def searched(folder: Path, seed: int = 41, **others: object) -> Run:
    return rulesearch.discover(
        "error-driven", settings=QUICK, budget=60, seed=seed, report=False, workers=1, out=folder, **others
    )


def is_delta(rules: RuleSet) -> bool:
    return compare(rules, [DELTA])[0].verdict in ("identical", "equal", "equal-up-to-scale")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return searched(tmp_path_factory.mktemp("by-trials") / "run")


def test_the_delta_rule_is_found_with_a_learning_rate_of_its_own(run: Run) -> None:
    rules = [TASK.parse(row["rule"]) for row in run.to_json()["front"]]
    assert any(is_delta(each) for each in rules)
    assert all(each.only().eta is not None for each in rules)
    # Each structure counts once, however many rates were tried.
    assert run.evaluations == run.distinct


def test_a_published_rule_does_not_win_by_its_learning_rate(run: Run) -> None:
    """The paper's winner is the delta rule times two; with fitted rates both learn as fast."""
    found = {row["label"]: row for row in run.to_json()["references"]}["e2l-error-3"]
    front = [(TASK.parse(row["rule"]), row["held_out_loss"]) for row in run.to_json()["front"]]
    (ours,) = (loss for rules, loss in front if is_delta(rules))
    assert found["held_out_loss"] == pytest.approx(ours, rel=0.05)


def test_a_search_that_was_stopped_goes_on_to_the_same_bytes(run: Run, tmp_path: Path) -> None:
    def stop(problem: Problem) -> None:
        if problem.progress.generation == 1:
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    assert searched(folder, watch=stop).status == "interrupted"
    assert rulesearch.resume(folder).status == "done"
    assert (folder / "front.csv").read_bytes() == (run.folder / "front.csv").read_bytes()


def test_rules_that_are_told_other_targets_find_nothing(tmp_path: Path) -> None:
    settings = {"experiments": 8, "seconds": 6, "swapped": 1}
    control = rulesearch.discover(
        "error-driven", settings=settings, budget=60, seed=41, report=False, workers=1, out=tmp_path / "run"
    )
    losses = [row["held_out_loss"] for row in control.to_json()["front"] if row["held_out_loss"] is not None]
    known = rulesearch.evaluate("(v_target - v)*psp", task="error-driven", settings=QUICK, seeds=3)
    assert min(losses) > 5.0 * known.loss
