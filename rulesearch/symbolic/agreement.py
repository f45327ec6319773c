"""Numeric agreement: are two expressions defined at the same points, and do they compute the same there?

Values count as the same where they differ by less than 1e-9 of what was added up there (`expression.rounding`), however
small or large the rule is. The points are those of the fingerprint, at which symbols are also 0, 1, equal and opposite;
sizes from 1e-13 to 1e13; points on and beside every threshold and singularity of both (`surfaces.py`); points where
several thresholds hold at once (`regions.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from rulesearch.expression.points import generator_of, points, wide_points
from rulesearch.expression.rounding import Values, traced
from rulesearch.expression.tree import Expression
from rulesearch.symbolic.reachable import EVERYWHERE, Reachable
from rulesearch.symbolic.regions import conditions, within
from rulesearch.symbolic.surfaces import beside, clear, surfaces

TOLERANCE = 1e-9
"""Difference that counts as rounding, as a share of what was added up."""

_MANY = 16_384
_MOST_TIED = 8
_GENERIC = 9


def moderate_points(symbols: Sequence[str]) -> dict[str, Values]:
    """Return points of moderate size: those of the fingerprint, one symbol 0, two symbols equal or opposite."""
    names = sorted(symbols)
    found = {name: [points(name)] for name in names}
    for name in names:
        for other in names:
            found[other].append(_generic(other) * (other != name))
    for first, second in combinations(names[:_MOST_TIED], 2):
        for sign in (1.0, -1.0):
            for other in names:
                found[other].append(sign * _generic(first) if other == second else _generic(other))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _generic(symbol: str) -> Values:
    values = points(symbol)
    found: Values = values[values != 0.0][_GENERIC : _GENERIC + 1]
    return found


def wide_sample(symbols: Sequence[str]) -> dict[str, Values]:
    """Return points of sizes from 1e-13 to 1e13."""
    return {name: wide_points(name) for name in symbols}


@lru_cache(maxsize=256)
def _many_points(symbol: str) -> Values:
    generator = generator_of(f"many\0{symbol}")
    near = generator.uniform(-2.5, 2.5, _MANY)
    far = generator.choice([-1.0, 1.0], _MANY) * 10.0 ** generator.uniform(-3.0, 3.0, _MANY)
    values: Values = np.where(generator.random(_MANY) < 0.6, near, far)
    values[generator.random(_MANY) < 0.05] = 0.0
    values.setflags(write=False)
    return values


def many_points(symbols: Sequence[str]) -> dict[str, Values]:
    """Return 16,384 points of all symbols: a difference in a small region of their space shows at some of them."""
    return {name: _many_points(name) for name in sorted(symbols)}


def agrees(
    original: Expression,
    other: Expression,
    constants: Mapping[str, float],
    on: Reachable = EVERYWHERE,
    regions: bool = True,
) -> bool:
    """Say whether `other` may stand for `original`: defined at the same points, and the same there, to rounding.

    **Arguments:** `constants`: values of the named constants of both; `on`: the set in which the points lie; `regions`:
    look also where several conditions hold at once, which takes longest; algebra, which keeps functions whole, does not
    go wrong there.
    """
    symbols = [name for name in dict.fromkeys(original.symbols + other.symbols) if name not in constants]
    if original == other:
        return bool(np.isfinite(traced(original, {**constants, **on.inside(moderate_points(symbols))})[0]).any())
    edges = [*surfaces(original, constants), *surfaces(other, constants)]
    read = conditions((original, other), constants) if regions else None

    def same(values: Mapping[str, Values], everywhere: bool) -> bool:
        given = {**constants, **values}
        return agree(traced(original, given), traced(other, given), 1.0, everywhere, lambda: clear(edges, given))

    # Rare points are where rounding alone makes the difference: just beside a jump, or where exp underflows.
    return (
        same(on.inside(moderate_points(symbols)), True)
        and same(on.inside(wide_sample(symbols)), False)
        and same(beside(edges, symbols, constants, on), True)
        and same(on.inside(many_points(symbols)), False)
        and (not read or same(within(read, symbols, constants, on), False))
    )


def agree(
    ours: tuple[Values, Values],
    theirs: tuple[Values, Values],
    scale: float,
    everywhere: bool,
    counts: Callable[[], npt.NDArray[np.bool_]],
) -> bool:
    """Say whether the values `ours` are `scale` times `theirs`, each with its sizes.

    **Arguments:** `everywhere`: both must be defined at the same points; else only where both are finite counts, for
    large numbers overflow; `counts`: gives the points at which a difference counts.
    """
    (first, size), (second, weight) = ours, theirs
    defined = np.isfinite(first), np.isfinite(second)
    with np.errstate(all="ignore"):
        apart = np.abs(first - scale * second) > TOLERANCE * np.fmax(size, abs(scale) * weight)
    apart &= defined[0] & defined[1] & np.isfinite(size) & np.isfinite(weight)
    if everywhere:
        apart |= defined[0] != defined[1]
    if not np.any(apart):
        return True
    counted = counts()
    # Where no point counts, none speaks for the two.
    return bool(np.any(counted) and not np.any(apart & counted))
