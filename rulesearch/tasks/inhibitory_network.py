"""Plastic inhibition brings a whole recurrent network to a target rate.

In the network of `target_network`, synapses from inhibitory to excitatory neurons learn; the others are static.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from rulesearch.rules.bound import BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.tasks.declaration import Settings, TaskSymbol
from rulesearch.tasks.inhibitory_rate import InhibitoryRate, vogels
from rulesearch.tasks.spike_task import TRACES
from rulesearch.tasks.target_network import TargetNetwork
from rulesearch.tasks.trial import Activity

_FAST_ALPHA = 0.36
"""Constant of the rule with traces of 20 ms that gives 10 Hz, averaged over inputs; 2 rho tau = 0.4 gives 11 Hz."""

_SEEN_SECONDS, _SEEN_SYNAPSES = 10.0, 16


class InhibitoryNetwork(TargetNetwork):
    """A recurrent network whose inhibitory synapses find its target rate."""

    name: ClassVar[str] = "inhibitory-network"
    title: ClassVar[str] = "inhibitory plasticity in a recurrent network"
    summary: ClassVar[str] = (
        "A recurrent network of leaky integrate-and-fire neurons with plastic inhibition of excitatory neurons must "
        "fire at the target rate."
    )
    reference: ClassVar[str] = InhibitoryRate.reference
    doi: ClassVar[str] = InhibitoryRate.doi
    bibtex: ClassVar[str] = InhibitoryRate.bibtex
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        **TRACES,
        "w": TaskSymbol("weight of the inhibitory synapse, a magnitude, in units of the leak"),
        "w_mean": TaskSymbol("mean weight of the neuron's inhibitory synapses"),
    }
    plastic: ClassVar[Mapping[str, str]] = {"IE": "w"}
    inhibitory: ClassVar[tuple[str, ...]] = ("w",)
    grammar: ClassVar[str] = "inhibitory-network"
    known_rule: ClassVar[str] = "vogels"
    reached: ClassVar[str] = "9 of 10 searches; 2 of 10 random ones"

    def weight_metrics(self, simulation: Simulation) -> dict[str, float]:
        """Return `w_mean`, and `tuning_r`: the correlation, over excitatory neurons, of how much static excitation and
        how much inhibition their synapses bring.
        """
        weights = simulation.weights("IE")
        if not weights.size or not np.all(np.isfinite(weights)):
            return {}
        return {"w_mean": float(weights.mean()), "tuning_r": _tuning(simulation)}

    def weight_name(self, kind: str) -> str:
        """Return the name of the one mean weight."""
        return "mean inhibitory weight"

    def activity(self, rules: BoundSet, seed: int, settings: Settings) -> Activity | None:
        """Return the spikes on both sides of some synapses in the first seconds of learning, and their weights."""
        run = self.simulate_for_plot(rules, seed, settings)
        learning = run.learning
        if "IE" not in learning.weights:
            return None
        pre, post = run.simulation.synapses("IE")
        chosen = np.linspace(0, len(pre) - 1, _SEEN_SYNAPSES).astype(np.int64)
        end = min(learning.stop, _SEEN_SECONDS)
        trains = []
        for synapse in chosen:
            sides = []
            for name, unit in (("I", pre[synapse]), ("E", post[synapse])):
                times, units = learning.spikes[name]
                sides.append(times[(units == unit) & (times < end)])
            trains.append((sides[0], sides[1]))
        before = (0.5 * settings["w_start"],) * len(trains)
        return Activity({}, tuple(trains), before, learning.weight_times, learning.weights["IE"])

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the rule of Vogels et al. 2011 with traces of 100 ms, for which the mean-field rate is right here."""
        return slow_vogels(settings["target"])

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the known rule, the one with traces of 20 ms, the published best rule, and the control."""
        return {
            self.known_rule: self.baseline(settings),
            "vogels, traces of 20 ms": vogels(_FAST_ALPHA * (settings["target"] / 10.0)),
            "confavreux": known_rule("confavreux").rules,
            "control": self.control(settings),
        }

    def control(self, settings: Settings) -> RuleSet:
        """Return a rule that only strengthens inhibition."""
        return RuleSet(parse_rules("on_pre: 0.1").rules, "growth alone")


def slow_vogels(target: float) -> RuleSet:
    """Return the rule of Vogels et al. 2011 with traces of 100 ms and alpha = 2 tau target, for a target rate [Hz].

    Spikes of a network are correlated over tens of milliseconds: with traces of 20 ms the rate depends on the input,
    from 6.8 Hz where afferents fire at 1.2 Hz to 10 Hz where they fire at 4 Hz.
    """
    text = "on_pre: y2 - alpha; on_post: x2; alpha = 2; x2 = trace(pre, 100 ms); y2 = trace(post, 100 ms)"
    return RuleSet.single(parse_rules(text).only().with_constants({"alpha": 0.2 * target}))


def _tuning(simulation: Simulation) -> float:
    """Return the correlation of static excitation and inhibition over excitatory neurons; 0 where one does not vary."""
    size = simulation.network.population("E").size
    totals = []
    for name in ("input E", "IE"):
        _, target = simulation.synapses(name)
        totals.append(np.bincount(target, simulation.weights(name), size))
    excitation, inhibition = (total - total.mean() for total in totals)
    scale = float(np.sqrt((excitation @ excitation) * (inhibition @ inhibition)))
    return float(excitation @ inhibition) / scale if scale > 1e-12 else 0.0
