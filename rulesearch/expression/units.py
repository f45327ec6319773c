"""Units of the rule language, and dimensional analysis of expressions.

Base units are s, mV and nS; pA = nS mV and Hz = 1/s follow. A number without a unit may take any.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, DecimalException
from fractions import Fraction

import numpy as np

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


def applied(row: Operator, parts: Sequence[Dimension | None], exponent: float | None = None) -> Dimension | None:
    """Return the dimension of an operator's value by those of its arguments: the one rule of units.

    **Arguments:** `parts`: None where it may be any; `exponent`: value of the last argument, where that is a number.
    **Raises:** `RulesearchError` where terms of different units are added or compared, a quantity with a unit is raised
    to what is no number, or a function such as `exp` is given one.
    """
    first, last = parts[0], parts[-1]
    if row.unit == "same":
        if first is not None and last is not None and first != last:
            raise RulesearchError(
                f"{row.infix or row.name} joins a quantity in {dimension_text(first)} and one in "
                f"{dimension_text(last)}; make the units agree, for example by a constant with a unit"
            )
        return first if first is not None else last
    if row.unit in ("product", "quotient"):
        if first is None or last is None:
            return None
        sign = 1.0 if row.unit == "product" else -1.0
        return _rounded(a + sign * b for a, b in zip(first, last, strict=True))
    if row.unit == "power":
        if last not in (None, PURE):
            raise RulesearchError(f"** is given an exponent in {dimension_text(last)}; it takes a pure number")
        if first in (None, PURE):
            return first
        if exponent is None or not math.isfinite(exponent):
            raise RulesearchError(f"** raises a quantity in {dimension_text(first)} to what is no fixed number")
        return _rounded(exponent * power + 0.0 for power in first)
    if isinstance(row.unit, float):
        raised = row.unit
        return None if first is None else _rounded(raised * power for power in first)
    if row.unit == "pure" and first not in (None, PURE):
        raise RulesearchError(
            f"{row.name}() was given a quantity in {dimension_text(first)}; "
            "it takes a pure number: divide by a constant with that unit"
        )
    return PURE


def _rounded(powers: Iterable[float]) -> Dimension:
    """Return powers of units as small fractions, so that a cube root to the power 3 is what it was."""
    second, millivolt, nanosiemens = (
        power if power == int(power) else float(Fraction(power).limit_denominator(1000)) for power in powers
    )
    return second, millivolt, nanosiemens


def dimension_of(expression: Expression, units: Mapping[str, str], where: str) -> Dimension | None:
    """Return the dimension of an expression, or None where it may have any (numbers without units).

    **Arguments:** `units` gives the unit of each symbol; a symbol that is absent may have any.
    **Raises:** `RulesearchError` as `applied`, which begins with `where`.
    """

    def leaf(node: str | Number) -> tuple[Dimension | None, float | None]:
        if isinstance(node, Number):
            return UNITS[node.unit][1] if node.unit else None, node.value
        if node not in units:
            return None, None
        unit = units[node]
        return UNITS[unit][1] if unit else PURE, None

    def branch(row: Operator, *parts: tuple[Dimension | None, float | None]) -> tuple[Dimension | None, float | None]:
        dimensions = [dimension for dimension, _ in parts]
        values = [value for _, value in parts if value is not None]
        with np.errstate(all="ignore"):
            value = float(row.numpy(*values)) if len(values) == len(parts) else None
        return applied(row, dimensions, parts[-1][1]), value

    try:
        found: Dimension | None = expression.fold(leaf, branch)[0]
    except RulesearchError as error:
        raise RulesearchError(f"{where}: {error}") from None
    return found
