"""Layers of linear rate neurons, many data sets at a time, as checks of rate rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.checks.simulations import Measures
from rulesearch.rules import Rule, RuleSet, known_rule
from rulesearch.simulate import Connection, Layer, RateNetwork, RateSimulation, Signal

Array = npt.NDArray[np.float64]

_LAYERS = 16
"""Independent layers, each with input of its own, that a measure is the median of."""
_LIMIT = 1e6
"""Length of a weight vector from which on a simulation has ended."""


def _at_rate(rule: Rule, eta: float) -> Rule:
    """Return a rule with its learning rate, or this one where it gives none."""
    return rule if rule.eta is not None else replace(rule, eta=eta)


def presentations(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Show a synapse the same values several times, and let its weight follow.

    **Settings:** `values` of what the rule reads; `w0` (default 0); `steps` (default 1); `eta` of a rule that gives
    none (default 1).
    **Returns:** `change` of the weight.
    """
    values, steps = dict(settings["values"]), int(settings.get("steps", 1))
    start = float(settings.get("w0", 0.0))
    x, y = (np.full((steps, 1, 1), float(values.pop(name, 0.0))) for name in ("x", "y"))
    rule = _at_rate(rules.only(), settings.get("eta", 1.0))
    network = RateNetwork(
        {"input": 1},
        [Layer("output", 1)],
        [Connection("w", "input", "output", weight=start, rule=rule)],
        [Signal(name) for name in values],
    )
    signals = {name: np.full((steps, 1), float(value)) for name, value in values.items()}
    found = RateSimulation(network, {"input": x}, signals, {"output": y}, _LIMIT).run(record_every=steps)
    return {"change": float(found.weights["w"][-1].item()) - start} if found.status == "ok" else {}


def linear_layer(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Let linear neurons y = W x learn from Gaussian input.

    **Settings:** `variances` along the axes, descending; `mean` of the input; `neurons`; `eta`; `steps`; `normalised`:
    keep weight vectors at length 1.
    **Returns:** medians over 16 layers: `cosine_i` between the weights of neuron i and axis i, `norm_i`, and `growth`:
    of the logarithm of the first length per step, over eta, in the second half.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, 101]))
    deviation = np.sqrt(np.array(settings["variances"], dtype=np.float64))
    mean = np.array(settings.get("mean", [0.0] * deviation.size), dtype=np.float64)
    steps, neurons = int(settings["steps"]), int(settings["neurons"])
    start = generator.normal(size=(_LAYERS, neurons, deviation.size)) / np.sqrt(deviation.size)
    rule = _at_rate(rules.only(), settings["eta"])
    normalised = bool(settings.get("normalised"))
    network = RateNetwork(
        {"input": deviation.size},
        [Layer("output", neurons)],
        [Connection("w", "input", "output", weight=start, rule=rule, normalised=normalised)],
    )
    x = mean + deviation * generator.normal(size=(steps, _LAYERS, deviation.size))
    found = RateSimulation(network, {"input": x}, norm_limit=_LIMIT).run(record_every=(steps + 1) // 2)
    if found.status != "ok":
        return {}
    half, last = found.weights["w"]
    lengths = [np.linalg.norm(weights[:, 0], axis=1) for weights in (half, last)]
    between = (found.at[1] - found.at[0]) * (1.0 if rule.eta is None else rule.eta)
    return {"growth": float(np.median(np.log(lengths[1] / lengths[0])) / between), **_alignment(last)}


def lateral_layer(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Let a lateral rule act between neurons that learn their input, by Oja's rule where the rules hold no other.

    The outputs are y_i = w_i x + sum over j < i of l_ij y_j (Rubner & Tavan 1989). Of a set, the rules `feedforward`
    and `lateral` act together.

    **Settings:** `variances`; `neurons`; `eta`; `lateral_eta`; `steps`.
    **Returns:** medians over layers: `output_correlation`, the largest correlation of two outputs over the last
    quarter; `cosine_i` between the weights of neuron i and axis i; `norm_i` of these weights.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, 102]))
    deviation = np.sqrt(np.array(settings["variances"], dtype=np.float64))
    steps, neurons = int(settings["steps"]), int(settings["neurons"])
    start = generator.normal(size=(_LAYERS, neurons, deviation.size)) / np.sqrt(deviation.size)
    forward = _at_rate(rules.rules.get("feedforward") or known_rule("oja").rules.only(), settings["eta"])
    sideways = _at_rate(rules.rules.get("lateral") or rules.only(), settings["lateral_eta"])
    network = RateNetwork(
        {"input": deviation.size},
        [Layer("output", neurons)],
        [
            Connection("feedforward", "input", "output", weight=start, rule=forward),
            Connection("lateral", "output", "output", "lower", rule=sideways),
        ],
    )
    x = deviation * generator.normal(size=(steps, _LAYERS, deviation.size))
    found = RateSimulation(network, {"input": x}, norm_limit=_LIMIT).run(record_from=3 * steps // 4)
    if found.status != "ok":
        return {}
    rows = found.outputs["output"]
    largest = [np.max(np.abs(np.corrcoef(rows[:, layer].T) - np.eye(neurons))) for layer in range(_LAYERS)]
    return {"output_correlation": float(np.median(largest)), **_alignment(found.weights["feedforward"][-1])}


def _alignment(weights: Array) -> dict[str, float]:
    """Return medians over layers of the cosine between the weights of neuron i and axis i, and of their length."""
    found, lengths = {}, np.linalg.norm(weights, axis=2)
    for i in range(weights.shape[1]):
        found[f"cosine_{i + 1}"] = float(np.median(np.abs(weights[:, i, i]) / lengths[:, i]))
        found[f"norm_{i + 1}"] = float(np.median(lengths[:, i]))
    return found


def orthogonal_patterns(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Show a linear neuron equally frequent orthogonal patterns, the unit vectors.

    **Settings:** `patterns`; `eta`; `steps`.
    **Returns:** medians over 16 neurons of the `largest_response` and the size of the `second_response`, each a mean
    over the last quarter.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, 103]))
    number, steps = int(settings["patterns"]), int(settings["steps"])
    start = generator.uniform(0.1, 0.5, size=(_LAYERS, 1, number))
    rule = _at_rate(rules.only(), settings["eta"])
    network = RateNetwork(
        {"input": number}, [Layer("output", 1)], [Connection("w", "input", "output", weight=start, rule=rule)]
    )
    x = np.eye(number)[generator.integers(number, size=(steps, _LAYERS))]
    found = RateSimulation(network, {"input": x}, norm_limit=_LIMIT).run(record_from=3 * steps // 4)
    if found.status != "ok":
        return {}
    responses = np.sort(found.weights["w"][:, :, 0].mean(axis=0), axis=1)
    return {
        "largest_response": float(np.median(responses[:, -1])),
        "second_response": float(np.median(np.abs(responses[:, -2]))),
    }
