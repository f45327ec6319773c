"""Coefficients of terms: a value, and which named constants it was made of.

The origin of a coefficient is `""` (numbers only), `"alpha"` (the constant, perhaps with the other sign),
`"/alpha"` (its reciprocal), `"*alpha"` (made of alpha and numbers) or `"*"` (made of several constants).
"""

from __future__ import annotations

import math

Coefficient = tuple[float, str]
"""Value and origin."""

ONE: Coefficient = (1.0, "")
VANISHES = 1e-12
"""A sum is zero where it is below this share of what was added up."""


class UndefinedValueError(ArithmeticError):
    """A constant sub-expression has no finite value; the sub-expression is then kept as it is."""


def finite(value: float) -> float:
    """Return the value.

    **Raises:** `UndefinedValueError` where it is infinite or not a number.
    """
    if not math.isfinite(value):
        raise UndefinedValueError
    return value


def derived(origin: str) -> str:
    """Return the origin of a value computed from one of this origin."""
    return f"*{origin.lstrip('*/')}" if origin else ""


def joint(first: str, second: str) -> str:
    """Return the origin of a value computed from two."""
    if not first or not second:
        return derived(first or second)
    return derived(first) if derived(first) == derived(second) else "*"


def product(first: Coefficient, second: Coefficient) -> Coefficient:
    """Return the product; a factor of 1 or -1 keeps the origin of the other."""
    (a, of_a), (b, of_b) = first, second
    value = finite(a * b)
    if abs(b) == 1.0 and not of_b:
        return value, of_a
    if abs(a) == 1.0:
        return value, of_b
    if abs(b) == 1.0:
        return value, of_a
    return value, joint(of_a, of_b)


def total(first: Coefficient, second: Coefficient) -> Coefficient | None:
    """Return the sum, None where it vanishes."""
    (a, of_a), (b, of_b) = first, second
    value = finite(a + b)
    if abs(value) <= VANISHES * (abs(a) + abs(b)):
        return None
    return value, joint(of_a, of_b)


def power(base: Coefficient, exponent: float) -> Coefficient:
    """Return the power; the reciprocal of a constant is remembered as such."""
    value, origin = base
    try:
        result = value**exponent
    except (OverflowError, ZeroDivisionError):
        raise UndefinedValueError from None
    if isinstance(result, complex) or result == 0.0:
        raise UndefinedValueError
    if exponent == 1 or not origin:
        return finite(result), origin
    if exponent == -1 and not origin.startswith("*"):
        return finite(result), origin[1:] if origin.startswith("/") else f"/{origin}"
    return finite(result), derived(origin)
