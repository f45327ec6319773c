"""A task of two rules whose answer is known: one must be Oja's rule, the other one anti-Hebbian."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from rulesearch.rules.rule import RuleSet
from rulesearch.rules.states import Trace
from rulesearch.tasks import Protocol
from rulesearch.tasks.declaration import Fidelity, Setting, Settings, TaskSymbol
from rulesearch.tasks.task import FREE, Task
from rulesearch.tasks.trial import Trial

SYMBOLS = """
[symbols]
x = { meaning = "input", unit = "" }
y = { meaning = "output", unit = "" }
w = { meaning = "weight", unit = "" }
"""

PAIR = f"""
name = "pair"
description = "Sums, differences and products for one rule, products for the other."
{SYMBOLS}
[constants.c]
range = [-2.0, 2.0]
prior = "uniform"
unit = ""
[slots.feedforward]
on_step = "change"
[slots.lateral]
on_step = "product"
[productions]
change = ["x", "y", "w", "c", "change + change", "change - change", "change * change"]
product = ["x", "y", "c", "product * product", "-product"]
[limits]
size = 12
depth = 7
rule_size = 9
"""

ANSWER = "feedforward[y*(x - w*y)]; lateral[-(x*y)]"


class Pair(Task):
    """How far two rules are from Oja's rule and from minus x*y, at random points."""

    name = "pair"
    title = "two rules at once"
    summary = "Two rules must be Oja's and an anti-Hebbian one."
    reference = doi = bibtex = ""
    slots = ("on_step",)
    rule_names = ("feedforward", "lateral")
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {name: TaskSymbol("any number") for name in ("x", "y", "w")}
    settings: ClassVar[Mapping[str, Setting]] = {"eta": Setting(1.0, "learning rate", 1e-6, 10.0)}
    fidelities = (Fidelity("full", 2, "all of it"),)
    bounds = FREE
    grammar = "pair"
    known_rule = ANSWER
    protocol = Protocol(tolerance=1e-6, finalists=6, evidence_rules=1, evidence_seeds=1)

    def own_grammar(self) -> str:
        """Return the grammar of this task."""
        return PAIR

    def errors(self, rules: RuleSet, seed: int) -> list[np.ndarray]:
        """Return by how much each rule is off."""
        x, y, w = np.random.default_rng(seed).normal(size=(3, 12))
        found = [rule.change(x=x, y=y, w=w) for rule in rules.rules.values()]
        return [np.broadcast_to(found[0] - y * (x - w * y), 12), np.broadcast_to(found[1] + x * y, 12)]

    def trial(self, rules: RuleSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Return the mean squared error, by rule as cases."""
        assert list(rules.rules) == list(self.rule_names)
        errors = self.errors(rules, seed)
        if not all(np.all(np.isfinite(each)) for each in errors):
            return Trial("nonfinite", None)
        cases = tuple(float(np.mean(each**2)) for each in errors)
        return Trial("ok", sum(cases) / len(cases), {}, cases, 1)

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the answer."""
        return self.parse(ANSWER)

    def control(self, settings: Settings) -> RuleSet:
        """Return two rules that do nothing."""
        return self.parse("feedforward[0*w]; lateral[0*w]")


class Measured(Pair):
    """The same, with residuals, and with traces whose time constants must be 10 ms and 40 ms."""

    name = "measured"
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {**Pair.symbols, "x": TaskSymbol("trace", "", Trace("pre", 0.02))}

    def errors(self, rules: RuleSet, seed: int) -> list[np.ndarray]:
        """Return by how much each rule is off, its time constant in the last place."""
        found = []
        pairs = zip(super().errors(rules, seed), rules.rules.values(), (0.01, 0.04), strict=True)
        for each, rule, tau in pairs:
            state = rule.states.get("x")
            found.append(np.append(each, 0.0 if state is None else np.log(state.tau / tau)))
        return found

    def trial(self, rules: RuleSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Return the mean squared error with the errors themselves."""
        trial = super().trial(rules, seed, settings, fidelity, backend)
        residuals = tuple(np.concatenate(self.errors(rules, seed)).tolist())
        return trial if trial.loss is None else replace(trial, details={"residuals": residuals})

    def own_grammar(self) -> str:
        """Return the grammar with a trace in place of the input."""
        state = 'x = { meaning = "trace", unit = "", definition = "trace(pre, tau)" }'
        tau = '[constants.tau]\nrange = [5.0, 150.0]\nprior = "log-uniform"\nunit = "ms"\n[slots.feedforward]'
        return PAIR.replace('x = { meaning = "input", unit = "" }', state).replace("[slots.feedforward]", tau)


class Fitted(Measured):
    """The same, where the numbers of each structure are fitted before it is judged."""

    name = "fitted"
    protocol = replace(Pair.protocol, fits_numbers=True)
