"""Tasks of this package as checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rulesearch.checks.simulations import Measures
from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.rules import RuleSet
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.stdp_protocols import StdpTriplets


def on_task(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Return the metrics of a task, and its `loss`, as means over trials.

    **Settings:** `task`: its name; `seeds`: how many (default 1); `constants` that rules have on this task, of those
    that they have (absent: their own); all others are those of the task.
    """
    task = load_task(settings["task"])
    count, constants = int(settings.get("seeds", 1)), settings.get("constants", {})
    own = {key: value for key, value in settings.items() if key not in ("task", "seeds", "constants")}
    given = {
        name: rule.with_constants({key: value for key, value in constants.items() if key in rule.constants})
        for name, rule in rules.rules.items()
    }
    here = replace(rules, rules=given)
    outcome = evaluate_rules(task, here, range(seed, seed + count), task.resolve(own))
    return {**outcome.metrics, "loss": outcome.loss} if outcome.loss is not None else {}


def triplet_order(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Let a synapse respond to the triplets of spikes of Wang et al. 2005 (doi 10.1038/nn1387).

    **Returns:** `order_effect`: mean relative weight change by triplets post-pre-post less that by pre-post-pre.
    """
    task = StdpTriplets()
    values = task.resolve()
    trial = task.trial(task.complete(rules, values), seed, values, "full")
    if trial.status != "ok":
        return {}
    changes = np.array(trial.details["predictions"])
    doubled = np.array([len(item.post) > len(item.pre) for item in task.measured()])
    return {"order_effect": float(changes[doubled].mean() - changes[~doubled].mean())}
