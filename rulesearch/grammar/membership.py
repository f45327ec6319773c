"""Whether a rule can be derived from a grammar: node by node, or as a function."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np

from rulesearch.expression.operators import Operator
from rulesearch.expression.points import POINTS, points
from rulesearch.expression.tree import Expression, Node, Number
from rulesearch.expression.units import PURE, UNITS
from rulesearch.grammar.functions import FunctionTable
from rulesearch.grammar.grammar import ConstantPrior, Grammar
from rulesearch.grammar.keys import function_keys
from rulesearch.rules.rule import Rule, RuleSet

SEARCH_CAP = 20_000_000
"""Combinations that `find_function` evaluates at most."""


def derives(grammar: Grammar, nonterminal: str, expression: Expression) -> bool:
    """Return whether an expression is a derivation of a non-terminal, node by node.

    A number stands for a constant kind whose range holds it and whose unit is its own (a number without a unit
    may take any); the name of a kind stands for itself; operands of `+`, `*`, `min`, `max` may change places.
    """
    known: dict[tuple[str, Expression], bool] = {}

    def derived(name: str, part: Expression) -> bool:
        key = (name, part)
        if key not in known:
            known[key] = any(matches(production.template, part) for production in grammar.expanded(name))
        return known[key]

    def matches(template: Expression, part: Expression) -> bool:
        wanted, head = template.head, part.head
        if not isinstance(wanted, Operator):
            return derived(wanted, part) if wanted in grammar.productions else _leaf_matches(grammar, wanted, part)
        if wanted is not head:
            return False
        pieces = template.arguments
        orders = permutations(part.arguments) if wanted.commutes else [part.arguments]
        return any(all(map(matches, pieces, order)) for order in orders)

    return derived(nonterminal, expression)


def _leaf_matches(grammar: Grammar, wanted: Node, part: Expression) -> bool:
    head = part.head
    if isinstance(head, Number) and isinstance(wanted, str) and wanted in grammar.constants:
        return _in_range(grammar.constants[wanted], head)
    return part.size == 1 and head == wanted


def _in_range(prior: ConstantPrior, number: Number) -> bool:
    own = UNITS[prior.unit][1] if prior.unit else PURE
    fits = not number.unit or UNITS[number.unit][1] == own
    return fits and prior.low <= number.value <= prior.high


def member(grammar: Grammar, slots: Mapping[str, Expression], constants: Mapping[str, Number] | None = None) -> bool:
    """Return whether the slots of a rule are a candidate of the grammar, node by node as in `derives`.

    **Arguments:** `constants`: values of the rule's named constants.
    """
    if not _slots_fit(grammar, slots):
        return False
    values = {name: Expression((number,)) for name, number in (constants or {}).items()}
    return all(derives(grammar, grammar.slots[slot], part.substitute(values)) for slot, part in slots.items())


def _slots_fit(grammar: Grammar, slots: Mapping[str, Expression]) -> bool:
    filled = all(slot in slots or slot in grammar.optional_slots for slot in grammar.slots)
    return bool(slots) and filled and all(slot in grammar.slots for slot in slots)


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
    grammar: Grammar, rules: Rule | RuleSet, max_size: int, cap: int = SEARCH_CAP
) -> dict[str, Expression] | None:
    """Return a smallest candidate that computes the same function as a rule, by enumeration.

    **Arguments:** `rules`: one rule without named constants (with some, None is returned: their values are free in
    a grammar, so no one function is meant); `max_size`: nodes of each slot; `cap`: combinations at most.
    **Returns:** expressions by slot, or None where none was found; states must agree. Functions are told apart as
    in `FunctionTable`.
    **Raises:** `RulesearchError` where there are several rules.
    """
    rule = rules.only() if isinstance(rules, RuleSet) else rules
    if rule.constants or not _slots_fit(grammar, rule.slots) or not states_agree(grammar, rule):
        return None
    if any(name not in grammar.symbols for part in rule.slots.values() for name in part.symbols):
        return None
    table = FunctionTable(grammar, max_size, cap)
    keys = {slot: function_key(expression) for slot, expression in rule.slots.items()}
    for slot, key in keys.items():
        table.want(grammar.slots[slot], key)
    for size in range(1, max_size + 1):
        table.fill_to(size)
        found = {slot: table.wanted(grammar.slots[slot], key) for slot, key in keys.items()}
        complete = {slot: expression for slot, expression in found.items() if expression is not None}
        if len(complete) == len(found):
            return complete
        if not table.complete:
            break
    return None


def function_key(expression: Expression) -> int:
    """Return the key of the function of an expression of symbols and numbers, as used in `FunctionTable`."""
    values = np.broadcast_to(expression.evaluate({name: points(name) for name in expression.symbols}), (POINTS,))
    keys, _ = function_keys(np.array([value], dtype=np.float64) for value in values)
    return int(keys[0])
