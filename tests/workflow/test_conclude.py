"""What is said of a search that found nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rulesearch.workflow.conclude import _nothing


@pytest.mark.parametrize(
    ("deaths", "distinct", "hopeless", "said"),
    [
        ({"runaway": 4}, 0, 1.0, "no rule ran to its end; nothing was found"),
        ({"ok": 3}, 0, 1.0, "nothing was found: 3 rules ran to the end of a screening, none with a loss of at most 1"),
        ({"ok": 3}, 2, 1.0, "no rule ran to its end; nothing was found"),
        ({"ok": 3}, 0, None, "no rule ran to its end; nothing was found"),
    ],
)
def test_why_nothing_was_found_is_said(
    deaths: Mapping[str, int], distinct: int, hopeless: float | None, said: str
) -> None:
    progress, screen = SimpleNamespace(deaths=deaths, distinct=distinct), SimpleNamespace(hopeless=hopeless)
    problem = SimpleNamespace(progress=progress, screen=screen, how_it_ended=lambda: "; over")
    found = _nothing(cast(Any, problem))
    assert found.startswith(said) and found.endswith("; over")
