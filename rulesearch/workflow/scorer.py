"""Scoring of rules outside of a search: one job per rule and seed, answered from the store where possible."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rulesearch.evaluation.evaluator import Condition, Evaluator, Job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.evaluation.store import Record, Store
from rulesearch.evaluation.workers import LostWorkersError
from rulesearch.rules.rule import RuleSet
from rulesearch.workflow.clock import Clock, OutOfTime

_FEWEST, _MOST = 2, 128
_SECONDS = 1.0
"""How long one batch of jobs may take where time is limited: after each, the clock is looked at."""


class Scorer:
    """Evaluates rules under the seeds of a role, within the time of a clock.

    **Arguments:** `store`: where outcomes are kept, None for nowhere.
    """

    def __init__(self, evaluator: Evaluator, store: Store | None, run_seed: int, clock: Clock | None = None) -> None:
        self.evaluator = evaluator
        self.task = evaluator.task
        self.store = store
        self.run_seed = run_seed
        self.clock = clock or Clock()
        self._pace = 0.0

    def score(
        self, rules: Sequence[RuleSet], role: str, trials: int, conditions: Sequence[Condition] = ((),)
    ) -> list[Outcome]:
        """Return the outcome of each rule over all trials.

        **Arguments:** `role` of the seeds (`selection` or `report`); `conditions`: those of the trials, in turn.
        **Raises:** `OutOfTime`.
        """
        full = self.task.fidelities[-1].name
        seeds = trial_seeds(self.run_seed, role, trials)
        # Seed by seed, so that the data of a seed are prepared once for all rules.
        jobs = [
            Job(item, (seed,), full, (conditions[index % len(conditions)],))
            for index, seed in enumerate(seeds)
            for item in rules
        ]
        known = {} if self.store is None else self.store.known(jobs)
        missing = [index for index in range(len(jobs)) if index not in known]
        known |= zip(missing, self._run([jobs[index] for index in missing], role), strict=True)
        return [
            Outcome.of(seeds, [trial for index in range(place, len(jobs), len(rules)) for trial in known[index].trials])
            for place in range(len(rules))
        ]

    def score_those_that_run(
        self, rules: Sequence[RuleSet], role: str, trials: int, conditions: Sequence[Condition] = ((),)
    ) -> list[Outcome | None]:
        """Return the outcome of each rule as `score` does, None for one on which the task fails with an error."""
        try:
            return list(self.score(rules, role, trials, conditions))
        except (LostWorkersError, OutOfTime):
            raise
        except Exception:
            if len(rules) == 1:
                return [None]
            return [self.score_those_that_run([item], role, trials, conditions)[0] for item in rules]

    def _run(self, jobs: Sequence[Job], role: str) -> list[Outcome]:
        if not self.clock.limited:
            return self._kept(jobs, role)
        found: list[Outcome] = []
        while len(found) < len(jobs):
            # What cannot be done in time is not begun: others may need the time.
            self.clock.check(self._pace * (len(jobs) - len(found)))
            size = min(_MOST, max(_FEWEST, int(_SECONDS / self._pace))) if self._pace else _FEWEST
            begin, before = time.monotonic(), len(found)
            found += self._kept(jobs[before : before + size], role)
            self._pace = max(1e-6, (time.monotonic() - begin) / (len(found) - before))
        return found

    def _kept(self, jobs: Sequence[Job], role: str) -> list[Outcome]:
        outcomes = self.evaluator.run(jobs)
        if self.store is not None:
            phase = "report" if role == "report" else "clean-up"
            pairs = zip(jobs, outcomes, strict=True)
            self.store.add([Record(-1, phase, job, outcome, "") for job, outcome in pairs])
        return outcomes
