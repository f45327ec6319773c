"""One synapse under spikes that are repeated, as in experiments on spike timing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rulesearch.checks.cases import in_seconds
from rulesearch.checks.simulations import Measures
from rulesearch.rules import RuleSet
from rulesearch.simulate.synapse.respond import respond


def repeated_spikes(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Repeat spikes.

    **Settings:** `pre` and `post`: times of spikes [ms]; `delay` [ms] after which a presynaptic spike acts, for rules
    that have one and cannot say it (default 0); `repeats`, `every` so many ms; `w0`; `held`: values of what spikes do
    not determine (default none).
    **Returns:** `weight` after the last of them.
    """
    pre = [time + settings.get("delay", 0.0) for time in settings["pre"]]
    every, repeats = 1e-3 * settings["every"], int(settings["repeats"])
    held = settings.get("held", {})
    found = respond(rules.only(), in_seconds(pre), in_seconds(settings["post"]), repeats, every, settings["w0"], held)
    return {"weight": found.weight} if found.status == "ok" else {}
