"""Points in regions where several conditions hold at once: `relu(1 - abs(x - 10))*relu(1 - abs(y - 12))` is not 0.

Conditions are the signs of what step, relu, abs and sign read, of a - b in min and max, of u in tanh(u), and u > -1 in
exp(u), which is next to nothing elsewhere. Each combination of signs is looked for from several points: half of them
go from one missed condition to the next along its slope; then a random search lessens how far all are missed, its
steps longer after a success and shorter after a failure (Rechenberg's evolution strategy of one parent and one child);
then a few steps go into the region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
"""Up to how many conditions every combination of signs is looked for; of more, two at a time and all positive."""
_POINTS = 1536
_LEAST_STARTS, _MOST_STARTS = 6, 24
"""Points that are begun from for a combination of signs: so many in all, where these are no fewer and no more."""
_ROUNDS = 600
_INWARDS = 24
_WALK = 60
_LONGER, _SHORTER = 2.0, 0.8
_SHORTEST = 1e-9


@dataclass(frozen=True, slots=True)
class Conditions:
    """What chooses what expressions do.

    **Fields:** `read`: the functions whose signs do; `terms`: for each summand of the expressions the places in `read`
    of those that it holds.
    """

    read: tuple[Expression, ...]
    terms: tuple[tuple[int, ...], ...]

    def __bool__(self) -> bool:
        return bool(self.read)


def conditions(expressions: Sequence[Expression], constants: Mapping[str, float]) -> Conditions:
    """Return the conditions of some expressions, each once."""
    found: dict[Expression, int] = {}
    terms: dict[tuple[int, ...], None] = {}
    for expression in expressions:
        for term in summands(expression):
            own = [read for read in _read_by(term) if any(name not in constants for name in read.symbols)]
            places = {found.setdefault(read, len(found)) for read in own}
            terms[tuple(sorted(place for place in places if place < _MOST))] = None
    return Conditions(tuple(found)[:_MOST], tuple(filter(None, terms)))


def summands(expression: Expression) -> Iterator[Expression]:
    """Yield the summands of an expression as it is written, without their signs."""
    head = expression.head
    if isinstance(head, Operator) and head.name in ("add", "sub", "neg"):
        for argument in expression.arguments:
            yield from summands(argument)
    else:
        yield expression


def _read_by(term: Expression) -> Iterator[Expression]:
    for place, node in enumerate(term.nodes):
        if not isinstance(node, Operator):
            continue
        inside = Expression(term.nodes[place : term.subtree_end(place)]).arguments
        if node.name == "exp":
            yield Expression.apply("add", inside[0], Expression.number(1.0))
        elif node.name == "tanh":
            yield inside[0]
        elif node in KINKED:
            yield switch(node, *inside)
            # In max(0, min(a, b)) both must be positive.
            yield from inside if len(inside) == 2 else ()


def within(
    found: Conditions, symbols: Sequence[str], constants: Mapping[str, float], on: Reachable
) -> dict[str, Values]:
    """Return points of all symbols in the regions that combinations of signs make up, within the set `on`."""
    read = found.read
    names = sorted(symbols)
    rows = _combinations(found)
    signs = np.repeat(rows, min(max(_POINTS // len(rows), _LEAST_STARTS), _MOST_STARTS), axis=0)
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
        # Half of the points first go from one missed condition to the next (Kaczmarz 1937), into oblique regions.
        walking = np.flatnonzero(np.arange(count) % 2)
        for turn in range(_WALK):
            here, found_here = places[:, walking], now[:, walking]
            lengths = moving[:, None] * (np.maximum(np.abs(here), 1e-3) if turn % 2 else np.ones(here.shape))
            moves = _towards(here, found_here, lengths, partial(heights, columns=walking), generator)
            there = np.clip(here + np.nan_to_num(moves), low, high)
            reached = heights(there, walking)
            places[:, walking], now[:, walking] = there, reached
            walking = walking[(reached <= 0.0).any(axis=0)]
            if not len(walking):
                break
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
            reached = heights(there, columns)
            less, deeper = _missed(reached, scale), _depth(reached)
            better = (less < far_off[columns]) | ((less == 0.0) & (far_off[columns] == 0.0) & (deeper > deep[columns]))
            taken = columns[better]
            places[:, taken] = there[:, better]
            far_off[taken], deep[taken] = less[better], deeper[better]
            steps[columns] *= np.where(better, _LONGER, _SHORTER)
        kept.append(places[:, far_off == 0.0])
    return dict(zip(names, np.concatenate(kept, axis=1), strict=True))


def _towards(
    here: Values,
    heights: Values,
    lengths: Values,
    of: Callable[[Values], Values],
    generator: np.random.Generator,
) -> Values:
    """Return moves to where a missed condition, any one of them at each point, holds if it is linear.

    **Arguments:** `here` `(symbols, points)`; `heights` `(conditions, points)` there; `lengths` by which symbols are
    measured, 0 for those that cannot move; `of`: the heights at other points.
    """
    chosen = np.argmax(generator.random(heights.shape) * (heights <= 0.0), axis=0)
    columns = np.arange(here.shape[1])
    missed = heights[chosen, columns]
    slopes = np.zeros(here.shape)
    for row in range(len(here)):
        step = np.zeros(here.shape)
        step[row] = 1e-6 * np.maximum(np.abs(here[row]), 1e-3)
        slopes[row] = (of(here + step)[chosen, columns] - missed) / step[row]
    scaled = slopes * lengths**2
    beyond = generator.uniform(1.0, 1.5, len(columns))
    moves: Values = -missed * beyond * scaled / np.sum(slopes * scaled, axis=0)
    return np.where(missed <= 0.0, moves, 0.0)


def _missed(heights: Values, scale: Values) -> Values:
    """Return by how much the conditions at each point are missed; 0 where all hold."""
    short: Values = np.sum(np.where(heights > 0.0, 0.0, -heights / scale), axis=0)
    return np.where((short == 0.0) & (heights <= 0.0).any(axis=0), np.finfo(float).tiny, short)


def _depth(heights: Values) -> Values:
    """Return how far inside a point is: the logarithm of the product of all conditions."""
    inside: Values = np.sum(np.log(np.where(heights > 0.0, heights, 1.0)), axis=0)
    return inside


def _combinations(found: Conditions) -> Values:
    """Return rows of signs: of all conditions or, where these are many, of those of each summand (0: either sign)."""
    count = len(found.read)
    groups = [tuple(range(count))] if count <= _ALL else list(found.terms)
    rows: list[Values] = []
    for group in groups:
        parts = [group] if len(group) <= _ALL else [group, *combinations(group, 2)]
        for part in parts:
            sides = product((1.0, -1.0), repeat=len(part)) if len(part) <= _ALL else [(1.0,) * len(part)]
            for signs in sides:
                row = np.zeros(count)
                row[list(part)] = signs
                rows.append(row)
    return np.unique(np.array(rows), axis=0)
