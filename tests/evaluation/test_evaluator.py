"""Evaluation: the same outcome in this process and in others, which end with their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.evaluation import evaluator
from rulesearch.evaluation.evaluator import Evaluator, Job, evaluate_rules, run_job, search_job
from rulesearch.rules import parse_rules
from rulesearch.tasks import Fidelity, load_task

TASK = load_task("oja")
SETTINGS = TASK.resolve({"data_sets": 2, "points": 400})
TEXTS = ("y*(x - w*y)", "x*y; eta = 1", "tanh(x*y) - w", "1/(x - x)", "c1*y*(x - x_bar) - w; c1 = 0.7")
JOBS = [Job(parse_rules(text), (seed, seed + 1), "full") for text in TEXTS for seed in (0, 5)]


def test_a_job_ends_at_its_first_failure() -> None:
    ran = run_job(TASK, SETTINGS, "vm", JOBS[0])
    assert ran.ok
    assert len(ran.trials) == 2
    died = run_job(TASK, SETTINGS, "vm", JOBS[2])
    assert died.status == "runaway"
    assert len(died.trials) == len(died.seeds) == 1


def test_an_evaluation_on_request_runs_every_seed() -> None:
    found = evaluate_rules(TASK, parse_rules("x*y; eta = 1"), (0, 1, 2), SETTINGS)
    assert found.status == "runaway"
    assert len(found.trials) == 3


def test_conditions_change_the_settings_of_their_trials_in_turn() -> None:
    fidelity = Fidelity("full", 3, "", ({}, {"points": 200.0}))
    job = search_job(TASK, parse_rules("y*(x - w*y)"), (0, 1, 2), fidelity)
    found = run_job(TASK, SETTINGS, "vm", job)
    work = [trial.work for trial in found.trials]
    assert work == [400 * 0.9 * 4, 200 * 0.9 * 4, 400 * 0.9 * 4]


def test_the_evaluator_answers_in_the_order_of_the_jobs() -> None:
    with Evaluator("oja", SETTINGS) as alone:
        assert alone.run(JOBS) == [run_job(TASK, SETTINGS, "vm", job) for job in JOBS]
        assert alone.run([]) == []


def test_rules_that_do_not_fit_the_task_are_refused() -> None:
    with pytest.raises(RulesearchError, match="has the slots on_step; found on_pre"):
        evaluate_rules(TASK, parse_rules("on_pre: x"), (0,), SETTINGS)


def test_several_workers_give_what_one_process_gives() -> None:
    with Evaluator("oja", SETTINGS, workers=2) as several, Evaluator("oja", SETTINGS) as alone:
        assert several.run(JOBS) == alone.run(JOBS)
        assert several.run(JOBS[:1]) == alone.run(JOBS[:1])


def children() -> set[int | None]:
    return {child.pid for child in multiprocessing.active_children()}


def test_one_process_is_started_beside_this_one_once_it_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = children()
    with Evaluator("oja", SETTINGS, workers=1) as one, Evaluator("oja", SETTINGS) as alone:
        expected = alone.run(JOBS)
        assert one.run(JOBS) == expected
        assert children() <= before
        monkeypatch.setattr(evaluator, "_ALONE", 0.0)
        monkeypatch.setattr(evaluator, "_LONG", 0.0)
        deadline = time.monotonic() + 60.0
        while not one.ready and time.monotonic() < deadline:
            assert one.run(JOBS) == expected
        assert one.ready
        begun = [one.submit(JOBS) for _ in range(3)]
        assert [wait() for wait in begun] == [expected] * 3
        assert len(children() - before) == 1
    deadline = time.monotonic() + 10.0
    while not children() <= before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children() <= before


def test_without_a_process_beside_it_this_one_goes_on_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator, "_ALONE", 0.0)
    monkeypatch.setattr(evaluator, "_LONG", 0.0)
    with Evaluator("oja", SETTINGS, workers=1) as one:
        expected = one.run(JOBS)
        assert one._warm is not None
        one._warm.cancel()
        one._warm = Future()
        one._warm.set_exception(RuntimeError("no process can be started"))
        assert one.run(JOBS) == expected
        assert not one.ready
        assert one.workers == 0


PARENT = """
import multiprocessing
from rulesearch.evaluation import evaluator
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
