"""Which conditions a task has follows from what it says, and else from the names of its settings."""

from __future__ import annotations

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.tasks import Setting, Stress, Task, Times, load_task
from rulesearch.tasks.conditions import KINDS, Condition, conditions
from rulesearch.tasks.registry import TASKS

DECLARED = {
    "dt": Setting(0.2, "time step", 0.01, 1.0),
    "neurons": Setting(100, "neurons", 1, 1000, whole=True),
    "learning": Setting(30.0, "time", 1.0, 100.0),
    "minor": Setting(0.6, "eigenvalue", 0.0, 1.0),
}
VALUES = {name: setting.default for name, setting in DECLARED.items()}


def found(stress: Stress) -> dict[str, list[Condition]]:
    by_kind: dict[str, list[Condition]] = {}
    for each in conditions(stress, DECLARED, VALUES):
        by_kind.setdefault(each.kind, []).append(each)
    return by_kind


def test_the_names_of_settings_tell_what_they_are() -> None:
    by_kind = found(Stress())
    assert by_kind["halved time step"] == [Condition("halved time step", {"dt": (0.2, 0.1)}, cost=2.0)]
    assert [each.settings for each in by_kind["twice the network"]] == [{"neurons": 200.0}]
    [long] = by_kind["ten times as long"]
    assert (long.settings, long.cost) == ({"learning": 300.0}, 10.0)
    assert by_kind["other initial weights"][0].reason == "it has no setting for its first weights, such as w_start"


def test_every_kind_is_named_with_changes_or_with_a_reason() -> None:
    by_kind = found(Stress(step="it has none"))
    assert list(by_kind) == [kind.name for kind in KINDS]
    assert by_kind["halved time step"] == [Condition("halved time step", {}, "it has none")]
    for each in (each for several in by_kind.values() for each in several):
        assert bool(each.changes) != bool(each.reason)


def test_each_change_that_a_task_gives_is_a_condition_of_its_own() -> None:
    by_kind = found(Stress(inputs=({"minor": 0.1}, {"minor": Times(0.5), "dt": 0.2}, {"minor": 0.6})))
    first, second, third = by_kind["other input rates"]
    assert first.changes == {"minor": (0.6, 0.1)}
    assert second.changes == {"minor": (0.6, 0.3)}
    assert third.reason == "minor would not change"


def test_a_change_of_what_is_no_setting_is_refused() -> None:
    with pytest.raises(RulesearchError, match="changes 'neuron', which is none of its settings"):
        found(Stress(size=({"neuron": Times(2.0)},)))


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest) -> Task:
    return load_task(request.param)


def test_every_shipped_task_can_have_the_conditions_that_it_names(task: Task) -> None:
    values = task.resolve()
    named = list(conditions(task.stress, task.settings, values))
    assert {each.kind for each in named} == {kind.name for kind in KINDS}
    for each in named:
        assert bool(each.changes) != bool(each.reason)
        changed = task.resolve({**values, **each.settings})
        assert {name: value for name, value in changed.items() if value != values[name]} == each.settings
    # Reasons are of the task, not that it forgot to say something.
    assert not [each for each in named if each.reason.startswith("it has no setting")]
