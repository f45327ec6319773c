"""Assembly of expressions from factors and summands whose signs may be chosen."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from rulesearch.expression.tree import Expression, Number
from rulesearch.symbolic.spelling import NEGATIVE, PLACEHOLDER, product_of, sum_of


class Pair(NamedTuple):
    """The shortest expressions found of a sum and of its negative."""

    plus: Expression
    minus: Expression


def cost(expression: Expression, constants: Collection[str] = ()) -> tuple[int, int, int]:
    """Return what to make small: nodes, then new constants, then numbers and constants.

    **Arguments:** `constants`: the names that are constants.
    """
    names = [node for node in expression.nodes if isinstance(node, str)]
    new = sum(name.startswith(PLACEHOLDER) for name in names)
    fixed = sum(isinstance(node, Number) for node in expression.nodes) + sum(name in constants for name in names)
    return expression.size, new, new + fixed


def signed_products(factors: list[Pair], above: int, lone_power: int) -> tuple[Expression, Expression]:
    """Return the products with an even and with an odd number of negative factors, as cheap as possible.

    **Arguments:** `above`: how many of the factors stand above the line; `lone_power`: the power of a factor that
    stands alone below it (then written as a negative power), else 0.
    """
    best: list[tuple[int, list[Expression]]] = [(0, []), (10**9, [])]
    for plus, minus in factors:
        best = [
            min(_longer(best[parity], plus), _longer(best[1 - parity], minus), key=lambda choice: choice[0])
            for parity in (0, 1)
        ]
    results = []
    for parity, (_, chosen) in enumerate(best):
        top, bottom = chosen[:above], chosen[above:]
        if not chosen or len(chosen) != len(factors):
            result = Expression.number(-1 if parity else 1)
        elif not bottom:
            result = product_of(top)
        elif not top and parity == 0 and len(bottom) == 1 and lone_power < -1:
            result = Expression.apply("pow", bottom[0].arguments[0], Expression.number(lone_power))
        else:
            result = Expression.apply("div", product_of(top), product_of(bottom))
        results.append(result)
    return results[0], results[1]


def _longer(choice: tuple[int, list[Expression]], factor: Expression) -> tuple[int, list[Expression]]:
    return choice[0] + factor.size, [*choice[1], factor]


def signed_sum(pieces: list[Pair]) -> Pair:
    """Return summands joined, each with the sign in which it is shorter; one at least is positive."""
    return Pair(_joined(pieces), _joined([Pair(piece.minus, piece.plus) for piece in pieces]))


def _joined(pieces: list[Pair]) -> Expression:
    signs = [1 if _weight(piece.plus) <= _weight(piece.minus) else -1 for piece in pieces]
    if 1 not in signs:
        cheapest = min(range(len(pieces)), key=lambda index: pieces[index].plus.size - pieces[index].minus.size)
        signs[cheapest] = 1
    ordered = sorted(range(len(pieces)), key=lambda index: -signs[index])
    return sum_of([(signs[i], pieces[i].plus if signs[i] > 0 else pieces[i].minus) for i in ordered])


def _weight(expression: Expression) -> tuple[int, int]:
    """Return size, then how many numbers have a minus sign."""
    negatives = sum(
        node.value < 0 if isinstance(node, Number) else isinstance(node, str) and node.startswith(NEGATIVE)
        for node in expression.nodes
    )
    return expression.size, negatives


def powered(base: Expression, exponent: int) -> Expression:
    """Return a power; the base itself for 1."""
    return base if exponent == 1 else Expression.apply("pow", base, Expression.number(exponent))
