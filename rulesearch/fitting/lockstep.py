"""Least squares from many starts at once.

Levenberg-Marquardt (doi:10.1137/0111030) within bounds; all starts, their derivatives by finite differences and three
damping factors each are points of one call, since what computes many points takes little longer than for one. The
starts that lag behind are given up on the way (successive halving, Jamieson & Talwalkar 2016, arXiv:1502.07943).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Residuals = Callable[[Array], Array]
"""Residuals at points `(points, numbers)`: `(points, residuals)`, not finite where there is no number."""

STEPS = 30
_FIRST, _LEAST_DAMPING, _MOST_DAMPING = 1e-2, 1e-9, 1e9
_FACTORS = np.array([0.1, 1.0, 10.0])
_PROBE = 1e-6
_HALVED = (5, 10, 15)
_ENOUGH = 1.0 - 1e-7


def lockstep(
    residuals: Residuals, starts: Array, low: Array, high: Array, scale: Array | None = None, steps: int = STEPS
) -> tuple[Array, Array]:
    """Return the points that the better starts lead to, `(points, numbers)`, best first, and their sums of squares.

    **Arguments:** `starts` `(starts, numbers)`; `low`, `high` `(numbers,)`; `scale` `(numbers,)`: how large a number
    usually is, 1 where not given; points where there is no number are left out, so that there may be none.
    """
    points, squares = descend(residuals, starts, low, high, scale, steps, _HALVED)
    order = [place for place in np.argsort(squares, kind="stable") if np.isfinite(squares[place])]
    return points[order], squares[order]


def descend(
    residuals: Residuals,
    starts: Array,
    low: Array,
    high: Array,
    scale: Array | None = None,
    steps: int = STEPS,
    halved: Sequence[int] = (),
    weights: Array | None = None,
) -> tuple[Array, Array]:
    """Return where each start leads to, `(starts, numbers)`, and its sum of squares, infinite where it has no number.

    **Arguments:** as of `lockstep`; `halved`: steps at which half of the starts are given up; `weights` `(starts,
    residuals)` of each start's residuals.
    """
    scale = np.ones(starts.shape[1]) if scale is None else scale
    points = np.clip(starts, low, high)
    owners = np.arange(len(points))

    def weighed(at: Array, owner: npt.NDArray[np.int64]) -> Array:
        found = residuals(at)
        if weights is None:
            return found
        # What does not count may have no number.
        return np.where(weights[owner] > 0.0, found, 0.0) * weights[owner]

    errors = weighed(points, owners)
    squares = _squares(errors)
    damping = np.full(len(points), _FIRST)
    going = np.isfinite(squares)
    for step in range(steps):
        if step in halved:
            rank = np.argsort(np.argsort(squares, kind="stable"), kind="stable")
            going &= rank < max(2, len(points) >> (1 + halved.index(step)))
        active = np.flatnonzero(going)
        if not len(active):
            break
        moved = _moved(weighed, active, points[active], errors[active], damping[active], low, high, scale)
        found = weighed(moved.reshape(-1, moved.shape[2]), np.repeat(active, moved.shape[1]))
        sums = _squares(found).reshape(moved.shape[:2])
        found = found.reshape(*moved.shape[:2], -1)
        best = np.argmin(sums, axis=1)
        here = np.arange(len(active))
        least, before = sums[here, best], squares[active]
        better = least < before
        damping[active] *= np.where(better, _FACTORS[best], 30.0)
        damping[active] = np.maximum(damping[active], _LEAST_DAMPING)
        taken = active[better]
        points[taken], errors[taken] = moved[here, best][better], found[here, best][better]
        squares[taken] = least[better]
        going[active] = np.where(better, least < _ENOUGH * before, damping[active] < _MOST_DAMPING)
    return points, squares


def _moved(
    residuals: Callable[[Array, npt.NDArray[np.int64]], Array],
    owners: npt.NDArray[np.int64],
    points: Array,
    errors: Array,
    damping: Array,
    low: Array,
    high: Array,
    scale: Array,
) -> Array:
    """Return where a step leads from each point for each damping factor, `(points, factors, numbers)`."""
    number, size = points.shape
    steps = _PROBE * np.maximum(np.abs(points), scale)
    steps = np.where(points + steps > high, -steps, steps)
    probes = points[:, np.newaxis, :] + steps[:, np.newaxis, :] * np.eye(size)
    there = residuals(probes.reshape(-1, size), np.repeat(owners, size)).reshape(number, size, -1)
    with np.errstate(all="ignore"):
        slopes = (there - errors[:, np.newaxis, :]) / steps[:, :, np.newaxis]
    # Where a probe has no number its direction is left out.
    slopes = np.where(np.isfinite(slopes).all(axis=2, keepdims=True), slopes, 0.0)
    downhill = -np.einsum("skr,sr->sk", slopes, errors)
    # A number at its bound that would leave it stays there.
    stuck = ((points <= low) & (downhill < 0.0)) | ((points >= high) & (downhill > 0.0))
    slopes = np.where(stuck[:, :, np.newaxis], 0.0, slopes)
    downhill = np.where(stuck, 0.0, downhill)
    # Each number by its own slope: however large or small slopes are, no system is singular.
    lengths = np.sqrt(np.einsum("skr,skr->sk", slopes, slopes))
    lengths = np.where((lengths > 0.0) & np.isfinite(lengths), lengths, 1.0)
    with np.errstate(all="ignore"):
        turned = np.einsum("skr,slr->skl", slopes / lengths[:, :, np.newaxis], slopes / lengths[:, :, np.newaxis])
        wanted = (downhill / lengths)[:, np.newaxis, :, np.newaxis]
    known = np.isfinite(turned).all(axis=(1, 2)) & np.isfinite(wanted).all(axis=(1, 2, 3))
    turned = np.where(known[:, np.newaxis, np.newaxis], turned, 0.0)
    wanted = np.where(known[:, np.newaxis, np.newaxis, np.newaxis], wanted, 0.0)
    factors = np.maximum(damping[:, np.newaxis] * _FACTORS, _LEAST_DAMPING)
    damped = turned[:, np.newaxis] + factors[:, :, np.newaxis, np.newaxis] * np.eye(size)
    moves = np.linalg.solve(damped, np.broadcast_to(wanted, (number, len(_FACTORS), size, 1)))[..., 0]
    moves = moves / lengths[:, np.newaxis, :]
    moves = np.where(np.isfinite(moves), moves, 0.0)
    return np.clip(points[:, np.newaxis, :] + moves, low, high)


def _squares(errors: Array) -> Array:
    """Return sums of squares, infinite where one is no number."""
    with np.errstate(all="ignore"):
        found = np.einsum("pr,pr->p", errors, errors)
    return np.where(np.isfinite(found), found, np.inf)
