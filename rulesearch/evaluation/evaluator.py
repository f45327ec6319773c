"""Scoring rules on a task: jobs, and the executors that run them. A result never depends on which executor."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import generator
from rulesearch.evaluation.workers import Cluster, Processes, Workers
from rulesearch.fitting.form import TAU
from rulesearch.grammar.parts import ConstantPrior
from rulesearch.interruption import awaited, check
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.declaration import Fidelity
from rulesearch.tasks.registry import SentTask, load_task, received, sent
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial

_THREADS = min(2, os.cpu_count() or 1)
_PARTS_PER_CORE = 4
_WORTH_SENDING = 0.02
"""Seconds of simulation that make handing jobs to a thread or a process worth its delay."""
_LARGEST_PART = 128


NUMBERS = "numbers"
"""Name of the detail of a trial that holds the numbers that were fitted: those of the job's priors, and eta."""
_FIT = 3

Condition = tuple[tuple[str, float], ...]
"""Settings that differ from the run's, as pairs."""


Waiting = Callable[[], list[Outcome]]
"""Waits for outcomes and returns them."""


@dataclass(frozen=True, slots=True)
class Job:
    """One evaluation: rules, the seeds of its trials, the fidelity, and the conditions of the trials in turn.

    **Fields:** `limit`: a sum of losses above which the trials that are left are left out; `priors`: within what the
    numbers of the rules are fitted before the trials, by name, where the task fits them; None: they are not.
    """

    rules: RuleSet
    seeds: tuple[int, ...]
    fidelity: str
    conditions: tuple[Condition, ...] = ((),)
    limit: float = math.inf
    priors: tuple[tuple[str, ConstantPrior], ...] | None = None


def search_job(task: Task, rules: RuleSet, seeds: Sequence[int], fidelity: Fidelity) -> Job:
    """Return the job of a search: the fidelity's own conditions, in turn.

    Where a task says what is hopeless, it ends once its mean loss cannot but be that: losses are at least 0.
    """
    conditions = tuple(tuple(sorted(condition.items())) for condition in fidelity.conditions)
    hopeless = task.fidelities[0].hopeless
    limit = math.inf if hopeless is None else hopeless * len(seeds)
    return Job(rules, tuple(seeds), fidelity.name, conditions, limit)


def run_jobs(
    task: Task,
    settings: Mapping[str, float],
    backend: str,
    jobs: Sequence[Job],
    wanted: Callable[[], bool] = lambda: True,
) -> list[Outcome]:
    """Evaluate jobs, those that share their trials together; trials after the first that is not `ok`, or after
    their losses passed the job's limit, are left out.

    **Arguments:** `wanted`: asked between trials; once it says no, `CancelledError` is raised.
    """
    rules = [_fitted(task, job, settings) for job in jobs]
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, job in enumerate(jobs):
        groups.setdefault((job.seeds, job.fidelity, job.conditions), []).append(index)
    found: list[list[Trial]] = [[] for _ in jobs]
    for members in groups.values():
        shared = jobs[members[0]]
        for number, seed in enumerate(shared.seeds):
            if not wanted():
                raise CancelledError
            here = {**settings, **dict(shared.conditions[number % len(shared.conditions)])}
            running = [index for index in members if _goes_on(found[index], jobs[index].limit)]
            if not running:
                break
            bound = [task.complete(rules[index], here) for index in running]
            for index, trial in zip(running, task.trials(bound, seed, here, shared.fidelity, backend), strict=True):
                found[index].append(trial)
    for job, own, trials in zip(jobs, rules, found, strict=True):
        if job.priors is not None:
            trials[0] = replace(trials[0], details={**trials[0].details, NUMBERS: _numbers(own, job)})
    return [Outcome.of(job.seeds, trials) for job, trials in zip(jobs, found, strict=True)]


def with_numbers(
    task: Task, rules: RuleSet, priors: Mapping[str, ConstantPrior], seed: int, settings: Mapping[str, float]
) -> RuleSet:
    """Return rules with the numbers that a search whose first trial has a seed gives them."""
    return task.with_numbers(rules, priors, generator(seed, _FIT), settings)


def as_searched(task: Task, rules: RuleSet, seed: int, settings: Mapping[str, float]) -> RuleSet:
    """Return known rules as a search whose first trial has a seed compares them: with a learning rate fitted likewise.

    That is so where trials tell it; elsewhere they are returned as they are.
    """
    return with_numbers(task, rules, {}, seed, settings) if task.protocol.by_trials else rules


def _fitted(task: Task, job: Job, settings: Mapping[str, float]) -> RuleSet:
    """Return the rules of a job with the numbers that fit best, where they are to be fitted."""
    return job.rules if job.priors is None else with_numbers(task, job.rules, dict(job.priors), job.seeds[0], settings)


def _numbers(rules: RuleSet, job: Job) -> tuple[float, ...]:
    """Return the numbers of rules in the order of a job's priors, then their learning rates."""
    values: dict[str, float] = {}
    for name, rule in rules.searched.items():
        prefix = f"{name}." if len(rules.rules) > 1 else ""
        values |= {f"{prefix}{key}": value for key, value in rule.constant_values().items()}
        values |= {f"{prefix}{TAU}{key}": float(state.tau or 0.0) for key, state in rule.states.items()}
    rates = (1.0 if rule.eta is None else rule.eta for rule in rules.searched.values())
    return (*(values[name] for name, _ in job.priors or ()), *rates)


def _goes_on(trials: Sequence[Trial], limit: float) -> bool:
    """Return whether a job has another trial after these."""
    return not trials or (trials[-1].status == "ok" and sum(trial.loss or 0.0 for trial in trials) <= limit)


_JIT_PAYS = 50_000_000
"""Counted updates from which on compiling a rule takes less time than it saves."""


def evaluate_rules(
    task: Task, rules: RuleSet, seeds: Sequence[int], settings: Mapping[str, float], backend: str = "vm"
) -> Outcome:
    """Evaluate rules at full fidelity on every seed, under the settings given; no seed is left out.

    **Arguments:** `backend`: `vm`, `jit`, or `auto`: the first seed runs on the vm, and the others compiled where they
    count so many updates that it pays.
    """
    bound = task.bind(rules, settings)
    full = task.fidelities[-1].name
    trials: list[Trial] = []
    for seed in seeds:
        tier = backend
        if backend == "auto":
            tier = "jit" if trials and trials[0].work * (len(seeds) - 1) > _JIT_PAYS else "vm"
        trials.append(task.trial(bound, seed, settings, full, tier))
    return Outcome.of(tuple(seeds), trials)


class Evaluator:
    """Runs jobs of one task: on threads of this process, in processes beside it, or on a Dask cluster.

    Simulators are compiled code during which other threads run, so that threads serve as well as processes as long
    as a task is no slow Python.

    **Arguments:** `reference`: the task's name or `file.py:Name`; `settings`: resolved; `workers`: processes beside
    this one, which helps while it waits (1: none, two threads instead); `scheduler`: address of a Dask scheduler.
    **Raises:** `RulesearchError` where no scheduler answers.
    """

    def __init__(
        self,
        reference: str,
        settings: Mapping[str, float],
        backend: str = "vm",
        workers: int = 1,
        scheduler: str | None = None,
    ) -> None:
        self.reference = reference
        self.task = load_task(reference)
        self.settings = dict(settings)
        self.backend = backend
        self._spent, self._ran = 0.0, 0
        self._closed = False
        self._helps = workers > 1 and scheduler is None
        self._apart: Workers | None = None
        if scheduler is not None:
            self._apart = Cluster(scheduler)
        elif workers > 1:
            self._apart = Processes(workers)
        # Threads begin with the first job that they are given: none where workers are apart.
        self._threads = ThreadPoolExecutor(_THREADS, "simulation")
        self._sent = (sent(reference, with_files=scheduler is not None), self.settings, self.backend)

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Evaluate jobs; outcomes come in the order of the jobs."""
        if self._helps and len(jobs) <= self._at_least():
            return self._noted(self._run_here(list(jobs)))
        return self.submit(jobs)()

    def submit(self, jobs: Sequence[Job]) -> Waiting:
        """Begin to evaluate jobs and return what waits for their outcomes, in the order of the jobs.

        **Raises:** `LostWorkersError`, as what waits does, where whoever should evaluate them is gone for good.
        """
        check()
        cores = _THREADS if self._apart is None else self._apart.cores
        step = max(self._at_least(), -(-len(jobs) // (cores * _PARTS_PER_CORE)))
        step = min(step, _LARGEST_PART)
        parts = [list(jobs[first : first + step]) for first in range(0, len(jobs), step)]
        futures = [self._begin(part) for part in parts]
        return lambda: self._collect(parts, futures)

    def _begin(self, part: list[Job]) -> Future[_Timed]:
        if self._apart is not None:
            return self._apart.submit(_run_apart, *self._sent, part)
        return self._threads.submit(self._run_here, part)

    def _at_least(self) -> int:
        """Return how many jobs are worth a message."""
        return max(1, int(_WORTH_SENDING * self._ran / self._spent)) if self._spent > 0.0 else 1

    def _collect(self, parts: Sequence[list[Job]], futures: Sequence[Future[_Timed]]) -> list[Outcome]:
        done: list[list[Outcome] | None] = [None] * len(parts)
        back = len(parts) if self._helps else 0
        for index, future in enumerate(futures):
            while back > index + 1 and not future.done():
                back -= 1
                if futures[back].cancel():
                    done[back] = self._noted(self._run_here(parts[back]))
            if done[index] is None:
                done[index] = self._noted(self._result(future))
        return [outcome for part in done if part is not None for outcome in part]

    def _result(self, future: Future[_Timed]) -> _Timed:
        found: _Timed = awaited(future) if self._apart is None else self._apart.result(future)
        return found

    def _noted(self, result: _Timed) -> list[Outcome]:
        outcomes, seconds = result
        self._spent += seconds
        self._ran += len(outcomes)
        return outcomes

    def _run_here(self, jobs: list[Job]) -> _Timed:
        return _timed(self.task, self.settings, self.backend, jobs, self._wanted)

    def _wanted(self) -> bool:
        check()
        return not self._closed

    def close(self) -> None:
        """Stop the workers at once, threads behind the trial they are at; jobs that are not done are dropped."""
        self._closed = True
        if self._apart is not None:
            self._apart.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


_Timed = tuple[list[Outcome], float]
"""Outcomes, and the seconds of one core that they took."""


def _timed(
    task: Task, settings: Mapping[str, float], backend: str, jobs: list[Job], wanted: Callable[[], bool]
) -> _Timed:
    begin = time.thread_time()
    outcomes = run_jobs(task, settings, backend, jobs, wanted)
    return outcomes, time.thread_time() - begin


def _run_apart(task: SentTask, settings: Mapping[str, float], backend: str, jobs: list[Job]) -> _Timed:
    return _timed(received(task), settings, backend, jobs, lambda: True)
