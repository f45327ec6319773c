"""What losses on held-out seeds or rows say of rules: their spread, and whether one rule is better than another.

A loss is the mean over n seeds (or rows of a table); its interval is Student's, mean +- t(n - 1, 97.5 %) s/sqrt(n), and
so is that of the mean difference of two rules on the same ones.

Of a few rows that interval says little: squares are skew, and a rule without any error may not keep it below 0. There
it also counts as better than chance where its loss is a share r of the control's that a prediction which knows nothing
of n rows seldom comes to. Errors c of the control be normal with variance s^2, and the prediction differ from the
control's by g, whatever that is. Then |c - g|^2 <= r |c|^2 where c lies in a ball about g/(1 - r) of radius
sqrt(r) |g|/(1 - r): with v = |g|/((1 - r) s), where a non-central chi-square with n degrees of freedom and
non-centrality v^2 is at most r v^2. The largest probability of that over v is the same for any prediction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_CONFIDENCE = 0.95
_FEW = 30
"""Rows from which on the mean of skew differences is normal enough for Student's interval alone."""
LEFT_OUT = "leave_one_out_error"
OVER_EXCHANGED = "over_exchanged"
"""Metrics of what is predicted of each measurement by the rule fitted to the others."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `count` seeds or rows, and half the width of its 95 % interval."""

    mean: float
    half: float
    count: int

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.mean + self.half


def mean_loss(values: Sequence[float]) -> float | None:
    """Return the mean of losses as an outcome has it; None where there are none."""
    return sum(values) / len(values) if values else None


def estimate(values: Sequence[float]) -> Estimate | None:
    """Return mean and interval of values; None for fewer than two."""
    from scipy.special import stdtrit

    count = len(values)
    if count < 2:
        return None
    factor = float(stdtrit(count - 1, 0.5 + _CONFIDENCE / 2.0))
    return Estimate(float(np.mean(values)), factor * float(np.std(values, ddof=1)) / math.sqrt(count), count)


def interval(found: Estimate | None) -> list[float] | None:
    """Return both ends of the interval; None where there is none."""
    return None if found is None else [found.low, found.high]


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Estimate | None:
    """Return the mean of ours - theirs over the same seeds or rows; None where there are no pairs."""
    if len(ours) != len(theirs):
        return None
    return estimate([a - b for a, b in zip(ours, theirs, strict=True)])


def better_beyond_chance(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Return whether squared errors of rows are smaller than the control's on the same rows, and not by chance."""
    beside = difference(ours, theirs)
    if beside is not None and beside.high < 0.0:
        return True
    if len(ours) != len(theirs) or not 0 < len(ours) < _FEW or not sum(ours) < sum(theirs):
        return False
    return chance_of(sum(ours) / sum(theirs), len(ours)) <= (1.0 - _CONFIDENCE) / 2.0


def chance_of(share: float, rows: int) -> float:
    """Return how often, at most, a prediction that knows nothing comes to such a share of the control's squared error.

    **Arguments:** `share`: below 1; `rows`: how many are predicted.
    """
    from scipy.special import chndtr

    distances = np.geomspace(0.01, 1e4 * rows, 1000)
    return float(np.max(chndtr(share * distances, rows, distances)))
