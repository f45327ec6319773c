"""Whether a rule can be derived from a grammar: as it is written, or as a function."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rulesearch.expression.points import POINTS, points
from rulesearch.expression.tree import Expression, Number
from rulesearch.grammar.derivation import derive
from rulesearch.grammar.functions import FunctionTable
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.keys import function_keys
from rulesearch.grammar.slots import ONE, RuleSlot
from rulesearch.rules.rule import Rule

SEARCH_CAP = 20_000_000
"""Combinations that `find_function` evaluates at most."""


def derives(grammar: Grammar, nonterminal: str, expression: Expression) -> bool:
    """Return whether an expression can be derived from a non-terminal; see `derive`."""
    return derive(grammar, nonterminal, expression) is not None


def member(
    grammar: Grammar, slots: Mapping[str, Expression], constants: Mapping[str, Number] | None = None, rule: str = ONE
) -> bool:
    """Return whether the slots of a rule are one of the grammar's, as `derive` says.

    **Arguments:** `constants`: values of the rule's named constants; `rule`: its name in the grammar.
    """
    return derived_slots(grammar, slots, constants, rule) is not None


def derived_slots(
    grammar: Grammar, slots: Mapping[str, Expression], constants: Mapping[str, Number] | None = None, rule: str = ONE
) -> dict[str, Expression] | None:
    """Return the slots of a rule as the grammar derives them, signs and values where they went; None where it does not.

    **Arguments:** as of `member`.
    """
    if not _slots_fit(grammar, slots, rule):
        return None
    starts = {slot: grammar.slots[RuleSlot(rule, slot)] for slot in slots}
    found = {slot: derive(grammar, starts[slot], part, constants) for slot, part in slots.items()}
    made = {slot: each.expression(grammar) for slot, each in found.items() if each is not None}
    return made if len(made) == len(found) else None


def _slots_fit(grammar: Grammar, slots: Mapping[str, Expression], rule: str) -> bool:
    places = grammar.slots_of(rule)
    filled = all(place.slot in slots or place in grammar.optional_slots for place in places)
    return bool(slots) and filled and all(RuleSlot(rule, slot) in places for slot in slots)


def states_agree(grammar: Grammar, rule: Rule) -> bool:
    """Return whether no state that a rule declares differs from the grammar's definition of the same name.

    A time constant that is searched may have any value of its prior.
    """
    times = {}
    for name, kind in grammar.time_constants.items():
        tau = getattr(rule.states.get(name), "tau", None)
        if tau is not None and grammar.constants[kind].low <= tau <= grammar.constants[kind].high:
            times[name] = tau
    defined = grammar.states(times)
    return all(defined.get(name, state) == state for name, state in rule.states.items())


def find_function(
    grammar: Grammar, rule: Rule, max_size: int, cap: int = SEARCH_CAP, name: str = ONE
) -> dict[str, Expression] | None:
    """Return a smallest rule of the grammar that computes the same function as a rule, by enumeration.

    **Arguments:** `rule`: one without named constants (with some, None is returned: their values are free in a
    grammar, so no one function is meant); `max_size`: nodes of each slot; `cap`: combinations at most; `name`: of the
    rule in the grammar.
    **Returns:** expressions by slot, or None where none was found; states must agree. Functions are told apart as
    in `FunctionTable`.
    """
    if rule.constants or not _slots_fit(grammar, rule.slots, name) or not states_agree(grammar, rule):
        return None
    if any(symbol not in grammar.symbols for part in rule.slots.values() for symbol in part.symbols):
        return None
    found, _ = find_functions(grammar, rule.slots, max_size, cap, name)
    return found if len(found) == len(rule.slots) else None


def find_functions(
    grammar: Grammar, slots: Mapping[str, Expression], max_size: int, cap: int = SEARCH_CAP, name: str = ONE
) -> tuple[dict[str, Expression], int]:
    """Return a smallest derivation of the function of each slot where one is found, and how far was searched.

    Slots are looked for by themselves: no constant stands in two of them.

    **Arguments:** `slots`: expressions of symbols and numbers, by slots that the grammar has; `max_size`, `cap`, `name`
    as of `find_function`.
    **Returns:** expressions by slot, and the size up to which all derivations were tried.
    """
    table = FunctionTable(grammar, max_size, cap)
    keys = {slot: function_key(expression) for slot, expression in slots.items()}
    starts = {slot: grammar.slots[RuleSlot(name, slot)] for slot in keys}
    for slot, key in keys.items():
        table.want(starts[slot], key)
    found: dict[str, Expression] = {}
    for size in range(1, max_size + 1):
        table.fill_to(size)
        wanted = {slot: table.wanted(starts[slot], key) for slot, key in keys.items()}
        found = {slot: expression for slot, expression in wanted.items() if expression is not None}
        if len(found) == len(keys):
            return found, size
        if not table.complete:
            return found, size - 1
    return found, max_size


def function_key(expression: Expression) -> int:
    """Return the key of the function of an expression of symbols and numbers, as used in `FunctionTable`."""
    values = np.broadcast_to(expression.evaluate({name: points(name) for name in expression.symbols}), (POINTS,))
    keys, _ = function_keys(np.array([value], dtype=np.float64) for value in values)
    return int(keys[0])
