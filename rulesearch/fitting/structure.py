"""The numbers of a structure that a search proposes: fitted within the ranges of its grammar, before it is judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.fitting.form import Form
from rulesearch.fitting.lockstep import Residuals, lockstep
from rulesearch.grammar.parts import ConstantPrior

Array = npt.NDArray[np.float64]

_STARTS = 8
_ETAS = ConstantPrior(1e-6, 1e2, "log-uniform", "")
_SMALL = 1e-6


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges of several numbers; a point is where each lies in its range, from 0 to 1.

    **Fields:** `low`, `high` `(numbers,)`; `logarithmic` `(numbers,)`: whether the range is one of factors.
    """

    low: Array
    high: Array
    logarithmic: npt.NDArray[np.bool_]

    @staticmethod
    def of(form: Form, priors: Mapping[str, ConstantPrior]) -> Ranges:
        """Return the ranges of the numbers of a form; where a prior has none, that of learning rates."""
        each = [priors.get(parameter.name, _ETAS) for parameter in form.each]
        return Ranges(
            np.array([prior.low for prior in each]),
            np.array([prior.high for prior in each]),
            np.array([prior.prior == "log-uniform" for prior in each]),
        )

    def numbers(self, points: Array) -> Array:
        """Return the numbers at points."""
        with np.errstate(all="ignore"):
            factors = self.low * np.power(self.high / self.low, points)
        found: Array = np.where(self.logarithmic, factors, self.low + points * (self.high - self.low))
        return np.clip(found, self.low, self.high)

    def points(self, numbers: Array) -> Array:
        """Return where numbers lie in their ranges; those outside at the nearer end."""
        inside = np.clip(numbers, self.low, self.high)
        with np.errstate(all="ignore"):
            factors = np.log(inside / self.low) / np.log(self.high / self.low)
            spread = np.where(self.high > self.low, self.high - self.low, 1.0)
            found: Array = np.where(self.logarithmic, factors, (inside - self.low) / spread)
        return found


def best_numbers(
    form: Form,
    residuals: Residuals,
    priors: Mapping[str, ConstantPrior],
    rng: np.random.Generator,
    starts: int = _STARTS,
) -> Array | None:
    """Return the numbers of a form with the least squares within their ranges, `(numbers,)`; None where none has any.

    The first start is the form's own numbers, the others are drawn from the ranges; learning rates start at what fits
    best where changes are small, and so linear in them.

    **Arguments:** `residuals` of predictions `(points, rows)`; `priors` by number.
    """
    ranges = Ranges.of(form, priors)
    own = form.own_numbers
    drawn = ranges.numbers(rng.random((starts - 1, len(own))))
    numbers = np.concatenate((own[np.newaxis], drawn))
    rates = np.array([each.is_rate for each in form.each])
    if rates.any():
        numbers[:, rates] = _first_rate(form, residuals, numbers, rates)[:, np.newaxis]
    points, _ = lockstep(
        lambda at: residuals(form.many(ranges.numbers(at))),
        ranges.points(numbers),
        np.zeros(len(own)),
        np.ones(len(own)),
    )
    return ranges.numbers(points[0]) if len(points) else None


def _first_rate(form: Form, residuals: Residuals, numbers: Array, rates: npt.NDArray[np.bool_]) -> Array:
    """Return the learning rate that fits best at each point, were changes linear in it, `(points,)`."""
    small = numbers.copy()
    small[:, rates] = _SMALL
    nothing = numbers[:1].copy()
    nothing[:, rates] = 0.0
    with np.errstate(all="ignore"):
        base = residuals(form.many(nothing))[0]
        slopes = (residuals(form.many(small)) - base) / _SMALL
        best = -(slopes @ base) / np.einsum("pr,pr->p", slopes, slopes)
    usual = math.sqrt(_ETAS.low * _ETAS.high)
    return np.clip(np.where(np.isfinite(best) & (best > 0.0), best, usual), _ETAS.low, _ETAS.high)
