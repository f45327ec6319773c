"""A stress test within a time: conditions that would take longer than what is left are named, and left out."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Condition as Changed
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.conditions import Condition
from rulesearch.tasks.declaration import Settings
from rulesearch.workflow.scorer import Scorer
from rulesearch.workflow.stress import StressTest, stressed


def stress_within(
    rules: RuleSet, scorer: Scorer, settings: Settings, seeds: int, on: str, seconds: float
) -> StressTest | None:
    """Return what conditions made of a rule on so many report seeds; None where the task fails even as it is.

    The clock decides which conditions are tried, never what is found under one.

    **Arguments:** `on`: what losses are over, in words; `seconds` that the conditions may take.
    """
    task = scorer.task
    ours = task.spelled_out(rules, settings)
    known = task.spelled_out(task.known_beside(rules.held, settings), settings)
    different = 1 if str(ours) == str(known) else 2
    trial, end = 0.0, time.monotonic() + seconds

    def score(each: Sequence[RuleSet], changed: Changed) -> list[Outcome]:
        scorer.clock.check()
        found = [one for one in scorer.score_those_that_run(each, "report", seeds, [changed]) if one is not None]
        if len(found) < len(each):
            raise RulesearchError("the task fails under it")
        return found

    def left_out(condition: Condition) -> str:
        needed = different * seeds * condition.cost * trial
        if needed <= end - time.monotonic():
            return ""
        return f"left out here for its time: rulesearch stress RULE --task {task.name} --only '{condition.kind}'"

    try:
        begun = time.monotonic()
        task.trial(
            task.bind(ours, settings), trial_seeds(scorer.run_seed, "report", 1)[0], settings, task.fidelities[-1].name
        )
        trial = time.monotonic() - begun
        rows = tuple(stressed(rules, task, settings, score, left_out=left_out))
    except RulesearchError:
        return None
    return StressTest(task.name, str(ours), task.known_rule, on, rows)
