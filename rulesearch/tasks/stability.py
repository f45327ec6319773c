"""A recurrent network whose synapses all learn, each kind by a rule of its own, must stay plausible.

The network is in `coactive_network`, what is plausible in `plausibility`; afferents fire as Poisson processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from rulesearch.rules.bound import BoundSet
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.recording import Record, Recording
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import Poisson
from rulesearch.simulate.network.wiring import FixedProbability
from rulesearch.tasks.coactive_network import (
    INPUT,
    NEURONS,
    CoactiveTask,
    mean_weights,
    network_settings,
    networks_of,
    neurons_at,
    populations,
    recurrent_projections,
    weight_metrics,
)
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import Fidelity, Requirement, Setting, Settings, damage_of
from rulesearch.tasks.plausibility import activity_metrics, bound_settings, check_bounds, plausible_filters, verdict
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.recurrent import LIMITS
from rulesearch.tasks.trial import Trial

_AFFERENTS, _INPUT_PROBABILITY = 5000, 0.05
_INPUT_RATES = (5.0, 15.0)
"""Between what the rate of the afferents is drawn for each seed [Hz]."""
_COARSEST = 0.5
"""The largest time step [ms]."""
_BUSY = 5.0
"""Stretches of learning [s] in which rates are looked at, at the cheap fidelity."""
_HOPELESS = 2.0 / 3.0
"""Loss at the cheap fidelity from which on a rule is not tried in full: its rates are out of their bounds."""
_PROTOCOL = Protocol(finalists=8, selection_trials=3, evidence_rules=1, evidence_seeds=1, condition_trials=3)


class Stability(CoactiveTask):
    """Keep the activity and the weights of a recurrent network within the published bounds of what is plausible.

    Quantities count in the published order: rates, then weights, then how irregular activity is; each of these stages
    is a case of the loss. It costs 1 where a stage before it is failed, else the mean over its quantities of
    $d/(d + b)$, d being how far each is out of its bounds and b their distance. 0: all are plausible.
    """

    name = "stability"
    title = "four rules that keep a recurrent network plausible"
    summary = (
        "All synapses of a recurrent network of excitatory and inhibitory neurons learn, each of the four kinds by a "
        "rule of its own; activity must stay asynchronous and irregular, and weights must come to rest."
    )
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(0.01, "learning rate of rules that give none", 1e-6, 1.0),
        "rate": Setting(0.0, "rate of the afferents; 0: drawn for each seed, 5 to 15 Hz", 0.0, 100.0, unit="Hz"),
        "learning": Setting(60.0, "time of learning", 1.0, 36_000.0, unit="s"),
        "scoring": Setting(10.0, "time of scoring, in which rules act on", 1.0, 3600.0, unit="s"),
        **network_settings(),
        **bound_settings(),
    }
    fidelities = (
        Fidelity(
            "screen",
            1,
            "one seed, an eighth of the neurons, but 640 at least, each with as many synapses; twice the time step, "
            "half of the learning, which ends where a mean rate is above its bound for 5 s",
            by_luck=True,
            hopeless=_HOPELESS,
        ),
        Fidelity("full", 2, "two seeds, as set"),
    )
    requirements = (Requirement("plausible", least=1.0),)
    paper_took = "Confavreux et al. 2023: 5,120 neurons, 75,200 simulations of 70 s in four rounds over 24 constants"
    protocol = _PROTOCOL
    stress = Stress(inputs=({"rate": 5.0}, {"rate": 15.0}))

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check as `CoactiveTask` does, and that something lies between all bounds.

        **Raises:** `RulesearchError`.
        """
        check_bounds(self.name, values)
        return super().derive(values, given)

    def filters(self, settings: Settings) -> tuple[tuple[Requirement, ...], ...]:
        """Return what is plausible: rates, then weights, then how irregular activity is."""
        return plausible_filters(settings)

    def network(self, settings: Settings) -> str:
        """Return the number of neurons, and the time that a candidate takes at full fidelity."""
        return networks_of(settings, self.fidelities[-1].trials, self.duration(settings, "full"))

    def report_conditions(self) -> tuple[Mapping[str, float], ...]:
        """Return the size of the paper's network: searches are in smaller ones."""
        return ({"neurons": NEURONS},)

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time of learning and scoring [s]."""
        here = _at(settings, fidelity)
        return here["learning"] + here["scoring"]

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let the rules of EE, EI, IE and II synapses act together, and look at what activity they keep.

        **Returns:** metrics over scoring, those of `plausibility.BOUNDS`; `violated`: how many of these are out of
        their bounds, or are not there; `plausible`: 1 where none is, else 0; `input_rate_hz` of the afferents.
        """
        settings = _at(settings, fidelity)
        drawn, seeds = np.random.SeedSequence([seed, 308]).spawn(2)
        rate = settings["rate"] or float(np.random.Generator(np.random.PCG64(drawn)).uniform(*_INPUT_RATES))
        simulation = Simulation(_network(rules, settings, rate, neurons_at(settings, fidelity)), seeds, backend)
        recording = _learn(simulation, settings, fidelity)
        before = mean_weights(simulation)
        if recording.status == "ok":
            recording = simulation.run(settings["scoring"], Record(["E", "I"]), limits=LIMITS)
        if recording.status != "ok":
            share = min(1.0, recording.stop / (settings["learning"] + settings["scoring"]))
            return Trial(recording.status, None, work=recording.work, died_at=share)
        found = {"input_rate_hz": rate, **activity_metrics(recording), **weight_metrics(simulation, rules, before)}
        judged = verdict(found, settings)
        metrics = {**found, "violated": float(len(judged.violated)), "plausible": float(not judged.violated)}
        return Trial("ok", sum(judged.cases) / len(judged.cases), metrics, judged.cases, recording.work)


def _learn(simulation: Simulation, settings: Settings, fidelity: str) -> Recording:
    """Let a network learn; at the cheap fidelity what is busy for long is a runaway: it takes most of the time."""
    recording = simulation.run(0.0, Record([]))
    while recording.status == "ok" and simulation.time < settings["learning"] - 0.5 * settings["dt"] * 1e-3:
        left = settings["learning"] - simulation.time
        recording = simulation.run(min(left, _BUSY) if fidelity == "screen" else left, Record([]), limits=LIMITS)
        most = {"E": settings["most_rate_e_hz"], "I": settings["most_rate_i_hz"]}
        if fidelity == "screen" and any(recording.mean_rate(name) > rate for name, rate in most.items()):
            return replace(recording, status="runaway")
    return recording


def _at(settings: Settings, fidelity: str) -> Settings:
    """Return the settings of a fidelity: coarse steps for a shorter time at the cheap one."""
    if fidelity != "screen":
        return settings
    step = max(settings["dt"], min(_COARSEST, 2.0 * settings["dt"]))
    return {**settings, "dt": step, "learning": settings["learning"] / 2.0}


def _network(rules: BoundSet, settings: Settings, rate: float, neurons: int) -> Network:
    """Return a network of so many neurons, with afferents in proportion."""
    scale = neurons / NEURONS
    wiring = FixedProbability(_INPUT_PROBABILITY / scale)
    inputs = [Projection(f"input {target}", "input", target, "AMPA", wiring, INPUT) for target in ("E", "I")]
    return Network(
        populations(neurons),
        [*inputs, *recurrent_projections(rules, settings["w_start"], neurons)],
        [Poisson("input", round(_AFFERENTS * scale), rate)],
        settings["dt"] * 1e-3,
        damage=damage_of(settings),
    )
