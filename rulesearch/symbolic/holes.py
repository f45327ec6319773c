"""Where a rule is not defined although its terms are: what algebra cancelled.

`y*y/y` has the terms of `y`, but no value at y = 0; `exp(log(x))` those of `x`, but no value below 0. A condition is a
text: `y` must not be 0, `x >= 0`. As in IEEE arithmetic a reciprocal of something infinite is 0 and tanh of it 1, so
that `1/(1/x)` lacks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression
from rulesearch.symbolic.normal_form import NormalForm
from rulesearch.symbolic.polynomial import Monomial, Polynomial, constant_value, negative, scaled

Conditions = frozenset[str]
_NONE: Conditions = frozenset()
_BOUNDED = frozenset(("tanh", "step", "sign"))
_NEVER_ZERO = frozenset(("exp",))
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class _Domain:
    """Zeros of what makes an expression infinite, and what must hold for it to be a number at all."""

    poles: Conditions = _NONE
    needs: Conditions = _NONE

    def __or__(self, other: _Domain) -> _Domain:
        return _Domain(self.poles | other.poles, self.needs | other.needs)


def hole_text(conditions: Conditions) -> str:
    """Return ` where y is not 0, x >= 0`, which goes behind terms; empty for no conditions."""
    parts = (text if text.endswith(">= 0") else f"{text} is not 0" for text in sorted(conditions))
    return f" where {', '.join(parts)}" if conditions else ""


class Holes:
    """Reads where expressions are not defined.

    **Arguments:** `algebra` that knows their terms; `given`: symbols about which no condition is of interest.
    """

    def __init__(self, algebra: NormalForm, given: Collection[str] = ()) -> None:
        self.algebra = algebra
        self.given = frozenset(given)
        self._known: dict[Expression, _Domain] = {}

    def of(self, expression: Expression) -> Conditions:
        """Return the conditions under which an expression is defined and which its terms do not show."""
        if not any(isinstance(node, Operator) and node.partial for node in expression.nodes):
            return _NONE
        written, shown = self._written(expression), self._shown(self.algebra.of(expression))
        found = (written.poles | written.needs) - (shown.poles | shown.needs)
        return frozenset(text for text in found if not self.given & set(_NAME.findall(text))) if self.given else found

    def _written(self, expression: Expression) -> _Domain:
        known = self._known.get(expression)
        if known is None:
            known = self._known[expression] = self._read(expression)
        return known

    def _read(self, expression: Expression) -> _Domain:
        head = expression.head
        if not isinstance(head, Operator):
            return _Domain()
        arguments = expression.arguments
        parts = [self._written(argument) for argument in arguments]
        first, last = parts[0], parts[-1]
        if head.name == "div":
            below = self._zeros(self.algebra.of(arguments[1]))
            both = first.poles & last.poles | below & self._zeros(self.algebra.of(arguments[0]))
            return _Domain(first.poles | below, first.needs | last.needs | both)
        if head.name in ("add", "sub"):
            return _Domain(first.poles | last.poles, first.needs | last.needs | first.poles & last.poles)
        if head.name == "mul":
            lost = first.poles & self._zeros(self.algebra.of(arguments[1]))
            lost |= last.poles & self._zeros(self.algebra.of(arguments[0]))
            return _Domain(first.poles | last.poles, first.needs | last.needs | lost)
        if head.name == "pow":
            return self._power(self.algebra.of(arguments[0]), self.algebra.of(arguments[1]), first, last)
        return self._function(head.name, self.algebra.of(arguments[0]), first | last)

    def _power(self, base: Polynomial, exponent: Polynomial, inside: _Domain, above: _Domain) -> _Domain:
        value = constant_value(exponent)
        if value is None:
            return inside | above | _Domain(needs=self._positive(base))
        needs = inside.needs | above.needs | (self._positive(base) if value[0] % 1.0 else _NONE)
        if value[0] == 0.0:
            return _Domain()
        return _Domain(self._zeros(base) if value[0] < 0.0 else inside.poles, needs)

    def _function(self, name: str, terms: Polynomial, inside: _Domain) -> _Domain:
        if name in _BOUNDED:
            return _Domain(needs=inside.needs)
        if name in ("sin", "cos"):
            return _Domain(needs=inside.needs | inside.poles)
        if name == "log":
            return _Domain(inside.poles | self._zeros(terms), inside.needs | self._positive(terms))
        if name == "sqrt":
            return _Domain(inside.poles, inside.needs | self._positive(terms))
        return inside

    def _shown(self, terms: Polynomial) -> _Domain:
        result = _Domain()
        for monomial in terms:
            for name, exponent in monomial:
                atom = self.algebra.atoms.get(name)
                inside = _Domain()
                if atom is not None and atom.expression is not None:
                    inside = self._written(atom.expression)
                elif atom is not None:
                    parts = [self._shown(argument) for argument in atom.arguments]
                    if atom.kind == "pow":
                        inside = self._power(atom.arguments[0], atom.arguments[1], parts[0], parts[1])
                    else:
                        inside = self._function(atom.kind, atom.arguments[0], parts[0] | parts[-1])
                if exponent < 0:
                    inside = _Domain(self._zeros({((name, 1),): (1.0, "")}), inside.needs)
                result |= inside
        return result

    def _zeros(self, terms: Polynomial) -> Conditions:
        """Return the factors whose zeros are those of a sum."""
        if not terms:
            return frozenset(("0",))
        _, shared, rest = self.algebra.split(terms)
        found = {text for name, exponent in shared if exponent > 0 for text in self._zeros_of_atom(name)}
        if len(rest) > 1 and not self._above_zero(rest) and not self._above_zero(negative(rest)):
            found.add(self.algebra.text(rest))
        return frozenset(found)

    def _zeros_of_atom(self, name: str) -> Conditions:
        atom = self.algebra.atoms.get(name)
        if atom is None:
            return frozenset((name,))
        if atom.kind in _NEVER_ZERO:
            return _NONE
        if atom.kind in ("sum", "abs", "sqrt", "sign", "tanh"):
            return self._zeros(atom.arguments[0])
        if atom.kind == "pow":
            return self._zeros(atom.arguments[0]) if constant_value(atom.arguments[0]) is None else _NONE
        return frozenset((name,))

    def _above_zero(self, terms: Polynomial) -> bool:
        return () in terms and self.algebra.never_negative(terms)

    def _positive(self, terms: Polynomial) -> Conditions:
        """Return what must not be below 0 for a sum not to be."""
        if not terms or self.algebra.never_negative(terms):
            return _NONE
        scale, shared, rest = self.algebra.split(terms)
        odd: Monomial = tuple((name, exponent % 2) for name, exponent in shared if exponent % 2)
        odd = tuple((name, exponent) for name, exponent in odd if not self.algebra.positive(name, 1))
        inner = scaled(rest, (1.0 if scale[0] > 0 else -1.0, ""), odd)
        return _NONE if self.algebra.never_negative(inner) else frozenset((f"{self.algebra.text(inner)} >= 0",))
