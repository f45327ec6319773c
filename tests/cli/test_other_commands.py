"""Lists, grammars, files, doctor, and what the program says of itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import rulesearch as rs
from rulesearch.cli.app import app
from rulesearch.cli.output import strict
from rulesearch.grammar import load_grammar, member
from rulesearch.rules import known_rules, parse_rules
from rulesearch.tasks import load_task, task_names
from rulesearch.workflow.run import Run

Call = Callable[..., Any]


def all_commands() -> list[list[str]]:
    """Return the words of every command."""
    found = []
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [[name, each] for each in inner] if inner else [[name]]
    return found


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(call: Call, words: list[str]) -> None:
    called = call(*words, "--help")
    assert called.code == 0
    assert f"Example: rulesearch {' '.join(words)}" in called.out
    assert "--json" in called.out
    assert max(map(len, called.out.splitlines())) <= 80


def test_the_commands_of_the_contract_are_there() -> None:
    wanted = (
        "discover distil resume evaluate respond stress simplify compare export plot rules tasks grammars engines "
        "experiments runs doctor families cite report fit predict decide"
    )
    assert set(wanted.split()) | {"grammar", "new"} == {words[0] for words in all_commands()}


def test_help_is_shown_without_arguments(call: Call) -> None:
    assert call().out.startswith("Usage: rulesearch")
    assert call("grammar").out.startswith("Usage: rulesearch grammar")
    assert call("--version").out == f"rulesearch {rs.__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from rulesearch.cli import main; main(['--help']); "
        "print([n for n in 'numpy numba sympy pandas matplotlib deap rich'.split() if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_tasks_leave_the_slowest_import_alone() -> None:
    slow = "[name for name in ('scipy.stats', 'sympy', 'pandas') if name in sys.modules]"
    code = f"import sys, rulesearch.tasks; print({slow})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_refused_in_one_line(refused: Callable[..., str]) -> None:
    assert "evaluat" in refused("evaluat")


def test_a_reader_that_leaves_is_no_error() -> None:
    script = f"{sys.executable} -m rulesearch rules --json | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {script}"], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("kind", ["rules", "tasks", "grammars", "engines", "experiments"])
def test_lists_are_documents_with_names(call: Call, kind: str) -> None:
    document = call(kind, "--json").document
    assert list(document) == [kind]
    names = [entry["name"] for entry in document[kind]]
    assert len(names) >= 2
    out = call(kind).out
    assert all(name in out for name in names)


@pytest.mark.parametrize("name", sorted(known_rules()))
def test_a_known_rule_is_shown_in_full(call: Call, name: str) -> None:
    known = known_rules()[name]
    out = call("rules", name).out
    assert "".join(str(known.rules).split()) in "".join(out.split())
    assert known.doi in out
    assert "η" in out
    document = call("rules", name, "--json").document
    assert parse_rules(document["rule"]) == rs.RuleSet(known.rules.rules)


def test_a_rule_is_found_by_its_alias_and_nearly_by_name(call: Call, refused: Callable[..., str]) -> None:
    assert call("rules", "Oja 1982", "--json").document["name"] == "oja"
    assert "did you mean 'vogels'" in refused("rules", "vogel")


@pytest.mark.parametrize("name", task_names())
def test_a_task_is_shown_in_full(call: Call, name: str) -> None:
    document = call("tasks", name, "--json").document
    assert document["name"] == name
    out = call("tasks", name).out
    for heading in ("symbol", "setting", "fidelities", "baseline", "control", "paper"):
        assert heading in out
    assert all(key in out for key in document["settings"])
    # Protocols of single synapses have no network.
    assert (document["network"] is None) == name.startswith("stdp")
    sizes = {"network": document["network"], "the paper's search": document["paper_took"]}
    assert all(bool(re.search(f"^{heading} ", out, re.MULTILINE)) == bool(sizes[heading]) for heading in sizes)


def test_the_list_of_tasks_says_how_often_searches_solved_them(call: Call) -> None:
    out = call("tasks").out
    assert "searches that solved it" in out
    for name in task_names():
        assert (load_task(name).reached or "not counted") in out


def test_a_task_is_shown_with_what_a_stress_test_changes(call: Call) -> None:
    by_name = {each["condition"]: each for each in call("tasks", "oja", "--json").document["stress"]}
    assert by_name["halved time step"] == {
        "condition": "halved time step",
        "changes": {},
        "reason": "it counts presentations",
    }
    assert by_name["ten times as long"]["changes"] == {"points": {"before": 2000, "after": 20000}}
    assert re.search("^twice the network +afferents 1000 -> 2000$", call("tasks", "inhibitory-rate").out, re.MULTILINE)


def test_infinite_bounds_become_null(call: Call) -> None:
    assert call("tasks", "oja", "--json").document["bounds"] == [None, None]
    assert strict({"a": [float("nan"), (1, float("inf"))]}) == {"a": [None, [1, None]]}


def test_a_grammar_is_shown_and_checked(call: Call, refused: Callable[..., str], tmp_path: Path) -> None:
    assert "rate + rate" in call("grammars", "rate").out
    assert call("grammar", "check", "rate", "--json").document["ok"] is True
    assert "passed" in call("grammar", "check", "rate").out
    (tmp_path / "bad.toml").write_text('name = "bad"\n')
    assert "bad.toml" in refused("grammar", "check", str(tmp_path / "bad.toml"))
    assert "did you mean 'rate'" in refused("grammar", "count", "ratee")


def test_samples_are_rules_of_the_grammar_and_repeat_with_the_seed(call: Call) -> None:
    first = call("grammar", "sample", "rate", "-n", "5", "--seed", "4", "--json").document
    assert first == call("grammar", "sample", "rate", "-n", "5", "--seed", "4", "--json").document
    assert first != call("grammar", "sample", "rate", "-n", "5", "--seed", "5", "--json").document
    assert len(first["rules"]) == 5
    grammar = load_grammar("rate")
    for entry in first["rules"]:
        rule = parse_rules(entry["rule"]).only()
        assert member(grammar, rule.slots, rule.constants)
        assert rule.size == entry["size"]
    sizes = {entry["size"] for entry in call("grammar", "sample", "rate", "--size", "6", "--json").document["rules"]}
    assert sizes == {6}


def test_counts_are_exact(call: Call) -> None:
    document = call("grammar", "count", "rate", "--size", "1", "--json").document
    assert document["derivations"] == {"exactly": 6, "up_to": 6}
    assert document["functions"] == {"exactly": 6, "up_to": 6}
    assert document["complete"] is True


def test_accepts_says_whether_and_how(call: Call) -> None:
    document = call("grammar", "accepts", "rate", "y*(x - w*y)", "--json").document
    assert document["accepted"] is True
    assert document["how"]
    assert call("grammar", "accepts", "mettler", "sin(x)", "--json").document["accepted"] is False
    assert call("grammar", "accepts", "rate", "-x*y", "--json").code == 0


def test_doctor_says_that_all_is_well(call: Call) -> None:
    document = call("doctor", "--json").document
    status = {check["name"]: check["status"] for check in document["checks"]}
    assert document["ok"] is True
    assert status["compiling rules"] == "ok"
    assert set(status.values()) <= {"ok", "missing"}
    assert "numba" in call("doctor").out


def test_export_writes_to_standard_output_or_a_file(call: Call, tmp_path: Path) -> None:
    text = call("export", "oja", "--format", "json").out
    assert json.loads(text)["name"] == "oja"
    target = tmp_path / "rule.json"
    called = call("export", "oja", "--format", "json", "-o", str(target))
    assert called.out == ""
    assert target.read_text() == text
    document = call("evaluate", str(target), "--task", "oja", "--set", "points=200", "--json").document
    assert document["status"] == "ok"


def test_export_of_a_run(call: Call, refused: Callable[..., str], run_folder: Path) -> None:
    table = call("export", str(run_folder), "--format", "csv").out
    assert table.startswith("rank,size,loss,held_out_loss,")
    assert r"\toprule" in call("export", str(run_folder), "--format", "latex").out
    assert "def on_step" in call("export", f"{run_folder}:1", "--format", "python").out
    assert "RUN:1" in refused("export", str(run_folder), "--format", "python")
    assert "did you mean 'latex'" in refused("export", "oja", "--format", "latx")


def test_export_of_a_rule_takes_learning_rate_and_bounds(call: Call, refused: Callable[..., str]) -> None:
    rule = "on_pre: y - 0.25; on_post: x"
    called = call("export", rule, "--format", "brian2")
    assert called.err.count("\n") == 1 and "type --task T" in called.err
    called = call("export", rule, "--format", "brian2", "--eta", "0.01", "--bounds", "0, 1")
    assert called.err == "" and '"eta": 0.01,' in called.out and '"w_max": 1.0,' in called.out
    called = call("export", rule, "--format", "brian2", "--task", "inhibitory-rate", "--set", "w_max=3")
    assert called.err == "" and '"w_max": 3.0,' in called.out and "g_inh_post" in called.out
    assert "two numbers" in refused("export", rule, "--bounds", "1")
    assert "name the task" in refused("export", rule, "--set", "w_max=3")


def test_export_refuses_places_where_nothing_can_be_written(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "is a folder" in refused("export", "oja", "-o", str(tmp_path))
    assert "there is no folder" in refused("export", "oja", "-o", str(tmp_path / "none" / "a.tex"))
    assert list(tmp_path.iterdir()) == []


def test_plot_of_a_rule_a_task_and_a_run(call: Call, run_folder: Path, tmp_path: Path) -> None:
    for words in (["vogels"], ["oja", "--task", "oja", "--set", "points=200"], [str(run_folder)], ["-x*y"]):
        target = tmp_path / "figure.png"
        called = call("plot", *words, "-o", str(target), "--json")
        assert called.code == 0, called.err
        assert called.document == {"file": str(target)}
        assert target.read_bytes().startswith(b"\x89PNG")
        target.unlink()
    assert call("plot", str(run_folder)).code == 0
    assert (run_folder / "figures" / "front.png").is_file()


def test_several_rules_are_drawn_side_by_side(call: Call, refused: Callable[..., str], tmp_path: Path) -> None:
    target = tmp_path / "beside.png"
    assert call("plot", "-x*y", "hebb", "oja", "-o", str(target)).code == 0
    assert target.read_bytes().startswith(b"\x89PNG")
    assert "draw one kind at a time" in refused("plot", "oja", "vogels", "-o", str(target))
    target = tmp_path / "compared.svg"
    assert call("compare", "on_pre: y - 0.2", "-o", str(target)).code == 0
    assert "Vogels et al. 2011" in target.read_text("utf-8")
    assert call("compare", "x*y", "--with", "oja", "-o", str(target)).code == 0
    undrawn = call("compare", "x*y", "--with", "vogels", "-o", str(target))
    assert undrawn.code == 2
    assert "no term in common with Vogels et al. 2011" in undrawn.out
    assert "draw one kind at a time" in undrawn.err


def test_plot_refuses_what_it_cannot_draw(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "png, svg, pdf" in refused("plot", "oja", "-o", str(tmp_path / "a.jpg"))
    assert "is a folder" in refused("plot", "oja", "-o", str(tmp_path))
    assert "did you mean 'oja'" in refused("plot", "oja", "--task", "ojaa")
    assert "outside the bounds" in refused("plot", "stdp-pair", "--w0", "2", "-o", str(tmp_path / "a.png"))
    assert list(tmp_path.iterdir()) == []


LONG = " + ".join(["0.001*x*y"] * 40)


@pytest.mark.parametrize(
    "words",
    [
        ("export", LONG),
        ("export", LONG, "--format", "json"),
        ("cite", LONG),
        ("compare", LONG, "--with", "oja"),
        ("grammar", "accepts", "rate", LONG),
        ("simplify", LONG),
        ("respond", f"on_pre: {LONG}", "--pre", "0"),
        ("evaluate", LONG, "--task", "oja"),
    ],
)
def test_a_rule_may_be_longer_than_the_name_of_a_file(call: Call, words: tuple[str, ...]) -> None:
    called = call(*words)
    assert called.code == 0, called.err


@pytest.mark.parametrize(
    "words",
    [
        ("grammar", "check", "{}"),
        ("grammar", "check", "{}.toml"),
        ("discover", "{}"),
        ("discover", "{}.toml"),
        ("discover", "oja", "--grammar", "{}.toml"),
        ("discover", "oja", "--budget", "5", "--out", "{}"),
        ("resume", "{}"),
        ("report", "{}"),
        ("families", "{}"),
        ("runs", "{}"),
        ("evaluate", "oja", "--task", "{}.py:Task"),
        ("evaluate", "{}.json", "--task", "oja"),
        ("distil", "{}.csv", "--target", "dw"),
        ("respond", "oja", "--voltage", "{}"),
        ("export", "{}:1"),
        ("export", "oja", "-o", "{}"),
        ("plot", "oja", "-o", "{}.png"),
        ("new", "task", "{}"),
    ],
)
@pytest.mark.parametrize("name", ["a" * 300, "a\0b"])
def test_what_no_file_can_be_called_is_refused_in_one_line(
    refused: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(*(word.format(name) for word in words))
    assert not list(tmp_path.iterdir())


def test_the_name_of_an_experiment_leads_nowhere_else(
    refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    (inner / "mine.toml").write_text('name = "a/../../../x"\ntask = "oja"\ngrammar = "rate"\nbudget = 5\n')
    assert "a name has letters" in refused("discover", "mine.toml")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mine.toml"]


def test_an_engine_shows_its_options_with_their_ranges(call: Call, refused: Callable[..., str]) -> None:
    found = call("engines", "deap", "--json").document
    assert found["options"]["islands"] == {
        "default": 4,
        "low": 1,
        "high": 1000,
        "whole": True,
        "meaning": "islands, each with candidates of its own",
    }
    assert "1 to 1000, whole" in call("engines", "deap").out
    assert call("engines", "random", "--json").document["options"] == {}
    assert "did you mean 'deap'" in refused("engines", "deep")
    line = refused("discover", "oja", "--option", "islands=0")
    assert "must lie in 1 to 1000, found '0'; see: rulesearch engines deap" in line
    assert "--stop-loss must be a number" in refused("discover", "oja", "--stop-loss", "nan")


def test_families_of_sets_say_in_which_rule_neighbours_differ(call: Call, pair_run: Run) -> None:
    listed = call("families", str(pair_run.folder), "--json").document["families"]
    assert [(each["neighbours"], each["differ_in"]) for each in listed] == [([2], ["lateral"]), ([1], ["lateral"])]
    assert listed[0]["known"] == "Rubner & Tavan 1989 with other constants"
    assert listed[1]["known_by_rule"]["feedforward"] == "Oja 1982"
    shown = call("families", str(pair_run.folder)).out
    assert "2 (lateral)" in shown and "feedforward: Oja 1982" in shown
