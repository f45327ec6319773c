"""What is held of the numbers of a form before there are data, and the coordinates in which they are drawn.

Numbers that keep their signs are log-normal: time constants with a median of 30 ms and a factor of 5, so that 95 % are
of 1.2 to 760 ms; others with a factor of 10 about the size at which they would make changes as large as the measured
ones by themselves, in the table or, where it does not say, under pairs of spikes. Of a product of two numbers no more
is held than of one: flat priors, however wide, prefer whichever of many numbers that fit alike leaves the others the
most room. Numbers of either sign are normal, ten times as wide.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rulesearch.inference.fitting import Fit
from rulesearch.inference.usual import usual_sizes

Array = npt.NDArray[np.float64]

_MEDIAN, _FACTOR = math.log(0.03), math.log(5.0)
_WIDE = 10.0
_TIMES = 16
"""Sets of time constants over which sizes are judged."""
_LEAST = 3.0
"""A number that was fitted as nothing at all counts as so many widths of the prior below its median."""


class Prior:
    """The prior of the numbers of a fitted form, normal in the coordinates of points.

    **Fields:** `median`, `width` `(numbers,)`; `low`, `high` `(numbers,)`: ends of points; `best` `(numbers,)`: the
    point of the fit. A point has the logarithms of the sizes of numbers that keep their signs, others as they are.

    **Arguments:** `rng` draws the time constants over which sizes of other numbers are judged.
    """

    def __init__(self, found: Fit, rng: np.random.Generator) -> None:
        each = found.form.each
        low, high = np.array([one.low for one in each]), np.array([one.high for one in each])
        times = np.array([one.is_time for one in each])
        self._signs = np.where(low >= 0.0, 1.0, np.where(high <= 0.0, -1.0, 0.0))
        self._logs = self._signs != 0.0
        given = np.exp(_MEDIAN + _FACTOR * rng.normal(size=(_TIMES, found.form.size)))
        # Those of the fit alone could be such that a number has next to no effect, and the prior would follow it there.
        sizes = usual_sizes(found, np.where(times, np.clip(given, low, high), found.numbers))
        self.median = np.where(times, _MEDIAN, np.where(self._logs, np.log(sizes), 0.0))
        self.width = np.where(times, _FACTOR, np.where(self._logs, math.log(_WIDE), _WIDE * sizes))
        with np.errstate(all="ignore"):
            self.low = np.where(times, np.log(low), -np.inf)
            self.high = np.where(times, np.log(high), np.inf)
            seen = np.where(self._logs, np.log(np.abs(found.numbers)), found.numbers)
        least = np.where(self._logs, self.median - _LEAST * self.width, -np.inf)
        self.best: Array = np.clip(np.maximum(seen, least), self.low, self.high)

    def numbers(self, points: Array) -> Array:
        """Return the numbers at points."""
        with np.errstate(over="ignore"):
            found: Array = np.where(self._logs, self._signs * np.exp(np.where(self._logs, points, 0.0)), points)
        return found

    def residuals(self, points: Array) -> Array:
        """Return how far numbers are from their medians, in widths, `(points, numbers)`."""
        found: Array = (points - self.median) / self.width
        return found

    def log_density(self, points: Array) -> Array:
        """Return the log density at points, up to a constant, `(points,)`."""
        inside = np.all((points >= self.low) & (points <= self.high), axis=1)
        return np.where(inside, -0.5 * np.sum(self.residuals(points) ** 2, axis=1), -np.inf)

    def draws(self, rng: np.random.Generator, count: int) -> Array:
        """Return points drawn from the prior, those beyond its ends at these, `(count, numbers)`."""
        found: Array = self.median + self.width * rng.normal(size=(count, len(self.median)))
        return np.clip(found, self.low, self.high)
