"""Shapes of terms: monomials without their coefficients, and the coefficients inside their functions."""

from __future__ import annotations

from rulesearch.symbolic.normal_form import NormalForm
from rulesearch.symbolic.polynomial import Monomial, Polynomial


def shape(algebra: NormalForm, terms: Polynomial) -> str:
    """Return the monomials of a sum as text, without coefficients, also inside functions."""
    return " + ".join(sorted(monomial_shape(algebra, monomial) for monomial in terms))


def monomial_shape(algebra: NormalForm, monomial: Monomial) -> str:
    """Return a monomial as text, without the coefficients inside its functions."""
    factors = []
    for name, exponent in monomial:
        atom = algebra.atoms.get(name)
        inner = name
        if atom is not None and atom.expression is None:
            inner = f"{atom.kind}({', '.join(shape(algebra, argument) for argument in atom.arguments)})"
        factors.append(f"{inner}**{exponent}")
    return "*".join(sorted(factors)) or "1"


def inner_numbers(algebra: NormalForm, monomial: Monomial) -> list[float]:
    """Return the coefficients inside the functions of a monomial, in the order of its shape."""
    entries: list[tuple[str, list[float]]] = []
    for name, exponent in monomial:
        atom = algebra.atoms.get(name)
        if atom is None:
            continue
        numbers: list[float] = []
        for argument in atom.arguments:
            for inner in sorted(argument, key=lambda each: monomial_shape(algebra, each)):
                numbers.append(argument[inner][0])
                numbers += inner_numbers(algebra, inner)
        entries.append((f"{monomial_shape(algebra, ((name, 1),))}**{exponent}", numbers))
    return [number for _, numbers in sorted(entries, key=lambda entry: entry[0]) for number in numbers]
