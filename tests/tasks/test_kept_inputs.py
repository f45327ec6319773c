"""Inputs that are kept for a while: the latest ones, within bounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rulesearch.tasks.kept_inputs import KeptInputs

Array = npt.NDArray[np.float64]


def test_the_latest_are_kept_and_others_drawn_again() -> None:
    kept: KeptInputs[Array] = KeptInputs(2)
    first, second = kept.get(1, lambda: np.ones(3)), kept.get(2, lambda: np.zeros(3))
    assert kept.get(1, lambda: np.full(3, 9.0)) is first
    # The second is now the one that was asked for the longest time ago.
    kept.get(3, lambda: np.ones(3))
    assert kept.get(1, lambda: np.full(3, 9.0)) is first
    assert kept.get(2, lambda: np.full(3, 9.0)) is not second


def test_they_take_so_much_memory_at_most_but_the_latest_one_stays() -> None:
    kept: KeptInputs[Array] = KeptInputs(10, nbytes=60)
    first = kept.get(1, lambda: np.ones(3))
    second = kept.get(2, lambda: np.ones(3))
    assert kept.get(1, lambda: np.zeros(3)) is first
    kept.get(3, lambda: np.ones(3))
    assert kept.get(2, lambda: np.zeros(3)) is not second
    large = kept.get(4, lambda: np.ones(100))
    assert kept.get(4, lambda: np.zeros(100)) is large
