"""Floor 4: tasks: networks, their input, losses, and what is known to solve them.

```
from rulesearch.measurements.protocols import Measurement
from rulesearch.tasks import Fidelity, Oja, Protocol, Setting, Stress, Task, TaskSymbol, Times, Trial, objective
```

The classes of shipped tasks, such as `Oja`, are loaded when they are first used.
"""

from __future__ import annotations

from typing import Any

from rulesearch.tasks.conditions import Stress, Times
from rulesearch.tasks.declaration import Fidelity, Requirement, Setting, TaskSymbol
from rulesearch.tasks.objective import objective
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.registry import TASKS, load_task, task_names
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Activity, TimeCourse, Trial

__all__ = [
    "Activity",
    "Fidelity",
    "Measurement",
    "Protocol",
    "Requirement",
    "Setting",
    "Stress",
    "Task",
    "TaskSymbol",
    "TimeCourse",
    "Times",
    "Trial",
    "load_task",
    "objective",
    "task_names",
]

_CLASSES = {kind: name for name, (_, kind) in TASKS.items()}


def __getattr__(name: str) -> Any:
    if name not in _CLASSES:
        raise AttributeError(f"module 'rulesearch.tasks' has no attribute {name!r}")
    return type(load_task(_CLASSES[name]))


def __dir__() -> list[str]:
    return sorted({*globals(), *_CLASSES})
