"""What a search does with a task is said in one place, also by tasks that were written before there was one."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.tasks import Protocol, Task, load_task, task_names
from rulesearch.tasks.oja import Oja
from rulesearch.tasks.protocol import FORMER
from rulesearch.tasks.recorded import RecordedTask, task_to_json
from rulesearch.tasks.stdp_protocols import StdpFrequency


def recorded(document: dict[str, Any]) -> RecordedTask:
    return RecordedTask(json.loads(json.dumps(document, allow_nan=False)))


def test_a_task_says_what_it_is_and_its_protocol_what_a_search_does_with_it() -> None:
    assert not set(FORMER) & set(Task.__annotations__)
    for name in task_names():
        assert not [field.name for field in fields(Protocol) if hasattr(load_task(name), field.name)]


def test_rules_are_chosen_on_whichever_seeds_are_more() -> None:
    assert Protocol(selection_trials=5, front_trials=0).choosing_trials == 5
    assert Protocol(selection_trials=5, front_trials=20).choosing_trials == 20


def test_class_variables_of_former_tasks_go_into_the_protocol_of_the_class_alone() -> None:
    class Own(Oja):
        finalists = 3
        evidence = (2, 1)
        title = "a task of its own"

    class Theirs(Own):
        report_trials = 7

    assert Own.protocol == Protocol(
        aims=Oja.protocol.aims, front_trials=20, finalists=3, evidence_rules=2, evidence_seeds=1
    )
    assert (Theirs.protocol.finalists, Theirs.protocol.report_trials, Own.protocol.report_trials) == (3, 7, 10)
    assert Oja.protocol.finalists == Protocol().finalists
    assert not hasattr(Theirs, "finalists") and not hasattr(Own, "evidence") and Own.title == "a task of its own"


@pytest.mark.parametrize("name", task_names())
def test_a_store_keeps_the_protocol(name: str) -> None:
    task = load_task(name)
    assert recorded(task_to_json(task, task.resolve())).protocol == task.protocol


def test_a_store_from_before_there_were_protocols_is_read() -> None:
    task = load_task("inhibitory-rate")
    document = task_to_json(task, task.resolve())
    protocol = document.pop("protocol")
    evidence = [protocol.pop("evidence_rules"), protocol.pop("evidence_seeds")]
    document["declared"] |= {**protocol, "evidence": evidence}
    assert recorded(document).protocol == task.protocol


@pytest.mark.parametrize("damage", [{"finalists": "4"}, {"aims": 3}, {"evidence": 3}, {"evidence": [1, 2, 3]}], ids=str)
def test_a_protocol_of_other_kinds_is_a_damaged_store(damage: dict[str, Any]) -> None:
    task = load_task("oja")
    document = task_to_json(task, task.resolve())
    with pytest.raises(RulesearchError, match="damaged"):
        recorded(document | {"protocol": document["protocol"] | damage})


def test_measurements_are_asked_for_by_name_of_any_task() -> None:
    assert load_task("oja").measured() == ()
    assert [(each.label, each.sem > 0.0) for each in StdpFrequency().measured()][:1] == [("+10 ms, 0.1 Hz", True)]
