"""Which parameters pass, learnt from few simulations in many dimensions."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from rulesearch.inference.passing import Passing

PARAMETERS = 24


def met(shares: np.ndarray) -> np.ndarray:
    """Three bounds, each met by half of all draws, by one of 24 parameters each."""
    kept: np.ndarray = np.column_stack([shares[:, 0] > 0.5, shares[:, 5] < 0.5, shares[:, 9] > 0.5])
    return kept


def passes(shares: np.ndarray) -> np.ndarray:
    """One in eight meets all bounds."""
    kept: np.ndarray = met(shares).all(axis=1)
    return kept


def learnt(seed: int) -> Passing:
    shares = np.random.default_rng(1).random((500, PARAMETERS))
    return Passing(shares, met(shares), np.random.default_rng(seed))


def test_what_most_likely_passes_does_so_far_more_often_than_any_draw() -> None:
    draws = np.random.default_rng(2).random((20_000, PARAMETERS))
    likely = draws[np.argsort(-learnt(3).chance(draws))[:200]]
    assert passes(draws).mean() == pytest.approx(0.125, abs=0.01)
    assert passes(likely).mean() > 0.9


def test_a_seed_gives_the_same_chances() -> None:
    draws = np.random.default_rng(2).random((100, PARAMETERS))
    assert np.array_equal(learnt(3).chance(draws), learnt(3).chance(draws))


def test_bounds_that_nothing_met_at_once_are_met_by_what_is_likely() -> None:
    shares = np.random.default_rng(1).random((500, PARAMETERS))
    seen = shares[~passes(shares)]
    draws = np.random.default_rng(2).random((20_000, PARAMETERS))
    passing = Passing(seen, met(seen), np.random.default_rng(3))
    likely = draws[np.argsort(-passing.chance(draws))[:200]]
    assert not passes(seen).any()
    assert passes(likely).mean() > 0.7


def test_chances_of_bounds_are_multiplied_and_none_is_ruled_out() -> None:
    shares = np.random.default_rng(1).random((50, PARAMETERS))
    none = Passing(shares, np.zeros((50, 2), dtype=np.bool_), np.random.default_rng(1))
    np.testing.assert_allclose(none.chance(shares), 2.0 * np.log(1e-3))
    one = Passing(shares, np.ones((50, 1), dtype=np.bool_), np.random.default_rng(1))
    np.testing.assert_array_equal(one.chance(shares), np.zeros(50))
