r"""Plastic inhibition brings a neuron to a target rate and copies the tuning of its excitation.

1000 afferents, 800 excitatory and 200 inhibitory, form 8 groups of 100 + 25 that share a fluctuating rate each:
background plus a rectified Ornstein-Uhlenbeck signal (tau 50 ms). Excitatory weights are tuned,
$w_g = 0.3 + 1.1/(1 + (g - 5)^4) + U(0, 0.1)$ for group g = 1 ... 8, and static; inhibitory ones start at 0.1 and learn.
In the last part of learning the learning rate falls to 0, since weights that are frozen in the middle of their
fluctuations give a rate that scatters by 1 Hz. With frozen weights the mean rate r is then compared with the
target: loss $(r - \rho)^2/(\rho + 2)$.
Set-up of Vogels et al. 2011 (ModelDB 143751); the search for such rules is that of Confavreux et al. 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import BoundRule, BoundSet
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.codes import Limits
from rulesearch.simulate.driven.neuron import CELL, PLASTIC, simulate_spiking
from rulesearch.simulate.network.neurons import Neuron, Receptor
from rulesearch.simulate.network.recording import Recording
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Requirement, Setting, Settings, TaskSymbol, damage_of
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.spike_task import TRACES, SpikeTask
from rulesearch.tasks.trial import Activity, TimeCourse, Trial
from rulesearch.tasks.tuned_input import GROUPS, TunedInput, prepare


@dataclass(frozen=True, slots=True)
class _Pace:
    """Shares of the set times of learning and scoring, and what multiplies the learning rate."""

    learning: float
    scoring: float
    speed: float


_PACES = {"screen": _Pace(0.25, 0.4, 4.0), "full": _Pace(1.0, 1.0, 1.0)}
_SEEN_SECONDS = 40.0
_SILENT_INTERVALS = 50.0
"""A neuron that misses so many spikes of the target rate in a row (and is silent for 10 s) has fallen silent."""

_HIGHEST_RATE = 195.0
"""With a refractory time of 5 ms at most 200 Hz are possible, and 120 to 130 without inhibition."""

_LARGEST_WEIGHT, _STUCK = 1e4, 10.0
_EXCITATION, _INHIBITION = 0.014, 0.035
"""What a spike of 1000 afferents adds to a conductance, in units of the leak, where its weight is 1."""

CALIBRATED_ALPHA = 0.228
"""Constant of the Vogels rule that gives 5 Hz on this input; 2 rho tau = 0.2 is exact for uncorrelated input only."""


@dataclass(frozen=True, slots=True)
class InhibitoryRateRun:
    """What one simulation did, for plots.

    **Fields:** `status`; `time` and `rate`: ends of windows of one second [s] and the rate in each [Hz];
    `weight_time` [s] and `group_weights` `(times, groups)`: mean inhibitory weight of each group;
    `excitatory` and `inhibitory` `(groups,)`: mean weights at the end; `spikes` [s]; `learning` [s]: when the weights
    were frozen; `target` [Hz].
    """

    status: str
    time: npt.NDArray[np.float64]
    rate: npt.NDArray[np.float64]
    weight_time: npt.NDArray[np.float64]
    group_weights: npt.NDArray[np.float64]
    excitatory: npt.NDArray[np.float64]
    inhibitory: npt.NDArray[np.float64]
    spikes: npt.NDArray[np.float64]
    learning: float
    target: float


class InhibitoryRate(SpikeTask):
    """A spiking neuron under tuned excitation, whose inhibitory synapses find its target rate."""

    name: ClassVar[str] = "inhibitory-rate"
    title: ClassVar[str] = "inhibitory plasticity to a target rate"
    summary: ClassVar[str] = (
        "A leaky integrate-and-fire neuron receives tuned excitation and plastic inhibition; after learning it must "
        "fire at the target rate, with inhibition tuned like the excitation."
    )
    reference: ClassVar[str] = (
        "Confavreux, B., Zenke, F., Agnes, E. J., Lillicrap, T. & Vogels, T. P. (2020). A meta-learning approach to "
        "(re)discover plasticity rules that carve a desired function into a neural network. NeurIPS 33."
    )
    doi: ClassVar[str] = "10.1101/2020.10.24.353409"
    bibtex: ClassVar[str] = (
        "@inproceedings{confavreux2020,\n"
        "  author = {Confavreux, Basile and Zenke, Friedemann and Agnes, Everton J. and Lillicrap, Timothy and "
        "Vogels, Tim P.},\n"
        "  title = {A meta-learning approach to (re)discover plasticity rules that carve a desired function into a "
        "neural network},\n"
        "  booktitle = {Advances in Neural Information Processing Systems},\n"
        "  volume = {33},\n"
        "  pages = {16398--16408},\n"
        "  year = {2020}\n"
        "}"
    )
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        **TRACES,
        "w": TaskSymbol("weight of the inhibitory synapse, a magnitude"),
        "w_mean": TaskSymbol("mean weight of the neuron's inhibitory synapses"),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(0.002, "learning rate of rules that give none", 1e-6, 1.0),
        "target": Setting(5.0, "target rate", 0.5, 100.0, unit="Hz"),
        "ou_sd": Setting(200.0, "s.d. of the groups' signals before they are rectified", 0.0, 2000.0, unit="Hz"),
        "background": Setting(5.0, "background rate of each afferent", 0.0, 200.0, unit="Hz"),
        "w_max": Setting(5.0, "upper bound of weights of rules that give no bounds", 0.1, 1000.0),
        "w_start": Setting(0.1, "inhibitory weights at the start", 0.0, 1000.0),
        "learning": Setting(250.0, "time of learning", 2.0, 3600.0, unit="s"),
        "settling": Setting(100.0, "last part of learning, where the learning rate falls to 0", 0.0, 3600.0, unit="s"),
        "scoring": Setting(100.0, "time of scoring, with weights frozen", 2.0, 3600.0, unit="s"),
        "afferents": Setting(1000.0, "afferents, a multiple of 40; gains scale with 1/afferents", 40, 20000, True),
        "dt": Setting(0.1, "time step", 0.01, 1.0, unit="ms"),
        **DAMAGE,
    }
    fidelities: ClassVar[tuple[Fidelity, ...]] = (
        Fidelity(
            "screen",
            1,
            "one seed, a quarter of the learning at 4 times the learning rate, 0.4 of the scoring",
            by_luck=True,
        ),
        Fidelity(
            "full",
            5,
            "five seeds, each with another input: as set, weak signals, strong signals, little background, much",
            ({}, {"ou_sd": 50.0}, {"ou_sd": 400.0}, {"background": 2.0}, {"background": 10.0}),
        ),
    )
    requirements: ClassVar[tuple[Requirement, ...]] = (Requirement("tuning_r", 0.95),)
    bounds: ClassVar[tuple[float, float]] = (0.0, 5.0)
    inhibitory: ClassVar[tuple[str, ...]] = ("w",)
    grammar: ClassVar[str] = "spiking"
    known_rule: ClassVar[str] = "vogels"
    reached: ClassVar[str] = "8 of 10 searches, all 10 within 0.5 Hz; 2 of 10 random ones"
    paper_took: ClassVar[str] = (
        "Confavreux et al. 2020: no number of simulations is in what is public; Vogels et al. 2011 simulated this "
        "neuron for 150 s"
    )
    protocol: ClassVar[Protocol] = Protocol(
        aims=("rate_loss", "tuning_error"),
        tolerance=0.006,  # a mean rate that is off by 0.2 Hz; the rate of one trial scatters by 0.4 Hz
        finalists=6,
        front_trials=40,
        calibrated=3,
        report_trials=20,
        condition_trials=5,
        evidence_rules=3,
        evidence_seeds=2,
    )

    stress: ClassVar[Stress] = Stress(
        start=({"w_start": 0.0}, {"w_start": 1.0}),
        inputs=({"ou_sd": 100.0}, {"ou_sd": 300.0}, {"background": 2.0}, {"background": 10.0}),
    )

    def default_bounds(self, settings: Settings) -> tuple[float, float]:
        """Return 0 and the setting `w_max`."""
        return 0.0, settings["w_max"]

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check that the afferents can be divided into the groups, and that settling is a part of learning.

        **Raises:** `RulesearchError`.
        """
        if "settling" not in given:
            values["settling"] = min(values["settling"], 0.4 * values["learning"])
        elif values["settling"] > values["learning"]:
            raise RulesearchError(
                f"setting settling of task {self.name} is a part of learning ({values['learning']:g} s), "
                f"found {values['settling']:g}"
            )
        if values["afferents"] % 40:
            raise RulesearchError(
                f"setting afferents of task {self.name} must be a multiple of 40, found {values['afferents']:g}"
            )
        return values

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let bound rules learn on the input of one seed, freeze them, and score the rate.

        **Returns:** metrics, as far as they can be computed: `rate_hz` over scoring, `rate_loss` of it (the loss);
        `tuning_r`, the correlation over the 8 groups of mean excitatory and mean final inhibitory weight (0 where
        either does not vary), and `tuning_error`, 1 minus it; `initial_rate_hz` over the first second, already
        learning; `w_mean` at the end; `cv_isi` over scoring.
        """
        run = _simulate(rules.only(), seed, settings, _PACES[fidelity], backend)
        status, work = run.recording.status, run.recording.work
        metrics = _metrics(run, settings["target"])
        if status != "ok":
            return Trial(status, None, metrics, (), work, run.steps / run.tuned.plastic.steps)
        return Trial(status, metrics["rate_loss"], metrics, (metrics["rate_loss"],), work)

    def network(self, settings: Settings) -> str:
        """Return the number of neurons and afferents, and the time that a candidate takes at full fidelity."""
        trials, seconds = self.fidelities[-1].trials, self.duration(settings, "full")
        afferents = f"{settings['afferents']:,.0f} afferents, a fifth of them inhibitory"
        return f"one neuron with {afferents}; {trials} simulations of {seconds:g} s a candidate"

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time of learning and scoring [s]."""
        pace = _PACES[fidelity]
        return pace.learning * settings["learning"] + pace.scoring * settings["scoring"]

    def activity(self, rules: BoundSet, seed: int, settings: Settings) -> Activity:
        """Return the spikes of two afferents of each group and of the neuron in the first seconds of learning."""
        run = _simulate(rules.only(), seed, settings, _PACES["full"], "vm", weights_every=1.0)
        end = min(run.learning, _SEEN_SECONDS)
        post, trains = run.spikes[run.spikes < end], run.tuned.plastic
        times = np.repeat(np.arange(trains.steps), np.diff(trains.offsets)) * run.dt
        chosen = np.arange(0, trains.afferents, max(1, trains.afferents // (2 * GROUPS)))[: 2 * GROUPS]
        spikes = tuple((times[(times < end) & (trains.indices == k)], post) for k in chosen)
        before = (settings["w_start"],) * len(spikes)
        return Activity({}, spikes, before, run.recording.weight_times, run.recording.weights[PLASTIC][:, chosen])

    def courses(self, rules: BoundSet, seed: int, settings: Settings) -> tuple[TimeCourse, ...]:
        """Return the neuron's rate in windows of a second and the mean plastic weight, first while weights learn."""
        run = simulate_for_plot(rules, seed, settings)
        return (
            TimeCourse("firing rate [Hz]", run.time, run.rate, run.target),
            TimeCourse("mean inhibitory weight", run.weight_time, run.group_weights.mean(axis=1)),
        )

    def report_conditions(self) -> tuple[Mapping[str, float], ...]:
        """Return weaker and stronger signals, and less and more background, each alone."""
        return (
            {"ou_sd": 50.0},
            {"ou_sd": 100.0},
            {"ou_sd": 300.0},
            {"ou_sd": 400.0},
            {"background": 2.0},
            {"background": 10.0},
        )

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the rule of Vogels et al. 2011, alpha calibrated at 5 Hz on this input and scaled with the target."""
        return vogels(CALIBRATED_ALPHA * (settings["target"] / 5.0))

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the calibrated rule, two other values of alpha, and the control."""
        return {
            self.known_rule: self.baseline(settings),
            "vogels, alpha = 0.20": vogels(0.20),
            "vogels, alpha = 0.25": vogels(0.25),
            "control": self.control(settings),
        }

    def control(self, settings: Settings) -> RuleSet:
        """Return a rule that finds about the rate, but no tuning: it ignores which synapses are active together."""
        return RuleSet(parse_rules("on_pre: -0.05; on_post: 0.5").rules, "rate control without tuning")


def vogels(alpha: float) -> RuleSet:
    """Return the rule of Vogels et al. 2011 with the given alpha and time constants of 20 ms."""
    text = "on_pre: y - alpha; on_post: x; alpha = 1; tau_x = 20 ms; tau_y = 20 ms"
    return RuleSet.single(parse_rules(text).only().with_constants({"alpha": alpha}))


def neuron(excitation: float = 1.0, inhibition: float = 1.0) -> Neuron:
    """Return the neuron of Vogels et al. 2011, weights times these factors in units of the leak."""
    receptors = {"E": Receptor(0.005, 0.0, share=excitation), "I": Receptor(0.01, -80.0, share=inhibition)}
    return Neuron(receptors, leak=1.0)


def simulate_for_plot(rules: BoundSet, seed: int, settings: Settings) -> InhibitoryRateRun:
    """Simulate bound rules on one seed at full fidelity and return what a figure of it needs."""
    run = _simulate(rules.only(), seed, settings, _PACES["full"], "vm", weights_every=1.0)
    rate = run.recording.rates(CELL, 1.0)
    weights = run.recording.weights[PLASTIC]
    return InhibitoryRateRun(
        run.recording.status,
        np.arange(1.0, rate.size + 1.0),
        rate,
        run.recording.weight_times,
        run.tuned.by_group(weights),
        run.tuned.group_weights,
        run.group_weights,
        run.spikes,
        run.learning,
        settings["target"],
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """A simulation: its input, what was recorded, the weights at its end, the time of learning and the step [s]."""

    tuned: TunedInput
    recording: Recording
    weights: npt.NDArray[np.float64]
    learning: float
    dt: float

    @property
    def steps(self) -> int:
        """Steps done."""
        return round(self.recording.stop / self.dt)

    @property
    def spikes(self) -> npt.NDArray[np.float64]:
        """Times of the neuron's spikes [s]."""
        return self.recording.spikes[CELL][0]

    @property
    def group_weights(self) -> npt.NDArray[np.float64]:
        """Mean weight of each group at the end."""
        return self.tuned.by_group(self.weights)


def _simulate(
    rule: BoundRule, seed: int, settings: Settings, pace: _Pace, backend: str, weights_every: float = 0.0
) -> _Run:
    dt, afferents = settings["dt"] * 1e-3, int(settings["afferents"])
    learning, scoring = pace.learning * settings["learning"], pace.scoring * settings["scoring"]
    damage, start = damage_of(settings), settings["w_start"]
    tuned = prepare(seed, settings["ou_sd"], settings["background"], learning + scoring, dt, afferents, damage)
    first = np.clip(start * tuned.factors, *rule.bounds) if damage else np.full(tuned.plastic.afferents, start)
    scale = 1000.0 / afferents
    silent = max(10.0, _SILENT_INTERVALS / settings["target"])
    recording, weights = simulate_spiking(
        neuron(_EXCITATION * scale, _INHIBITION * scale),
        replace(rule, eta=rule.eta * pace.speed),
        tuned.excitation,
        tuned.plastic,
        first,
        dt,
        learning,
        Limits(rate=_HIGHEST_RATE, silent=silent, weight=_LARGEST_WEIGHT),
        _STUCK,
        pace.learning * settings["settling"],
        weights_every,
        backend,
    )
    return _Run(tuned, recording, weights, learning, dt)


def _metrics(run: _Run, target: float) -> dict[str, float]:
    metrics: dict[str, float] = {}
    # Stretches of time are compared in whole steps, in which their ends are exact.
    spikes = np.rint(run.spikes / run.dt)
    if run.recording.stop >= 1.0:
        metrics["initial_rate_hz"] = float(np.sum(spikes < round(1.0 / run.dt)))
    if run.steps == run.tuned.plastic.steps:
        scored = spikes[spikes >= round(run.learning / run.dt)]
        rate = scored.size / (run.recording.stop - run.learning)
        metrics["rate_hz"] = rate
        metrics["rate_loss"] = (rate - target) ** 2 / (target + 2.0)
        intervals = np.diff(scored)
        if intervals.size > 1:
            metrics["cv_isi"] = float(intervals.std() / intervals.mean())
    if np.all(np.isfinite(run.weights)):
        r = _correlation(run.tuned.group_weights, run.group_weights)
        metrics |= {"w_mean": float(run.weights.mean()), "tuning_r": r, "tuning_error": 1.0 - r}
    return metrics


def _correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 else 0.0
