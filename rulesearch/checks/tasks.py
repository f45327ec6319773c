"""A task of this package as a check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rulesearch.checks.simulations import Measures
from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.rules import RuleSet
from rulesearch.tasks.registry import load_task


def on_task(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Return the metrics of a task, and its `loss`, as means over trials.

    **Settings:** `task`: its name; `seeds`: how many (default 1); all others are those of the task.
    """
    task = load_task(settings["task"])
    count = int(settings.get("seeds", 1))
    own = {key: value for key, value in settings.items() if key not in ("task", "seeds")}
    outcome = evaluate_rules(task, rules, range(seed, seed + count), task.resolve(own))
    return {**outcome.metrics, "loss": outcome.loss} if outcome.ok and outcome.loss is not None else {}
