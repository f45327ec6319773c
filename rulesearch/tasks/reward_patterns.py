r"""A neuron that learns from reward alone which patterns of spikes it should answer.

The reward-driven task of Jordan et al. 2021 (doi 10.7554/eLife.66273) and of its public code. In each trial one of 30
frozen patterns is shown to a neuron at rest; the reward is 1 where the neuron fires for a pattern of label 1, or is
silent for one of label -1, else -1. At the end of the trial weights [pA] change by the rule, which reads the
eligibility after Urbanczik & Senn 2009,

$$\tau \dot E = -E + c\, \mathrm{psp} (S - \phi(v)), \qquad \phi(v) = \phi_0\, e^{(v - \theta)/\Delta},$$

with the neuron's spikes S, and running means over 100 trials of the reward, its positive part and its negative part
(itself negative). As in that code the neuron itself fires with a much sharper hazard than $\phi$.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.rules.bound import FREE, BoundRule, BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.simulate.damage import generators_of
from rulesearch.simulate.machine.kernel import compiled
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Setting, Settings, TaskSymbol, damage_of, screened
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial

Array = npt.NDArray[np.float64]

_INPUTS, _CONNECTED, _WEIGHT = 50, 0.8, 1000.0
_PATTERNS, _RATE, _DURATION = 30, 6.0, 0.5
_DT = 0.1
"""Time step [ms]."""
_SYNAPSE, _MEMBRANE, _LEAK, _REFRACTORY = 0.002, 0.01, 25.0, 0.002
_REST, _THRESHOLD = -70.0, -55.0
_HAZARD, _WIDTH = 0.01, 0.2
"""Hazard of the neuron at the threshold [Hz], and its width [mV]."""
_EXPECTED, _EXPECTED_WIDTH = 10.0, 5.0
"""The same of the hazard phi that the eligibility expects."""
_MEMORY, _SCALE = 0.5, 2000.0
"""Time constant of the eligibility [s]; c [pA s/mV]: 1e9 h/Delta in the code, whose time step h is 1e-5 s."""
_REMEMBERED = 100.0
_PAPER = known_rule("e2l-reward")
_SCREENED = 0.2


@dataclass(frozen=True, slots=True)
class Experiment:
    """Patterns and labels that one neuron learns, and its first weights.

    **Fields:** `spikes` `(patterns, steps, inputs)`: numbers of spikes; `potentials`, the same shape: postsynaptic
    potentials per weight [mV/pA]; `labels` `(patterns,)`: 1 or -1; `weights` `(inputs,)` [pA], 0 where unconnected;
    `connected` `(inputs,)`.
    """

    spikes: Array
    potentials: Array
    labels: Array
    weights: Array
    connected: npt.NDArray[np.bool_]


class RewardPatterns(Task):
    """Answer the patterns of label 1, and no others, as often as there is reward for it.

    The loss is 1 less the mean reward: 0 where every answer is right, 1 by chance, 2 where every one is wrong. Each
    experiment is a case.
    """

    name = "reward-patterns"
    title = "patterns learnt from reward"
    summary = (
        "A spiking neuron is shown one of 30 frozen patterns in each trial and rewarded where it fires for a pattern "
        "of one label or is silent for one of the other; it must collect as much reward as it can."
    )
    reference = _PAPER.reference
    doi = _PAPER.doi
    bibtex = _PAPER.bibtex
    slots = ("on_step",)
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        "R": TaskSymbol("reward of the trial, 1 or -1"),
        "R_bar": TaskSymbol("running mean of the reward over 100 trials"),
        "R_bar_plus": TaskSymbol("running mean of the positive part of the reward"),
        "R_bar_minus": TaskSymbol("running mean of the negative part of the reward, itself negative"),
        "E": TaskSymbol("eligibility of the synapse at the end of the trial"),
        "w": TaskSymbol("weight of the synapse in pA; it may be negative"),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(10.0, "learning rate of rules that give none", 1e-6, 1e6),
        "experiments": Setting(10, "neurons of a seed, each with patterns of its own", 1, 1000, whole=True),
        "trials": Setting(500, "trials of each experiment", 1, 1e6, whole=True),
        "inputs": Setting(_INPUTS, "inputs of a neuron, four in five of which reach it", 1, 1000, whole=True),
        "rate": Setting(_RATE, "rate of the inputs in a pattern", 0.1, 200.0, unit="Hz"),
        "dt": Setting(_DT, "time step", 0.01, 0.5, unit="ms"),
        "w_start": Setting(_WEIGHT, "s.d. of the weights at the start", 0.0, 1e6, unit="pA"),
        **DAMAGE,
    }
    fidelities = (
        Fidelity("screen", 1, "one seed, a fifth of the experiments"),
        Fidelity("full", 1, "all experiments of one seed"),
    )
    clock = "steps"
    stateless = True
    bounds = FREE
    grammar = ""
    known_rule = "e2l-reward"
    stress = Stress(alone="its rules read an eligibility, which takes both sides, and rewards")

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the number of trials, over all experiments."""
        return settings["trials"] * screened(settings["experiments"], _SCREENED, fidelity)

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the best rule of the paper."""
        return _PAPER.rules

    def control(self, settings: Settings) -> RuleSet:
        """Return a rule that learns nothing."""
        return self.parse("0*E")

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the best rule of the paper, that of Urbanczik & Senn 2009 as the paper writes it, and the control."""
        known = {self.known_rule: self.baseline(settings), "(R - 1)*E": self.parse("(R - 1)*E")}
        return {**known, "control": self.control(settings)}

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let neurons learn from reward, one per experiment; rules are computed by NumPy on either backend.

        **Returns:** metrics `fitness`: the sum of rewards over all trials, a mean over experiments.
        """
        rule, trials, inputs = rules.only(), int(settings["trials"]), int(settings["inputs"])
        experiments = screened(settings["experiments"], _SCREENED, fidelity)
        sums, done = [], 0
        for child in np.random.SeedSequence([seed, 305]).spawn(experiments):
            generator = np.random.default_rng(child)
            experiment = draw_experiment(generator, inputs, settings["rate"], settings["w_start"], settings["dt"])
            damaged = _damaged(experiment, settings, child)
            total, steps = _learn(rule, damaged, trials, generator)
            done += steps
            if total is None:
                return Trial("nonfinite", None, work=done * inputs, died_at=done / (trials * experiments))
            sums.append(total)
        cases = tuple(1.0 - total / trials for total in sums)
        return Trial("ok", sum(cases) / len(cases), {"fitness": float(np.mean(sums))}, cases, done * inputs)


def draw_experiment(
    generator: np.random.Generator, inputs: int = _INPUTS, rate: float = _RATE, spread: float = _WEIGHT, dt: float = _DT
) -> Experiment:
    """Draw patterns, labels and first weights.

    **Arguments:** `rate` of the inputs [Hz]; `spread`: s.d. of the weights [pA]; `dt` [ms].
    """
    steps = round(1e3 * _DURATION / dt)
    counts = generator.poisson(rate * _DURATION, (_PATTERNS, inputs))
    spikes = np.zeros((_PATTERNS, steps, inputs))
    pattern, unit = np.divmod(np.repeat(np.arange(_PATTERNS * inputs), counts.ravel()), inputs)
    np.add.at(spikes, (pattern, generator.integers(0, steps, pattern.size), unit), 1.0)
    connected = generator.random(inputs) < _CONNECTED
    weights = np.where(connected, generator.normal(0.0, spread, inputs), 0.0)
    labels = generator.choice([-1.0, 1.0], _PATTERNS)
    return Experiment(spikes, _potentials(spikes), labels, weights, connected)


def _damaged(experiment: Experiment, settings: Settings, seeds: np.random.SeedSequence) -> Experiment:
    """Return an experiment with synapses damaged as the settings ask, which is drawn from a child of the seeds."""
    damage, inputs = damage_of(settings), experiment.weights.size
    if not damage:
        return experiment
    missing, noise = generators_of(seeds)
    connected = experiment.connected & damage.there(inputs, missing)
    weights = np.where(connected, experiment.weights * damage.factors(inputs, noise), 0.0)
    return replace(experiment, weights=weights, connected=connected)


def _potentials(spikes: Array) -> Array:
    """Return the potential of every synapse per weight at the end of each step, without any reset."""
    found = np.zeros(spikes.shape)
    current, potential = np.zeros((2, _PATTERNS, spikes.shape[2]))
    steps = spikes.shape[1]
    membrane, synapse, rise = _moves(_DURATION / steps)
    for step in range(steps):
        potential = potential * membrane + current * rise
        current = current * synapse + spikes[:, step]
        found[:, step] = potential
    return found


def _moves(dt: float) -> tuple[float, float, float]:
    """Return what a step [s] leaves of a potential and of a synaptic current, and the potential per current [mV/pA]."""
    membrane, synapse = math.exp(-dt / _MEMBRANE), math.exp(-dt / _SYNAPSE)
    return membrane, synapse, (membrane - synapse) * _SYNAPSE / (_LEAK * (_MEMBRANE - _SYNAPSE))


def _learn(
    rule: BoundRule, experiment: Experiment, trials: int, generator: np.random.Generator
) -> tuple[float | None, int]:
    """Return the sum of rewards, None where a weight was not finite any more, and the number of trials."""
    weights = experiment.weights.copy()
    constants = rule.constant_values()
    steps = int(experiment.spikes.shape[1])
    age = np.exp(-_DURATION / steps * np.arange(steps - 1, -1, -1) / _MEMORY) * _SCALE / _MEMORY
    bar, plus, minus, total = 0.0, 0.0, 0.0, 0.0
    for trial in range(trials):
        shown = int(generator.integers(_PATTERNS))
        surprise, spikes = _fire(experiment.spikes[shown] @ weights, generator.random(steps))
        reward = experiment.labels[shown] * (1.0 if spikes > 0 else -1.0)
        total += reward
        known: dict[str, Any] = {
            **constants,
            "R": reward,
            "R_bar": bar,
            "R_bar_plus": plus,
            "R_bar_minus": minus,
            "w": weights,
        }
        with np.errstate(all="ignore"):
            known["E"] = (age * surprise) @ experiment.potentials[shown]
            change = rule.eta * np.asarray(rule.slots["on_step"].evaluate(known), dtype=np.float64)
        weights = np.where(experiment.connected, np.clip(weights + change, *rule.bounds), 0.0)
        if not np.all(np.isfinite(weights)):
            return None, trial + 1
        bar += (reward - bar) / _REMEMBERED
        plus += (max(reward, 0.0) - plus) / _REMEMBERED
        minus += (min(reward, 0.0) - minus) / _REMEMBERED
    return float(total), trials


def _fire(drive: Array, draws: Array) -> tuple[Array, int]:
    """Return, per step, spikes less those that phi expects, and the number of spikes."""
    dt = _DURATION / drive.size
    found: tuple[Array, int] = _fire_compiled(drive, draws, dt, _moves(dt))
    return found


@compiled(nogil=True, error_model="numpy")
def _fire_compiled(drive: Any, draws: Any, dt: float, moves: Any) -> Any:
    surprise = np.empty(drive.size)
    current, v, resting, spikes = 0.0, 0.0, 0, 0
    top = _THRESHOLD - _REST
    membrane, synapse, rise = moves
    for step in range(drive.size):
        if resting > 0:
            resting -= 1
        else:
            v = v * membrane + current * rise
        current = current * synapse + drive[step]
        surprise[step] = -_EXPECTED * math.exp((v - top) / _EXPECTED_WIDTH) * dt
        if draws[step] < _HAZARD * math.exp((v - top) / _WIDTH) * dt:
            surprise[step] += 1.0
            spikes += 1
            v = 0.0
            resting = round(_REFRACTORY / dt)
    return surprise, spikes
