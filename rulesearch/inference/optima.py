"""A posterior as what it is near its optima: a mixture of Student t distributions about them (Laplace approximation).

Since the prior is normal, optima are those of least squares with one more row for each number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.fitting.lockstep import descend
from rulesearch.inference.fitting import Fit
from rulesearch.inference.prior import Prior

Array = npt.NDArray[np.float64]

_STARTS, _STEPS = 16, 20
_WORSE = 40.0
"""Optima whose -2 log posterior is larger than the least by more are left out."""
_APART = 1.0
"""Squared distance for each number, in widths of the better optimum, from which on two optima are two."""
_DEGREES = 5.0
"""Of freedom: tails are heavier than those of the posterior."""
_PROBE = 1e-4


class Optima:
    """The optima to which the fit and draws from the prior lead, each by its share of the posterior.

    **Fields:** `points` `(optima, numbers)`; `roots` `(optima, numbers, numbers)`: of covariances, lower triangular;
    `shares` `(optima,)`.
    """

    def __init__(self, found: Fit, prior: Prior, rng: np.random.Generator) -> None:
        form, data = found.form, found.data

        def residuals(points: Array) -> Array:
            with np.errstate(all="ignore"):
                return np.column_stack([data.rooted(form.many(prior.numbers(points))), prior.residuals(points)])

        starts = np.vstack([prior.best, prior.draws(rng, _STARTS - 1)])
        points, squares = descend(residuals, starts, prior.low, prior.high, prior.width, _STEPS)
        if not np.isfinite(squares).any():
            # Where the fit itself has no number in these coordinates the prior must do.
            squares[0] = 0.0
        kept = squares <= np.min(squares) + _WORSE
        points, squares = points[kept], squares[kept]
        steps = _PROBE * prior.width * np.where(points + _PROBE * prior.width > prior.high, -1.0, 1.0)
        probes = points[:, np.newaxis] + steps[:, :, np.newaxis] * np.eye(form.size)
        there = residuals(probes.reshape(-1, form.size)).reshape(len(points), form.size, -1)
        with np.errstate(invalid="ignore"):
            slopes = (there - residuals(points)[:, np.newaxis]) / steps[:, :, np.newaxis]
        slopes = np.where(np.isfinite(slopes), slopes, 0.0)
        # The prior is among the residuals, so that no direction is without a width.
        roots = np.linalg.cholesky(np.linalg.inv(np.einsum("skr,slr->skl", slopes, slopes)))
        logs = -0.5 * squares + np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
        own: list[int] = []
        for place in map(int, np.argsort(-logs, kind="stable")):
            away = [np.sum(np.linalg.solve(roots[other], points[place] - points[other]) ** 2) for other in own]
            if all(square > _APART * form.size for square in away):
                own.append(place)
        self.points, self.roots = points[own], roots[own]
        shares = np.exp(logs[own] - logs[own].max())
        self.shares: Array = shares / shares.sum()

    def draws(self, rng: Any, count: int) -> Array:
        """Return draws from the mixture, `(count, numbers)`; `rng`: a generator, of the old kind or the new."""
        chosen = rng.choice(len(self.shares), size=count, p=self.shares)
        normal = rng.normal(size=(count, self.points.shape[1]))
        scale = np.sqrt(_DEGREES / rng.chisquare(_DEGREES, size=count))
        found: Array = self.points[chosen] + scale[:, np.newaxis] * np.einsum("skl,sl->sk", self.roots[chosen], normal)
        return found

    def log_density(self, points: Array) -> Array:
        """Return the log density of the mixture at points, up to a constant, `(points,)`."""
        power = 0.5 * (_DEGREES + self.points.shape[1])
        parts = []
        for middle, root, share in zip(self.points, self.roots, self.shares, strict=True):
            away = np.sum(np.linalg.solve(root, (points - middle).T) ** 2, axis=0)
            with np.errstate(divide="ignore"):
                parts.append(np.log(share) - np.log(np.diag(root)).sum() - power * np.log1p(away / _DEGREES))
        found: Array = np.logaddexp.reduce(parts, axis=0)
        return found
