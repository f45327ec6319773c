"""A recurrent network whose synapses all learn, each kind by a rule of its own.

The network of Confavreux et al. 2023 (NeurIPS 36) and of their public code: excitatory and inhibitory neurons with
AMPA, NMDA and GABA gates and a threshold that jumps at each spike, under Poisson input; all weights are in units of the
leak. What is plausible is in `plausibility`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from rulesearch.rules.bound import BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import MovingThreshold, Neuron, Population, Receptor
from rulesearch.simulate.network.recording import Record
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import Poisson
from rulesearch.simulate.network.wiring import FixedProbability
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import (
    DAMAGE,
    Fidelity,
    Requirement,
    Setting,
    Settings,
    TaskSymbol,
    damage_of,
    screened,
)
from rulesearch.tasks.plausibility import activity_metrics, bound_settings, plausible_filters, verdict
from rulesearch.tasks.recurrent import KINDS, LIMITS, check_fifth, excitatory_and_inhibitory
from rulesearch.tasks.spike_task import TRACES, SpikeTask
from rulesearch.tasks.trial import Trial

_NEURONS, _AFFERENTS = 5120, 5000
"""Neurons of the full network, 4,096 excitatory and 1,024 inhibitory ones, and its afferents."""
_FEWEST = 640
"""Neurons of the smallest network, an eighth, in which each can still have as many synapses."""
_PROBABILITY, _INPUT_PROBABILITY = 0.1, 0.05
_INPUT, _EXCITATION, _INHIBITION = 0.075, 0.1, 1.0
_INPUT_RATES = (5.0, 15.0)
"""Between what the rate of the afferents is drawn for each seed [Hz]."""
_PAPER = known_rule("confavreux-quartet")
_SCREENED = 0.125


class Stability(SpikeTask):
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
    reference = _PAPER.reference
    doi = _PAPER.doi
    bibtex = _PAPER.bibtex
    rule_names = KINDS
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        **TRACES,
        "w": TaskSymbol("weight of the synapse, a magnitude, in units of the leak"),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(0.01, "learning rate of rules that give none", 1e-6, 1.0),
        "rate": Setting(0.0, "rate of the afferents; 0: drawn for each seed, 5 to 15 Hz", 0.0, 100.0, unit="Hz"),
        "neurons": Setting(_NEURONS, "neurons, a fifth of them inhibitory", _FEWEST, 50_000, True),
        "w_start": Setting(1.0, "factor on the weights at the start, 0.1 of excitation and 1 of inhibition", 0.0, 20.0),
        "learning": Setting(60.0, "time of learning", 1.0, 36_000.0, unit="s"),
        "scoring": Setting(10.0, "time of scoring, in which rules act on", 1.0, 3600.0, unit="s"),
        "dt": Setting(0.1, "time step", 0.01, 0.5, unit="ms"),
        **bound_settings(),
        **DAMAGE,
    }
    fidelities = (
        Fidelity("screen", 1, "one seed, an eighth of the neurons, but 640 at least, each with as many synapses"),
        Fidelity("full", 1, "one seed, as set"),
    )
    requirements = (Requirement("plausible", least=1.0),)
    bounds = (0.0, 20.0)
    inhibitory = ("IE", "II")
    grammar = "coactive"
    known_rule = "confavreux-quartet"
    stress = Stress(inputs=({"rate": 5.0}, {"rate": 15.0}))

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check that a fifth of the neurons is a whole number.

        **Raises:** `RulesearchError`.
        """
        check_fifth(self.name, values["neurons"])
        return values

    def filters(self, settings: Settings) -> tuple[tuple[Requirement, ...], ...]:
        """Return what is plausible: rates, then weights, then how irregular activity is."""
        return plausible_filters(settings)

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time of learning and scoring [s]."""
        return settings["learning"] + settings["scoring"]

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the published quartet."""
        return _PAPER.rules

    def control(self, settings: Settings) -> RuleSet:
        """Return the quartet with EE synapses that lose weight with every presynaptic spike."""
        lost = parse_rules("on_pre: -0.2; on_post: x; eta = 0.01; bounds = [0, 20]").only()
        return RuleSet({**_PAPER.rules.rules, "EE": lost}, "EE synapses that are lost")

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let the rules of EE, EI, IE and II synapses act together, and look at what activity they keep.

        **Returns:** metrics over scoring, those of `plausibility.BOUNDS`; `violated`: how many of these are out of
        their bounds, or are not there; `plausible`: 1 where none is, else 0; `input_rate_hz` of the afferents.
        """
        drawn, seeds = np.random.SeedSequence([seed, 308]).spawn(2)
        input_rate = settings["rate"] or float(np.random.Generator(np.random.PCG64(drawn)).uniform(*_INPUT_RATES))
        neurons = max(_FEWEST, screened(settings["neurons"], _SCREENED, fidelity))
        simulation = Simulation(_network(rules, {**settings, "rate": input_rate}, neurons), seeds, backend)
        recording = simulation.run(settings["learning"], Record([]), limits=LIMITS)
        before = {kind: float(simulation.weights(kind).mean()) for kind in KINDS}
        if recording.status == "ok":
            recording = simulation.run(settings["scoring"], Record(["E", "I"]), limits=LIMITS)
        if recording.status != "ok":
            share = min(1.0, recording.stop / self.duration(settings, fidelity))
            return Trial(recording.status, None, work=recording.work, died_at=share)
        metrics = {"input_rate_hz": input_rate, **activity_metrics(recording)}
        stuck, creep = [], [0.0]
        for kind in KINDS:
            weights = simulation.weights(kind)
            after = metrics[f"w_{kind}"] = float(weights.mean())
            stuck.append(float(np.mean(np.isin(weights, rules.rules[kind].bounds))))
            if before[kind] + after > 0.1:
                creep.append(2.0 * abs(after - before[kind]) / (after + before[kind]))
        metrics |= {"at_bounds": float(np.mean(stuck)), "creep": max(creep)}
        found = verdict(metrics, settings)
        metrics |= {"violated": float(len(found.violated)), "plausible": float(not found.violated)}
        return Trial("ok", sum(found.cases) / len(found.cases), metrics, found.cases, recording.work)


def _network(rules: RuleSet, settings: Settings, neurons: int) -> Network:
    """Return a network of so many neurons, with afferents in proportion; a neuron has as many synapses in any."""
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
    (excitatory, inhibitory), scale = excitatory_and_inhibitory(neurons), neurons / _NEURONS
    wiring, inputs = FixedProbability(_PROBABILITY / scale), FixedProbability(_INPUT_PROBABILITY / scale)
    projections = [Projection(f"input {target}", "input", target, "AMPA", inputs, _INPUT) for target in ("E", "I")]
    start = settings["w_start"]
    for source, receptor, weight in (("E", "AMPA", start * _EXCITATION), ("I", "GABA", start * _INHIBITION)):
        for target in ("E", "I"):
            kind = source + target
            projections.append(Projection(kind, source, target, receptor, wiring, weight, rule=rules.rules[kind]))
    return Network(
        [Population("E", excitatory, cell), Population("I", inhibitory, cell)],
        projections,
        [Poisson("input", round(_AFFERENTS * scale), settings["rate"])],
        settings["dt"] * 1e-3,
        damage=damage_of(settings),
    )
