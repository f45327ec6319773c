"""Scoring rules on a task: jobs, and the executors that run them. A result never depends on which executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from rulesearch.errors import MissingPartError
from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.task import Fidelity, Task, Trial

_PARTS_PER_PROCESS = 4
_WORTH_SENDING = 0.01
"""Seconds of simulation that make a message to another process worth its delay."""
_ALONE = 2.0
_LONG = 0.002
"""Seconds of simulation, in all and per job, from which on it is worth to start a process beside this one.

By measurement: a search over jobs of 0.4 ms takes as long with such a process as without it.
"""


Condition = tuple[tuple[str, float], ...]
"""Settings that differ from the run's, as pairs."""


Waiting = Callable[[], list[Outcome]]
"""Waits for outcomes and returns them."""


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
    """Runs jobs of one task in processes beside this one, which helps while it waits, or on a Dask cluster.

    **Arguments:** `reference`: the task's name or `file.py:Name`; `settings`: resolved; `workers`: processes beside
    this one (a single one is started only where jobs are long enough to gain by it; none with 0); `scheduler`:
    address of a Dask scheduler.
    """

    def __init__(
        self,
        reference: str,
        settings: Mapping[str, float],
        backend: str = "vm",
        workers: int = 0,
        scheduler: str | None = None,
    ) -> None:
        self.reference = reference
        self.task = load_task(reference)
        self.settings = dict(settings)
        self.backend = backend
        self.workers = workers
        self._spent, self._ran = 0.0, 0
        self._helps = not scheduler
        self._warm: Future[list[Outcome]] | None = None
        self._line: Any = None
        self._executor: Executor | None = None
        if scheduler:
            self._executor = _dask_executor(scheduler)
        elif workers > 1:
            self._executor = self._pool()

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Evaluate jobs; outcomes come in the order of the jobs."""
        if self._helps and self.ready and len(jobs) <= self._at_least():
            return self._run_here(jobs)
        return self.submit(jobs)()

    def submit(self, jobs: Sequence[Job]) -> Waiting:
        """Begin to evaluate jobs and return what waits for their outcomes, in the order of the jobs.

        Workers begin at once; without workers, the jobs are evaluated when the outcomes are asked for.
        """
        if not self.ready:
            return lambda: self._run_here(jobs)
        assert self._executor is not None
        executor = self._executor
        step = max(self._at_least(), -(-len(jobs) // ((self.workers + 1) * _PARTS_PER_PROCESS)))
        parts = [list(jobs[first : first + step]) for first in range(0, len(jobs), step)]
        futures = [executor.submit(_run_chunk, self.reference, self.settings, self.backend, part) for part in parts]
        return lambda: self._collect(parts, futures)

    @property
    def ready(self) -> bool:
        """Whether there are other processes that can take jobs."""
        if self._warm is not None and self._warm.done():
            failed = self._warm.cancelled() or self._warm.exception() is not None
            self._warm = None
            if failed:
                # No process can be started here, from an interactive session say: this one goes on alone.
                self.close()
                self.workers, self._executor = 0, None
        return self._executor is not None and self._warm is None

    def _at_least(self) -> int:
        """Return how many jobs are worth a message."""
        return max(1, int(_WORTH_SENDING * self._ran / self._spent)) if self._spent > 0.0 else 1

    def _collect(self, parts: Sequence[list[Job]], futures: Sequence[Future[list[Outcome]]]) -> list[Outcome]:
        done: list[list[Outcome] | None] = [None] * len(parts)
        back = len(parts) if self._helps else 0
        for index, future in enumerate(futures):
            while back > index + 1 and not future.done():
                back -= 1
                if futures[back].cancel():
                    done[back] = self._run_here(parts[back])
            if done[index] is None:
                done[index] = future.result()
        return [outcome for part in done if part is not None for outcome in part]

    def _run_here(self, jobs: Sequence[Job]) -> list[Outcome]:
        begin = time.perf_counter()
        outcomes = [run_job(self.task, self.settings, self.backend, job) for job in jobs]
        self._spent += time.perf_counter() - begin
        self._ran += len(jobs)
        long = self._spent > max(_ALONE, _LONG * self._ran)
        if self._executor is None and self.workers == 1 and long and jobs:
            self._executor = self._pool()
            self._warm = self._executor.submit(_run_chunk, self.reference, self.settings, self.backend, list(jobs[:1]))
        return outcomes

    def _pool(self) -> Executor:
        context = multiprocessing.get_context("spawn")
        # Nothing is sent: the workers end when this end is closed. An event would wait for ever on a killed worker.
        other, self._line = context.Pipe(duplex=False)
        return ProcessPoolExecutor(
            self.workers, mp_context=context, initializer=_start_worker, initargs=(os.getpid(), other)
        )

    def close(self) -> None:
        """Stop the workers at once; jobs that are not done are dropped."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
        if self._line is not None:
            self._line.close()

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _run_chunk(reference: str, settings: Mapping[str, float], backend: str, jobs: list[Job]) -> list[Outcome]:
    task = load_task(reference)
    return [run_job(task, settings, backend, job) for job in jobs]


def _start_worker(parent: int, line: Any) -> None:
    # Ctrl-C reaches the whole process group; the parent alone decides what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(parent, line), daemon=True).start()


def _end_with_parent(parent: int, line: Any) -> None:
    while os.getppid() == parent and not line.poll(0.5):
        pass
    os._exit(1)


def _dask_executor(address: str) -> Executor:
    try:
        from distributed import Client
    except ImportError:
        raise MissingPartError("--scheduler needs Dask; install it with: pip install 'rulesearch[cluster]'") from None
    executor: Executor = Client(address).get_executor()
    return executor
