"""What was measured, and how far predictions are from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rulesearch.fitting.chance import student_t_log_density
from rulesearch.measurements.protocols import LEAST_CHANGE, Measured, misses

Array = npt.NDArray[np.float64]
Misses = Callable[[Array], Array]
"""How far predictions are from data, `(rows,)` or `(points, rows)`."""

DEGREES = 4.0
"""Degrees of freedom of Student's t, that residuals have where no standard errors are told."""
_WORD = {1: "LTP", -1: "LTD", 0: "none"}


@dataclass(frozen=True, slots=True)
class Data:
    """What was measured.

    **Fields:** `labels`; `changes` `(rows,)`, nan where only a sign is known; `sem` `(rows,)`; `told`: whether standard
    errors were told, else their size is estimated, and residuals have heavy tails; `sources` of rows; `words`
    in which changes are told that are no numbers; `misses`: how far predictions are from changes; `in_proportion`:
    standard errors are right up to one factor that nobody knows.
    """

    labels: Sequence[str]
    changes: Array
    sem: Array
    told: bool
    sources: Sequence[str] = ()
    words: Sequence[str] = ()
    misses: Misses | None = field(default=None, compare=False)
    in_proportion: bool = False

    def off(self, predictions: Array) -> Array:
        """Return how far predictions are from changes, `(rows,)`."""
        return predictions - self.changes if self.misses is None else self.misses(predictions)

    def residuals(self, predictions: Array) -> Array:
        """Return (model - data)/s.e.m. of each row."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.off(predictions) / self.sem

    def rooted(self, predictions: Array) -> Array:
        """Return residuals whose squares are summed to -2 log likelihood at these errors, up to a constant."""
        residuals = self.residuals(predictions)
        if self.told:
            return residuals
        rooted: Array = np.sign(residuals) * np.sqrt((DEGREES + 1.0) * np.log1p(residuals**2 / DEGREES))
        return rooted

    def log_density(self, predictions: Array, log_factor: Array | float = 0.0) -> Array:
        """Return the log density of each row; of those with a sign alone up to a constant.

        **Arguments:** `log_factor`: logarithm of a factor of all standard errors.
        """
        residuals = self.residuals(predictions) / np.exp(log_factor)
        sizes = np.log(self.sem) + log_factor
        if self.told:
            return -0.5 * residuals**2 - sizes - 0.5 * math.log(2.0 * math.pi)
        found: Array = student_t_log_density(residuals, DEGREES) - sizes
        return found


def protocol_data(
    rows: Sequence[Measured],
    told: bool,
    changes: Array | None = None,
    sem: Array | None = None,
    least_change: float = LEAST_CHANGE,
    in_proportion: bool = False,
) -> Data:
    """Return what was measured under protocols.

    **Arguments:** `changes` and `sem` in place of those of the rows; `least_change` that counts where a word tells it;
    `in_proportion` as of `Data`.
    """
    changes = np.array([row.change for row in rows]) if changes is None else changes
    return Data(
        [row.label for row in rows],
        changes,
        np.array([row.sem for row in rows]) if sem is None else sem,
        told,
        [row.source for row in rows],
        ["" if row.sign is None else _WORD[row.sign] for row in rows],
        lambda predictions: misses(rows, predictions, changes, least_change),
        in_proportion,
    )
