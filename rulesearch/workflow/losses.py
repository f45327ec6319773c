"""What losses on held-out seeds or rows say of rules: their spread, and whether one rule is better than another.

A loss is the mean over n seeds (or rows of a table); its interval is Student's, mean +- t(n - 1, 97.5 %) s/sqrt(n), and
so is that of the mean difference of two rules on the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_CONFIDENCE = 0.95
LEFT_OUT = "leave_one_out_error"
"""The metric of what is predicted of each measurement by the rule fitted to the others."""


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
