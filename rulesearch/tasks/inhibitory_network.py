r"""Plastic inhibition brings a whole recurrent network to a target rate.

8,000 excitatory and 2,000 inhibitory leaky integrate-and-fire neurons, connected with probability 0.02 (each receives
160 and 40 synapses), under 5,000 Poisson afferents of 1 to 5 Hz, each neuron from 250 of them. Synapses from inhibitory
to excitatory neurons learn, the others are static. After learning, with plasticity going on, the rate r of the
excitatory neurons in windows of 1 s is compared with the target: loss, the mean of $(r - \rho)^2/(\rho + 2)$. Smaller
networks keep the number of synapses of each neuron. Weights are in units of the leak.
After the network of Vogels et al. 2011 as Confavreux et al. 2025 use it (doi 10.1371/journal.pcbi.1012910).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rulesearch.rules.bound import BoundRule, BoundSet
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import Population
from rulesearch.simulate.network.recording import Record, Recording
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import Poisson
from rulesearch.simulate.network.wiring import FixedProbability
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Setting, Settings, TaskSymbol, damage_of
from rulesearch.tasks.inhibitory_rate import InhibitoryRate, neuron, vogels
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.recurrent import LIMITS, check_fifth, excitatory_and_inhibitory
from rulesearch.tasks.spike_task import TRACES, SpikeTask
from rulesearch.tasks.trial import Activity, TimeCourse, Trial

_NEURONS = 10_000.0
_PROBABILITY, _INPUT_PROBABILITY, _AFFERENTS = 0.02, 0.05, 5000
_RECURRENT, _INHIBITION, _INPUT = 0.03, 0.3, 0.1
"""Static weights in units of the leak: from excitatory neurons, among inhibitory neurons, from afferents."""

CALIBRATED_ALPHA = 0.36
"""Constant of the Vogels rule that gives 10 Hz here, averaged over inputs; 2 rho tau = 0.4 gives 11 Hz."""

_SEEN_SECONDS, _SEEN_SYNAPSES = 10.0, 16
_WINDOWS = 200


@dataclass(frozen=True, slots=True)
class NetworkRun:
    """One simulation: what was recorded in learning and in scoring, and the network after it."""

    learning: Recording
    scoring: Recording | None
    simulation: Simulation


class InhibitoryNetwork(SpikeTask):
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
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(0.01, "learning rate of rules that give none", 1e-6, 1.0),
        "target": Setting(10.0, "target rate of the excitatory neurons", 0.5, 100.0, unit="Hz"),
        "neurons": Setting(_NEURONS, "neurons, a fifth of them inhibitory", 500, 50_000, True),
        "w_max": Setting(2.5, "upper bound of weights of rules that give no bounds", 0.1, 100.0),
        "w_start": Setting(0.3, "largest inhibitory weight at the start; uniform from 0", 0.0, 100.0),
        "input_rate": Setting(0.0, "rate of the afferents; 0: drawn for each seed, 1 to 5 Hz", 0.0, 100.0, unit="Hz"),
        "learning": Setting(30.0, "time of learning", 1.0, 3600.0, unit="s"),
        "scoring": Setting(5.0, "time of scoring", 1.0, 600.0, unit="s"),
        "dt": Setting(0.1, "time step", 0.01, 0.5, unit="ms"),
        **DAMAGE,
    }
    fidelities: ClassVar[tuple[Fidelity, ...]] = (
        Fidelity("screen", 1, "one seed, a tenth of the neurons, a third of the learning"),
        Fidelity("full", 3, "three seeds, as set"),
    )
    bounds: ClassVar[tuple[float, float]] = (0.0, 2.5)
    inhibitory: ClassVar[tuple[str, ...]] = ("w",)
    grammar: ClassVar[str] = "spiking"
    known_rule: ClassVar[str] = "vogels"
    protocol: ClassVar[Protocol] = Protocol(
        tolerance=0.003, finalists=4, selection_trials=3, evidence_rules=1, evidence_seeds=1
    )

    stress: ClassVar[Stress] = Stress(
        start=({"w_start": 0.0}, {"w_start": 1.0}), inputs=({"input_rate": 1.0}, {"input_rate": 5.0})
    )

    def default_bounds(self, settings: Settings) -> tuple[float, float]:
        """Return 0 and the setting `w_max`."""
        return 0.0, settings["w_max"]

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check that a fifth of the neurons is a whole number.

        **Raises:** `RulesearchError`.
        """
        check_fifth(self.name, values["neurons"])
        return values

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let bound rules learn in the network of one seed, and score its rate.

        **Returns:** metrics, as far as they can be computed: `rate_hz` of the excitatory neurons over scoring;
        `tuning_r`, the correlation over excitatory neurons of how much static excitation and how much inhibition their
        synapses bring; `initial_rate_hz` over the first second, already learning; `w_mean` at the end; `cv_isi` over
        scoring.
        """
        run = _simulate(rules.only(), seed, settings, fidelity, backend)
        ended = run.learning if run.scoring is None else run.scoring
        metrics = _metrics(run)
        seconds = settings["scoring"] + run.learning.stop
        if ended.status != "ok" or run.scoring is None:
            return Trial(ended.status, None, metrics, (), ended.work, ended.stop / max(seconds, ended.stop))
        rates = run.scoring.rates("E", 1.0)
        target = settings["target"]
        cases = tuple(float(rate) for rate in (rates - target) ** 2 / (target + 2.0))
        return Trial("ok", float(np.mean(cases)), metrics, cases, ended.work)

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time of learning and scoring [s]."""
        return _learning(settings, fidelity) + settings["scoring"]

    def activity(self, rules: BoundSet, seed: int, settings: Settings) -> Activity:
        """Return the spikes on both sides of some synapses in the first seconds of learning, and their weights."""
        run = simulate_for_plot(rules, seed, settings)
        learning = run.learning
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

    def courses(self, rules: BoundSet, seed: int, settings: Settings) -> tuple[TimeCourse, ...]:
        """Return the mean rate of the excitatory neurons and the mean plastic weight while weights learn."""
        learning = simulate_for_plot(rules, seed, settings).learning
        window = max(0.01, round((learning.stop - learning.start) / _WINDOWS, 2))
        rates = learning.rates("E", window)
        times = learning.start + window * (np.arange(len(rates), dtype=np.float64) + 0.5)
        return (
            TimeCourse("mean excitatory rate [Hz]", times, rates, settings["target"]),
            TimeCourse("mean inhibitory weight", learning.weight_times, learning.weights["IE"].mean(axis=1)),
        )

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the rule of Vogels et al. 2011, alpha calibrated at 10 Hz and scaled with the target."""
        return vogels(CALIBRATED_ALPHA * (settings["target"] / 10.0))

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the calibrated rule, the one with alpha = 2 tau target, and the control."""
        alpha = 2.0 * 0.02 * settings["target"]
        return {
            self.known_rule: self.baseline(settings),
            f"vogels, alpha = {alpha:.2f}": vogels(alpha),
            "control": self.control(settings),
        }

    def control(self, settings: Settings) -> RuleSet:
        """Return a rule that only strengthens inhibition."""
        return RuleSet(parse_rules("on_pre: 0.1").rules, "growth alone")


def simulate_for_plot(rules: BoundSet, seed: int, settings: Settings) -> NetworkRun:
    """Simulate bound rules on one seed, with weights written down every tenth of the learning."""
    return _simulate(rules.only(), seed, settings, "full", "vm", settings["learning"] / 10.0)


def inhibitory_network(
    rule: Rule | None, settings: Settings, rates: np.random.Generator, scale: float = 1.0
) -> Network:
    """Return the network; `scale` of its neurons and afferents, each with as many synapses."""
    excitatory, inhibitory = excitatory_and_inhibitory(settings["neurons"], scale)
    density = _NEURONS / (scale * settings["neurons"])
    recurrent, inputs = (FixedProbability(min(1.0, p * density)) for p in (_PROBABILITY, _INPUT_PROBABILITY))
    afferents = round(_AFFERENTS / density)
    cell, drawn = neuron(), float(rates.uniform(1.0, 5.0))
    return Network(
        [Population("E", excitatory, cell, (-60.0, -50.0)), Population("I", inhibitory, cell, (-60.0, -50.0))],
        [
            Projection("input E", "input", "E", "E", inputs, _INPUT),
            Projection("input I", "input", "I", "E", inputs, _INPUT),
            Projection("EE", "E", "E", "E", recurrent, _RECURRENT),
            Projection("EI", "E", "I", "E", recurrent, _RECURRENT),
            Projection("II", "I", "I", "I", recurrent, _INHIBITION),
            Projection("IE", "I", "E", "I", recurrent, (0.0, settings["w_start"]), rule=rule),
        ],
        [Poisson("input", afferents, settings["input_rate"] or drawn)],
        settings["dt"] * 1e-3,
        damage=damage_of(settings),
    )


def _simulate(
    rule: BoundRule, seed: int, settings: Settings, fidelity: str, backend: str, weights_every: float = 0.0
) -> NetworkRun:
    rates, network = np.random.SeedSequence([seed, 11]).spawn(2)
    small = fidelity == "screen"
    described = inhibitory_network(rule, settings, np.random.Generator(np.random.PCG64(rates)), 0.1 if small else 1.0)
    simulation = Simulation(described, network, backend)
    record = Record(["E", "I"], weights=["IE"] if weights_every else [], weights_every=weights_every, synapses=2000)
    learning = simulation.run(_learning(settings, fidelity), record, limits=LIMITS)
    scoring = (
        simulation.run(settings["scoring"], Record(["E", "I"]), limits=LIMITS) if learning.status == "ok" else None
    )
    return NetworkRun(learning, scoring, simulation)


def _learning(settings: Settings, fidelity: str) -> float:
    return settings["learning"] / (3.0 if fidelity == "screen" else 1.0)


def _metrics(run: NetworkRun) -> dict[str, float]:
    metrics: dict[str, float] = {}
    if run.learning.stop >= 1.0:
        times, _ = run.learning.spikes["E"]
        metrics["initial_rate_hz"] = float(np.sum(times < 1.0)) / run.learning.sizes["E"]
    if run.scoring is not None and run.scoring.status == "ok":
        metrics["rate_hz"] = run.scoring.mean_rate("E")
        cv = run.scoring.interval_cv("E")
        if np.any(np.isfinite(cv)):
            metrics["cv_isi"] = float(np.nanmean(cv))
    weights = run.simulation.weights("IE")
    if weights.size and np.all(np.isfinite(weights)):
        metrics |= {"w_mean": float(weights.mean()), "tuning_r": _tuning(run.simulation)}
    return metrics


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
