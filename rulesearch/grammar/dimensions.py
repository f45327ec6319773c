"""Units of non-terminals: each has one, which follows from its leaves."""

from __future__ import annotations

from rulesearch.errors import RulesearchError
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Number
from rulesearch.expression.units import PURE, UNITS, Dimension, applied, dimension_of, dimension_text
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.parts import Production
from rulesearch.grammar.source import GrammarSource
from rulesearch.rules.states import Lowpass, Synaptic


def infer_dimensions(grammar: Grammar, source: GrammarSource) -> dict[str, Dimension]:
    """Return the dimension of each non-terminal; a symbol or constant without a unit is a pure number.

    **Raises:** `GrammarError` where two productions of a non-terminal disagree, or one joins different units.
    """
    known: dict[str, Dimension] = {name: _dimension(symbol.unit) for name, symbol in grammar.symbols.items()}
    known |= {name: _dimension(prior.unit) for name, prior in grammar.constants.items()}
    origin: dict[str, str] = {}
    productions = [each for several in grammar.productions.values() for each in several if not each.is_empty]
    changed = True
    # A non-terminal that can end has a production whose leaves are all known, so this reaches every one.
    while changed:
        changed = False
        for production in productions:
            found = _production_dimension(production, known, source)
            if found is None:
                continue
            name = production.result
            if name not in known:
                known[name] = found
                origin[name] = production.text
                changed = True
            elif known[name] != found:
                raise source.error(
                    f"{production.text!r} is in {dimension_text(found)}, but {origin[name]!r} is in "
                    f"{dimension_text(known[name])}; expected one unit for each non-terminal: use two non-terminals",
                    "productions",
                    name,
                    production.text,
                )
    return {name: known[name] for name in grammar.productions}


def _dimension(unit: str) -> Dimension:
    return UNITS[unit][1] if unit else PURE


def _production_dimension(
    production: Production, known: dict[str, Dimension], source: GrammarSource
) -> Dimension | None:
    nodes = production.template.nodes
    if any(node not in known for node in nodes if isinstance(node, str)):
        return None
    head, *leaves = nodes
    if not isinstance(head, Operator):
        return _dimension(head.unit) if isinstance(head, Number) else known[head]
    parts = [_of_number(leaf) if isinstance(leaf, Number) else known[str(leaf)] for leaf in leaves]
    exponent = leaves[-1].value if isinstance(leaves[-1], Number) else None
    try:
        found = applied(head, parts, exponent)
        return PURE if found is None else found
    except RulesearchError as error:
        text = production.text
        raise source.error(f"units disagree: {text!r}: {error}", "productions", production.result, text) from None


def _of_number(number: Number) -> Dimension | None:
    return _dimension(number.unit) if number.unit else None


def check_definitions(grammar: Grammar, source: GrammarSource) -> None:
    """Refuse a symbol whose definition is not in its unit; raises `GrammarError`."""
    units = {name: symbol.unit for name, symbol in grammar.symbols.items()}
    for name, state in grammar.states().items():
        if isinstance(state, Synaptic):
            continue
        table, found = f"symbols.{name}", PURE
        if isinstance(state, Lowpass):
            try:
                inner = dimension_of(state.expression, units, "definition")
            except RulesearchError as error:
                raise source.error(str(error), table, "definition") from None
            if inner is None:
                continue
            found = inner
        own = _dimension(units[name])
        if found != own:
            raise source.error(
                f"the definition is in {dimension_text(found)}, the symbol in {dimension_text(own)}; "
                "expected the same unit",
                table,
                "unit",
            )
