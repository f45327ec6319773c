"""The metrics that a table of scores has room for."""

from __future__ import annotations

from collections.abc import Mapping

from rulesearch.workflow.run import Run

_METRICS = 5


def shown_metrics(run: Run, metrics: Mapping[str, float]) -> list[str]:
    """Return the metrics a table has room for: those that the task requires first, parts of the loss last."""
    task = run.task
    required = [item.metric for item in task.requirements if item.metric in metrics]
    others = [name for name in metrics if name not in required and name not in task.aims]
    return [*required, *others][:_METRICS]
