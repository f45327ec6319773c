"""Fixed weights of a familiarity layer by gradient descent, for each form of a rule its own.

As in Tyulmankov, Yang & Abbott 2022 (doi 10.1016/j.neuron.2021.11.009) all numbers are trained together through every
presentation, on the cross-entropy of the answers: W_1, b_1, w_2, b_2, and the learning rate and named constants of
the rule. W_1 begins with random weights of variance 1/d, as there; b_1, w_2 and b_2 begin at 0, so that nothing says
whether what is familiar excites less or more. Where the paper takes a million steps, one sequence each, thousands of
several sequences each are enough here, with steps that begin larger and fall to 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.rules.bound import BoundSet
from rulesearch.simulate.rate.network import Connection, Layer, RateNetwork
from rulesearch.simulate.rate.network_gradient import answer_gradient
from rulesearch.simulate.rate.network_simulation import RateSimulation
from rulesearch.tasks.familiarity_layer import RULE, Fixed, Synapses, network, sequence, stimuli_of

Array = npt.NDArray[np.float64]

SEQUENCES_PER_STEP = 16
_TRAINING = 311
"""What the seeds of training sequences are drawn with."""
_RATES = {"weights": 0.05, "bias": 0.05, "gain": 0.1, "offset": 0.1, "constants": 0.01, "eta": 0.01}
"""Step of each number at the start, of constants and learning rate relative to their size; they fall to 0 linearly."""
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8


def trained(
    rules: BoundSet, units: int, components: int, interval: int, steps: int, seed: int
) -> tuple[BoundSet, Fixed] | None:
    """Return rules and fixed numbers after gradient descent from random weights, None where it comes to no number.

    **Arguments:** `steps` of Adam (Kingma & Ba 2015), each on `SEQUENCES_PER_STEP` sequences of max(200, 20 R) stimuli.
    **Raises:** `MissingPartError` without JAX.
    """
    rule = rules.only()
    names, sizes = list(rule.constants), np.array(list(rule.constant_values().values()))
    generator = np.random.default_rng(np.random.SeedSequence([seed, _TRAINING]))
    at: dict[str, Array] = {
        "weights": generator.normal(size=(units, components)) / np.sqrt(components),
        **{name: np.array(0.0) for name in ("bias", "gain", "offset")},
        "constants": np.ones(len(names)),
        "eta": np.array(1.0),
    }
    first, second = ({name: np.zeros_like(each) for name, each in at.items()} for _ in range(2))

    def now() -> tuple[BoundSet, Fixed]:
        constants = dict(zip(names, (sizes * at["constants"]).tolist(), strict=True))
        eta = (1.0 if rule.eta is None else rule.eta) * float(at["eta"])
        changed = replace(rule.with_constants(constants), eta=eta)
        numbers = (float(at[name]) for name in ("bias", "gain", "offset"))
        return BoundSet.of(rules, {RULE: changed}), Fixed(at["weights"], *numbers)

    for step in range(1, steps + 1):
        slopes = _slopes(*now(), interval, generator)
        slopes["constants"] = slopes["constants"] * sizes
        slopes["eta"] = slopes["eta"] * (1.0 if rule.eta is None else rule.eta)
        if not all(np.all(np.isfinite(each)) for each in slopes.values()):
            return None
        for name, slope in slopes.items():
            first[name] = _FIRST * first[name] + (1.0 - _FIRST) * slope
            second[name] = _SECOND * second[name] + (1.0 - _SECOND) * slope**2
            mean, square = first[name] / (1.0 - _FIRST**step), second[name] / (1.0 - _SECOND**step)
            rate = _RATES[name] * (1.0 - (step - 1) / steps)
            at[name] = at[name] - rate * mean / (np.sqrt(square) + _TINY)
    return now()


def _slopes(rules: BoundSet, fixed: Fixed, interval: int, generator: np.random.Generator) -> dict[str, Array]:
    """Return the derivatives of the cross-entropy on new sequences, by what is trained."""
    components = fixed.weights.shape[1]
    drawn = [sequence(components, interval, stimuli_of(interval), generator) for _ in range(SEQUENCES_PER_STEP)]
    stimuli, familiar = (np.stack(each, axis=1) for each in zip(*drawn, strict=True))
    hidden = network(fixed.weights, fixed.bias, Synapses())
    answering = RateNetwork(
        hidden.inputs,
        [*hidden.layers, Layer("answer", 1, "linear", fixed.offset)],
        [*hidden.connections, Connection("readout", "hidden", "answer", weight=fixed.gain)],
    )
    shown = {"stimulus": stimuli, "excess": np.zeros((len(stimuli), 1, 1))}
    found = answer_gradient(RateSimulation(answering, shown), rules, _cross_entropy, (familiar.astype(np.float64),))[1]
    return {
        "weights": found.weights["fixed"].sum(axis=0),
        "bias": found.biases["hidden"].sum(),
        "gain": found.weights["readout"].sum(),
        "offset": found.biases["answer"].sum(),
        "constants": found.constants["kept"],
        "eta": found.etas["kept"],
    }


def _cross_entropy(xp: Any, outputs: Mapping[str, Any], data: Any) -> Any:
    """Return the mean cross-entropy of answers and whether stimuli are familiar."""
    odds = outputs["answer"][:, :, 0]
    return xp.mean(xp.logaddexp(0.0, odds) - data[0] * odds)
