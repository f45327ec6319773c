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
        lambda: CALLS.rule(3.5),
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


def test_a_rule_is_read_from_whatever_stands_for_one() -> None:
    oja = rs.rule("x*y - w*y**2; eta = 0.01")
    assert str(oja) == "x*y - w*y**2; eta = 0.01"
    assert rs.rule(oja) == oja
    assert rs.rule("vogels").states == rs.known_rules()["vogels"].rules.only().states


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("feedforward[x*y]; lateral[-x*y]", "expected one rule, found a set of 2: feedforward, lateral"),
        ("x*(y", "column 5"),
        (3.5, "a rule is its text, a known name"),
    ],
    ids=str,
)
def test_what_is_not_one_rule_is_refused(what: Any, said: str) -> None:
    with pytest.raises(RulesearchError, match=said):
        CALLS.rule(what)


def test_classes_of_shipped_tasks_are_found_in_their_package() -> None:
    from rulesearch import tasks

    assert issubclass(tasks.Oja, tasks.Task) and type(tasks.load_task("oja")) is tasks.Oja
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        tasks.nothing  # noqa: B018


def test_a_recording_of_a_network_is_drawn() -> None:
    from rulesearch.simulate import Network, Neuron, Population, Receptor, Simulation

    cell = Neuron({"E": Receptor(0.005, 0.0)}, current=300.0)
    recording = Simulation(Network([Population("cells", 5, cell)], []), seed=0).run(0.2)
    figure = rs.plot(recording)
    assert [axes.get_title(loc="left") for axes in figure.axes]
    with pytest.raises(RulesearchError, match="is drawn by itself"):
        CALLS.plot([recording, "oja"])


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
