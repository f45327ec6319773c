"""Outcomes: several seeds joined into one, ordered by requirements and loss."""

from __future__ import annotations

import math

import pytest

from rulesearch.evaluation.outcome import Outcome
from rulesearch.tasks.declaration import Requirement
from rulesearch.tasks.trial import Trial

FIRST = Trial("ok", 0.2, {"angle": 1.0, "rate": 4.0}, (0.1, 0.3), 100)
SECOND = Trial("ok", 0.4, {"angle": 3.0}, (0.3, 0.5), 200)
DEAD = Trial("runaway", None, {"angle": 9.0}, (), 50, 0.25)


def test_trials_that_ran_are_averaged() -> None:
    found = Outcome.of((7, 8), (FIRST, SECOND))
    assert (found.status, found.ok) == ("ok", True)
    assert found.loss == pytest.approx(0.3)
    assert found.metrics == {"angle": 2.0, "rate": 4.0}
    assert found.cases == (0.1, 0.3, 0.3, 0.5)
    assert (found.work, found.died_at) == (300, 1.0)
    assert found.seeds == (7, 8)
    assert found.trials == (FIRST, SECOND)


def test_one_trial_that_failed_fails_the_whole() -> None:
    found = Outcome.of((7, 8, 9), (FIRST, DEAD))
    assert (found.status, found.ok, found.loss, found.cases) == ("runaway", False, None, ())
    assert found.metrics == {"angle": 5.0, "rate": 4.0}
    assert (found.work, found.died_at) == (150, 0.25)
    assert found.seeds == (7, 8)


def test_the_first_failure_names_the_status() -> None:
    silent = Trial("silent", None)
    assert Outcome.of((1, 2), (silent, DEAD)).status == "silent"
    assert Outcome.of((1, 2), (DEAD, silent)).status == "runaway"


def test_outcomes_are_ordered_by_what_they_lack_then_by_loss() -> None:
    requirements = (Requirement("tuning", 0.9),)

    def outcome(loss: float | None, **metrics: float) -> Outcome:
        return Outcome("ok" if loss is not None else "silent", loss, metrics)

    ordered = [
        outcome(0.1, tuning=0.95),
        outcome(0.3, tuning=0.9),
        outcome(0.2, tuning=0.5),
        outcome(0.1, tuning=0.1),
    ]
    keys = [item.rank_key(requirements) for item in ordered]
    assert keys == sorted(keys)
    assert keys[2] == pytest.approx((0.4, 0.2))
    assert [item.ranked_loss for item in (*ordered, outcome(None))] == [0.1, 0.3, 0.2, 0.1, math.inf]
    assert outcome(0.1).rank_key(requirements) == (math.inf, 0.1)
    assert outcome(0.1, tuning=math.nan).shortfall(requirements) == math.inf
    assert outcome(None).rank_key(requirements) == outcome(math.nan).rank_key(()) == (math.inf, math.inf)
