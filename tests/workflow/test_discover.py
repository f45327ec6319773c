"""A search from start to end: reproducible, complete, and careful with what is there."""

from __future__ import annotations

import csv
import itertools
import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.expression import Number, parse_expression
from rulesearch.rules import parse_rules
from rulesearch.search.problem import Problem
from rulesearch.symbolic import canonical_size
from rulesearch.tasks import load_task
from rulesearch.workflow import forecast
from rulesearch.workflow.discover import discover, predict, resume
from rulesearch.workflow.experiment import load_experiment, read_experiment
from rulesearch.workflow.run import Run, list_runs

Search = Callable[..., Run]

PROGRAM = """
import sys
from rulesearch.workflow.discover import discover

if __name__ == "__main__":
    settings = {"data_sets": 2, "points": 400}
    discover("oja", seed=3, budget=600, settings=settings, out=sys.argv[1], workers=int(sys.argv[2]))
"""
"""The reference search in a process of its own: its folder, and the number of workers."""


def in_another_process(folder: Path, workers: int, hash_seed: str) -> bytes:
    script = folder.parent / "search.py"
    script.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    words = [sys.executable, str(script), str(folder), str(workers)]
    subprocess.run(words, env=environment, check=True, capture_output=True, timeout=240)
    return (folder / "front.csv").read_bytes()


def test_the_same_seed_gives_the_same_front(search: Search, front: bytes, tmp_path: Path) -> None:
    search(tmp_path / "again")
    assert (tmp_path / "again" / "front.csv").read_bytes() == front


def test_another_seed_gives_another_search(search: Search, front: bytes, tmp_path: Path) -> None:
    search(tmp_path / "other", seed=4)
    assert (tmp_path / "other" / "front.csv").read_bytes() != front


def test_another_process_with_another_hash_seed_gives_the_same_front(front: bytes, tmp_path: Path) -> None:
    assert in_another_process(tmp_path / "run", 1, "4711") == front


@pytest.mark.slow
def test_several_workers_give_the_same_front(front: bytes, tmp_path: Path) -> None:
    assert in_another_process(tmp_path / "run", 2, "0") == front


def test_the_front_gets_strictly_better_with_size(reference: Run) -> None:
    members = sorted(reference.members, key=lambda member: member.size)
    assert members
    for smaller, larger in itertools.pairwise(members):
        assert smaller.size < larger.size
        assert smaller.loss > larger.loss
    assert [member.rank for member in reference.members] == list(range(1, len(members) + 1))
    for member in members:
        assert member.size == canonical_size(member.rules)
        assert member.held_out_loss is None or math.isfinite(member.held_out_loss)
        assert member.rules.only().eta is not None
        assert str(parse_rules(str(member.rules))) == str(member.rules)
        assert member.verdicts


def test_the_losses_of_the_front_are_means_over_many_selection_seeds(reference: Run) -> None:
    task = load_task("oja")
    assert task.protocol.front_trials > task.protocol.selection_trials
    settings = task.resolve({"data_sets": 2, "points": 400})
    seeds = trial_seeds(3, "selection", task.protocol.front_trials)
    for member in reference.members:
        assert member.loss == evaluate_rules(task, member.rules, seeds, settings).loss


def test_the_store_holds_every_evaluation_of_the_search(reference: Run) -> None:
    with sqlite3.connect(reference.folder / "run.sqlite") as connection:
        rows = connection.execute(
            "SELECT fingerprint, status, origin FROM evaluation WHERE phase = 'search'"
        ).fetchall()
        last = connection.execute("SELECT evaluations, distinct_full FROM generation ORDER BY number DESC").fetchone()
    assert len(rows) == reference.evaluations == last[0]
    assert reference.distinct == last[1] >= 600
    assert len({row[0] for row in rows}) == len(rows)
    assert reference.deaths is not None
    assert sum(reference.deaths.values()) == len(rows)
    assert "start" not in {row[2] for row in rows}


def test_the_run_says_how_the_known_rule_and_the_control_do(reference: Run) -> None:
    scores = {score.label: score for score in reference.references}
    assert scores["oja"].status == "ok"
    assert scores["oja"].loss is not None
    assert scores["control"].status != "ok" or (scores["control"].loss or 0.0) > scores["oja"].loss
    assert f"{reference.distinct} distinct rules were tried" in reference.conclusion
    assert reference.conclusion.startswith(("solved: ", "not solved: "))
    assert reference.status == "done"


def test_a_run_is_read_back_as_it_was(reference: Run) -> None:
    again = Run.open(reference.folder)
    assert again.to_json() == reference.to_json()
    assert again.members == reference.members
    assert again.experiment == reference.experiment
    assert again.deaths == reference.deaths


def test_the_table_is_the_front(reference: Run) -> None:
    with (reference.folder / "front.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rule"] for row in rows] == [str(member.rules) for member in reference.members]
    assert [float(row["loss"]) for row in rows] == [member.loss for member in reference.members]
    assert [float(row["angle_deg"]) for row in rows] == [member.metrics["angle_deg"] for member in reference.members]
    assert list(reference.front["rule"]) == [row["rule"] for row in rows]


def test_the_folder_says_what_was_run(reference: Run) -> None:
    names = {path.name for path in reference.folder.iterdir()}
    assert {"run.sqlite", "experiment.toml", "grammar.toml", "front.csv"} <= names
    assert not [name for name in names if name.endswith(".new")]
    written = read_experiment(reference.folder / "experiment.toml")
    assert (written.seed, written.budget, written.task, written.engine) == (3, 600, "oja", "deap")
    assert written.settings == {"data_sets": 2.0, "points": 400.0}
    assert "[versions]" in (reference.folder / "experiment.toml").read_text()


def test_runs_are_listed_also_those_cut_off(reference: Run, tmp_path: Path) -> None:
    listed = {entry["run"]: entry for entry in list_runs(reference.folder.parent)}
    entry = listed[str(reference.folder)]
    assert (entry["status"], entry["best"]) == ("done", str(reference.members[0].rules))
    (tmp_path / "cut").mkdir()
    for name in ("run.sqlite", "experiment.toml", "grammar.toml"):
        (tmp_path / "cut" / name).touch()
    assert list_runs(tmp_path)[0]["status"] == "unfinished"
    with pytest.raises(RulesearchError, match="was cut off before it ended; go on with: rulesearch resume"):
        Run.open(tmp_path / "cut")
    with pytest.raises(RulesearchError, match="is not a run folder"):
        Run.open(tmp_path)


def test_a_rank_that_is_not_there_is_refused(reference: Run) -> None:
    assert reference.member(1) is reference.members[0]
    with pytest.raises(RulesearchError, match=r"there is no rank -1$"):
        rs.evaluate(f"{reference.folder}:-1", task="oja")
    with pytest.raises(RulesearchError, match="there is no rank 99"):
        reference.member(99)


def test_a_folder_that_holds_something_is_refused_and_left_alone(
    search: Search, reference: Run, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RulesearchError, match=r"exists and is not empty; choose another --out$"):
        search(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(RulesearchError, match=r"choose another --out$"):
        search(tmp_path / "notes.txt")
    before = {path.name: path.read_bytes() for path in reference.folder.iterdir()}
    with pytest.raises(RulesearchError, match="go on with: rulesearch resume"):
        search(reference.folder)
    assert {path.name: path.read_bytes() for path in reference.folder.iterdir()} == before


OTHER_GRAMMAR = """
name = "other"
description = "Reads what the task does not have."
[symbols.{symbol}]
meaning = "something"
unit = ""
[slots]
{slot} = "a"
[productions]
a = ["{symbol}", "a + a"]
[limits]
size = 5
depth = 4
"""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"engine": "deep"}, "unknown engine 'deep'"),
        ({"grammar": "rte"}, "did you mean 'rate'"),
        ({"grammar": "spiking"}, "fills the slot on_pre, task oja has on_step; its own grammar is rate"),
        ({"budget": 0}, "budget must lie in 1 to"),
        ({"seed": -1}, "seed must lie in 0 to"),
        ({"time_limit": 0.0}, "time_limit must be above 0 s"),
        ({"settings": {"dim": 3}}, "did you mean 'dims'"),
        ({"settings": {"dims": 1}}, "must lie in 2 to 200"),
        ({"start": "y*("}, "column 4"),
        ({"start": "y*q"}, "unknown symbol 'q'"),
        ({"start": "exp(x)"}, "cannot derive the expression in slot on_step"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_written(
    search: Search, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(RulesearchError, match=said):
        search(tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("workers", [0, 1025, 9_999_999, math.nan, 2.5, "2", True, None])
def test_workers_that_no_machine_has_are_refused(search: Search, tmp_path: Path, workers: object) -> None:
    with pytest.raises(RulesearchError, match=f"workers must be a whole number in 1 to 1024, found {workers!r}"):
        search(tmp_path / "run", workers=workers)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("out", ["", " ", 3])
def test_a_run_folder_without_a_name_is_refused(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RulesearchError, match="--out must name the run folder, such as results/my-run, found"):
        search(out)
    assert not list(tmp_path.iterdir())


def test_a_grammar_that_does_not_fit_the_task_is_refused(search: Search, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(OTHER_GRAMMAR.format(symbol="R", slot="on_step"))
    with pytest.raises(RulesearchError, match="grammar other reads R, which task oja does not offer"):
        search(tmp_path / "run", grammar=str(path))
    path.write_text(OTHER_GRAMMAR.format(symbol="x", slot="drift"))
    with pytest.raises(RulesearchError, match="fills the slot drift"):
        search(tmp_path / "run", grammar=str(path))


@pytest.mark.parametrize(
    ("experiment", "slot", "definition", "said"),
    [
        ("stdp-frequency", "on_pre", "lowpass(y, 100 ms)", "task stdp-frequency has traces only; found the state z"),
        ("inhibitory-rate", "on_post", "synaptic(on_pre: y)", "task inhibitory-rate has traces only; found"),
        ("oja", "on_step", "trace(post, 20 ms)", "the state z does not fit a rate neuron"),
        ("oja", "on_step", "lowpass(x, 100 ms)", "the state z does not fit a rate neuron"),
    ],
)
def test_a_state_that_the_task_does_not_have_is_refused_before_anything_is_written(
    tmp_path: Path, experiment: str, slot: str, definition: str, said: str
) -> None:
    path = tmp_path / "other.toml"
    text = OTHER_GRAMMAR.format(symbol="z", slot=slot).replace("[slots]", f'definition = "{definition}"\n[slots]')
    path.write_text(text)
    with pytest.raises(RulesearchError, match=rf"^grammar other, symbol z: {said}"):
        discover(experiment, grammar=str(path), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_longest_rule_of_a_little_grammar_is_searched_to_the_end(search: Search, tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(OTHER_GRAMMAR.format(symbol="x", slot="on_step"))
    run = search(tmp_path / "run", grammar=str(path), budget=10_000, engine="random", time_limit=20.0)
    assert run.distinct == 5 // 2 + 1  # x, x + x, x + (x + x)


def test_a_prediction_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(forecast, "_TRIED", 0.5)
    found = predict("oja", budget=1000, settings={"data_sets": 2, "points": 400})
    assert found["budget"] == 1000
    parts = [float(str(found[f"{part}_seconds"])) for part in ("search", "clean_up", "permuted", "report")]
    assert sum(parts) == pytest.approx(float(str(found["predicted_seconds"]))) and parts[2] == 0.0
    permuted = predict("oja", budget=100, settings={"data_sets": 2, "points": 400}, permutations=20)
    assert float(str(permuted["permuted_seconds"])) > 2.0 * float(str(permuted["search_seconds"]))
    assert 0.0 < float(str(found["seconds_per_evaluation"])) < 1.0
    assert predict("oja", budget=10**9, time_limit=7.0)["predicted_seconds"] == 7.0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_where_rules_are_screened_first_a_prediction_goes_by_the_pace_of_several_generations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first generation brings 20 rules to full fidelity in a second, each later one 2: 180 more take 90 s."""
    clock = [0.0]
    monkeypatch.setattr(forecast, "time", SimpleNamespace(monotonic=lambda: clock[0], process_time=lambda: clock[0]))
    monkeypatch.setattr("rulesearch.search.progress.time", SimpleNamespace(monotonic=lambda: clock[0]))

    def run(problem: Problem) -> None:
        while not problem.stopped_by:
            clock[0] += 1.0 if problem.progress.generation else 0.1
            problem.progress.distinct += 2 if problem.progress.generation else 20
            problem.end_generation(1)

    engine = SimpleNamespace(run=run)
    monkeypatch.setattr(forecast, "load_engine", lambda *_: engine)
    monkeypatch.setattr(forecast, "_TRIED", 0.3)
    found = predict("inhibitory-rate", budget=200)
    assert found["search_seconds"] == pytest.approx(90.1)


def test_without_a_folder_a_run_gets_one_in_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        discover("oja", engine="random", budget=1, settings={"data_sets": 1, "points": 100})
    folders = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert len(folders) == 2
    assert all("-oja-1" in name for name in folders)


def test_a_rule_found_can_be_given_to_a_task(reference: Run) -> None:
    from rulesearch.workflow.resolve import read_rules

    rules = read_rules(f"{reference.folder}:1", load_task("oja"))
    assert rules == reference.members[0].rules


def test_a_template_and_forbidden_words_hold_and_are_resumed(search: Search, tmp_path: Path) -> None:
    run = search(tmp_path / "run", template="x*y - ?", forbid=["y_bar", "tanh"], budget=300)
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as connection:
        rules = [row[0] for row in connection.execute("SELECT rule FROM evaluation WHERE phase = 'search'")]
    assert len(rules) >= 0.95 * 300
    assert all(text.startswith("x*y - ") for text in rules)
    assert not any("y_bar" in text or "tanh" in text for text in rules)
    assert (run.experiment.template, list(run.experiment.forbid)) == ("x*y - ?", ["y_bar", "tanh"])
    front = (tmp_path / "run" / "front.csv").read_bytes()
    assert resume(tmp_path / "run").experiment == run.experiment
    assert (tmp_path / "run" / "front.csv").read_bytes() == front


def test_a_wrong_template_is_refused_before_anything_is_written(search: Search, tmp_path: Path) -> None:
    with pytest.raises(RulesearchError, match="has no hole"):
        search(tmp_path / "run", template="x*y")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: rs.discover("oja", budgets=1), "unknown argument 'budgets'; did you mean 'budget'?"),
        (lambda: rs.discover("oja", worker=1), "unknown argument 'worker'; did you mean 'workers'?"),
        (lambda: rs.distil("t.csv", "dw", sed=1), "unknown argument 'sed'; did you mean 'seed'?"),
        (lambda: rs.resume("run", budget=1), "unknown argument 'budget'"),
        (lambda: predict("oja", budgets=1), "unknown key 'budgets'; did you mean 'budget'?"),
        (lambda: load_experiment("oja").with_changes(sed=1), "unknown key 'sed'; did you mean 'seed'?"),
    ],
)
def test_an_argument_that_nothing_reads_is_refused_by_name(call: Callable[[], object], said: str) -> None:
    with pytest.raises(RulesearchError) as caught:
        call()
    assert said in str(caught.value)


def test_a_rule_made_in_python_reads_all_that_it_declares() -> None:
    rule = rs.Rule({"on_step": parse_expression("x*y")}, constants={"w_max": Number(1.0)})
    for call in (
        lambda: rs.evaluate(rule, task="oja"),
        lambda: rs.compare(rule, ["oja"]),
        lambda: rs.simplify(rule),
        lambda: rs.respond(rule, [0.0]),
        lambda: rs.cite(rule),
    ):
        with pytest.raises(RulesearchError, match=r"rule w: nothing reads w_max; did you mean bounds"):
            call()
