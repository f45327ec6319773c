"""Sets of rules as files: every rule in every format that holds it, and one line where a format cannot."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_latex import compile_latex

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.export.latex import rules_latex, run_latex
from rulesearch.rules import RuleSet, known_rule, parse_rules, rules_from_json, rules_to_json
from rulesearch.simulate import Connection, Layer, RateNetwork, RateSimulation
from rulesearch.tasks import load_task
from rulesearch.workflow.resolve import read_rules
from rulesearch.workflow.run import Run

PAIR = "feedforward[y*(x - w*y); eta = 0.1]; lateral[-0.02*x*y]"
PLAIN = "feedforward[y*(x - w*y)]; lateral[-2*x*y]"
POWERS = (
    "a_b[on_pre: -alpha**2*w**2 + E; alpha = 0.5; E = synaptic(on_post: alpha*y; tau = 1 s); tau_y = 20 ms; "
    "bounds = [0, 1]]; II[on_post: alpha*x; drift: -w; alpha = 3; tau_x = 10 ms]"
)
MIXED = "EE[on_post: x; tau_x = 20 ms]; rate[x*y]"


def test_equations_of_a_set_carry_the_name_of_their_rule() -> None:
    text = rules_latex(parse_rules(PAIR))
    assert r"\Delta w^{\mathrm{feedforward}} &= \eta^{\mathrm{feedforward}}\,y\,\left(x - {w^{\mathrm{fee" in text
    assert r"\Delta w^{\mathrm{lateral}} &= \eta^{\mathrm{lateral}}\left(-0.02\,x\,y\right)" in text
    assert r"$\eta^{\mathrm{feedforward}}$ & $0.1$ &" in text
    assert parse_rules(PAIR).latex() == (
        r"\Delta w^{\mathrm{feedforward}} = \eta^{\mathrm{feedforward}}\,y\,"
        r"\left(x - {w^{\mathrm{feedforward}}}\,y\right) \\ "
        r"\Delta w^{\mathrm{lateral}} = \eta^{\mathrm{lateral}}\left(-0.02\,x\,y\right)"
    )


def test_constants_and_states_of_one_name_stay_apart_in_equations() -> None:
    text = rules_latex(parse_rules(POWERS))
    assert r"\Delta w^{\mathrm{a\_b}}_{\mathrm{pre}}" in text
    assert r"\dot{w}^{\mathrm{II}}" in text
    assert r"{\alpha^{\mathrm{a\_b}}}^{2}" in text
    assert r"$\alpha^{\mathrm{a\_b}}$ & $0.5$" in text and r"$\alpha^{\mathrm{II}}$ & $3$" in text
    assert r"$\tau_{y}^{\mathrm{a\_b}}$ & $20$ & ms" in text
    assert r"$w^{\mathrm{a\_b}}$ & $0$ to $1$" in text
    assert text.count(r"&\text{") == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_sets_and_a_run_of_sets_compile_and_fit_the_page(pair_run: Run, tmp_path: Path) -> None:
    texts = [PAIR, POWERS, MIXED]
    sets = [known_rule("rubner-tavan").rules, known_rule("confavreux-quartet").rules, *map(parse_rules, texts)]
    log = compile_latex("".join(map(rules_latex, sets)) + run_latex(pair_run), tmp_path)
    assert "Overfull" not in log


@pytest.mark.parametrize("text", [PAIR, POWERS, MIXED])
def test_a_set_survives_json(text: str) -> None:
    rules = parse_rules(text)
    assert rules_from_json(json.loads(rs.export(rules, "json"))) == rules
    assert list(rules_to_json(rules)["rules"]) == list(rules.rules)


def test_functions_of_a_python_export_change_weights_as_the_rules_do() -> None:
    rules = parse_rules(PAIR)
    module: dict[str, Callable[..., np.ndarray]] = {}
    exec(compile(rs.export(rules, "python"), "exported", "exec"), module)
    generator = np.random.default_rng(1)
    x, y, w = generator.normal(size=(3, 50))
    for name, values in (("feedforward", {"x": x, "y": y, "w": w}), ("lateral", {"x": x, "y": y})):
        expected = rules.rules[name].change(**values)
        np.testing.assert_allclose(module[f"{name}_on_step"](**values), expected, rtol=1e-14)
    # 0.1 * 2 * (3 - 0.5 * 2) and -0.02 * 3 * 2.
    assert module["feedforward_on_step"](x=3.0, y=2.0, w=0.5) == pytest.approx(0.4)
    assert module["lateral_on_step"](x=3.0, y=2.0) == pytest.approx(-0.12)


def test_a_python_export_says_what_each_rule_is() -> None:
    text = " ".join(rs.export(PAIR, "python").split())
    assert "feedforward: Identical to Oja 1982" in text
    assert "lateral: Up to a factor the rule of anti-Hebbian, Foeldiak 1990" in text
    whole = " ".join(rs.export("rubner-tavan", "python").split())
    assert "Identical to Rubner & Tavan 1989" in whole and "Oja 1982" not in whole


def test_simulators_of_spikes_get_synapses_of_each_rule() -> None:
    brian = rs.export("confavreux-quartet", "brian2")
    assert re.findall(r"def (make_\w+_synapses)", brian) == [
        f"make_{name}_synapses" for name in ("EE", "EI", "IE", "II")
    ]
    nestml = rs.export("confavreux-quartet", "nestml")
    assert re.findall(r"model (\w+):", nestml) == [f"confavreux_quartet_{n}_synapse" for n in ("ee", "ei", "ie", "ii")]


@pytest.mark.parametrize("format", ["brian2", "nestml"])
def test_what_a_format_cannot_hold_is_named_with_what_can_go_out(format: str) -> None:
    with pytest.raises(RulesearchError, match=r"^rule rate: .*; EE can go out alone, such as RUN:1\[EE\]$"):
        rs.export(parse_rules(MIXED), format)
    with pytest.raises(RulesearchError, match=r"^rule feedforward: .*--format python$"):
        rs.export(parse_rules(PAIR), format)


def test_one_rule_of_a_set_is_given_by_its_name(pair_run: Run, tmp_path: Path) -> None:
    quartet = known_rule("confavreux-quartet").rules.rules
    assert read_rules("confavreux-quartet[IE]").rules == {"w": quartet["IE"]}
    assert str(read_rules(f"{pair_run.folder}:1[lateral]")) == "c*x*y; eta = 1; c = -2"
    file = tmp_path / "pair.json"
    file.write_text(json.dumps(rules_to_json(parse_rules(PAIR))))
    assert read_rules(f"{file}[lateral]") == RuleSet({"w": parse_rules("-0.02*x*y").only()}, f"{file}[lateral]")
    assert "emit_spike(-w)" in rs.export("confavreux-quartet[IE]", "nestml")
    assert "emit_spike(w)" in rs.export("confavreux-quartet[EE]", "nestml")


def test_one_rule_of_a_set_goes_out_with_what_the_task_gives_the_set() -> None:
    text = rs.export("rubner-tavan[lateral]", "json", "pca-network", {"lateral_eta": "0.5"})
    [alone] = rules_from_json(json.loads(text)).rules.values()
    assert str(alone) == "-x*y; eta = 0.5"
    assert "it gives none" not in rs.export("rubner-tavan[lateral]", "python", "pca-network")
    with pytest.raises(RulesearchError, match="found 'latral'; did you mean 'lateral'"):
        rs.export("rubner-tavan[latral]", "python", "pca-network")


def test_one_rule_of_a_run_goes_out_with_the_run_s_task(pair_run: Run) -> None:
    first = rs.export(f"{pair_run.folder}:1[lateral]", "python").splitlines()[0]
    assert first.endswith(":1[lateral].")


def test_functions_of_a_python_export_move_a_network_as_the_simulation_does() -> None:
    task = load_task("pca-network")
    bound = task.bind(parse_rules(PLAIN), task.resolve())
    module: dict[str, Callable[..., np.ndarray]] = {}
    exec(compile(rs.export(PLAIN, "python", "pca-network"), "exported", "exec"), module)
    generator = np.random.default_rng(0)
    shown, start = generator.normal(size=(40, 1, 5)), 0.4 * generator.normal(size=(1, 3, 5))
    feedforward = Connection("feedforward", "input", "output", weight=start, rule="feedforward")
    lateral = Connection("lateral", "output", "output", "lower", rule="lateral")
    network = RateNetwork({"input": 5}, [Layer("output", 3)], [feedforward, lateral])
    found = RateSimulation(network, {"input": shown}).run(bound, 1).weights
    w, m = start[0], np.zeros((3, 3))
    for x in shown[:, 0]:
        y = np.linalg.solve(np.eye(3) - m, w @ x)
        change = module["feedforward_on_step"](x=x, y=y[:, None], w=w)
        m = m + np.tril(module["lateral_on_step"](x=y, y=y[:, None]), -1)
        w = w + change
    np.testing.assert_allclose(found["feedforward"][-1, 0], w, atol=1e-13)
    np.testing.assert_allclose(found["lateral"][-1, 0], m, atol=1e-13)


def test_a_citation_says_which_rule_of_which_rank_is_meant(pair_run: Run) -> None:
    whys = [each.why for each in rs.cite(pair_run)]
    assert "feedforward of rank 1 is identical to Oja 1982" in whys
    assert next(each.why for each in rs.cite(parse_rules("a[y*(x - w*y)]; b[x]"))) == "a: identical to Oja 1982"


def test_a_name_that_a_set_has_not_is_refused_with_those_it_has() -> None:
    with pytest.raises(
        RulesearchError, match="has the rules feedforward, lateral; found 'latral'; did you mean 'lateral"
    ):
        read_rules("rubner-tavan[latral]")
    assert list(read_rules("oja[x]").rules) == ["oja"]
