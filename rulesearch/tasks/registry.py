"""The shipped tasks, and tasks of the user's own (`my_task.py:Name`)."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.measurements.columns import parse_columns
from rulesearch.measurements.protocols import as_protocols, is_protocol_table
from rulesearch.measurements.sheet import SUFFIXES, read_sheet
from rulesearch.tasks.source import absolute, digest, import_file, split_reference, task_files, unpacked
from rulesearch.tasks.task import Task

_CLASS = re.compile(
    r'^(?:class (?P<kind>\w+)\(|    name(?:: ClassVar\[str\])? = "(?P<name>[a-z][a-z0-9-]*)")', re.MULTILINE
)
_FIRST = ("oja", "inhibitory-rate")
"""What comes first in lists; the others follow by name."""


def _shipped_tasks() -> dict[str, tuple[str, str]]:
    """Return module and class of each class in this folder that gives a task a name, from the text of the modules."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        kind = ""
        for match in _CLASS.finditer(path.read_text("utf-8")):
            kind = match["kind"] or kind
            if match["name"]:
                found[match["name"]] = (f"{__package__}.{path.stem}", kind)
    order = [*_FIRST, *sorted(set(found) - set(_FIRST))]
    return {name: found[name] for name in order}


TASKS = _shipped_tasks()
"""Module and class of each shipped task; modules are imported on use."""


def task_names() -> list[str]:
    """Return the names of the shipped tasks."""
    return list(TASKS)


def load_task(reference: str) -> Task:
    """Return a task by its name, by `file.py:Name` from a Python file of the user's own, or by `table.csv:column`.

    **Raises:** `RulesearchError` where there is no such task.
    """
    if not isinstance(reference, str):
        raise _no_task(reference)
    if reference in TASKS:
        return _shipped(reference)
    own = split_reference(reference)
    if own is None:
        if reference.endswith((".py", *SUFFIXES)):
            what = "class or function in it" if reference.endswith(".py") else "column of its target"
            raise RulesearchError(f"{reference} is a file: type the {what} as well, as in {reference}:NAME")
        raise RulesearchError(f"unknown task {reference!r}{did_you_mean(reference, TASKS)}")
    path, name = own
    if path.suffix == ".py" and not os.path.isfile(path):
        place = path.parent.resolve()
        raise RulesearchError(
            f"there is no file {path.name} in {place}; a task of your own is given as my_task.py:Name"
        )
    return _own(path, name, digest(task_files(path)))


def needs_task(settings: Mapping[str, str | float] | None) -> None:
    """Refuse settings where there is no task that they could be of; raises `RulesearchError`."""
    if settings:
        names = ", ".join(map(str, settings))
        raise RulesearchError(f"{names}: settings are those of a task; name the task: task='oja'")


def as_task(task: str | Task) -> Task:
    """Return a task that is given as such or by its reference; raises `RulesearchError`."""
    if isinstance(task, Task):
        return task
    if isinstance(task, str):
        return load_task(task)
    raise _no_task(task)


def _no_task(found: object) -> RulesearchError:
    return RulesearchError(
        f"a task is a name, my_task.py:Name or table.csv:column, or what those load, found {shown(found)}"
    )


@cache
def _shipped(name: str) -> Task:
    module, kind = TASKS[name]
    task: Task = getattr(importlib.import_module(module), kind)()
    return task


@cache
def _own(path: Path, name: str, _: str) -> Task:
    """Load the task of a file; once, as long as its digest stays the same."""
    if path.suffix == ".py":
        return _from_file(path, name)
    sheet, columns = read_sheet(path), parse_columns(name)
    protocols = as_protocols(sheet)
    if is_protocol_table(protocols, columns):
        from rulesearch.tasks.protocol_table import ProtocolTable

        return ProtocolTable(path, protocols, columns)
    from rulesearch.tasks.table import Table

    return Table(path, columns, sheet)


def _from_file(path: Path, name: str) -> Task:
    module = import_file(path)
    found = getattr(module, name, None)
    if not (inspect.isclass(found) and issubclass(found, Task)):
        classes = [
            key
            for key, value in vars(module).items()
            if inspect.isclass(value) and issubclass(value, Task) and value is not Task
        ]
        raise RulesearchError(f"{path} has no task class {name!r}{did_you_mean(name, classes)}")
    try:
        task: Task = found()
    except TypeError as error:
        raise RulesearchError(f"{path}: the task {name} is not complete: {error}") from None
    except (Exception, SystemExit) as error:
        raise RulesearchError(f"{path}: the task {name} failed: {type(error).__name__}: {error}") from error
    return task


@dataclass(frozen=True)
class SentTask:
    """A task on its way to another process: its reference, and its files where that has not the same ones."""

    reference: str
    files: Mapping[str, bytes] | None = None


def sent(reference: str, with_files: bool) -> SentTask:
    """Return what `received` makes the same task of elsewhere; raises `RulesearchError`."""
    own = split_reference(reference)
    if own is None or reference in TASKS or not with_files:
        return SentTask(absolute(reference))
    path, name = own
    return SentTask(f"{path.name}:{name}", task_files(path))


def received(task: SentTask) -> Task:
    """Return the task that was sent; it is loaded once, whatever becomes of its file then."""
    files = task.files or {}
    place = task.reference, digest(files)
    if place not in _received:
        _received[place] = load_task(f"{unpacked(files)}/{task.reference}" if files else task.reference)
    return _received[place]


_received: dict[tuple[str, str], Task] = {}
