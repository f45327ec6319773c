"""A neuron that finds a frozen pattern of spikes which returns among random ones.

The correlation-driven task of Jordan et al. 2021 (doi 10.7554/eLife.66273) and of its public code, after Masquelier,
Guyonneau & Thorpe 2008. A pattern of 100 ms comes back every 500 ms; afferents that fire in it fire less between, so
that rates tell nothing of it. After learning the weights are frozen, and the neuron does not fire any more: the
signal to noise ratio is the highest potential of each pattern less the mean between patterns, over the standard
deviation between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.checks.simulations import Measures
from rulesearch.rules import Rule, RuleSet
from rulesearch.simulate import (
    AllToAll,
    FrozenPatterns,
    Network,
    Neuron,
    Population,
    Projection,
    Receptor,
    Record,
)
from rulesearch.simulate import Simulation as NetworkSimulation

Array = npt.NDArray[np.float64]

_DT = 1e-4
_AFFERENTS, _RATE = 1000, 3.0
_PATTERN, _PERIOD = 0.1, 0.5
_THINNED = 1.0 - (1.0 / _PERIOD) / (_RATE * (1.0 - _PATTERN / _PERIOD))
"""Share of the spikes between patterns that an afferent of the pattern keeps."""
_THRESHOLD, _MEMBRANE, _DELAY = 20.0, 0.018, 0.001
_WEIGHT = 0.5
_ETA = 0.01
_FOUND = 10.0


def returning_pattern(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Let neurons learn and look at their potentials with frozen weights, one per experiment.

    **Settings:** `experiments`; `seconds` of learning (default 100) and of looking (`test_seconds`, default 11).
    **Returns:** `share_found`: of experiments with a ratio above 10, the bar of that search; `signal_to_noise`: the
    mean ratio.
    """
    rule = rules.only()
    rule = replace(rule, eta=_ETA if rule.eta is None else rule.eta)
    found = []
    for experiment in range(int(settings["experiments"])):
        ratio = _signal_to_noise(rule, settings, np.random.SeedSequence([seed, 306, experiment]))
        if ratio is None:
            return {}
        found.append(ratio)
    return {"share_found": float(np.mean(np.array(found) > _FOUND)), "signal_to_noise": float(np.mean(found))}


def _signal_to_noise(rule: Rule, settings: Mapping[str, Any], seeds: np.random.SeedSequence) -> float | None:
    """Return the ratio after learning, None where learning ended early."""
    pattern_seed, learning_seed, test_seed = seeds.spawn(3)
    times, units = _draw_pattern(np.random.default_rng(pattern_seed))
    learning = NetworkSimulation(
        _network(times, units, settings.get("seconds", 100.0), _THRESHOLD, _WEIGHT, rule), learning_seed
    )
    if learning.run(settings.get("seconds", 100.0), Record([])).status != "ok":
        return None
    weights = learning.weights("synapses").reshape(_AFFERENTS, 1)
    seconds = settings.get("test_seconds", 11.0)
    test = NetworkSimulation(_network(times, units, seconds, np.inf, weights, None), test_seed)
    recording = test.run(seconds, Record([], potentials={"neuron": [0]}, potentials_every=_DT))
    potential = recording.potentials["neuron"].reshape(-1, round(_PERIOD / _DT))
    shown = round((_PERIOD - _PATTERN) / _DT)
    between, peaks = potential[:, :shown], potential[:, shown:].max(axis=1)
    return float((peaks.mean() - between.mean()) / between.std()) if between.std() > 0.0 else 0.0


def _draw_pattern(generator: np.random.Generator) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return times [s] and afferents of the pattern's spikes, at most one each as in the public code."""
    first = generator.exponential(1.0 / _RATE, _AFFERENTS)
    units = np.flatnonzero(first < _PATTERN - _DT)
    return first[units], units


def _network(
    times: Array,
    units: npt.NDArray[np.int64],
    seconds: float,
    threshold: float,
    weight: float | Array,
    rule: Rule | None,
) -> Network:
    cell = Neuron(
        {"jump": Receptor(0.0)}, rest=0.0, threshold=threshold, reset=0.0, tau_membrane=_MEMBRANE, refractory=0.0
    )
    starts = np.array([(k + 1) * _PERIOD - _PATTERN for k in range(round(seconds / _PERIOD))])
    member = np.isin(np.arange(_AFFERENTS), units)
    background = np.where(member, _THINNED * _RATE, _RATE)
    shown = np.zeros(starts.size, dtype=np.int64)
    source = FrozenPatterns("afferents", _AFFERENTS, ((times, units),), _PATTERN, starts, shown, background)
    return Network(
        [Population("neuron", 1, cell)],
        [Projection("synapses", "afferents", "neuron", "jump", AllToAll(), weight, delay=_DELAY, rule=rule)],
        [source],
        _DT,
    )
