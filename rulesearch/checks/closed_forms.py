"""One synapse under a few spikes, against what the equations of a paper give for them in closed form.

A closed form is written from the paper's equations and takes the paper's constants from the check, so that nothing of
it comes from the rule that is checked: traces are sums over spikes there, drifts are integrals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rulesearch.checks.calcium_synapses import calcium
from rulesearch.checks.cases import Case
from rulesearch.checks.codependent_synapses import excitatory, inhibitory
from rulesearch.checks.consolidating_synapses import orchestrated
from rulesearch.checks.moving_synapses import MOVING
from rulesearch.checks.plateau_synapses import plateaus
from rulesearch.checks.simulations import Measures
from rulesearch.checks.spike_sums import SPIKE_SUMS
from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.rules import Rule, RuleSet
from rulesearch.simulate.synapse.synapse import Synapse, with_customary_traces

_MODELS = {
    **SPIKE_SUMS,
    **MOVING,
    "calcium": calcium,
    "orchestrated": orchestrated,
    "plateaus": plateaus,
    "codependent-excitatory": excitatory,
    "codependent-inhibitory": inhibitory,
}


def closed_form(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Let a synapse respond to the cases of a closed form.

    **Settings:** `model`: one of `_MODELS`, and its constants; `member`: which rule of a set; `eta` of a rule
    without one (default 1).
    **Returns:** `deviation`: the largest of the cases, each over the change that the closed form gives (where that is
    0: over the largest of all).
    """
    rule = rules.rules[settings["member"]] if "member" in settings else rules.only()
    rule = with_customary_traces(replace(rule, eta=settings.get("eta", 1.0) if rule.eta is None else rule.eta))
    name = settings["model"]
    if name not in _MODELS:
        raise RulesearchError(f"unknown closed form {name!r}{did_you_mean(name, _MODELS)}")
    cases = list(_MODELS[name](settings))
    found = np.array([_change(rule, case) for case in cases])
    wanted = np.array([case.change for case in cases])
    scale = np.where(wanted == 0.0, np.max(np.abs(wanted)), np.abs(wanted))
    deviation = float(np.max(np.abs(found - wanted) / scale))
    return {"deviation": deviation} if np.isfinite(deviation) else {}


def _change(rule: Rule, case: Case) -> float:
    synapse = Synapse.resting(rule, case.weight, case.held, case.voltage)
    events = sorted([(time, "pre") for time in case.pre] + [(time, "post") for time in case.post])
    for time, side in events:
        synapse.wait(time - synapse.now)
        synapse.spike(side)
    synapse.wait(case.seconds - synapse.now)
    return synapse.weight - case.weight + float(rule.change("on_step", **synapse.values()))
