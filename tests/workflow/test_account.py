"""What became of the rules of a search: counted, and the best one followed to the front or to what beats it."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules import parse_rules
from rulesearch.tasks import load_task
from rulesearch.workflow import choose
from rulesearch.workflow.account import Account, account
from rulesearch.workflow.clean_up import CleanUp
from rulesearch.workflow.confirm import Confirmation
from rulesearch.workflow.discover import discover
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.run import Run


def test_the_clean_up_is_counted(reference: Run) -> None:
    assert reference.clean_up is not None
    told = Account(**reference.clean_up)
    assert told.front == len(reference.members)
    assert told.cleaned >= told.front + told.merged + told.died
    assert 0 < told.shortened <= told.cleaned
    assert f"{told.cleaned} rules of the search cleaned up: {told.shortened} became shorter" in told.sentence()
    assert reference.to_json()["clean_up"] == reference.clean_up


def test_rules_that_there_was_no_time_for_are_not_said_to_be_cleaned_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "_CLEANING", 0.0)
    settings = {"data_sets": 2, "points": 300}
    experiment = Experiment("short", "oja", "rate", seed=1, budget=40, settings=settings, time_limit=120.0)
    run = discover(experiment, out=tmp_path / "run")
    assert run.clean_up is not None and "left out for want of time: the clean-up of " in run.conclusion
    told = Account(**run.clean_up)
    assert told.sentence().startswith(f"{told.cleaned} rules of the search, only simplified: ")
    assert (
        replace(told, simplified=1)
        .sentence()
        .startswith(f"{told.cleaned} rules of the search, {told.cleaned - 1} cleaned up, the others only simplified: ")
    )


def test_what_was_held_out_but_not_scored_is_said_to_be_that() -> None:
    task: Any = SimpleNamespace(known_rule="product", known_title="", squares=False)
    member: Any = SimpleNamespace(metrics={}, loss=0.1)
    known: Any = SimpleNamespace(label="product", metrics={})
    outcome = Outcome("ok", 0.1)
    for held_out_on, sentence in (
        ("12 held-out rows", "it was not scored on 12 held-out rows"),
        ("", "nothing was held out"),
    ):
        assert Confirmation.of(member, [known], outcome, task, "", held_out_on) == Confirmation(sentence)


def test_the_best_of_the_search_is_named_with_its_loss_and_what_it_became(reference: Run) -> None:
    assert reference.clean_up is not None
    with sqlite3.connect(reference.folder / "run.sqlite") as connection:
        (least,) = connection.execute(
            "SELECT MIN(loss) FROM evaluation WHERE phase = 'search' AND fidelity LIKE 'full%'"
        ).fetchone()
    best = reference.clean_up["best"]
    assert f"had loss {least:.3g} on " in best
    losses = {member.rank: member for member in reference.members}
    rank = int(re.search(r"rank (\d+)", best)[1])  # type: ignore[index]
    loss = float(re.search(r"loss (\S+) on 20 selection seeds", best)[1])  # type: ignore[index]
    assert losses[rank].loss <= loss * 1.01


def cleaned(text: str, loss: float | None, status: str = "ok") -> CleanUp:
    rules = parse_rules(text)
    return CleanUp(rules, 15, rules.size, Outcome(status, loss), loss, loss, ())


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (cleaned("y*(x - w*y)", 0.4), "cleaned up it is y*(x - w*y) (size 7): rank 1, loss 0.4 on 20 selection seeds"),
        (
            cleaned("y*(x - w*y) + w - x*x", 0.45),
            "(size 13): loss 0.45 on 20 selection seeds, where rank 1 is no longer and does as well",
        ),
        (cleaned("x*y", None, "runaway"), "cleaned up it ends as runaway on 20 selection seeds"),
    ],
    ids=["on the front", "beaten", "dies"],
)
def test_where_the_best_went(item: CleanUp, expected: str) -> None:
    task = load_task("oja")
    best: Any = SimpleNamespace(
        key="best", rules=parse_rules("y*x - w*y*y + x - x"), size=15, full=Outcome("ok", 0.000315)
    )
    front = [cleaned("y*(x - w*y)", 0.4), cleaned("x - w", 0.9)]
    told = account({"best": item, "other": front[0]}, front, best, task, task.resolve({}))
    assert told.best.startswith("y*x - w*y*y + x - x (size 15) had loss 0.000315 on 1 search seed; ")
    assert told.best.endswith(expected)
    assert (told.cleaned, told.front) == (2, 2)
    assert told.merged == (item.rules == front[0].rules) and told.died == (not item.outcome.ok)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("w", "w (size 1) had loss 0.4 on 1 search seed; it is rank 1"), ("x", "was cleaned up in its place")],
)
def test_of_rules_that_do_as_well_another_may_be_cleaned_up(text: str, expected: str) -> None:
    task = load_task("oja")
    best: Any = SimpleNamespace(key="best", rules=parse_rules(text), size=1, full=Outcome("ok", 0.4))
    other = cleaned("w; eta = 0.01", 0.4)
    assert account({"other": other}, [other], best, task, task.resolve({})).best.endswith(expected)
