"""Functions of sums of terms: what holds everywhere (odd, even, homogeneous, idempotent) is taken out.

Rewrites used: f(-u) is -f(u) for odd functions and f(u) for even ones; relu, abs, min, max homogeneous for positive
factors; abs and sign multiplicative; relu(u) = u where u cannot be negative; max(u, 0) = relu(u); log(exp(u)) = u.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rulesearch.expression.operators import OPERATORS
from rulesearch.symbolic.coefficient import ONE, UndefinedValueError, derived, power
from rulesearch.symbolic.polynomial import (
    UNIT,
    Monomial,
    Polynomial,
    combine,
    constant,
    constant_value,
    negative,
    scaled,
)
from rulesearch.symbolic.powers import PowerAlgebra, folded


class FunctionAlgebra(PowerAlgebra):
    """Sums of terms whose atoms may be functions."""

    def apply(self, name: str, *arguments: Polynomial) -> Polynomial:
        """Return a function of sums of terms in canonical form.

        **Raises:** `UndefinedValueError` where it is a constant without a finite value.
        """
        values = [constant_value(argument) for argument in arguments]
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            return folded(name, known)
        if name in ("min", "max"):
            return self._extreme(name, *arguments)
        if name in _REWRITTEN:
            return _REWRITTEN[name](self, arguments[0])
        row = OPERATORS[name]
        if not row.parity or self.lead(arguments[0])[0] > 0:
            ordered = sorted(arguments, key=self.text) if row.commutes else arguments
            return {((self.register(name, *ordered), 1),): ONE}
        turned = self.function(name, negative(arguments[0]))
        return negative(turned) if row.parity == "odd" else turned

    def log(self, terms: Polynomial) -> Polynomial:
        """Return log(u): a positive factor becomes a summand, log(exp(u)) = u."""
        if len(terms) == 1:
            ((key, value),) = terms.items()
            outer = constant(float(np.log(abs(value[0]))), derived(value[1]))
            rest: Monomial = UNIT
            for atom, exponent in key:
                found = self.atoms.get(atom)
                if found and found.kind == "exp":
                    outer = self.add(outer, scaled(found.arguments[0], (float(exponent), "")))
                else:
                    rest = combine(rest, ((atom, exponent),))
            sign = 1.0 if value[0] > 0 else -1.0
            if not rest and sign < 0:
                raise UndefinedValueError
            return self.add(outer, self.function("log", {rest: (sign, "")})) if rest else outer
        scale, inner = self.normalised(terms)
        inner_log = self.function("log", inner)
        return self.add(constant(float(np.log(scale[0])), derived(scale[1])), inner_log)

    def abs(self, terms: Polynomial) -> Polynomial:
        """Return abs(u), factor by factor."""
        if self.never_negative(terms):
            return terms
        scale, shared, rest = self.split(terms)
        result = constant(abs(scale[0]), scale[1])
        for atom, exponent in shared:
            single: Polynomial = {((atom, 1),): ONE}
            factor = single if self.positive(atom, exponent) else self.function("abs", single)
            result = self.multiply(result, self.integer_power(factor, exponent))
        if len(rest) > 1:
            result = self.multiply(result, rest if self.never_negative(rest) else self.function("abs", rest))
        return result

    def sign(self, terms: Polynomial) -> Polynomial:
        """Return sign(u), factor by factor."""
        scale, shared, rest = self.split(terms)
        result = constant(1.0 if scale[0] > 0 else -1.0)
        for atom, exponent in shared:
            found = self.atoms.get(atom)
            if not (found and found.kind == "exp"):
                factor = self.function("sign", {((atom, 1),): ONE})
                result = self.multiply(result, self.integer_power(factor, 2 - exponent % 2))
        return self.multiply(result, self.function("sign", rest)) if len(rest) > 1 else result

    def relu(self, terms: Polynomial) -> Polynomial:
        """Return relu(u): factors that cannot be negative are taken out."""
        if self.never_negative(terms):
            return terms
        if self.never_negative(negative(terms)):
            return {}
        scale, shared, rest = self.split(terms)
        outer = tuple(item for item in shared if self.positive(*item))
        inner = tuple(item for item in shared if not self.positive(*item))
        argument = scaled(rest, (1.0 if scale[0] > 0 else -1.0, ""), inner)
        return scaled(self.multiply({outer: ONE}, self.function("relu", argument)), (abs(scale[0]), scale[1]))

    def step(self, terms: Polynomial) -> Polynomial:
        """Return step(u): 0 where u cannot be positive; a positive scale is left out."""
        if self.never_negative(negative(terms)):
            return {}
        return self.function("step", self.normalised(terms)[1])

    def _extreme(self, name: str, first: Polynomial, second: Polynomial) -> Polynomial:
        """Return min or max: positive scale taken out, arguments in order, max(u, 0) = relu(u)."""
        if self.text(first) == self.text(second):
            return first
        if not first or not second:
            other = first or second
            return self.relu(other) if name == "max" else negative(self.relu(negative(other)))
        leads = [self.lead(argument) for argument in (first, second)]
        largest = max(leads, key=lambda lead: abs(lead[0]))
        scale = (abs(largest[0]), largest[1])
        parts = [first, second]
        if scale[0] != 1.0:
            inverted = power(scale, -1)
            parts = [scaled(argument, inverted) for argument in parts]
        else:
            scale = ONE
        parts.sort(key=lambda argument: (constant_value(argument) is not None, self._unsigned_text(argument)))
        if self.lead(parts[0])[0] < 0:
            name, scale = "min" if name == "max" else "max", (-scale[0], scale[1])
            parts = [negative(argument) for argument in parts]
        parts.sort(key=self.text)
        return {((self.register(name, *parts), 1),): scale}

    def _unsigned_text(self, terms: Polynomial) -> str:
        return self.text(negative(terms) if self.lead(terms)[0] < 0 else terms)


_REWRITTEN: Mapping[str, Callable[[FunctionAlgebra, Polynomial], Polynomial]] = {
    "exp": FunctionAlgebra.exp,
    "sqrt": FunctionAlgebra.sqrt,
    "log": FunctionAlgebra.log,
    "abs": FunctionAlgebra.abs,
    "sign": FunctionAlgebra.sign,
    "relu": FunctionAlgebra.relu,
    "step": FunctionAlgebra.step,
}
"""Functions of which more is known than their parity."""
