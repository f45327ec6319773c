r"""A neuron that learns from reward alone which patterns of spikes it should answer.

The reward-driven task of Jordan et al. 2021 (doi 10.7554/eLife.66273) and of its public code. In each trial one of 30
frozen patterns is shown to a neuron at rest; the reward is 1 where the neuron fires for a pattern of label 1, or is
silent for one of label -1, else -1. At the end of the trial weights [pA] change by the rule, which reads the
eligibility after Urbanczik & Senn 2009,

$$\tau \dot E = -E + c\, \mathrm{psp} (S - \phi(v)), \qquad \phi(v) = \phi_0\, e^{(v - \theta)/\Delta},$$

with the neuron's spikes S, and running means over 100 trials of the reward, its positive part and its negative part
(itself negative). As in that code the neuron itself fires with a much sharper hazard than $\phi$; here a spike falls
where the hazard since the last one passes an exponentially distributed number, there chance decides in each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.rules.bound import FREE, BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.simulate.damage import generators_of
from rulesearch.simulate.driven.membrane import Membrane
from rulesearch.simulate.driven.rewarded import SYMBOLS, Firing, Patterns, firing_of, learn
from rulesearch.simulate.machine.compiling import announce
from rulesearch.simulate.machine.program import encode
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Setting, Settings, TaskSymbol, damage_of, screened
from rulesearch.tasks.kept_inputs import KeptInputs
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial

Array = npt.NDArray[np.float64]

_INPUTS, _CONNECTED, _WEIGHT = 50, 0.8, 1000.0
_PATTERNS, _RATE, _DURATION = 30, 6.0, 0.5
_DT = 0.1
"""Time step [ms]."""
_MEMBRANE = Membrane(tau=0.01, tau_synapse=0.002, leak=25.0)
_REFRACTORY = 0.002
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
    """What one neuron learns.

    **Fields:** `patterns`; `labels` `(patterns,)`: 1 or -1; `weights` `(connected,)`: those at the start [pA];
    `shown` `(trials,)`: the pattern of each trial; `told` `(trials,)`: the trial whose reward the rule reads;
    `thresholds` `(trials, spikes)` of the cumulated hazard.
    """

    patterns: Patterns
    labels: Array
    weights: Array
    shown: npt.NDArray[np.int64]
    told: npt.NDArray[np.int64]
    thresholds: Array

    @property
    def nbytes(self) -> int:
        """Memory in use [bytes]."""
        arrays = (*self.patterns[:3], self.labels, self.weights, self.shown, self.told, self.thresholds)
        return sum(each.nbytes for each in arrays)


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
    paper_took = "Jordan et al. 2021: 1,000 to 10,000 networks; a few searches at once, 24 to 48 hours of a node"
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
        "shuffled": Setting(
            0, "1: the rule is told the reward of an earlier trial, drawn at random: a control", 0, 1, whole=True
        ),
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
    grammar = "reward-patterns"
    protocol = Protocol(fits_numbers=True, by_trials=True)
    known_rule = "e2l-reward"
    stress = Stress(alone="its rules read an eligibility, which takes both sides, and rewards")

    def network(self, settings: Settings) -> str:
        """Return the size of the neuron, and what a candidate takes at full fidelity."""
        shown = f"{settings['experiments']:g} sequences of {settings['trials']:,.0f} patterns of {_DURATION:g} s"
        return f"one neuron with {settings['inputs']:g} inputs; {shown} a candidate"

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
        """Let neurons learn from reward, one per experiment.

        **Returns:** metrics `fitness`: the sum of rewards over all trials, a mean over experiments.
        """
        rule, trials = rules.only(), int(settings["trials"])
        experiments = screened(settings["experiments"], _SCREENED, fidelity)
        program = encode([rule.slots["on_step"]], SYMBOLS, rule.constant_values())
        announce(learn, "the simulator of rewarded trials", backend)
        sums, done, work = [], 0, 0
        for number in range(experiments):
            experiment = _kept.drawn(draw_experiment, seed, number, settings, _READ)
            inputs = experiment.weights.size
            registers = program.workspace(inputs)
            registers[SYMBOLS.index("w"), :inputs] = experiment.weights
            total, steps, finite = learn(
                program.compiled() if backend == "jit" else program.bytecode,
                registers,
                inputs,
                int(program.segments[0, 2]),
                experiment.patterns,
                experiment.labels,
                experiment.shown,
                experiment.told,
                experiment.thresholds,
                _firing(settings["dt"]),
                (float(rule.eta), float(rule.bounds[0]), float(rule.bounds[1])),
                _REMEMBERED,
            )
            done, work = done + steps, work + steps * inputs
            if not finite:
                return Trial("nonfinite", None, work=work, died_at=done / (trials * experiments))
            sums.append(total)
        cases = tuple(1.0 - total / trials for total in sums)
        return Trial("ok", sum(cases) / len(cases), {"fitness": float(np.mean(sums))}, cases, work)


_kept: KeptInputs[Experiment] = KeptInputs(64)
_READ = ("trials", "inputs", "rate", "shuffled", "dt", "w_start")


def draw_experiment(seed: int, number: int, settings: Settings) -> Experiment:
    """Draw patterns, labels, first weights, the pattern of each trial, and what decides of spikes."""
    seeds = np.random.SeedSequence([seed, 305, number])
    generator = np.random.default_rng(seeds)
    inputs, trials, firing = int(settings["inputs"]), int(settings["trials"]), _firing(settings["dt"])
    length = _length(settings["dt"])
    connected = generator.random(inputs) < _CONNECTED
    weights = generator.normal(0.0, settings["w_start"], inputs)
    damage = damage_of(settings)
    if damage:
        missing, noise = generators_of(seeds)
        connected &= damage.there(inputs, missing)
        weights = weights * damage.factors(inputs, noise)
    patterns = _draw_patterns(generator, int(connected.sum()), settings["rate"], length)
    labels = generator.choice([-1.0, 1.0], _PATTERNS)
    shown = generator.integers(_PATTERNS, size=trials)
    thresholds = generator.exponential(size=(trials, length // (firing.refractory + 1) + 2))
    told = np.arange(trials)
    if settings["shuffled"]:
        told[1:] = generator.integers(np.arange(1, trials))
    return Experiment(patterns, labels, weights[connected], shown, told, thresholds)


def _draw_patterns(generator: np.random.Generator, inputs: int, rate: float, length: int) -> Patterns:
    """Draw Poisson spikes of a rate [Hz] at times that are spread evenly over a pattern."""
    counts = generator.poisson(rate * _DURATION, (_PATTERNS, inputs))
    pattern, unit = np.divmod(np.repeat(np.arange(_PATTERNS * inputs), counts.ravel()), inputs)
    steps = generator.integers(0, length, pattern.size)
    order = np.lexsort((unit, steps, pattern))
    starts = np.concatenate(([0], np.cumsum(counts.sum(1))))
    return Patterns(starts, steps[order], unit[order], length)


@cache
def _firing(dt: float) -> Firing:
    """Return what the neuron does in steps of `dt` [ms]."""
    return firing_of(
        dt * 1e-3,
        _length(dt),
        _MEMBRANE,
        _THRESHOLD - _REST,
        (_HAZARD, _WIDTH),
        (_EXPECTED, _EXPECTED_WIDTH),
        _REFRACTORY,
        _MEMORY,
        _SCALE,
    )


def _length(dt: float) -> int:
    """Return the number of steps [ms] of a pattern."""
    return round(1e3 * _DURATION / dt)
