"""Arithmetic of sums of terms: products, powers, reciprocals and cancelling, with counted work."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rulesearch.expression.tree import Expression
from rulesearch.symbolic.coefficient import ONE, Coefficient, UndefinedValueError, power, product
from rulesearch.symbolic.polynomial import (
    UNIT,
    Monomial,
    Polynomial,
    accumulate,
    combine,
    constant,
    content,
    divided,
    inverse,
    scaled,
)

TERM_LIMIT = 2000
"""A product with more terms than this is not expanded."""
WORK_LIMIT = 30_000
"""Products of terms for one rule; beyond it nothing more is expanded."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A sub-expression that terms treat as a whole.

    **Fields:** `kind`: a function's name, `pow`, `sum` (a bracket that is inverted or left unexpanded) or
    `opaque`; `arguments` as sums of terms; `expression` of an opaque one.
    """

    kind: str
    arguments: tuple[Polynomial, ...]
    expression: Expression | None = None


class Algebra:
    """Arithmetic of sums of terms, with the register of their atoms and the count of work done.

    **Arguments:** `nonnegative`: symbols that are never below 0.
    """

    def __init__(self, nonnegative: Collection[str] = frozenset()) -> None:
        self.nonnegative = frozenset(nonnegative)
        self.atoms: dict[str, Atom] = {}
        self.work = 0
        self._extents: dict[str, int] = {}
        self._texts: dict[Monomial, str] = {UNIT: "1"}

    def monomial_text(self, monomial: Monomial) -> str:
        """Return the text of a monomial: `w*y**2`, `x/(y*z)`, `1`."""
        known = self._texts.get(monomial)
        if known is None:
            above = [_power_text(atom, exponent) for atom, exponent in monomial if exponent > 0]
            below = [_power_text(atom, -exponent) for atom, exponent in monomial if exponent < 0]
            known = "*".join(above) or "1"
            if below:
                known += f"/{below[0]}" if len(below) == 1 else f"/({'*'.join(below)})"
            self._texts[monomial] = known
        return known

    def ordered(self, terms: Polynomial) -> list[Monomial]:
        """Return the monomials: constants last, low degrees first, then by text."""
        return sorted(
            terms,
            key=lambda monomial: (
                monomial == UNIT,
                sum(abs(exponent) for _, exponent in monomial),
                self.monomial_text(monomial),
            ),
        )

    def text(self, terms: Polynomial) -> str:
        """Return the sum as text, numbers to ten digits; equal sums have equal texts."""
        pieces: list[str] = []
        for monomial in self.ordered(terms):
            value = terms[monomial][0]
            number = f"{abs(value):.10g}"
            factor = self.monomial_text(monomial)
            if number == "1":
                body = factor
            else:
                body = number + factor[1:] if monomial == UNIT or factor[:2] == "1/" else f"{number}*{factor}"
            sign = (" - " if pieces else "-") if value < 0 else (" + " if pieces else "")
            pieces.append(sign + body)
        return "".join(pieces) or "0"

    def register(self, kind: str, *arguments: Polynomial, expression: Expression | None = None, key: str = "") -> str:
        """Return the key of an atom, registered on first use."""
        if not key:
            texts = [self.text(argument) for argument in arguments]
            key = f"({texts[0]})" if kind == "sum" else f"{kind}({', '.join(texts)})"
        self.atoms.setdefault(key, Atom(kind, arguments, expression))
        return key

    def extent(self, terms: Polynomial) -> int:
        """Return how many terms a sum has, those inside its atoms included."""
        inside = 0
        for atom in {name: None for key in terms for name, _ in key if name in self.atoms}:
            if atom not in self._extents:
                self._extents[atom] = sum(self.extent(argument) for argument in self.atoms[atom].arguments)
            inside += self._extents[atom]
        return len(terms) + inside

    def lead(self, terms: Polynomial) -> Coefficient:
        """Return the coefficient that decides scale and sign: that of the first monomial in order."""
        return terms[self.ordered(terms)[0]]

    def split(self, terms: Polynomial) -> tuple[Coefficient, Monomial, Polynomial]:
        """Return scale, common monomial factor and the rest, whose first coefficient is 1 where that is in range."""
        shared = content(terms)
        rest = scaled(terms, ONE, inverse(shared))
        scale = self.lead(rest)
        if scale == ONE:
            return scale, shared, rest
        try:
            inverted = power(scale, -1)
            return (
                scale,
                shared,
                {key: product(value, inverted) if value != scale else ONE for key, value in rest.items()},
            )
        except UndefinedValueError:
            # Where the reciprocal leaves the range of double precision, the coefficients stay.
            return ONE, shared, rest

    def factored(self, terms: Polynomial) -> Polynomial:
        """Return the sum as one term: scale, monomial and a bracket that stays unexpanded."""
        if len(terms) < 2:
            return terms
        scale, shared, rest = self.split(terms)
        return {combine(shared, ((self.register("sum", rest), 1),)): scale}

    def add(self, first: Polynomial, second: Polynomial) -> Polynomial:
        """Return the sum."""
        if len(first) + len(second) > TERM_LIMIT:
            first, second = self.factored(first), self.factored(second)
        result = dict(first)
        for monomial, coefficient in second.items():
            accumulate(result, monomial, coefficient)
        return self.cancelled(result)

    def multiply(self, first: Polynomial, second: Polynomial) -> Polynomial:
        """Return the product, expanded while the work allows it."""
        expected = len(first) * len(second)
        if expected > TERM_LIMIT or (expected > 1 and self.work + expected > WORK_LIMIT):
            first, second = self.factored(first), self.factored(second)
        self.work += expected
        result: Polynomial = {}
        for left, a in first.items():
            for right, b in second.items():
                monomial, coefficient = combine(left, right), product(a, b)
                rewritten = self.rewritten(monomial)
                if rewritten is None:
                    accumulate(result, monomial, coefficient)
                else:
                    for key, value in rewritten.items():
                        accumulate(result, key, product(coefficient, value))
        return self.cancelled(result)

    def rewritten(self, monomial: Monomial) -> Polynomial | None:
        """Return what a product of atoms is rewritten to, None where nothing applies."""
        return None

    def monomial_power(self, atom: str, exponent: int) -> Polynomial:
        """Return a power of one atom."""
        monomial = ((atom, exponent),)
        rewritten = self.rewritten(monomial)
        return {monomial: ONE} if rewritten is None else rewritten

    def integer_power(self, terms: Polynomial, exponent: int) -> Polynomial:
        """Return an integer power; a negative one of a sum becomes a power of its reciprocal."""
        if exponent == 0:
            return constant(1.0)
        if exponent < 0:
            return self.integer_power(self.reciprocal(terms), -exponent)
        if len(terms) > 1 and len(terms) ** min(exponent, 12) > 4 * TERM_LIMIT:
            terms = self.factored(terms)
        if len(terms) == 1:
            ((monomial, coefficient),) = terms.items()
            result = constant(1.0)
            for atom, step in monomial:
                result = self.multiply(result, self.monomial_power(atom, step * exponent))
            return scaled(result, power(coefficient, exponent))
        result = terms
        for _ in range(exponent - 1):
            result = self.multiply(result, terms)
        return result

    def reciprocal(self, terms: Polynomial) -> Polynomial:
        """Return the reciprocal: a sum of several terms becomes one atom with power -1."""
        scale, shared, rest = self.split(terms) if terms else ((0.0, ""), UNIT, {})
        result = constant(*power(scale, -1))
        for atom, exponent in shared:
            result = self.multiply(result, self.monomial_power(atom, -exponent))
        if len(rest) > 1:
            result = scaled(result, ONE, ((self.register("sum", rest), -1),))
        return result

    def cancelled(self, terms: Polynomial) -> Polynomial:
        """Return the sum after cancelling brackets below that divide what stands above them."""
        if len(terms) < 2 or not any(exponent < 0 and atom[0] == "(" for key in terms for atom, exponent in key):
            return terms
        brackets = sorted({atom for key in terms for atom, exponent in key if exponent < 0 and self._is_sum(atom)})
        for bracket in brackets:
            divisor = self.atoms[bracket].arguments[0]
            inside = {name for key in divisor for name, _ in key}
            groups: dict[Monomial, Polynomial] = {}
            for key, value in terms.items():
                outer = tuple(item for item in key if item[0] not in inside)
                groups.setdefault(outer, {})[tuple(item for item in key if item[0] in inside)] = value
            for outer in sorted(groups):
                below = dict(outer).get(bracket, 0)
                quotient = divided(groups[outer], divisor) if below < 0 and len(groups[outer]) > 1 else None
                if quotient is not None:
                    kept = {k: v for k, v in terms.items() if tuple(i for i in k if i[0] not in inside) != outer}
                    moved = scaled(quotient, ONE, combine(outer, ((bracket, 1),)))
                    return self.add(kept, moved)
        return terms

    def _is_sum(self, atom: str) -> bool:
        return atom in self.atoms and self.atoms[atom].kind == "sum"


def _power_text(atom: str, exponent: int) -> str:
    if exponent == 1:
        return atom
    return f"{atom}**{exponent}"
