"""Layers of linear rate neurons, many data sets at a time, as checks of rate rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.checks.simulations import Measures
from rulesearch.rules import Lowpass, Rule, RuleSet, known_rule

Array = npt.NDArray[np.float64]

_LAYERS = 16
"""Independent layers, each with input of its own, that a measure is the median of."""
_LIMIT = 1e6


class Plasticity:
    """A rule at all synapses of several layers, with low-passes of its own.

    **Arguments:** `eta`: learning rate of a rule that gives none.
    """

    def __init__(self, rule: Rule, eta: float) -> None:
        self.rule = rule
        self.eta = eta if rule.eta is None else rule.eta
        self.lowpasses: dict[str, Array] = {}

    def change(self, **values: Array) -> Array:
        """Return the weight changes of one presentation, in the shape that the values broadcast to."""
        rule = self.rule
        known: dict[str, Any] = {**rule.constant_values(), **values}
        for name, state in rule.states.items():
            if isinstance(state, Lowpass):
                target = np.asarray(state.expression.evaluate(known), dtype=np.float64)
                level = self.lowpasses.get(name, np.zeros(target.shape))
                known[name] = level
                self.lowpasses[name] = level + (target - level) / state.tau
        return self.eta * np.asarray(rule.slots["on_step"].evaluate(known), dtype=np.float64)


def presentations(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Show a synapse the same values several times, and let its weight follow.

    **Settings:** `values` of what the rule reads; `w0` (default 0); `steps` (default 1); `eta` of a rule that gives
    none (default 1).
    **Returns:** `change` of the weight.
    """
    values = {name: np.array(float(value)) for name, value in settings["values"].items()}
    start = float(settings.get("w0", 0.0))
    plasticity, weight = Plasticity(rules.only(), settings.get("eta", 1.0)), np.array(start)
    for _ in range(int(settings.get("steps", 1))):
        weight = weight + plasticity.change(**values, w=weight)
    return {"change": float(weight) - start} if np.isfinite(weight) else {}


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
    weights = generator.normal(size=(_LAYERS, neurons, deviation.size)) / np.sqrt(deviation.size)
    plasticity = Plasticity(rules.only(), settings["eta"])
    half = np.ones(_LAYERS)
    for step in range(steps):
        x = mean + deviation * generator.normal(size=(_LAYERS, 1, deviation.size))
        y = np.einsum("lij,lkj->li", weights, x)[:, :, None]
        recon = np.cumsum(y * weights, axis=1)
        weights = weights + plasticity.change(x=x, y=y, w=weights, recon=recon)
        if settings.get("normalised"):
            weights /= np.linalg.norm(weights, axis=2, keepdims=True)
        if step % 100 == 0 and not np.all(np.abs(weights) < _LIMIT):
            return {}
        if step == steps // 2:
            half = np.linalg.norm(weights[:, 0], axis=1)
    if not np.all(np.isfinite(weights)):
        return {}
    lengths = np.linalg.norm(weights, axis=2)
    growth = float(np.median(np.log(lengths[:, 0] / half)) / ((steps - 1 - steps // 2) * plasticity.eta))
    return {"growth": growth, **_alignment(weights)}


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
    weights = generator.normal(size=(_LAYERS, neurons, deviation.size)) / np.sqrt(deviation.size)
    lateral = np.zeros((_LAYERS, neurons, neurons))
    below = np.tril(np.ones((neurons, neurons)), -1)
    of_inputs = rules.rules.get("feedforward") or known_rule("oja").rules.only()
    forward = Plasticity(of_inputs, settings["eta"])
    sideways = Plasticity(rules.rules.get("lateral") or rules.only(), settings["lateral_eta"])
    outputs = []
    for step in range(steps):
        x = deviation * generator.normal(size=(_LAYERS, 1, deviation.size))
        y = np.einsum("lij,lkj->li", weights, x)
        for i in range(1, neurons):
            y[:, i] += np.einsum("lj,lj->l", lateral[:, i, :i], y[:, :i])
        column, row = y[:, :, None], y[:, None, :]
        weights = weights + forward.change(x=x, y=column, w=weights)
        lateral = lateral + below * sideways.change(x=row, y=column, w=lateral)
        if step % 100 == 0 and not (np.all(np.abs(weights) < _LIMIT) and np.all(np.abs(lateral) < _LIMIT)):
            return {}
        if step >= 0.75 * steps:
            outputs.append(y)
    rows = np.array(outputs)
    largest = [np.max(np.abs(np.corrcoef(rows[:, layer].T) - np.eye(neurons))) for layer in range(_LAYERS)]
    return {"output_correlation": float(np.median(largest)), **_alignment(weights)}


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
    weights = generator.uniform(0.1, 0.5, size=(_LAYERS, number))
    plasticity = Plasticity(rules.only(), settings["eta"])
    patterns = np.eye(number)
    total, counted = np.zeros(weights.shape), 0
    for step in range(steps):
        x = patterns[generator.integers(number, size=_LAYERS)]
        y = np.sum(weights * x, axis=1, keepdims=True)
        weights = weights + plasticity.change(x=x, y=y, w=weights)
        if step % 100 == 0 and not np.all(np.abs(weights) < _LIMIT):
            return {}
        if step >= 0.75 * steps:
            total += weights
            counted += 1
    responses = np.sort(total / counted, axis=1)
    if not np.all(np.isfinite(responses)):
        return {}
    return {
        "largest_response": float(np.median(responses[:, -1])),
        "second_response": float(np.median(np.abs(responses[:, -2]))),
    }
