"""The simulator's own tanh, against NumPy's."""

from __future__ import annotations

import numpy as np
from numba import njit

from rulesearch.simulate.machine import vectors


@njit
def tanh(value: float) -> float:
    return vectors.tanh(value)  # type: ignore[no-any-return]


def test_it_is_within_three_units_in_the_last_place() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate(
        [rng.normal(size=20_000) * 3.0, rng.choice([-1.0, 1.0], 20_000) * 10.0 ** rng.uniform(-300, 3, 20_000)]
    )
    found = np.array([tanh(value) for value in values])
    exact = np.tanh(values)
    assert np.max(np.abs(found - exact) / np.spacing(np.abs(exact))) <= 4.0  # three of ours, and NumPy's own error


def test_the_ends_and_the_middle() -> None:
    assert tanh(np.inf) == 1.0
    assert tanh(-np.inf) == -1.0
    assert np.isnan(tanh(np.nan))
    assert tanh(0.0) == 0.0
    assert np.signbit(tanh(-0.0))
    assert tanh(1e-310) == 1e-310
