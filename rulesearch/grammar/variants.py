"""Grammars made from others: as text, with a template around the part that is searched, with given numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from rulesearch.errors import ParseError, RulesearchError, did_you_mean
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import from_base
from rulesearch.files import toml_value
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.parts import Production, reachable
from rulesearch.grammar.reading import each_value, parse_grammar
from rulesearch.rules.names import UNNAMED, other_rules
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules

_HOLE = "hole"


def grammar_toml(grammar: Grammar) -> str:
    """Return a grammar as the text of a file that reads back as the same grammar."""
    lines = [f"name = {toml_value(grammar.name)}", f"description = {toml_value(grammar.description)}"]
    for name, symbol in grammar.symbols.items():
        lines += ["", f"[symbols.{name}]"]
        lines += [f"{key} = {toml_value(getattr(symbol, key))}" for key in ("meaning", "unit", "latex")]
        lines += [f"definition = {toml_value(symbol.definition)}"] if symbol.definition else []
    for name, prior in grammar.constants.items():
        low, high = (from_base(value, prior.unit) for value in (prior.low, prior.high))
        lines += ["", f"[constants.{name}]", f"range = [{_float(low)}, {_float(high)}]"]
        lines += [f"prior = {toml_value(prior.prior)}", f"unit = {toml_value(prior.unit)}"]
    for rule in grammar.rules:
        lines += ["", "[slots]" if grammar.is_of_one_table else f"[slots.{rule}]"]
        lines += [f"{place.slot} = {toml_value(grammar.slots[place])}" for place in grammar.slots_of(rule)]
    lines += ["", "[productions]"]
    for name, made in grammar.productions.items():
        lines += [f"{name} = [", *(f"    {toml_value(production.text)}," for production in made), "]"]
    limits = grammar.limits
    of_a_rule = [] if limits.rule_size is None else [f"rule_size = {limits.rule_size}"]
    return "\n".join([*lines, "", "[limits]", f"size = {limits.size}", f"depth = {limits.depth}", *of_a_rule, ""])


def with_template(grammar: Grammar, text: str) -> Grammar:
    """Return the grammar of the rules that have a given form, such as `x*y - ?` or `feedforward[x*y - ?]; lateral[?]`.

    **Arguments:** `text`: a rule in whose slots every `?` is a part that is searched; slots that it leaves out stay
    empty, and a rule that it leaves out of a set is searched as before. Everything else stands as it is written.
    **Raises:** `RulesearchError` where it is no rule of this grammar's symbols, or has no hole.
    """
    if "?" not in text:
        raise RulesearchError(f"the template {text!r} has no hole to search; write ? for it, such as x*y - ?")
    hole = grammar.free_name(_HOLE)
    while hole in text:
        hole += "_"
    bare = {rule: grammar.slots_of(rule)[0].slot for rule in grammar.rules}
    written = _with_hole(text, hole, bare[grammar.rules[0]], bare)
    if not {UNNAMED, *grammar.rules}.issuperset(written.rules):
        raise RulesearchError(f"grammar {grammar.name} has {other_rules(written.rules, grammar.rules)}")
    rules = grammar.named(written)
    for name, rule in rules.items():
        for slot in rule.slots:
            grammar.place(name, slot)
        if rule.constants or rule.states:
            raise RulesearchError("a template has no constants or states of its own; write ? where one may stand")
        for symbol in rule.symbols:
            if symbol != hole and symbol not in grammar.symbols:
                found = re.search(rf"\b{symbol}\b", text)
                reason = f"unknown symbol {symbol!r}{did_you_mean(symbol, grammar.symbols)}"
                raise ParseError(reason, text, found.start() + 1 if found else 1)
    productions: dict[str, tuple[Production, ...]] = dict(grammar.productions)
    slots = {place: start for place, start in grammar.slots.items() if place.rule not in rules}
    for name, rule in rules.items():
        for slot, expression in rule.slots.items():
            place = grammar.place(name, slot)
            inner = grammar.core(grammar.slots[place])
            slots[place] = _fixed(expression, {hole: inner}, productions, grammar)
    kept = reachable(slots.values(), productions)
    made = replace(grammar, slots=slots, productions=kept).for_rules(grammar.rules)
    return parse_grammar(grammar_toml(made), f"grammar {grammar.name} with template {text!r}")


def _with_hole(text: str, hole: str, alone: str, bare: Mapping[str, str]) -> RuleSet:
    """Read a template with a name in place of each `?`; what is refused is told of the template as it was written."""
    written = text.replace("?", f" {hole} ")
    names = {*re.findall(r"[A-Za-z_]\w*", written, re.ASCII)}
    try:
        return parse_rules(written, alone, names, bare)
    except ParseError as error:
        ends = list(itertools.accumulate(len(hole) + 2 if mark == "?" else 1 for mark in text))

        def place(column: int) -> int:
            return next((number for number, end in enumerate(ends, 1) if end >= column), len(text) + 1)

        reason = re.sub(r"column (\d+)", lambda found: f"column {place(int(found[1]))}", error.reason)
        raise ParseError(reason.replace(hole, "?"), text, place(error.column)) from None
    except RulesearchError as error:
        raise RulesearchError(str(error).replace(f" {hole} ", "?").replace(hole, "?")) from None


def with_numbers(grammar: Grammar, numbers: Iterable[Number]) -> Grammar:
    """Return the grammar whose constants are given numbers: each of those that the range of the constant holds.

    A constant whose range holds none of them stays as it is.
    """
    given = list(dict.fromkeys(numbers))
    values = {
        kind: tuple(
            Number(number.value, prior.unit)
            for number in given
            if prior.takes(number.unit) and prior.low <= number.value <= prior.high
        )
        for kind, prior in grammar.constants.items()
    }
    held = {kind: tuple(dict.fromkeys(each)) for kind, each in values.items() if each}
    productions = {
        name: tuple(
            replace(production, template=template)
            for production in made
            for template in each_value(production.template, held)
        )
        for name, made in grammar.productions.items()
    }
    return replace(grammar, productions=productions)


def _fixed(
    expression: Expression,
    names: Mapping[str, str],
    productions: dict[str, tuple[Production, ...]],
    grammar: Grammar,
) -> str:
    """Add non-terminals that write an expression alone, and return the one for the whole of it."""
    head = expression.head
    if isinstance(head, str) and head in names:
        return names[head]
    arguments = [
        argument
        if argument.size == 1 and argument.head not in names
        else Expression.symbol(_fixed(argument, names, productions, grammar))
        for argument in expression.arguments
    ]
    template = Expression.apply(head.name, *arguments) if isinstance(head, Operator) else expression
    number = 1
    while (name := f"template_{number}") in productions or name in grammar.symbols:
        number += 1
    children = tuple(part.head for part in arguments if isinstance(part.head, str) and part.head in productions)
    productions[name] = (Production(name, template, children),)
    return name


def _float(digits: str) -> str:
    return digits if any(mark in digits for mark in ".en") else f"{digits}.0"
