"""The recurrent network whose four kinds of synapses all learn, each by a rule of its own.

The network of Confavreux et al. 2023 (NeurIPS 36) and of their public code: excitatory and inhibitory neurons with
AMPA, NMDA and GABA gates and a threshold that jumps at each spike; all weights are in units of the leak. Smaller
networks have as many synapses of each neuron.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from rulesearch.rules.bound import BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.network.network import Projection
from rulesearch.simulate.network.neurons import MovingThreshold, Neuron, Population, Receptor
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.wiring import FixedProbability
from rulesearch.tasks.declaration import DAMAGE, Setting, Settings, TaskSymbol, screened
from rulesearch.tasks.recurrent import KINDS, check_fifth, excitatory_and_inhibitory
from rulesearch.tasks.spike_task import TRACES, SpikeTask

NEURONS = 5120
"""Neurons of the full network, 4,096 excitatory and 1,024 inhibitory ones."""
FEWEST = 640
"""Neurons of the smallest network, an eighth, in which each can still have as many synapses."""
INPUT = 0.075
"""Weight of the afferents."""
_PROBABILITY = 0.1
_EXCITATION, _INHIBITION = 0.1, 1.0
_LEAST_WEIGHT = 0.1
"""Sum of a mean weight before and after scoring from which on its change counts."""
_SCREENED = 0.125
_PAPER = known_rule("confavreux-quartet")


class CoactiveTask(SpikeTask):
    """A recurrent network under four rules; subclasses say what it is given and what is asked of it."""

    reference = _PAPER.reference
    doi = _PAPER.doi
    bibtex = _PAPER.bibtex
    rule_names = KINDS
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        **TRACES,
        "w": TaskSymbol("weight of the synapse, a magnitude, in units of the leak"),
    }
    bounds = (0.0, 20.0)
    inhibitory = ("IE", "II")
    known_rule = "confavreux-quartet"
    grammar = "coactive"

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check that a fifth of the neurons is a whole number.

        **Raises:** `RulesearchError`.
        """
        check_fifth(self.name, values["neurons"])
        return values

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the published quartet."""
        return _PAPER.rules

    def control(self, settings: Settings) -> RuleSet:
        """Return the quartet with EE synapses that lose weight with every presynaptic spike."""
        lost = parse_rules("on_pre: -0.2; on_post: x; eta = 0.01; bounds = [0, 20]").only()
        return RuleSet({**_PAPER.rules.rules, "EE": lost}, "EE synapses that are lost")


def network_settings() -> dict[str, Setting]:
    """Return the settings that all tasks of this network have."""
    return {
        "neurons": Setting(NEURONS, "neurons, a fifth of them inhibitory", FEWEST, 50_000, True),
        "w_start": Setting(1.0, "factor on the weights at the start, 0.1 of excitation and 1 of inhibition", 0.0, 20.0),
        "dt": Setting(0.1, "time step", 0.01, 0.5, unit="ms"),
        **DAMAGE,
    }


def neurons_at(settings: Settings, fidelity: str) -> int:
    """Return how many neurons a trial of a fidelity has: an eighth at `screen`, but as many as there must be."""
    return max(FEWEST, screened(settings["neurons"], _SCREENED, fidelity))


def networks_of(settings: Settings, networks: int, seconds: float) -> str:
    """Return in words what a candidate takes: so many networks, of so many seconds each."""
    neurons = f"{settings['neurons']:,.0f} neurons, a fifth of them inhibitory"
    return f"{neurons}; {networks} networks of {seconds:g} s a candidate"


def populations(neurons: int) -> list[Population]:
    """Return the excitatory and the inhibitory population of a network of so many neurons."""
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
    excitatory, inhibitory = excitatory_and_inhibitory(neurons)
    return [Population("E", excitatory, cell), Population("I", inhibitory, cell)]


def recurrent_projections(rules: RuleSet, w_start: float, neurons: int) -> list[Projection]:
    """Return the four kinds of synapses with their rules, named as in `KINDS`."""
    wiring = FixedProbability(_PROBABILITY * NEURONS / neurons)
    return [
        Projection(
            source + target, source, target, receptor, wiring, w_start * weight, rule=rules.rules[source + target]
        )
        for source, receptor, weight in (("E", "AMPA", _EXCITATION), ("I", "GABA", _INHIBITION))
        for target in ("E", "I")
    ]


def mean_weights(simulation: Simulation) -> dict[str, float]:
    """Return the mean weight of each kind of synapses."""
    return {kind: float(simulation.weights(kind).mean()) for kind in KINDS}


def weight_metrics(simulation: Simulation, rules: BoundSet, before: Mapping[str, float]) -> dict[str, float]:
    """Return mean weights `w_EE` and so on, the share at their bounds, and the largest relative change of a mean.

    **Arguments:** `before`: mean weights when scoring began.
    """
    after = mean_weights(simulation)
    stuck = [float(np.mean(np.isin(simulation.weights(kind), rules.rules[kind].bounds))) for kind in KINDS]
    creep = [
        2.0 * abs(after[kind] - before[kind]) / (after[kind] + before[kind])
        for kind in KINDS
        if after[kind] + before[kind] > _LEAST_WEIGHT
    ]
    means = {f"w_{kind}": after[kind] for kind in KINDS}
    return {**means, "at_bounds": float(np.mean(stuck)), "creep": max(creep, default=0.0)}
