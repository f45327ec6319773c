"""The contract of a task: a network, its input, a loss, and what is known to solve it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.given import named
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import State
from rulesearch.rules.text import parse_rules

Settings = Mapping[str, float]
"""Value of every setting of a task, whole numbers as float."""


FREE = (-math.inf, math.inf)
"""Bounds of a weight that may take any value."""

AS_GOOD = 1.05
"""Factor by which a loss may be above another one that it equals."""


@dataclass(frozen=True, slots=True)
class TaskSymbol:
    """A symbol that rules of the task may read.

    **Fields:** `meaning`; `unit`; `state`: its default definition where it is a trace or a low-pass that a rule
    may declare otherwise (None: the network provides it).
    """

    meaning: str
    unit: str = ""
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that `--set name=value` changes.

    **Fields:** `default`; `meaning`; `low` and `high`: allowed range; `whole`: only whole numbers; `unit`.
    """

    default: float
    meaning: str
    low: float
    high: float
    whole: bool = False
    unit: str = ""


PERMUTATION = Setting(0, "0: targets as they are; above: permuted at random, from this seed", 0, 2**31 - 1, whole=True)
"""The setting `permutation` of tasks whose targets can be permuted, so that there is nothing to find."""


def permuted_order(count: int, permutation: float) -> npt.NDArray[np.int64]:
    """Return the order in which `count` targets stand under a value of the setting `permutation`."""
    order = np.arange(count)
    if permutation == 0.0 or count < 2:
        return order
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(int(permutation))))
    while np.array_equal(order, np.arange(count)):
        order = rng.permutation(count)
    return order


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How thoroughly a rule is tried; the cheap ones come first, the last one is the full one.

    **Fields:** `trials`: number of seeds; `description`; `conditions`: settings that differ in each trial (the
    trial k takes entry k modulo their number).
    """

    name: str
    trials: int
    description: str
    conditions: tuple[Mapping[str, float], ...] = ({},)


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one rule on one seed.

    **Fields:** `status` (see `simulate.codes.STATUS`); `loss`, at least 0, None unless `ok`; `metrics` by name;
    `cases`: the losses of parts of the trial (data sets, say), which the loss is the mean of; `work`: counted work
    (synaptic updates); `died_at`: share of the trial that was simulated before it ended early, 1 where it ran to the
    end; `details`: metrics that are rows of numbers; where the loss is a mean of squares, its `residuals` let
    constants be fitted by least squares.
    """

    status: str
    loss: float | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    cases: tuple[float, ...] = ()
    work: int = 0
    died_at: float = 1.0
    details: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Activity:
    """What synapses saw while rules acted on a task, and what became of their weights.

    **Fields:** `series`: `(steps, synapses)` by symbol, what a rule reads at each step (tasks with steps); `trains`:
    presynaptic and postsynaptic spike times of some synapses [s], each with the `weights_before`; `times` (steps, or s)
    and `weights` `(times, synapses)` on the way.
    """

    series: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    trains: tuple[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]], ...] = ()
    weights_before: tuple[float, ...] = ()
    times: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    weights: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True, slots=True)
class Course:
    """How one quantity went while rules acted on a task.

    **Fields:** `name` with its unit; `times` in the task's clock and `values` `(times,)`; `target`: where it should
    end, None where nothing is asked of it.
    """

    name: str
    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """A metric that must lie between `least` and `most` before a rule counts as solving the task."""

    metric: str
    least: float = -math.inf
    most: float = math.inf

    def shortfall(self, metrics: Mapping[str, float]) -> float:
        """Return how much the metric lies outside; 0 where the requirement is met, infinity where it is missing."""
        value = metrics.get(self.metric, math.nan)
        return max(0.0, self.least - value, value - self.most) if value == value else math.inf

    def __str__(self) -> str:
        if self.most == math.inf:
            return f"{self.metric} at least {self.least:g}"
        if self.least == -math.inf:
            return f"{self.metric} at most {self.most:g}"
        return f"{self.metric} from {self.least:g} to {self.most:g}"


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
    aims: ClassVar[tuple[str, ...]] = ()
    """Metrics, smaller is better, that name parts of the problem: a search keeps the best at each part as well."""
    deterministic: ClassVar[bool] = False
    """Whether a trial is the same for every seed."""
    tolerance: ClassVar[float] = 0.0
    """Difference of losses that does not matter between two rules."""
    selection_trials: ClassVar[int] = 5
    front_trials: ClassVar[int] = 0
    """Selection trials that decide which cleaned rules make the front, where that is more than `selection_trials`."""
    calibrated: ClassVar[int] = 0
    """Constants, in all, that are fitted once more at full fidelity after the clean-up: for noisy simulations."""
    report_trials: ClassVar[int] = 10
    evidence: ClassVar[tuple[int, int]] = (12, 5)
    """Rules of a front that are looked into for the report (ablations, ranges of constants), and report seeds."""
    finalists: ClassVar[int] = 24
    """Candidates that are cleaned up after a search."""
    bounds: ClassVar[tuple[float, float]]
    inhibitory: ClassVar[tuple[str, ...]] = ()
    """Names of the rules whose synapses inhibit; their weights are magnitudes."""
    grammar: ClassVar[str]
    known_rule: ClassVar[str]
    """Name of the known rule that solves the task."""
    permutations: ClassVar[int] = 0
    """Searches on permuted targets that a run makes unless it is told otherwise; 0 where they would take long."""
    refitted: ClassVar[bool] = False
    """Whether the cases are measurements, so that each can be left out and predicted by a rule fitted to the others."""
    transfer: ClassVar[tuple[str, ...]] = ()
    """Tasks on which the rules of a front are scored as they are, without refitting."""
    clock: ClassVar[str] = "s"
    """Unit of `duration`: `s`, or `steps` in tasks that count presentations."""
    fits_eta: ClassVar[bool] = False
    """Whether a rule that gives no learning rate gets the one that fits best, so that each form has its own."""
    stateless: ClassVar[bool] = False
    """Whether rules may have no traces, low-passes or other states, because nothing goes on in time."""
    achieves: ClassVar[str] = "does as well as"
    misses: ClassVar[str] = "does not reach"
    goal: ClassVar[str] = ""
    """What a rule is said to do, or not to do, and to what; empty: the known rule's title."""
    nothing: ClassVar[str] = "the control"
    """What the control stands for, where a rule does no better than it on what is held out."""
    squares: ClassVar[bool] = False
    """Whether held-out losses are squared errors of single measurements, as shares of their variance: then a rule is
    recommended only where it does better than the control beyond chance, and than any constant."""

    @abstractmethod
    def trial(self, rules: RuleSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Simulate bound rules (see `bind`) on the data of one seed."""

    def trials(
        self, candidates: Sequence[RuleSet], seed: int, settings: Settings, fidelity: str, backend: str = "vm"
    ) -> list[Trial]:
        """Return what `trial` gives for each of several candidates; a task may simulate them together."""
        return [self.trial(rules, seed, settings, fidelity, backend) for rules in candidates]

    @abstractmethod
    def baseline(self, settings: Settings) -> RuleSet:
        """Return the known rule with its constants calibrated to the task."""

    @abstractmethod
    def control(self, settings: Settings) -> RuleSet:
        """Return a rule that must fail."""

    def enough(self, loss: float) -> float:
        """Return the loss up to which a rule does as well as one with the given loss."""
        return max(loss * AS_GOOD, loss + self.tolerance)

    def searched_on(self, settings: Settings) -> str:
        """Return what the losses of a search are over at full fidelity, in words."""
        trials = self.fidelities[-1].trials
        return self.chosen_on(settings) if self.deterministic else f"{trials} search seed{'s' * (trials > 1)}"

    def chosen_on(self, settings: Settings) -> str:
        """Return what the losses are over by which rules are chosen for a front, in words."""
        if self.deterministic:
            return "the data of the search"
        return f"{max(self.selection_trials, self.front_trials)} selection seeds"

    def held_out_on(self, settings: Settings) -> str:
        """Return what losses are over that choose nothing, in words; empty where nothing is held out."""
        return "" if self.deterministic else f"{self.report_trials} held-out seeds"

    def held_out_losses(self, rules: RuleSet, trials: Sequence[Trial], settings: Settings) -> tuple[float, ...]:
        """Return the losses of bound rules on what is held out, by seed or by row; empty where nothing is.

        **Arguments:** `trials`: theirs on the report seeds, all of them `ok`.
        """
        return () if self.deterministic else tuple(trial.loss for trial in trials if trial.loss is not None)

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return how long one trial is that runs to its end, in simulated time; 0 where nothing goes on in time."""
        return 0.0

    def activity(self, rules: RuleSet, seed: int, settings: Settings) -> Activity | None:
        """Return what bound rules of one projection saw on one seed; None where the task cannot say."""
        return None

    def courses(self, rules: RuleSet, seed: int, settings: Settings) -> tuple[Course, ...]:
        """Return how weights, rates and what is asked of them went on one seed under bound rules.

        By default the median and the root mean square of the weights that `activity` shows.
        """
        activity = self.activity(rules, seed, settings) if len(rules.rules) == 1 else None
        if activity is None or not activity.weights.size:
            return ()
        return (
            Course("median weight", activity.times, np.median(activity.weights, axis=1)),
            Course("root mean square weight", activity.times, np.sqrt(np.mean(activity.weights**2, axis=1))),
        )

    def gradient(
        self, rules: RuleSet, seed: int, settings: Settings, fidelity: str
    ) -> tuple[float, npt.NDArray[np.float64]] | None:
        """Return the loss of bound rules on one seed and its derivative by each constant of the rule, in their order.

        None where the task has no derivatives. They may be nonfinite where a rule runs away.
        **Raises:** `MissingPartError` where what takes derivatives is not installed.
        """
        return None

    def own_grammar(self) -> str | None:
        """Return the text of the task's grammar where it is none of the shipped ones."""
        return None

    def default_eta(self, settings: Settings) -> float:
        """Return the learning rate of rules that give none."""
        return settings["eta"]

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
            values[name] = _checked(self.name, name, self.settings[name], given)
        return self.derive(values, set(changes))

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Adjust defaults that depend on other settings; `given` names those that were set by hand."""
        return values

    def parse(self, text: str) -> RuleSet:
        """Read rule text with this task's symbols and default slot, and check that it fits.

        **Raises:** `RulesearchError`.
        """
        rules = parse_rules(text, self.bare_slot, set(self.symbols))
        self.check(rules)
        return rules

    def check(self, rules: RuleSet) -> None:
        """Refuse rules that this task cannot run, in one clear line.

        **Raises:** `RulesearchError`.
        """
        if set(rules.rules) != set(self.rule_names):
            raise RulesearchError(
                f"task {self.name} takes the rules {', '.join(self.rule_names)}; found {', '.join(rules.rules)}"
            )
        for rule in rules.rules.values():
            for slot in rule.slots:
                if slot not in self.slots:
                    raise RulesearchError(f"task {self.name} has the slots {', '.join(self.slots)}; found {slot}")
            if self.stateless and rule.states:
                raise RulesearchError(
                    f"task {self.name} has no time for a rule's states; found {', '.join(rule.states)}"
                )
            known = {*self.symbols, *rule.states, *rule.constants}
            for name in rule.symbols:
                if name not in known:
                    raise RulesearchError(f"unknown symbol {name!r} in task {self.name}{did_you_mean(name, known)}")
            units = {name: symbol.unit for name, symbol in self.symbols.items()}
            rule.check_units(units, f"task {self.name}")

    def bind(self, rules: RuleSet, settings: Settings) -> RuleSet:
        """Return the rules complete: default states, learning rate and bounds filled in.

        States that the rule declares but nothing reads are dropped.
        """
        self.check(rules)
        return self.complete(rules, settings)

    def complete(self, rules: RuleSet, settings: Settings) -> RuleSet:
        """Return rules that are known to fit, complete as `bind` makes them."""
        return RuleSet({name: self._bind_rule(rule, settings) for name, rule in rules.rules.items()}, rules.name)

    def spelled_out(self, rules: RuleSet, settings: Settings) -> RuleSet:
        """Return the rules as they can be read without the task: bound, and bounds that hold nothing back left out."""
        bound = self.bind(rules, settings).rules
        free = {name for name, rule in rules.rules.items() if rule.bounds is None and bound[name].bounds == FREE}
        return RuleSet(
            {name: replace(rule, bounds=None) if name in free else rule for name, rule in bound.items()}, rules.name
        )

    def _bind_rule(self, rule: Rule, settings: Settings) -> Rule:
        read = rule.symbols
        states = {name: state for name, state in rule.states.items() if name in read}
        for name, symbol in self.symbols.items():
            if symbol.state is not None and name in read and name not in states:
                states[name] = symbol.state
        return replace(
            rule,
            states=states,
            eta=self.default_eta(settings) if rule.eta is None else rule.eta,
            bounds=self.default_bounds(settings) if rule.bounds is None else rule.bounds,
        )


def _checked(task: str, name: str, setting: Setting, given: str | float) -> float:
    try:
        if isinstance(given, bool):
            raise ValueError
        value = float(given)
    except (TypeError, ValueError, OverflowError):
        raise RulesearchError(f"setting {name} of task {task} must be a number, found {given!r}") from None
    if not setting.low <= value <= setting.high:
        raise RulesearchError(
            f"setting {name} of task {task} must lie in {setting.low:g} to {setting.high:g}, found {value:g}"
        )
    if setting.whole and value != int(value):
        raise RulesearchError(f"setting {name} of task {task} must be a whole number, found {given}")
    return value
