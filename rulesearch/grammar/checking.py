"""What must hold of a grammar as a whole: it ends, nothing is out of reach, units agree."""

from __future__ import annotations

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.expression.units import dimension_text
from rulesearch.grammar.dimensions import check_definitions, infer_dimensions
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.parts import reachable, values_text
from rulesearch.grammar.source import GrammarSource
from rulesearch.rules.states import VOCABULARY, Lowpass, Synaptic, reached
from rulesearch.wording import counted


def check_structure(grammar: Grammar, source: GrammarSource) -> None:
    """Refuse a grammar that cannot be derived from; raises `GrammarError`."""
    _check_states(grammar, source)
    _check_empty(grammar, source)
    smallest = smallest_sizes(grammar)
    for name in grammar.productions:
        if name not in smallest:
            raise source.error(
                "this non-terminal cannot end: each of its productions leads back to one that cannot; "
                "expected a production of symbols and constants only",
                "productions",
                name,
            )
    reached = reachable(grammar.slots.values(), grammar.productions)
    for name in grammar.productions:
        if name not in reached:
            raise source.error(
                f"no slot leads to this non-terminal; the slots start from {', '.join(grammar.slots.values())}",
                "productions",
                name,
            )
    infer_dimensions(grammar, source)
    check_definitions(grammar, source)
    least, limits = smallest_rules(grammar), grammar.limits
    for rule, own in least.items():
        if own > limits.of_a_rule:
            name, key = f" {rule}" * (len(least) > 1), "size" if own > limits.size else "rule_size"
            reason = f"the smallest rule{name} has {own} nodes, but the limit is {limits.of_a_rule}"
            raise source.error(reason, "limits", key)
    if sum(least.values()) > limits.size:
        reason = f"the smallest rules have {sum(least.values())} nodes together, but the limit is {limits.size}"
        raise source.error(reason, "limits", "size")


def _check_states(grammar: Grammar, source: GrammarSource) -> None:
    allowed = {*grammar.symbols, *VOCABULARY}
    for name, symbol in grammar.symbols.items():
        table = f"symbols.{name}"
        if not symbol.definition:
            continue
        kind = grammar.time_constants.get(name)
        if kind is not None and not (grammar.constants[kind].unit in ("s", "ms") and grammar.constants[kind].low > 0.0):
            raise source.error(
                f"{kind} is no time constant; expected a constant with a range above 0 in s or ms", table, "definition"
            )
        try:
            state = grammar.state(name)
        except RulesearchError as error:
            raise source.error(str(error), table, "definition") from None
        expressions = [state.expression] if isinstance(state, Lowpass) else []
        expressions += state.slots.values() if isinstance(state, Synaptic) else []
        for expression in expressions:
            for read in expression.symbols:
                if read not in allowed:
                    raise source.error(f"unknown symbol {read!r}{did_you_mean(read, allowed)}", table, "definition")


def _check_empty(grammar: Grammar, source: GrammarSource) -> None:
    for name, productions in grammar.productions.items():
        if not any(production.is_empty for production in productions):
            continue
        if name not in grammar.slots.values():
            raise source.error(
                'the empty production "" is allowed only for a start symbol, where it leaves the slot empty',
                "productions",
                name,
                "",
            )
        if all(production.is_empty for production in productions):
            raise source.error("the slot would always stay empty; expected another production", "productions", name)


def smallest_sizes(grammar: Grammar) -> dict[str, int]:
    """Return the nodes of the smallest expression of each non-terminal; one that cannot end is absent."""
    smallest: dict[str, int] = {}
    changed = True
    while changed:
        changed = False
        for name, productions in grammar.productions.items():
            for production in productions:
                if production.is_empty or any(child not in smallest for child in production.children):
                    continue
                size = production.own_size + sum(smallest[child] for child in production.children)
                if size < smallest.get(name, size + 1):
                    smallest[name] = size
                    changed = True
    return smallest


def smallest_rules(grammar: Grammar) -> dict[str, int]:
    """Return the nodes of the smallest form of each rule; at least one slot of it is filled."""
    smallest, optional = smallest_sizes(grammar), grammar.optional_slots
    found = {}
    for rule in grammar.rules:
        own = {place: smallest[grammar.slots[place]] for place in grammar.slots_of(rule)}
        needed = [size for place, size in own.items() if place not in optional]
        found[rule] = sum(needed) if needed else min(own.values())
    return found


def _unused(grammar: Grammar) -> list[str]:
    """Return the symbols and constants that no production writes, and no symbol that one writes is made of."""
    productions = [each for made in grammar.productions.values() for each in made]
    read = {*reached((name for each in productions for name in each.template.symbols), grammar.states())}
    read |= {name for each in productions for name in each.sets}
    read |= {kind for name, kind in grammar.time_constants.items() if name in read}
    return [name for name in (*grammar.symbols, *grammar.constants, *grammar.sets) if name not in read]


def grammar_facts(grammar: Grammar) -> list[tuple[str, str]]:
    """Return what can be said of a grammar that was read: pairs of a heading and a text."""
    source = GrammarSource(grammar.name, "")
    dimensions = infer_dimensions(grammar, source)
    optional, least = grammar.optional_slots, smallest_rules(grammar)
    slots = [
        f"{grammar.label(place)} from {start}{' (may stay empty)' * (place in optional)}"
        for place, start in grammar.slots.items()
    ]
    smallest = [counted(size, "node") + f" of {rule}" * (len(least) > 1) for rule, size in least.items()]
    constants = {kind: prior.text() for kind, prior in grammar.constants.items()}
    constants |= {kind: values_text(values) for kind, values in grammar.sets.items()}
    facts = [
        ("name", grammar.name),
        ("rules", ", ".join(grammar.rules) * (not grammar.is_of_one_table)),
        ("slots", ", ".join(slots)),
        ("symbols", ", ".join(grammar.symbols)),
        ("constants", ", ".join(f"{kind} {text}" for kind, text in constants.items()) or "none"),
        ("operators", ", ".join(grammar.operators) or "none"),
        ("non-terminals", ", ".join(f"{name} [{dimension_text(unit)}]" for name, unit in dimensions.items())),
        ("productions", str(sum(len(productions) for productions in grammar.productions.values()))),
        ("smallest rule", ", ".join(smallest)),
        ("limits", grammar.limits.text),
        ("not used", ", ".join(_unused(grammar))),
    ]
    return [fact for fact in facts if fact[1]]
