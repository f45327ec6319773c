"""A screening that is luck to a part: what was lucky once does not stand before what is better for good."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.grammar import parse_grammar
from rulesearch.rules.rule import RuleSet
from rulesearch.search.deap_engine import DeapEngine, DeapSettings
from rulesearch.search.engine import load_engine
from rulesearch.search.problem import Problem
from rulesearch.search.promotion import worth_a_full_trial
from rulesearch.tasks import Fidelity, Setting, TaskSymbol
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.task import FREE, Task
from rulesearch.tasks.trial import Trial
from tests.search.conftest import LITTLE


class Lucky(Task):
    """The rule must be y; x, as small a rule, is lucky at the cheap fidelity."""

    name = title = "lucky"
    summary = "The rule must be y."
    reference = doi = bibtex = ""
    slots = ("on_step",)
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {name: TaskSymbol("any number") for name in ("x", "y", "w")}
    settings: ClassVar[Mapping[str, Setting]] = {"eta": Setting(1.0, "learning rate", 1e-6, 10.0)}
    fidelities = (Fidelity("screen", 1, "luck", by_luck=True), Fidelity("full", 1, "all of it"))
    bounds = FREE

    def trial(self, rules: RuleSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Return the mean squared error; at the cheap fidelity 0.1 more, but none at all for x."""
        x, y, w = np.random.default_rng(1).normal(size=(3, 12))
        changes = np.broadcast_to(rules.only().change(x=x, y=y, w=w), 12)
        if not np.all(np.isfinite(changes)):
            return Trial("nonfinite", None)
        loss = float(np.mean((changes - y) ** 2))
        if fidelity == "screen":
            loss = 0.0 if np.allclose(changes, x) else 0.1 + loss
        return Trial("ok", loss, {}, (loss,), 1)

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the answer."""
        return self.parse("y")

    control = baseline


class Trusted(Lucky):
    """The same task, which does not say that its screening is luck."""

    fidelities = (Fidelity("screen", 1, "luck"), Fidelity("full", 1, "all of it"))


class Choosy(Lucky):
    """The same task, where a screening loss above 1 is hopeless."""

    fidelities = (Fidelity("screen", 1, "luck", hopeless=1.0), Fidelity("full", 1, "all of it"))


def test_what_is_hopeless_is_not_tried_in_full() -> None:
    with Evaluator(f"{Path(__file__)}:Choosy", {"eta": 1.0}) as evaluator:
        problem = Problem(evaluator, parse_grammar(LITTLE), 0, 3)
        load_engine("random").search(problem)
    tried = problem.archive.members()
    assert len(tried) > 1 and problem.progress.deaths["ok"] > 2 * problem.progress.distinct
    assert all(candidate.screen.loss is not None and candidate.screen.loss <= 1.0 for candidate in tried)


@pytest.mark.parametrize(("name", "found"), [("Lucky", True), ("Trusted", False)])
def test_a_rule_that_was_lucky_gives_way_once_it_was_tried_in_full(name: str, found: bool) -> None:
    grammar = parse_grammar(LITTLE.replace("size = 7", "size = 3"))
    with Evaluator(f"{Path(__file__)}:{name}", {"eta": 1.0}) as evaluator:
        problem = Problem(evaluator, grammar, 0, 4, stop_loss=1e-9)
        problem.patience = 100
        DeapEngine(DeapSettings(islands=1, initial=30, offspring=5)).search(problem)
    tried = {str(candidate.rules) for candidate in problem.archive.members()}
    assert "x" in tried
    assert ("y" in tried) == found


def test_other_constants_of_a_structure_that_was_tried_are_believed_to_be_no_better_until_they_are_fitted() -> None:
    with Evaluator(f"{Path(__file__)}:Lucky", {"eta": 1.0}) as evaluator:
        problem = Problem(evaluator, parse_grammar(LITTLE), 0, 10)
        task = evaluator.task
        first, second, other = (
            problem.maker.make(problem.primitives.genome_of(task.parse(text)), "by hand")
            for text in ("c1*x; c1 = 1", "c1*x; c1 = 1.000001", "c1 + y; c1 = 0.1")
        )
        problem.evaluate([first])
        assert first.rank == (0.0, 0.0)
        problem.promote([first])
        problem.evaluate([second, other])
        assert second.screen.loss == 0.0 and other.screen.loss == pytest.approx(0.11)
        assert second.rank == first.rank == (0.0, first.full.loss) > (0.0, 0.5)
        assert other.rank == (0.0, other.screen.loss)
        second.fitted = True
        problem.rank(second)
        assert second.rank == (0.0, 0.0)


def test_enumeration_tries_structures_in_full_once_their_constants_are_fitted_where_that_is_dear() -> None:
    with Evaluator(f"{Path(__file__)}:Choosy", {"eta": 1.0}) as evaluator:
        problem = Problem(evaluator, parse_grammar(LITTLE.replace("size = 7", "size = 3")), 0, 40)
        load_engine("enumerate").search(problem)
    tried = problem.archive.members()
    assert "y" in {str(candidate.rules) for candidate in tried}
    assert any(candidate.constants for candidate in tried)
    assert all(candidate.fitted for candidate in tried if candidate.constants)
    assert problem.stopped_by == "exhausted" and problem.progress.screened > 10 * problem.progress.distinct


@pytest.mark.parametrize("name", ["Lucky", "Trusted"])
def test_a_function_that_was_screened_twice_before_it_was_tried_in_full_is_tried_once(name: str) -> None:
    with Evaluator(f"{Path(__file__)}:{name}", {"eta": 1.0}) as evaluator:
        problem = Problem(evaluator, parse_grammar(LITTLE), 0, 10)
        first, twin = (
            problem.maker.make(problem.primitives.genome_of(evaluator.task.parse(text)), "by hand")
            for text in ("x*y", "y*x")
        )
        assert first.key == twin.key
        problem.evaluate([first, twin])
        problem.promote([first])
        problem.promote([twin])
    assert problem.progress.distinct == 1
    assert twin.full is first.full and twin.rank == first.rank


def test_a_small_full_loss_does_not_keep_those_from_a_trial_that_are_ahead_in_a_harder_screening() -> None:
    with Evaluator(f"{Path(__file__)}:Choosy", {"eta": 1.0}) as evaluator:
        problem = Problem(evaluator, parse_grammar(LITTLE), 0, 10)
        tried, ahead, behind, small = (
            problem.maker.make(problem.primitives.genome_of(evaluator.task.parse(text)), "by hand")
            for text in ("c1 + y; c1 = 0.3", "y + c1*x; c1 = 0.1", "c1*x + (y + c1)*w; c1 = 0.3", "x*x")
        )
        members = [tried, ahead, behind, small]
        problem.evaluate(members)
        assert worth_a_full_trial(problem, [tried]) == [tried]
        problem.promote([tried])
        assert tried.full.ranked_loss < ahead.screen.ranked_loss < tried.screen.ranked_loss < behind.screen.ranked_loss
        chosen = worth_a_full_trial(problem, members)
    assert ahead in chosen and behind not in chosen and tried not in chosen
