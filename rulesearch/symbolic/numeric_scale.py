"""The factor between two rules as their values at fixed points show it."""

from __future__ import annotations

from typing import Any

import numpy as np

from rulesearch.expression.fingerprint import POINTS
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SLOTS
from rulesearch.symbolic.agreement import TOLERANCE, Values, many_points, sample, traced
from rulesearch.symbolic.reachable import EVERYWHERE, Reachable

_ENOUGH_POINTS = 12
_ZERO = Expression.number(0)


def numeric_scale(pairs: list[tuple[Rule, Rule]], alone: bool, on: Reachable = EVERYWHERE) -> tuple[float | None, bool]:
    """Return the factor that the values at the fixed points show, and whether enough of them are finite.

    **Arguments:** `alone`: the numbers have to decide without the terms. Rules of which one alone is finite at points
    of moderate size are then refused, and what agrees is looked at once more at very many points; `on`: the set that
    the points lie in.
    """
    symbols = tuple(dict.fromkeys(name for both in pairs for rule in both for name in rule.symbols))
    scale, decided = _scale_at(on.inside(sample(symbols)), pairs, alone)
    if scale is not None and alone and not _holds_at(on.inside(many_points(symbols)), pairs, scale):
        return None, True
    return scale, decided


def _holds_at(points: dict[str, Values], pairs: list[tuple[Rule, Rule]], scale: float) -> bool:
    for ours, theirs, size, weight in _values(pairs, points):
        valid = np.isfinite(ours) & np.isfinite(theirs) & np.isfinite(size) & np.isfinite(weight)
        with np.errstate(all="ignore"):
            near = np.abs(ours - scale * theirs) <= TOLERANCE * (size + scale * weight)
        if not np.all(near[valid]):
            return False
    return True


def _scale_at(
    points: dict[str, Values], pairs: list[tuple[Rule, Rule]], same_domain: bool
) -> tuple[float | None, bool]:
    ours, theirs, size, weight = (np.concatenate(each) for each in zip(*_values(pairs, points), strict=True))
    moderate = np.arange(len(ours)) % _length(points) < POINTS
    valid = np.isfinite(ours) & np.isfinite(theirs) & np.isfinite(size) & np.isfinite(weight)
    if same_domain and np.any(np.isfinite(ours[moderate]) != np.isfinite(theirs[moderate])):
        return None, True
    if valid.sum() < _ENOUGH_POINTS:
        return None, False
    ours, theirs, size, weight = ours[valid], theirs[valid], size[valid], weight[valid]
    clarity = np.abs(theirs) / np.where(weight > 0, weight, 1.0)
    best = int(np.argmax(clarity))
    if clarity[best] <= TOLERANCE:
        return (1.0 if np.all(np.abs(ours) <= TOLERANCE * size) else None), True
    scale = float(ours[best] / theirs[best])
    with np.errstate(all="ignore"):
        near = np.abs(ours - scale * theirs) <= TOLERANCE * (size + scale * weight)
    if scale <= 0 or not np.all(near):
        return None, True
    return (1.0 if abs(scale - 1.0) <= TOLERANCE else scale), True


def _length(points: dict[str, Values]) -> int:
    return max((len(values) for values in points.values()), default=POINTS)


def _values(pairs: list[tuple[Rule, Rule]], points: dict[str, Values]) -> list[tuple[Values, Values, Values, Values]]:
    found: list[tuple[Values, Values, Values, Values]] = []
    count = _length(points)
    for first, second in pairs:
        for slot in SLOTS:
            if slot in first.slots or slot in second.slots:
                sides = []
                for rule in (first, second):
                    values: dict[str, Any] = {**points, **rule.constant_values(), "": np.zeros(count)}
                    sides.append(traced(rule.slots.get(slot, _ZERO), values))
                found.append((sides[0][0], sides[1][0], sides[0][1], sides[1][1]))
    nothing: Values = np.zeros(count)
    return found or [(nothing, nothing, nothing, nothing)]
