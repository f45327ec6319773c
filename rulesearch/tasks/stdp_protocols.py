r"""Tasks `stdp-frequency` and `stdp-triplets`: what spikes do to one synapse, against measured weight changes.

A protocol is a pattern of presynaptic and postsynaptic spikes that is repeated; the weight starts at 1, so that its
change is the measured fraction. The loss is the mean of ((model - data)/s.e.m.)^2 over the protocols. A rule under
which spikes of one side alone move the weight fits such tables easily and is no model of STDP: `alone` is the largest
change under 60 spikes of one side at 1, 10 and 50 Hz, and must stay below 0.02.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.rules.bound import BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.states import Trace
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.synapse.events import Protocols, run_protocols
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import (
    PERMUTATION,
    Fidelity,
    Requirement,
    Setting,
    Settings,
    TaskSymbol,
    permuted_order,
)
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.spike_task import TRACES, SpikeTask
from rulesearch.tasks.trial import Activity, Measurement, Trial

_RUNAWAY = 1e3
_ALONE_HZ = (1.0, 10.0, 50.0)
_ALONE_SPIKES = 60
_MOST_ALONE = 0.02
_TAUS = (5e-3, 150e-3)
_GRID, _REFINEMENTS = 13, 5
_ONE_SYNAPSE, _PROTOCOLS = "it is about one synapse", "its spikes are those under which was measured"


@dataclass(frozen=True, slots=True)
class Measured(Measurement):
    """A measured weight change, and the spikes under which it was.

    **Fields:** `pre` and `post`: spike times of one repeat [s]; `every` [s] and `repeats`.
    """

    pre: tuple[float, ...]
    post: tuple[float, ...]
    every: float
    repeats: int

    def trains(self) -> tuple[list[float], list[float]]:
        """Return all presynaptic and postsynaptic spike times [s]."""
        starts = [k * self.every for k in range(self.repeats)]
        return (
            [start + time for start in starts for time in self.pre],
            [start + time for start in starts for time in self.post],
        )


class StdpProtocols(SpikeTask):
    """Weight changes of one synapse under given spikes; subclasses give the data."""

    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        **TRACES,
        "w": TaskSymbol("weight of the synapse, 1 at the start"),
        "w_mean": TaskSymbol("mean weight of the neuron's synapses, here this one's"),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(1.0, "learning rate of rules that give none", 1e-9, 1e3),
        "permutation": PERMUTATION,
    }
    fidelities: ClassVar[tuple[Fidelity, ...]] = (Fidelity("full", 1, "every protocol once; nothing is random"),)
    requirements: ClassVar[tuple[Requirement, ...]] = (Requirement("alone", most=_MOST_ALONE),)
    deterministic: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    grammar: ClassVar[str] = "stdp"
    known_rule: ClassVar[str] = "triplet"
    protocol: ClassVar[Protocol] = Protocol(selection_trials=1, report_trials=1, permutations=20, refitted=True)
    stress: ClassVar[Stress] = Stress(
        step="spikes are events, and time has no steps",
        size=_ONE_SYNAPSE,
        duration=_PROTOCOLS,
        start="the measured changes are relative to the weight before",
        inputs=_PROTOCOLS,
        noise=_ONE_SYNAPSE,
        missing=_ONE_SYNAPSE,
    )

    @classmethod
    @abstractmethod
    def measured(cls) -> tuple[Measured, ...]:
        """Return the data."""

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let bound rules respond to every protocol; the seed changes nothing.

        **Returns:** metrics `error`, the mean z^2 (the loss), and `alone`; in `details` the `predictions`, one per
        protocol in the order of the data, and the `residuals` (model - data)/s.e.m.
        """
        rule = rules.only()
        protocols = _protocols(type(self))
        weights = run_protocols(rule, protocols, 1.0, rule.eta, rule.bounds, backend)
        work = int(protocols.offsets[-1])
        if not np.all(np.isfinite(weights)):
            return Trial("nonfinite", None, work=work)
        if np.max(np.abs(weights)) > _RUNAWAY:
            return Trial("runaway", None, work=work)
        change, sem = _targets(type(self), settings["permutation"])
        changes = weights - 1.0
        predictions, alone = changes[: len(change)], changes[len(change) :]
        z = (predictions - change) / sem
        cases = tuple((z * z).tolist())
        loss = sum(cases) / len(cases)
        metrics = {"error": loss, "alone": float(np.max(np.abs(alone)))}
        details = {"predictions": tuple(predictions.tolist()), "residuals": tuple(z.tolist())}
        return Trial("ok", loss, metrics, cases, work, details=details)

    def chosen_on(self, settings: Settings) -> str:
        """Return how many measurements rules are fitted to."""
        return f"the {len(self.measured())} measurements"

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time from the first to the last spike of each protocol [s], added up."""
        protocols = _protocols(type(self))
        ends = protocols.offsets[1:] - 1
        return float(np.sum(protocols.times[ends] - protocols.times[protocols.offsets[:-1]]))

    def activity(self, rules: BoundSet, seed: int, settings: Settings) -> Activity:
        """Return the spikes of every protocol."""
        trains = tuple((np.array(pre), np.array(post)) for pre, post in (item.trains() for item in self.measured()))
        return Activity(trains=trains, weights_before=(1.0,) * len(trains))

    def control(self, settings: Settings) -> RuleSet:
        """Return the additive pair rule with the triplet model's time constants and the best amplitudes for the data.

        Weight changes are linear in the two amplitudes: they are those of least squares.
        """
        fit = _PairFit(type(self), settings["permutation"])
        return fit.rules(16.8e-3, 33.7e-3, "additive pair rule fitted to the data")

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the known rule, the control, and the additive pair rule that is fitted with its time constants."""
        best = _PairFit(type(self), settings["permutation"]).best()
        return {**super().references(settings), "pair, free tau": best}


class _PairFit:
    """Fits `on_pre: -A_minus*y; on_post: A_plus*x` to a task's data: for given time constants least squares."""

    def __init__(self, task: type[StdpProtocols], permutation: float) -> None:
        self.protocols = _protocols(task)
        self.change, self.sem = _targets(task, permutation)
        self._columns: dict[tuple[str, float], npt.NDArray[np.float64]] = {}

    def _column(self, text: str, tau: float) -> npt.NDArray[np.float64]:
        if (text, tau) not in self._columns:
            rule = parse_rules(f"{text}; tau_{text[-1]} = {tau!r} s").only()
            changes = run_protocols(rule, self.protocols, 0.0, 1.0, (-math.inf, math.inf))
            self._columns[text, tau] = changes[: len(self.change)] / self.sem
        return self._columns[text, tau]

    def amplitudes(self, tau_x: float, tau_y: float) -> tuple[float, float, float]:
        """Return A_plus, A_minus and the mean z^2 at given time constants [s]."""
        design = np.column_stack([self._column("on_post: x", tau_x), self._column("on_pre: -y", tau_y)])
        target = self.change / self.sem
        found = np.linalg.lstsq(design, target, rcond=None)[0]
        return float(found[0]), float(found[1]), float(np.mean((design @ found - target) ** 2))

    def best(self) -> RuleSet:
        """Return the rule with the best time constants, from a grid that is made finer three times."""
        low, high = np.log(_TAUS[0]), np.log(_TAUS[1])
        centre, width = np.array([(low + high) / 2.0] * 2), (high - low) / 2.0
        for _ in range(_REFINEMENTS):
            steps = np.linspace(-width, width, _GRID)
            grid = [
                (x, y) for x in np.clip(centre[0] + steps, low, high) for y in np.clip(centre[1] + steps, low, high)
            ]
            errors = [self.amplitudes(float(np.exp(x)), float(np.exp(y)))[2] for x, y in grid]
            centre, width = np.array(grid[int(np.argmin(errors))]), 2.0 * width / (_GRID - 1)
        tau_x, tau_y = (float(f"{tau:.4g}") for tau in np.exp(centre))
        return self.rules(tau_x, tau_y, "additive pair rule with fitted time constants")

    def rules(self, tau_x: float, tau_y: float, name: str) -> RuleSet:
        """Return the rule with the best amplitudes for given time constants [s]."""
        plus, minus, _ = self.amplitudes(tau_x, tau_y)
        text = (
            "on_pre: -A_minus*y; on_post: A_plus*x; A_plus = 1; A_minus = 1; eta = 1; "
            f"tau_x = {tau_x!r} s; tau_y = {tau_y!r} s"
        )
        rule = parse_rules(text).only().with_constants({"A_plus": plus, "A_minus": minus})
        return RuleSet({"w": rule}, name)


@lru_cache(maxsize=64)
def _targets(task: type[StdpProtocols], permutation: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the measured changes and their standard errors, in the order of the setting `permutation`."""
    data = task.measured()
    order = permuted_order(len(data), permutation)
    return np.array([item.change for item in data])[order], np.array([item.sem for item in data])[order]


@cache
def _protocols(task: type[StdpProtocols]) -> Protocols:
    trains: list[tuple[Sequence[float], Sequence[float]]] = [item.trains() for item in task.measured()]
    for frequency in _ALONE_HZ:
        times = [k / frequency for k in range(_ALONE_SPIKES)]
        trains += [(times, []), ([], times)]
    return Protocols.of(trains)


class StdpFrequency(StdpProtocols):
    """Pairs of spikes 10 ms apart at five frequencies: depression at low, potentiation at high frequency."""

    name: ClassVar[str] = "stdp-frequency"
    protocol: ClassVar[Protocol] = replace(StdpProtocols.protocol, transfer=("stdp-triplets",))
    title: ClassVar[str] = "frequency dependence of spike pairs, Sjoestroem et al. 2001"
    summary: ClassVar[str] = (
        "60 regular pairs of spikes, the postsynaptic one 10 ms after or before the presynaptic one, at 0.1 to 50 Hz: "
        "the rule must give the ten weight changes measured in visual cortex."
    )
    reference: ClassVar[str] = (
        "Sjoestroem, P. J., Turrigiano, G. G. & Nelson, S. B. (2001). Rate, timing, and cooperativity jointly "
        "determine cortical synaptic plasticity. Neuron 32, 1149-1164."
    )
    doi: ClassVar[str] = "10.1016/S0896-6273(01)00542-6"
    bibtex: ClassVar[str] = (
        "@article{sjostrom2001,\n"
        '  author = {Sj{\\"o}str{\\"o}m, Per Jesper and Turrigiano, Gina G. and Nelson, Sacha B.},\n'
        "  title = {Rate, timing, and cooperativity jointly determine cortical synaptic plasticity},\n"
        "  journal = {Neuron},\n"
        "  volume = {32},\n"
        "  pages = {1149--1164},\n"
        "  year = {2001},\n"
        "  doi = {10.1016/S0896-6273(01)00542-6}\n"
        "}"
    )

    @classmethod
    def measured(cls) -> tuple[Measured, ...]:
        """Return the ten points of Sjoestroem et al. 2001, as digitised in sjostrom_freq_stdp.m of the VH Lab tools."""
        rows = (
            (0.1, (-0.04, 0.05), (-0.29, 0.08)),
            (10.0, (0.14, 0.10), (-0.41, 0.11)),
            (20.0, (0.29, 0.14), (-0.34, 0.10)),
            (40.0, (0.53, 0.11), (0.56, 0.32)),
            (50.0, (0.56, 0.26), (0.75, 0.19)),
        )
        found = []
        for frequency, after, before in rows:
            for label, pre, post, (change, sem) in (("+10 ms", 0.0, 0.01, after), ("-10 ms", 0.01, 0.0, before)):
                name = f"{label}, {frequency:g} Hz"
                found.append(Measured(name, change, sem, (pre,), (post,), 1.0 / frequency, 60))
        return tuple(found)

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the triplet rule with the constants of visual cortex, all-to-all."""
        return RuleSet.single(replace(known_rule("triplet").rules.only(), eta=1.0))


class StdpTriplets(StdpProtocols):
    """Triplets of spikes at 1 Hz: post-pre-post potentiates, pre-post-pre does not."""

    name: ClassVar[str] = "stdp-triplets"
    protocol: ClassVar[Protocol] = replace(StdpProtocols.protocol, transfer=("stdp-frequency",))
    title: ClassVar[str] = "triplets of spikes, Wang et al. 2005"
    summary: ClassVar[str] = (
        "60 triplets at 1 Hz, pre-post-pre and post-pre-post with intervals of 5 to 15 ms: the rule must give the "
        "eight weight changes measured in hippocampal culture."
    )
    reference: ClassVar[str] = (
        "Wang, H.-X., Gerkin, R. C., Nauen, D. W. & Bi, G.-Q. (2005). Coactivation and timing-dependent integration of "
        "synaptic potentiation and depression. Nature Neuroscience 8, 187-193."
    )
    doi: ClassVar[str] = "10.1038/nn1387"
    bibtex: ClassVar[str] = (
        "@article{wang2005,\n"
        "  author = {Wang, Huai-Xing and Gerkin, Richard C. and Nauen, David W. and Bi, Guo-Qiang},\n"
        "  title = {Coactivation and timing-dependent integration of synaptic potentiation and depression},\n"
        "  journal = {Nature Neuroscience},\n"
        "  volume = {8},\n"
        "  pages = {187--193},\n"
        "  year = {2005},\n"
        "  doi = {10.1038/nn1387}\n"
        "}"
    )

    @classmethod
    def measured(cls) -> tuple[Measured, ...]:
        """Return the means over cells of Wang et al. 2005, from kernel_training_data_auto.csv of Plasticity_ker.

        Intervals are post minus first pre and post minus second pre, or first and second post minus pre.
        """
        rows = (
            ("pre-post-pre", 5, -5, -0.002, 0.044),
            ("pre-post-pre", 10, -10, 0.026, 0.037),
            ("pre-post-pre", 15, -5, 0.003, 0.034),
            ("pre-post-pre", 5, -15, 0.232, 0.049),
            ("post-pre-post", -5, 5, 0.273, 0.046),
            ("post-pre-post", -10, 10, 0.254, 0.057),
            ("post-pre-post", -5, 15, 0.207, 0.075),
            ("post-pre-post", -15, 5, 0.281, 0.048),
        )
        found = []
        for order, first, second, change, sem in rows:
            middle, end = abs(first) * 1e-3, (abs(first) + abs(second)) * 1e-3
            outer, inner = (0.0, end), (middle,)
            pre, post = (outer, inner) if order == "pre-post-pre" else (inner, outer)
            found.append(Measured(f"{order} ({first}, {second}) ms", change, sem, pre, post, 1.0, 60))
        return tuple(found)

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the triplet rule with the constants of hippocampus, all-to-all."""
        values = {"A2_plus": 6.1e-3, "A3_plus": 6.7e-3, "A2_minus": 1.6e-3, "A3_minus": 1.4e-3}
        rule = known_rule("triplet").rules.only().with_constants(values)
        states = {**rule.states, "x2": Trace("pre", 0.946), "y2": Trace("post", 0.027)}
        return RuleSet.single(replace(rule, states=states, eta=1.0))
