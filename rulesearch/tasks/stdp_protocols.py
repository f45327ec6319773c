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
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.fitting.chance import chi_square_quantile
from rulesearch.fitting.data import Data, protocol_data
from rulesearch.fitting.form import ETA, TAU, Form, LaidOut, ProtocolForm
from rulesearch.fitting.structure import best_numbers
from rulesearch.grammar.parts import ConstantPrior
from rulesearch.measurements.protocols import LEAST_CHANGE, Measured
from rulesearch.rules.bound import BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import Trace
from rulesearch.simulate.synapse.events import Protocols, run_protocols
from rulesearch.simulate.synapse.synapse import with_customary_traces
from rulesearch.tasks.additive_fit import PAIR, TAUS, AdditiveFit
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
from rulesearch.tasks.trial import Activity, Trial

_RUNAWAY = 1e3
_ALONE_HZ = (1.0, 10.0, 50.0)
_ALONE_SPIKES = 60
_MOST_ALONE = 0.02
_SURE = 0.95
_OWN_STARTS = 3
_LACK = 100.0
"""What a change by spikes of one side alone, above the most that there may be, counts in standard errors."""
Array = npt.NDArray[np.float64]

_ONE_SYNAPSE, _PROTOCOLS = "it is about one synapse", "its spikes are those under which was measured"


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
    noise = 1.0
    own: tuple[str, ...] = ()
    """Numbers that each preparation has for itself: `eta`, or kinds of constants of the grammar."""
    errors_told: bool = True
    """Whether measurements have standard errors; else those that they have are about as large as changes are."""
    grammar: ClassVar[str] = "stdp"
    known_rule: ClassVar[str] = "triplet"
    protocol: ClassVar[Protocol] = Protocol(
        fits_numbers=True, selection_trials=1, report_trials=1, permutations=20, refitted=True
    )
    stress: ClassVar[Stress] = Stress(
        step="spikes are events, and time has no steps",
        size=_ONE_SYNAPSE,
        duration=_PROTOCOLS,
        start="the measured changes are relative to the weight before",
        inputs=_PROTOCOLS,
        noise=_ONE_SYNAPSE,
        missing=_ONE_SYNAPSE,
    )

    @abstractmethod
    def measured(self) -> tuple[Measured, ...]:
        """Return the data, always the same."""

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let bound rules respond to every protocol; the seed changes nothing.

        **Returns:** metrics `error`, the mean z^2 (the loss), and `alone`; in `details` the `predictions`, one per
        protocol in the order of the data, and the `residuals` (model - data)/s.e.m.
        """
        rule = rules.only()
        protocols = self.protocols
        weights = run_protocols(rule, protocols, 1.0, rule.eta, rule.bounds, backend)
        if self.own:
            weights[: len(self._rows)] = 1.0 + self._own_predictions(rules, settings)
        work = int(protocols.offsets[-1])
        if not np.all(np.isfinite(weights)):
            return Trial("nonfinite", None, work=work)
        if np.max(np.abs(weights)) > _RUNAWAY:
            return Trial("runaway", None, work=work)
        change, sem = self.targets(settings["permutation"])
        changes = weights - 1.0
        predictions, alone = changes[: len(change)], changes[len(change) :]
        z = self.errors(predictions, change, settings) / sem
        cases = tuple((z * z).tolist())
        loss = sum(cases) / len(cases)
        metrics = {"error": loss, "alone": float(np.max(np.abs(alone)))}
        details = {"predictions": tuple(predictions.tolist()), "residuals": tuple(z.tolist())}
        return Trial("ok", loss, metrics, cases, work, details=details)

    def form_of(self, rules: RuleSet, settings: Settings) -> tuple[Form, Data]:
        """Return the rule with its numbers free, and the measurements."""
        rule = rules.only()
        change, sem = self.targets(settings["permutation"])
        rows, least = self._rows, settings.get("least_change", LEAST_CHANGE)
        form = self._form(rule, rows)
        order = self.order(settings["permutation"])
        measured = [rows[place] for place in order]
        return form, protocol_data(measured, True, change, sem, least, not self.errors_told)

    def _form(self, rule: Rule, rows: Sequence[Measured], fixed: Mapping[str, float] | None = None) -> ProtocolForm:
        """Return a rule with its numbers, its learning rate among them, free."""
        free = replace(rule, eta=None, bounds=rule.bounds or self.bounds)
        own = [name for name in self.own_numbers(rule) if name not in (fixed or {})]
        rate = 1.0 if rule.eta is None else rule.eta
        return ProtocolForm(free, rows, own, fixed, known=self._laid_out, rate=rate)

    def own_numbers(self, rule: Rule) -> list[str]:
        """Return the names of a rule's numbers that each preparation has for itself."""
        names = [*rule.constants, *(f"{TAU}{name}" for name in with_customary_traces(rule).states), ETA]
        return [name for name in names if _is_one_of(name, self.own)]

    def _own_predictions(self, rules: RuleSet, settings: Settings) -> Array:
        """Return what a rule predicts, `(rows,)`, each preparation with the numbers of its own that fit best."""
        form, data = self.form_of(rules, settings)
        shared = {each.name: each.start for each in form.parameters if not each.own}
        if len(shared) == len(form.parameters):
            # It has none of the numbers that preparations may have for themselves.
            return form.predictions(form.own_numbers)
        own = self._form(rules.only(), self._rows, shared)
        numbers = best_numbers(own, data.residuals, {}, np.random.default_rng(0), _OWN_STARTS)
        return own.predictions(own.own_numbers if numbers is None else numbers)

    def with_numbers(
        self, rules: RuleSet, priors: Mapping[str, ConstantPrior], rng: np.random.Generator, settings: Settings
    ) -> RuleSet:
        """Return the rule with the numbers, its learning rate among them, that fit best.

        Where spikes of one side alone then move the weight more than they may, that they do so is a residual as well.
        """
        found = super().with_numbers(rules, priors, rng, settings)
        rule = replace(found.only(), bounds=found.only().bounds or self.bounds)
        alone = ProtocolForm(rule, self._alone, known=self._laid_out, fixed={ETA: 1.0} if rule.eta is None else {})
        if not self.requirements or not np.max(np.abs(alone.predictions(alone.own_numbers))) > _MOST_ALONE:
            return found
        data, measured = self.form_of(rules, settings)[1], len(self._rows)
        both = self._form(rules.only(), (*self._rows, *self._alone_in_each))

        def residuals(predictions: Array) -> Array:
            excess = np.maximum(0.0, np.abs(predictions[:, measured:]) - _MOST_ALONE)
            return np.concatenate((data.residuals(predictions[:, :measured]), _LACK * excess), axis=1)

        numbers = best_numbers(both, residuals, priors, rng)
        if numbers is None:
            return found
        made = replace(both.with_numbers(both.typical(numbers)), bounds=rules.only().bounds)
        return rules.with_rules({name: made for name in rules.rules})

    def enough(self, loss: float) -> float:
        """Return the loss that a true rule keeps to in 95 of 100 tables: the ceiling that noise sets.

        It is the 95 % point of chi squared over the number of measurements; where their noise is not known, what is
        enough beside the known rule's loss.
        """
        number = len(self._rows)
        return self.noise * chi_square_quantile(_SURE, number) / number if self.noise else super().enough(loss)

    def errors(self, predictions: Array, changes: Array, settings: Settings) -> Array:
        """Return how far predictions are from changes."""
        return predictions - changes

    def targets(self, permutation: float) -> tuple[Array, Array]:
        """Return the measured changes and their standard errors, in the order of the setting `permutation`."""
        data, order = self.measured(), self.order(permutation)
        return np.array([item.change for item in data])[order], np.array([item.sem for item in data])[order]

    def order(self, permutation: float) -> npt.NDArray[np.int64]:
        """Return which measurement stands for each under the setting `permutation`."""
        return permuted_order(len(self.measured()), permutation)

    @cached_property
    def _rows(self) -> tuple[Measured, ...]:
        """What was measured; the same rows whenever they are asked for."""
        return self.measured()

    @cached_property
    def _alone(self) -> tuple[Measured, ...]:
        """Spikes of one side alone, which should change nothing."""
        return tuple(
            Measured(f"{side} alone", 0.0, 1.0, pre, post, 1.0 / frequency, _ALONE_SPIKES)
            for frequency in _ALONE_HZ
            for side, pre, post in (("pre", (0.0,), ()), ("post", (), (0.0,)))
        )

    @cached_property
    def _alone_in_each(self) -> tuple[Measured, ...]:
        """Spikes of one side alone in every preparation: a rule has numbers of its own in each."""
        names = dict.fromkeys(row.preparation for row in self._rows)
        return tuple(replace(row, preparation=name) for name in names for row in self._alone)

    @cached_property
    def _laid_out(self) -> LaidOut:
        return {}

    @cached_property
    def protocols(self) -> Protocols:
        """The spikes of each measurement, then those of one side alone."""
        return Protocols.of([item.trains() for item in (*self.measured(), *self._alone)])

    def chosen_on(self, settings: Settings) -> str:
        """Return how many measurements rules are fitted to."""
        return f"the {len(self.measured())} measurements"

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time from the first to the last spike of each protocol [s], added up."""
        protocols = self.protocols
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
        fit = AdditiveFit(self.protocols, self.targets(settings["permutation"]), PAIR)
        return fit.rules({name: TAUS[name] for name in "xy"}, "additive pair rule fitted to the data")

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the known rule, the control, and the additive pair rule that is fitted with its time constants."""
        fit = AdditiveFit(self.protocols, self.targets(settings["permutation"]), PAIR)
        best = fit.best("xy", "additive pair rule with fitted time constants")
        return {**super().references(settings), "pair, free tau": best}


def _is_one_of(name: str, kinds: Sequence[str]) -> bool:
    """Return whether a number, such as `c1` or `tau_x`, is meant by one of several words: `c`, `tau`, or its name."""
    return name in kinds or name.rstrip("0123456789") in kinds or (name.startswith(TAU) and TAU.rstrip("_") in kinds)


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

    def measured(self) -> tuple[Measured, ...]:
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

    def measured(self) -> tuple[Measured, ...]:
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
