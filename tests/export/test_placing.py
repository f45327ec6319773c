"""The learning rate, the bounds and the sign that a rule leaves to its task go out with it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.export.placing import placed
from rulesearch.rules import known_rules, parse_rules, rules_from_json
from rulesearch.tasks import load_task
from rulesearch.workflow.experiment import Experiment

HOMEOSTATIC = "on_pre: y - 0.25; on_post: x"
GIVEN = "on_pre: y - 0.25; on_post: x; eta = 0.01; bounds = [0, 3]"
BOUNDED = '''
import numpy as np
from rulesearch.tasks import objective

@objective(grammar="mettler", symbols={"x": "input", "y": "output", "w": "weight"}, known_rule="oja", bounds=(0.0, 2.0))
def bounded(rule, seed):
    """The weight comes to 1."""
    return float(abs(rule.change(x=1.0, y=1.0, w=0.5) - 0.25))

bounded.inhibitory = ("w",)
'''


def first_line(text: str) -> str:
    return text.splitlines()[0]


def test_a_task_gives_every_format_its_learning_rate_and_bounds() -> None:
    settings = {"eta": 0.003, "w_max": 4}
    texts = {name: rs.export("vogels", name, "inhibitory-network", settings) for name in ("brian2", "nestml", "python")}
    assert '"eta": 0.003,' in texts["brian2"]
    assert '"w_max": 4.0,' in texts["brian2"]
    assert "eta real = 0.003" in texts["nestml"]
    assert "w_max real = 4.0" in texts["nestml"]
    assert "BOUNDS = (0.0, 4.0)" in texts["python"]
    assert "eta=0.003" in texts["python"]
    rule = json.loads(rs.export("vogels", "json", "inhibitory-network", settings))["rules"]["w"]
    assert (rule["eta"], rule["bounds"]) == (0.003, [0.0, 4.0])
    sympy = rs.export("vogels", "sympy", "inhibitory-network", settings)
    assert 'learning_rates = {\n    "w": 0.003,\n}' in sympy
    assert 'bounds = {\n    "w": (0.0, 4.0),\n}' in sympy
    latex = rs.export("vogels", "latex", "inhibitory-network", settings)
    assert r"$\eta$ & $0.003$" in latex
    assert "$w$ & $0$ to $4$" in latex


def test_what_the_rule_gives_wins_over_the_task_and_what_is_asked_for_over_both() -> None:
    task = load_task("inhibitory-rate")
    kept = placed(parse_rules(GIVEN), task).rules.only()
    assert (kept.eta, kept.bounds) == (0.01, (0.0, 3.0))
    asked = placed(parse_rules(GIVEN), task, eta=0.5, bounds=(0.0, 1.0)).rules.only()
    assert (asked.eta, asked.bounds) == (0.5, (0.0, 1.0))


def test_bounds_that_hold_nothing_back_are_not_written() -> None:
    task = load_task("stdp-frequency")
    assert placed(parse_rules("on_post: x"), task).rules.only().bounds is None
    assert "inf" not in rs.export("on_post: x; eta = 1", "brian2")


def test_a_script_says_in_its_first_line_what_the_rule_does_not_give() -> None:
    for name in ("brian2", "nestml", "python"):
        assert "learning rate 1 and no bounds of w" in first_line(rs.export(HOMEOSTATIC, name))
        assert "learning rate 1" in first_line(rs.export(f"{HOMEOSTATIC}; bounds = [0, 1]", name))
        assert "learning rate" not in first_line(rs.export(GIVEN, name))
    told: list[str] = []
    rs.export(HOMEOSTATIC, "brian2", notify=told.append)
    rs.export(GIVEN, "brian2", notify=told.append)
    rs.export(HOMEOSTATIC, "json", notify=told.append)
    assert len(told) == 1
    assert "--task T" in told[0]
    assert "--eta 0.001 --bounds 0,1" in told[0]


def test_a_known_rule_that_gives_none_takes_those_of_the_task_that_it_solves() -> None:
    text = rs.export("vogels", "brian2")
    assert first_line(text).endswith("with learning rate 0.002 and bounds of w 0 to 5, as in task inhibitory-rate.")
    assert len(first_line(text)) <= 120
    assert '"w_max": 5.0,' in text
    ast.parse(text)


def test_inhibitory_rules_stand_on_inhibitory_synapses() -> None:
    inhibitory = {name for name, known in known_rules().items() if known.inhibitory}
    assert inhibitory == {"vogels", "confavreux", "confavreux-quartet", "codependent-inhibitory"}
    for name in ("vogels", "confavreux"):
        assert "g_inh_post += w*nS" in rs.export(name, "brian2")
        assert "emit_spike(-w)" in rs.export(name, "nestml")
    assert "emit_spike(-w)" in rs.export(GIVEN, "nestml", "inhibitory-rate")
    assert "emit_spike(-w)" in rs.export(GIVEN, "nestml", inhibitory=True)
    assert "emit_spike(w)" in rs.export("vogels", "nestml", inhibitory=False)
    quartet = rs.export("confavreux-quartet", "nestml")
    models = dict(zip(("EE", "EI", "IE", "II"), quartet.split("\nmodel ")[1:], strict=True))
    assert [name for name, model in models.items() if "emit_spike(-w)" in model] == ["IE", "II"]
    assert "g_inh" not in rs.export("stdp-pair", "brian2")


@pytest.mark.parametrize("format", ["latex", "json", "python", "sympy"])
def test_every_format_says_which_synapses_inhibit(format: str) -> None:
    said = '"inhibitory": true' if format == "json" else "synapses inhibit; their weights are magnitudes."
    for text in (
        rs.export("vogels", format),
        rs.export(GIVEN, format, "inhibitory-rate"),
        rs.export("oja", format, inhibitory=True),
    ):
        assert said in text
    for text in (rs.export("oja", format), rs.export("vogels", format, inhibitory=False)):
        assert said not in text
    quartet = rs.export("confavreux-quartet", format)
    if format == "json":
        rules = json.loads(quartet)["rules"]
        assert [name for name, each in rules.items() if each.get("inhibitory", False)] == ["IE", "II"]
        assert rules_from_json(quartet).rules == known_rules()["confavreux-quartet"].rules.rules
    else:
        assert "Synapses of IE, II inhibit; their weights are magnitudes." in quartet


def test_a_rule_that_is_known_for_inhibition_says_so_where_its_synapses_excite() -> None:
    assert "Vogels et al. 2011 is a rule of inhibitory ones" in rs.export(GIVEN, "brian2")
    assert "a rule of inhibitory ones" not in rs.export(GIVEN, "brian2", inhibitory=True)


@pytest.mark.parametrize(("eta", "bounds"), [(float("nan"), None), (float("inf"), None), (None, (1.0, 0.0))])
def test_numbers_that_are_none_are_refused(eta: float | None, bounds: tuple[float, float] | None) -> None:
    with pytest.raises(RulesearchError, match=r"learning rate|lower bound"):
        rs.export("vogels", "brian2", eta=eta, bounds=bounds)


def test_the_rules_of_a_run_go_out_with_the_bounds_and_the_sign_of_its_task(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(BOUNDED)
    task = f"{file}:bounded"
    experiment = Experiment("own", task, "mettler", engine="random", budget=20)
    run = rs.discover(experiment, out=tmp_path / "run", report=False)
    rule = run.members[0].rules
    assert rule.only().bounds == (0.0, 2.0)
    assert str(rule).endswith("; bounds = [0, 2]")
    assert all(text.endswith("bounds = [0, 2]") for text in run.front["rule"])
    assert run.to_json()["front"][0]["rule"] == str(rule)
    assert "$w$ & $0$ to $2$" in (run.folder / "rules.tex").read_text("utf-8")
    for rank in range(1, len(run.members) + 1):
        assert "BOUNDS = (0.0, 2.0)" in rs.export(f"{run.folder}:{rank}", "python")
    best = f"{run.folder}:1"
    for text in (rs.export(run, "latex"), *(rs.export(best, format) for format in ("latex", "python", "sympy"))):
        assert "The synapses inhibit; their weights are magnitudes." in text
    assert json.loads(rs.export(best, "json"))["rules"]["w"]["inhibitory"] is True
