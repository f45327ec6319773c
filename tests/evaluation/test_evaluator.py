"""Evaluation: the same outcome in this process and in others, which end with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Evaluator, Job, evaluate_rules, run_jobs, search_job
from rulesearch.rules import RuleSet, parse_rules
from rulesearch.tasks import Fidelity, Trial, load_task
from rulesearch.tasks.oja import Oja

TASK = load_task("oja")
SETTINGS = TASK.resolve({"data_sets": 2, "points": 400})
TEXTS = ("y*(x - w*y)", "x*y; eta = 1", "tanh(x*y) - w", "1/(x - x)", "c1*y*(x - x_bar) - w; c1 = 0.7")
JOBS = [Job(parse_rules(text), (seed, seed + 1), "full") for text in TEXTS for seed in (0, 5)]


def test_a_job_ends_at_its_first_failure() -> None:
    ran = run_jobs(TASK, SETTINGS, "vm", [JOBS[0]])[0]
    assert ran.ok
    assert len(ran.trials) == 2
    died = run_jobs(TASK, SETTINGS, "vm", [JOBS[2]])[0]
    assert died.status == "runaway"
    assert len(died.trials) == len(died.seeds) == 1


def test_a_job_ends_once_its_losses_pass_its_limit() -> None:
    rules = parse_rules("y*(x - w*y)")
    whole = run_jobs(TASK, SETTINGS, "vm", [Job(rules, (0, 1, 2), "full")])[0]
    first, second, _ = (trial.loss or 0.0 for trial in whole.trials)
    for limit, trials in ((0.0, 1), (0.5 * (first + second), 1 if first > second else 2), (first + second, 3)):
        found = run_jobs(TASK, SETTINGS, "vm", [Job(rules, (0, 1, 2), "full", limit=limit)])[0]
        assert found.ok and found.trials == whole.trials[:trials] and found.seeds == (0, 1, 2)[:trials]


def test_a_search_leaves_a_trial_out_where_the_mean_cannot_but_be_hopeless() -> None:
    network, rules = load_task("inhibitory-network"), parse_rules("on_pre: 0.1")
    screen, full = network.fidelities
    assert screen.hopeless is not None
    assert search_job(network, rules, (0, 1), screen).limit == 2 * screen.hopeless
    assert search_job(network, rules, (0, 1, 2), full).limit == 3 * screen.hopeless
    assert search_job(TASK, rules, (0,), TASK.fidelities[-1]).limit == np.inf


def test_an_evaluation_on_request_runs_every_seed() -> None:
    found = evaluate_rules(TASK, parse_rules("x*y; eta = 1"), (0, 1, 2), SETTINGS)
    assert found.status == "runaway"
    assert len(found.trials) == 3


def test_conditions_change_the_settings_of_their_trials_in_turn() -> None:
    fidelity = Fidelity("full", 3, "", ({}, {"points": 200.0}))
    job = search_job(TASK, parse_rules("y*(x - w*y)"), (0, 1, 2), fidelity)
    found = run_jobs(TASK, SETTINGS, "vm", [job])[0]
    work = [trial.work for trial in found.trials]
    assert work == [400 * 0.9 * 4, 200 * 0.9 * 4, 400 * 0.9 * 4]


def test_the_evaluator_answers_in_the_order_of_the_jobs() -> None:
    with Evaluator("oja", SETTINGS) as alone:
        assert alone.run(JOBS) == [run_jobs(TASK, SETTINGS, "vm", [job])[0] for job in JOBS]
        assert alone.run([]) == []


def test_rules_that_do_not_fit_the_task_are_refused() -> None:
    with pytest.raises(RulesearchError, match="has the slots on_step; found on_pre"):
        evaluate_rules(TASK, parse_rules("on_pre: x"), (0,), SETTINGS)


def test_several_workers_give_what_one_process_gives() -> None:
    with Evaluator("oja", SETTINGS, workers=2) as several, Evaluator("oja", SETTINGS) as alone:
        assert several.run(JOBS) == alone.run(JOBS)
        assert several.run(JOBS[:1]) == alone.run(JOBS[:1])


def test_batches_that_overlap_get_their_own_outcomes_in_order() -> None:
    with Evaluator("oja", SETTINGS) as threads:
        expected = run_jobs(TASK, SETTINGS, "vm", JOBS)
        begun = [threads.submit(JOBS), threads.submit(JOBS[:3]), threads.submit([])]
        assert [wait() for wait in begun] == [expected, expected[:3], []]


def test_jobs_that_share_their_trials_are_simulated_together(monkeypatch: pytest.MonkeyPatch) -> None:
    together = run_jobs(TASK, SETTINGS, "vm", JOBS)
    assert together == [run_jobs(TASK, SETTINGS, "vm", [job])[0] for job in JOBS]
    calls = []

    def counted(self: Oja, candidates: Sequence[RuleSet], seed: int, *rest: Any) -> list[Trial]:
        calls.append((seed, len(candidates)))
        return [Trial("ok", 1.0)] * len(candidates)

    monkeypatch.setattr(Oja, "trials", counted)
    run_jobs(TASK, SETTINGS, "vm", JOBS)
    assert calls == [(0, len(TEXTS)), (1, len(TEXTS)), (5, len(TEXTS)), (6, len(TEXTS))]


def test_threads_end_at_the_next_trial_once_the_evaluator_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    calls = []

    def slow(self: Oja, candidates: Sequence[RuleSet], seed: int, *rest: Any) -> list[Trial]:
        calls.append(seed)
        begun.set()
        assert go_on.wait(60.0)
        return [Trial("ok", 1.0)] * len(candidates)

    monkeypatch.setattr(Oja, "trials", slow)
    with Evaluator("oja", SETTINGS) as threads:
        wait = threads.submit([Job(parse_rules("x"), tuple(range(100)), "full")])
        assert begun.wait(60.0)
    go_on.set()
    with pytest.raises(CancelledError):
        wait()
    assert calls == [0]


PARENT = """
import multiprocessing
from rulesearch.evaluation.evaluator import Evaluator, Job
from rulesearch.rules import parse_rules
from rulesearch.tasks import load_task

if __name__ == "__main__":
    settings = load_task("oja").resolve({"data_sets": 2, "points": 400})
    with Evaluator("oja", settings, workers=2) as evaluator:
        jobs = [Job(parse_rules("y*(x - w*y)"), (seed,), "full") for seed in range(8)]
        evaluator.run(jobs)
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        while True:
            evaluator.run([Job(parse_rules("y*(x - w*y)"), (seed,), "full") for seed in range(100)])
"""


def runs(process: int) -> bool:
    """Whether a process is alive; one that has ended and waits to be noticed is not."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return False
    return fields[0] not in "ZX"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [int(word) for word in parent.stdout.readline().split()]
        assert len(workers) == 2
        assert all(runs(worker) for worker in workers)
        time.sleep(0.5)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(timeout=10)
        deadline = time.monotonic() + 10.0
        while any(runs(worker) for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
    left = [worker for worker in workers if runs(worker)]
    for worker in left:
        os.kill(worker, signal.SIGKILL)
    assert not left
