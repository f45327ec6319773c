"""A run that was stopped, interrupted or killed goes on to the same result."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rulesearch.errors import RulesearchError, UnfinishedRunError
from rulesearch.search.problem import Problem
from rulesearch.workflow.discover import resume
from rulesearch.workflow.evidence import gather, stored_evidence
from rulesearch.workflow.run import Run, list_runs

Search = Callable[..., Run]


def test_a_finished_run_is_answered_from_its_store(reference: Run, front: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(reference.folder, folder)
    before = rows(folder)
    again = resume(folder)
    assert (folder / "front.csv").read_bytes() == front
    assert rows(folder) == before
    assert again.members == reference.members
    assert (again.evaluations, again.distinct, again.deaths) == (
        reference.evaluations,
        reference.distinct,
        reference.deaths,
    )


def rows(folder: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "run.sqlite") as connection:
        evaluations = connection.execute("SELECT * FROM evaluation ORDER BY id").fetchall()
        return [*evaluations, *connection.execute("SELECT * FROM generation ORDER BY number")]


def test_a_run_that_goes_on_with_another_budget_says_that_held_out_seeds_were_seen(
    reference: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(reference.folder, folder)
    budget = f"budget = {reference.experiment.budget}"
    file = folder / "experiment.toml"
    assert "looked at before" not in resume(folder).conclusion
    gather(Run.open(folder))
    file.write_text(file.read_text("utf-8").replace(budget, f"{budget}00"), "utf-8")
    seen: list[int] = []

    def stop(problem: Problem) -> None:
        seen.append(problem.progress.distinct)
        if problem.progress.distinct > reference.distinct + 20:
            problem.stopped_by = "budget"

    longer = resume(folder, watch=stop)
    said = f"; the 10 held-out seeds were looked at before, after {reference.distinct:,} distinct rules"
    assert not stored_evidence(longer).rules
    assert longer.distinct > reference.distinct and longer.conclusion.endswith(said)
    assert resume(folder, watch=stop).conclusion == longer.conclusion
    assert Run.open(folder).conclusion == longer.conclusion


def test_ctrl_c_keeps_what_was_found_and_resuming_gives_the_whole(
    search: Search, reference: Run, front: bytes, tmp_path: Path
) -> None:
    def stop(problem: Problem) -> None:
        if problem.progress.generation == 1:
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    said: list[str] = []
    run = search(folder, watch=stop, notify=said.append)
    assert run.status == "interrupted"
    assert run.members
    assert run.evaluations < reference.evaluations
    assert all(member.held_out_loss is None for member in run.members)
    assert "interrupted" in run.conclusion
    assert "interrupted: keeping what was found" in said
    assert Run.open(folder).status == "interrupted"
    whole = resume(folder)
    assert whole.status == "done"
    assert (folder / "front.csv").read_bytes() == front
    assert whole.evaluations == reference.evaluations
    assert Run.open(folder).members == reference.members


def test_ctrl_c_while_cleaning_up_keeps_what_was_found(search: Search, front: bytes, tmp_path: Path) -> None:
    def stop(message: str) -> None:
        if message.startswith("cleaning up rule 3"):
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    run = search(folder, notify=stop)
    assert run.status == "interrupted"
    assert run.members
    resume(folder)
    assert (folder / "front.csv").read_bytes() == front


def test_what_is_known_is_not_simulated_again(search: Search, front: bytes, tmp_path: Path) -> None:
    def stop(problem: Problem) -> None:
        if problem.progress.generation == 1:
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    search(folder, watch=stop)
    with sqlite3.connect(folder / "run.sqlite") as connection:
        # A mark that only survives if these evaluations are answered from the store.
        before = connection.execute("SELECT COUNT(*) FROM evaluation WHERE phase = 'search'").fetchone()[0]
        connection.execute("UPDATE evaluation SET work = work + 1000000")
        connection.commit()
    assert before > 0
    seen: list[int] = []
    resume(folder, watch=lambda problem: seen.append(problem.progress.work))
    assert seen[1] >= 1_000_000 * before
    assert (folder / "front.csv").read_bytes() == front


def test_a_run_stopped_by_time_is_a_run(search: Search, tmp_path: Path) -> None:
    run = search(tmp_path / "run", budget=10**6, time_limit=0.5)
    assert run.status == "stopped"
    assert run.members
    assert run.members[0].held_out_loss is not None or "time" in run.conclusion


def test_a_run_that_reaches_its_loss_stops(search: Search, tmp_path: Path) -> None:
    run = search(tmp_path / "run", budget=10**6, stop_loss=0.5)
    assert run.status == "stopped"
    assert min(member.loss for member in run.members) < 1.0


@pytest.mark.parametrize("missing", ["experiment.toml", "grammar.toml"])
def test_a_folder_without_a_run_is_refused(reference: Run, tmp_path: Path, missing: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(reference.folder, folder)
    (folder / missing).unlink()
    with pytest.raises(RulesearchError, match=f"is not a run folder: it has no {missing}"):
        resume(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("experiment.toml", "seed = 3", "seed = 6", "seed was 3 and is now 6; change it back"),
        ("experiment.toml", "points = 400.0", "points = 300", "settings.points was 400.0 and is now 300"),
        ("experiment.toml", 'engine = "deap"', 'engine = "random"', "engine was 'deap' and is now 'random'"),
        ("experiment.toml", "seed = 3", 'seed = 3\nstart = "x*y"', "start was not given and is now 'x[*]y'"),
        ("grammar.toml", "size = ", "size = 1", "grammar.toml was changed since the run began; change it back, or "),
    ],
)
@pytest.mark.parametrize("concluded", [True, False])
def test_a_run_does_not_go_on_as_another_search(
    reference: Run, tmp_path: Path, file: str, old: str, new: str, said: str, concluded: bool
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(reference.folder, folder)
    if not concluded:
        with sqlite3.connect(folder / "run.sqlite") as connection:
            connection.execute("DELETE FROM fact WHERE name = 'summary'")
    text = (folder / file).read_text()
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new))
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for call in (resume, Run.open) if concluded else (resume,):
        with pytest.raises(RulesearchError, match=said) as told:
            call(folder)
        assert "search anew: rulesearch discover" in str(told.value)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == kept


def test_how_long_a_run_goes_on_and_what_it_is_called_may_be_changed(reference: Run, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(reference.folder, folder)
    text = (folder / "experiment.toml").read_text()
    changed = text.replace("budget = 600", "budget = 600\ntime_limit = 1000.0").replace('name = "oja"', 'name = "mine"')
    (folder / "experiment.toml").write_text(f"# a note\n{changed}")
    assert resume(folder).members == reference.members


def test_a_run_from_before_what_it_began_with_was_noted_goes_on(reference: Run, front: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(reference.folder, folder)
    with sqlite3.connect(folder / "run.sqlite") as connection:
        connection.execute("DELETE FROM fact WHERE name = 'begun'")
    (folder / "grammar.toml").write_text(f"# a note\n{(folder / 'grammar.toml').read_text()}")
    resume(folder)
    assert (folder / "front.csv").read_bytes() == front


def test_a_run_goes_on_with_the_grammar_it_began_with(search: Search, tmp_path: Path) -> None:
    grammar = tmp_path / "mine.toml"
    grammar.write_text((Path(__file__).parents[2] / "grammars" / "rate.toml").read_text())
    folder = tmp_path / "run"
    search(folder, grammar=str(grammar), budget=50)
    before = (folder / "front.csv").read_bytes()
    grammar.unlink()
    resume(folder)
    assert (folder / "front.csv").read_bytes() == before


PROGRAM = """
import sys
from rulesearch.workflow.discover import discover

if __name__ == "__main__":
    settings = {"data_sets": 2, "points": 400}
    discover("oja", seed=3, budget=4000, settings=settings, out=sys.argv[1], workers=int(sys.argv[2]))
"""


def killed_when(folder: Path, moment: Callable[[sqlite3.Connection], bool], workers: int) -> None:
    """Start the search and kill it -9 at the moment; fail if it ended before."""
    script = folder.parent / "search.py"
    script.write_text(PROGRAM)
    words = [sys.executable, str(script), str(folder), str(workers)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if reached(folder / "run.sqlite", moment):
                break
            time.sleep(0.002)
        assert process.poll() is None, "the search ended before it could be killed"
        os.kill(process.pid, signal.SIGKILL)
    assert not (folder / "front.csv").exists()


def reached(path: Path, moment: Callable[[sqlite3.Connection], bool]) -> bool:
    if not path.exists():
        return False
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        return moment(connection)
    except sqlite3.OperationalError:  # the tables are not there yet
        return False
    finally:
        connection.close()


def count(table: str, at_least: int, where: str = "1") -> Callable[[sqlite3.Connection], bool]:
    query = f"SELECT COUNT(*) FROM {table} WHERE {where}"
    return lambda connection: connection.execute(query).fetchone()[0] >= at_least


@pytest.fixture(scope="module")
def undisturbed(search: Search, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    search(folder, budget=4000)
    return (folder / "front.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "moment",
    [
        count("generation", 0),
        count("generation", 5),
        count("evaluation", 30, "phase = 'clean-up'"),
    ],
    ids=["at the start", "in the search", "in the clean-up"],
)
def test_a_run_that_is_killed_resumes_to_the_same_front(
    undisturbed: bytes, tmp_path: Path, moment: Callable[[sqlite3.Connection], bool], workers: int
) -> None:
    folder = tmp_path / "run"
    killed_when(folder, moment, workers)
    resume(folder)
    assert (folder / "front.csv").read_bytes() == undisturbed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_a_run_may_be_killed_again_and_again(undisturbed: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    killed_when(folder, count("generation", 3), 1)
    script = tmp_path / "go_on.py"
    script.write_text(
        "import sys\nfrom rulesearch.workflow.discover import resume\n"
        "if __name__ == '__main__':\n    resume(sys.argv[1])\n"
    )
    for generations in (6, 9):
        with subprocess.Popen([sys.executable, str(script), str(folder)], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not reached(folder / "run.sqlite", count("generation", generations)):
                time.sleep(0.002)
            assert process.poll() is None
            os.kill(process.pid, signal.SIGKILL)
    resume(folder)
    assert (folder / "front.csv").read_bytes() == undisturbed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_a_search_of_two_rules_that_was_killed_goes_on_to_the_same_front(tmp_path: Path) -> None:
    words = ["pca-network", "--seed", "3", "--budget", "60", "--set", "presentations=800", "--no-report", "--out"]
    command = [sys.executable, "-m", "rulesearch"]
    subprocess.run([*command, "discover", *words, str(tmp_path / "whole")], check=True, capture_output=True)
    folder = tmp_path / "killed"
    with subprocess.Popen([*command, "discover", *words, str(folder)], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not reached(folder / "run.sqlite", count("generation", 3)):
            time.sleep(0.002)
        assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    assert not (folder / "front.csv").exists()
    subprocess.run([*command, "resume", str(folder), "--no-report"], check=True, capture_output=True)
    assert (folder / "front.csv").read_bytes() == (tmp_path / "whole" / "front.csv").read_bytes()
    assert len(Run.open(folder).members[0].rules.rules) == 2


def test_a_folder_that_holds_nothing_to_go_on_by_is_not_told_to_be_resumed(pair_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "run.sqlite").touch()
    for there, missing in ((), "experiment.toml"), (("experiment.toml",), "grammar.toml"):
        for name in there:
            shutil.copy(pair_run.folder / name, folder)
        with pytest.raises(RulesearchError, match=f"cannot be resumed: it has no {missing}; search anew") as caught:
            Run.open(folder)
        assert not isinstance(caught.value, UnfinishedRunError)
        with pytest.raises(RulesearchError, match=f"it has no {missing}"):
            resume(folder)
        assert [each["status"] for each in list_runs(tmp_path)] == ["damaged"]
    (folder / "grammar.toml").touch()
    with pytest.raises(UnfinishedRunError, match="go on with: rulesearch resume"):
        Run.open(folder)
