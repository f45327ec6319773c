"""Synapses under independent Poisson spikes, or under a clamped potential, as checks of spike rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.checks.simulations import Measures
from rulesearch.rules import Rule, RuleSet
from rulesearch.simulate.synapse.events import Protocols, run_protocols
from rulesearch.simulate.synapse.respond import respond
from rulesearch.simulate.synapse.synapse import Voltage, with_customary_traces

_FOLLOWED = 0.1
"""How long a clamped synapse is followed after the last spikes [s]."""
_RATE = 10.0
_SYNAPSES = 200
_FREE = (-math.inf, math.inf)


def _spikes(rate: float, seconds: float, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    return np.sort(generator.uniform(0.0, seconds, generator.poisson(rate * seconds)))


def _protocols(pre: float, post: float, seconds: float, count: int, generator: np.random.Generator) -> Protocols:
    return Protocols.of(
        [(_spikes(pre, seconds, generator), _spikes(post, seconds, generator)) for _ in range(count)]  # type: ignore[misc]
    )


def _final_weights(rule: Rule, protocols: Protocols, start: float, bounds: tuple[float, float]) -> Any:
    return run_protocols(rule, protocols, start, 1.0 if rule.eta is None else rule.eta, bounds)


def equilibrium(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Let 200 synapses with independent Poisson spikes of 10 Hz on both sides settle.

    **Settings:** `w0`; `seconds`.
    **Returns:** `mean_weight` at the end and its standard deviation `sd_weight`.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, 201]))
    rule = with_customary_traces(rules.only())
    protocols = _protocols(_RATE, _RATE, settings["seconds"], _SYNAPSES, generator)
    weights = _final_weights(rule, protocols, settings["w0"], rule.bounds or _FREE)
    if not np.all(np.isfinite(weights)):
        return {}
    return {"mean_weight": float(weights.mean()), "sd_weight": float(weights.std())}


def mean_drift(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Measure how fast independent Poisson spikes move a weight without bounds.

    **Settings:** `pre_rate` and `post_rate` [Hz]; `seconds` of each of `protocols` (default 200).
    **Returns:** `drift_per_rates_1e6`: change per second over both rates, in 1e-6; `relative_drift`: the change over
    that at twice the postsynaptic rate.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, 202]))
    rule = replace(with_customary_traces(rules.only()), bounds=None)
    pre, post, seconds = settings["pre_rate"], settings["post_rate"], settings["seconds"]
    count = int(settings.get("protocols", _SYNAPSES))
    drift = []
    for rate in (post, 2.0 * post):
        protocols = _protocols(pre, rate, seconds, count, generator)
        drift.append(float(np.mean(_final_weights(rule, protocols, 0.0, _FREE))) / seconds)
    if not all(map(math.isfinite, drift)):
        return {}
    return {"drift_per_rates_1e6": 1e6 * drift[0] / (pre * post), "relative_drift": drift[0] / drift[1]}


def voltage_clamp(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Send Poisson spikes to a synapse onto a neuron whose potential is clamped, at one potential after the other.

    **Settings:** `low` to `high` [mV] in so many `steps`; presynaptic `rate` [Hz] for `seconds` each.
    **Returns:** `depression_from_mV` and `potentiation_from_mV`: the lowest potentials at which the weight falls, and
    at which it grows.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, 203]))
    rule = with_customary_traces(rules.only())
    found: dict[str, float] = {}
    for potential in np.linspace(settings["low"], settings["high"], int(settings["steps"])):
        pre = _spikes(settings["rate"], settings["seconds"], generator)
        clamp = Voltage(np.array([0.0]), np.array([potential]))
        end = settings["seconds"] + _FOLLOWED
        change = respond(rule, list(pre), [], every=end, weight=0.5, voltage=clamp).delta_w
        if change < 0.0:
            found.setdefault("depression_from_mV", float(potential))
        if change > 0.0:
            found.setdefault("potentiation_from_mV", float(potential))
    return found
