"""Floor 4: tasks: networks, their input, losses, and what is known to solve them."""

from rulesearch.tasks.objective import objective
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.registry import load_task, task_names
from rulesearch.tasks.task import Activity, Course, Fidelity, Measurement, Requirement, Setting, Task, TaskSymbol, Trial

__all__ = [
    "Activity",
    "Course",
    "Fidelity",
    "Measurement",
    "Protocol",
    "Requirement",
    "Setting",
    "Task",
    "TaskSymbol",
    "Trial",
    "load_task",
    "objective",
    "task_names",
]
