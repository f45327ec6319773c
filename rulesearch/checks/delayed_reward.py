r"""Neurons that are rewarded, seconds later, for spikes that follow those of one of their afferents.

The experiment of Izhikevich 2007 (doi 10.1093/cercor/bhl152), figure 1, with single neurons: whenever one fires within
a few milliseconds after a spike of its first afferent, a pulse of its own reward comes 1 to 3 s later and reaches all
its synapses alike. A neuron fires by chance, with hazard $\rho\, e^{v/\delta}$, v its potential above rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.checks.simulations import Measures
from rulesearch.rules import Rule, RuleSet
from rulesearch.simulate import AllToAll, Escape, Network, Neuron, Poisson, Population, Projection, Receptor, Record
from rulesearch.simulate import Simulation as NetworkSimulation

_DT = 1e-3
_PULSE = 0.2
"""Length of a pulse of reward, in which R is 1; pulses add up [s]."""
_WIDTH = 2.0
"""Width of the escape hazard [mV]."""


def delayed_reward(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Reward each of several neurons for what one of its afferents does.

    **Settings:** `neurons`; `afferents` of each and their `rate` [Hz]; `hazard` of a neuron at rest [Hz]; `jump` of its
    potential by a spike, per unit of weight [mV] (0: spikes do not depend on weights); `w0`; `window` [s] in which a
    neuron must follow; `delays`: shortest and longest [s]; `seconds`; `eta` of a rule that gives none.
    **Returns:** means over neurons: at the end, `rewarded_weight` and `other_weights`; `excess_growth_1e6`: how much
    faster the rewarded weight grew than the others, over the learning rate [1e-6/s]; `rewards` of all neurons.
    """
    network_seed, delays_seed = np.random.SeedSequence([seed, 301]).spawn(2)
    generator = np.random.default_rng(delays_seed)
    rule = rules.only()
    rule = replace(rule, eta=settings["eta"] if rule.eta is None else rule.eta)
    simulation = NetworkSimulation(_network(rule, settings), network_seed)
    neurons, pulses = int(settings["neurons"]), round(settings["seconds"] / _PULSE)
    record = Record([f"{kind} {n}" for n in range(neurons) for kind in ("afferents", "neuron")])
    reward = np.zeros((pulses, neurons))
    before = [np.zeros(0)] * neurons
    for pulse in range(pulses):
        simulation.signal(**{f"R_{n}": float(reward[pulse, n]) for n in range(neurons)})
        recording = simulation.run(_PULSE, record)
        if recording.status != "ok":
            return {}
        for n in range(neurons):
            times, units = recording.spikes[f"afferents {n}"]
            causes = np.concatenate((before[n], times[units == 0]))
            effects = recording.spikes[f"neuron {n}"][0]
            for spike in effects[_follows(effects, causes, settings["window"])]:
                due = int((spike + generator.uniform(*settings["delays"])) / _PULSE)
                if due < pulses:
                    reward[due, n] += 1.0
            before[n] = causes[causes > simulation.time - settings["window"]]
    weights = np.array([simulation.weights(f"synapses {n}") for n in range(neurons)])
    rewarded, others = float(weights[:, 0].mean()), float(weights[:, 1:].mean())
    return {
        "rewarded_weight": rewarded,
        "other_weights": others,
        "excess_growth_1e6": 1e6 * (rewarded - others) / (rule.eta * settings["seconds"]),
        "rewards": float(reward.sum()),
    }


def _follows(effects: npt.NDArray[np.float64], causes: npt.NDArray[np.float64], window: float) -> npt.NDArray[np.bool_]:
    """Return which effects come less than the window after a cause, or in the same step."""
    lag = effects[:, None] - causes
    found: npt.NDArray[np.bool_] = np.any((lag > -0.5 * _DT) & (lag < window - 0.5 * _DT), axis=1)
    return found


def _network(rule: Rule, settings: Mapping[str, Any]) -> Network:
    cell = Neuron(
        {"jump": Receptor(0.0, sign=settings["jump"])},
        rest=0.0,
        threshold=0.0,
        reset=None,
        refractory=0.0,
        escape=Escape(settings["hazard"], _WIDTH),
    )
    neurons = range(int(settings["neurons"]))
    return Network(
        [Population(f"neuron {n}", 1, cell) for n in neurons],
        [
            Projection(
                f"synapses {n}",
                f"afferents {n}",
                f"neuron {n}",
                "jump",
                AllToAll(),
                settings["w0"],
                rule=rule.renamed({"R": f"R_{n}"}),
                drift_every=5.0 * _DT,
            )
            for n in neurons
        ],
        [Poisson(f"afferents {n}", int(settings["afferents"]), settings["rate"]) for n in neurons],
        _DT,
        signals={f"R_{n}": 0.0 for n in neurons},
    )
