r"""A neuron that is rewarded at the end of each trial, as a check of rules with reward and eligibility.

The neuron fires by chance, with hazard $\rho\, e^{v/\delta}$, v its potential above rest, and is never reset. Means
over trials are $\langle \Delta w \rangle = \mathrm{Cov}(R, E) + (\langle R \rangle - \bar R) \langle E \rangle$: the
second part is what a rule does without supervision (Fremaux, Sprekeler & Gerstner 2010, doi
10.1523/JNEUROSCI.6249-09.2010).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rulesearch.checks.simulations import Measures
from rulesearch.errors import RulesearchError
from rulesearch.rules import Rule, RuleSet
from rulesearch.simulate import (
    AllToAll,
    Escape,
    Limits,
    Network,
    Neuron,
    Poisson,
    Population,
    Projection,
    Receptor,
    Record,
)
from rulesearch.simulate import Simulation as NetworkSimulation

_DT = 1e-3
_MEMBRANE = 0.02
_WIDTH = 1.0
"""Width of the escape hazard [mV]."""
_HIGHEST_RATE = 300.0
_REMEMBERED = 50.0
"""Trials over which the running mean of the reward forgets."""


def rewarded_trials(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Reward a neuron for its number of spikes in each trial, or by chance.

    **Settings:** `afferents` and their `rate` [Hz]; `hazard` of the neuron at rest [Hz]; `w0`: first weights, by which
    a spike moves the potential [mV]; `trials` of `seconds` each; `eta` of a rule that gives none; `target`: spikes in a
    trial, the reward being 1 less their relative distance from it (absent: 1 or 0 by chance, with `odds` of 1).
    **Returns:** means over the last quarter of the trials: `spikes` of a trial and `reward`; `growth_1e6`: of the mean
    weight per trial over all trials, over the learning rate [1e-6].
    """
    network_seed, chance_seed = np.random.SeedSequence([seed, 302]).spawn(2)
    generator = np.random.default_rng(chance_seed)
    rule = rules.only()
    eta = float(settings["eta"] if rule.eta is None else rule.eta)
    simulation = NetworkSimulation(_network(replace(rule, eta=eta), settings), network_seed)
    limits, silent = Limits(rate=_HIGHEST_RATE), Record([])
    trials = int(settings["trials"])
    counts, rewards = np.zeros(trials), np.zeros(trials)
    mean = None
    for trial in range(trials):
        recording = simulation.run(settings["seconds"], silent, limits=limits)
        if recording.status != "ok":
            return {}
        counts[trial] = recording.counts["neuron"]
        rewards[trial] = _reward(counts[trial], settings, generator)
        mean = rewards[trial] if mean is None else mean
        simulation.signal(R=rewards[trial], R_bar=mean)
        simulation.step_rules()
        mean += (rewards[trial] - mean) / _REMEMBERED
    last = slice(-(trials // 4), None)
    grown = float(simulation.weights("synapses").mean()) - settings["w0"]
    return {
        "spikes": float(counts[last].mean()),
        "reward": float(rewards[last].mean()),
        "growth_1e6": 1e6 * grown / (eta * trials),
    }


def _reward(count: float, settings: Mapping[str, Any], generator: np.random.Generator) -> float:
    if "target" in settings:
        target = float(settings["target"])
        return 1.0 - abs(count - target) / target
    if "odds" in settings:
        return float(generator.random() < settings["odds"])
    raise RulesearchError("rewarded trials need a setting target or odds; found neither")


def _network(rule: Rule, settings: Mapping[str, Any]) -> Network:
    cell = Neuron(
        {"jump": Receptor(0.0)},
        rest=0.0,
        threshold=0.0,
        reset=None,
        tau_membrane=_MEMBRANE,
        refractory=0.0,
        escape=Escape(settings["hazard"], _WIDTH),
    )
    return Network(
        [Population("neuron", 1, cell)],
        [Projection("synapses", "afferents", "neuron", "jump", AllToAll(), settings["w0"], rule=rule)],
        [Poisson("afferents", int(settings["afferents"]), settings["rate"])],
        _DT,
        signals={"R": 0.0, "R_bar": 0.0},
    )
