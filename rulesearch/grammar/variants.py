"""Grammars made from others: with a template around the part that is searched, and without some of their words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rulesearch.errors import ParseError, RulesearchError, did_you_mean
from rulesearch.expression.operators import OPERATORS, Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import from_base
from rulesearch.files import toml_value
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.parts import Production, reachable
from rulesearch.grammar.reading import each_value, parse_grammar
from rulesearch.grammar.slots import RuleSlot
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules

_HOLE = "hole"
_MEMBER = re.compile(r"\s*(?P<rule>[A-Za-z_]\w*)\s*\[(?P<word>[^\[\]]*)\]\s*", re.ASCII)


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
    hole = _free(_HOLE, grammar)
    while hole in text:
        hole += "_"
    bare = {rule: grammar.slots_of(rule)[0].slot for rule in grammar.rules}
    rules = grammar.named(_with_hole(text, hole, bare[grammar.rules[0]], bare))
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
            inner = _core(grammar, grammar.slots[place])
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


def without(grammar: Grammar, words: Iterable[str]) -> Grammar:
    """Return the grammar without some symbols, constants, operators or functions.

    **Arguments:** `words`: such as `y_bar`, `tanh`, `/`, `**`; of one rule of a set `lateral[tanh]`.
    **Raises:** `RulesearchError` for a word that the grammar does not have, or where nothing is left to write.
    """
    gone: dict[str, set[str]] = {}
    for rule, word in _by_rule(words):
        gone.setdefault(rule, set()).add(_name_of(word))
    for rule, names in gone.items():
        grammar = _without(grammar, names, rule)
    return grammar


def _without(grammar: Grammar, gone: set[str], rule: str) -> Grammar:
    """Return the grammar without words, in one rule, which gets non-terminals of its own, or in all of them."""
    own = _with_own(grammar, _known(rule, grammar)) if rule else grammar
    starts = [own.slots[place] for place in own.slots_of(rule)]
    searched = reachable(starts, own.productions) if rule else own.productions
    used = _used(grammar, searched)
    for word in gone:
        if word not in used:
            raise RulesearchError(f"grammar {grammar.name} has no {word!r} to leave out{did_you_mean(word, used)}")
    productions = dict(own.productions)
    for name, made in searched.items():
        productions[name] = tuple(production for production in made if not _words(production) & gone)
    empty = [name for name in searched if not any(not each.is_empty for each in productions[name])]
    where = f"{', '.join(sorted(gone))}{f' in {rule}' * bool(rule)}"
    if empty:
        raise RulesearchError(f"without {where} nothing is left of {empty[0]} in {grammar.name}")
    left = replace(own, productions=reachable(own.slots.values(), productions))
    if not rule:
        symbols = {name: symbol for name, symbol in grammar.symbols.items() if name not in gone}
        constants = {name: prior for name, prior in grammar.constants.items() if name not in gone}
        left = replace(left, symbols=symbols, constants=constants)
    return parse_grammar(grammar_toml(left), f"grammar {grammar.name} without {where}")


def _with_own(grammar: Grammar, rule: str) -> Grammar:
    """Return the grammar with non-terminals for one rule that no other rule uses."""
    starts = {place: grammar.slots[place] for place in grammar.slots_of(rule)}
    own = {name: _free(f"{name}_of_{rule}", grammar) for name in reachable(starts.values(), grammar.productions)}
    leaves = {name: Expression.symbol(other) for name, other in own.items()}
    productions = dict(grammar.productions)
    for name, other in own.items():
        productions[other] = tuple(
            replace(
                each,
                result=other,
                template=each.template.substitute(leaves),
                children=tuple(own[child] for child in each.children),
            )
            for each in grammar.productions[name]
        )
    slots = {place: own[start] if place in starts else start for place, start in grammar.slots.items()}
    return replace(grammar, productions=productions, slots=slots)


def with_words(grammar: Grammar, words: Iterable[str]) -> Grammar:
    """Return the grammar of those rules that have given symbols, constants, operators or functions.

    Every non-terminal gets a second one of the expressions that have the word somewhere.

    **Arguments:** `words`: such as `w`, `tanh`, `/`; with several slots each says where, such as `on_post:x2`, and with
    several rules `lateral[w]` or `lateral[on_post:x2]`.
    **Raises:** `RulesearchError` for a word that the grammar does not have, or that no rule of it can have.
    """
    for rule, text in _by_rule(words):
        slot, colon, word = (part.strip() for part in text.rpartition(":"))
        places = grammar.slots_of(_known(rule, grammar)) if rule else tuple(grammar.slots)
        if colon:
            places = tuple(place for place in places if place.slot == slot)
        if len(places) != 1:
            where = ", ".join(_said(grammar, place, word) for place in grammar.slots)
            raise RulesearchError(f"say in which slot {word!r} must be, one of: {where}")
        grammar = _with_word(grammar, _name_of(word), places[0])
    return grammar


def _said(grammar: Grammar, place: RuleSlot, word: str) -> str:
    """Return how a word in a slot is required."""
    if grammar.is_of_one_table:
        return f"{place.slot}:{word}"
    return f"{place.rule}[{word if len(grammar.slots_of(place.rule)) == 1 else f'{place.slot}:{word}'}]"


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


def check_words(forbidden: Iterable[str], required: Iterable[str]) -> None:
    """Refuse a word that no rule may have and every rule must have.

    **Arguments:** those of `without` and of `with_words`.
    **Raises:** `RulesearchError`.
    """
    gone = {(rule, _name_of(word)) for rule, word in _by_rule(forbidden)}
    for rule, text in _by_rule(required):
        word = text.rpartition(":")[2].strip()
        if gone & {("", _name_of(word)), (rule, _name_of(word))}:
            raise RulesearchError(f"{word!r} is both forbidden and required; leave one of the two out")


def _by_rule(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each word with the rule that it is said of, empty for none: `lateral[w]; feedforward[x]` are two."""
    for text in words:
        for piece in text.split(";"):
            member = _MEMBER.fullmatch(piece)
            yield (member["rule"], member["word"].strip()) if member else ("", piece.strip())


def _known(rule: str, grammar: Grammar) -> str:
    if rule not in grammar.rules:
        raise RulesearchError(f"grammar {grammar.name} has no rule {rule!r}{did_you_mean(rule, grammar.rules)}")
    return rule


def _with_word(grammar: Grammar, word: str, place: RuleSlot) -> Grammar:
    used, where = _used(grammar, grammar.productions), grammar.label(place)
    if word not in used:
        raise RulesearchError(f"grammar {grammar.name} has no {word!r} to require{did_you_mean(word, used)}")
    able: set[str] = set()
    while more := {
        name
        for name, made in grammar.productions.items()
        if name not in able and any(word in _words(each) or able.intersection(each.children) for each in made)
    }:
        able |= more
    if grammar.slots[place] not in able:
        raise RulesearchError(f"no rule of grammar {grammar.name} has {word!r} in {where}")
    second: dict[str, str] = {}
    for name in grammar.productions:
        if name in able:
            second[name] = _free(f"{name}_with_{word}", grammar)
    productions = dict(grammar.productions)
    for name, other in second.items():
        made: dict[Expression, Production] = {}
        for each in grammar.productions[name]:
            for found in (
                [replace(each, result=other)] if word in _words(each) else _one_child_with(each, other, second)
            ):
                made.setdefault(found.template, found)
        productions[other] = tuple(made.values())
    slots = {**grammar.slots, place: second[grammar.slots[place]]}
    changed = replace(grammar, slots=slots, productions=reachable(slots.values(), productions))
    return parse_grammar(grammar_toml(changed), f"grammar {grammar.name} with {word!r} in {where}")


def _one_child_with(production: Production, result: str, second: Mapping[str, str]) -> list[Production]:
    """Return the production once for each child that may have the word, with that child replaced by its second."""
    found = []
    for place, node in enumerate(production.template.nodes):
        if isinstance(node, str) and node in production.children and node in second:
            nodes = (*production.template.nodes[:place], second[node], *production.template.nodes[place + 1 :])
            names = {*production.children, second[node]}
            children = tuple(each for each in nodes if isinstance(each, str) and each in names)
            found.append(Production(result, Expression(nodes), children))
    return found


def _name_of(word: str) -> str:
    """Return the name of an operator that is given by its sign."""
    return {row.infix: name for name, row in OPERATORS.items() if row.infix and row.arity == 2}.get(word, word)


def _used(grammar: Grammar, productions: Mapping[str, Sequence[Production]]) -> set[str]:
    """Return the symbols, constants, operators and functions of some productions of a grammar."""
    return {
        node.name if isinstance(node, Operator) else node
        for made in productions.values()
        for production in made
        for node in production.template.nodes
        if not isinstance(node, Number) and node not in productions
    }


def _words(production: Production) -> set[str]:
    return {node.name if isinstance(node, Operator) else str(node) for node in production.template.nodes}


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


def _core(grammar: Grammar, start: str) -> str:
    filled = [production for production in grammar.productions[start] if not production.is_empty]
    return _core(grammar, filled[0].children[0]) if len(filled) == 1 and filled[0].is_unit else start


def _free(name: str, grammar: Grammar) -> str:
    while name in grammar.symbols or name in grammar.constants or name in grammar.productions:
        name += "_"
    return name


def _float(digits: str) -> str:
    return digits if any(mark in digits for mark in ".en") else f"{digits}.0"
