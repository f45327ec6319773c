"""Null terms: parts of a rule that do nothing, named so that people can see what was taken out."""

from __future__ import annotations

from rulesearch.expression.operators import Operator
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.symbolic.normal_form import NormalForm
from rulesearch.symbolic.polynomial import Polynomial, accumulate, negative

_NAMED = 4


def null_terms(expression: Expression, algebra: NormalForm) -> list[str]:
    """Return one sentence for each sub-expression that is always 0, and for terms that cancel each other."""
    found: dict[str, None] = {}
    _visit(expression, algebra, found)
    return list(found)


def _visit(expression: Expression, algebra: NormalForm, found: dict[str, None]) -> None:
    head = expression.head
    if not isinstance(head, Operator):
        return
    if not algebra.of(expression):
        found[f"{to_text(expression)} is 0"] = None
        return
    pieces = _summands(expression, 1)
    if len(pieces) > 1:
        total: Polynomial = {}
        seen: Polynomial = {}
        for sign, piece in pieces:
            terms = algebra.of(piece)
            seen.update(terms)
            for monomial, value in (terms if sign > 0 else negative(terms)).items():
                accumulate(total, monomial, value)
        gone = [algebra.monomial_text(monomial) for monomial in algebra.ordered(seen) if monomial not in total]
        if gone:
            more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
            found[f"terms that cancel: {', '.join(gone[:_NAMED])}{more}"] = None
    for _, piece in pieces:
        if len(pieces) > 1 and not algebra.of(piece) and not isinstance(piece.head, Number):
            found[f"{to_text(piece)} is 0"] = None
            continue
        for argument in piece.arguments:
            _visit(argument, algebra, found)


def _summands(expression: Expression, sign: int) -> list[tuple[int, Expression]]:
    head = expression.head
    if isinstance(head, Operator) and head.name in ("add", "sub"):
        first, second = expression.arguments
        return _summands(first, sign) + _summands(second, sign if head.name == "add" else -sign)
    if isinstance(head, Operator) and head.name == "neg":
        return _summands(expression.arguments[0], -sign)
    return [(sign, expression)]
