"""Weights of rules under which they predict best together (stacking)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_ROUNDS = 10_000
_ENOUGH = 1e-9


def stacking_weights(log_densities: Array) -> Array:
    """Return weights `(rules,)` that make the mixture of predictions of left-out rows most likely.

    sum_i log sum_k w_k p_ik over the simplex, which is concave: by expectation and maximisation (Yao et al. 2018,
    doi:10.1214/17-BA1091).

    **Arguments:** `log_densities` `(rules, rows)`.
    """
    count = len(log_densities)
    weights: Array = np.full(count, 1.0 / max(1, count))
    densities = np.exp(log_densities - log_densities.max(axis=0))
    for _ in range(_ROUNDS):
        mixed = weights @ densities
        following = weights * np.mean(densities / mixed, axis=1) if densities.shape[1] else weights
        if np.abs(following - weights).max() < _ENOUGH:
            break
        weights = following
    found: Array = weights / weights.sum()
    return found
