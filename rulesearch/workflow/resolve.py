"""Whatever stands for a rule: its text, a known rule's name, a file, or a run and rank."""

from __future__ import annotations

import re
from pathlib import Path

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.records import is_run
from rulesearch.files import read_text
from rulesearch.rules.json_format import rules_from_json
from rulesearch.rules.library import find_known
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.tasks.task import Task
from rulesearch.workflow.experiment import read_experiment
from rulesearch.workflow.kept_task import described_task

_RANK = re.compile("[0-9]{1,9}")


def read_rules(argument: str, task: Task | None = None) -> RuleSet:
    """Return the rules that an argument stands for; with a task, checked to fit it.

    **Raises:** `RulesearchError`.
    """
    text = argument.strip()
    known = find_known(text)
    if known is not None:
        rules = known.rules
    elif text.endswith(".json"):
        rules = _from_file(Path(text))
    elif _is_run(text):
        folder, _, rank = text.rpartition(":")
        rules = _from_run(Path(folder), rank)
    else:
        return parse_rules(argument) if task is None else task.parse(argument)
    if task is not None:
        task.check(rules)
    return rules


def task_of(argument: str) -> tuple[Task, dict[str, float]] | None:
    """Return the task that the rule of a run was found on, and its settings; None where the run does not tell."""
    text = argument.strip()
    if find_known(text) is not None or not _is_run(text):
        return None
    folder = Path(text.rpartition(":")[0])
    experiment = read_experiment(folder / "experiment.toml")
    try:
        task = described_task(folder, experiment.task)
    except RulesearchError:
        return None
    return task, task.resolve(experiment.settings)


def _is_run(text: str) -> bool:
    folder, colon, rank = text.rpartition(":")
    return bool(colon) and _RANK.fullmatch(rank.strip()) is not None and is_run(Path(folder))


def _from_file(path: Path) -> RuleSet:
    return rules_from_json(read_text(path), str(path))


def _from_run(folder: Path, rank: str) -> RuleSet:
    from rulesearch.workflow.run import Run

    return Run.open(folder).member(int(rank)).rules
