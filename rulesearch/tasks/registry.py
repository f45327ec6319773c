"""The shipped tasks, and tasks of the user's own (`my_task.py:Name`)."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
from functools import cache
from pathlib import Path

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.tasks.task import Task

TASKS: dict[str, tuple[str, str]] = {
    "oja": ("rulesearch.tasks.oja", "Oja"),
    "inhibitory-rate": ("rulesearch.tasks.inhibitory_rate", "InhibitoryRate"),
    "inhibitory-network": ("rulesearch.tasks.inhibitory_network", "InhibitoryNetwork"),
    "stdp-frequency": ("rulesearch.tasks.stdp_protocols", "StdpFrequency"),
    "stdp-triplets": ("rulesearch.tasks.stdp_protocols", "StdpTriplets"),
}
"""Module and class of each shipped task; modules are imported on use."""


def task_names() -> list[str]:
    """Return the names of the shipped tasks."""
    return list(TASKS)


@cache
def load_task(reference: str) -> Task:
    """Return a task by its name, by `file.py:Name` from a Python file of the user's own, or by `table.csv:column`.

    **Raises:** `RulesearchError` where there is no such task.
    """
    if reference in TASKS:
        module, name = TASKS[reference]
        task: Task = getattr(importlib.import_module(module), name)()
        return task
    path, colon, name = reference.rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(Path(path), name)
    if colon and path.endswith(".csv"):
        from rulesearch.tasks.table import Table

        return Table(Path(path), name)
    raise RulesearchError(f"unknown task {reference!r}{did_you_mean(reference, TASKS)}")


def _from_file(path: Path, name: str) -> Task:
    if not os.path.isfile(path):
        raise RulesearchError(f"there is no file {path}; a task of your own is given as my_task.py:Name")
    spec = importlib.util.spec_from_file_location(f"rulesearch_task_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise RulesearchError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise RulesearchError(f"{path} failed on import: {type(error).__name__}: {error}") from error
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
    return task
