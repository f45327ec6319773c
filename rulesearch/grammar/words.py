"""Grammars without some of their words, or of those rules alone that have them: symbols, constants, operators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.expression.operators import OPERATORS, Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.parts import Production, reachable
from rulesearch.grammar.reading import parse_grammar
from rulesearch.grammar.slots import RuleSlot
from rulesearch.grammar.variants import grammar_toml

_MEMBER = re.compile(r"\s*(?P<rule>[A-Za-z_]\w*)\s*\[(?P<word>[^\[\]]*)\]\s*", re.ASCII)


def without(grammar: Grammar, words: Iterable[str]) -> Grammar:
    """Return the grammar without some symbols, constants, operators or functions.

    **Arguments:** `words`: such as `y_bar`, `tanh`, `/`, `**`; of one rule of a set `lateral[tanh]`.
    **Raises:** `RulesearchError` for a word that the grammar does not have, or where nothing is left to write.
    """
    gone: dict[str, set[str]] = {}
    for word, rule in forbidden_words(words):
        gone.setdefault(rule, set()).add(word)
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
        if not symbols:
            raise RulesearchError(f"without {where} no symbol is left in {grammar.name}")
        constants = {name: prior for name, prior in grammar.constants.items() if name not in gone}
        left = replace(left, symbols=symbols, constants=constants)
    return parse_grammar(grammar_toml(left), f"grammar {grammar.name} without {where}")


def _with_own(grammar: Grammar, rule: str) -> Grammar:
    """Return the grammar with non-terminals for one rule that no other rule uses."""
    starts = {place: grammar.slots[place] for place in grammar.slots_of(rule)}
    own = {name: grammar.free_name(f"{name}_of_{rule}") for name in reachable(starts.values(), grammar.productions)}
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
    for word, place in required_words(grammar, words):
        grammar = _with_word(grammar, word, place)
    return grammar


def required_words(grammar: Grammar, words: Iterable[str]) -> Iterator[tuple[str, RuleSlot]]:
    """Yield each required word, an operator by its name, with the slot in which it must be.

    **Arguments:** those of `with_words`.
    **Raises:** `RulesearchError` where it is not said which slot that is.
    """
    for rule, text in _by_rule(words):
        slot, colon, word = (part.strip() for part in text.rpartition(":"))
        places = grammar.slots_of(_known(rule, grammar)) if rule else tuple(grammar.slots)
        if colon and rule:
            places = (grammar.place(rule, slot),)
        elif colon:
            there = list(dict.fromkeys(place.slot for place in places))
            if slot not in there:
                raise RulesearchError(f"grammar {grammar.name} has no slot {slot}; it has {', '.join(there)}")
            places = tuple(place for place in places if place.slot == slot)
        used = _used(grammar, grammar.productions)
        if len(places) != 1 and _name_of(word) not in used:
            raise RulesearchError(f"grammar {grammar.name} has no {word!r} to require{did_you_mean(word, used)}")
        if len(places) != 1:
            where = ", ".join(_said(grammar, place, word) for place in grammar.slots)
            raise RulesearchError(f"say in which slot {word!r} must be, one of: {where}")
        yield _name_of(word), places[0]


def forbidden_words(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each forbidden word, an operator by its name, with the rule that it is said of, empty for all of them.

    **Arguments:** those of `without`.
    """
    for rule, word in _by_rule(words):
        yield _name_of(word), rule


def _said(grammar: Grammar, place: RuleSlot, word: str) -> str:
    """Return how a word in a slot is required."""
    if grammar.is_of_one_table:
        return f"{place.slot}:{word}"
    return f"{place.rule}[{word if len(grammar.slots_of(place.rule)) == 1 else f'{place.slot}:{word}'}]"


def check_words(forbidden: Iterable[str], required: Iterable[str]) -> None:
    """Refuse a word that no rule may have and every rule must have.

    **Arguments:** those of `without` and of `with_words`.
    **Raises:** `RulesearchError`.
    """
    gone = set(forbidden_words(forbidden))
    for rule, text in _by_rule(required):
        word = text.rpartition(":")[2].strip()
        if gone & {(_name_of(word), ""), (_name_of(word), rule)}:
            raise RulesearchError(f"{word!r} is both forbidden and required; leave one of the two out")


def _by_rule(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each word with the rule that it is said of, empty for none: `lateral[w]; feedforward[x]` are two."""
    for text in words:
        for piece in text.split(";"):
            member = _MEMBER.fullmatch(piece)
            rule, word = (member["rule"], member["word"].strip()) if member else ("", piece.strip())
            if not word or "[" in word or "]" in word:
                rule = re.split(r"[^\w]", piece.strip())[0] or "lateral"
                raise RulesearchError(f"a word of one rule is written {rule}[w], found {shown(piece.strip())}")
            yield rule, word


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
            second[name] = grammar.free_name(f"{name}_with_{word}")
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
