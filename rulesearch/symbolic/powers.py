"""Products of functions, powers and exponentials in sums of terms.

Rewrites used: abs(u)**2 = u**2; sqrt(u)**2 = u; exp(a)*exp(b) = exp(a + b); exp(log(u)) = u;
u**a * u**b = u**(a + b); (u**a)**b = u**(a*b) for a number a that is not whole; sign(u)*abs(u) = u;
step(u)**n = step(u).
"""

from __future__ import annotations

import numpy as np

from rulesearch.expression.operators import OPERATORS
from rulesearch.symbolic.algebra import Algebra, Atom
from rulesearch.symbolic.coefficient import (
    ONE,
    Coefficient,
    UndefinedValueError,
    derived,
    finite,
    joint,
    power,
    product,
)
from rulesearch.symbolic.polynomial import UNIT, Monomial, Polynomial, combine, constant, constant_value, scaled

_INTEGER_POWER_LIMIT = 64


class PowerAlgebra(Algebra):
    """Sums of terms whose atoms may be powers and functions; their products are worked out."""

    def rewritten(self, monomial: Monomial) -> Polynomial | None:
        """Return the product with functions of functions worked out, None where nothing applies."""
        bases: list[str] = []
        for atom, exponent in monomial:
            found = self.atoms.get(atom)
            if found is None:
                continue
            kind = found.kind
            if (
                (kind in ("abs", "sqrt") and abs(exponent) > 1)
                or (kind == "sign" and exponent not in (1, 2))
                or (kind in ("step", "exp", "pow") and exponent != 1 and (kind != "step" or exponent > 1))
            ):
                return self._rewrite(monomial)
            if kind in ("exp", "pow", "abs", "sign"):
                base = "exp" if kind == "exp" else self.text(found.arguments[0])
                mark = "sign or abs " if kind in ("abs", "sign") else "power "
                if mark + base in bases:
                    return self._rewrite(monomial)
                bases.append(mark + base)
        return None

    def _rewrite(self, monomial: Monomial) -> Polynomial:
        """Return the product, with the powers of equal bases collected."""
        plain: Monomial = UNIT
        factors: list[Polynomial] = []
        exponents: dict[str, tuple[Polynomial | None, Polynomial]] = {}
        magnitudes: dict[str, int] = {}
        for atom, exponent in monomial:
            found = self.atoms.get(atom)
            kind = found.kind if found else ""
            if found is None or kind not in ("abs", "sqrt", "sign", "step", "exp", "pow"):
                plain = combine(plain, ((atom, exponent),))
            elif kind == "exp" or kind == "pow":
                base = None if kind == "exp" else found.arguments[0]
                key = "" if base is None else self.text(base)
                step = scaled(found.arguments[-1], (float(exponent), ""))
                exponents[key] = (base, self.add(exponents[key][1], step) if key in exponents else step)
            elif kind == "step":
                plain = combine(plain, ((atom, min(exponent, 1)),))
            elif kind == "sign":
                magnitudes[atom] = 2 - exponent % 2
            else:
                half, odd = (0, exponent) if abs(exponent) == 1 else divmod(abs(exponent), 2)
                if half:
                    sense = 1 if exponent > 0 else -1
                    odd *= sense
                    squared = half * sense * (2 if kind == "abs" else 1)
                    factors.append(self.integer_power(found.arguments[0], squared))
                if odd:
                    plain = combine(plain, ((atom, odd),))
        for atom, exponent in magnitudes.items():
            partner = f"abs({atom[5:-1]})"
            sense = dict(plain).get(partner, 0)
            if not sense:
                plain = combine(plain, ((atom, exponent),))
            elif exponent == 1:
                plain = combine(plain, ((partner, -sense),))
                factors.append(self.integer_power(self.atoms[atom].arguments[0], sense))
        result: Polynomial = {plain: ONE}
        for base, exponent_terms in exponents.values():
            factors.append(self.exp(exponent_terms) if base is None else self.raised(base, exponent_terms))
        for factor in factors:
            result = self.multiply(result, factor)
        return result

    def never_negative(self, terms: Polynomial) -> bool:
        """Say whether every term is at least 0 wherever it is defined."""
        return all(value > 0 and all(self.positive(*item) for item in key) for key, (value, _) in terms.items())

    def positive(self, atom: str, exponent: int) -> bool:
        """Say whether a power of an atom is at least 0 wherever it is defined."""
        if exponent % 2 == 0:
            return True
        found = self.atoms.get(atom)
        if found is None:
            return atom in self.nonnegative
        if found.kind in ("pow", "sum"):
            whole = found.kind == "pow" and constant_value(found.arguments[1]) is not None
            return whole or self.never_negative(found.arguments[0])
        return found.kind in OPERATORS and OPERATORS[found.kind].low >= 0.0

    def function(self, kind: str, terms: Polynomial) -> Polynomial:
        """Return a function of a sum as a term."""
        return {((self.register(kind, terms), 1),): ONE}

    def magnitude(self, atom: str) -> Polynomial:
        """Return abs of one atom."""
        single: Polynomial = {((atom, 1),): ONE}
        return single if self.positive(atom, 1) else self.function("abs", single)

    def exp(self, terms: Polynomial) -> Polynomial:
        """Return exp(u): a constant in u becomes a factor, exp(log(u)) = u."""
        rest = {key: value for key, value in terms.items() if key != UNIT}
        factor: Coefficient = ONE
        if UNIT in terms:
            with np.errstate(over="ignore"):
                factor = (finite(float(np.exp(min(terms[UNIT][0], 800.0)))), derived(terms[UNIT][1]))
            if not factor[0]:
                raise UndefinedValueError
        if not rest:
            return constant(*factor)
        if len(rest) == 1:
            ((key, value),) = rest.items()
            found = self.atoms.get(key[0][0])
            if value == ONE and key[0][1] == 1 and len(key) == 1 and found and found.kind == "log":
                return scaled(found.arguments[0], factor)
        return scaled(self.function("exp", rest), factor)

    def sqrt(self, terms: Polynomial) -> Polynomial:
        """Return sqrt(u): positive factors and even powers are taken out."""
        scale, shared, rest = self.split(terms)
        result = constant(float(np.sqrt(abs(scale[0]))), derived(scale[1]) if abs(scale[0]) != 1.0 else "")
        inner = scaled(rest, (1.0 if scale[0] > 0 else -1.0, ""))
        kept: Monomial = UNIT
        for atom, exponent in shared:
            if exponent % 2 == 0:
                result = self.multiply(result, self.integer_power(self.magnitude(atom), exponent // 2))
            else:
                kept = combine(kept, ((atom, exponent),))
        inner = scaled(inner, ONE, kept)
        if constant_value(inner) is not None:
            if scale[0] < 0:
                raise UndefinedValueError
            return result
        return self.multiply(result, self.function("sqrt", inner))

    def normalised(self, terms: Polynomial) -> tuple[Coefficient, Polynomial]:
        """Return the size of the leading coefficient and the sum divided by it."""
        lead = self.lead(terms)
        if abs(lead[0]) == 1.0:
            return ONE, terms
        scale = (abs(lead[0]), lead[1])
        unit = (1.0 if lead[0] > 0 else -1.0, "")
        inverted = power(scale, -1)
        return scale, {key: unit if value == lead else product(value, inverted) for key, value in terms.items()}

    def raised(self, base: Polynomial, exponent: Polynomial) -> Polynomial:
        """Return a power; whole and half exponents become products and square roots.

        **Raises:** `UndefinedValueError` where it is a constant without a finite value.
        """
        value = constant_value(exponent)
        floor = constant_value(base)
        if value is not None:
            if value[0] == int(value[0]) and abs(value[0]) <= _INTEGER_POWER_LIMIT:
                return self.integer_power(base, int(value[0]))
            if floor is not None:
                return folded("pow", [floor, value])
            inner = self._numeric_power(base)
            if inner is not None:
                return self.raised(inner.arguments[0], scaled(inner.arguments[1], value))
            doubled = 2.0 * value[0]
            if abs(doubled) <= _INTEGER_POWER_LIMIT and doubled == int(doubled):
                return self.integer_power(self.sqrt(base), int(doubled))
            whole = int(value[0]) if abs(value[0]) <= _INTEGER_POWER_LIMIT else 0
            part = (value[0] - whole, derived(value[1])) if whole else value
            return self.multiply(self.integer_power(base, whole), self._fraction(base, part))
        if floor is not None and floor[0] == 1.0:
            return constant(1.0)
        return self._raised(base, exponent)

    def _fraction(self, base: Polynomial, exponent: Coefficient) -> Polynomial:
        scale, inner = self.normalised(base)
        result = self._raised(inner, {UNIT: exponent})
        if scale == ONE:
            return result
        return scaled(result, (power(scale, exponent[0])[0], joint(scale[1], exponent[1])))

    def _numeric_power(self, base: Polynomial) -> Atom | None:
        """Return the atom u**p where the base is just that and p is a number, so that u is not negative."""
        if len(base) != 1:
            return None
        ((key, value),) = base.items()
        found = self.atoms.get(key[0][0]) if len(key) == 1 and key[0][1] == 1 and value == ONE else None
        if found is None or found.kind != "pow" or constant_value(found.arguments[1]) is None:
            return None
        return found

    def _raised(self, base: Polynomial, exponent: Polynomial) -> Polynomial:
        inner = self._numeric_power(base)
        if inner is not None:
            return self.raised(inner.arguments[0], self.multiply(inner.arguments[1], exponent))
        below, above = self.text(base), self.text(exponent)
        key = f"{_bracketed(below)}**{_bracketed(above)}"
        return {((self.register("pow", base, exponent, key=key), 1),): ONE}


def _bracketed(text: str) -> str:
    return text if text.replace(".", "").isalnum() else f"({text})"


def folded(name: str, values: list[Coefficient]) -> Polynomial:
    """Return a function of constants.

    **Raises:** `UndefinedValueError` where it has no finite value.
    """
    with np.errstate(all="ignore"):
        result = finite(float(OPERATORS[name].numpy(*(np.float64(value) for value, _ in values))))
    origin = ""
    for value, found in values:
        origin = found if result in (value, -value) else joint(origin, found)
    for value, found in values:
        if abs(result) == abs(value):
            return constant(result, found)
    return constant(result, origin)
