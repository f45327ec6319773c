"""Score-aware clean-up: what does not matter goes, constants keep the digits that count, each step re-simulated.

Two forms of a rule are compared on the same trial seeds. A form is no worse if the mean of the paired
differences of its loss is at most two standard errors, or a small share of the loss, above zero; a part may also
go where that costs less than the task's tolerance, but a constant is never moved off its value for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.expression.operators import Operator
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import Synaptic
from rulesearch.symbolic import rule_from_terms, rule_terms, simplify
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import losses_of
from rulesearch.workflow.asked import Asked
from rulesearch.workflow.clock import OutOfTime

Score = Callable[[Sequence[RuleSet], int], list[Outcome]]
"""Evaluates rules on the same trial seeds, one trial per seed: the rules, and how many seeds."""

_LOSS_SHARE = 0.02
_NOISE_SHARE = 0.1
_MAX_ROUNDS = 12
_MAX_DIGITS = 6


@dataclass(frozen=True, slots=True)
class CleanUp:
    """What clean-up left of a rule.

    **Fields:** sizes and losses before and after; `outcome` of the final form; `steps`: what was done and what it
    cost, in words; `source`: fingerprint of the candidate that was cleaned, where it came from a search.
    """

    rules: RuleSet
    size_before: int
    size_after: int
    outcome: Outcome
    loss_before: float | None
    loss_after: float | None
    steps: tuple[str, ...]
    source: str = ""


def clean_up(rules: RuleSet, task: Task, score: Score, asked: Asked | None = None) -> CleanUp:
    """Simplify rules without changing how they do: equal forms first, then deletions and holes filled, then rounding.

    Where the time is over on the way, this is the form that it came to.

    **Arguments:** `score`: evaluates candidates on selection seeds; `asked`: what all forms must keep to, None where
    a search was free.
    **Raises:** `OutOfTime` where there was no time for any form.
    """
    start = score([rules], task.protocol.selection_trials)[0]
    plain = simplify(rules)
    steps = list(plain.steps)
    current = plain.simplified
    if asked is not None and not asked.derives(current):
        # What may be left out is seen in the form that the template, or the words, gave it.
        current, steps = rules, []
    if not start.ok:
        return CleanUp(current, rules.size, current.size, start, None, None, tuple(steps))
    judge = _Judge(task, score, score([current], task.protocol.selection_trials)[0])
    held = current, judge.outcome, len(steps)
    with suppress(OutOfTime):
        for _ in range(_MAX_ROUNDS):
            forms = [*_filled(current), *deletions(current)]
            if asked is not None:
                forms = [(form, what) for form, what in forms if asked.derives(form)]
            found = judge.first_no_worse(forms)
            if found is None:
                break
            current, what, cost = found
            steps.append(f"dropped {what} ({cost})")
            held = current, judge.outcome, len(steps)
        current = _round_constants(current, judge, steps)
        final = simplify(current)
        allowed = final.simplified != current and (asked is None or asked.writes(final.simplified))
        if allowed and judge.first_no_worse([(final.simplified, "")]) is not None:
            current = final.simplified
            steps += final.steps
        held = current, judge.outcome, len(steps)
    current, judge.outcome, kept = held
    del steps[kept:]
    absorbed: list[str] = []
    shorter = _absorb_factor(current, absorbed)
    if asked is None or (asked.writes(shorter) and asked.derives(shorter) >= asked.derives(current)):
        current, steps = shorter, [*steps, *absorbed]
    return CleanUp(current, rules.size, current.size, judge.outcome, start.loss, judge.outcome.loss, tuple(steps))


def simplify_on_task(
    rules: RuleSet, task: Task, settings: Mapping[str, float], run_seed: int = 0, backend: str = "vm"
) -> CleanUp:
    """Clean rules up on a task's selection seeds, under the given settings."""

    def score(forms: Sequence[RuleSet], count: int) -> list[Outcome]:
        seeds = trial_seeds(run_seed, "selection", count)
        trials = [
            [evaluate_rules(task, form, (seed,), settings, backend).trials[0] for form in forms] for seed in seeds
        ]
        return [Outcome.of(seeds, [row[index] for row in trials]) for index in range(len(forms))]

    return clean_up(rules, task, score)


class _Judge:
    """Says whether another form is no worse than the one held, and then holds that."""

    def __init__(self, task: Task, score: Score, outcome: Outcome) -> None:
        self.task = task
        self.score = score
        self.outcome = outcome

    def first_no_worse(
        self, forms: Sequence[tuple[RuleSet, str]], rounding: bool = False
    ) -> tuple[RuleSet, str, str] | None:
        count = self.task.protocol.selection_trials
        first = self.score([rules for rules, _ in forms], 1)
        left = [index for index, outcome in enumerate(first) if self.may_hold(outcome, count)]
        outcomes = dict(zip(left, self.score([forms[index][0] for index in left], count), strict=True))
        best: tuple[float, int] | None = None
        for index, outcome in outcomes.items():
            cost = self.cost(outcome, rounding)
            if cost is not None and (best is None or (forms[index][0].size, cost) < (forms[best[1]][0].size, best[0])):
                best = (cost, index)
        if best is None:
            return None
        cost, index = best
        self.outcome = outcomes[index]
        return forms[index][0], forms[index][1], f"loss {self.outcome.loss:.3g}, change {cost:+.2g}"

    def may_hold(self, first: Outcome, count: int) -> bool:
        """Return whether a form may be no worse, by the first of `count` trials: no loss is negative."""
        if first.loss is None or self.outcome.loss is None:
            return False
        most = max((1.0 + _NOISE_SHARE) * self.outcome.loss, self.outcome.loss + self.task.protocol.tolerance)
        return first.loss / count <= most

    def cost(self, outcome: Outcome, rounding: bool = False) -> float | None:
        """Return the mean change of the loss, or None where the form is worse."""
        if outcome.loss is None or self.outcome.loss is None:
            return None
        if outcome.shortfall(self.task.requirements) > self.outcome.shortfall(self.task.requirements):
            return None
        differences = np.subtract(losses_of(outcome.trials), losses_of(self.outcome.trials))
        mean = float(differences.mean())
        noise = 2.0 * float(differences.std(ddof=1)) / np.sqrt(len(differences)) if len(differences) > 1 else 0.0
        # Noise excuses a change only where it is small beside the loss itself: a form that does well on some
        # seeds and badly on others differs in kind.
        allowed = max(_LOSS_SHARE * self.outcome.loss, min(noise, _NOISE_SHARE * self.outcome.loss))
        if not rounding:
            allowed = max(allowed, self.task.protocol.tolerance)
        return mean if mean <= allowed else None


def _filled(rules: RuleSet) -> Iterator[tuple[RuleSet, str]]:
    """Yield the rules rebuilt from their terms where that is shorter: `y**2*(x/y - w)` as `y*(x - w*y)`.

    They are then defined also where they were not, which is another function: only a simulation can allow that.
    """
    for name, rule in rules.searched.items():
        rebuilt = rule_from_terms(rule, rule_terms(rule))
        if rebuilt.size < rule.size:
            yield _with_rule(rules, name, rebuilt), _said_of(rules, name, "what left it undefined at some points")


def deletions(rules: RuleSet) -> Iterator[tuple[RuleSet, str]]:
    """Yield the rules with one slot emptied, or one operator replaced by one of its arguments."""
    for name, rule in rules.searched.items():
        for slot, expression in rule.slots.items():
            if len(rule.slots) > 1:
                kept = {key: value for key, value in rule.slots.items() if key != slot}
                gone = _said_of(rules, name, f"{slot}: {to_text(expression)}")
                yield _with_rule(rules, name, replace(rule, slots=kept)), gone
            for shorter, part in _smaller(expression):
                gone = _said_of(rules, name, part)
                yield _with_rule(rules, name, replace(rule, slots={**rule.slots, slot: shorter})), gone


def _smaller(expression: Expression) -> Iterator[tuple[Expression, str]]:
    nodes = expression.nodes
    for index, node in enumerate(nodes):
        if not isinstance(node, Operator):
            continue
        end = expression.subtree_end(index)
        part = Expression(nodes[index:end])
        arguments = part.arguments
        for kept in range(len(arguments)):
            if node.name == "pow" and kept == 1:
                continue
            inner = arguments[kept]
            if node.name == "sub" and kept == 1:
                inner = Expression.apply("neg", inner)
            if inner.size >= part.size:
                continue
            gone = to_text(arguments[1 - kept]) if len(arguments) == 2 else f"{node.name} of {to_text(inner)}"
            yield Expression(nodes[:index] + inner.nodes + nodes[end:]), f"{gone} from {to_text(part)}"


def _said_of(rules: RuleSet, name: str, what: str) -> str:
    """Return what is done to a rule, with the rule's name where there are several."""
    return f"{name}: {what}" if len(rules.rules) > 1 else what


def _with_rule(rules: RuleSet, name: str, rule: Rule) -> RuleSet:
    return rules.with_rules({name: rule.without_unread()})


def _round_constants(rules: RuleSet, judge: _Judge, steps: list[str]) -> RuleSet:
    for name, rule in rules.searched.items():
        for constant, number in rule.constants.items():
            forms = []
            for value in rounded_values(number.value):
                changed = rules.rules[name].with_constants({constant: value})
                shown = _said_of(rules, name, f"{constant} = {value:g}")
                forms.append((_with_rule(rules, name, changed), shown))
            rules = _first_of(forms, rules, judge, steps)
        for state, definition in rule.states.items():
            # A time constant of few digits was chosen by a person, not by a search.
            if isinstance(definition, Synaptic) or float(f"{definition.tau:.4g}") == definition.tau:
                continue
            forms = []
            for value in rounded_values(definition.tau):
                states = {**rules.rules[name].states, state: replace(definition, tau=value)}
                tau = f"{value:g} steps" if getattr(definition, "in_steps", False) else f"{1e3 * value:g} ms"
                shown = _said_of(rules, name, f"tau_{state} = {tau}")
                forms.append((_with_rule(rules, name, replace(rules.rules[name], states=states)), shown))
            rules = _first_of(forms, rules, judge, steps)
    return rules


def _first_of(forms: Sequence[tuple[RuleSet, str]], rules: RuleSet, judge: _Judge, steps: list[str]) -> RuleSet:
    """Return the first of the forms that is no worse, or the rules as they are."""
    for form in forms:
        found = judge.first_no_worse([form], rounding=True)
        if found is not None:
            steps.append(f"rounded {found[1]} ({found[2]})")
            return found[0]
    return rules


def _absorb_factor(rules: RuleSet, steps: list[str]) -> RuleSet:
    """Return the rules with a positive constant factor of a rule's only slot moved into eta: the same dynamics."""
    changed: dict[str, Rule] = {}
    for name, rule in rules.searched.items():
        if rule.eta is None or len(rule.slots) != 1:
            continue
        slot, expression = next(iter(rule.slots.items()))
        pure = {key: number.value for key, number in rule.constants.items() if not number.unit}
        factor, rest = _constant_factor(expression, pure)
        if rest is not None and factor > 0.0 and rule.eta * factor > 0.0:
            kept = _with_rule(rules, name, replace(rule, slots={slot: rest}, eta=float(f"{rule.eta * factor:.12g}")))
            changed[name] = kept.rules[name]
            steps.append(_said_of(rules, name, f"the factor {factor:g} became part of eta"))
    return rules.with_rules(changed)


def _constant_factor(expression: Expression, constants: Mapping[str, float]) -> tuple[float, Expression | None]:
    head = expression.head
    if not isinstance(head, Operator) or head.name not in ("mul", "div"):
        return 1.0, None
    first, second = expression.arguments
    for constant, rest, inverted in ((second, first, head.name == "div"), (first, second, False)):
        leaf = constant.head
        value = (
            leaf.value
            if isinstance(leaf, Number) and not leaf.unit
            else constants.get(leaf)
            if isinstance(leaf, str)
            else None
        )
        if value and (inverted or head.name == "mul"):
            return (1.0 / value if inverted else value), rest
    # The factor may stand at the left end of a longer product.
    factor, rest_of_first = _constant_factor(first, constants)
    return factor, None if rest_of_first is None else Expression.apply(head.name, rest_of_first, second)


def rounded_values(value: float) -> list[float]:
    """Return rounded values, the roundest first; nothing that is as long as the value itself."""
    found: list[float] = []
    for digits in range(1, _MAX_DIGITS + 1):
        rounded = float(f"{value:.{digits}g}")
        if rounded not in found and rounded != value:
            found.append(rounded)
    return found
