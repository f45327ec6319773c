"""One of a thing is said in the singular."""

from __future__ import annotations

import pytest

from rulesearch.wording import counted


@pytest.mark.parametrize(("number", "said"), [(0, "0 rules"), (1, "1 rule"), (2, "2 rules"), (2_000, "2,000 rules")])
def test_only_one_is_in_the_singular(number: int, said: str) -> None:
    assert counted(number, "rule") == said
