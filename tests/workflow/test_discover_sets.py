"""A search for two rules from its experiment to its front: in the task's order, resumed, with rules that are given."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rulesearch as rs
from rulesearch.cli import main
from rulesearch.errors import RulesearchError
from rulesearch.grammar import load_grammar
from rulesearch.rules import parse_rules
from rulesearch.search.problem import Problem
from rulesearch.workflow.discover import discover, resume
from rulesearch.workflow.experiment import Experiment, read_experiment
from rulesearch.workflow.run import Run
from tests import known_pair
from tests.known_pair import ANSWER, PAIR

TASK = f"{Path(known_pair.__file__)}:Pair"
SMALL = {"islands": 2, "initial": 20, "offspring": 10}
ALONE = "\n".join(
    line
    for line in PAIR.replace('[slots.feedforward]\non_step = "change"\n', "").splitlines()
    if not line.startswith("change")
)
GIVEN = "feedforward[y*(x - w*y)]"


def searched(folder: Path, **changes: Any) -> Run:
    fields: dict[str, Any] = {"seed": 2, "budget": 150, "options": SMALL, **changes}
    return discover(Experiment("pair", TASK, fields.pop("grammar", "pair")), out=folder, **fields)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short search for both rules."""
    return searched(tmp_path_factory.mktemp("pair") / "run")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short search for one rule beside a given one, which is not written in its shortest form."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "alone.toml").write_text(ALONE, "utf-8")
    given = "feedforward[y*(x - w*y) + 0*x]"
    return searched(folder / "run", grammar=str(folder / "alone.toml"), given=given)


def test_the_front_shows_the_set_in_the_order_of_the_task(whole: Run) -> None:
    rows = list(csv.DictReader(io.StringIO((whole.folder / "front.csv").read_text("utf-8"))))
    document = whole.to_json()
    assert rows and [row["rule"] for row in rows] == [entry["rule"] for entry in document["front"]]
    for row in rows:
        rules = parse_rules(row["rule"])
        assert list(rules.rules) == ["feedforward", "lateral"]
        assert rs.evaluate(row["rule"], task=TASK, seeds=1).status == "ok"
    assert Run.open(whole.folder).members == whole.members
    assert "grammar.toml" in {path.name for path in whole.folder.iterdir()}


def test_a_run_that_was_interrupted_goes_on_to_the_same_front(whole: Run, tmp_path: Path) -> None:
    def interrupt(problem: Problem) -> None:
        if problem.progress.generation == 2:
            raise KeyboardInterrupt

    stopped = searched(tmp_path / "run", watch=interrupt)
    assert stopped.status == "interrupted"
    assert stopped.members and list(stopped.members[0].rules.rules) == ["feedforward", "lateral"]
    again = resume(tmp_path / "run")
    assert again.status == "done"
    assert (tmp_path / "run" / "front.csv").read_bytes() == (whole.folder / "front.csv").read_bytes()


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_to_the_same_front(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        f'task = "{TASK}"\ngrammar = "pair"\nseed = 2\nbudget = 1500\n[options]\nislands = 2\n', "utf-8"
    )
    command = [sys.executable, "-m", "rulesearch", "discover", str(tmp_path / "own.toml"), "--no-report", "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    child = subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store = tmp_path / "killed" / "run.sqlite"
    while child.poll() is None and not generations(store) > 2:
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "killed" / "front.csv").exists()
    subprocess.run(
        [sys.executable, "-m", "rulesearch", "resume", str(tmp_path / "killed"), "--no-report"],
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "killed" / "front.csv").read_bytes() == (tmp_path / "whole" / "front.csv").read_bytes()


def generations(store: Path) -> int:
    if not store.is_file():
        return 0
    connection = sqlite3.connect(store)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM generation").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def test_given_rules_are_shown_as_they_are_and_not_counted(alone: Run, tmp_path: Path) -> None:
    assert alone.members
    for member in alone.members:
        assert str(member.rules).startswith("feedforward[y*(x - w*y) + 0*x; eta = 1]; lateral[")
        assert member.rules.given == {"feedforward"}
        assert member.size <= member.rules.rules["lateral"].size <= 9
        assert not any("feedforward" in name for name in member.at_edge)
    assert alone.members[0].loss == pytest.approx(0.0, abs=1e-12)
    assert alone.members[0].size == 4
    assert "a rule of size 4 beside the given feedforward does as well as" in alone.conclusion
    assert alone.given_in_words == "feedforward given, not searched: counted in no size"
    assert Run.open(alone.folder).members == alone.members
    assert read_experiment(alone.folder / "experiment.toml").given == "feedforward[y*(x - w*y) + 0*x]"
    shutil.copytree(alone.folder, tmp_path / "copy")
    (tmp_path / "copy" / "front.csv").unlink()
    again = resume(tmp_path / "copy")
    assert again.members == alone.members
    assert rs.evaluate(f"{alone.folder}:1", task=TASK, seeds=1).loss == pytest.approx(0.0, abs=1e-12)


def test_the_table_of_a_given_rule_is_left_out_of_a_grammar(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", given=GIVEN, budget=40, start="-(x*y)")
    assert list(load_grammar(run.folder / "grammar.toml").rules) == ["lateral"]
    assert run.members[0].size == 4 and run.given == {"feedforward"}


def test_a_grammar_of_one_table_serves_the_one_rule_that_is_left(tmp_path: Path) -> None:
    one = ALONE.replace("[slots.lateral]", "[slots]")
    (tmp_path / "one.toml").write_text(one, "utf-8")
    run = searched(
        tmp_path / "run", grammar=str(tmp_path / "one.toml"), given=GIVEN, start="-(x*y)", template="-?", budget=40
    )
    assert run.members[0].size == 4 and list(run.members[0].rules.rules) == ["feedforward", "lateral"]
    assert run.experiment.start == "lateral[-(x*y)]"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"grammar": "rate"},
            "has one table [slots], task pair has the rules feedforward, lateral; it takes the tables",
        ),
        (
            {"grammar": "alone"},
            "has the rules lateral, task pair has the rules feedforward, lateral; it takes the tables",
        ),
        (
            {"given": GIVEN, "template": "feedforward[y*(x - ?)]"},
            "the rules lateral; found feedforward; type lateral[...]; given, and not searched: feedforward",
        ),
        (
            {"given": GIVEN, "start": ANSWER},
            "the rules lateral; found feedforward, lateral; type lateral[...]; given, and not searched: feedforward",
        ),
        ({"grammar": "rate", "given": GIVEN, "template": "sideways[y*?]"}, "the rules lateral; found sideways; type"),
        (
            {"given": "sideways[x]"},
            "feedforward, lateral; found sideways; type feedforward[...] or lateral[...]",
        ),
        ({"given": "laterl[x]"}, "found laterl; did you mean 'lateral'?"),
        (
            {"template": "feedforward[y*?; lateral[?]"},
            "the bracket of feedforward is not closed; type feedforward[...]",
        ),
        ({"start": "feedforward[x]; lateral[y"}, "column 24 of 'feedforward[x]; lateral[y': the bracket of lateral is"),
        ({"given": ANSWER}, "all rules of task pair are given"),
        ({"given": "feedforward[v]", "grammar": "alone"}, "unknown symbol 'v'"),
        (
            {"given": "lateral[x]", "grammar": "alone"},
            "the rule lateral is given, but grammar pair has the rules lateral",
        ),
        ({"start": "x*y"}, "task pair takes the rules feedforward, lateral; found a rule without a name; type"),
        ({"start": "feedforward[x]; lateral[x + y]"}, "cannot derive the expression in slot lateral on_step"),
        ({"template": "lateral[x*?]; sideways[?]"}, "has the rules feedforward, lateral; found lateral, sideways"),
        ({"require": ["w"]}, "say in which slot 'w' must be, one of: feedforward[w], lateral[w]"),
        ({"forbid": ["sideways[x]"]}, "grammar pair has no rule 'sideways'"),
        ({"grammar": "more"}, "leave [slots.back] out"),
    ],
)
def test_rules_that_do_not_fit_are_refused_in_one_line(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    (tmp_path / "alone.toml").write_text(ALONE, "utf-8")
    (tmp_path / "more.toml").write_text(
        PAIR.replace("[slots.lat", '[slots.back]\non_step = "change"\n[slots.lat'), "utf-8"
    )
    if changes.get("grammar") in ("alone", "more"):
        changes = {**changes, "grammar": str(tmp_path / f"{changes['grammar']}.toml")}
    with pytest.raises(RulesearchError) as caught:
        searched(tmp_path / "run", **changes)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_the_command_takes_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.toml").write_text(
        f'task = "{TASK}"\ngrammar = "pair"\nbudget = 60\n[options]\nislands = 1\ninitial = 10\noffspring = 6\n',
        "utf-8",
    )
    given = ["--template", "feedforward[y*(x - ?)]; lateral[?]", "--require", "lateral[y]", "--start", ANSWER]
    assert (
        main(["discover", str(tmp_path / "own.toml"), *given, "--no-report", "--json", "--out", f"{tmp_path}/a"]) == 0
    )
    document = json.loads(capsys.readouterr().out)
    assert document["front"][0]["rule"] == "feedforward[y*(x - w*y); eta = 1]; lateral[-x*y; eta = 1]"
    assert document["front"][0]["size"] == 11
    (tmp_path / "alone.toml").write_text(ALONE, "utf-8")
    more = ["--given", GIVEN, "--start", "-(x*y)", "--grammar", str(tmp_path / "alone.toml"), "--no-report", "--json"]
    assert main(["discover", str(tmp_path / "own.toml"), *more, "--out", f"{tmp_path}/b"]) == 0
    assert json.loads(capsys.readouterr().out)["front"][0]["size"] == 4
    text = (
        (tmp_path / "own.toml")
        .read_text("utf-8")
        .replace('"pair"', f'"{tmp_path}/alone.toml"\ngiven = "{GIVEN}"\nstart = "-(x*y)"')
    )
    (tmp_path / "file.toml").write_text(text, "utf-8")
    assert main(["discover", str(tmp_path / "file.toml"), "--no-report", "--json", "--out", f"{tmp_path}/c"]) == 0
    assert json.loads(capsys.readouterr().out)["front"][0]["size"] == 4
    apart = ["--template", "feedforward[y*(x - ?)]", "--template", "lateral[?]", "--start", ANSWER, "--no-report"]
    assert main(["discover", str(tmp_path / "own.toml"), *apart, "--json", "--out", f"{tmp_path}/e"]) == 0
    assert json.loads(capsys.readouterr().out)["front"][0] == document["front"][0]
    assert 'template = "feedforward[y*(x - ?)]; lateral[?]"' in (tmp_path / "e" / "experiment.toml").read_text("utf-8")
    assert main(["discover", str(tmp_path / "own.toml"), "--given", "nobody[x]", "--out", f"{tmp_path}/d"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


Call = Callable[..., Any]


@pytest.mark.parametrize("words", [("count", "--size", "5"), ("sample", "-n", "3"), ("check",)])
def test_grammar_commands_take_a_table_per_rule(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pair.toml").write_text(PAIR, "utf-8")
    assert main(["grammar", words[0], str(tmp_path / "pair.toml"), *words[1:], "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    if words[0] == "sample":
        assert all(list(parse_rules(entry["rule"]).rules) == ["feedforward", "lateral"] for entry in document["rules"])
    elif words[0] == "count":
        # Of 2 nodes: x, y, w, c beside x, y, c.
        assert main(["grammar", "count", str(tmp_path / "pair.toml"), "--size", "2", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["derivations"] == {"exactly": 12, "up_to": 12}
    else:
        assert document["facts"]["rules"] == "feedforward, lateral"
