"""Where an expression changes its branch or is not defined, and points on and beside these places.

The surfaces are u = 0 for the argument u of step, relu, abs and sign, for a - b in min and max, for denominators and
for arguments of logarithms, roots and broken powers. Along each symbol the zeros of u are bracketed on a grid of sizes
from 1e-13 to 1e13 and closed in upon; points lie beside the zero, and on it where a number of double precision does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.expression.error_sizes import NOISE
from rulesearch.expression.kinks import switch
from rulesearch.expression.operators import Operator
from rulesearch.expression.points import points, wide_points
from rulesearch.expression.rounding import Values, length, traced
from rulesearch.expression.tree import Expression, Number
from rulesearch.symbolic.reachable import Reachable

_MOST = 16
"""Surfaces of one expression that are looked at."""
_BESIDE = (1e-2, 1e-5, 3e-9)
"""Distances from a surface, in proportion to the symbol's value on it."""
_BASES = 5
_ROUNDS = 30
"""Steps of closing in on a zero, by the chord and by halving in turn."""
_SIZES = 10.0 ** np.arange(-13.0, 13.01, 0.5)
_GRID = np.unique(np.concatenate([-_SIZES, [0.0], _SIZES, np.arange(-5.0, 5.01, 0.5)]))


def surfaces(expression: Expression, constants: Mapping[str, float]) -> list[Expression]:
    """Return the functions whose zeros are thresholds and singularities of an expression, each once."""
    found: dict[Expression, None] = {}
    for place, node in enumerate(expression.nodes):
        if isinstance(node, Operator) and (node.kink or node.partial):
            part = Expression(expression.nodes[place : expression.subtree_end(place)])
            for factor in _arguments(node, part.arguments, constants):
                if any(name not in constants for name in factor.symbols):
                    found[factor] = None
    return [edge for edge in found if not _only_noise(edge, constants)][:_MOST]


def _only_noise(edge: Expression, constants: Mapping[str, float]) -> bool:
    """Return whether a function is 0 but for rounding everywhere: `max(tanh(x), 2) - 1.9 - 0.1` is no surface."""
    symbols = [name for name in edge.symbols if name not in constants]
    values = {name: np.concatenate([points(name), wide_points(name)]) for name in symbols}
    height, size = traced(edge, {**constants, **values})
    finite = np.isfinite(height) & np.isfinite(size)
    return bool(np.any(finite & (height != 0.0)) and np.all((np.abs(height) < NOISE * size)[finite]))


def _arguments(
    row: Operator, arguments: tuple[Expression, ...], constants: Mapping[str, float]
) -> Iterator[Expression]:
    first, last = arguments[0], arguments[-1]
    if row.kink and row.arity == 2:
        yield switch(row, first, last)
    elif row.name == "div":
        yield from factors(last)
    elif row.name != "pow":
        yield from factors(first)
    else:
        head = last.head
        power = head.value if isinstance(head, Number) else constants.get(head) if isinstance(head, str) else None
        if power is None or power < 0.0 or power % 1.0:
            yield from factors(first)


def factors(expression: Expression) -> Iterator[Expression]:
    """Return the factors of a product, whose zeros are its own: (x - y)**2 never changes its sign."""
    head = expression.head
    if isinstance(head, Operator) and head.name in ("mul", "div"):
        for argument in expression.arguments:
            yield from factors(argument)
    elif isinstance(head, Operator) and head.name in ("pow", "neg", "abs", "sqrt"):
        yield from factors(expression.arguments[0])
    else:
        yield expression


def clear(edges: Sequence[Expression], values: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Return at which points no surface is so near that rounding decides on which side of it the point lies."""
    result = np.ones(length(values), dtype=bool)
    for edge in edges:
        height, size = traced(edge, values)
        result &= ~((height != 0.0) & (np.abs(height) < NOISE * size))
    return result


def beside(
    edges: Sequence[Expression], symbols: Sequence[str], constants: Mapping[str, float], on: Reachable
) -> dict[str, Values]:
    """Return points of all symbols on the surfaces and beside them, within the set `on`."""
    names = sorted(symbols)
    bases = on.inside({name: _base(name) for name in names})
    found: dict[str, list[Values]] = {name: [] for name in names}
    for edge in dict.fromkeys(edges):
        for symbol in edge.symbols:
            if symbol not in constants and symbol not in on.values:
                rows, places = _on_surface(edge, symbol, bases, constants)
                for name in names:
                    found[name].append(places if name == symbol else bases[name][rows])
    points = {name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in found.items()}
    kept = on.holds(points)
    return {name: values[kept] for name, values in points.items()}


def _base(symbol: str) -> Values:
    """Return values that other symbols keep while one moves: 0, 1, short fractions, and any."""
    values = points(symbol)
    return np.array([0.0, 1.0, *np.round(4.0 * values[9:11]) / 4.0, values[12]])


def _on_surface(
    edge: Expression, symbol: str, bases: Mapping[str, Values], constants: Mapping[str, float]
) -> tuple[npt.NDArray[np.intp], Values]:
    """Return the numbers of bases and the symbol's values on the zeros of `edge` and beside them."""

    def height(rows: npt.NDArray[np.intp], places: Values) -> Values:
        moved = {name: places if name == symbol else values[rows] for name, values in bases.items()}
        return np.broadcast_to(edge.evaluate({**constants, **moved}), places.shape)

    grid = np.tile(_GRID, _BASES)
    rows = np.repeat(np.arange(_BASES), len(_GRID))
    heights = height(rows, grid)
    zeros = np.flatnonzero(heights == 0.0)
    finite = np.isfinite(heights)
    turns = (np.sign(heights[:-1]) * np.sign(heights[1:]) < 0.0) & finite[:-1] & finite[1:] & (rows[:-1] == rows[1:])
    starts = np.flatnonzero(turns)
    owners, low, high = rows[starts], grid[starts], grid[starts + 1]
    rising = heights[starts] < 0.0
    left, right = heights[starts], heights[starts + 1]
    with np.errstate(all="ignore"):
        for turn in range(_ROUNDS if len(starts) else 0):
            middle = 0.5 * (low + high)
            if turn % 2 == 0:
                chord = low - left * ((high - low) / (right - left))
                middle = np.where((chord > low) & (chord < high), chord, middle)
            reached = height(owners, middle)
            below = (reached < 0.0) == rising
            low, left = np.where(below, middle, low), np.where(below, reached, left)
            high, right = np.where(below, high, middle), np.where(below, right, reached)
    roots = np.concatenate([grid[zeros], low, high])
    owners = np.concatenate([rows[zeros], owners, owners])
    exact = height(owners, roots) == 0.0
    sizes = np.where(roots == 0.0, 1e-3, np.abs(roots))
    near = [roots + sign * share * sizes for share in _BESIDE for sign in (1.0, -1.0)]
    return np.concatenate([owners[exact], *[owners] * len(near)]), np.concatenate([roots[exact], *near])
