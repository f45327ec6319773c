r"""A layer that tells familiar stimuli from novel ones by what its synapses have kept of them.

The network of Tyulmankov, Yang & Abbott 2022 (doi 10.1016/j.neuron.2021.11.009) with the fixed weights of their
idealised solution instead of trained ones: hidden units $h = \sigma((W_1 + A) x + b)$, each with an address of its own
in the first components of the stimulus, so that one unit answers to a stimulus, and A, which starts at 0, follows the
rule once per stimulus. A stimulus is called novel where the summed response is above 1/2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.checks.rate_layers import Plasticity
from rulesearch.checks.simulations import Measures
from rulesearch.rules import Rule, RuleSet

Array = npt.NDArray[np.float64]

_SELECTIVITY = 5.0
"""First weights of a unit from each component of its address."""
_EXCESSES = np.linspace(0.5, 6.0, 23)
"""Input of a unit from a novel stimulus of its address, of which the best is taken on a sequence of its own."""
_ACCURACY = 0.99
_TRAINING, _FRESH = 2000, 5000
_LONGEST = 255


def familiarity(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Find the longest interval after which a stimulus is known again.

    Half of the stimuli repeat the one `interval` steps before, where that was novel.

    **Settings:** `components` of a stimulus, 1 or -1 each; `units`, a power of 2.
    **Returns:** `interval`: the longest with 99 % of correct answers over 5,000 fresh stimuli, 0 where there is none.
    """
    components, units = int(settings["components"]), int(settings["units"])
    low, high = 0, _LONGEST + 1
    while high - low > 1:
        interval = (low + high) // 2
        generators = [np.random.default_rng(child) for child in np.random.SeedSequence([seed, 307, interval]).spawn(2)]
        training, fresh = (
            _sequence(components, interval, steps, generator)
            for steps, generator in zip((_TRAINING, _FRESH), generators, strict=True)
        )
        best = _EXCESSES[int(np.argmax(_accuracies(rules.only(), *training, units, _EXCESSES)))]
        met = _accuracies(rules.only(), *fresh, units, np.array([best]))[0] >= _ACCURACY
        low, high = (interval, high) if met else (low, interval)
    return {"interval": float(low)}


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


def _accuracies(rule: Rule, stimuli: Array, novel: npt.NDArray[np.bool_], units: int, excesses: Array) -> Array:
    """Return the share of correct answers of a network for each excess, 0 where weights are no longer finite."""
    bits = round(math.log2(units))
    addresses = np.array(list(itertools.product((-1.0, 1.0), repeat=bits)))
    drive = _SELECTIVITY * (stimuli[:, :bits] @ addresses.T - bits)
    kept = np.zeros((excesses.size, units, stimuli.shape[1]))
    plasticity = Plasticity(rule, 1.0)
    correct = np.zeros(excesses.size)
    with np.errstate(all="ignore"):
        for x, fixed, new in zip(stimuli, drive, novel, strict=True):
            response = 1.0 / (1.0 + np.exp(-(fixed + excesses[:, None] + kept @ x)))
            correct += (response.sum(axis=1) > 0.5) == new
            kept = kept + plasticity.change(x=x[None, None, :], y=response[:, :, None], w=kept)
    return np.where(np.isfinite(kept).all(axis=(1, 2)), correct / novel.size, 0.0)
