"""Does a rule hold when the experiment is changed? Conditions one by one, the known rule beside it under each.

A rule passes under a condition where it runs to its end, meets the task's requirements, does better than the same
network without plasticity as the task is (unless that network does what the task asks for), and is as good as the known
rule under the same condition: up to the task's tolerance, or where it is so on half of the seeds or more and the paired
difference over them may be due to chance. The known rule has no rule to be compared with. Without plasticity the rule
must not be as good as the known rule is with it. Both rules keep the learning rates and bounds that they have as the
task is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.evaluation.evaluator import Condition as Changed
from rulesearch.evaluation.evaluator import Job, run_jobs
from rulesearch.evaluation.outcome import Outcome
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.simulate.codes import EXPLANATION
from rulesearch.tasks.conditions import KINDS, Condition, conditions
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import losses_of
from rulesearch.wording import counted
from rulesearch.workflow.confirm import worse_than
from rulesearch.workflow.one_side import RATES, SPIKES, STEPS, one_side

AS_IT_IS, FROZEN = "the task as it is", "plasticity frozen"
SIDES = {"presynaptic side alone": "pre", "postsynaptic side alone": "post"}
NAMES = (AS_IT_IS, FROZEN, *(kind.name for kind in KINDS), *SIDES)
"""The names of all conditions, in their order."""

Score = Callable[[Sequence[RuleSet], Changed], list[Outcome]]
"""Evaluates rules on the same seeds under changed settings."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule did under a condition.

    **Fields:** whether it `passed`, and `why` not; `status`, `loss` and `metrics` as of an outcome; where a synapse was
    alone, its `weights` before and after, by the name of the rule.
    """

    passed: bool
    why: str
    status: str = "ok"
    loss: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """In one word."""
        return "pass" if self.passed else "fail"

    def weights_text(self) -> str:
        """Return what became of weights, such as `1 -> 0.5`, those of a set by name; empty where none was alone."""
        several = len(self.weights) > 1
        pairs = self.weights.items()
        return ", ".join(f"{name} " * several + f"{before:.4g} -> {after:.4g}" for name, (before, after) in pairs)


@dataclass(frozen=True, slots=True)
class StressRow:
    """A rule, and the known rule, under one condition.

    **Fields:** `condition` by name; `changed`: what is changed, in words; `changes`: settings before and after;
    `rule` and `known`: None where the condition does not apply, and `reason`: why.
    """

    condition: str
    changed: str = ""
    changes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    reason: str = ""
    rule: Standing | None = None
    known: Standing | None = None

    @property
    def label(self) -> str:
        """The condition and the settings that it changes."""
        return f"{self.condition} ({self.changed})" if self.changes else self.condition


@dataclass(frozen=True, slots=True)
class StressTest:
    """What conditions made of a rule of a task; `on`: what losses are over, in words."""

    task: str
    rule: str
    known_rule: str
    on: str
    rows: tuple[StressRow, ...]

    @property
    def holds(self) -> bool:
        """Whether the rule passes under every condition that applies."""
        return all(row.rule.passed for row in self.rows if row.rule is not None)

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> StressTest:
        """Return the test of a document that `asdict` made, and JSON kept."""
        rows = []
        for each in document["rows"]:
            standings = {side: _read_standing(each[side]) for side in ("rule", "known")}
            rows.append(StressRow(**{**each, "changes": _pairs(each["changes"]), **standings}))
        return StressTest(**{**document, "rows": tuple(rows)})

    def sentence(self) -> str:
        """Return in words under how many conditions the rule holds, and where it does not."""
        tried = [row for row in self.rows if row.rule is not None]
        failed = [row for row in tried if row.rule is not None and not row.rule.passed]
        said = f"passes under {len(tried) - len(failed)} of {counted(len(tried), 'condition')}"
        alone = [row.label for row in failed if row.known is None or row.known.passed]
        beside = [row.label for row in failed if row.label not in alone]
        if alone:
            said += f"; fails under: {', '.join(alone)}"
        if beside:
            said += f"; fails as the known rule does under: {', '.join(beside)}"
        return said


def _read_standing(document: Mapping[str, Any] | None) -> Standing | None:
    return None if document is None else Standing(**{**document, "weights": _pairs(document["weights"])})


def _pairs(document: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, float]]:
    return {name: (before, after) for name, (before, after) in document.items()}


def stress(
    rules: RuleSet,
    task: Task,
    settings: Settings,
    seeds: Sequence[int],
    only: Sequence[str] = (),
    notify: Callable[[str], None] = lambda _: None,
) -> StressTest:
    """Return what the conditions of a task make of rules that fit it.

    **Arguments:** `settings`: resolved; `seeds` of the simulations; `only`: names of conditions, all where none is
    given; `notify` is called with what is being done.
    **Raises:** `RulesearchError` for a condition that there is not.
    """
    full, rules = task.fidelities[-1].name, _with_still_ones_given(rules)

    def score(each: Sequence[RuleSet], changed: Changed) -> list[Outcome]:
        return run_jobs(task, settings, "vm", [Job(one, tuple(seeds), full, (changed,)) for one in each])

    rows = tuple(stressed(rules, task, settings, score, only, notify))
    on = task.looked_into_on(settings, len(seeds))
    return StressTest(task.name, str(task.spelled_out(rules, settings)), task.known_rule, on, rows)


def stressed(
    rules: RuleSet,
    task: Task,
    settings: Settings,
    score: Score,
    only: Sequence[str] = (),
    notify: Callable[[str], None] = lambda _: None,
    left_out: Callable[[Condition], str] = lambda _: "",
) -> Iterator[StressRow]:
    """Yield how rules stand under one condition after the other.

    **Arguments:** `score` evaluates rules; `left_out` says why a condition is not tried, empty where it is; the others,
    and errors, as of `stress`.
    """
    for name in only:
        if name not in NAMES:
            raise RulesearchError(f"there is no condition {shown(name)}{did_you_mean(str(name), NAMES)}")
    wanted = set(only or NAMES)
    ours, known = (task.spelled_out(each, settings) for each in (rules, task.known_beside(rules.held, settings)))

    def both(changed: Changed = ()) -> tuple[Outcome, Outcome]:
        different = [ours] if str(ours) == str(known) else [ours, known]
        found = score(different, changed)
        return found[0], found[-1]

    notify(f"simulating {AS_IT_IS}, and without plasticity")
    base = both()
    [frozen] = score([_frozen(ours)], ())
    still = _stands(frozen, base[1], task, by_chance=False)
    bar = math.inf if still.passed or frozen.loss is None else frozen.loss
    if AS_IT_IS in wanted:
        yield StressRow(AS_IT_IS, "nothing", rule=_stands(*base, task, bar), known=_stands(base[1], None, task, bar))
    if FROZEN in wanted:
        why = "passes without plasticity" if still.passed else ""
        standing = replace(still, passed=not still.passed, why=why)
        yield StressRow(FROZEN, "no weight moves; must fail", rule=standing, known=standing)
    for condition in conditions(task.stress, task.settings, settings):
        if condition.kind in wanted:
            tried = replace(condition, reason=condition.reason or left_out(condition))
            yield _under(tried, task, settings, both, bar, notify)
    for name, side in SIDES.items():
        if name in wanted:
            yield _alone(name, side, ours, known, task, settings)


def idle(rule: Rule) -> Rule:
    """Return a rule that reads nothing and changes nothing, in one of its slots."""
    return replace(rule, slots={next(iter(rule.slots)): Expression.number(0.0)}).without_unread()


def _with_still_ones_given(rules: RuleSet) -> RuleSet:
    """Return rules with those given that never change a weight, so that the known ones stand still there too."""
    still = frozenset(name for name, rule in rules.rules.items() if rule.is_still)
    return rules if rules.given or len(still) == len(rules.rules) else replace(rules, given=still)


def _frozen(rules: RuleSet) -> RuleSet:
    return rules.with_rules({name: idle(rule) for name, rule in rules.rules.items()})


def _under(
    condition: Condition,
    task: Task,
    settings: Settings,
    both: Callable[[Changed], tuple[Outcome, Outcome]],
    bar: float,
    notify: Callable[[str], None],
) -> StressRow:
    changed = condition.text(task.settings)
    if condition.reason:
        return StressRow(condition.kind, changed, condition.changes, condition.reason)
    try:
        task.resolve({**settings, **condition.settings})
        notify(f"simulating {condition.kind}: {changed}")
        ours, known = both(tuple(sorted(condition.settings.items())))
    except RulesearchError as error:
        return StressRow(condition.kind, changed, condition.changes, str(error))
    standings = _stands(ours, known, task, bar), _stands(known, None, task, bar)
    return StressRow(condition.kind, changed, condition.changes, "", *standings)


def _stands(
    outcome: Outcome, known: Outcome | None, task: Task, bar: float = math.inf, by_chance: bool = True
) -> Standing:
    """Return how a rule stands.

    **Arguments:** `known`: what it is compared with, None for nothing; `bar`: the loss without plasticity, which it
    must beat; `by_chance`: whether it may be worse than the known rule by chance.
    """
    why = ""
    missed = [item for item in task.requirements if item.shortfall(outcome.metrics)]
    if outcome.loss is None:
        why = EXPLANATION[outcome.status]
    elif missed:
        why = f"misses {', '.join(map(str, missed))}"
    elif outcome.loss >= bar:
        why = f"no better than without plasticity, loss {bar:.3g}"
    else:
        best = math.inf if known is None or known.loss is None else known.loss
        if outcome.loss > task.enough(best) and not (by_chance and _by_chance(outcome, known, best, task)):
            own = task.goal or not math.isfinite(best)
            why = (
                f"does not reach the task's goal, {task.goal}"
                if own
                else f"worse than {task.known_rule} as the task has it"
            )
    return Standing(not why, why, outcome.status, outcome.loss, dict(outcome.metrics))


def _by_chance(outcome: Outcome, known: Outcome | None, best: float, task: Task) -> bool:
    """Return whether a loss may be above what is enough beside the known rule's, `best`, by chance alone."""
    ours, theirs = (losses_of(() if each is None else each.trials) for each in (outcome, known))
    as_good = sum(a <= task.enough(b) for a, b in zip(ours, theirs, strict=False))
    return 2 * as_good >= len(ours) and not worse_than(best, theirs, sum(ours) / len(ours), ours, task)


def _alone(name: str, side: str, ours: RuleSet, known: RuleSet, task: Task, settings: Settings) -> StressRow:
    if task.stress.alone or task.stateless:
        return StressRow(name, reason=task.stress.alone or "nothing that its rules read is of one side of a synapse")
    spiking = any(rule.moved_by_spikes for rule in ours.rules.values())
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    amount = f"{SPIKES:,} spikes at {rates} Hz" if spiking else f"{STEPS:,} presentations"
    try:
        standing = _without_the_other(task, ours, side, settings)
    except RulesearchError as error:
        return StressRow(name, reason=str(error))
    try:
        beside = _without_the_other(task, known, side, settings)
    except RulesearchError:
        beside = None
    return StressRow(name, f"{amount}; weights must not run away", rule=standing, known=beside)


def _without_the_other(task: Task, rules: RuleSet, side: str, settings: Settings) -> Standing:
    bound = task.bind(rules, settings).rules
    found = {name: one_side(rule, side) for name, rule in bound.items()}
    gone = [name for name, each in found.items() if each.runs_away]
    weights = {name: (each.before, each.after) for name, each in found.items()}
    return Standing(not gone, f"the weight runs away of {', '.join(gone)}" if gone else "", weights=weights)
