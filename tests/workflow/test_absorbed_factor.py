"""A constant factor of a rule is part of its learning rate."""

from __future__ import annotations

import pytest

from rulesearch.rules import parse_rules
from rulesearch.workflow.clean_up import _absorb_factor


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("c3*y*(x - w*y); eta = 0.01; c3 = 0.6", "y*(x - w*y); eta = 0.006"),
        ("y*(x - w*y)/2; eta = 0.01", "y*(x - w*y); eta = 0.005"),
        ("-2*x; eta = 1", "-2*x; eta = 1"),
        ("y*(x - w*y); eta = 0.01", "y*(x - w*y); eta = 0.01"),
        ("on_pre: 2*y; on_post: x; eta = 1", "on_pre: 2*y; on_post: x; eta = 1"),
        ("v*a; eta = 1; a = 2 mV", "v*a; eta = 1; a = 2 mV"),
    ],
)
def test_only_a_positive_pure_factor_of_a_single_slot_goes_into_eta(before: str, after: str) -> None:
    assert _absorb_factor(parse_rules(before), []) == parse_rules(after)
