"""A neuron that finds a frozen pattern of spikes which returns among random ones.

The correlation-driven task of Jordan et al. 2021 (doi 10.7554/eLife.66273) and of its public code, after Masquelier,
Guyonneau & Thorpe 2008. A pattern of 100 ms comes back every 500 ms; afferents that fire in it fire less between, so
that rates tell nothing of it. After learning the weights are frozen, and the neuron does not fire any more: the
signal to noise ratio is the highest potential of each pattern less the mean between patterns, over the standard
deviation between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import BoundRule, BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.simulate.damage import generators_of
from rulesearch.simulate.driven.inputs import SpikeTrain
from rulesearch.simulate.driven.neuron import simulate_spiking
from rulesearch.simulate.network.neurons import Neuron, Receptor
from rulesearch.simulate.network.sources import FrozenPatterns
from rulesearch.tasks.conditions import Stress, Times
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Setting, Settings, TaskSymbol, damage_of, screened
from rulesearch.tasks.kept_inputs import KeptInputs
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.spike_task import TRACES, SpikeTask
from rulesearch.tasks.trial import Trial

Array = npt.NDArray[np.float64]

_AFFERENTS = 1000.0
_PATTERN, _PERIOD = 0.1, 0.5
_THRESHOLD, _MEMBRANE, _REFRACTORY = 20.0, 0.018, 0.002
_DELAY = 0.001
"""From a synapse to the membrane, and from a spike back to the synapse [s]."""
_FOUND = 10.0
_PAPER = known_rule("e2l-correlation")
_SCREENED = 0.25


@dataclass(frozen=True, slots=True)
class _Experiment:
    """What became of one neuron: `ratio` of signal to noise (None unless `ok`), counted `work`, and time `stop` [s]."""

    status: str
    ratio: float | None
    work: int
    stop: float


class CorrelationPattern(SpikeTask):
    """Stand out from the background whenever the pattern returns.

    The loss is the share of noise, 1/(1 + signal/noise), as a mean over experiments, each of which is a case; 1 where
    the pattern excites no more than the background does.
    """

    name = "correlation-pattern"
    title = "a spike pattern that returns"
    summary = (
        "A spiking neuron receives 1000 random spike trains among which a frozen pattern of 100 ms returns every "
        "500 ms; its weights must come to single that pattern out."
    )
    reference = _PAPER.reference
    doi = _PAPER.doi
    bibtex = _PAPER.bibtex
    paper_took = "Jordan et al. 2021: 1,000 to 10,000 networks; a few searches at once, 24 to 48 hours of a node"
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        **TRACES,
        "w": TaskSymbol("weight of the synapse in mV, at least 0, taken as a pure number"),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(0.01, "learning rate of rules that give none", 1e-6, 10.0),
        "experiments": Setting(8, "neurons of a seed, each with a pattern of its own", 1, 1000, whole=True),
        "seconds": Setting(100.0, "time of learning", 0.5, 36_000.0, unit="s"),
        "test_seconds": Setting(11.0, "time of looking at potentials, with frozen weights", 0.5, 3600.0, unit="s"),
        "afferents": Setting(_AFFERENTS, "afferents; jumps of the potential scale with 1/afferents", 10, 20_000, True),
        "rate": Setting(3.0, "rate of the afferents between patterns and in them, as a mean", 2.5, 50.0, unit="Hz"),
        "thinned": Setting(
            1,
            "1: afferents of the pattern fire less between patterns, so that rates tell nothing; 0: as the others do",
            0,
            1,
            whole=True,
        ),
        "absent": Setting(
            0, "1: the pattern is absent while the neuron learns, and shown afterwards: a control", 0, 1, whole=True
        ),
        "w_start": Setting(0.5, "weights at the start", 0.0, 1.0, unit="mV"),
        "dt": Setting(0.1, "time step", 0.01, 0.5, unit="ms"),
        **DAMAGE,
    }
    fidelities = (
        Fidelity("screen", 1, "one seed, a quarter of the experiments"),
        Fidelity("full", 1, "all experiments of one seed"),
    )
    bounds = (0.0, 1.0)
    grammar = "correlation-pattern"
    protocol = Protocol(fits_numbers=True, by_trials=True)
    known_rule = "e2l-correlation"
    stress = Stress(inputs=({"rate": Times(2.0)},))

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check that the pattern is shown to its end.

        **Raises:** `RulesearchError`.
        """
        for name in ("seconds", "test_seconds"):
            if abs(values[name] / _PERIOD - round(values[name] / _PERIOD)) > 1e-9:
                raise RulesearchError(
                    f"setting {name} of task {self.name} must be a multiple of {_PERIOD:g} s, in which the pattern "
                    f"returns, found {values[name]:g}"
                )
        return values

    def network(self, settings: Settings) -> str:
        """Return the size of the neuron, and what a candidate takes at full fidelity."""
        seconds = settings["seconds"] + settings["test_seconds"]
        simulated = f"{settings['experiments']:g} simulations of {seconds:g} s"
        return f"one neuron with {settings['afferents']:,.0f} afferents; {simulated} a candidate"

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time of learning and looking, over all experiments [s]."""
        return (settings["seconds"] + settings["test_seconds"]) * screened(settings["experiments"], _SCREENED, fidelity)

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the best rule of the paper."""
        return _PAPER.rules

    def control(self, settings: Settings) -> RuleSet:
        """Return the rule of a poor run of the paper."""
        return self.parse("on_pre: 10 - 100*y/w; on_post: w/x; bounds = [0, 1]")

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let neurons learn and look at their potentials with frozen weights, one per experiment.

        **Returns:** metrics `fitness`: the least ratio of signal to noise of the experiments, which the paper's search
        went by; `signal_to_noise`: their mean; `share_found`: of experiments with a ratio above 10, the bar of that
        search. A neuron whose potential does not move any more is silent.
        """
        experiments, work = screened(settings["experiments"], _SCREENED, fidelity), 0
        seconds = settings["seconds"] + settings["test_seconds"]
        ratios = []
        for number in range(experiments):
            found = _experiment(rules.only(), settings, seed, number, backend)
            work += found.work
            if found.ratio is None:
                return Trial(found.status, None, work=work, died_at=(number + found.stop / seconds) / experiments)
            ratios.append(found.ratio)
        cases = tuple(1.0 / (1.0 + max(0.0, ratio)) for ratio in ratios)
        metrics = {
            "fitness": min(ratios),
            "signal_to_noise": float(np.mean(ratios)),
            "share_found": float(np.mean(np.array(ratios) > _FOUND)),
        }
        return Trial("ok", sum(cases) / len(cases), metrics, cases, work)


def _experiment(rule: BoundRule, settings: Settings, seed: int, number: int, backend: str) -> _Experiment:
    given = _kept.drawn(draw_inputs, seed, number, settings, _READ)
    dt, seconds, test_seconds = settings["dt"] * 1e-3, settings["seconds"], settings["test_seconds"]
    share = _AFFERENTS / settings["afferents"]
    jump = Receptor(0.0, share=share)
    cell = Neuron(
        {"jump": jump}, rest=0.0, threshold=_THRESHOLD, reset=0.0, tau_membrane=_MEMBRANE, refractory=_REFRACTORY
    )
    start = np.clip(settings["w_start"] * given.factors, *rule.bounds)
    nothing = np.zeros(given.learning.steps, dtype=np.float32)
    learnt, weights = simulate_spiking(
        cell, rule, nothing, given.learning, start, dt, seconds, backend=backend, delays=(_DELAY, _DELAY)
    )
    # With all weights at a bound the pattern may still stand out.
    if learnt.status not in ("ok", "saturated"):
        return _Experiment(learnt.status, None, learnt.work, learnt.stop)
    potential = given.potentials(weights * share, dt).reshape(-1, round(_PERIOD / dt))
    work = learnt.work + given.test.steps + given.test.indices.size
    shown = round((_PERIOD - _PATTERN) / dt)
    between, peaks = potential[:, :shown], potential[:, shown:].max(axis=1)
    if not between.std() > 0.0:
        return _Experiment("silent", None, work, seconds + test_seconds)
    ratio = float((peaks.mean() - between.mean()) / between.std())
    return _Experiment("ok", ratio, work, seconds + test_seconds)


@dataclass(frozen=True, slots=True)
class Input:
    """What a neuron receives: spikes while it learns and while it is looked at.

    **Fields:** `factors` on its first weights; `pattern`: the afferents that fire in the pattern.
    """

    learning: SpikeTrain
    test: SpikeTrain
    factors: Array
    pattern: npt.NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        """Memory in use [bytes]."""
        return self.learning.nbytes + self.test.nbytes + self.factors.nbytes

    def potentials(self, weights: Array, dt: float) -> Array:
        """Return the potential [mV] after each step of the test for weights `(afferents,)` [mV] that stay."""
        steps = np.repeat(np.arange(self.test.steps), np.diff(self.test.offsets))
        jumps = np.bincount(steps + round(_DELAY / dt), weights[self.test.indices], self.test.steps)[: self.test.steps]
        found: Array = lfilter([1.0], [1.0, -math.exp(-dt / _MEMBRANE)], jumps)
        return found


_kept: KeptInputs[Input] = KeptInputs(64)
_READ = ("afferents", "rate", "thinned", "absent", "dt", "seconds", "test_seconds")


def draw_inputs(seed: int, number: int, settings: Settings) -> Input:
    """Draw what the neuron of an experiment receives."""
    seeds = np.random.SeedSequence([seed, 306, number])
    generators = [np.random.default_rng(child) for child in seeds.spawn(3)]
    afferents, rate, dt = int(settings["afferents"]), settings["rate"], settings["dt"] * 1e-3
    pattern = _draw_pattern(afferents, rate, dt, generators[0])
    damage, factors, places = damage_of(settings), np.ones(afferents), np.arange(afferents)
    if damage:
        missing, noise = generators_of(seeds)
        places = np.flatnonzero(damage.there(afferents, missing))
        factors = damage.factors(afferents, noise)[places]
    # With this, an afferent that fires once in the pattern has the same mean rate as the others.
    thinned = 1.0 - (1.0 / _PERIOD) / (rate * (1.0 - _PATTERN / _PERIOD))
    kept = thinned if settings["thinned"] else 1.0
    nothing = np.zeros(0), np.zeros(0, dtype=np.int64)
    learning, test = (
        _train(given, afferents, rate, seconds, dt, places, generator, kept)
        for given, seconds, generator in (
            (nothing if settings["absent"] else pattern, settings["seconds"], generators[1]),
            (pattern, settings["test_seconds"], generators[2]),
        )
    )
    return Input(learning, test, factors, pattern[1])


_Pattern = tuple[Array, npt.NDArray[np.int64]]
"""Times [s] and afferents of a pattern's spikes."""


def _draw_pattern(afferents: int, rate: float, dt: float, generator: np.random.Generator) -> _Pattern:
    """Return a pattern with at most one spike of each afferent, as in the public code."""
    first = generator.exponential(1.0 / rate, afferents)
    units = np.flatnonzero(first < _PATTERN - dt)
    return first[units], units


def _train(
    pattern: _Pattern,
    afferents: int,
    rate: float,
    seconds: float,
    dt: float,
    places: npt.NDArray[np.int64],
    generator: np.random.Generator,
    kept: float,
) -> SpikeTrain:
    """Return the spikes of the afferents that are at some places, as they arrive.

    **Arguments:** `kept`: the share of their spikes between patterns that afferents of the pattern keep.
    """
    starts = np.array([(k + 1) * _PERIOD - _PATTERN for k in range(round(seconds / _PERIOD))])
    member = np.isin(np.arange(afferents), pattern[1])
    background = np.where(member, kept * rate, rate)
    shown, steps = np.zeros(starts.size, dtype=np.int64), round(seconds / dt)
    source = FrozenPatterns("afferents", afferents, (pattern,), _PATTERN, starts, shown, background)
    offsets, units = source.stream(generator, dt).draw(0, steps)
    at = np.repeat(np.arange(steps), np.diff(offsets))
    place = np.full(afferents, -1)
    place[places] = np.arange(places.size)
    there = place[units] >= 0
    counts = np.bincount(at[there], minlength=steps)
    found = np.concatenate(([0], np.cumsum(counts)))
    return SpikeTrain(found.astype(np.int32), place[units[there]].astype(np.int16), places.size)
