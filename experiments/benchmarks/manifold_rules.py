"""Where the rules of `manifold.py` come from: stores of searches, and the six-parameter polynomial; and minimal forms.

A rule counts once, one of a search with its constants and time constants rounded to two digits, and in a form of which
nothing can be left out: one slot, or one argument of one operator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import rulesearch
from rulesearch.errors import RulesearchError
from rulesearch.evaluation.records import STORE, SUMMARY
from rulesearch.evaluation.store import Store
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import State, Trace
from rulesearch.symbolic import Reachable, canonical_key, family_key, simplify
from rulesearch.symbolic.keys import never_negative
from rulesearch.tasks.task import Task
from rulesearch.workflow.clean_up import deletions

Solve = Callable[[Sequence[RuleSet]], list[bool]]
"""Says of each of several rules whether it solves a task."""

TAUS, COEFFICIENTS = (0.01, 0.1), (-2.0, 2.0)
"""Ranges of the six parameters: time constants [s] and coefficients (Confavreux et al. 2023)."""


def searched(experiment: str, seeds: Sequence[int], work: Path, engine: str = "deap") -> list[Path]:
    """Return the run folders of searches, one for each seed; a search that is done is not repeated."""
    folders = [work / f"{experiment}-{engine}-{seed}" for seed in seeds]
    for seed, folder in zip(seeds, folders, strict=True):
        if not (folder / STORE).exists():
            rulesearch.discover(experiment, engine=engine, seed=seed, out=folder, report=False)
        elif not (folder / SUMMARY).exists():
            rulesearch.resume(folder)
    return folders


def screened(task: Task, folders: Iterable[Path], loss: float) -> list[tuple[RuleSet, float | None]]:
    """Return every rule that searches screened, with its loss where it ran, had at most this loss, and was tuned."""
    found: list[tuple[RuleSet, float | None]] = []
    for folder in folders:
        store = Store(folder / STORE, read_only=True)
        rows = store.evaluated(task.fidelities[0].name)
        store.close()
        for text, _, own, metrics in rows:
            met = own is not None and own <= loss and not any(each.shortfall(metrics) for each in task.requirements)
            found.append((task.parse(text), own if met else None))
    return found


def hopeful(task: Task, rows: Iterable[tuple[RuleSet, float | None]], per_family: int) -> list[RuleSet]:
    """Return the rules that have a loss, rounded; of those that are the same up to constants the best few."""
    best: dict[str, tuple[float, RuleSet]] = {}
    for rules, loss in rows:
        if loss is not None:
            short = rounded(plain(task, rules))
            key = function_key(task, short)
            if key not in best or loss < best[key][0]:
                best[key] = loss, short
    kept: dict[str, list[RuleSet]] = {}
    for _, rules in sorted(best.values(), key=lambda pair: (pair[0], str(pair[1]))):
        alike = kept.setdefault(family_of(task, rules), [])
        if len(alike) < per_family:
            alike.append(rules)
    return [rules for alike in kept.values() for rules in alike]


def plain(task: Task, rules: RuleSet) -> RuleSet:
    """Return the shortest equal form, where nothing that the task's rules read is negative: relu(y) is y."""
    spelled = task.spelled_out(rules, task.resolve()).only()
    ranges = {name: (0.0, math.inf) for name in rules.only().symbols if name in never_negative(spelled)}
    return simplify(rules, Reachable(ranges=ranges)).simplified


def rounded(rules: RuleSet) -> RuleSet:
    """Return rules with their constants and time constants rounded to two digits."""
    return rules.with_rules({name: _rounded(rule) for name, rule in rules.rules.items()})


def function_key(task: Task, rules: RuleSet) -> str:
    """Return a text that is the same for rules of a task that are the same function of the same traces."""
    return canonical_key(task.spelled_out(rules, task.resolve()))


def family_of(task: Task, rules: RuleSet) -> str:
    """Return a text that is the same for rules of a task that are the same up to constants."""
    return family_key(task.spelled_out(rules, task.resolve()), within_bounds=True)


def minimal(task: Task, rules: Iterable[RuleSet], solve: Solve) -> list[RuleSet]:
    """Return shortest forms that still solve the task, each function once; rules that do not solve it are left out.

    Of the forms that solve it with one thing less the smallest is taken, and so on until there is none.
    """
    judged: dict[str, bool] = {}

    def judge(forms: Iterable[RuleSet]) -> None:
        new = {str(form): form for form in forms if str(form) not in judged}
        judged.update(zip(new, solve(list(new.values())), strict=True))

    held = {function_key(task, form): form for form in (plain(task, each) for each in rules)}
    seen, done = set(held), dict[str, RuleSet]()
    judge(held.values())
    while held:
        held = {key: form for key, form in held.items() if judged[str(form)]}
        shorter = {key: shortened(task, form) for key, form in held.items()}
        judge(form for forms in shorter.values() for form in forms)
        following: dict[str, RuleSet] = {}
        for key, form in held.items():
            left = [each for each in shorter[key] if judged[str(each)]]
            if not left:
                done[key] = form
                continue
            smallest = min(left, key=lambda each: (each.size, str(each)))
            other = function_key(task, smallest)
            if other not in seen:
                following[other] = smallest
                seen.add(other)
        held = following
    return list(done.values())


def shortened(task: Task, rules: RuleSet) -> list[RuleSet]:
    """Return the forms with one thing less, each function once and in its shortest form."""
    own = function_key(task, rules)
    forms = (plain(task, form) for form, _ in deletions(rules))
    return list({key: form for form in forms if (key := function_key(task, form)) != own}.values())


def drawn_polynomial(task: Task, rng: np.random.Generator, pre: float, target: float) -> RuleSet:
    """Draw a rule of the six-parameter polynomial whose mean field has a fixed point at the target.

    Five parameters are uniform within their published ranges; the change at a presynaptic spike alone is solved for:
    alpha = -r_post (beta/r_pre + gamma tau_pre + kappa tau_post). Draws where it is out of range are repeated.

    **Arguments:** `pre` and `target`: rates r_pre and r_post [Hz].
    """
    while True:
        tau_pre, tau_post = map(float, rng.uniform(*TAUS, size=2))
        beta, gamma, kappa = map(float, rng.uniform(*COEFFICIENTS, size=3))
        alpha = -target * (beta / pre + gamma * tau_pre + kappa * tau_post)
        if COEFFICIENTS[0] <= alpha <= COEFFICIENTS[1]:
            return polynomial(task, tau_pre, tau_post, alpha, beta, gamma, kappa)


def polynomial(
    task: Task, tau_pre: float, tau_post: float, alpha: float, beta: float, gamma: float, kappa: float
) -> RuleSet:
    """Return the rule with these six parameters; time constants in seconds."""
    rules = task.parse("on_pre: kappa*y + alpha; on_post: gamma*x + beta; alpha = 1; beta = 1; gamma = 1; kappa = 1")
    values = {"alpha": alpha, "beta": beta, "gamma": gamma, "kappa": kappa}
    states: Mapping[str, State] = {"x": Trace("pre", tau_pre), "y": Trace("post", tau_post)}
    name, rule = next(iter(rules.rules.items()))
    return rules.with_rules({name: replace(rule.with_constants(values), states=states)})


def correlation_sign(rules: RuleSet) -> float:
    """Return gamma tau_pre + kappa tau_post of a rule of the polynomial [s]."""
    rule, values = rules.only(), rules.only().constant_values()
    taus = {name: state.tau for name, state in rule.states.items() if isinstance(state, Trace)}
    if set(taus) != {"x", "y"}:
        raise RulesearchError("the rule is none of the polynomial, which reads x and y")
    return values["gamma"] * taus["x"] + values["kappa"] * taus["y"]


def _rounded(rule: Rule) -> Rule:
    values = {name: _two_digits(value) for name, value in rule.constant_values().items()}
    states = {
        name: replace(state, tau=_two_digits(state.tau)) if isinstance(state, Trace) else state
        for name, state in rule.states.items()
    }
    return replace(rule.with_constants(values), states=states)


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
