"""Reading of grammar files (TOML); every refusal names the place and what was expected."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rulesearch.calling import checked
from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.expression.operators import Operator
from rulesearch.expression.parser import parse_expression
from rulesearch.expression.printing import symbol_latex
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import UNITS, to_base
from rulesearch.files import MAX_BYTES, parse_toml, plain_name, read_text
from rulesearch.grammar.checking import check_structure, grammar_facts
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.parts import PRIORS, ConstantPrior, GrammarSymbol, Limits, Production, last_argument
from rulesearch.grammar.slots import ONE, RuleSlot
from rulesearch.grammar.source import GrammarError, GrammarSource
from rulesearch.rules.names import taken_by
from rulesearch.rules.states import SLOTS
from rulesearch.shipped import shipped_folder, shipped_names

MAX_NONTERMINALS = 256
MAX_PRODUCTIONS = 4096
MAX_VALUES = 64
MAX_LIMIT = 63

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_TABLES = ("name", "symbols", "slots", "productions", "limits")


@checked
def load_grammar(name_or_path: str | Path) -> Grammar:
    """Read and check a grammar.

    **Arguments:** a shipped name (`rate`) or the path of a TOML file.
    **Raises:** `RulesearchError` where there is none of that name; `GrammarError` where the file is wrong.
    """
    path = _locate(name_or_path)
    with _told_of_the_grammar():
        text = read_text(path)
    return parse_grammar(text, str(path))


def check_grammar(text_or_path: str | Path) -> list[tuple[str, str]]:
    """Check a grammar and return what can be said of it: pairs of a heading and a text.

    **Arguments:** the text of a grammar file (anything with a line break), a path or a shipped name.
    **Raises:** as `load_grammar`.
    """
    is_text = isinstance(text_or_path, str) and "\n" in text_or_path
    return grammar_facts(parse_grammar(str(text_or_path)) if is_text else load_grammar(text_or_path))


def _locate(name_or_path: str | Path) -> Path:
    name = str(name_or_path)
    if name in shipped_names("grammars"):
        return shipped_folder("grammars") / f"{name}.toml"
    looks_like_path = isinstance(name_or_path, Path) or name.endswith(".toml") or "/" in name or "\\" in name
    if os.path.isfile(name) or (looks_like_path and os.path.exists(name)):
        return Path(name)
    if looks_like_path:
        raise RulesearchError(f"there is no grammar file {name}; give the path of a TOML file or a shipped name")
    raise RulesearchError(f"unknown grammar {name!r}{did_you_mean(name, shipped_names('grammars'))}")


def parse_grammar(text: str, where: str = "grammar") -> Grammar:
    """Read and check the text of a grammar file.

    **Arguments:** `where`: the name of the file, for messages.
    **Raises:** `GrammarError`.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise GrammarError(f"{where}: the text is too long; a grammar file has at most {MAX_BYTES} bytes")
    source = GrammarSource(where, text)
    with _told_of_the_grammar():
        document = parse_toml(text, where)
    known = (*_TABLES, "description", "constants")
    for key in document:
        if key not in known:
            raise source.error(f"unknown key{did_you_mean(key, known)}", "", key)
    for key in _TABLES:
        if key not in document:
            what = f"{key} = ..." if key == "name" else f"[{key}]"
            raise source.error(f"{what} is missing; a grammar has name, [symbols], [slots], [productions], [limits]")
    name = source.string(document["name"], "", "name")
    with _told_of_the_grammar():
        plain_name(name, f"{where}, name")
    symbols = _symbols(document["symbols"], source)
    constants, sets = _constants(document.get("constants", {}), symbols, source)
    productions = _productions(document["productions"], symbols, constants, sets, source)
    grammar = Grammar(
        name,
        source.string(document.get("description", ""), "", "description"),
        symbols,
        constants,
        _slots(document["slots"], productions, source),
        productions,
        _limits(document["limits"], source),
        sets,
    )
    check_structure(grammar, source)
    return grammar


@contextmanager
def _told_of_the_grammar() -> Iterator[None]:
    """Make a refusal of the file one of the grammar."""
    try:
        yield
    except RulesearchError as error:
        raise GrammarError(str(error)) from None


def _check_name(name: str, others: Mapping[str, str], table: str, source: GrammarSource) -> None:
    if not _NAME.fullmatch(name):
        raise source.error(f"{name!r} is not a name; a name has letters, digits and _, no digit first", table, name)
    taken = taken_by(name)
    if taken is not None:
        raise source.error(f"{name!r} is the name of {taken}; choose another name", table, name)
    if name in others:
        raise source.error(f"{name!r} is also {others[name]}; choose another name", table, name)


def _unit(value: Any, table: str, source: GrammarSource) -> str:
    unit = source.string(value, table, "unit")
    if unit and unit not in UNITS:
        known = ", ".join(UNITS)
        raise source.error(f'unknown unit {unit!r}; there is: {known}, or "" for a pure number', table, "unit")
    return unit


def _symbols(value: Any, source: GrammarSource) -> dict[str, GrammarSymbol]:
    symbols: dict[str, GrammarSymbol] = {}
    for name, content in source.table(value, "symbols").items():
        _check_name(name, {}, "symbols", source)
        table = f"symbols.{name}"
        fields = source.fields(content, table, ("meaning", "unit"), ("latex", "definition"))
        symbols[name] = GrammarSymbol(
            source.string(fields["meaning"], table, "meaning"),
            _unit(fields["unit"], table, source),
            source.string(fields.get("latex", symbol_latex(name)), table, "latex"),
            source.string(fields.get("definition", ""), table, "definition"),
        )
    if not symbols:
        raise source.error("there is no symbol; expected at least one, as in [symbols.x]", "symbols")
    return symbols


def _constants(
    value: Any, symbols: Mapping[str, GrammarSymbol], source: GrammarSource
) -> tuple[dict[str, ConstantPrior], dict[str, tuple[Number, ...]]]:
    """Return the constants with a range, and those that have one of a set of values."""
    constants: dict[str, ConstantPrior] = {}
    sets: dict[str, tuple[Number, ...]] = {}
    others = dict.fromkeys(symbols, "a symbol")
    for name, content in source.table(value, "constants").items():
        _check_name(name, others, "constants", source)
        table = f"constants.{name}"
        if "values" in source.table(content, table):
            sets[name] = _values(content, table, source)
            continue
        fields = source.fields(content, table, ("range", "prior", "unit"))
        span, prior = fields["range"], fields["prior"]
        if not isinstance(span, list) or len(span) != 2:
            raise source.error(f"expected two numbers, found {span!r:.60}; type range = [-1, 1]", table, "range")
        low, high = (source.number(bound, table, "range") for bound in span)
        if not low < high:
            raise source.error(f"the lower end must be below the upper one, found [{low}, {high}]", table, "range")
        if prior not in PRIORS:
            raise source.error(f"unknown prior {prior!r:.60}; there is: {', '.join(PRIORS)}", table, "prior")
        if prior == "log-uniform" and low <= 0:
            raise source.error(f"a log-uniform prior needs a range above 0, found [{low}, {high}]", table, "range")
        unit = _unit(fields["unit"], table, source)
        constants[name] = ConstantPrior(to_base(repr(low), unit), to_base(repr(high), unit), prior, unit)
    for symbol, made in symbols.items():
        kind = last_argument(made.definition)
        if kind in sets:
            reason = f"{kind} is a set of values; a time constant that is searched has a range"
            raise source.error(reason, f"symbols.{symbol}", "definition")
    return constants, sets


def _values(content: Any, table: str, source: GrammarSource) -> tuple[Number, ...]:
    fields = source.fields(content, table, ("values",), ("unit",))
    given = fields["values"]
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_VALUES:
        reason = f"expected a list of 1 to {MAX_VALUES} numbers, found {shown(given)}; type values = [1, 2, 3]"
        raise source.error(reason, table, "values")
    unit = _unit(fields.get("unit", ""), table, source)
    numbers = [Number(to_base(repr(source.number(each, table, "values")), unit), unit) for each in given]
    if len(set(numbers)) < len(numbers):
        raise source.error(f"a value is given twice: {shown(given)}", table, "values")
    return tuple(numbers)


def _productions(
    value: Any,
    symbols: Mapping[str, GrammarSymbol],
    constants: Mapping[str, ConstantPrior],
    sets: Mapping[str, tuple[Number, ...]],
    source: GrammarSource,
) -> dict[str, tuple[Production, ...]]:
    table = source.table(value, "productions")
    if len(table) > MAX_NONTERMINALS:
        raise source.error(f"there are {len(table)} non-terminals; at most {MAX_NONTERMINALS} are read", "productions")
    others = dict.fromkeys(symbols, "a symbol") | dict.fromkeys((*constants, *sets), "a constant")
    for name in table:
        _check_name(name, others, "productions", source)
    leaves = {*symbols, *constants, *sets, *table}
    productions: dict[str, tuple[Production, ...]] = {}
    for name, texts in table.items():
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise source.error(f"expected a list of texts, found {texts!r:.60}", "productions", name)
        found = []
        for text in texts:
            template = _template(text, name, leaves, source) if text.strip() else Expression(())
            children = tuple(node for node in template.nodes if isinstance(node, str) and node in table)
            chosen = tuple(node for node in template.nodes if isinstance(node, str) and node in sets)
            found += [Production(name, each, children, chosen) for each in each_value(template, sets)]
            if len(found) > MAX_PRODUCTIONS:
                reason = f"there are more than {MAX_PRODUCTIONS} productions, each value of a set counted"
                raise source.error(reason, "productions", name)
        productions[name] = tuple(found)
    return productions


def each_value(template: Expression, sets: Mapping[str, tuple[Number, ...]]) -> Iterator[Expression]:
    """Yield a template once for each choice of values for the sets in it."""
    choices = [sets[node] if isinstance(node, str) and node in sets else (node,) for node in template.nodes]
    for nodes in itertools.product(*choices):
        yield Expression(tuple(nodes))


def _template(text: str, name: str, leaves: set[str], source: GrammarSource) -> Expression:
    try:
        template = parse_expression(text)
    except RulesearchError as error:
        raise source.error(str(error), "productions", name, text) from None
    operators = sum(isinstance(node, Operator) for node in template.nodes)
    if operators > 1:
        raise source.error(
            f"{text!r} has {operators} operators; expected at most one: give the inner part a non-terminal of its own",
            "productions",
            name,
            text,
        )
    for node in template.nodes:
        if isinstance(node, str) and node not in leaves:
            raise source.error(
                f"unknown name {node!r} in {text!r}{did_you_mean(node, leaves)}", "productions", name, text
            )
    return template


def _slots(value: Any, productions: Mapping[str, Any], source: GrammarSource) -> dict[RuleSlot, str]:
    """Return the start symbols: of one table `[slots]`, or of a table per rule, `[slots.lateral]`."""
    tables = source.table(value, "slots")
    rules = [name for name, content in tables.items() if isinstance(content, dict)]
    if not rules:
        return _slots_of(ONE, tables, "slots", productions, source)
    found: dict[RuleSlot, str] = {}
    for name, content in tables.items():
        if name not in rules:
            reason = f"{name} stands beside tables of rules; type it in one, such as [slots.{rules[0]}]"
            raise source.error(reason, "slots", name)
        _check_name(name, {}, "slots", source)
        found |= _slots_of(name, content, f"slots.{name}", productions, source)
    return found


def _slots_of(
    rule: str, tables: Mapping[str, Any], table: str, productions: Mapping[str, Any], source: GrammarSource
) -> dict[RuleSlot, str]:
    slots: dict[str, str] = {}
    for slot, content in tables.items():
        if slot not in SLOTS:
            raise source.error(f"unknown slot {slot!r}{did_you_mean(slot, SLOTS)}", table, slot)
        start = source.string(content, table, slot)
        if start not in productions:
            raise source.error(
                f"the start symbol {start!r} has no productions{did_you_mean(start, productions)}", table, slot
            )
        slots[slot] = start
    if not slots:
        raise source.error(f"there is no slot; expected one of {', '.join(SLOTS)}", table)
    return {RuleSlot(rule, slot): slots[slot] for slot in SLOTS if slot in slots}


def _limits(value: Any, source: GrammarSource) -> Limits:
    fields = source.fields(value, "limits", ("size", "depth"), ("rule_size",))
    numbers = {key: source.whole_number(fields[key], 1, MAX_LIMIT, "limits", key) for key in fields}
    return Limits(**numbers)
