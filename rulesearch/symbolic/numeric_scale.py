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
from rulesearch.symbolic.surfaces import beside, clear, surfaces

_ENOUGH_POINTS = 12
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


def numeric_scale(pairs: list[tuple[Rule, Rule]], alone: bool, on: Reachable = EVERYWHERE) -> tuple[float | None, bool]:
    """Return the factor that the values at the fixed points show, and whether enough of them are finite.

    Rules that are not defined at the same points have no factor.

    **Arguments:** `alone`: the numbers have to decide without the terms: what agrees is looked at once more at very
    many points; `on`: the set that the points lie in.
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
    scale, decided = _clearest(slots, moderate)
    if scale is None:
        return None, decided
    beyond = [on.inside(wide_sample(symbols))] + [on.inside(many_points(symbols))] * alone
    for ours, theirs in slots:
        near = [moderate] + [beside(side.edges, symbols, side.constants, on) for side in (ours, theirs)]
        if not all(_agree(ours, theirs, points, scale, True) for points in near):
            return None, True
        if not all(_agree(ours, theirs, points, scale, False) for points in beyond):
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


def _clearest(slots: list[tuple[_Side, _Side]], points: Points) -> tuple[float | None, bool]:
    """Return the factor where rounding is least, 1 where both are 0 everywhere; and whether enough is finite."""
    if not slots:
        return 1.0, True
    (ours, size), (theirs, weight) = (
        tuple(np.concatenate(each) for each in zip(*(both[k].values(points) for both in slots), strict=True))
        for k in (0, 1)
    )
    valid = np.isfinite(ours) & np.isfinite(theirs) & np.isfinite(size) & np.isfinite(weight)
    if valid.sum() < _ENOUGH_POINTS:
        return None, False
    ours, theirs, weight, size = ours[valid], theirs[valid], weight[valid], size[valid]
    clarity = np.abs(theirs) / np.where(weight > 0, weight, 1.0)
    best = int(np.argmax(clarity))
    if clarity[best] <= TOLERANCE:
        return (1.0 if np.all(np.abs(ours) <= TOLERANCE * size) else None), True
    scale = float(ours[best] / theirs[best])
    if not scale > 0.0 or not np.isfinite(scale):
        return None, True
    return (1.0 if abs(scale - 1.0) <= TOLERANCE else scale), True
