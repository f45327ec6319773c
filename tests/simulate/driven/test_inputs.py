"""Presynaptic spikes: rates, refractoriness, correlations, and the table of spikes by time step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesearch.errors import RulesearchError
from rulesearch.simulate.driven.inputs import (
    SpikeTrain,
    _next_spike,
    draw_conductance,
    draw_spikes,
    fluctuating_rates,
)

DT = 1e-4


def test_next_spike_solves_the_hazard_equation() -> None:
    # Rates 2, 0, 0, 0, 0, 4 per bin of 10 steps.
    hazard = np.array([0.0, 2.0, 2.0, 2.0, 2.0, 2.0, 6.0])
    assert _next_spike(hazard, 10.0, 0.0, 1.0) == pytest.approx(5.0)
    assert _next_spike(hazard, 10.0, 5.0, 2.0) == pytest.approx(52.5)
    assert _next_spike(hazard, 10.0, 25.0, 3.0) == pytest.approx(57.5)
    assert _next_spike(hazard, 10.0, 25.0, 4.0) == np.inf
    assert _next_spike(hazard, 10.0, 60.0, 0.1) == np.inf


@pytest.mark.parametrize("refractory", [0.0, 0.005, 0.02])
def test_constant_rate_with_refractoriness_is_r_over_one_plus_r_tau(refractory: float) -> None:
    rates, seconds, each = np.array([10.0, 80.0]), 100.0, 40
    group = np.repeat([0, 1], each)
    steps = round(seconds / DT)
    train = draw_spikes(np.random.default_rng(1), rates[:, None], group, steps, DT, refractory)
    dead = max(refractory, DT)
    for g, rate in enumerate(rates):
        expected = rate / (1.0 + rate * dead) * seconds * each
        assert train.counts()[group == g].sum() == pytest.approx(expected, abs=4.5 * np.sqrt(expected))


def test_plain_poisson_intervals_are_exponential() -> None:
    train = draw_spikes(np.random.default_rng(2), np.full((1, 1), 20.0), np.zeros(50, dtype=np.int64), 10**6, DT, 0.0)
    step = np.repeat(np.arange(train.steps), np.diff(train.offsets))
    intervals = np.concatenate([np.diff(step[train.indices == i]) for i in range(50)]) * DT
    assert intervals.std() / intervals.mean() == pytest.approx(1.0, abs=0.02)
    assert np.mean(intervals > 0.05) == pytest.approx(np.exp(-1.0), abs=0.01)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.lists(st.floats(0.0, 400.0), min_size=3, max_size=3), min_size=1, max_size=3),
    st.integers(1, 30),
    st.integers(50, 20_000),
    st.floats(0.0, 0.01),
)
def test_trains_are_ordered_and_keep_the_refractory_time(
    seed: int, rates: list[list[float]], afferents: int, steps: int, refractory: float
) -> None:
    group = np.arange(afferents) % len(rates)
    train = draw_spikes(np.random.default_rng(seed), np.array(rates), group, steps, DT, refractory)
    assert train.steps == steps
    assert train.offsets[0] == 0
    assert train.offsets[-1] == train.indices.size
    counts = np.diff(train.offsets)
    assert counts.min() >= 0
    step = np.repeat(np.arange(steps), counts)
    for i in range(afferents):
        own = step[train.indices == i]
        assert np.all(np.diff(own) >= max(1, int(refractory / DT)))
    same_step = np.diff(step) == 0
    assert np.all(np.diff(train.indices)[same_step] > 0)


def test_no_spikes_while_the_rate_is_zero() -> None:
    rates, group = np.array([[0.0, 100.0, 0.0]]), np.zeros(20, dtype=np.int64)
    train = draw_spikes(np.random.default_rng(3), rates, group, 30_000, DT)
    counts = np.diff(train.offsets)
    assert counts[:10_000].sum() == 0
    assert counts[20_000:].sum() == 0
    assert counts.sum() > 1000


def test_static_afferents_sum_the_weights_of_the_same_spikes() -> None:
    rates = fluctuating_rates(np.random.default_rng(4), 2, 5.0, 200.0, 5.0)
    group = np.repeat([0, 1], 10)
    train = draw_spikes(np.random.default_rng(5), rates, group, 50_000, DT)
    weights = np.linspace(0.25, 5.0, 20)
    total = draw_conductance(np.random.default_rng(5), rates, group, weights, 50_000, DT)
    step = np.repeat(np.arange(train.steps), np.diff(train.offsets))
    expected = np.bincount(step, weights=weights[train.indices], minlength=train.steps)
    np.testing.assert_allclose(total, expected, rtol=1e-6)


def test_fluctuating_rates_have_the_moments_of_a_rectified_ornstein_uhlenbeck_process() -> None:
    sd, background = 200.0, 5.0
    rates = fluctuating_rates(np.random.default_rng(6), 8, 500.0, sd, background)
    signal = (rates - background) / sd
    assert rates.shape == (8, 500_000)
    assert signal.min() == 0.0
    assert signal.mean() == pytest.approx(1.0 / np.sqrt(2.0 * np.pi), abs=0.01)
    assert np.mean(signal**2) == pytest.approx(0.5, abs=0.02)
    # For a lag of tau the unrectified signals correlate by c = 1/e.
    c = np.exp(-1.0)
    expected = (np.sqrt(1.0 - c * c) + c * (np.pi / 2.0 + np.arcsin(c))) / (2.0 * np.pi)
    assert np.mean(signal[:, :-50] * signal[:, 50:]) == pytest.approx(expected, abs=0.01)


def test_afferents_of_a_group_fire_together_and_of_two_groups_do_not() -> None:
    rates = fluctuating_rates(np.random.default_rng(7), 2, 200.0, 200.0, 5.0)
    train = draw_spikes(np.random.default_rng(8), rates, np.repeat([0, 1], 20), 2_000_000, DT)
    step = np.repeat(np.arange(train.steps), np.diff(train.offsets))
    half = np.where(train.indices < 10, 0, np.where(train.indices < 20, 1, 2))
    counts = [np.bincount(step[half == k] // 500, minlength=4000) for k in range(3)]
    assert np.corrcoef(counts[0], counts[1])[0, 1] > 0.8
    assert abs(np.corrcoef(counts[0], counts[2])[0, 1]) < 0.15


def test_the_same_seed_gives_the_same_spikes() -> None:
    first, second, other = (
        draw_spikes(np.random.default_rng(seed), np.full((1, 1), 50.0), np.zeros(5, dtype=np.int64), 10_000, DT)
        for seed in (9, 9, 10)
    )
    np.testing.assert_array_equal(first.indices, second.indices)
    np.testing.assert_array_equal(first.offsets, second.offsets)
    assert not np.array_equal(first.offsets, other.offsets)


def test_trains_from_given_times() -> None:
    train = SpikeTrain.from_times([np.array([3, 7]), np.array([], dtype=np.int64), np.array([3])], 10)
    assert train.indices.tolist() == [0, 2, 0]
    assert train.offsets.tolist() == [0, 0, 0, 0, 2, 2, 2, 2, 3, 3, 3]
    assert train.counts().tolist() == [2, 0, 1]
    with pytest.raises(RulesearchError, match="twice in one time step"):
        SpikeTrain.from_times([np.array([3, 3])], 10)
    with pytest.raises(RulesearchError, match="outside of the 10 steps"):
        SpikeTrain.from_times([np.array([10])], 10)


@pytest.mark.parametrize("rate", [-1.0, np.nan, np.inf])
def test_impossible_rates_are_refused(rate: float) -> None:
    with pytest.raises(RulesearchError, match="at least 0 Hz"):
        draw_spikes(np.random.default_rng(0), np.full((1, 1), rate), np.zeros(1, dtype=np.int64), 10, DT)
