"""The capacity R_max of HebbFF networks, as Tyulmankov, Yang & Abbott 2022 come to it, without a million iterations.

Their networks are trained at one interval after the other. Interval R is passed once five sequences of
max(200, 20 R) stimuli, of those that are looked at every ten iterations, have at most 2 wrong answers in a thousand
between them; the published R_max is the interval that is not passed in a million iterations. Five sequences pass by
luck as well: with 200 stimuli and 98.5 % right answers, about once in 25,000. R_max is therefore where the number of
passes that is expected in a million iterations falls below one, which takes the share of right answers alone.

In the networks that the authors published (repository dtyulman/hebbff) 97.1 to 99.2 % of the answers are right at the
published R_max, and the number that is expected there falls below one at R_max or next to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scipy.special import bdtr

from rulesearch.tasks.familiarity_layer import stimuli_of

LOOKED_AT = 100_000
"""Sequences that are looked at in a million iterations."""
_SEQUENCES = 5
_WRONG = 0.002
_LONGEST = 1000
"""Interval beyond which nothing is looked for."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A published network: where its curriculum ended, and the rule A <- decay A + eta h x that it learnt."""

    r_max: int
    decay: float
    eta: float


PUBLISHED: Mapping[tuple[int, int], Cell] = {
    (25, 2): Cell(2, 0.796, -0.265),
    (25, 4): Cell(3, 0.878, -0.273),
    (25, 8): Cell(5, 0.934, -0.264),
    (25, 16): Cell(10, 0.970, -0.267),
    (50, 2): Cell(4, 0.905, -0.146),
    (50, 4): Cell(7, 0.950, -0.138),
    (50, 8): Cell(11, 0.969, -0.136),
    (50, 32): Cell(28, 0.988, -0.135),
    (100, 2): Cell(7, 0.947, -0.072),
    (400, 1): Cell(14, 0.973, -0.019),
}
"""Networks of the paper by components of a stimulus and hidden units."""


def passes(accuracy: float, interval: int) -> float:
    """Return how many passes are expected in a million iterations at an interval with that share of right answers."""
    stimuli = _SEQUENCES * stimuli_of(interval)
    return LOOKED_AT * float(bdtr(math.floor(_WRONG * stimuli + 1e-9), stimuli, 1.0 - accuracy))


def largest_interval(accuracy: Callable[[int], float], start: int) -> int:
    """Return R_max: the interval at which a curriculum stays, the first one with fewer than one expected pass.

    **Arguments:** `accuracy` at an interval; `start`: where to begin to look, in either direction.
    """
    interval = max(1, start)
    if passes(accuracy(interval), interval) < 1.0:
        while interval > 1 and passes(accuracy(interval - 1), interval - 1) < 1.0:
            interval -= 1
        return interval
    while interval < _LONGEST and passes(accuracy(interval + 1), interval + 1) >= 1.0:
        interval += 1
    return interval + 1
