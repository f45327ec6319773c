"""Scoring rules on a task: jobs, and the executors that run them. A result never depends on which executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from rulesearch.errors import MissingPartError
from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.task import Fidelity, Task, Trial

_CHUNKS_PER_WORKER = 4


Condition = tuple[tuple[str, float], ...]
"""Settings that differ from the run's, as pairs."""


@dataclass(frozen=True, slots=True)
class Job:
    """One evaluation: rules, the seeds of its trials, the fidelity, and the conditions of the trials in turn."""

    rules: RuleSet
    seeds: tuple[int, ...]
    fidelity: str
    conditions: tuple[Condition, ...] = ((),)


def search_job(task: Task, rules: RuleSet, seeds: Sequence[int], fidelity: Fidelity) -> Job:
    """Return the job of a search: the fidelity's own conditions, in turn."""
    conditions = tuple(tuple(sorted(condition.items())) for condition in fidelity.conditions)
    return Job(rules, tuple(seeds), fidelity.name, conditions)


def run_job(task: Task, settings: Mapping[str, float], backend: str, job: Job) -> Outcome:
    """Evaluate one job; trials after the first that is not `ok` are left out."""
    trials: list[Trial] = []
    for index, seed in enumerate(job.seeds):
        here = {**settings, **dict(job.conditions[index % len(job.conditions)])}
        trials.append(task.trial(task.complete(job.rules, here), seed, here, job.fidelity, backend))
        if trials[-1].status != "ok":
            break
    return Outcome.of(job.seeds, trials)


def evaluate_rules(
    task: Task, rules: RuleSet, seeds: Sequence[int], settings: Mapping[str, float], backend: str = "vm"
) -> Outcome:
    """Evaluate rules at full fidelity on every seed, under the settings given; no seed is left out."""
    bound = task.bind(rules, settings)
    full = task.fidelities[-1].name
    trials = [task.trial(bound, seed, settings, full, backend) for seed in seeds]
    return Outcome.of(tuple(seeds), trials)


class Evaluator:
    """Runs jobs of one task in this process, in a pool of processes, or on a Dask cluster.

    **Arguments:** `reference`: the task's name or `file.py:Name`; `settings`: resolved; `workers`: processes;
    `scheduler`: address of a Dask scheduler.
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
        self.workers = workers
        self._executor: Executor | None = None
        if scheduler:
            self._executor = _dask_executor(scheduler)
        elif workers > 1:
            self._executor = ProcessPoolExecutor(
                workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start_worker,
                initargs=(os.getpid(),),
            )

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Evaluate jobs; outcomes come in the order of the jobs."""
        if self._executor is None:
            return [run_job(self.task, self.settings, self.backend, job) for job in jobs]
        step = max(1, -(-len(jobs) // (self.workers * _CHUNKS_PER_WORKER)))
        futures = [
            self._executor.submit(
                _run_chunk, self.reference, self.settings, self.backend, list(jobs[first : first + step])
            )
            for first in range(0, len(jobs), step)
        ]
        return [outcome for future in futures for outcome in future.result()]

    def close(self) -> None:
        """Stop the workers; jobs that have not begun are dropped."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _run_chunk(reference: str, settings: Mapping[str, float], backend: str, jobs: list[Job]) -> list[Outcome]:
    task = load_task(reference)
    return [run_job(task, settings, backend, job) for job in jobs]


def _start_worker(parent: int) -> None:
    # Ctrl-C reaches the whole process group; the parent alone decides what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _dask_executor(address: str) -> Executor:
    try:
        from distributed import Client
    except ImportError:
        raise MissingPartError("--scheduler needs Dask; install it with: pip install 'rulesearch[cluster]'") from None
    executor: Executor = Client(address).get_executor()
    return executor
