"""How large numbers of a form usually are: what makes changes as large as the measured ones."""

from __future__ import annotations

import math
import warnings

import numpy as np
import numpy.typing as npt

from rulesearch.fitting.form import ProtocolForm
from rulesearch.inference.fitting import Fit
from rulesearch.measurements.protocols import LEAST_CHANGE, Measured

Array = npt.NDArray[np.float64]

_STEP = 1e-6
_DELAYS = (-0.01, 0.01)
"""Delays of the pairs that are looked at where a table says nothing [s]."""
_HARDLY = 100.0
"""A number that must be so many times larger in a table than under pairs is not told by it."""


def usual_sizes(found: Fit, numbers: Array | None = None) -> Array:
    """Return how large each number would have to be to make changes as large as the measured ones by itself.

    Rows that a number does not touch say nothing of its size. Where it hardly touches any, as depression hardly does
    pairs of one order, it is judged by pairs of either order, repeated as in the table; what does nothing at all has
    the size that it has in the rule as it is given.

    **Arguments:** `numbers` `(points, numbers)` at which slopes are looked at, in the median; by default the fit.
    """
    form = found.form
    points = found.numbers[np.newaxis] if numbers is None else numbers
    given = np.array([abs(each.start) or 1.0 for each in form.each])
    steps = _STEP * np.maximum(np.abs(found.numbers), given)
    known = found.data.changes[np.isfinite(found.data.changes)]
    # Words alone tell no more than that changes were seen.
    usual = math.sqrt(float(np.mean(known**2))) if len(known) else LEAST_CHANGE
    probes = np.vstack((points, (points[:, np.newaxis] + np.diag(steps)).reshape(-1, form.size)))
    sizes = _needed(form.many(probes), len(points), steps, usual)
    if isinstance(form, ProtocolForm) and form.at_once:
        pairs = _pairs(form.rows)
        groups = [form.elsewhere(pairs, probes, group) for group in range(len(form.preparations))]
        under_pairs = _needed(np.hstack(groups), len(points), steps, usual)
        untold = ~(sizes <= _HARDLY * under_pairs) & np.isfinite(under_pairs)
        sizes = np.where(untold, under_pairs, sizes)
    return np.where(np.isfinite(sizes) & (sizes > 0.0), sizes, given)


def _needed(predicted: Array, count: int, steps: Array, usual: float) -> Array:
    """Return what each number would have to be, in the median over points; nan for one that does nothing."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        moved = predicted[count:].reshape(count, len(steps), -1)
        slopes = (moved - predicted[:count, np.newaxis]) / steps[:, np.newaxis]
        needed = usual / np.sqrt(np.nanmean(np.where(slopes == 0.0, np.nan, slopes) ** 2, axis=2))
        found: Array = np.nanmedian(np.where(np.isfinite(needed), needed, np.nan), axis=0)
    return found


def _pairs(rows: tuple[Measured, ...]) -> list[Measured]:
    repeats = max(1, round(float(np.median([row.repeats for row in rows]))))
    every = float(np.median([row.every for row in rows])) or 1.0
    return [
        Measured("", math.nan, math.nan, (max(0.0, -delay),), (max(0.0, delay),), every, repeats) for delay in _DELAYS
    ]
