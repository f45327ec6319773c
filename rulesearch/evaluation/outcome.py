"""The outcome of one evaluation: a rule on a task, over one or several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rulesearch.display import html
from rulesearch.tasks.declaration import Requirement
from rulesearch.tasks.trial import Trial, losses_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rule did.

    **Fields:** `status`: `ok` only if every seed is; `loss`: mean over seeds, None unless `ok`; `metrics`: means;
    `cases`: all parts of the loss, over all seeds; `work`: counted work; `died_at`: share of the simulation done
    before it ended early; `seeds` and `trials`: each seed and its result.
    """

    status: str
    loss: float | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    cases: tuple[float, ...] = ()
    work: int = 0
    died_at: float = 1.0
    seeds: tuple[int, ...] = ()
    trials: tuple[Trial, ...] = ()

    @property
    def details(self) -> dict[str, tuple[float, ...]]:
        """Metrics that are rows of numbers: means over the seeds, where every seed has them."""
        names = dict.fromkeys(name for trial in self.trials for name in trial.details)
        found = {}
        for name in names:
            rows = [trial.details[name] for trial in self.trials if name in trial.details]
            if len(rows) == len(self.trials):
                found[name] = tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))
        return found

    @property
    def ok(self) -> bool:
        """Whether every seed ran to its end."""
        return self.status == "ok"

    @property
    def failed_on(self) -> str:
        """On how many seeds a rule did not run to its end, `3 of 10 seeds`; empty where on none or on all of them."""
        failed = sum(trial.status != "ok" for trial in self.trials)
        return f"{failed} of {len(self.trials)} seeds" if 0 < failed < len(self.trials) else ""

    @property
    def ended(self) -> str:
        """The status, with the number of seeds on which the rule did not run to its end where it did on others."""
        return ended(self.status, self.failed_on)

    @property
    def ranked_loss(self) -> float:
        """The loss as outcomes are ordered by it: infinite where there is none."""
        return self.rank_key(())[1]

    @staticmethod
    def of(seeds: Sequence[int], trials: Sequence[Trial]) -> Outcome:
        """Join the trials of several seeds; those after the first that is not `ok` may be missing."""
        if len(trials) == 1:
            (only,) = trials
            return Outcome(
                only.status,
                only.loss,
                only.metrics,
                only.cases,
                only.work,
                only.died_at,
                tuple(seeds[:1]),
                tuple(trials),
            )
        failed = next((trial for trial in trials if trial.status != "ok"), None)
        names = dict.fromkeys(name for trial in trials for name in trial.metrics)
        metrics = {}
        for name in names:
            values = [trial.metrics[name] for trial in trials if name in trial.metrics]
            metrics[name] = sum(values) / len(values)
        work = sum(trial.work for trial in trials)
        used = tuple(seeds[: len(trials)])
        if failed is not None:
            return Outcome(failed.status, None, metrics, (), work, failed.died_at, used, tuple(trials))
        losses = losses_of(trials)
        cases = tuple(case for trial in trials for case in trial.cases)
        return Outcome("ok", sum(losses) / len(losses), metrics, cases, work, 1.0, used, tuple(trials))

    def _repr_html_(self) -> str | None:
        return html(self)

    def shortfall(self, requirements: Sequence[Requirement]) -> float:
        """Return how far the metrics miss the task's requirements; 0 where they meet them."""
        return sum(requirement.shortfall(self.metrics) for requirement in requirements)

    def rank_key(self, requirements: Sequence[Requirement]) -> tuple[float, float]:
        """Return what outcomes are ordered by: first the shortfall, then the loss; failures come last."""
        if self.loss is None or self.loss != self.loss:
            return float("inf"), float("inf")
        return self.shortfall(requirements), self.loss


def ended(status: str, failed_on: str) -> str:
    """Return how a rule ended in words: `ok`, `runaway`, `exhausted on 3 of 10 seeds`."""
    return f"{status} on {failed_on}" if failed_on else status
