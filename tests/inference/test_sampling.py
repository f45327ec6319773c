"""Posteriors, weights and expected information against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_t

from rulesearch.fitting.data import Data
from rulesearch.fitting.form import ColumnForm
from rulesearch.inference.deciding import cells_for_decision, posterior_of, told
from rulesearch.inference.fitting import Fit, fit
from rulesearch.inference.optima import Optima
from rulesearch.inference.prior import Prior
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


def _columns(text: str, columns: dict[str, np.ndarray], y: np.ndarray, sem: float) -> Fit:
    form = ColumnForm(parse_rules(text).only(), columns, [""] * len(y))
    data = Data([str(k) for k in range(len(y))], y, np.full(len(y), sem), True)
    return fit(form, data, np.random.default_rng(0))


def test_of_a_product_no_more_is_held_than_of_one_number() -> None:
    # log a and log b are normal with width log 10: given their sum, their difference has sqrt(2) log 10.
    x = np.linspace(-1.0, 1.0, 20)
    found = _columns("on_step: a*b*x; a = 1; b = 4; eta = 1", {"x": x}, 3.0 * x, 0.1)
    draws = sample(found, np.random.default_rng(1), 2000)
    a, b = draws.flat.T
    error = 0.1 / math.sqrt(np.sum(x**2))
    assert draws.settled
    assert np.mean(a * b) == pytest.approx(3.0, abs=4.0 * error / math.sqrt(500))
    assert np.std(a * b) == pytest.approx(error, rel=0.15)
    apart = math.sqrt(2.0) * math.log(10.0)
    assert np.std(np.log(a / b)) == pytest.approx(apart, rel=0.15)
    middle = math.log(found.numbers[0] / found.numbers[1])
    assert np.mean(np.log(a / b)) == pytest.approx(middle, abs=4.0 * apart / math.sqrt(500))


def test_optima_apart_have_their_shares() -> None:
    # (a - b)^2 = 4 and a + b = 4 have two solutions, (3, 1) and (1, 3), and the priors of a and b are the same.
    x = np.linspace(-1.0, 1.0, 20)
    text = "on_step: (a - b)**2*x + (a + b)*y; a = 1; b = 2; eta = 1"
    found = _columns(text, {"x": x, "y": 1.0 - x**2}, 4.0 * x + 4.0 * (1.0 - x**2), 0.5)
    draws = sample(found, np.random.default_rng(1), 2000)
    a, b = draws.flat.T
    assert draws.settled
    assert np.mean(a > b) == pytest.approx(0.5, abs=0.08)
    assert np.mean(np.maximum(a, b)) == pytest.approx(3.0, abs=0.1)


def test_what_data_do_not_ask_about_is_as_before() -> None:
    x = np.linspace(-1.0, 1.0, 20)
    found = _columns("on_step: a*x - b*y; a = 1; b = 5; eta = 1", {"x": x, "y": np.zeros(20)}, 3.0 * x, 0.1)
    logs = np.log(sample(found, np.random.default_rng(1), 2000).flat[:, 1])
    assert np.mean(logs) == pytest.approx(math.log(5.0), abs=4.0 * math.log(10.0) / math.sqrt(500))
    assert np.std(logs) == pytest.approx(math.log(10.0), rel=0.15)


def test_numbers_are_as_large_as_makes_the_measured_changes() -> None:
    x = np.linspace(-1.0, 1.0, 20)
    found = _columns("on_step: a*x - b*x**2; a = 1; b = 1; eta = 1", {"x": x}, 3.0 * x, 0.1)
    prior = Prior(found, np.random.default_rng(1))
    needed = [1.0, math.sqrt(np.mean(x**2) / np.mean(x**4))]
    assert np.exp(prior.median) == pytest.approx(3.0 * np.array(needed), rel=1e-3)
    assert prior.width == pytest.approx(math.log(10.0))
    points = prior.median + prior.width * np.array([[0.0, 0.0], [1.0, 2.0]])
    assert prior.log_density(points) == pytest.approx([0.0, -2.5])
    assert prior.numbers(points)[1] == pytest.approx(np.array([10.0, 100.0]) * prior.numbers(points)[0])


def test_one_optimum_is_a_multivariate_t() -> None:
    x = np.linspace(-1.0, 1.0, 20)
    found = _columns("on_step: a*x + b; a = 1; b = 1; eta = 1", {"x": x}, 3.0 * x + 1.0, 0.1)
    optima = Optima(found, Prior(found, np.random.default_rng(1)), np.random.default_rng(2))
    assert np.exp(optima.points) == pytest.approx(np.array([[3.0, 1.0]]), rel=0.01)
    covariance = optima.roots[0] @ optima.roots[0].T
    # In logarithms, widths are relative ones.
    relative = [0.1 / math.sqrt(np.sum(x**2)) / 3.0, 0.1 / math.sqrt(20)]
    assert np.sqrt(np.diag(covariance)) == pytest.approx(relative, rel=0.02)
    points = optima.draws(np.random.default_rng(3), 5)
    exact = multivariate_t(optima.points[0], covariance, df=5).logpdf(points)
    assert np.diff(optima.log_density(points)) == pytest.approx(np.diff(exact))


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
    parts, weights = [np.zeros(10), np.full(10, 1.0)], np.array([0.5, 0.5])
    chances = posterior_of(np.array([0.0, 0.5, 1.0]), 0.5, parts, weights)
    odds = math.exp(-0.5 * (1.0 / 0.5) ** 2)
    assert chances[0] == pytest.approx([1.0 / (1.0 + odds), 0.5, odds / (1.0 + odds)])
    # Nothing is told of rules that say the same, all of it where they are far apart.
    assert told([np.zeros(10), np.zeros(10)], weights, 0.5) == (0.0, pytest.approx(0.5))
    bits, sure = told(parts, weights, 0.01)
    assert bits == pytest.approx(1.0) and sure == pytest.approx(1.0)
    # E over y of the true one's chance is 0.95 at d/error = 3.6 (numerically): with d = 1 and s = 1, 14 cells.
    assert cells_for_decision(parts, weights, 1.0) in {10, 14, 20}
    assert cells_for_decision([np.zeros(10), np.zeros(10)], weights, 1.0) is None
