"""Rules with nothing left to their task: what is simulated on one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from rulesearch.rules.rule import Rule, RuleSet

FREE = (-math.inf, math.inf)
"""Bounds of a weight that may take any value."""


@dataclass(frozen=True, slots=True)
class BoundRule(Rule):
    """A rule whose learning rate and bounds are given, and whose states are all declared; see `Task.bind`."""

    eta: float = 1.0
    bounds: tuple[float, float] = FREE

    def unbound(self, bounds: tuple[float, float] | None) -> Rule:
        """Return the rule as one that need not be bound, with these bounds."""
        return Rule(self.slots, self.eta, self.states, self.constants, bounds, self.name)


@dataclass(frozen=True, slots=True)
class BoundSet(RuleSet):
    """Bound rules that act together."""

    rules: Mapping[str, BoundRule]

    @staticmethod
    def of(rules: RuleSet, bound: Mapping[str, BoundRule]) -> BoundSet:
        """Return a set with bound rules in place of its own."""
        return BoundSet(**{**{field.name: getattr(rules, field.name) for field in fields(RuleSet)}, "rules": bound})

    def only(self) -> BoundRule:
        """Return the one rule of a set of one; errors as of any set."""
        super(BoundSet, self).only()
        return next(iter(self.rules.values()))
