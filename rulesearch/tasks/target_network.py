r"""The recurrent network of which some synapses learn to bring the excitatory neurons to a target rate.

8,000 excitatory and 2,000 inhibitory leaky integrate-and-fire neurons, connected with probability 0.02 (each receives
160 and 40 synapses), under 5,000 Poisson afferents of 1 to 5 Hz, each neuron from 250 of them. After learning, with
plasticity going on, the rate r of the excitatory neurons in windows of 1 s is compared with the target: loss, the
mean of $(r - \rho)^2/(r + 2)$. Smaller networks keep the number of synapses of each neuron. Weights are in units of
the leak. Membranes are integrated by Euler's method, as the paper's simulator (Auryn) does.
After the network of Vogels et al. 2011 as Confavreux et al. 2025 use it (doi 10.1371/journal.pcbi.1012910).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import BoundRule, BoundSet
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import Population
from rulesearch.simulate.network.recording import Record, Recording
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import Poisson
from rulesearch.simulate.network.wiring import FixedProbability
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Setting, Settings, damage_of
from rulesearch.tasks.inhibitory_rate import neuron
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.recurrent import LIMITS, check_fifth, excitatory_and_inhibitory
from rulesearch.tasks.spike_task import SpikeTask
from rulesearch.tasks.trial import TimeCourse, Trial

_NEURONS = 10_000.0
_SCREENED = 1000.0
"""Neurons at the cheap fidelity, where more are set. 500 would all have the same afferents: what they do alike then
speaks for static weights and against rules that hold the rate of larger networks."""
_COARSE, _COARSEST = 2.0, 0.5
"""What multiplies the time step at the cheap fidelity, up to the largest one [ms]."""
_STRONG, _WEAK = 4.5, 1.5
"""Rates of the afferents [Hz] at the cheap fidelity: a rule that holds one rate of the input alone is seen there."""
_PROBABILITY, _INPUT_PROBABILITY, _AFFERENTS = 0.02, 0.05, 5000
_EXCITATION, _INHIBITION, _INPUT = 0.03, 0.3, 0.1
"""Weights at the start in units of the leak: from excitatory neurons, among inhibitory neurons, from afferents."""
_INPUT_RATES, _LARGEST = (1.0, 5.0), (2.0, 3.0)
"""Between what the afferents' rate [Hz] and the largest weight are drawn for each seed."""
_HOPELESS = 0.5
"""Loss at the cheap fidelity from which on a rule is not tried in full: a rate that is off by some 2.5 Hz."""
_LIVES = (0.1, 100.0)
"""Rates [Hz] between which activity has not blown up, after the paper."""
_WINDOWS = 200


@dataclass(frozen=True, slots=True)
class NetworkRun:
    """One simulation: what was recorded in learning and in scoring, and the network after it."""

    learning: Recording
    scoring: Recording | None
    simulation: Simulation


class TargetNetwork(SpikeTask):
    """A recurrent network that must fire at a target rate; subclasses say which of its synapses learn.

    The paper gives a network that blows up the loss $160\\,(\\exp(-t/T) + 1)$. Here it has a status and no loss, as in
    all tasks, and that number is the metric `published_loss`.
    """

    plastic: ClassVar[Mapping[str, str]]
    """Name of the rule of each kind of synapses that may learn: `{"IE": "w"}`, from inhibitory to excitatory ones."""
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(0.01, "learning rate of rules that give none", 1e-6, 1.0),
        "target": Setting(10.0, "target rate of the excitatory neurons", 0.5, 100.0, unit="Hz"),
        "neurons": Setting(_NEURONS, "neurons, a fifth of them inhibitory", 500, 50_000, True),
        "w_max": Setting(
            0.0, "upper bound of weights of rules that give none; 0: drawn for each seed, 2 to 3", 0.0, 100.0
        ),
        "w_start": Setting(0.3, "largest inhibitory weight at the start; uniform from 0", 0.0, 100.0),
        "input_rate": Setting(0.0, "rate of the afferents; 0: drawn for each seed, 1 to 5 Hz", 0.0, 100.0, unit="Hz"),
        "learning": Setting(30.0, "time of learning", 1.0, 3600.0, unit="s"),
        "scoring": Setting(5.0, "time of scoring", 1.0, 600.0, unit="s"),
        "denominator": Setting(
            0.0, "what squared errors of the rate are divided by; 0: the rate + 2 Hz", 0.0, 1000.0, unit="Hz"
        ),
        "dt": Setting(0.1, "time step", 0.01, 0.5, unit="ms"),
        **DAMAGE,
    }
    fidelities: ClassVar[tuple[Fidelity, ...]] = (
        Fidelity(
            "screen",
            2,
            "two seeds, strong input (4.5 Hz) and weak input (1.5 Hz); 1,000 neurons, twice the time step, a third of "
            "the learning and half of the scoring",
            ({"input_rate": _STRONG}, {"input_rate": _WEAK}),
            by_luck=True,
            hopeless=_HOPELESS,
        ),
        Fidelity("full", 3, "three seeds, as set"),
    )
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)
    paper_took: ClassVar[str] = (
        "Confavreux et al. 2025: 10,000 neurons, 10 networks of 35 s a candidate; 400 generations of 9 candidates for "
        "IE (36,000 simulations), 100 for EE, 200 for EI and II"
    )
    protocol: ClassVar[Protocol] = Protocol(
        tolerance=0.01,
        finalists=3,
        selection_trials=3,
        front_trials=4,
        calibrated=2,
        condition_trials=2,
        evidence_rules=1,
        evidence_seeds=1,
    )
    stress: ClassVar[Stress] = Stress(
        start=({"w_start": 0.0}, {"w_start": 1.0}), inputs=({"input_rate": 1.0}, {"input_rate": 5.0})
    )

    def default_bounds(self, settings: Settings) -> tuple[float, float]:
        """Return 0 and the setting `w_max`; where that is 0, infinity: each network then draws a bound of its own."""
        return 0.0, settings["w_max"] or np.inf

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check that a fifth of the neurons is a whole number, and that weights begin within their bounds.

        **Raises:** `RulesearchError`.
        """
        check_fifth(self.name, values["neurons"])
        most = values["w_max"] or _LARGEST[0]
        if values["w_start"] > most:
            drawn = "" if values["w_max"] else f", which is drawn from {_LARGEST[0]:g} to {_LARGEST[1]:g} where it is 0"
            raise RulesearchError(
                f"setting w_start of task {self.name} is {values['w_start']:g}; weights may begin at no more than "
                f"{most:g}, by w_max{drawn}"
            )
        return values

    def report_conditions(self) -> tuple[Mapping[str, float], ...]:
        """Return the size of the paper's network: searches may be in smaller ones."""
        return ({"neurons": _NEURONS},)

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let bound rules learn in the network of one seed, and score its rate.

        **Returns:** metrics, as far as they can be computed: `rate_hz` and `rate_i_hz` of excitatory and inhibitory
        neurons over scoring; `initial_rate_hz` of excitatory ones over the first second, already learning; `cv_isi`
        over scoring; `published_loss`, the loss with $r + 2$ below, and after a blow-up the paper's; and what
        `weight_metrics` gives.
        """
        run = self.simulate(rules, seed, settings, fidelity, backend)
        ended = run.learning if run.scoring is None else run.scoring
        seconds = self.duration(settings, fidelity)
        metrics = {**_metrics(run, settings["target"], seconds), **self.weight_metrics(run.simulation)}
        if ended.status != "ok" or run.scoring is None:
            return Trial(ended.status, None, metrics, (), ended.work, min(1.0, ended.stop / seconds))
        errors = _errors(run.scoring.rates("E", 1.0), settings["target"], settings["denominator"])
        cases = tuple(float(error) for error in errors)
        return Trial("ok", float(np.mean(cases)), metrics, cases, ended.work)

    @abstractmethod
    def weight_metrics(self, simulation: Simulation) -> dict[str, float]:
        """Return metrics of the weights at the end of a simulation."""

    def network(self, settings: Settings) -> str:
        """Return the number of neurons, and the time that a candidate takes at full fidelity."""
        neurons = f"{settings['neurons']:,.0f} neurons, a fifth of them inhibitory"
        return f"{neurons}; {self.fidelities[-1].trials} networks of {self.duration(settings, 'full'):g} s a candidate"

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time of learning and scoring [s]."""
        here = _at(settings, fidelity)
        return here["learning"] + here["scoring"]

    def courses(self, rules: BoundSet, seed: int, settings: Settings) -> tuple[TimeCourse, ...]:
        """Return the mean rate of the excitatory neurons and the mean plastic weights while weights learn."""
        learning = self.simulate_for_plot(rules, seed, settings).learning
        window = max(0.01, round((learning.stop - learning.start) / _WINDOWS, 2))
        rates = learning.rates("E", window)
        times = learning.start + window * (np.arange(len(rates), dtype=np.float64) + 0.5)
        return (
            TimeCourse("mean excitatory rate [Hz]", times, rates, settings["target"]),
            *(
                TimeCourse(self.weight_name(kind), learning.weight_times, weights.mean(axis=1))
                for kind, weights in learning.weights.items()
            ),
        )

    def weight_name(self, kind: str) -> str:
        """Return what the mean weight of a kind of synapses is called in figures."""
        return f"mean {kind} weight"

    def simulate_for_plot(self, rules: BoundSet, seed: int, settings: Settings) -> NetworkRun:
        """Simulate bound rules on one seed, with weights written down every tenth of the learning."""
        return self.simulate(rules, seed, settings, "full", "vm", settings["learning"] / 10.0)

    def simulate(
        self,
        rules: BoundSet,
        seed: int,
        settings: Settings,
        fidelity: str,
        backend: str,
        weights_every: float = 0.0,
    ) -> NetworkRun:
        """Simulate learning and, where the network lives through it, scoring.

        **Arguments:** `weights_every` [s]: how often plastic weights are written down, 0 for never.
        """
        rates, seeds = np.random.SeedSequence([seed, 11]).spawn(2)
        rng = np.random.Generator(np.random.PCG64(rates))
        # A kind of synapses whose rule says that nothing happens is static, and costs no more than that.
        learn = {kind: rules.rules[name] for kind, name in self.plastic.items() if not rules.rules[name].is_still}
        settings = _at(settings, fidelity)
        simulation = Simulation(target_network(learn, settings, rng), seeds, backend)
        weights = list(learn) if weights_every else []
        record = Record(["E", "I"], weights=weights, weights_every=weights_every, synapses=2000)
        learning = simulation.run(settings["learning"], record, limits=LIMITS)
        scoring = (
            simulation.run(settings["scoring"], Record(["E", "I"]), limits=LIMITS) if learning.status == "ok" else None
        )
        return NetworkRun(learning, scoring, simulation)


def target_network(learn: Mapping[str, BoundRule], settings: Settings, rng: np.random.Generator) -> Network:
    """Return the network; smaller ones have fewer afferents, and as many synapses of each neuron.

    **Arguments:** `learn`: rules by kind of synapses (`IE`: from inhibitory to excitatory neurons); kinds without one
    are static. Weights of a rule without an upper bound keep to the one that is drawn.
    """
    excitatory, inhibitory = excitatory_and_inhibitory(settings["neurons"])
    density = _NEURONS / settings["neurons"]
    recurrent, inputs = (FixedProbability(min(1.0, p * density)) for p in (_PROBABILITY, _INPUT_PROBABILITY))
    afferents = round(_AFFERENTS / density)
    cell, drawn = neuron(), float(rng.uniform(*_INPUT_RATES))
    largest = float(np.exp(rng.uniform(*np.log(_LARGEST))))
    rules = {
        kind: replace(rule, bounds=(rule.bounds[0], min(rule.bounds[1], largest))) if rule.bounds[1] == np.inf else rule
        for kind, rule in learn.items()
    }
    return Network(
        [Population("E", excitatory, cell, (-60.0, -50.0)), Population("I", inhibitory, cell, (-60.0, -50.0))],
        [
            Projection("input E", "input", "E", "E", inputs, _INPUT),
            Projection("input I", "input", "I", "E", inputs, _INPUT),
            Projection("EE", "E", "E", "E", recurrent, _EXCITATION, rule=rules.get("EE")),
            Projection("EI", "E", "I", "E", recurrent, _EXCITATION, rule=rules.get("EI")),
            Projection("II", "I", "I", "I", recurrent, _INHIBITION, rule=rules.get("II")),
            Projection("IE", "I", "E", "I", recurrent, (0.0, settings["w_start"]), rule=rules.get("IE")),
        ],
        [Poisson("input", afferents, settings["input_rate"] or drawn)],
        settings["dt"] * 1e-3,
        method="euler",
        damage=damage_of(settings),
    )


def _at(settings: Settings, fidelity: str) -> Settings:
    """Return the settings of a fidelity: a small network in coarse steps for a short time at the cheap one."""
    if fidelity != "screen":
        return settings
    return {
        **settings,
        "neurons": min(_SCREENED, settings["neurons"]),
        "dt": max(settings["dt"], min(_COARSEST, _COARSE * settings["dt"])),
        "learning": settings["learning"] / 3.0,
        "scoring": max(1.0, math.ceil(settings["scoring"] / 2.0)),
    }


def _errors(rates: npt.NDArray[np.float64], target: float, denominator: float = 0.0) -> npt.NDArray[np.float64]:
    """Return what each window costs whose rate is given [Hz]."""
    errors: npt.NDArray[np.float64] = (rates - target) ** 2 / (denominator or rates + 2.0)
    return errors


def published_loss(
    rates: npt.NDArray[np.float64], scored: npt.NDArray[np.float64], stop: float, seconds: float, target: float
) -> float:
    """Return the loss of Confavreux et al. 2025, also of a network that blows up.

    **Arguments:** `rates` of learning and scoring, by the second [Hz], and those `scored`; `stop`: when the simulation
    ended, before the `seconds` that it should take where the network blew up.
    """
    blown = np.flatnonzero((rates < _LIVES[0]) | (rates > _LIVES[1]))
    if blown.size or stop < seconds:
        at = min(stop, float(blown[0]) + 1.0) if blown.size else stop
        return 160.0 * (float(np.exp(-at / seconds)) + 1.0)
    return float(np.mean(_errors(scored, target)))


def _metrics(run: NetworkRun, target: float, seconds: float) -> dict[str, float]:
    metrics: dict[str, float] = {}
    stretches = [run.learning] if run.scoring is None else [run.learning, run.scoring]
    ended = stretches[-1]
    rates = [each.rates("E", 1.0) for each in stretches]
    if ended.status in ("ok", "runaway", "silent"):
        # Stretches are whole steps: a network that lived through them may stand a step before the time.
        stop = seconds if ended.status == "ok" else ended.stop
        metrics["published_loss"] = published_loss(np.concatenate(rates), rates[-1], stop, seconds, target)
    if run.learning.stop >= 1.0:
        times, _ = run.learning.spikes["E"]
        metrics["initial_rate_hz"] = float(np.sum(times < 1.0)) / run.learning.sizes["E"]
    if run.scoring is not None and run.scoring.status == "ok":
        metrics |= {"rate_hz": run.scoring.mean_rate("E"), "rate_i_hz": run.scoring.mean_rate("I")}
        cv = run.scoring.interval_cv("E")
        if np.any(np.isfinite(cv)):
            metrics["cv_isi"] = float(np.nanmean(cv))
    return metrics
