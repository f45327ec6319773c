"""The normal form of expressions: sums of terms, in which equal rules look alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from rulesearch.expression.operators import Operator
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.symbolic.coefficient import ONE, UndefinedValueError
from rulesearch.symbolic.functions import FunctionAlgebra
from rulesearch.symbolic.polynomial import Monomial, Polynomial, constant, negative, symbol


class NormalForm(FunctionAlgebra):
    """Normal forms of the expressions of one rule.

    **Arguments:** `constants`: values of the named constants; their names are remembered in the origins of
    coefficients; `nonnegative`: symbols that are never below 0. Work is counted over all expressions given to it.
    """

    def __init__(
        self, constants: Mapping[str, float] | None = None, nonnegative: Collection[str] = frozenset()
    ) -> None:
        super().__init__(nonnegative)
        self.constants = dict(constants or {})
        self.units: dict[str, Number] = {}
        self._known: dict[Expression, Polynomial] = {}

    def of(self, expression: Expression) -> Polynomial:
        """Return the sum of terms of an expression; what has no finite value stays a whole."""
        known = self._known.get(expression)
        if known is None:
            try:
                known = self._form(expression)
            except UndefinedValueError:
                key = f"({to_text(expression)})"
                known = {((self.register("opaque", expression=expression, key=key), 1),): ONE}
            self._known[expression] = known
        return known

    def _form(self, expression: Expression) -> Polynomial:
        head = expression.head
        if isinstance(head, str):
            return constant(self.constants[head], head) if head in self.constants else symbol(head)
        if isinstance(head, Number):
            return constant(head.value, self._with_unit(head) if head.unit else "")
        return self._branch(head, expression.arguments)

    def _branch(self, head: Operator, arguments: tuple[Expression, ...]) -> Polynomial:
        first = self.of(arguments[0])
        if head.name == "add":
            return self.add(first, self.of(arguments[1]))
        if head.name == "sub":
            return self.add(first, negative(self.of(arguments[1])))
        if head.name == "mul":
            return self.multiply(first, self.of(arguments[1]))
        if head.name == "neg":
            return negative(first)
        if head.name == "div":
            return self.multiply(first, self._inverted(arguments[1]))
        if head.name == "pow":
            return self.raised(first, self.of(arguments[1]))
        return self.apply(head.name, *(self.of(argument) for argument in arguments))

    def _inverted(self, expression: Expression) -> Polynomial:
        """Return the reciprocal; that of a product factor by factor, so that its brackets stay apart."""
        head = expression.head
        if isinstance(head, Operator) and head.name == "mul":
            left, right = expression.arguments
            return self.multiply(self._inverted(left), self._inverted(right))
        if isinstance(head, Operator) and head.name == "div":
            above, below = expression.arguments
            return self.multiply(self._inverted(above), self.of(below))
        if isinstance(head, Operator) and head.name == "neg":
            return negative(self._inverted(expression.arguments[0]))
        if isinstance(head, Operator) and head.name == "pow":
            base, exponent = expression.arguments
            return self.raised(self.of(base), negative(self.of(exponent)))
        return self.reciprocal(self.of(expression))

    def _with_unit(self, number: Number) -> str:
        """Return the name under which a number with a unit is remembered, as a constant is."""
        sized = Number(abs(number.value), number.unit)
        name = to_text(Expression((sized,)))
        self.units[name] = sized
        return name


@dataclass(frozen=True, slots=True)
class Terms:
    """The sum of terms of one expression.

    **Fields:** `algebra` that knows the atoms; `polynomial`: coefficient by monomial.
    """

    algebra: NormalForm
    polynomial: Polynomial

    def __len__(self) -> int:
        return len(self.polynomial)

    def __iter__(self) -> Iterator[str]:
        return iter(self.coefficients)

    @property
    def coefficients(self) -> dict[str, float]:
        """Coefficient by monomial text (`x*y`, `w*y**2`, `1`), in canonical order."""
        order = self.algebra.ordered(self.polynomial)
        return {self.algebra.monomial_text(monomial): self.polynomial[monomial][0] for monomial in order}

    @property
    def text(self) -> str:
        """The sum as text; equal sums have equal texts."""
        return self.algebra.text(self.polynomial)

    def without(self, *monomials: str) -> Terms:
        """Return the sum with some terms left out."""
        return Terms(
            self.algebra, {key: value for key, value in self.polynomial.items() if self._name(key) not in monomials}
        )

    def _name(self, monomial: Monomial) -> str:
        return self.algebra.monomial_text(monomial)


def normal_form(expression: Expression, constants: Mapping[str, float] | None = None) -> Terms:
    """Return an expression as a sum of terms; named constants are replaced by their values."""
    algebra = NormalForm(constants)
    return Terms(algebra, algebra.of(expression))


def terms(expression: Expression, constants: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return coefficient by monomial: `y*(x - w*y)` gives `{"x*y": 1.0, "w*y**2": -1.0}`."""
    return normal_form(expression, constants).coefficients
