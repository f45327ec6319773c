"""Scoring rules on a task: jobs, and the executors that run them. A result never depends on which executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from rulesearch.errors import MissingPartError
from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.task import Fidelity, Task, Trial

_THREADS = min(2, os.cpu_count() or 1)
_PARTS_PER_CORE = 4
_WORTH_SENDING = 0.02
"""Seconds of simulation that make handing jobs to a thread or a process worth its delay."""
_LARGEST_PART = 128


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
    return run_jobs(task, settings, backend, [job])[0]


def run_jobs(
    task: Task,
    settings: Mapping[str, float],
    backend: str,
    jobs: Sequence[Job],
    wanted: Callable[[], bool] = lambda: True,
) -> list[Outcome]:
    """Evaluate jobs, those that share their trials together; trials after the first that is not `ok` are left out.

    **Arguments:** `wanted`: asked between trials; once it says no, `CancelledError` is raised.
    """
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
            running = [index for index in members if not found[index] or found[index][-1].status == "ok"]
            if not running:
                break
            bound = [task.complete(jobs[index].rules, here) for index in running]
            for index, trial in zip(running, task.trials(bound, seed, here, shared.fidelity, backend), strict=True):
                found[index].append(trial)
    return [Outcome.of(job.seeds, trials) for job, trials in zip(jobs, found, strict=True)]


def evaluate_rules(
    task: Task, rules: RuleSet, seeds: Sequence[int], settings: Mapping[str, float], backend: str = "vm"
) -> Outcome:
    """Evaluate rules at full fidelity on every seed, under the settings given; no seed is left out."""
    bound = task.bind(rules, settings)
    full = task.fidelities[-1].name
    trials = [task.trial(bound, seed, settings, full, backend) for seed in seeds]
    return Outcome.of(tuple(seeds), trials)


class Evaluator:
    """Runs jobs of one task: on threads of this process, in processes beside it, or on a Dask cluster.

    Simulators are compiled code during which other threads run, so that threads serve as well as processes as long
    as a task is no slow Python.

    **Arguments:** `reference`: the task's name or `file.py:Name`; `settings`: resolved; `workers`: processes beside
    this one, which helps while it waits (1: none, two threads instead); `scheduler`: address of a Dask scheduler.
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
        self._line: Any = None
        self._cores = _THREADS
        self._apart = bool(scheduler) or workers > 1
        self._helps = self._apart and not scheduler
        self._executor: Executor
        if scheduler:
            self._executor = _dask_executor(scheduler)
        elif workers > 1:
            self._cores = workers + 1
            self._executor = self._processes(workers)
        else:
            self._executor = ThreadPoolExecutor(_THREADS, "simulation")

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Evaluate jobs; outcomes come in the order of the jobs."""
        if self._helps and len(jobs) <= self._at_least():
            return self._noted(self._run_here(list(jobs)))
        return self.submit(jobs)()

    def submit(self, jobs: Sequence[Job]) -> Waiting:
        """Begin to evaluate jobs and return what waits for their outcomes, in the order of the jobs."""
        step = max(self._at_least(), -(-len(jobs) // (self._cores * _PARTS_PER_CORE)))
        step = min(step, _LARGEST_PART)
        parts = [list(jobs[first : first + step]) for first in range(0, len(jobs), step)]
        if self._apart:
            sent = self.reference, self.settings, self.backend
            futures = [self._executor.submit(_run_apart, *sent, part) for part in parts]
        else:
            futures = [self._executor.submit(self._run_here, part) for part in parts]
        return lambda: self._collect(parts, futures)

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
                done[index] = self._noted(future.result())
        return [outcome for part in done if part is not None for outcome in part]

    def _noted(self, result: _Timed) -> list[Outcome]:
        outcomes, seconds = result
        self._spent += seconds
        self._ran += len(outcomes)
        return outcomes

    def _run_here(self, jobs: list[Job]) -> _Timed:
        return _timed(self.task, self.settings, self.backend, jobs, lambda: not self._closed)

    def _processes(self, workers: int) -> Executor:
        context = multiprocessing.get_context("spawn")
        # Nothing is sent: the workers end when this end is closed. An event would wait for ever on a killed worker.
        other, self._line = context.Pipe(duplex=False)
        return ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker, initargs=(os.getpid(), other)
        )

    def close(self) -> None:
        """Stop the workers at once, threads behind the trial they are at; jobs that are not done are dropped."""
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._line is not None:
            self._line.close()

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


def _run_apart(reference: str, settings: Mapping[str, float], backend: str, jobs: list[Job]) -> _Timed:
    return _timed(load_task(reference), settings, backend, jobs, lambda: True)


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
