"""Numbers in sentences."""

from __future__ import annotations

from rulesearch.expression.units import format_number


def factor(ratio: float, digits: int = 4) -> str:
    """Return a ratio with so many digits, or with as many as tell it from 1 where it is not 1."""
    text = f"{ratio:.{digits}g}"
    near = float(text) == 1.0 and abs(ratio - 1.0) > 1e-9 and digits < 17
    return factor(ratio, digits + 1) if near else format_number(float(text))


def counted(number: int, noun: str) -> str:
    """Return a number and what is counted, such as `1 node` or `2,000 nodes`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
