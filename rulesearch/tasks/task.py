"""The contract of a task: a network, its input, a loss, and what is known to solve it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.fitting.by_trials import numbers_by_trials
from rulesearch.fitting.data import Data
from rulesearch.fitting.form import Form, SetForm
from rulesearch.fitting.structure import best_numbers
from rulesearch.given import named
from rulesearch.grammar.parts import ConstantPrior
from rulesearch.measurements.protocols import Measurement
from rulesearch.rules.bound import FREE, BoundRule, BoundSet
from rulesearch.rules.names import other_rules
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import Fidelity, Requirement, Setting, Settings, TaskSymbol, checked_setting
from rulesearch.tasks.protocol import FORMER, Protocol, with_former
from rulesearch.tasks.trial import Activity, TimeCourse, Trial, losses_of
from rulesearch.wording import counted

Array = npt.NDArray[np.float64]

RESIDUALS = "residuals"
"""Name of the detail of a trial that holds the signed errors whose mean square is the loss."""
AS_GOOD = 1.05
"""Factor by which a loss may be above another one that it equals."""


class Task(ABC):
    """A network of plastic synapses, what it is given, and how well it then does.

    A task is stateless: `trial` is a function of its arguments alone. Subclasses declare the class variables
    and write `trial`, `baseline` and `control`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    reference: ClassVar[str]
    doi: ClassVar[str]
    bibtex: ClassVar[str]
    slots: ClassVar[tuple[str, ...]]
    bare_slot: ClassVar[str] = "on_step"
    rule_names: ClassVar[tuple[str, ...]] = ("w",)
    symbols: ClassVar[Mapping[str, TaskSymbol]]
    settings: ClassVar[Mapping[str, Setting]]
    fidelities: ClassVar[tuple[Fidelity, ...]]
    requirements: ClassVar[tuple[Requirement, ...]] = ()
    deterministic: ClassVar[bool] = False
    """Whether a trial is the same for every seed."""
    bounds: ClassVar[tuple[float, float]]
    inhibitory: ClassVar[tuple[str, ...]] = ()
    """Names of the rules whose synapses inhibit; their weights are magnitudes."""
    grammar: ClassVar[str]
    """Name of the grammar of a search; empty where there is none yet: rules are tried on the task, not sought."""
    known_rule: ClassVar[str]
    """Name of the known rule that solves the task."""
    known_title: ClassVar[str] = ""
    """What sentences call it here; empty: its title. For a set of rules of which the known one is a part."""
    reached: ClassVar[str] = ""
    """How often searches solved the task, in words, beside random ones; empty where that was not counted."""
    paper_took: ClassVar[str] = ""
    """What the search of the paper took, in words: networks, simulated time, evaluations; empty where none is told."""
    clock: ClassVar[str] = "s"
    """Unit of `duration`: `s`, or `steps` in tasks that count presentations."""
    stateless: ClassVar[bool] = False
    """Whether rules may have no traces, low-passes or other states, since nothing would move them."""
    achieves: ClassVar[str] = "does as well as"
    misses: ClassVar[str] = "does not reach"
    goal: ClassVar[str] = ""
    """What a rule is said to do, or not to do, and to what; empty: the known rule's title."""
    nothing: ClassVar[str] = "the control"
    """What the control stands for, where a rule does no better than it on what is held out."""
    squares: ClassVar[bool] = False
    """Whether held-out losses are squared errors of single measurements, as shares of their variance: then a rule is
    recommended only where it does better than the control beyond chance, and than any constant."""
    noise: float = 0.0
    """Mean squared residual that the noise of measurements alone makes, where that is known; else 0."""
    protocol: ClassVar[Protocol] = Protocol()
    """What a search does with the task."""
    stress: ClassVar[Stress] = Stress()
    """What a stress test changes of the task; by default what the names of its settings tell."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Take into the protocol what a class says by a name of its own, as files did before there was one."""
        super().__init_subclass__(**options)
        told = {name: vars(cls)[name] for name in FORMER if name in vars(cls)}
        if told:
            cls.protocol = with_former(cls.protocol, told)
            for name in told:
                delattr(cls, name)

    @abstractmethod
    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Simulate bound rules (see `bind`) on the data of one seed."""

    def trials(
        self, candidates: Sequence[BoundSet], seed: int, settings: Settings, fidelity: str, backend: str = "vm"
    ) -> list[Trial]:
        """Return what `trial` gives for each of several candidates; a task may simulate them together."""
        return [self.trial(rules, seed, settings, fidelity, backend) for rules in candidates]

    def with_numbers(
        self, rules: RuleSet, priors: Mapping[str, ConstantPrior], rng: np.random.Generator, settings: Settings
    ) -> RuleSet:
        """Return rules with the numbers that fit best, where `protocol.fits_numbers` says that they are fitted.

        **Arguments:** `priors`: within what, by constant, or `tau_` and the name of a trace; names begin with that of
        the rule and a point where there are several. `rng` draws the seed of the trials, where these tell.
        """
        if self.protocol.by_trials:
            found: Mapping[str, Rule] = self._by_trials(rules, priors, rng, settings).rules
        else:
            form, data = self.form_of(rules, settings)
            numbers = best_numbers(form, data.residuals, priors, rng) if len(data.changes) else None
            if numbers is None:
                return rules
            found = form.rules_with(form.typical(numbers)).rules
        return rules.with_rules({name: _with_numbers_of(rule, found[name]) for name, rule in rules.searched.items()})

    def _by_trials(
        self, rules: RuleSet, priors: Mapping[str, ConstantPrior], rng: np.random.Generator, settings: Settings
    ) -> BoundSet:
        form, seed = SetForm(self.bind(rules, settings), lambda _: None), int(rng.integers(2**31))
        rates = {each.name: each.start for each in form.parameters if each.is_rate}

        def loss(fidelity: Fidelity, numbers: Mapping[str, float]) -> float:
            trial = self.trial(form.rules_with(numbers), seed, settings, fidelity.name)
            return math.inf if trial.loss is None else trial.loss

        few, many = (partial(loss, fidelity) for fidelity in (self.fidelities[0], self.fidelities[-1]))
        return form.rules_with(numbers_by_trials(rates, priors, few, many, rng))

    def form_of(self, rules: RuleSet, settings: Settings) -> tuple[Form, Data]:
        """Return rules with their numbers free, and what they must meet.

        By default `residuals` of trials must be 0, a detail of those that a task gives whose loss is their mean square.
        """
        full = self.fidelities[-1].name

        def residuals(bound: BoundSet) -> Array | None:
            trial = self.trial(bound, 0, settings, full)
            return None if trial.loss is None else np.array(trial.details.get(RESIDUALS, ()), dtype=np.float64)

        form = SetForm(self.bind(rules, settings), residuals)
        number = len(form.groups)
        return form, Data([f"{place}" for place in range(number)], np.zeros(number), np.ones(number), True)

    @abstractmethod
    def baseline(self, settings: Settings) -> RuleSet:
        """Return the known rule with its constants calibrated to the task."""

    def known_beside(self, given: RuleSet | None, settings: Settings) -> RuleSet:
        """Return what solves the task where some of its rules are given; None: the known rule as it is."""
        return self.baseline(settings).under(given)

    @abstractmethod
    def control(self, settings: Settings) -> RuleSet:
        """Return a rule that must fail."""

    def filters(self, settings: Settings) -> tuple[tuple[Requirement, ...], ...]:
        """Return the metrics that must lie between bounds, filter after filter in order; empty where none are named."""
        return ()

    def enough(self, loss: float) -> float:
        """Return the loss up to which a rule does as well as one with the given loss."""
        return max(loss * AS_GOOD, loss + self.protocol.tolerance)

    def network(self, settings: Settings) -> str:
        """Return what is simulated, and how large it is, in words; empty where nothing is."""
        return ""

    def searched_on(self, settings: Settings) -> str:
        """Return what the losses of a search are over at full fidelity, in words."""
        return self.chosen_on(settings) if self.deterministic else counted(self.fidelities[-1].trials, "search seed")

    def chosen_on(self, settings: Settings) -> str:
        """Return what the losses are over by which rules are chosen for a front, in words."""
        if self.deterministic:
            return "the data of the search"
        return f"{self.protocol.choosing_trials} selection seeds"

    def held_out_on(self, settings: Settings) -> str:
        """Return what losses are over that choose nothing, in words; empty where nothing is held out."""
        return "" if self.deterministic else f"{self.protocol.report_trials} held-out seeds"

    def looked_into_on(self, settings: Settings, seeds: int) -> str:
        """Return what losses are over by which rules are looked into on so many report seeds, in words."""
        return self.chosen_on(settings) if self.deterministic else counted(seeds, "held-out seed")

    def telling(self, seeds: int) -> int:
        """Return how many of so many seeds tell something: one where a trial is the same for every seed."""
        return 1 if self.deterministic else seeds

    def held_out_flaw(self, settings: Settings) -> str:
        """Return why what is held out cannot tell whether a rule has learnt anything; empty where it can."""
        return ""

    def held_out_losses(self, rules: BoundSet, trials: Sequence[Trial], settings: Settings) -> tuple[float, ...]:
        """Return the losses of bound rules on what is held out, by seed or by row; empty where nothing is.

        **Arguments:** `trials`: theirs on the report seeds, all of them `ok`.
        """
        return () if self.deterministic else losses_of(trials)

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return how long one trial is that runs to its end, in simulated time; 0 where nothing goes on in time."""
        return 0.0

    def measured(self) -> Sequence[Measurement]:
        """Return the measurements that the metric `predictions` of a trial's details is about, in its order."""
        return ()

    def activity(self, rules: BoundSet, seed: int, settings: Settings) -> Activity | None:
        """Return what bound rules of one projection saw on one seed; None where the task cannot say."""
        return None

    def courses(self, rules: BoundSet, seed: int, settings: Settings) -> tuple[TimeCourse, ...]:
        """Return how weights, rates and what is asked of them went on one seed under bound rules.

        By default the median and the root mean square of the weights that `activity` shows.
        """
        activity = self.activity(rules, seed, settings) if len(rules.rules) == 1 else None
        if activity is None or not activity.weights.size:
            return ()
        return (
            TimeCourse("median weight", activity.times, np.median(activity.weights, axis=1)),
            TimeCourse("root mean square weight", activity.times, np.sqrt(np.mean(activity.weights**2, axis=1))),
        )

    def gradient(
        self, rules: BoundSet, seed: int, settings: Settings, fidelity: str
    ) -> tuple[float, npt.NDArray[np.float64]]:
        """Return the loss of bound rules on one seed and its derivative by each constant of each rule, in their order.

        They may be nonfinite where a rule runs away.
        **Raises:** `RulesearchError` where the task has no derivatives; `MissingPartError` where what takes them is not
        installed.
        """
        raise RulesearchError(f"task {self.name} has no derivatives")

    def own_grammar(self) -> str | None:
        """Return the text of the task's grammar where it is none of the shipped ones."""
        return None

    def default_eta(self, settings: Settings) -> float:
        """Return the learning rate of rules that give none."""
        return settings["eta"]

    def default_eta_of(self, name: str, settings: Settings) -> float:
        """Return the learning rate of the rule of that name where it gives none."""
        return self.default_eta(settings)

    def default_bounds(self, settings: Settings) -> tuple[float, float]:
        """Return the bounds of the weights of rules that give none."""
        return self.bounds

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the rules that a front is shown beside, by label: the known rule and the control."""
        return {self.known_rule: self.baseline(settings), "control": self.control(settings)}

    def report_conditions(self) -> tuple[Mapping[str, float], ...]:
        """Return the settings under which the best rule is shown besides the default ones."""
        return ()

    def resolve(self, overrides: Mapping[str, str | float] | None = None) -> dict[str, float]:
        """Return every setting's value, checked.

        **Raises:** `RulesearchError` for an unknown setting, text that is no number, or a value out of range.
        """
        values = {name: setting.default for name, setting in self.settings.items()}
        changes = named(overrides or {}, f"settings of task {self.name}", "{'eta': 0.1}")
        for name, given in changes.items():
            if name not in self.settings:
                raise RulesearchError(f"task {self.name} has no setting {name!r}{did_you_mean(name, self.settings)}")
            values[name] = checked_setting(self.name, name, self.settings[name], given)
        return self.derive(values, set(changes))

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Adjust defaults that depend on other settings; `given` names those that were set by hand."""
        return values

    def parse(self, text: str, names: Sequence[str] | None = None) -> RuleSet:
        """Read rule text with this task's symbols and default slot, and check that it fits.

        **Arguments:** `names` as of `fitted`.
        **Raises:** `RulesearchError`.
        """
        return self.fitted(parse_rules(text, self.bare_slot, set(self.symbols)), names)

    def fitted(self, rules: RuleSet, names: Sequence[str] | None = None) -> RuleSet:
        """Return rules in the task's order, checked to fit; a single rule takes the one name that is wanted.

        **Arguments:** `names`: of the rules that are wanted, None for all of the task's, empty for any of them.
        **Raises:** `RulesearchError`.
        """
        wanted = self.rule_names if names is None else names
        if len(wanted) == 1 and tuple(rules.rules) == Task.rule_names != tuple(wanted):
            rules = replace(rules, rules={wanted[0]: rules.only()})
        found = set(rules.rules)
        if names is not None and (found != set(names or found) or not found <= set(self.rule_names)):
            said = other_rules(rules.rules, names or self.rule_names, any_of_them=not names)
            raise RulesearchError(f"task {self.name} takes {said}")
        others = {} if names is None else self.baseline(self.resolve()).rules
        self.check(replace(rules, rules={**others, **rules.rules}))
        return replace(rules, rules={name: rules.rules[name] for name in self.rule_names if name in rules.rules})

    def check(self, rules: RuleSet) -> None:
        """Refuse rules that this task cannot run, in one clear line.

        **Raises:** `RulesearchError`.
        """
        if set(rules.rules) != set(self.rule_names):
            raise RulesearchError(f"task {self.name} takes {other_rules(rules.rules, self.rule_names)}")
        for rule in rules.rules.values():
            for slot in rule.slots:
                if slot not in self.slots:
                    raise RulesearchError(f"task {self.name} has the slots {', '.join(self.slots)}; found {slot}")
            if self.stateless and rule.states:
                raise RulesearchError(f"task {self.name} keeps no states of a rule; found {', '.join(rule.states)}")
            known = {*self.symbols, *rule.states, *rule.constants}
            for name in rule.symbols:
                if name not in known:
                    raise RulesearchError(f"unknown symbol {name!r} in task {self.name}{did_you_mean(name, known)}")
            units = {name: symbol.unit for name, symbol in self.symbols.items()}
            rule.check_units(units, f"task {self.name}")

    def bind(self, rules: RuleSet, settings: Settings) -> BoundSet:
        """Return the rules complete: default states, learning rate and bounds filled in.

        States that the rule declares but nothing reads are dropped.
        """
        self.check(rules)
        return self.complete(rules, settings)

    def complete(self, rules: RuleSet, settings: Settings) -> BoundSet:
        """Return rules that are known to fit, complete as `bind` makes them."""
        return BoundSet.of(rules, {name: self._bind_rule(name, rule, settings) for name, rule in rules.rules.items()})

    def spelled_out(self, rules: RuleSet, settings: Settings) -> RuleSet:
        """Return the rules as they can be read without the task: bound, and bounds that hold nothing back left out."""
        bound = self.bind(rules, settings).rules
        spelled = {}
        for name, rule in rules.rules.items():
            free = rule.bounds is None and bound[name].bounds == FREE
            spelled[name] = bound[name].unbound(bounds=None if free else bound[name].bounds)
        return replace(rules, rules=spelled)

    def _bind_rule(self, name: str, rule: Rule, settings: Settings) -> BoundRule:
        read = rule.symbols
        states = {state: what for state, what in rule.states.items() if state in read}
        for other, symbol in self.symbols.items():
            if symbol.state is not None and other in read and other not in states:
                states[other] = symbol.state
        return BoundRule(
            rule.slots,
            self.default_eta_of(name, settings) if rule.eta is None else rule.eta,
            states,
            rule.constants,
            self.default_bounds(settings) if rule.bounds is None else rule.bounds,
            rule.name,
        )


def _with_numbers_of(rule: Rule, other: Rule) -> Rule:
    """Return a rule with the constants, time constants and learning rate of another one of the same form."""
    constants = {name: value for name, value in other.constant_values().items() if name in rule.constants}
    states = {name: other.states.get(name, state) for name, state in rule.states.items()}
    return replace(rule.with_constants(constants), states=states, eta=other.eta)
