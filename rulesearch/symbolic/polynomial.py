"""Sums of terms: adding, scaling and dividing them.

A sum of terms is a mapping from monomials to coefficients; a monomial is a sorted product of atoms with
integer powers, such as `(("w", 1), ("y", 2))`; an atom is a symbol or a sub-expression known by its text.
"""

from __future__ import annotations

from collections.abc import Iterable

from rulesearch.symbolic.coefficient import ONE, Coefficient, power, product, total

Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Coefficient]

UNIT: Monomial = ()
_DIVISION_STEPS = 200


def constant(value: float, origin: str = "") -> Polynomial:
    """Return a constant as a sum of terms."""
    return {UNIT: (value, origin)} if value else {}


def symbol(name: str) -> Polynomial:
    """Return a symbol as a sum of terms."""
    return {((name, 1),): ONE}


def constant_value(terms: Polynomial) -> Coefficient | None:
    """Return the value of a sum that is a constant, None where it is not."""
    if not terms:
        return (0.0, "")
    return terms[UNIT] if len(terms) == 1 and UNIT in terms else None


def combine(first: Monomial, second: Monomial) -> Monomial:
    """Return the product of two monomials."""
    if not first or not second:
        return first or second
    powers = dict(first)
    for atom, exponent in second:
        powers[atom] = powers.get(atom, 0) + exponent
    return tuple(sorted(item for item in powers.items() if item[1]))


def scaled(terms: Polynomial, factor: Coefficient, monomial: Monomial = UNIT) -> Polynomial:
    """Return the sum times one term (whose atoms need no rewriting)."""
    return {combine(key, monomial): product(value, factor) for key, value in terms.items()}


def negative(terms: Polynomial) -> Polynomial:
    """Return the sum with the other sign."""
    return {key: (-value, origin) for key, (value, origin) in terms.items()}


def accumulate(target: Polynomial, monomial: Monomial, coefficient: Coefficient) -> None:
    """Add one term to a sum, in place."""
    if monomial in target:
        result = total(target[monomial], coefficient)
        if result is None:
            del target[monomial]
        else:
            target[monomial] = result
    elif coefficient[0]:
        target[monomial] = coefficient


def content(monomials: Iterable[Monomial]) -> Monomial:
    """Return the common monomial factor: the least power of every atom (0 where it is absent)."""
    lists = [dict(monomial) for monomial in monomials]
    names = sorted({name for powers in lists for name in powers})
    least = ((name, min(powers.get(name, 0) for powers in lists)) for name in names)
    return tuple((name, exponent) for name, exponent in least if exponent)


def inverse(monomial: Monomial) -> Monomial:
    """Return the monomial with all powers negated."""
    return tuple((atom, -exponent) for atom, exponent in monomial)


def divided(terms: Polynomial, divisor: Polynomial) -> Polynomial | None:
    """Return the quotient of two sums where the division leaves no rest, else None.

    Powers below zero are allowed: both are first freed of their common monomial factor.
    """
    names = sorted({name for key in (*terms, *divisor) for name, _ in key})
    above, below = _vectors(terms, names), _vectors(divisor, names)
    if not above or not below:
        return None
    shift = tuple(min(column) for column in zip(*above, strict=True))
    base = tuple(min(column) for column in zip(*below, strict=True))
    rest = {_minus(key, shift): value for key, value in above.items()}
    parts = {_minus(key, base): value for key, value in below.items()}
    head = max(parts)
    found: Polynomial = {}
    for _ in range(_DIVISION_STEPS):
        if not rest:
            return found
        top = max(rest)
        step = _minus(top, head)
        if min(step, default=0) < 0:
            return None
        factor = product(rest[top], power(parts[head], -1))
        key = tuple((n, e + s - b) for n, e, s, b in zip(names, step, shift, base, strict=True) if e + s - b)
        found[key] = factor
        for part, value in parts.items():
            _subtract(rest, tuple(p + q for p, q in zip(part, step, strict=True)), product(value, factor))
        rest.pop(top, None)
    return None


def _subtract(rest: dict[tuple[int, ...], Coefficient], key: tuple[int, ...], value: Coefficient) -> None:
    opposite = (-value[0], value[1])
    result = total(rest[key], opposite) if key in rest else opposite
    if result is None:
        del rest[key]
    else:
        rest[key] = result


def _vectors(terms: Polynomial, names: list[str]) -> dict[tuple[int, ...], Coefficient]:
    return {tuple(dict(key).get(name, 0) for name in names): value for key, value in terms.items()}


def _minus(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a - b for a, b in zip(first, second, strict=True))
