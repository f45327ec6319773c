"""A run folder is enough by itself, and whoever reads it runs nothing that it brings along."""

from __future__ import annotations

import json
import py_compile
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import rulesearch as rs
from rulesearch.cli import main
from rulesearch.errors import RulesearchError
from rulesearch.workflow import kept_task
from rulesearch.workflow.families import families, found_by
from rulesearch.workflow.kept_task import whole_page_command
from rulesearch.workflow.run import Run, list_runs

TASK = """
from helper import distance

from rulesearch.tasks import objective


@objective(
    grammar="mettler", symbols={"x": "input", "y": "output", "w": "weight"}, known_rule="oja", deterministic=True
)
def near_oja(rule, seed):
    "The rule must change weights as Oja's does."
    return distance(rule.change(x=2.0, y=0.5, w=0.3), 0.01 * 0.5 * (2.0 - 0.3 * 0.5))
"""
HELPER = "def distance(a, b):\n    return float((a - b) ** 2)\n"
ELSE = "raise RuntimeError('another helper of this name')\n"


@pytest.fixture(autouse=True)
def stranger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Return what makes this process one that never ran any task file, and whose account never did."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(kept_task, "_here", {})

    def forget() -> None:
        kept_task._here.clear()
        shutil.rmtree(tmp_path / "state", ignore_errors=True)

    return forget


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a search with a task file that imports its neighbour; the file is gone then."""
    home = tmp_path_factory.mktemp("home")
    (home / "mine.py").write_text(TASK)
    (home / "helper.py").write_text(HELPER)
    lines = ['task = "mine.py:near_oja"', 'grammar = "mettler"', 'engine = "random"', "seed = 2", "budget = 10"]
    (home / "search.toml").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.chdir(home)
        rs.discover("search.toml", out="run", report=False)
    (home / "mine.py").unlink()
    return home / "run"


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that run in another folder, which has another neighbour of the name, and from which all is called."""
    away = tmp_path / "away"
    shutil.copytree(made, away / "run")
    (away / "helper.py").write_text(ELSE)
    monkeypatch.chdir(away)
    shutil.copytree(made.parent / "state", tmp_path / "state")
    return Path("run")


def test_a_run_with_a_task_file_goes_on_from_another_place_without_it(folder: Path) -> None:
    front = (folder / "front.csv").read_bytes()
    again = rs.resume(folder, report=False)
    assert (folder / "front.csv").read_bytes() == front
    assert again.members == Run.open(folder).members
    assert sorted(path.name for path in (folder / "task").iterdir()) == ["helper.py", "mine.py"]


@pytest.mark.slow
def test_what_a_run_tells_of_its_task_is_enough_for_its_readers(folder: Path, stranger: Callable[[], None]) -> None:
    stranger()
    (folder / "task" / "mine.py").write_text("raise SystemExit('it was run')")
    run = Run.open(folder)
    assert run.task.title == "near-oja"
    assert run.task.symbols["x"].meaning == "input"
    assert str(run.task.baseline({})) == "y*(x - w*y)"
    assert len(families(found_by(run))) > 1
    words: tuple[list[str], ...] = (
        ["report", "run"],
        ["cite", "run"],
        ["families", "run"],
        ["export", "run:1"],
        ["runs", "."],
        ["plot", "run:1", "-o", "one.png"],
        ["plot", "run", "-o", "front.png"],
        ["compare", "run:1"],
        ["evaluate", "run:1", "--task", "oja"],
    )
    for each in words:
        assert main(each) == 0, each
    assert "near-oja" in (folder / "report.html").read_text("utf-8")


def test_a_file_that_was_never_run_here_is_named_and_run_only_where_it_is_trusted(
    folder: Path, stranger: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    front = (folder / "front.csv").read_bytes()
    stranger()
    assert main(["resume", "run"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "run/task/mine.py" in said and "rulesearch resume run --trust" in said
    assert main(["resume", "run", "--trust", "--no-report"]) == 0
    assert (folder / "front.csv").read_bytes() == front
    # What was trusted once is known from now on.
    kept_task._here.clear()
    assert main(["resume", "run", "--no-report"]) == 0


@pytest.mark.parametrize(
    ("name", "what"), [("mine.py", "changed"), ("helper.py", "changed"), ("sitecustomize.py", "new")]
)
def test_a_changed_file_is_not_the_one_that_the_run_was_made_with(folder: Path, name: str, what: str) -> None:
    (folder / "task" / name).write_text("raise SystemExit('it was run')")
    said = rf"run/task are not those \({name} is {what}\) that the run run was made with.*--trust"
    with pytest.raises(RulesearchError, match=said):
        rs.resume(folder)


def test_a_file_of_a_run_s_task_that_is_missing_is_named(folder: Path) -> None:
    (folder / "task" / "helper.py").unlink()
    with pytest.raises(RulesearchError, match=r"run/task are not those \(helper\.py is missing\) that the run"):
        rs.resume(folder)


def test_bytecode_in_a_run_folder_is_never_used(folder: Path) -> None:
    evil = folder / "evil.py"
    evil.write_text("raise SystemExit('it was run')" + " " * 100)
    kept = folder / "task" / "helper.py"
    target = folder / "task" / "__pycache__" / f"helper.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(str(evil), str(target), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert kept.is_file() and target.is_file()
    assert rs.resume(folder, report=False).members


def test_a_stranger_s_folder_that_names_a_file_of_its_own_runs_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "S"
    rs.discover("oja", engine="random", budget=5, settings={"points": 200}, out=folder, report=False)
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nX = 1\n")
    text = (folder / "experiment.toml").read_text().replace('task = "oja"', f'task = "{folder}/evil.py:X"')
    (folder / "experiment.toml").write_text(text)
    one = f"{folder}:1"
    for each in (["cite", str(folder)], ["families", str(folder)], ["export", one], ["compare", one]):
        assert main(each) in (0, 2)
    assert main(["resume", str(folder)]) == 2
    assert not (tmp_path / "ran").exists()
    with pytest.raises(RulesearchError, match=r"evil\.py, which was not run here before"):
        rs.resume(folder)


def test_a_run_on_a_table_keeps_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{0.1 * k},{0.2 * (k % 7)},{0.1 * k * 0.2 * (k % 7)}" for k in range(30)]
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    Path("table.csv").write_text("\n".join(["x,y,dw", *rows]))
    options = {"engine": "enumerate", "budget": 60, "permutations": 0, "report": False}
    run = rs.distil("table.csv", "dw", out=tmp_path / "run", **options)
    front = (tmp_path / "run" / "front.csv").read_bytes()
    Path("table.csv").write_text("\n".join(["x,y,dw", *reversed(rows)]))
    monkeypatch.chdir(tmp_path)
    again = rs.resume("run", report=False)
    assert (tmp_path / "run" / "front.csv").read_bytes() == front
    assert again.conclusion == run.conclusion
    assert families(found_by(Run.open("run")))
    (tmp_path / "run" / "task" / "table.csv").write_text("\n".join(["x,y,dw", *reversed(rows)]))
    with pytest.raises(RulesearchError, match=r"\(table\.csv is changed\) that the run run was made with"):
        rs.resume("run")


@pytest.mark.slow
def test_what_is_committed_of_a_run_can_be_read_without_its_store(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Run.open(folder)
    rs.resume(folder, report=True)
    capsys.readouterr()
    assert main(["families", "run", "--json"]) == 0
    grouped = capsys.readouterr().out
    (folder / "run.sqlite").unlink()
    shutil.rmtree(folder / "task")
    left = Run.open(folder)
    assert left.members == whole.members
    assert (left.references, left.conclusion, left.distinct) == (whole.references, whole.conclusion, whole.distinct)
    assert [each["best"] for each in list_runs(".")] == [str(whole.members[0].rules)]
    assert main(["families", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(grouped)
    before = (folder / "report.html").read_text("utf-8")
    for each in (["report", "run"], ["cite", "run"], ["export", "run:1"], ["export", "run", "--format", "csv"]):
        assert main(each) == 0, each
    assert figures(before) == figures((folder / "report.html").read_text("utf-8"))
    assert not (folder / "run.sqlite").exists()


def test_the_whole_page_is_had_by_resuming_where_the_task_is_a_python_file(tmp_path: Path) -> None:
    for reference, command in (
        ("oja", f"report {tmp_path}"),
        ("table.csv:dw", f"report {tmp_path}"),
        ("parts.py:Parts", f"resume {tmp_path} --report"),
    ):
        assert whole_page_command(tmp_path, reference) == f"rulesearch {command}"


def figures(page: str) -> list[str]:
    return [line for line in page.splitlines() if "<svg" in line]


def test_a_summary_is_the_same_for_the_same_search_and_holds_no_times(tmp_path: Path) -> None:
    for name in ("a", "b"):
        options = {"engine": "random", "budget": 5, "settings": {"points": 200}}
        rs.discover("oja", out=tmp_path / name, report=False, **options)
    texts = [(tmp_path / name / "summary.json").read_bytes() for name in ("a", "b")]
    assert texts[0] == texts[1]
    assert b'"seconds"' not in texts[0]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"facts": {"summary": {"members": 3}}}', '{"facts": 1}', "[" * 9999])
def test_a_damaged_summary_is_one_line(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "summary.json").write_text(text)
    (folder / "experiment.toml").write_text('task = "oja"\ngrammar = "rate"\n')
    for each in (["report", str(folder)], ["families", str(folder)], ["export", f"{folder}:1"]):
        assert main(each) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["runs", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loss": "a"}, "summary.members[0].loss must be a number, found 'a'"),
        ({"loss": None}, "summary.members[0].loss must be a number, found None"),
        ({"rank": "1"}, "summary.members[0].rank must be a whole number, found '1'"),
        ({"metrics": {"norm": []}}, "summary.members[0].metrics.norm must be a number, found []"),
        ({"held_out_losses": 3}, "summary.members[0].held_out_losses must be a list, found 3"),
        ({"verdicts": [{"title": 1}]}, "summary.members[0].verdicts[0].title must be a text, found 1"),
    ],
)
def test_a_value_of_another_kind_in_a_summary_is_named(
    run_folder: Path, tmp_path: Path, change: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run_folder, tmp_path / "run", ignore=shutil.ignore_patterns("run.sqlite"))
    file = tmp_path / "run" / "summary.json"
    document = json.loads(file.read_text())
    document["facts"]["summary"]["members"][0].update(change)
    file.write_text(json.dumps(document))
    for each in ("report", "families"):
        assert main([each, str(tmp_path / "run")]) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1 and f"holds of the run is damaged: {said}" in line


def test_what_a_summary_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(RulesearchError, match=r"holds of the run is damaged: there is no 'facts'$"):
        Run.open(tmp_path)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run on a shipped task."""
    folder = tmp_path_factory.mktemp("short") / "run"
    rs.discover("oja", engine="random", budget=5, settings={"points": 200}, out=folder, report=False)
    return folder


def test_what_is_wrong_with_a_rule_that_a_run_kept_is_told_with_the_folder(pair_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    shutil.copytree(pair_run.folder, folder)
    (folder / "run.sqlite").unlink()
    kept = json.loads((folder / "summary.json").read_text("utf-8"))
    kept["facts"]["summary"]["members"][0]["rules"] = {"x": 1}
    (folder / "summary.json").write_text(json.dumps(kept), "utf-8")
    with pytest.raises(RulesearchError) as caught:
        Run.open(folder)
    assert str(caught.value).startswith(f"what {folder} holds of the run is damaged: rule JSON: unknown field 'x'")
