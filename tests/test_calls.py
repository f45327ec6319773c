"""The calls of the package from a script: what is of another type than they take is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError

CALLS: Any = rs
"""The package without its types, which say already that these calls are wrong."""


@pytest.mark.parametrize(
    "call",
    [
        lambda: CALLS.evaluate(None, task="oja"),
        lambda: CALLS.compare(3.5),
        lambda: CALLS.compare("x*y", [3.5]),
        lambda: CALLS.plot(None),
        lambda: CALLS.plot(3.5, "oja"),
        lambda: CALLS.simplify(3.5),
        lambda: CALLS.respond(None),
        lambda: CALLS.cite(3.5),
    ],
)
def test_what_is_no_rule_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(RulesearchError, match=r"^a rule is its text, a known name, .*, found (None|3\.5)$"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: CALLS.evaluate("x", task=3),
        lambda: CALLS.evaluate("x", task=[]),
        lambda: CALLS.compare("x", task=3),
        lambda: CALLS.export("x", "latex", task=3),
    ],
)
def test_what_is_no_task_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(RulesearchError, match=r"^a task is a name, .*, found (3|\[\])$"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: CALLS.families(["r1", "r1"]),
        lambda: CALLS.compare_runs(["r1", "r1"]),
        lambda: CALLS.resume(["r1", "r1"]),
        lambda: CALLS.write_report(["r1", "r1"]),
        lambda: CALLS.Run.open(["r1", "r1"]),
    ],
)
def test_what_is_no_run_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(RulesearchError, match=r"^a run is its folder, .*, found \['r1', 'r1'\]$"):
        call()


def test_what_cannot_be_exported_is_refused() -> None:
    with pytest.raises(RulesearchError, match=r"^what is exported is a rule or a run, found 3$"):
        CALLS.export(3, "latex")
