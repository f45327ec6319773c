"""R_max of the paper: from the share of right answers alone, without its million iterations."""

from __future__ import annotations

import math

import pytest

from rulesearch.tasks.familiarity_curriculum import LOOKED_AT, PUBLISHED, largest_interval, passes


def test_five_sequences_pass_with_at_most_two_wrong_answers_in_a_thousand() -> None:
    # At intervals up to 10 that is two of 1,000 answers, the binomial sum of three terms.
    wrong = 0.015
    by_hand = sum(math.comb(1000, k) * wrong**k * (1.0 - wrong) ** (1000 - k) for k in range(3))
    assert passes(1.0 - wrong, 10) == pytest.approx(LOOKED_AT * by_hand)
    assert passes(1.0 - wrong, 20) < passes(1.0 - wrong, 10)
    assert (passes(1.0, 3), passes(0.0, 3)) == (LOOKED_AT, 0.0)


@pytest.mark.parametrize("start", [1, 6, 7, 8, 40])
def test_a_curriculum_stays_at_the_first_interval_where_no_pass_is_expected(start: int) -> None:
    assert largest_interval(lambda interval: 0.99 if interval < 7 else 0.98, start) == 7


def test_a_network_that_never_passes_stays_at_one_and_one_that_always_does_is_not_followed_for_ever() -> None:
    assert largest_interval(lambda interval: 0.7, 9) == 1
    assert largest_interval(lambda interval: 1.0, 990) == 1001


def test_accuracies_of_the_published_networks_give_their_intervals() -> None:
    # Right answers of the networks in dtyulman/hebbff just below and at R_max, computed on 40,000 stimuli.
    measured = {
        (25, 2): (0.9922, 0.9818),
        (25, 8): (0.9853, 0.9807),
        (25, 16): (0.9840, 0.9810),
        (50, 2): (0.9850, 0.9766),
        (50, 4): (0.9845, 0.9789),
        (100, 2): (0.9874, 0.9831),
    }
    for size, (below, at) in measured.items():
        ends = PUBLISHED[size].r_max
        assert passes(below, ends - 1) >= 1.0 > passes(at, ends)
