"""Posteriors, weights and expected information against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rulesearch.fitting.data import Data
from rulesearch.fitting.form import ColumnForm
from rulesearch.inference.deciding import cells_for_decision, posterior_of, told
from rulesearch.inference.fitting import fit
from rulesearch.inference.sampling import sample
from rulesearch.inference.stacking import stacking_weights
from rulesearch.rules import parse_rules


@pytest.mark.slow
def test_the_posterior_of_a_line_is_the_normal_one() -> None:
    rng = np.random.default_rng(4)
    x, sem = rng.normal(size=30), np.full(30, 0.3)
    y = 2.0 * x + 1.0 + sem * rng.normal(size=30)
    rule = parse_rules("on_step: a*x + b; a = 1; b = 1; eta = 1").only()
    form = ColumnForm(rule, {"x": x}, [""] * 30)
    found = fit(form, Data([str(k) for k in range(30)], y, sem, True), rng)
    draws = sample(found, np.random.default_rng(1), 4000)
    design = np.column_stack([x, np.ones(30)]) / sem[:, np.newaxis]
    covariance = np.linalg.inv(design.T @ design)
    mean = covariance @ design.T @ (y / sem)
    assert draws.settled
    assert draws.flat.mean(axis=0) == pytest.approx(mean, abs=4.0 * math.sqrt(covariance.max() / 500))
    assert draws.flat.std(axis=0) == pytest.approx(np.sqrt(np.diag(covariance)), rel=0.1)
    data = draws.inference_data()
    assert set(data.posterior.data_vars) == {"a", "b"} and data.log_likelihood["change"].shape[-1] == 30
    again = sample(found, np.random.default_rng(1), 4000)
    assert np.array_equal(again.numbers, draws.numbers)


def test_weights_are_those_of_the_best_mixture() -> None:
    # Two rules that predict one half of the rows each share the weight; one that predicts all of them has it.
    halves = np.log(np.array([[0.9, 0.9, 0.1, 0.1], [0.1, 0.1, 0.9, 0.9]]))
    assert stacking_weights(halves) == pytest.approx([0.5, 0.5])
    better = np.log(np.array([[0.9, 0.8, 0.9, 0.8], [0.1, 0.1, 0.2, 0.2]]))
    assert stacking_weights(better) == pytest.approx([1.0, 0.0], abs=1e-6)
    # d/dw sum_i log(w p_i + (1 - w) q_i) = 0 for p = (0.6, 0.2, 0.5), q = (0.3, 0.4, 0.4).
    p, q = np.array([0.6, 0.2, 0.5]), np.array([0.3, 0.4, 0.4])
    weight = stacking_weights(np.log(np.array([p, q])))[0]
    assert np.sum((p - q) / (weight * p + (1 - weight) * q)) == pytest.approx(0.0, abs=1e-5)


def test_rules_that_are_certain_are_told_apart_as_two_normals() -> None:
    rng = np.random.default_rng(2)
    parts, weights = [np.zeros(10), np.full(10, 1.0)], np.array([0.5, 0.5])
    chances = posterior_of(np.array([0.0, 0.5, 1.0]), 0.5, parts, weights)
    odds = math.exp(-0.5 * (1.0 / 0.5) ** 2)
    assert chances[0] == pytest.approx([1.0 / (1.0 + odds), 0.5, odds / (1.0 + odds)])
    # Nothing is told of rules that say the same, all of it where they are far apart.
    assert told([np.zeros(10), np.zeros(10)], weights, 0.5, rng) == (0.0, pytest.approx(0.5))
    bits, sure = told(parts, weights, 0.01, rng)
    assert bits == pytest.approx(1.0) and sure == pytest.approx(1.0)
    # E over y of the true one's chance is 0.95 at d/error = 3.6 (numerically): with d = 1 and s = 1, 14 cells.
    assert cells_for_decision(parts, weights, 1.0, rng) in {10, 14, 20}
    assert cells_for_decision([np.zeros(10), np.zeros(10)], weights, 1.0, rng) is None
