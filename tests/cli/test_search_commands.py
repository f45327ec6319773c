"""discover, resume, runs: what is printed, kept and refused."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rulesearch.cli.arguments import whole
from rulesearch.errors import RulesearchError
from rulesearch.workflow.experiment import given_fields

Call = Callable[..., Any]

RUN_KEYS = {"run", "experiment", "task", "engine", "seed", "status", "evaluations", "distinct", "seconds", "conclusion"}
MEMBER_KEYS = {"rank", "rule", "latex", "size", "loss", "held_out_loss", "metrics", "verdicts"}
SHORT = ("--engine", "random", "--budget", "40", "--set", "points=200", "--no-report")


def test_discover_prints_the_agreed_document_and_nothing_else(call: Call, tmp_path: Path) -> None:
    called = call("discover", "oja", *SHORT, "--seed", "3", "--out", str(tmp_path / "run"), "--json")
    assert called.code == 0
    assert called.err == ""
    document = called.document
    assert set(document) >= RUN_KEYS
    assert (document["engine"], document["seed"], document["status"]) == ("random", 3, "done")
    assert document["distinct"] >= 40
    member = document["front"][0]
    assert set(member) >= MEMBER_KEYS
    assert (tmp_path / "run" / "run.sqlite").is_file()


@pytest.mark.slow
def test_live_keeps_a_page_and_report_writes_the_whole_one(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert call("discover", "oja", *SHORT, "--live", "--out", str(folder), "--json").code == 0
    assert "The search goes on" in (folder / "report.html").read_text("utf-8")
    called = call("report", str(folder), "--json")
    assert called.document == {"run": str(folder), "file": str(folder / "report.html")}
    assert "The recommended rule" in (folder / "report.html").read_text("utf-8")
    assert (folder / "figures" / "front-known.pdf").is_file()


def test_report_of_what_is_no_run_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "is not a run folder" in refused("report", str(tmp_path))


def test_discover_for_people_shows_front_references_and_conclusion(call: Call, tmp_path: Path) -> None:
    called = call("discover", "oja", *SHORT, "--out", str(tmp_path / "run"))
    assert called.code == 0
    assert called.out.split()[:4] == ["rank", "size", "loss", "held"]
    assert "conclusion" in called.out
    assert str(tmp_path / "run") in called.out
    assert "control" in called.out
    assert "rules" in called.err


def test_resuming_a_finished_run_gives_the_same_front(call: Call, run_folder: Path) -> None:
    first = call("resume", str(run_folder), "--no-report", "--json").document
    second = call("resume", str(run_folder), "--no-report", "--json").document
    assert first["front"] == second["front"]
    assert first["status"] == "done"


def test_a_run_that_wants_no_page_is_resumed_without_one(
    call: Call, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(run_folder, tmp_path / "run")
    page = run / "report.html"
    monkeypatch.setattr("rulesearch.report.page.write_report", lambda *_, **__: page.write_text("new", "utf-8"))
    assert call("resume", str(run)).code == 0 and not page.exists()
    # A page that there is would be that of another front.
    page.write_text("old", "utf-8")
    assert call("resume", str(run), "--no-report").code == 0 and page.read_text("utf-8") == "old"
    assert call("resume", str(run)).code == 0 and page.read_text("utf-8") == "new"


@pytest.mark.parametrize("word", ["1e5", "1.0E+5", "100000"])
def test_whole_numbers_may_be_written_with_an_exponent(word: str) -> None:
    assert whole(1)(word) == 100_000


def test_a_command_takes_such_a_number(call: Call) -> None:
    assert len(call("grammar", "sample", "rate", "-n", "2e0", "--json").document["rules"]) == 2


def test_a_dry_run_predicts_and_writes_nothing(call: Call, tmp_path: Path) -> None:
    document = call("discover", "oja", *SHORT, "--out", str(tmp_path / "run"), "--dry-run", "--json").document
    assert document["budget"] == 40
    assert document["predicted_seconds"] > 0
    assert not (tmp_path / "run").exists()
    assert "predicted time" in call("discover", "oja", *SHORT, "--dry-run").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ojaa",), "did you mean 'oja'"),
        (("nothing.toml",), "there is no file nothing.toml"),
        (("oja", "--engine", "deep"), "did you mean 'deap'"),
        (("oja", "--grammar", "nothing"), "unknown grammar"),
        (("oja", "--budget", "0"), "--budget"),
        (("oja", "--seed", "-1"), "--seed"),
        (("oja", "--time", "0"), "--time must be above 0"),
        (("oja", "--time", "nan"), "--time must be above 0"),
        (("oja", "--workers", "0"), "--workers"),
        (("oja", "--budget", "1.5"), "'1.5' is not a whole number, such as 2000 or 2e3"),
        (("oja", "--budget", "1e5.5"), "'1e5.5' is not a whole number"),
        (("oja", "--budget", "1.55e1"), "'1.55e1' is not a whole number"),
        (("oja", "--budget", "1e999999999"), "'1e999999999' is not a whole number"),
        (("--task", "oja"), "there is: rulesearch discover oja; write one of your own: rulesearch new experiment"),
        (("oja", "--task", "oja"), "discover takes an experiment"),
        (("oja", "--set", "dims=1000"), "must lie in 2 to 200"),
        (("oja", "--start", "y*(x"), "column"),
        (("oja", "--template", "x*y - ?", "--template", "x*?"), "--template is given 2 times, once as 'x*y - ?'"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_written(
    refused: Callable[..., str], tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    assert said in refused("discover", *words, "--out", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["discover", "distil"])
def test_every_field_that_a_search_can_be_given_is_an_option(call: Call, command: str) -> None:
    said = " ".join(call(command, "--help").out.split())
    for each in given_fields():
        assert f"{each.flag} {each.option.metavar}" in said
        assert each.option.help in said or (command, each.name) == ("distil", "grammar")


def test_what_is_typed_reaches_the_field_of_its_name(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    reached: dict[str, Any] = {}

    def keep(experiment: str, **changes: Any) -> None:
        reached.update(changes)
        raise RulesearchError("enough")

    monkeypatch.setattr("rulesearch.workflow.discover.predict", keep)
    typed = ("--grammar", "mettler", "--engine", "random", "--seed", "4", "--budget", "1e3", "--set", "dims=3")
    typed += ("--time", "2.5", "--stop-loss", "0.1", "--start", "-x*y", "--option", "islands=2", "--template", "? - w")
    typed += ("--forbid", "tanh", "--forbid", "/", "--require", "w", "--permutations", "0", "--given", "w[x*y]")
    assert "enough" in call("discover", "oja", "--dry-run", *typed).err
    assert {name: value for name, value in reached.items() if value is not None} == {
        **{"grammar": "mettler", "engine": "random", "seed": 4, "budget": 1000, "settings": {"dims": "3"}},
        **{"time_limit": 2.5, "stop_loss": 0.1, "start": "-x*y", "options": {"islands": "2"}, "template": "? - w"},
        **{"forbid": ["tanh", "/"], "require": ["w"], "permutations": 0, "given": "w[x*y]"},
    }
    assert set(reached) == {each.name for each in given_fields()}


def test_a_folder_that_cannot_be_made_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be made" in refused("discover", "oja", "--out", str(tmp_path / "file" / "run"))
    assert "is not a run folder" in refused("resume", str(tmp_path))


def test_runs_lists_the_runs_of_a_folder(call: Call, refused: Callable[..., str], run_folder: Path) -> None:
    listed = call("runs", str(run_folder.parent), "--json").document["runs"]
    assert [entry["run"] for entry in listed] == [str(run_folder)]
    assert str(run_folder) in call("runs", str(run_folder.parent)).out
    assert "there is no folder nowhere" in refused("runs", "nowhere")


@pytest.mark.parametrize("name", ["a", "z"])
@pytest.mark.parametrize("harm", ["store", "summary", "experiment", "key", "setting"])
def test_a_damaged_run_is_listed_as_such_beside_the_others(
    call: Call, run_folder: Path, tmp_path: Path, name: str, harm: str
) -> None:
    shutil.copytree(run_folder, tmp_path / "good")
    damaged = tmp_path / name
    shutil.copytree(run_folder, damaged)
    if harm == "store":
        (damaged / "run.sqlite").write_bytes((damaged / "run.sqlite").read_bytes()[:3000])
    elif harm == "summary":
        (damaged / "run.sqlite").unlink()
        (damaged / "summary.json").write_text((damaged / "summary.json").read_text()[:300])
    else:
        lines = {"experiment": "[", "key": "sede = 3\n", "setting": "seed = -1\n"}
        (damaged / "experiment.toml").write_text(f"{lines[harm]}{(damaged / 'experiment.toml').read_text()}")
    document = call("runs", str(tmp_path), "--json").document["runs"]
    status = {each["run"]: each["status"] for each in document}
    assert status == {str(tmp_path / "good"): "done", str(damaged): "damaged"}
    assert {tuple(each) for each in document} == {tuple(document[0])}
    listed = call("runs", str(tmp_path))
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == sorted(status)
    assert "held_out_loss" in listed.out.splitlines()[0]
    compared = call("runs", str(tmp_path), "--compare")
    assert compared.code == 0
    assert f"left out, since they are damaged: {damaged}" in compared.err


def test_a_run_folder_is_listed_by_itself(call: Call, run_folder: Path) -> None:
    assert [each["run"] for each in call("runs", str(run_folder), "--json").document["runs"]] == [str(run_folder)]


def test_without_results_there_are_no_runs(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("runs", "--json").document == {"runs": []}
    assert "no runs" in call("runs").out


@pytest.mark.skipif(sys.platform == "win32", reason="needs the signal of Ctrl-C")
def test_ctrl_c_ends_with_what_was_found_and_code_130(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = [
        sys.executable,
        "-m",
        "rulesearch",
        "discover",
        "oja",
        "--engine",
        "random",
        "--out",
        str(folder),
        "--json",
    ]
    # A shell that starts the tests in the background hands down an ignored SIGINT.
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not (folder / "run.sqlite").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert '"status": "interrupted"' in out
    assert "rulesearch resume" in err
    assert "Traceback" not in err


def test_families_of_a_run(call: Call, run_folder: Path, tmp_path: Path) -> None:
    figure = tmp_path / "families.png"
    document = call("families", str(run_folder), "-n", "30", "-o", str(figure), "--json").document
    assert document["number"] >= len(document["families"]) > 1
    losses = [each["loss"] for each in document["families"]]
    assert losses == sorted(losses)
    assert figure.read_bytes()[:4] == b"\x89PNG"
    assert "one term away" in call("families", str(run_folder)).out
    assert call("families", str(tmp_path)).err.startswith("error: ")
