"""Tables of scores: rank 1 among the references, and the metrics that there is room for."""

from __future__ import annotations

from collections.abc import Mapping

from rulesearch.wording import counted
from rulesearch.workflow.front import ReferenceScore
from rulesearch.workflow.run import Run
from rulesearch.workflow.shown_losses import died, shown_loss

_METRICS = 5


def shown_metrics(run: Run, metrics: Mapping[str, float]) -> list[str]:
    """Return the metrics a table has room for: those that the task requires first, parts of the loss last."""
    task = run.task
    required = [item.metric for item in task.requirements if item.metric in metrics]
    others = [name for name in metrics if name not in required and name not in task.protocol.aims]
    return [*required, *others][:_METRICS]


def searched_on(run: Run) -> str:
    """Return what the losses of a search are over, in words; a hit is one by these alone."""
    return run.task.searched_on(run.task.resolve(run.experiment.settings))


def network_of(run: Run) -> list[tuple[str, str]]:
    """Return what a search simulated and what the paper's search took, as far as it is known, each with a heading."""
    task = run.task
    facts = {"network": task.network(task.resolve(run.experiment.settings)), "the paper's search": task.paper_took}
    return [(heading, text) for heading, text in facts.items() if text]


def conditions_on(run: Run) -> str:
    """Return what the losses of rank 1 under other conditions are over, in words: it may be fewer seeds."""
    seeds = max((len(score.held_out_losses) for score in run.conditions), default=0)
    return counted(seeds, "held-out seed") if seeds else run.held_out_on or run.chosen_on


def own_score(run: Run) -> ReferenceScore:
    """Return how rank 1 did where the references were scored."""
    best = run.members[0]
    gone = died(best, run.held_out_on)
    return ReferenceScore(
        "rank 1",
        best.rules,
        "died" if gone else "ok",
        None if gone else shown_loss(best),
        best.metrics,
        best.held_out_loss,
        best.held_out_losses,
        best.failed_on,
    )
