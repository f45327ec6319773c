"""Short expressions of sums of terms: common factors taken out in turn (Horner's scheme, in any order of atoms)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from rulesearch.expression.operators import OPERATORS
from rulesearch.expression.tree import Expression
from rulesearch.symbolic.assembly import Pair, cost, powered, signed_products, signed_sum
from rulesearch.symbolic.coefficient import ONE, Coefficient, product
from rulesearch.symbolic.normal_form import NormalForm
from rulesearch.symbolic.polynomial import (
    UNIT,
    Monomial,
    Polynomial,
    accumulate,
    content,
    divided,
    inverse,
    negative,
    scaled,
)
from rulesearch.symbolic.spelling import NEGATIVE, PLACEHOLDER, negated

_SEARCH_LIMIT = 300
"""Sums of one rule for which factorings are searched; for more, one order of atoms is tried, then none."""
_LONG = 16
_DUAL = {"min": "max", "max": "min"}


class Factoring:
    """Finds short expressions of sums of terms.

    **Arguments:** `algebra` that knows the atoms, constants and units.
    **Fields:** `merged`: value and origin of every constant that is still to be named, by placeholder.
    """

    def __init__(self, algebra: NormalForm) -> None:
        self.algebra = algebra
        self.merged: dict[str, Coefficient] = {}
        self._placeholders: dict[tuple[str, str], str] = {}
        self._pairs: dict[tuple[tuple[Monomial, Coefficient], ...], Pair] = {}
        self._given: dict[tuple[tuple[Monomial, Coefficient], ...], Expression] = {}

    def learn(self, terms: Polynomial, expression: Expression) -> None:
        """Remember an expression of a sum, so that it is used where the sum occurs again."""
        key = _key(terms)
        if key not in self._given or self.cost(expression) < self.cost(self._given[key]):
            self._given[key] = expression
            self._pairs.pop(key, None)

    def cost(self, expression: Expression) -> tuple[int, int, int]:
        """Return what to make small."""
        return cost(expression, self.algebra.constants)

    def shortest(self, terms: Polynomial) -> Expression:
        """Return the shortest expression found."""
        return self.pair(terms).plus

    def pair(self, terms: Polynomial) -> Pair:
        """Return the shortest expressions found of a sum and of its negative."""
        key = _key(terms)
        known = self._pairs.get(key)
        if known is None:
            found = list(self._candidates(terms))
            given, opposite = self._given.get(key), self._given.get(_key(negative(terms)))
            if given is not None:
                found.append(Pair(given, negated(given)))
            if opposite is not None:
                found.append(Pair(negated(opposite), opposite))
            known = Pair(min((p.plus for p in found), key=self.cost), min((p.minus for p in found), key=self.cost))
            self._pairs[key] = known
        return known

    def _candidates(self, terms: Polynomial) -> Iterable[Pair]:
        if not terms:
            yield Pair(Expression.number(0), Expression.number(0))
            return
        order = self.algebra.ordered(terms)
        if len(terms) == 1:
            yield self._product(order[0], terms[order[0]])
            return
        yield signed_sum([self._product(key, terms[key]) for key in order])
        shared, scale = content(terms), _common_scale(terms)
        if scale != ONE:
            yield self._product(UNIT, scale, self.pair({key: _over(value, scale) for key, value in terms.items()}))
        elif shared:
            yield self._product(shared, ONE, self.pair(scaled(terms, ONE, inverse(shared))))
        if scale != ONE or shared:
            return
        if len(terms) == 3:
            yield from self._square(terms)
        factors = self._factors(terms)
        if len(terms) > _LONG or len(self._pairs) > _SEARCH_LIMIT:
            factors = factors[: len(self._pairs) < 3 * _SEARCH_LIMIT]
        for key, coefficient in factors:
            yield from self._split(terms, key, coefficient)

    def _factors(self, terms: Polynomial) -> list[tuple[Monomial, Coefficient]]:
        """Return what several but not all terms share, the most frequent first."""
        counts: dict[tuple[Monomial, Coefficient], int] = {}
        for key in self.algebra.ordered(terms):
            value, origin = terms[key]
            for atom, exponent in key:
                factor = (((atom, 1 if exponent > 0 else -1),), ONE)
                counts[factor] = counts.get(factor, 0) + 1
            if abs(value) != 1.0:
                size = (UNIT, (abs(value), origin))
                counts[size] = counts.get(size, 0) + 1
        return sorted((factor for factor, count in counts.items() if count > 1), key=lambda factor: -counts[factor])

    def _split(self, terms: Polynomial, key: Monomial, coefficient: Coefficient) -> Iterable[Pair]:
        """Return terms as factor * inside + outside, and as a product of two brackets where that is exact."""
        if key:
            ((atom, sense),) = key
            members = [each for each in terms if dict(each).get(atom, 0) * sense > 0]
            power = min(abs(dict(each)[atom]) for each in members) * sense
            key = ((atom, power),)
            inside = scaled({each: terms[each] for each in members}, ONE, inverse(key))
        else:
            members = [each for each, value in terms.items() if _size(value) == coefficient]
            inside = {each: _over(terms[each], coefficient) for each in members}
        outside = {each: value for each, value in terms.items() if each not in members}
        if not outside:
            return
        bracket = self.pair(inside)
        yield signed_sum([self._product(key, coefficient, bracket), self.pair(outside)])
        quotient = divided(outside, inside) if len(inside) > 1 else None
        if quotient is not None:
            accumulate(quotient, key, coefficient)
            yield self._product(UNIT, ONE, bracket, self.pair(quotient))

    def _square(self, terms: Polynomial) -> Iterable[Pair]:
        """Return the square of a sum of two terms where it is one."""
        if any(origin for _, origin in terms.values()):
            return
        even = [key for key in self.algebra.ordered(terms) if all(e % 2 == 0 for _, e in key) and terms[key][0] > 0]
        for first, second in pairwise(even):
            for sign in (1.0, -1.0):
                root: Polynomial = {_halved(first): (terms[first][0] ** 0.5, "")}
                root[_halved(second)] = (sign * terms[second][0] ** 0.5, "")
                if self.algebra.text(self.algebra.integer_power(root, 2)) == self.algebra.text(terms):
                    square = powered(min(self.pair(root), key=self.cost), 2)
                    yield Pair(square, negated(square))

    def _product(self, key: Monomial, coefficient: Coefficient, *brackets: Pair) -> Pair:
        """Return coefficient * monomial * brackets, with the sign where it costs least."""
        sign, above, below = self._coefficient(coefficient, bare=not key and not brackets)
        for atom, exponent in key:
            whole = self._atom(atom)
            if exponent % 2 == 0:
                power = powered(min(whole, key=self.cost), abs(exponent))
                whole = Pair(power, negated(power))
            elif abs(exponent) != 1:
                whole = Pair(*(powered(base, abs(exponent)) for base in whole))
            (above if exponent > 0 else below).append(whole)
        above.extend(brackets)
        lone_power = key[0][1] if len(key) == 1 else 0
        even, odd = signed_products(above + below, len(above), lone_power)
        return Pair(even, odd) if sign > 0 else Pair(odd, even)

    def _coefficient(self, coefficient: Coefficient, bare: bool) -> tuple[int, list[Pair], list[Pair]]:
        """Return sign, factors above and factors below for a coefficient; nothing for 1 unless it stands alone."""
        value, origin = coefficient
        sign = 1 if value > 0 else -1
        name = origin.lstrip("/*")
        known = self.algebra.constants.get(name, self.algebra.units[name].value if name in self.algebra.units else None)
        if abs(value) == 1.0 and not (bare and origin == name and name):
            return sign, [Pair(Expression.number(1), Expression.number(-1))] if bare else [], []
        if known is not None and abs(abs(value) - abs(known)) <= 1e-12 * abs(known) and not origin.startswith("/"):
            number = self.algebra.units.get(name)
            leaf = Expression((number,)) if number else Expression.symbol(name)
            return (sign if known > 0 else -sign), [Pair(leaf, negated(leaf))], []
        if origin.startswith("/") and known is not None:
            leaf = Expression((self.algebra.units[name],)) if name in self.algebra.units else Expression.symbol(name)
            return (sign if known > 0 else -sign), [], [Pair(leaf, negated(leaf))]
        size = _rounded(abs(value))
        # The reciprocal of a number below 1e-15 is no short whole number, and may be infinite.
        below = round(1.0 / size) if 1e-15 < size < 1.0 else 0
        if not origin and below and len(repr(size)) > 8 and abs(size * below - 1.0) < 1e-15:
            leaf = Expression.number(below)
            return sign, [], [Pair(leaf, negated(leaf))]
        if not origin or size == int(size):
            leaf = Expression.number(size)
            return sign, [Pair(leaf, negated(leaf))], []
        leaf = self._placeholder(size, origin)
        return sign, [Pair(leaf, negated(leaf))], []

    def _placeholder(self, value: float, origin: str) -> Expression:
        """Return a constant that is still to be named."""
        key = (f"{value:.12g}", origin)
        if key not in self._placeholders:
            number = str(len(self._placeholders))
            self._placeholders[key] = PLACEHOLDER + number
            self.merged[PLACEHOLDER + number] = (value, origin)
            self.merged[NEGATIVE + number] = (-value, origin)
        return Expression.symbol(self._placeholders[key])

    def _atom(self, key: str) -> Pair:
        found = self.algebra.atoms.get(key)
        if found is None:
            leaf = Expression.symbol(key)
            return Pair(leaf, negated(leaf))
        if found.expression is not None:
            return Pair(found.expression, negated(found.expression))
        arguments = [self.pair(argument) for argument in found.arguments]
        kind = found.kind
        if kind == "sum":
            return arguments[0]
        straight = Expression.apply(kind, *(argument.plus for argument in arguments))
        parity = OPERATORS[kind].parity
        if parity == "even":
            straight = min(straight, Expression.apply(kind, arguments[0].minus), key=self.cost)
        if parity == "odd" or kind in _DUAL:
            turned = Expression.apply(_DUAL.get(kind, kind), *(argument.minus for argument in arguments))
            return Pair(min(straight, negated(turned), key=self.cost), min(turned, negated(straight), key=self.cost))
        return Pair(straight, negated(straight))


def _halved(key: Monomial) -> Monomial:
    return tuple((atom, exponent // 2) for atom, exponent in key)


def _size(coefficient: Coefficient) -> Coefficient:
    return abs(coefficient[0]), coefficient[1]


def _over(coefficient: Coefficient, scale: Coefficient) -> Coefficient:
    """Return the quotient; exactly 1 or -1 where the sizes are the same."""
    if _size(coefficient) == _size(scale):
        return (1.0 if coefficient[0] * scale[0] > 0 else -1.0), ""
    return product(coefficient, (1.0 / scale[0], scale[1]))


def _common_scale(terms: Polynomial) -> Coefficient:
    """Return the size that all coefficients share, else 1."""
    sizes = {_size(value): None for value in terms.values()}
    return next(iter(sizes)) if len(sizes) == 1 else ONE


def _rounded(value: float) -> float:
    """Return a number without the last digits that arithmetic left: 0.30000000000000004 gives 0.3."""
    short = float(f"{value:.14g}")
    return short if len(repr(short)) < len(repr(value)) - 3 else value


def _key(terms: Polynomial) -> tuple[tuple[Monomial, Coefficient], ...]:
    return tuple(sorted(terms.items()))
