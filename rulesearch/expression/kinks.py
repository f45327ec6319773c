"""Thresholds of an expression: where a step, relu, abs, sign, min or max with a constant inside changes its branch.

No set of fixed points tells `x*step(y - 0.5)` from `x*step(y - 0.501)`, or `relu(x - 100)` from 0. What such a function
does on either side is known without a point there: the branch is chosen by hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np

from rulesearch.expression.operators import OPERATORS, Operator, Side
from rulesearch.expression.points import FAR_POINTS, POINTS, far_points, points
from rulesearch.expression.rounding import Values, computed, rounded
from rulesearch.expression.tree import Expression, Node, Number

KINKED = frozenset(row for row in OPERATORS.values() if row.kink)
"""Operators with two branches."""

_COUNT = POINTS + FAR_POINTS
_WEIGHTS = np.random.Generator(np.random.PCG64(1977)).uniform(0.5, 1.5, _COUNT)
_WEIGHTS[::2] *= -1.0

_Part = tuple[float, float, tuple[Node, ...]]
"""Bounds on a sub-expression, and its nodes."""
_ANY = (-math.inf, math.inf)
_FEW = 7
"""So many thresholds that do nothing alone are taken all together, more of them two at a time."""


def switch(row: Operator, *arguments: Expression) -> Expression:
    """Return whose sign an operator with two branches goes by: its argument, or a - b in min(a, b) and max(a, b)."""
    return arguments[0] if row.arity == 1 else Expression.apply("sub", *arguments)


def thresholds(expression: Expression, constants: Mapping[str, float]) -> list[tuple[int, Expression]]:
    """Return place and argument of every kink whose argument holds a constant and may have either sign.

    The argument of min(a, b) and max(a, b) is a - b. A branch that is never taken is no kink: relu(x**2 + 1).
    """
    nodes = expression.nodes
    fixed = [place for place, node in enumerate(nodes) if isinstance(node, Number) or node in constants]
    if not fixed:
        return []
    kinks = {
        place: expression.subtree_end(place)
        for place, node in enumerate(nodes)
        if isinstance(node, Operator) and node in KINKED
    }
    kinks = {place: end for place, end in kinks.items() if any(place < other < end for other in fixed)}
    if not kinks:
        return []
    found: list[tuple[int, Expression]] = []
    stack: list[_Part] = []
    for place in range(len(nodes) - 1, -1, -1):
        node = nodes[place]
        if not isinstance(node, Operator):
            value = constants.get(node) if isinstance(node, str) else node.value
            stack.append((*(_ANY if value is None else (value, value)), nodes[place : place + 1]))
            continue
        parts = [stack.pop() for _ in range(node.arity)]
        if place in kinks:
            low, high, _ = parts[0]
            surface = switch(node, *(Expression(part[2]) for part in parts))
            if node.arity == 2:
                low, high = low - parts[1][1], high - parts[1][0]
            if not (low >= 0.0 or high <= 0.0):
                found.append((place, surface))
        low, high = _interval(node, *parts)
        own = sum(len(part[2]) for part in parts) + 1
        stack.append((low, high, nodes[place : place + own]))
    return found


def _interval(row: Operator, first: _Part, second: _Part = (0.0, 0.0, ())) -> tuple[float, float]:
    """Return bounds on the values of an operator, from those of its arguments."""
    (low, high, inside), (other_low, other_high, others) = first, second
    match row.name:
        case "add":
            found = (low + other_low, high + other_high)
        case "sub":
            found = (low - other_high, high - other_low)
        case "neg":
            found = (-high, -low)
        case "mul":
            found = (0.0, math.inf) if inside == others else _product(low, high, other_low, other_high)
        case "div":
            found = _product(low, high, 0.0, math.inf) if other_low >= 0.0 else _ANY
        case "pow":
            even = other_low == other_high and other_low % 2.0 == 0.0
            found = (0.0, math.inf) if even or low >= 0.0 else _ANY
        case "abs" | "relu":
            found = (max(low, 0.0), math.inf)
        case "min":
            found = (min(low, other_low), min(high, other_high))
        case "max":
            found = (max(low, other_low), max(high, other_high))
        case _:
            found = (row.low, row.high)
    return _ANY if math.isnan(found[0]) or math.isnan(found[1]) else found


def _product(low: float, high: float, other_low: float, other_high: float) -> tuple[float, float]:
    ends = [0.0 if a == 0.0 or b == 0.0 else a * b for a in (low, high) for b in (other_low, other_high)]
    return min(ends), max(ends)


def kink_keys(expression: Expression, values: Mapping[str, Any], names: Mapping[str, str]) -> list[bytes]:
    """Return, for every threshold that matters, where it lies and what the expression is on its two sides.

    **Arguments:** `values`: the fixed points of the symbols, numbers for the constants; `names`: those of the symbols
    that take the points of another name.
    """
    constants = {name: value for name, value in values.items() if np.ndim(value) == 0}
    kinks = thresholds(expression, constants)
    if not kinks:
        return []
    everywhere = {name: constants[name] if name in constants else _all_points(names.get(name, name)) for name in values}
    groups: dict[bytes, dict[int, float]] = {}
    for place, surface in kinks:
        heights = computed(surface, everywhere, _COUNT)
        # A surface is where it is whatever the factor before it.
        scale = float(np.sum(np.where(np.isfinite(heights), _WEIGHTS * heights, 0.0)))
        if scale and math.isfinite(scale):
            groups.setdefault(rounded(heights / scale).tobytes(), {})[place] = math.copysign(1.0, scale)
    found = []
    idle: dict[bytes, dict[int, float]] = {}
    for where, turned in groups.items():
        above, below = (
            rounded(_on_side(expression, values, {place: side * sign for place, sign in turned.items()})).tobytes()
            for side in (1.0, -1.0)
        )
        if above != below:
            found.append(where + above + below)
        else:
            idle[where] = turned
    # Where one threshold hides another, as in relu(1 - abs(x - 10))*relu(1 - abs(y - 12)), only both of them matter.
    for together in combinations(sorted(idle), 2) if len(idle) > _FEW else [sorted(idle)]:
        values_there = []
        for sides in product((1.0, -1.0), repeat=len(together)):
            turned = {
                place: side * sign
                for where, side in zip(together, sides, strict=True)
                for place, sign in idle[where].items()
            }
            values_there.append(rounded(_on_side(expression, values, turned)).tobytes())
        if len(set(values_there)) > 1:
            found.append(b"".join([*together, *values_there]))
    return sorted(found)


@cache
def _all_points(symbol: str) -> Values:
    return np.concatenate([points(symbol), far_points(symbol)])


def _on_side(expression: Expression, values: Mapping[str, Any], sides: Mapping[int, float]) -> Any:
    """Return the values of an expression where some of its kinks take the branch of the sign given."""
    stack: list[Any] = []
    for place in range(len(expression.nodes) - 1, -1, -1):
        node = expression.nodes[place]
        if isinstance(node, Operator):
            arguments = [stack.pop() for _ in range(node.arity)]
            side = sides.get(place)
            if side is None or node.kink is None:
                stack.append(node.numpy(*arguments))
            else:
                stack.append(_taken(node.kink.above if side > 0.0 else node.kink.below, arguments))
        else:
            stack.append(node.value if isinstance(node, Number) else values[node])
    found = np.asarray(stack[0], dtype=np.float64)
    return found if found.shape == (POINTS,) else np.full(POINTS, found)


def _taken(side: Side, arguments: list[Any]) -> Any:
    if side.argument is None:
        return side.factor
    argument = arguments[side.argument]
    return argument if side.factor > 0.0 else np.negative(argument)
