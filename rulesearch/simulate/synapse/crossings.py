"""Where a function of time turns negative: between looks at it, and to the last digit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_PARTS = np.linspace(0.0, 1.0, 13)[1:]
_TAUS = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0])
_HALVINGS = 100


def looks(start: float, stop: float, taus: Array) -> Array:
    """Return times from `start` to `stop` at which to look: even parts, and multiples of each time constant."""
    times = np.concatenate((start + _PARTS * (stop - start), start + np.outer(taus, _TAUS).ravel()))
    return np.concatenate(([start], np.unique(times[(times > start) & (times <= stop)])))


def first_negative(value: Callable[[float], float], times: Array, values: Array) -> float | None:
    """Return when a function is first negative, None where it never is.

    **Arguments:** `values` of it at `times`. Where it comes near 0 between three of them, its least value is looked
    for.
    """
    negative = np.flatnonzero(values[1:] < 0.0)
    end = 1 + int(negative[0]) if negative.size else len(times)
    for k in range(1, end - 1):
        left, here, right = values[k - 1 : k + 2]
        if 0.0 < here <= min(left, right) and here < max(left, right) - here:
            lowest = _lowest(value, float(times[k - 1]), float(times[k + 1]))
            if value(lowest) < 0.0:
                return _last_digit(value, float(times[k - 1]), lowest)
    return _last_digit(value, float(times[end - 1]), float(times[end])) if negative.size else None


def _lowest(value: Callable[[float], float], left: float, right: float) -> float:
    from scipy.optimize import minimize_scalar

    options = {"xatol": 1e-6 * (right - left)}
    return float(minimize_scalar(value, bounds=(left, right), method="bounded", options=options).x)


def _last_digit(value: Callable[[float], float], left: float, right: float) -> float:
    """Return the first time that is known to be behind the place where a function turns negative."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (left + right)
        if not left < middle < right:
            break
        if value(middle) < 0.0:
            right = middle
        else:
            left = middle
    return right
