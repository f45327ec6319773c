"""The layer that tells familiar stimuli from novel ones."""

from __future__ import annotations

import pytest

from rulesearch.checks.familiarity import familiarity
from rulesearch.rules import parse_rules

SMALL = {"components": 25, "units": 2, "interval": 2}
OWN = {"decay": 0.204, "gain": 0.265}


def test_a_layer_answers_as_the_published_one_with_the_constants_of_its_size_alone() -> None:
    large = parse_rules("-decay*w - gain*x*y; decay = 0.012; gain = 0.135")
    assert familiarity(large, {**SMALL, "constants": OWN}, 3)["accuracy"] == pytest.approx(0.98, abs=0.015)
    assert familiarity(large, SMALL, 3)["accuracy"] < 0.9


def test_without_a_trace_of_what_was_seen_two_thirds_of_the_answers_are_right() -> None:
    # A stimulus is repeated with probability 1/2 where the one before was novel: 2/3 are novel.
    assert familiarity(parse_rules("0*x*y*w"), SMALL, 3)["accuracy"] == pytest.approx(2 / 3, abs=0.015)


def test_weights_that_grow_without_limit_end_the_check() -> None:
    assert familiarity(parse_rules("1e3*w + x"), SMALL, 3) == {}
