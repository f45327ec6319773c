"""Patterns of connections."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rulesearch.simulate.network.wiring import (
    AllToAll,
    FixedInDegree,
    FixedProbability,
    Pairs,
    Rows,
    columns,
    draw_rows,
    split_by_delay,
)


def drawn(wiring: AllToAll | FixedInDegree | FixedProbability | Pairs, senders: int, targets: int, same: bool) -> Rows:
    return draw_rows(wiring, senders, targets, same, np.random.default_rng(1), "p")


def pairs_of(rows: Rows) -> list[tuple[int, int]]:
    sender = np.repeat(np.arange(rows.starts.size - 1), np.diff(rows.starts))
    return list(zip(sender.tolist(), rows.targets.tolist(), strict=True))


def test_all_to_all_leaves_a_neuron_itself_out() -> None:
    assert pairs_of(drawn(AllToAll(), 2, 3, False)) == [(i, j) for i in range(2) for j in range(3)]
    assert pairs_of(drawn(AllToAll(), 3, 3, True)) == [(i, j) for i in range(3) for j in range(3) if i != j]
    assert len(drawn(AllToAll(to_itself=True), 3, 3, True).targets) == 9


def test_fixed_probability_connects_that_share_without_repeats() -> None:
    found = pairs_of(drawn(FixedProbability(0.1), 1000, 500, False))
    assert len(set(found)) == len(found) and found == sorted(found)
    # 50,000 are expected, with a standard deviation of 212.
    assert abs(len(found) - 50_000) < 850
    targets = np.bincount([j for _, j in found], minlength=500)
    assert abs(targets.var() / 90.0 - 1.0) < 0.25
    assert drawn(FixedProbability(0.0), 10, 10, False).targets.size == 0


@given(st.integers(1, 12), st.integers(1, 12), st.booleans(), st.integers(0, 2**32))
def test_fixed_in_degree_is_exact(senders: int, targets: int, same: bool, seed: int) -> None:
    targets = senders if same else targets
    degree = seed % (senders - same + 1)
    rows = draw_rows(FixedInDegree(degree), senders, targets, same, np.random.default_rng(seed), "p")
    found = pairs_of(rows)
    assert len(set(found)) == len(found) and found == sorted(found)
    assert np.all(np.bincount([j for _, j in found], minlength=targets) == degree)
    assert not same or all(i != j for i, j in found)


def test_fixed_in_degree_chooses_every_sender_alike() -> None:
    counts = np.zeros(10)
    generator = np.random.default_rng(2)
    for _ in range(400):
        counts += np.diff(draw_rows(FixedInDegree(3), 10, 20, False, generator, "p").starts)
    # 2,400 each, with a standard deviation of 41.
    assert np.abs(counts - 2400.0).max() < 180.0


def test_pairs_keep_their_order_beside_the_rows() -> None:
    wiring = Pairs(np.array([2, 0, 2, 1]), np.array([1, 1, 0, 2]))
    rows = drawn(wiring, 3, 3, False)
    assert pairs_of(rows) == [(0, 1), (1, 2), (2, 0), (2, 1)]
    assert rows.order.tolist() == [1, 3, 2, 0]


@given(st.integers(0, 2**32))
def test_columns_and_delays_keep_every_synapse(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = draw_rows(FixedProbability(0.4), 6, 5, False, generator, "p")
    delays = generator.integers(1, 4, rows.targets.size)
    split, order = split_by_delay(rows, delays, np.array([1, 2, 3]))
    sender = np.repeat(np.arange(6), np.diff(rows.starts))
    row = np.repeat(np.arange(18), np.diff(split.starts))
    np.testing.assert_array_equal(row % 6, sender[order])
    np.testing.assert_array_equal(row // 6 + 1, delays[order])
    np.testing.assert_array_equal(split.targets, rows.targets[order])
    starts, synapse, owner = columns(split, 5)
    assert sorted(synapse.tolist()) == list(range(rows.targets.size))
    np.testing.assert_array_equal(split.targets[synapse], np.repeat(np.arange(5), np.diff(starts)))
    np.testing.assert_array_equal(owner, row[synapse])
