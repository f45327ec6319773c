"""Units of the rule language, and dimensional analysis of expressions.

Base units are s, mV and nS; pA = nS mV and Hz = 1/s follow. A number without a unit may take any.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, DecimalException

from rulesearch.errors import RulesearchError
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number

Dimension = tuple[float, float, float]
"""Powers of (s, mV, nS)."""

PURE: Dimension = (0.0, 0.0, 0.0)

UNITS: dict[str, tuple[Decimal, Dimension]] = {
    "s": (Decimal(1), (1.0, 0.0, 0.0)),
    "ms": (Decimal("0.001"), (1.0, 0.0, 0.0)),
    "Hz": (Decimal(1), (-1.0, 0.0, 0.0)),
    "mV": (Decimal(1), (0.0, 1.0, 0.0)),
    "nS": (Decimal(1), (0.0, 0.0, 1.0)),
    "pA": (Decimal(1), (0.0, 1.0, 1.0)),
}


def to_base(digits: str, unit: str) -> float:
    """Return a written number in base units, exactly rounded: `("20", "ms")` gives 0.02."""
    if not unit:
        return float(digits)
    try:
        return float(Decimal(digits) * UNITS[unit][0])
    except DecimalException:
        # An exponent that Decimal does not hold: infinite or 0, whatever the unit.
        return float(digits)


def from_base(value: float, unit: str) -> str:
    """Return the shortest digits that `to_base` turns into `value` again."""
    if not unit:
        return format_number(value)
    exact = Decimal(repr(value)) / UNITS[unit][0]
    short = format_number(float(exact))
    return short if to_base(short, unit) == value else str(exact)


def format_number(value: float) -> str:
    """Return the shortest text that reads back as `value`; whole numbers without a point."""
    if abs(value) < 1e15 and value == int(value):
        return str(int(value)) if value or str(value)[0] != "-" else "-0.0"
    return repr(value)


def time_text(seconds: float) -> str:
    """Return a time as text: below one second in ms, else in s."""
    return f"{from_base(seconds, 'ms')} ms" if abs(seconds) < 1.0 else f"{from_base(seconds, 's')} s"


def dimension_text(dimension: Dimension) -> str:
    """Return a dimension as text, such as `mV`, `mV s` or `1`."""
    for unit, (_, known) in UNITS.items():
        if known == dimension:
            return unit
    parts = [
        name if power == 1 else f"{name}^{power:g}"
        for name, power in zip(("s", "mV", "nS"), dimension, strict=True)
        if power
    ]
    return " ".join(parts) or "1"


def dimension_of(expression: Expression, units: Mapping[str, str], where: str) -> Dimension | None:
    """Return the dimension of an expression, or None where it may have any (numbers without units).

    **Arguments:** `units` gives the unit of each symbol; a symbol that is absent may have any.
    **Raises:** `RulesearchError` where terms of different units are added or compared, or a function such as
    `exp` is given a quantity with a unit.
    """

    def leaf(node: str | Number) -> Dimension | None:
        if isinstance(node, Number):
            return UNITS[node.unit][1] if node.unit else None
        if node not in units:
            return None
        unit = units[node]
        return UNITS[unit][1] if unit else PURE

    def branch(node: Operator, *found: Dimension | None) -> Dimension | None:
        first = found[0]
        second = found[-1]
        if node.unit == "same":
            if first is not None and second is not None and first != second:
                raise RulesearchError(
                    f"{where}: {node.infix or node.name} joins a quantity in {dimension_text(first)} and one in "
                    f"{dimension_text(second)}; make the units agree, for example by a constant with a unit"
                )
            return first if first is not None else second
        if node.unit in ("product", "quotient"):
            if first is None or second is None:
                return None
            sign = 1.0 if node.unit == "product" else -1.0
            return (first[0] + sign * second[0], first[1] + sign * second[1], first[2] + sign * second[2])
        if node.unit == "power":
            return first if first in (None, PURE) else None
        if node.unit == "root":
            return None if first is None else (first[0] / 2, first[1] / 2, first[2] / 2)
        if node.unit == "keep":
            return first
        if node.unit == "pure" and first not in (None, PURE):
            raise RulesearchError(
                f"{where}: {node.name}() was given a quantity in {dimension_text(first or PURE)}; "
                "it takes a pure number: divide by a constant with that unit"
            )
        return PURE

    result: Dimension | None = expression.fold(leaf, branch)
    return result
