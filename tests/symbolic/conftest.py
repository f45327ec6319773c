"""Random expressions and random algebraic rewrites, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st

from rulesearch.expression import Expression
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Number

_LEAVES = st.one_of(
    st.sampled_from(["w", "x", "y", "w", "x", "y", "a", "b"]).map(Expression.symbol),
    st.sampled_from([0.0, 1.0, 2.0, -1.0, 0.5, 0.3, 3.0]).map(Expression.number),
)
_UNARY = ("neg", "exp", "log", "sqrt", "abs", "tanh", "sin", "cos", "step", "relu", "sign")
_BINARY = ("add", "sub", "mul", "add", "sub", "mul", "div", "min", "max")


def _grow(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    powers = st.sampled_from([2.0, 3.0, -1.0, 0.5, 1.5]).map(Expression.number)
    return st.one_of(
        st.builds(Expression.apply, st.sampled_from(_UNARY), inner),
        st.builds(Expression.apply, st.sampled_from(_BINARY), inner, inner),
        st.builds(Expression.apply, st.sampled_from(_BINARY), inner, inner),
        st.builds(lambda base, power: Expression.apply("pow", base, power), inner, powers),
    )


@pytest.fixture(scope="session")
def constants() -> dict[str, float]:
    """Values of the constants in random expressions."""
    return {"a": 0.37, "b": 1.9}


@pytest.fixture(scope="session")
def expressions() -> st.SearchStrategy[Expression]:
    """Random expressions of up to 12 leaves over all operators."""
    return st.recursive(_LEAVES, _grow, max_leaves=12)


@pytest.fixture(scope="session")
def rewritings() -> Callable[[Expression], st.SearchStrategy[Expression]]:
    """The random equal expressions of an expression."""
    return lambda expression: st.composite(lambda draw: _rewritten(expression, draw))()


def _rewritten(expression: Expression, draw: st.DrawFn) -> Expression:
    """Return an equal expression: commuted, distributed, factored, negated twice, at places that `draw` chooses."""
    head = expression.head
    if isinstance(head, str | Number):
        kind = draw(st.integers(0, 3))
        if kind == 0:
            return Expression.apply("mul", expression, Expression.number(1))
        if kind == 1:
            return Expression.apply("neg", Expression.apply("neg", expression))
        if kind == 2:
            half = Expression.apply("mul", Expression.number(0.5), expression)
            return Expression.apply("add", half, half)
        return expression
    assert isinstance(head, Operator)
    arguments = [_rewritten(argument, draw) for argument in expression.arguments]
    if not draw(st.booleans()):
        return Expression.apply(head.name, *arguments)
    if head.commutes:
        return Expression.apply(head.name, *reversed(arguments))
    if head.name == "sub":
        turned = Expression.apply("sub", arguments[1], arguments[0])
        return Expression.apply("neg", turned)
    if head.name == "mul" and isinstance(arguments[1].head, Operator) and arguments[1].head.name in ("add", "sub"):
        parts = [Expression.apply("mul", arguments[0], part) for part in arguments[1].arguments]
        return Expression.apply(arguments[1].head.name, *parts)
    return Expression.apply(head.name, *arguments)
