"""Points in regions where several conditions hold at once: `relu(1 - abs(x - 10))*relu(1 - abs(y - 12))` is not 0.

Conditions are the signs of what step, relu, abs and sign read, of a - b in min and max, and u > -1 in exp(u), which is
next to nothing elsewhere. Each combination of signs is looked for from several points by a random search that lessens
how far the conditions are missed, its steps longer after a success and shorter after a failure (Rechenberg's evolution
strategy of one parent and one child), then by a few steps into the region.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from rulesearch.expression.kinks import KINKED, switch
from rulesearch.expression.operators import Operator
from rulesearch.expression.points import generator_of
from rulesearch.expression.rounding import Values
from rulesearch.expression.tree import Expression
from rulesearch.symbolic.reachable import Reachable

_MOST = 16
"""Conditions of two expressions that are looked at."""
_ALL = 8
"""Up to how many conditions every combination of signs is looked for; of more, those of two at a time and of all."""
_STARTS = 6
_ROUNDS = 600
_INWARDS = 24
_LONGER, _SHORTER = 2.0, 0.8
_SHORTEST = 1e-9


def conditions(expressions: Sequence[Expression], constants: Mapping[str, float]) -> list[Expression]:
    """Return the functions whose signs choose what expressions do, each once."""
    found: dict[Expression, None] = {}
    for expression in expressions:
        for place, node in enumerate(expression.nodes):
            if not isinstance(node, Operator) or (node not in KINKED and node.name != "exp"):
                continue
            inside = Expression(expression.nodes[place : expression.subtree_end(place)]).arguments
            read = [switch(node, *inside)] if node in KINKED else []
            if node.name == "exp":
                read = [Expression.apply("add", inside[0], Expression.number(1.0))]
            elif len(inside) == 2:
                # In max(0, min(a, b)) both must be positive.
                read += inside
            found.update(dict.fromkeys(each for each in read if any(name not in constants for name in each.symbols)))
    return list(found)[:_MOST]


def within(
    read: Sequence[Expression], symbols: Sequence[str], constants: Mapping[str, float], on: Reachable
) -> dict[str, Values]:
    """Return points of all symbols in the regions that combinations of signs of `read` make up, within the set `on`."""
    names = sorted(symbols)
    signs = np.repeat(_combinations(len(read)), _STARTS, axis=0)
    generator = generator_of("regions")
    count = len(signs)
    near = generator.uniform(-3.0, 3.0, (len(names), count))
    far = generator.choice([-1.0, 1.0], near.shape) * 10.0 ** generator.uniform(-3.0, 13.0, near.shape)
    # One start in three is of any size, so that no region is too far to walk to.
    begun = np.where(np.arange(count) % 3 == 2, far, near)
    places = np.stack(list(on.inside(dict(zip(names, begun, strict=True))).values())) if names else begun
    moving = np.array([name not in on.values for name in names], dtype=bool)
    limits = [on.ranges.get(name, (-np.inf, np.inf)) for name in names]
    low, high = (np.array([pair[side] for pair in limits])[:, None] for side in (0, 1))

    def heights(at: Values, columns: npt.NDArray[np.intp]) -> Values:
        values = {**constants, **dict(zip(names, at, strict=True))}
        rows = [np.broadcast_to(each.evaluate(values), (at.shape[1],)) for each in read]
        asked = signs[columns].T
        # A sign that is not asked for is as good as met.
        return np.where(asked == 0.0, 1.0, np.nan_to_num(asked * np.stack(rows), nan=-np.inf))

    with np.errstate(all="ignore"):
        now = heights(places, np.arange(count))
        scale = np.array([[np.median(np.abs(row[np.isfinite(row)])) if np.isfinite(row).any() else 1.0] for row in now])
        scale[scale == 0.0] = 1.0
        far_off, deep = _missed(now, scale), _depth(now)
        steps = np.full(count, 0.5)
        kept = []
        for turn in range(_ROUNDS + _INWARDS):
            if turn == _ROUNDS:
                kept.append(places[:, far_off == 0.0])
                steps[:] = 0.5
            columns = np.flatnonzero((far_off > 0.0) & (steps > _SHORTEST) if turn < _ROUNDS else far_off == 0.0)
            if not len(columns):
                continue
            here = places[:, columns]
            moves = generator.standard_normal(here.shape) * moving[:, None]
            if turn % 2:
                # Every other move is along one symbol.
                moves *= np.arange(len(names))[:, None] == generator.integers(len(names), size=len(columns))
            there = np.clip(here + moves * steps[columns] * np.maximum(np.abs(here), 1e-3), low, high)
            found = heights(there, columns)
            less, deeper = _missed(found, scale), _depth(found)
            better = (less < far_off[columns]) | ((less == 0.0) & (far_off[columns] == 0.0) & (deeper > deep[columns]))
            taken = columns[better]
            places[:, taken] = there[:, better]
            far_off[taken], deep[taken] = less[better], deeper[better]
            steps[columns] *= np.where(better, _LONGER, _SHORTER)
        kept.append(places[:, far_off == 0.0])
    return dict(zip(names, np.concatenate(kept, axis=1), strict=True))


def _missed(heights: Values, scale: Values) -> Values:
    """Return by how much the conditions at each point are missed; 0 where all hold."""
    short: Values = np.sum(np.where(heights > 0.0, 0.0, -heights / scale), axis=0)
    return np.where((short == 0.0) & (heights <= 0.0).any(axis=0), np.finfo(float).tiny, short)


def _depth(heights: Values) -> Values:
    """Return how far inside a point is: the logarithm of the product of all conditions."""
    inside: Values = np.sum(np.log(np.where(heights > 0.0, heights, 1.0)), axis=0)
    return inside


def _combinations(count: int) -> npt.NDArray[np.float64]:
    """Return rows of signs: all, or those of two conditions at a time (0: either sign) and of all alike."""
    if count <= _ALL:
        return np.array(list(product((1.0, -1.0), repeat=count)))
    rows = [np.ones(count), -np.ones(count)]
    for first, second in combinations(range(count), 2):
        for one, other in product((1.0, -1.0), repeat=2):
            row = np.zeros(count)
            row[first], row[second] = one, other
            rows.append(row)
    return np.array(rows)
