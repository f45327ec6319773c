"""Least squares of many starts: where they lead to is known."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.fitting.lockstep import descend, lockstep

TIMES = np.linspace(0.0, 3.0, 12)
TARGET = 2.0 * np.exp(-TIMES / 0.7)


def decay(points: np.ndarray) -> np.ndarray:
    """Return what is left of a decay with an amplitude and a time constant, `(points, times)`."""
    return points[:, :1] * np.exp(-TIMES / points[:, 1:2]) - TARGET


def test_the_best_of_many_starts_is_the_known_one() -> None:
    starts = np.random.default_rng(1).uniform(0.1, 5.0, size=(8, 2))
    points, squares = lockstep(decay, starts, np.array([0.0, 0.01]), np.array([10.0, 10.0]))
    assert points[0] == pytest.approx([2.0, 0.7], rel=1e-5) and squares[0] < 1e-9
    assert np.all(np.diff(squares) >= 0.0)


def test_bounds_hold_and_a_number_at_its_bound_does_not_hinder_others() -> None:
    points, _ = lockstep(decay, np.array([[1.0, 0.3]]), np.array([0.0, 0.01]), np.array([1.5, 10.0]))
    # The amplitude is at most 1.5: then the best time constant, by a fine grid.
    grid = np.linspace(0.5, 2.0, 15001)
    sums = np.sum(decay(np.column_stack([np.full(len(grid), 1.5), grid])) ** 2, axis=1)
    assert points[0] == pytest.approx([1.5, grid[np.argmin(sums)]], abs=2e-3)


def test_what_weighs_nothing_may_have_no_number() -> None:
    def torn(points: np.ndarray) -> np.ndarray:
        found = decay(points)
        found[:, 0] = np.nan
        return found

    weights = np.ones((2, 12))
    weights[:, 0] = 0.0
    weights[1, 5] = 0.0
    points, squares = descend(torn, np.full((2, 2), 1.0), np.zeros(2) + 0.01, np.full(2, 10.0), weights=weights)
    assert points == pytest.approx(np.array([[2.0, 0.7]] * 2), rel=1e-4)
    _, none = descend(torn, np.full((1, 2), 1.0), np.zeros(2) + 0.01, np.full(2, 10.0))
    assert np.isinf(none[0]) and np.all(squares < 1e-8)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e120])
def test_numbers_that_do_nothing_or_the_same_make_no_system_singular(size: float) -> None:
    def same(points: np.ndarray) -> np.ndarray:
        return size * (points[:, :1] + points[:, 1:2] - 1.0) + 0.0 * points[:, 2:] * np.ones(4)

    points, squares = lockstep(same, np.array([[3.0, 2.0, 1.0]]), np.full(3, -10.0), np.full(3, 10.0))
    assert points[0, 0] + points[0, 1] == pytest.approx(1.0, abs=1e-4) or squares[0] == 0.0
    assert points[0, 2] == 1.0

    def nothing(points: np.ndarray) -> np.ndarray:
        return np.ones((len(points), 3))

    points, squares = lockstep(nothing, np.array([[1.0, 2.0]]), np.zeros(2), np.full(2, 5.0))
    assert squares == pytest.approx([3.0])
