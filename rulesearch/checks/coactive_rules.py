"""A recurrent network whose synapses all learn, each kind by a rule of its own.

The network and the bounds of plausible activity of Confavreux et al. 2023 (NeurIPS 36) and of their public code:
excitatory and inhibitory neurons with AMPA, NMDA and GABA gates and a threshold that jumps at each spike, under Poisson
input; all weights are in units of the leak.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.checks.simulations import Measures
from rulesearch.rules import RuleSet
from rulesearch.simulate import (
    FixedProbability,
    MovingThreshold,
    Network,
    NetworkLimits,
    Neuron,
    Poisson,
    Population,
    Projection,
    Receptor,
    Record,
    Recording,
)
from rulesearch.simulate import Simulation as NetworkSimulation

_EXCITATORY, _INHIBITORY, _AFFERENTS = 4096, 1024, 5000
_PROBABILITY, _INPUT_PROBABILITY = 0.1, 0.05
_INPUT, _EXCITATION, _INHIBITION = 0.075, 0.1, 1.0
_KINDS = ("EE", "EI", "IE", "II")
_HIGHEST_RATE = 100.0
_SILENT = 5.0
_BIN = 0.1
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "rate_e": (1.0, 50.0),
    "rate_i": (1.0, 50.0),
    "cv_isi": (0.7, 2.7),
    "spatial_fano": (0.5, 2.5),
    "temporal_fano": (0.5, 2.5),
    "at_bounds": (0.0, 0.1),
    "creep": (0.0, 0.05),
    "w_EE": (0.0, 0.5),
    "w_EI": (0.0, 0.5),
    "w_IE": (0.0, 5.0),
    "w_II": (0.0, 5.0),
}


def coactive_rules(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Let the rules of EE, EI, IE and II synapses act together, and look at what activity they keep.

    Kinds without a rule keep their weights.

    **Settings:** `rate` of the input [Hz]; `seconds` of learning and of `scoring`, in which they act on;
    `scale` of the numbers of neurons and afferents, each with as many synapses; `dt` [s].
    **Returns:** `rate_e` and `rate_i` [Hz]; over excitatory neurons: `cv_isi`, and the variance over the mean of spikes
    in 0.1 s, over neurons (`spatial_fano`) and over time (`temporal_fano`); `at_bounds`: the share of weights there, a
    mean over kinds; `creep`: the largest relative change of a mean weight while scoring; mean weights `w_EE` and so on;
    `violated`: how many of these are out of the published bounds.
    """
    simulation = NetworkSimulation(_network(rules, settings), np.random.SeedSequence([seed, 308]))
    limits = NetworkLimits(rate=_HIGHEST_RATE, silent=_SILENT)
    if simulation.run(settings["seconds"], Record([]), limits=limits).status != "ok":
        return {}
    before = {kind: float(simulation.weights(kind).mean()) for kind in _KINDS}
    recording = simulation.run(settings["scoring"], Record(["E", "I"]), limits=limits)
    if recording.status != "ok":
        return {}
    measures = _activity(recording)
    stuck, creep = [], [0.0]
    for kind in _KINDS:
        weights = simulation.weights(kind)
        after = measures[f"w_{kind}"] = float(weights.mean())
        bounds = rules.rules[kind].bounds if kind in rules.rules else None
        stuck.append(float(np.mean(np.isin(weights, bounds or ()))))
        if before[kind] + after > 0.1:
            creep.append(2.0 * abs(after - before[kind]) / (after + before[kind]))
    measures |= {"at_bounds": float(np.mean(stuck)), "creep": max(creep)}
    wrong = [name for name, (low, high) in _BOUNDS.items() if not low <= measures[name] <= high]
    return {**measures, "violated": float(len(wrong))}


def _activity(recording: Recording) -> dict[str, float]:
    times, units = recording.spikes["E"]
    edges = recording.start + _BIN * np.arange(round((recording.stop - recording.start) / _BIN) + 1)
    counts = np.histogram2d(units, times, (np.arange(recording.sizes["E"] + 1) - 0.5, edges))[0]
    cv = recording.interval_cv("E")
    return {
        "rate_e": recording.mean_rate("E"),
        "rate_i": recording.mean_rate("I"),
        "cv_isi": float(np.nanmean(cv)) if np.any(np.isfinite(cv)) else 0.0,
        "spatial_fano": _fano(counts.T),
        "temporal_fano": _fano(counts),
    }


def _fano(counts: npt.NDArray[np.float64]) -> float:
    """Return the mean over rows of the variance over the mean, 0 for a row of at most 3 spikes."""
    means = counts.mean(axis=1)
    enough = counts.sum(axis=1) > 3
    return float(np.mean(np.where(enough, counts.var(axis=1) / np.where(enough, means, 1.0), 0.0)))


def _network(rules: RuleSet, settings: Mapping[str, Any]) -> Network:
    cell = Neuron(
        {
            "AMPA": Receptor(0.005, 0.0, share=0.3 / 1.3),
            "NMDA": Receptor(0.1, 0.0, share=1.0 / 1.3, follows="AMPA"),
            "GABA": Receptor(0.01, -80.0),
        },
        rest=-70.0,
        threshold=-50.0,
        reset=-70.0,
        leak=1.0,
        refractory=0.0,
        moving_threshold=MovingThreshold(100.0, 0.005, adds=False),
    )
    scale = settings.get("scale", 1.0)
    wiring, inputs = FixedProbability(_PROBABILITY / scale), FixedProbability(_INPUT_PROBABILITY / scale)
    projections = [Projection(f"input {target}", "input", target, "AMPA", inputs, _INPUT) for target in ("E", "I")]
    for source, receptor, weight in (("E", "AMPA", _EXCITATION), ("I", "GABA", _INHIBITION)):
        for target in ("E", "I"):
            kind = source + target
            rule = rules.rules.get(kind)
            projections.append(Projection(kind, source, target, receptor, wiring, weight, rule=rule))
    return Network(
        [Population("E", round(_EXCITATORY * scale), cell), Population("I", round(_INHIBITORY * scale), cell)],
        projections,
        [Poisson("input", round(_AFFERENTS * scale), settings["rate"])],
        settings.get("dt", 1e-4),
    )
