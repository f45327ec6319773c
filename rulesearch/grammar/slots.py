"""What a candidate is keyed by: the slots of its rules, and the names that each of its rules has for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

ONE = "w"
"""Name of the rule of a grammar with one table `[slots]`."""

Value = TypeVar("Value")


class RuleSlot(NamedTuple):
    """A slot of a rule, `on_step` of `lateral`: what one derivation is for."""

    rule: str
    slot: str


class RuleName(NamedTuple):
    """A name in a rule: a constant, or a symbol whose time constant is searched; other rules have their own."""

    rule: str
    name: str


def slots_by_rule(slots: Mapping[RuleSlot, Value]) -> dict[str, dict[str, Value]]:
    """Return what is keyed by (rule, slot) by slot, by rule."""
    found: dict[str, dict[str, Value]] = {}
    for (rule, slot), value in slots.items():
        found.setdefault(rule, {})[slot] = value
    return found


def names_of(rule: str, values: Mapping[RuleName, Value]) -> dict[str, Value]:
    """Return what is keyed by (rule, name) by name, for one rule."""
    return {key.name: value for key, value in values.items() if key.rule == rule} if values else {}
