r"""A layer that tells familiar stimuli from novel ones by what its synapses have kept of them.

The network of Tyulmankov, Yang & Abbott 2022 (doi 10.1016/j.neuron.2021.11.009) with the fixed weights of their
idealised solution instead of trained ones: hidden units $h = \sigma((W_1 + A) x + b)$, each with an address of its own
in the first components of the stimulus, so that one unit answers to a stimulus, and A, which starts at 0, follows the
rule once per stimulus. A stimulus is called novel where the summed response is above a threshold. The two numbers of
the readout that the paper trains by gradient descent, b and the threshold, are the best on a sequence of their own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.checks.simulations import Measures
from rulesearch.rules import Rule, RuleSet
from rulesearch.simulate import Connection, Layer, RateNetwork, RateSimulation

Array = npt.NDArray[np.float64]

_SELECTIVITY = 5.0
"""First weights of a unit from each component of its address."""
_EXCESSES = np.linspace(1.0, 4.0, 13)
"""Input of a unit from a novel stimulus of its address."""
_THRESHOLDS = np.linspace(0.1, 0.9, 33)
_TRAINING, _FRESH = 3000, 10000


def familiarity(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Show a layer stimuli half of which repeat the one `interval` steps before, where that was novel.

    **Settings:** `components` of a stimulus, 1 or -1 each; `units`, a power of 2; `interval`; `constants` of the rule
    in this network, of those that it has (absent: its own).
    **Returns:** `accuracy`: the share of correct answers over 10,000 fresh stimuli.
    """
    components, units, interval = (int(settings[name]) for name in ("components", "units", "interval"))
    rule, values = rules.only(), settings.get("constants", {})
    rule = rule.with_constants({name: value for name, value in values.items() if name in rule.constants})
    generators = [np.random.default_rng(child) for child in np.random.SeedSequence([seed, 307]).spawn(2)]
    stimuli, novel = _sequence(components, interval, _TRAINING, generators[0])
    responses = _responses(rule, stimuli, units, _EXCESSES)
    correct = np.array([np.mean((responses > each) == novel[:, None], axis=0) for each in _THRESHOLDS])
    threshold, excess = np.unravel_index(int(np.argmax(correct)), correct.shape)
    stimuli, novel = _sequence(components, interval, _FRESH, generators[1])
    responses = _responses(rule, stimuli, units, _EXCESSES[excess : excess + 1])
    if not np.all(np.isfinite(responses)):
        return {}
    return {"accuracy": float(np.mean((responses[:, 0] > _THRESHOLDS[threshold]) == novel))}


def _sequence(
    components: int, interval: int, steps: int, generator: np.random.Generator
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return stimuli `(steps, components)` and which of them are novel."""
    stimuli = generator.choice([-1.0, 1.0], (steps, components))
    novel = np.ones(steps, dtype=np.bool_)
    repeats = generator.random(steps) < 0.5
    for step in range(interval, steps):
        if repeats[step] and novel[step - interval]:
            stimuli[step] = stimuli[step - interval]
            novel[step] = False
    return stimuli, novel


def _responses(rule: Rule, stimuli: Array, units: int, excesses: Array) -> Array:
    """Return the summed responses `(steps, excesses)` of a network for each excess."""
    bits = round(math.log2(units))
    fixed = np.zeros((units, stimuli.shape[1]))
    fixed[:, :bits] = _SELECTIVITY * np.array(list(itertools.product((-1.0, 1.0), repeat=bits)))
    network = RateNetwork(
        {"stimulus": stimuli.shape[1], "excess": 1},
        [Layer("hidden", units, "sigmoid", -_SELECTIVITY * bits)],
        [
            Connection("fixed", "stimulus", "hidden", weight=fixed),
            Connection("excess", "excess", "hidden", weight=1.0),
            Connection("kept", "stimulus", "hidden", rule=rule),
        ],
    )
    shown = {
        "stimulus": stimuli[:, None, :],
        "excess": np.broadcast_to(excesses[None, :, None], (len(stimuli), excesses.size, 1)),
    }
    found = RateSimulation(network, shown, norm_limit=math.inf).run(connections=[])
    responses: Array = found.outputs["hidden"].sum(axis=2)
    return responses if found.status == "ok" else np.full(responses.shape, math.nan)
