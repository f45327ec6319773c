"""Spikes of sources: rates, groups, patterns, given times."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.simulate.network.sources import FluctuatingGroups, FrozenPatterns, Poisson, Source, SpikeTimes

DT = 1e-3


def spikes(source: Source, seconds: float, seed: int = 1, stretches: int = 1) -> tuple[Any, Any]:
    """Return steps and afferents of all spikes, drawn in so many stretches."""
    stream = source.stream(np.random.Generator(np.random.PCG64(seed)), DT)
    total, at, units = round(seconds / DT), [], []
    edges = np.linspace(0, total, stretches + 1).astype(int)
    for start, stop in itertools.pairwise(edges):
        offsets, found = stream.draw(int(start), int(stop - start))
        at.append(np.repeat(np.arange(start, stop), np.diff(offsets)))
        units.append(found)
    steps, afferents = np.concatenate(at), np.concatenate(units)
    order = np.lexsort((afferents, steps))
    np.testing.assert_array_equal(order, np.arange(len(steps)))
    assert len(set(zip(steps.tolist(), afferents.tolist(), strict=True))) == len(steps)
    return steps, afferents


def test_poisson_rates_are_met() -> None:
    steps, _ = spikes(Poisson("p", 100, 20.0), 50.0)
    # 100,000 spikes: four standard deviations are 1.3 %.
    assert len(steps) == pytest.approx(100_000, rel=0.013)
    counts = np.bincount(steps, minlength=50_000)
    assert counts.var() == pytest.approx(2.0 * 0.98, rel=0.05)


def test_poisson_rates_differ_between_afferents_and_in_time() -> None:
    _, afferents = spikes(Poisson("p", 3, np.array([0.0, 10.0, 40.0])), 200.0)
    counts = np.bincount(afferents, minlength=3)
    assert counts[0] == 0
    assert counts[1] == pytest.approx(2000, rel=0.1) and counts[2] == pytest.approx(8000, rel=0.05)
    steps, _ = spikes(Poisson("p", 50, np.array([[5.0], [80.0], [0.0]]), 10.0), 40.0, stretches=7)
    by_bin = np.histogram(steps * DT, [0.0, 10.0, 20.0, 40.0])[0]
    assert by_bin[0] == pytest.approx(2500, rel=0.1) and by_bin[1] == pytest.approx(40_000, rel=0.03)
    assert by_bin[2] == 0


def test_groups_share_their_rate() -> None:
    steps, afferents = spikes(FluctuatingGroups("g", 80, 2, 10.0, 50.0), 60.0, stretches=60)
    bins = np.zeros((4, 3000))
    np.add.at(bins, (afferents // 20, steps // 20), 1.0)
    correlation = np.corrcoef(bins)
    assert correlation[0, 1] > 0.5 and correlation[2, 3] > 0.5
    assert abs(correlation[0, 2]) < 0.15
    # The mean of a rectified normal variable is sd/sqrt(2 pi).
    assert len(steps) / 80 / 60.0 == pytest.approx(10.0 + 50.0 / np.sqrt(2.0 * np.pi), rel=0.15)


def test_given_spikes_come_at_their_steps() -> None:
    source = SpikeTimes("s", 3, np.array([0.005, 0.001, 0.005]), np.array([2, 0, 1]))
    for stretches in (1, 4):
        steps, afferents = spikes(source, 0.01, stretches=stretches)
        assert steps.tolist() == [1, 5, 5] and afferents.tolist() == [0, 1, 2]


def test_patterns_come_back_and_silence_their_members_background() -> None:
    pattern = (np.array([0.0, 0.02]), np.array([0, 1]))
    source = FrozenPatterns("f", 20, (pattern,), 0.05, np.array([0.1, 0.4]), np.array([0, 0]), 40.0, np.arange(10))
    steps, afferents = spikes(source, 1.0, stretches=5)
    for begin in (100, 400):
        shown = (steps >= begin) & (steps < begin + 50) & (afferents < 10)
        assert list(zip((steps[shown] - begin).tolist(), afferents[shown].tolist(), strict=True)) == [(0, 0), (20, 1)]
    others = (steps >= 100) & (steps < 150) & (afferents >= 10)
    assert others.sum() > 5
    assert np.sum(afferents < 10) == pytest.approx(10 * 40 * 0.9, rel=0.2)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Poisson("p", 3, -1.0), "rates must lie in 0 to 1000 Hz"),
        (Poisson("p", 3, np.ones(2)), "do not fit 3 afferents"),
        (FluctuatingGroups("p", 10, 3, 5.0, 5.0), "3 equal groups"),
        (SpikeTimes("p", 3, np.array([0.1]), np.array([3])), "afferents must lie in 0 to 2"),
        (SpikeTimes("p", 3, np.array([-0.1]), np.array([0])), "at least 0 s"),
        (SpikeTimes("p", 3, np.array([0.1, 0.1001]), np.array([0, 0])), "fires twice"),
        (FrozenPatterns("p", 3, (), 0.1, np.array([0.0]), np.array([0])), "shown must name patterns"),
    ],
)
def test_wrong_sources_are_refused(source: Source, message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        source.stream(np.random.default_rng(0), DT)
