"""Task oja: its data, its scores, and what Oja's rule reaches."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.datasets import make_spd_matrix

from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.tasks.oja import Oja, oja_data, random_spd, separated_spectrum
from rulesearch.tasks.trial import Trial

TASK = Oja()
SETTINGS = TASK.resolve()
QUICK = TASK.resolve({"data_sets": 4, "points": 1000})


def trial(text: str, seed: int = 0, settings: dict[str, float] | None = None) -> Trial:
    values = settings or QUICK
    return TASK.trial(TASK.bind(TASK.parse(text), values), seed, values, "full")


@pytest.mark.parametrize("dims", [2, 3, 10])
def test_covariances_are_those_of_scikit_learn(dims: int) -> None:
    for seed in range(20):
        theirs = make_spd_matrix(dims, random_state=seed)
        theirs = (theirs + theirs.T) / 2.0
        # The old generator has the method `uniform` too, and gives both the same numbers.
        ours = random_spd(dims, np.random.RandomState(seed))  # type: ignore[arg-type]
        np.testing.assert_allclose(ours, theirs / np.abs(theirs).max(), rtol=1e-9, atol=1e-12)


def test_random_covariances_are_symmetric_positive_and_scaled() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        matrix = random_spd(4, rng)
        np.testing.assert_array_equal(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix).min() > 0.0
        assert np.abs(matrix).max() == 1.0


def test_separated_spectra_have_the_eigenvalues_asked_for() -> None:
    rng = np.random.default_rng(0)
    first, second = separated_spectrum(5, 0.3, rng), separated_spectrum(5, 0.3, rng)
    np.testing.assert_allclose(np.linalg.eigvalsh(first), [0.3, 0.3, 0.3, 0.3, 1.0], rtol=1e-12)
    assert np.abs(first - second).max() > 0.1


@pytest.mark.parametrize("minor", [0.0, 0.3])
def test_data_have_the_covariance_and_component_they_say(minor: float) -> None:
    data = oja_data(5, 3, 3, 20_000, minor)
    assert data.inputs.shape == (20_000, 3, 3)
    for k in range(3):
        measured = data.inputs[:, k].T @ data.inputs[:, k] / 20_000
        np.testing.assert_allclose(measured, data.covariances[k], atol=0.05)
        component = data.components[k]
        largest = np.linalg.eigvalsh(data.covariances[k])[-1]
        np.testing.assert_allclose(data.covariances[k] @ component, largest * component, rtol=1e-9, atol=1e-12)
        assert np.linalg.norm(component) == pytest.approx(1.0)
        assert np.linalg.norm(data.initial[k]) == pytest.approx(1.0)
    assert np.abs(data.inputs[:, 0] - data.inputs[:, 1]).max() > 0.1


def test_data_depend_on_the_seed_and_not_on_how_many_sets_there_are() -> None:
    few, many = oja_data(1, 2, 2, 100, 0.0), oja_data(1, 5, 2, 100, 0.0)
    np.testing.assert_array_equal(few.inputs, many.inputs[:, :2])
    assert not np.array_equal(oja_data(2, 2, 2, 100, 0.0).inputs, few.inputs)


def test_oja_reaches_the_published_numbers_in_two_dimensions() -> None:
    outcome = evaluate_rules(TASK, TASK.baseline(SETTINGS), range(10), SETTINGS)
    assert outcome.ok
    assert outcome.metrics["angle_deg"] <= 3.0
    assert outcome.metrics["norm"] == pytest.approx(1.0, abs=0.05)
    assert outcome.metrics["fitness"] >= 9.9
    assert outcome.loss == pytest.approx(1.0 - outcome.metrics["fitness"] / 10.0)


def test_oja_reaches_the_published_numbers_in_ten_dimensions() -> None:
    settings = TASK.resolve({"dims": 10})
    assert (settings["eta"], settings["points"], settings["minor"]) == (0.005, 20_000.0, 0.3)
    outcome = evaluate_rules(TASK, TASK.baseline(settings), range(3), settings)
    assert outcome.metrics["angle_deg"] <= 6.5
    assert outcome.metrics["norm"] == pytest.approx(1.0, abs=0.05)


def test_settings_given_by_hand_stay_when_the_dimensions_change() -> None:
    given = TASK.resolve({"dims": 10, "eta": 0.02, "points": 500, "minor": 0})
    assert (given["eta"], given["points"], given["minor"]) == (0.02, 500.0, 0.0)


def test_hebb_runs_away_and_decay_falls_silent() -> None:
    runaway = trial("x*y; eta = 0.2")
    assert (runaway.status, runaway.loss, runaway.cases) == ("runaway", None, ())
    assert 0.0 < runaway.died_at < 1.0
    assert trial("-w; eta = 0.1").status == "silent"
    assert trial("1/(x - x)").status == "nonfinite"


def _by_hand(weights: npt.NDArray[np.float64], seed: int) -> float:
    """The loss for weights `(data sets, dims)` that stay as they are."""
    data = oja_data(seed, 4, 2, 1000, 0.0)
    fitness = 0.0
    for w, component, covariance in zip(weights, data.components, data.covariances, strict=True):
        norm = np.linalg.norm(w)
        penalty = 2.0 * np.max(np.diagonal(covariance))
        fitness += abs(w @ component) / norm - penalty * (norm - 1.0) ** 2
    return 1.0 - fitness / 4.0


@pytest.mark.parametrize("seed", [0, 7])
def test_the_loss_is_the_published_fitness(seed: int) -> None:
    found = trial("0*x", seed)
    assert found.loss == pytest.approx(_by_hand(oja_data(seed, 4, 2, 1000, 0.0).initial, seed), rel=1e-9)
    assert found.metrics["norm"] == pytest.approx(1.0)
    assert found.metrics["length_loss"] == pytest.approx(0.0, abs=1e-12)
    # Within one step the weights sit on their bounds.
    cornered = trial("1; eta = 10; bounds = [-2, 0.5]", seed)
    assert cornered.loss == pytest.approx(_by_hand(np.full((4, 2), 0.5), seed), rel=1e-9)
    assert cornered.metrics["norm"] == pytest.approx(math.sqrt(0.5))
    assert cornered.loss == pytest.approx(cornered.metrics["direction_loss"] + cornered.metrics["length_loss"])
    assert len(cornered.cases) == 8


def test_learning_rate_and_bounds_are_those_of_the_rule() -> None:
    assert trial("y*(x - w*y); eta = 0.01") == trial("y*(x - w*y)")
    assert trial("0.01*y*(x - w*y); eta = 1").loss == pytest.approx(trial("y*(x - w*y)").loss, rel=1e-9)
    narrow = trial("y*(x - w*y); bounds = [-0.6, 0.6]")
    assert narrow.status == "ok"
    assert narrow.metrics["norm"] < 0.9
    assert trial("y*(x - w*y); bounds = [0, 0.000001]").status == "silent"
