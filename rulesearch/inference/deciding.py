"""How much a measurement would tell of which of several rules it is: expected information, and cells for a decision.

A rule's prediction is uncertain by its posterior; a measurement of n cells scatters about it with s/sqrt(n). Expected
information is that between the rule and the measured mean, I(rule; y) = H(rule) - E[H(rule | y)] (Lindley 1956,
doi:10.1214/aoms/1177728069), by simulation: each rule in turn is true.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, ndtri

Array = npt.NDArray[np.float64]

SURE = 0.95
CELLS = (1, 2, 3, 5, 7, 10, 14, 20, 30, 45, 70, 100, 150, 220, 330, 500, 1000)
"""Numbers of cells that are looked at."""
_SUPPORT, _MOST = 200, 512


def posterior_of(measured: Array, error: float, predictions: Sequence[Array], weights: Array) -> Array:
    """Return the probability of each rule given a measurement, `(rules, measurements)`.

    **Arguments:** `measured` `(measurements,)` with standard `error`; `predictions` of each rule `(draws,)`; `weights`.
    """
    logs = np.array(
        [
            logsumexp(-0.5 * ((measured[:, np.newaxis] - _thinned(part)) / error) ** 2, axis=1)
            - math.log(len(_thinned(part)))
            for part in predictions
        ]
    )
    with np.errstate(divide="ignore"):
        logs = logs + np.log(weights)[:, np.newaxis]
    found: Array = np.exp(logs - logsumexp(logs, axis=0))
    return found


def told(predictions: Sequence[Array], weights: Array, error: float) -> tuple[float, float]:
    """Return the expected information [bits], and the mean probability that the true rule then has.

    Measurements are laid out evenly over predictions and errors (Hammersley points), so that chance adds nothing.

    **Arguments:** `error`: standard error of the measurement; others as of `posterior_of`.
    """
    places, deviations = _even(_MOST)
    left, sure = 0.0, 0.0
    for true, (part, weight) in enumerate(zip(predictions, weights, strict=True)):
        if weight <= 0.0:
            continue
        values = np.quantile(part, places) + error * deviations
        chances = posterior_of(values, error, predictions, weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            entropy = -np.sum(np.where(chances > 0.0, chances * np.log2(chances), 0.0), axis=0)
        left += weight * float(entropy.mean())
        sure += weight * float(chances[true].mean())
    before = -float(np.sum(weights[weights > 0.0] * np.log2(weights[weights > 0.0])))
    return max(0.0, before - left), sure


def cells_for_decision(predictions: Sequence[Array], weights: Array, single: float, sure: float = SURE) -> int | None:
    """Return how many cells make the true rule this probable in the mean; None where a thousand do not.

    **Arguments:** `single`: standard deviation of one cell.
    """

    def enough(cells: int) -> bool:
        return told(predictions, weights, single / math.sqrt(cells))[1] >= sure

    if not enough(CELLS[-1]):
        return None
    low, high = -1, len(CELLS) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(CELLS[middle]) else (middle, high)
    return CELLS[high]


def _thinned(draws: Array) -> Array:
    return draws[:: max(1, len(draws) // _SUPPORT)]


@cache
def _even(count: int) -> tuple[Array, Array]:
    """Return shares, and standard normal deviations, that fill the plane evenly: Hammersley points in base 2."""
    bits = max(1, math.ceil(math.log2(count)))
    turned = np.array([int(f"{k:0{bits}b}"[::-1], 2) for k in range(count)])
    shares = (np.arange(count) + 0.5) / count
    return shares, np.asarray(ndtri((turned + 0.5) / 2**bits))
