"""Equations as PySR writes them, read by our own parser."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rulesearch.errors import RulesearchError
from rulesearch.expression import Expression, parse_expression

_POWERS = {"square": 2, "cube": 3}
_CALL = re.compile(r"\b(square|cube|neg|inv)\(")
_PLACE = re.compile(r"#(\d+)")


def read_equations(text: str, symbols: Sequence[str], slots: Sequence[str]) -> dict[str, Expression]:
    """Return the expression of each slot.

    **Arguments:** `text`: an equation over `v1`, `v2`, ... (one slot), or a template `slot = ...; slot = ...` whose
    arguments are `#1`, `#2`, ...; `symbols`: what these stand for, in order.
    **Raises:** `RulesearchError` where the text is no such equation.
    """
    if len(slots) == 1 and "=" not in text:
        return {slots[0]: read_equation(text, symbols)}
    found = {}
    for part in text.split(";"):
        name, equals, body = part.partition("=")
        if name.strip() in slots and equals:
            found[name.strip()] = read_equation(body, symbols)
    if set(found) != set(slots):
        raise RulesearchError(f"expected an equation for each of {', '.join(slots)}, found {text!r}")
    return found


def read_equation(text: str, symbols: Sequence[str]) -> Expression:
    """Return one equation as an expression; arguments as of `read_equations`."""
    text = _PLACE.sub(r"v\1", text).replace("^", "**")
    while call := _CALL.search(text):
        begin, end = call.end(), _closing(text, call.end())
        inner, name = text[begin:end], call.group(1)
        if name in _POWERS:
            new = f"(({inner})**{_POWERS[name]})"
        else:
            new = f"(-({inner}))" if name == "neg" else f"(1/({inner}))"
        text = text[: call.start()] + new + text[end + 1 :]
    names = {f"v{place}": Expression.symbol(symbol) for place, symbol in enumerate(symbols, 1)}
    expression = parse_expression(text.strip())
    for name in expression.symbols:
        if name not in names:
            raise RulesearchError(f"PySR wrote {name}, which is not among its variables")
    return expression.substitute(names)


def _closing(text: str, begin: int) -> int:
    level = 1
    for place in range(begin, len(text)):
        level += (text[place] == "(") - (text[place] == ")")
        if level == 0:
            return place
    raise RulesearchError(f"a bracket is never closed in {text!r}")
