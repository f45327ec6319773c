"""Kinks of expressions: where a function changes its branch, and what it is between two such places.

Functions such as `abs`, `step` and `max` are smooth wherever a switch, an expression of their arguments, keeps its
sign. Integrators that know the switches stop where one changes, instead of stepping over it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from rulesearch.expression.kinks import switch
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number


def switches(expression: Expression) -> list[Expression]:
    """Return the expressions whose signs choose branches, each once, those inside others first.

    One that only jumps, such as `step(x)` in `sign(step(x))`, follows from those inside it and is left out.
    """
    found: dict[Expression, None] = {}
    for argument in expression.arguments:
        found.update(dict.fromkeys(switches(argument)))
    own = _switch(expression)
    if own is not None and not _only_jumps(own):
        found[own] = None
    return list(found)


def smooth(expression: Expression, signs: Mapping[Expression, float]) -> Expression:
    """Return what an expression is while its switches keep their signs: -1, 0, 1, or nan, which it then is itself."""
    head = expression.head
    if not isinstance(head, Operator):
        return expression
    parts = [smooth(argument, signs) for argument in expression.arguments]
    own = _switch(expression)
    if own is None or head.kink is None:
        return Expression.apply(head.name, *parts)
    sign = sign_of(float(smooth(own, signs).evaluate({}))) if _only_jumps(own) else signs[own]
    if math.isnan(sign):
        return Expression.number(math.nan)
    side = head.kink.above if sign > 0 else head.kink.below
    if sign == 0 and head.kink.level is not None:
        side = head.kink.level
    if side.argument is None:
        return Expression.number(side.factor)
    return parts[side.argument] if side.factor > 0.0 else Expression.apply("neg", parts[side.argument])


def sign_of(value: float) -> float:
    """Return -1, 0 or 1, and nan for what is no number."""
    return math.copysign(1.0, value) if value < 0.0 or value > 0.0 else value


def _only_jumps(expression: Expression) -> bool:
    """Return whether an expression is one of a few numbers, whatever its symbols are."""

    def branch(row: Operator, *parts: bool) -> bool:
        return (row.kink is not None and row.kink.jumps) or all(parts)

    jumps: bool = expression.fold(lambda node: isinstance(node, Number), branch)
    return jumps


def _switch(expression: Expression) -> Expression | None:
    """Return what the branch of the outermost function depends on; None where it has one branch."""
    head = expression.head
    return switch(head, *expression.arguments) if isinstance(head, Operator) and head.kink else None
