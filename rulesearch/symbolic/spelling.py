"""The spelling of expressions: one order of factors and summands, signs drawn outwards; never longer than before.

Only commutativity, associativity, signs and `y*y = y**2` are used, so two expressions of one spelling are the
same tree but for the order in which it was written.
"""

from __future__ import annotations

from collections.abc import Collection

from rulesearch.expression.operators import Operator
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number

PLACEHOLDER = "@"
"""First character of the names of constants that are still to be named."""
NEGATIVE = "@-"
"""The same where the constant with the other sign is meant: `@-1` is the negative of `@1`."""

_ROUNDS = 3

Signed = tuple[int, Expression]
_ONE = Expression.number(1)


def spelled(expression: Expression, constants: Collection[str] = ()) -> Expression:
    """Return the expression in its spelling: constants before symbols before functions before brackets.

    **Arguments:** `constants`: the names that are constants.
    """
    spelling = _Spelling(constants)
    result = spelling.of(expression)
    for _ in range(_ROUNDS):
        # A sign that moves into a bracket changes its text, and with it the order.
        again = spelling.of(result)
        if again == result:
            break
        result = again
    # A sign drawn out of a denominator's number costs a node.
    return result if result.size <= expression.size else expression


def negated(expression: Expression) -> Expression:
    """Return the expression with the other sign, at no cost for numbers and differences."""
    head = expression.head
    if isinstance(head, Number):
        return Expression.number(-head.value, head.unit)
    if isinstance(head, str) and head.startswith(PLACEHOLDER):
        marks = (NEGATIVE, PLACEHOLDER) if head.startswith(NEGATIVE) else (PLACEHOLDER, NEGATIVE)
        turned = head.replace(*marks)
        return Expression.symbol(turned)
    if isinstance(head, Operator):
        if head.name == "neg":
            return expression.arguments[0]
        if head.name == "sub":
            return Expression.apply("sub", *reversed(expression.arguments))
        if head.name in ("mul", "div"):
            first, second = expression.arguments
            return Expression.apply(head.name, negated(first), second)
    return Expression.apply("neg", expression)


def sum_of(pieces: list[Signed]) -> Expression:
    """Return summands joined from left to right; the first should be positive."""
    if not pieces:
        return Expression.number(0)
    sign, result = pieces[0]
    if sign < 0:
        result = negated(result)
    for sign, piece in pieces[1:]:
        result = Expression.apply("add" if sign > 0 else "sub", result, piece)
    return result


def product_of(factors: list[Expression]) -> Expression:
    """Return factors joined from left to right; 1 for none."""
    if not factors:
        return _ONE
    result = factors[0]
    for factor in factors[1:]:
        result = Expression.apply("mul", result, factor)
    return result


class _Spelling:
    def __init__(self, constants: Collection[str]) -> None:
        self.constants = frozenset(constants)
        self.known: dict[Expression, Expression] = {}

    def of(self, expression: Expression) -> Expression:
        known = self.known.get(expression)
        if known is None:
            known = self._joined(self._summands(expression, 1))
            self.known[expression] = known
        return known

    def _is_constant(self, name: str) -> bool:
        return name in self.constants or name.startswith(PLACEHOLDER)

    def _joined(self, pieces: list[Signed]) -> Expression:
        fixed = [all(self._is_constant(name) for name in body.symbols) for _, body in pieces]
        led = any(sign > 0 and not still for (sign, _), still in zip(pieces, fixed, strict=True))

        def rank(piece: Signed) -> tuple[bool, bool, bool, int, str]:
            sign, body = piece
            still = all(self._is_constant(name) for name in body.symbols)
            return still and led, sign < 0, still, body.size, to_text(body)

        ordered = sorted(pieces, key=rank)
        if all(sign < 0 for sign, _ in ordered):
            # A minus costs a node, except in a number or a difference.
            free = next((piece for piece in ordered if negated(piece[1]).size == piece[1].size), ordered[0])
            ordered.remove(free)
            ordered.insert(0, free)
        return sum_of(ordered)

    def _summands(self, expression: Expression, sign: int) -> list[Signed]:
        head = expression.head
        if isinstance(head, Operator) and head.name in ("add", "sub"):
            first, second = expression.arguments
            other = -sign if head.name == "sub" else sign
            return self._summands(first, sign) + self._summands(second, other)
        if isinstance(head, Operator) and head.name == "neg":
            return self._summands(expression.arguments[0], -sign)
        found, body = self._product(expression)
        if isinstance(body.head, Operator) and body.head.name in ("add", "sub", "neg"):
            return self._summands(body, sign * found)
        return [(sign * found, body)]

    def _product(self, expression: Expression) -> Signed:
        above: list[Expression] = []
        below: list[Expression] = []
        sign = self._factors(expression, above, below)
        numerator = product_of(self._collected(above))
        if not below:
            return sign, numerator
        return sign, Expression.apply("div", numerator, product_of(self._collected(below)))

    def _factors(self, expression: Expression, above: list[Expression], below: list[Expression]) -> int:
        head = expression.head
        if isinstance(head, Number):
            if abs(head.value) != 1.0 or head.unit:
                above.append(Expression.number(abs(head.value), head.unit))
            return -1 if head.value < 0 else 1
        if isinstance(head, str) and head.startswith(NEGATIVE):
            above.append(negated(expression))
            return -1
        if isinstance(head, Operator) and head.name in ("mul", "div"):
            first, second = expression.arguments
            sign = self._factors(first, above, below)
            return sign * self._factors(second, *((above, below) if head.name == "mul" else (below, above)))
        if isinstance(head, Operator) and head.name == "neg":
            return -self._factors(expression.arguments[0], above, below)
        if isinstance(head, Operator) and head.name in ("add", "sub"):
            return self._bracket(self.of(expression), above, below)
        above.append(self._whole(expression))
        return 1

    def _bracket(self, inner: Expression, above: list[Expression], below: list[Expression]) -> int:
        if isinstance(inner.head, Operator) and inner.head.name in ("add", "sub"):
            above.append(inner)
            return 1
        return self._factors(inner, above, below)

    def _whole(self, expression: Expression) -> Expression:
        """Return a symbol, power or function with its arguments in their spelling."""
        head = expression.head
        if not isinstance(head, Operator):
            return expression
        arguments = [self.of(argument) for argument in expression.arguments]
        if head.commutes:
            arguments.sort(key=to_text)
        return Expression.apply(head.name, *arguments)

    def _collected(self, factors: list[Expression]) -> list[Expression]:
        """Return the factors in order, equal ones as a power."""
        powers: dict[Expression, int] = {}
        for factor in factors:
            base, exponent = _base(factor)
            powers[base] = powers.get(base, 0) + exponent
        collected = [
            base if exponent == 1 else Expression.apply("pow", base, Expression.number(exponent))
            for base, exponent in powers.items()
        ]
        return sorted(collected, key=self._factor_rank)

    def _factor_rank(self, factor: Expression) -> tuple[int, str, str]:
        base, _ = _base(factor)
        head = base.head
        if isinstance(head, Number):
            order = 0
        elif isinstance(head, str):
            order = 1 if self._is_constant(head) else 2
        else:
            order = 4 if head.infix and head.name != "pow" else 3
        text = to_text(base)
        return order, text.lower(), text


def _base(factor: Expression) -> tuple[Expression, int]:
    """Return base and exponent of a whole positive power; any other factor is its own base."""
    if isinstance(factor.head, Operator) and factor.head.name == "pow":
        base, exponent = factor.arguments
        head = exponent.head
        if isinstance(head, Number) and head.value == int(head.value) and head.value >= 1 and not head.unit:
            whole = isinstance(base.head, Number)
            return (factor, 1) if whole else (base, int(head.value))
    return factor, 1
