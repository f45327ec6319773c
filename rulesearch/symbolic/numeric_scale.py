"""The factor between two rules as their values at fixed points show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.expression.rounding import Values, length, traced
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SLOTS
from rulesearch.symbolic.agreement import TOLERANCE, agree, many_points, moderate_points, wide_sample
from rulesearch.symbolic.reachable import EVERYWHERE, Reachable
from rulesearch.symbolic.regions import conditions, summands, within
from rulesearch.symbolic.surfaces import beside, clear, factors, surfaces

_ENOUGH_POINTS = 12
_SIMPLE = 2
_ZERO = Expression.number(0)

Points = Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class _Side:
    """One slot of a rule, and its surfaces."""

    expression: Expression
    constants: Mapping[str, float]
    edges: list[Expression]

    @staticmethod
    def of(rule: Rule, slot: str) -> _Side:
        expression, constants = rule.slots.get(slot, _ZERO), rule.constant_values()
        return _Side(expression, constants, surfaces(expression, constants))

    def values(self, points: Points) -> tuple[Values, Values]:
        """Return values and their sizes."""
        return traced(self.expression, self._given(points))

    def clear(self, points: Points) -> npt.NDArray[np.bool_]:
        """Return at which points rounding does not decide on the side of a surface."""
        return clear(self.edges, self._given(points))

    def _given(self, points: Points) -> dict[str, Any]:
        return {**points, **self.constants, "": np.zeros(length(points))}


def numeric_scale(
    pairs: list[tuple[Rule, Rule]], expected: float | None, on: Reachable = EVERYWHERE
) -> tuple[float | None, bool]:
    """Return the factor that the values at the fixed points show, and whether enough of them are finite.

    Rules that are not defined at the same points have no factor.

    **Arguments:** `expected`: the factor of the terms; None where the numbers have to decide without the terms: what
    agrees is then looked at once more at very many points; `on`: the set that the points lie in.
    """
    symbols = sorted({name for both in pairs for rule in both for name in rule.symbols})
    slots = [
        (_Side.of(ours, slot), _Side.of(theirs, slot))
        for ours, theirs in pairs
        for slot in SLOTS
        if slot in ours.slots or slot in theirs.slots
    ]
    moderate = on.inside(moderate_points(symbols))
    if not all(_same_domain(*both, moderate) for both in slots):
        return None, True
    if not _finite(slots, moderate):
        return None, False
    scale = expected if expected is not None else _clearest([(*both, moderate) for both in slots])
    if scale is not None and not all(_agree(*both, moderate, scale, True) for both in slots):
        return None, True
    near = [[beside(side.edges, symbols, side.constants, on) for side in both] for both in slots]
    if scale is None:
        scale = _clearest([(*both, points) for both, each in zip(slots, near, strict=True) for points in each]) or 1.0
    if not 0.0 < scale < np.inf:
        return None, True
    beyond = [on.inside(wide_sample(symbols))] + [on.inside(many_points(symbols))] * (expected is None)
    for (ours, theirs), each in zip(slots, near, strict=True):
        if not all(_agree(ours, theirs, points, scale, True) for points in each):
            return None, True
        if not all(_agree(ours, theirs, points, scale, False) for points in beyond):
            return None, True
        if expected is None and not _agree_in_regions(ours, theirs, scale, symbols, on):
            return None, True
        if expected is None and not _seen_at_work(ours, theirs, scale, [moderate, *each, *beyond], symbols, on):
            return None, True
    return scale, True


def _same_domain(ours: _Side, theirs: _Side, points: Points) -> bool:
    other = np.isfinite(ours.values(points)[0]) != np.isfinite(theirs.values(points)[0])
    return not np.any(other) or not np.any(other & ours.clear(points) & theirs.clear(points))


def _agree(ours: _Side, theirs: _Side, points: Points, scale: float, everywhere: bool) -> bool:
    return agree(
        ours.values(points),
        theirs.values(points),
        scale,
        everywhere,
        lambda: ours.clear(points) & theirs.clear(points),
    )


def _seen_at_work(
    ours: _Side, theirs: _Side, scale: float, places: list[Points], symbols: list[str], on: Reachable
) -> bool:
    """Return whether both agree where a summand does something, and each that one side alone has does so somewhere.

    One that is 0 wherever it was looked at has not shown that the other side makes up for it. Only a factor of one
    symbol and one or two conditions is simple enough to be taken for 0 then.
    """

    def works(part: Expression, side: _Side) -> bool:
        read = conditions((part,), side.constants)
        own = _Side(part, side.constants, [])
        for points in (*places, within(read, symbols, side.constants, on)):
            values = own.values(points)[0]
            if np.any(np.isfinite(values) & (values != 0.0) & ours.clear(points) & theirs.clear(points)):
                return True
        return False

    for side, other in ((ours, theirs), (theirs, ours)):
        shared = set(summands(other.expression))
        for summand in summands(side.expression):
            read = conditions((summand,), side.constants)
            if not read or summand in shared:
                continue
            if not _agree(ours, theirs, within(read, symbols, side.constants, on), scale, False):
                return False
            if works(summand, side):
                continue
            simple = [
                factor
                for factor in factors(summand)
                if 0 < len(conditions((factor,), side.constants).read) <= _SIMPLE
                and len([name for name in factor.symbols if name not in side.constants]) == 1
            ]
            if all(works(factor, side) for factor in simple):
                return False
    return True


def _agree_in_regions(ours: _Side, theirs: _Side, scale: float, symbols: list[str], on: Reachable) -> bool:
    return all(
        not read or _agree(ours, theirs, within(read, symbols, side.constants, on), scale, False)
        for side in (ours, theirs)
        for read in [conditions((side.expression,), side.constants)]
    )


def _finite(slots: list[tuple[_Side, _Side]], points: Points) -> bool:
    """Return whether enough of the values of both are finite to decide anything."""
    both = [np.isfinite(ours.values(points)[0]) & np.isfinite(theirs.values(points)[0]) for ours, theirs in slots]
    return not slots or sum(map(np.count_nonzero, both)) >= _ENOUGH_POINTS


def _clearest(places: list[tuple[_Side, _Side, Points]]) -> float | None:
    """Return the factor where rounding is least, perhaps no positive number; None where theirs are 0 throughout."""
    best, scale = TOLERANCE, None
    for ours, theirs, points in places:
        (first, _), (second, weight) = ours.values(points), theirs.values(points)
        with np.errstate(all="ignore"):
            clarity = np.nan_to_num(np.where(np.isfinite(first), np.abs(second) / weight, 0.0))
        place = int(np.argmax(clarity)) if len(clarity) else 0
        if len(clarity) and clarity[place] > best:
            best, scale = float(clarity[place]), float(first[place] / second[place])
    return 1.0 if scale is not None and abs(scale - 1.0) <= TOLERANCE else scale
