"""Nothing that comes after a search loses its front: not a known rule that does not fit, nor an error of any kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rulesearch as rs
from rulesearch.cli.app import main
from rulesearch.workflow import choose, conclude, evidence, permuted
from rulesearch.workflow.experiment import Experiment

PAIRS = '''
"""Pairs of rates: the change must be x*y. Rules with states of their own cannot be run here."""

import numpy as np

from rulesearch.errors import RulesearchError
from rulesearch.rules import parse_rules
from rulesearch.tasks import Fidelity, Setting, Task, TaskSymbol, Trial


class Pairs(Task):
    """Changes must be x*y."""

    name = title = "pairs"
    summary = "Changes must be x*y."
    reference = doi = bibtex = ""
    slots = ("on_pre", "on_post")
    bare_slot = "on_pre"
    symbols = {"x": TaskSymbol("pre"), "y": TaskSymbol("post"), "w": TaskSymbol("weight")}
    settings = {"eta": Setting(1.0, "learning rate", 1e-6, 10.0)}
    fidelities = (Fidelity("full", 1, "eight pairs"),)
    bounds = (-np.inf, np.inf)
    grammar = "pairs.toml"
    known_rule = "product"

    def trial(self, rules, seed, settings, fidelity, backend="vm"):
        rule = rules.only()
        values = dict(zip("xyw", np.random.default_rng(seed).normal(size=(3, 8))))
        for name in rule.symbols:
            if name not in values and name not in rule.constants:
                raise KIND(f"unknown symbol {name!r}")
        values |= rule.constant_values()
        target = values["x"] * values["y"]
        found = sum(part.evaluate(values) for part in rule.slots.values()) * rule.eta
        return Trial("ok", float(np.mean((found - target) ** 2)), {}, (), 8)

    def baseline(self, settings):
        return parse_rules("on_pre: x*y")

    def control(self, settings):
        return parse_rules("on_pre: CONTROL")
'''

GRAMMAR = """
name = "pairs"
description = "Sums and products."
[symbols]
x = { meaning = "pre", unit = "" }
y = { meaning = "post", unit = "" }
[slots]
on_pre = "value"
[productions]
value = ["x", "y", "value + value", "value*value"]
[limits]
size = 5
depth = 4
"""


def written(folder: Path, kind: str = "RulesearchError", control: str = "x") -> Experiment:
    (folder / "pairs.py").write_text(PAIRS.replace("KIND", kind).replace("CONTROL", control), "utf-8")
    (folder / "pairs.toml").write_text(GRAMMAR, "utf-8")
    return Experiment("pairs", f"{folder}/pairs.py:Pairs", f"{folder}/pairs.toml", seed=1, budget=200)


@pytest.mark.parametrize("kind", ["RulesearchError", "KeyError"])
def test_known_rules_that_a_task_cannot_run_are_left_out(kind: str, tmp_path: Path) -> None:
    """Triplet rules read x2, which the task's own simulation does not have."""
    run = rs.discover(written(tmp_path, kind), out=tmp_path / "run", report=False)
    assert str(run.members[0].rules).startswith("on_pre: x*y") and run.status == "done"
    known = {score.name for score in evidence.gather(run).known}
    assert "triplet" not in known and "triplet-hippocampus" not in known


def test_a_reference_that_does_not_run_is_left_out(tmp_path: Path) -> None:
    run = rs.discover(written(tmp_path, control="x2; x2 = trace(pre, 20 ms)"), out=tmp_path / "run", report=False)
    assert [score.label for score in run.references] == ["product"]
    assert run.members[0].held_out_loss == 0.0


@pytest.mark.parametrize("failing", ["clean_up", "known_verdicts", "_sentence", "size_on_front"])
def test_an_error_after_the_search_leaves_its_front(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("nothing left")

    monkeypatch.setattr(choose if failing == "clean_up" else conclude, failing, fail)
    run = rs.discover(written(tmp_path), out=tmp_path / "run", report=False)
    assert str(run.members[0].rules).startswith("on_pre: x*y")
    assert "failed: ZeroDivisionError: nothing left; losses are those of the search" in run.conclusion
    assert "x*y" in (tmp_path / "run" / "front.csv").read_text("utf-8")
    assert rs.Run.open(tmp_path / "run").members == run.members


def test_a_failed_search_on_permuted_targets_leaves_the_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no processes left")

    monkeypatch.setattr(permuted, "_search_all", fail)
    quick = Experiment("quick", "oja", "rate", seed=3, budget=100, settings={"data_sets": 1, "points": 100})
    run = rs.discover(quick, permutations=2, out=tmp_path / "run", report=False)
    assert run.members and run.permuted is None
    assert "by chance is not known (RuntimeError: no processes left)" in run.conclusion


def test_a_front_is_printed_before_the_page_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("ink")

    monkeypatch.setattr("rulesearch.report.page.write_report", fail)
    monkeypatch.setattr("rulesearch.report.figures.front_figure", fail)
    written(tmp_path)
    text = f'task = "{tmp_path}/pairs.py:Pairs"\ngrammar = "{tmp_path}/pairs.toml"\nbudget = 100\n'
    (tmp_path / "own.toml").write_text(text, "utf-8")
    assert main(["discover", str(tmp_path / "own.toml"), "--out", str(tmp_path / "run"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["front"][0]["rule"].startswith("on_pre: x*y")
    lines = [line for line in said.err.splitlines() if "could not be written" in line]
    assert len(lines) == 2 and "report.html could not be written: KeyError: 'ink'" in lines[1]
    assert (tmp_path / "run" / "rules.tex").is_file()


@pytest.mark.parametrize("engine", ["deap", "enumerate", "random", "volterra"])
def test_a_grammar_of_one_table_is_refused_where_a_task_has_two_rules(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = written(tmp_path)
    path = tmp_path / "pairs.py"
    several = path.read_text("utf-8").replace("    slots =", '    rule_names = ("ff", "lat")\n    slots =')
    path.write_text(several, "utf-8")
    text = f'task = "{experiment.task}"\ngrammar = "rate"\nengine = "{engine}"\n'
    (tmp_path / "own.toml").write_text(text, "utf-8")
    for more in ([], ["--dry-run"], ["--start", "x*y"], ["--grammar", experiment.grammar]):
        assert main(["discover", str(tmp_path / "own.toml"), "--out", str(tmp_path / "run"), *more]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "has one table [slots], task" in said
        assert "has the rules ff, lat; it takes the tables [slots.ff], [slots.lat]" in said
    assert not (tmp_path / "run").exists()
