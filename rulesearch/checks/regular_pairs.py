"""One synapse under pairs of spikes that are repeated, as in experiments on spike timing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rulesearch.checks.simulations import Measures
from rulesearch.rules import RuleSet
from rulesearch.simulate.synapse.respond import respond


def regular_pairs(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Repeat a pair of spikes.

    **Settings:** `gap` [ms] from the presynaptic to the postsynaptic spike; `delay` [ms] after which a presynaptic
    spike acts, for rules that have one and cannot say it (default 0); `pairs`, at a `rate` [Hz]; `w0`.
    **Returns:** `weight` after the last of them.
    """
    pre, post = 1e-3 * settings.get("delay", 0.0), 1e-3 * settings["gap"]
    first = min(pre, post)
    every = 1.0 / settings["rate"]
    found = respond(rules.only(), [pre - first], [post - first], int(settings["pairs"]), every, settings["w0"])
    return {"weight": found.weight} if found.status == "ok" else {}
