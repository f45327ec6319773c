"""Workers beside the process that searches: what becomes of jobs where they die, and of a search on a cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rulesearch as rs
from rulesearch.cli import main
from rulesearch.errors import ParseError, RulesearchError
from rulesearch.evaluation import workers
from rulesearch.evaluation.evaluator import Evaluator, Job
from rulesearch.evaluation.workers import LostWorkersError, Processes
from rulesearch.expression import parse_expression
from rulesearch.rules import parse_rules
from rulesearch.search.problem import Problem
from rulesearch.tasks import load_task
from rulesearch.workflow.run import Run

SETTINGS = load_task("oja").resolve({"data_sets": 2, "points": 400})
JOBS = [Job(parse_rules("y*(x - w*y)"), (seed,), "full") for seed in range(40)]
SHORT: dict[str, Any] = {"seed": 3, "budget": 300, "settings": {"data_sets": 2, "points": 400}, "report": False}


@pytest.mark.slow
def test_where_a_worker_is_killed_others_take_its_place_and_the_batch_is_run_again() -> None:
    with Evaluator("oja", SETTINGS) as alone, Evaluator("oja", SETTINGS, workers=2) as several:
        expected = alone.run(JOBS)
        assert several.run(JOBS) == expected
        # In the middle of a batch, and between two.
        for _ in range(2):
            waiting = several.submit(JOBS), several.submit(JOBS[:5])
            kill_one(several)
            assert [wait() for wait in waiting] == [expected, expected[:5]]
            kill_one(several)
            assert several.run(JOBS) == expected


def test_temporary_files_of_workers_go_with_them() -> None:
    apart = Processes(1)
    left = Path(apart.result(apart.submit(tempfile.mkdtemp)))
    assert left.is_dir()
    apart.close()
    assert not left.exists()


def kill_one(evaluator: Evaluator) -> None:
    assert isinstance(evaluator._apart, Processes)
    child = next(iter(evaluator._apart._children))
    assert child.process.pid is not None
    os.kill(child.process.pid, signal.SIGKILL)


DEADLY = """
import os

from rulesearch.tasks import objective

PARENT = {parent}


@objective(grammar="mettler", symbols={{"x": "input", "y": "output", "w": "weight"}}, known_rule="oja")
def deadly(rule, seed):
    if os.getpid() != PARENT:
        os._exit(1)
    return 1.0
"""


@pytest.mark.slow
def test_jobs_that_kill_their_workers_end_the_search_in_one_line_that_names_resume(tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(DEADLY.format(parent=os.getpid()))
    (tmp_path / "search.toml").write_text(f'task = "{tmp_path}/deadly.py:deadly"\ngrammar = "mettler"\nbudget = 200\n')
    with pytest.raises(RulesearchError, match=r"ended one after the other.*rulesearch resume .*run"):
        rs.discover(tmp_path / "search.toml", workers=2, out=tmp_path / "run", report=False)


def test_an_error_in_a_rule_comes_whole_from_another_process() -> None:
    import pickle

    with pytest.raises(ParseError) as caught:
        parse_expression("x*(y")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.column) == (str(caught.value), caught.value.column)


@pytest.mark.slow
def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import rulesearch as rs\nprint('begun')\n"
        "run = rs.discover('oja', seed=3, budget=50, settings={'points': 200}, workers=2, out='run', report=False)\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "begun\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "address", ["nonsense", "", "tcp://", "tcp://host", "127.0.0.1", "host: 8786", "http://127.0.0.1:1"]
)
def test_what_is_no_address_is_refused(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    assert main(["discover", "oja", "--scheduler", address, "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "is no address of a Dask scheduler; expected tcp://host:port" in said and said.count("\n") == 1


def test_an_address_is_a_text(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(RulesearchError, match=r"^3 is no address of a Dask scheduler; expected tcp"):
        rs.discover("oja", scheduler=3, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_where_no_scheduler_listens_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "_SECONDS_TO_CONNECT", 0.5)
    assert main(["discover", "oja", "--scheduler", "tcp://127.0.0.1:1", "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_without_dask_the_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["discover", "oja", "--scheduler", "tcp://127.0.0.1:1", "--out", str(tmp_path / "run")]) == 3
    assert "pip install 'rulesearch[cluster]'" in capsys.readouterr().err


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A scheduler with two workers on this machine."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made:
        yield made


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes_and_gets_tasks_and_tables_with_the_jobs(cluster: Any, tmp_path: Path) -> None:
    address = cluster.scheduler_address
    rs.discover("oja", out=tmp_path / "alone", **SHORT)
    rs.discover("oja", out=tmp_path / "cluster", scheduler=address, **SHORT)
    assert front(tmp_path / "cluster") == front(tmp_path / "alone")

    (tmp_path / "helper.py").write_text("def loss(change):\n    return float(change ** 2)\n")
    (tmp_path / "mine.py").write_text(
        "from helper import loss\nfrom rulesearch.tasks import objective\n\n"
        "@objective(grammar='mettler', symbols={'x': 'in', 'y': 'out', 'w': 'weight'}, known_rule='oja')\n"
        "def mine(rule, seed):\n    return loss(rule.change(x=1.0, y=2.0, w=seed))\n"
    )
    (tmp_path / "table.csv").write_text("x,y,dw\n" + "".join(f"{k},{k % 3},{k * (k % 3)}\n" for k in range(20)))
    for reference in (f"{tmp_path}/mine.py:mine", f"{tmp_path}/table.csv:dw"):
        task = load_task(reference)
        jobs = [Job(parse_rules(text), (0, 1), "full") for text in ("x*y", "x + 1", "2*x")]
        with Evaluator(reference, task.resolve()) as alone:
            expected = alone.run(jobs)
        with Evaluator(reference, task.resolve(), scheduler=address) as far:
            for file in ("mine.py", "helper.py") if "mine" in reference else ("table.csv",):
                (tmp_path / file).unlink()
            assert far.run(jobs) == expected


@pytest.mark.slow
def test_where_the_scheduler_goes_nothing_is_lost(cluster: Any, tmp_path: Path) -> None:
    rs.discover("oja", out=tmp_path / "alone", **SHORT)

    def stop(problem: Problem) -> None:
        if problem.progress.generation == 2:
            cluster.close(timeout=20)

    with pytest.raises(RulesearchError, match=r"does not answer any more.*rulesearch resume .*run"):
        rs.discover("oja", out=tmp_path / "run", scheduler=cluster.scheduler_address, watch=stop, **SHORT)
    with pytest.raises(RulesearchError, match="was cut off before it ended"):
        Run.open(tmp_path / "run")
    rs.resume(tmp_path / "run", report=False)
    assert front(tmp_path / "run") == front(tmp_path / "alone")


@pytest.mark.slow
def test_work_of_a_cluster_is_divided_by_its_cores(cluster: Any) -> None:
    with Evaluator("oja", SETTINGS, scheduler=cluster.scheduler_address) as far:
        assert far._apart is not None
        assert far._apart.cores == 2


def test_a_search_that_lost_its_workers_is_told_apart_from_wrong_input() -> None:
    assert issubclass(LostWorkersError, RulesearchError)


def front(folder: Path) -> bytes:
    return (folder / "front.csv").read_bytes()
