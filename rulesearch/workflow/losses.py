"""What losses on held-out seeds or rows say of the rules of a front: their spread, and whether one rule is better.

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
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rulesearch.workflow.front import FrontMember, ReferenceScore

_CONFIDENCE = 0.95
_FEW = 30
"""Rows from which on the mean of skew differences is normal enough for Student's interval alone."""
LEFT_OUT = "leave_one_out_error"
"""The metric of what is predicted of each measurement by the rule fitted to the others."""
SPREAD = "± 95 %"
"""Heading of half the width of an interval."""


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


def beside_first(members: Sequence[FrontMember], held_out_on: str, place: int = 1) -> str:
    """Return in words whether a rule is better than rank 1, by the same held-out seeds or rows; empty where unknown.

    **Arguments:** `place` of the rule among the members; 1 is rank 2.
    """
    if not 0 < place < len(members):
        return ""
    found = difference(members[place].held_out_losses, members[0].held_out_losses)
    if found is None:
        return ""
    rank = members[place].rank
    verdict = (
        "rank 1 is better" if found.low > 0.0 else f"rank {rank} is better" if found.high < 0.0 else "not told apart"
    )
    return f"loss {found.mean:+.2g} ± {found.half:.2g} (95 %) on the same {held_out_on}: {verdict}"


def spread_column(scores: Sequence[FrontMember | ReferenceScore]) -> list[float | None]:
    """Return half the widths of the intervals of held-out losses; empty where no rule has one."""
    halves = [None if each.spread is None else each.spread.half for each in scores]
    return halves if any(half is not None for half in halves) else []


def shown_loss(scored: FrontMember | ReferenceScore) -> float | None:
    """Return the held-out loss where there is one, else the loss."""
    return scored.loss if scored.held_out_loss is None else scored.held_out_loss


def loss_columns(members: Sequence[FrontMember]) -> dict[str, list[float | None]]:
    """Return the columns of losses that a front is shown with, by heading; what no rule has is left out.

    `loss` on what rules were chosen by; `held out` and half the width of its interval; `leave-one-out` where each
    measurement was predicted by the rule fitted to the others.
    """
    columns: dict[str, list[float | None]] = {
        "loss": [each.loss for each in members],
        "held out": [each.held_out_loss for each in members],
        SPREAD: spread_column(members),
        "leave-one-out": [each.metrics.get(LEFT_OUT) for each in members],
    }
    return {name: column for name, column in columns.items() if any(value is not None for value in column)}
