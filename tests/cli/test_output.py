"""Rules as a table shows them."""

from __future__ import annotations

import pytest

from rulesearch.rules import parse_rules
from rulesearch.rules.text import short_rule


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x**2 - w + c; c = -0.8125", "x**2 - w - 0.812"),
        ("x - c*w; c = -2", "x + 2*w"),
        ("x + c**2; c = -2", "x + (-2)**2"),
        ("x - (c + w); c = -1", "x - (-1 + w)"),
        ("on_pre: y + c; on_post: x; c = -0.228", "on_pre: y - 0.228; on_post: x"),
    ],
)
def test_constants_stand_as_short_numbers_with_one_sign(text: str, shown: str) -> None:
    assert short_rule(parse_rules(text)) == shown
