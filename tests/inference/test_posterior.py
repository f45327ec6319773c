"""Posteriors by normalising flows: a law with a known answer, and ranks of truths drawn from the prior."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from rulesearch.inference.posterior import Posterior

pytestmark = pytest.mark.slow


def simulated(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two shares, and metrics: their sum with noise of 0.05, and nothing but noise."""
    rng = np.random.Generator(np.random.PCG64(seed))
    shares = rng.random((count, 2))
    noise = rng.standard_normal((count, 2))
    return shares, np.stack([shares.sum(axis=1) + 0.05 * noise[:, 0], noise[:, 1]], axis=1)


def fitted(seed: int) -> Posterior:
    pytest.importorskip("sbi")
    shares, metrics = simulated(2000, 1)
    return Posterior(shares, metrics, np.ones(2), np.random.Generator(np.random.PCG64(seed)))


def test_a_posterior_knows_what_was_measured_and_nothing_else() -> None:
    posterior = fitted(2)
    rng = np.random.Generator(np.random.PCG64(3))
    drawn = posterior.sample(np.array([[1.0, 0.0], [1.6, 0.0]]), rng, 2000)
    assert drawn.shape == (2000, 2, 2)
    assert drawn.min() > 0.0 and drawn.max() < 1.0
    for index, total in enumerate((1.0, 1.6)):
        sums = drawn[:, index].sum(axis=1)
        assert sums.mean() == pytest.approx(total, abs=0.03)
        assert sums.std() < 0.1
    # Under a sum of 1 either share may be anything: uniform, with a standard deviation of 0.29.
    assert drawn[:, 0, 0].std() == pytest.approx(1.0 / np.sqrt(12.0), rel=0.15)
    truth, seen = simulated(300, 4)
    ranks = (posterior.sample(seen, rng, 99) < truth).mean(axis=0)
    # Where truths are drawn from the prior their ranks are uniform: mean 1/2, standard error 0.29/sqrt(300) = 0.017.
    assert np.abs(ranks.mean(axis=0) - 0.5).max() < 0.06
    assert np.abs(ranks.std(axis=0) - 1.0 / np.sqrt(12.0)).max() < 0.05


def test_a_seed_gives_the_same_posterior_and_leaves_the_generator_of_others_alone() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    drawn = [fitted(7).sample(np.array([[1.0, 0.0]]), np.random.Generator(np.random.PCG64(1)), 5) for _ in range(2)]
    assert np.array_equal(drawn[0], drawn[1])
    assert torch.equal(before, torch.random.get_rng_state())


def test_nothing_is_imported_before_it_is_needed() -> None:
    code = "import sys, rulesearch, rulesearch.search.sbi_engine; print('torch' in sys.modules, 'sbi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == ["False"] * 2
