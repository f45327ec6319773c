"""Which parameters pass, learnt from few simulations in many dimensions."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from rulesearch.inference.passing import Passing

PARAMETERS = 24


def passes(shares: np.ndarray) -> np.ndarray:
    """One in eight passes, by three of 24 parameters."""
    kept: np.ndarray = (shares[:, 0] > 0.5) & (shares[:, 5] < 0.5) & (shares[:, 9] > 0.5)
    return kept


def learnt(seed: int) -> Passing:
    shares = np.random.default_rng(1).random((500, PARAMETERS))
    return Passing(shares, passes(shares), np.random.default_rng(seed))


def test_what_most_likely_passes_does_so_far_more_often_than_any_draw() -> None:
    draws = np.random.default_rng(2).random((20_000, PARAMETERS))
    likely = draws[np.argsort(-learnt(3).chance(draws))[:200]]
    assert passes(draws).mean() == pytest.approx(0.125, abs=0.01)
    assert passes(likely).mean() > 0.9


def test_a_seed_gives_the_same_chances() -> None:
    draws = np.random.default_rng(2).random((100, PARAMETERS))
    assert np.array_equal(learnt(3).chance(draws), learnt(3).chance(draws))


def test_where_nothing_passed_nothing_is_likely() -> None:
    shares = np.random.default_rng(1).random((50, PARAMETERS))
    forest = Passing(shares, np.zeros(50, dtype=np.bool_), np.random.default_rng(1))
    assert not forest.chance(shares).any()
