"""Exported SymPy files, run on their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import expressions

from rulesearch.export import export
from rulesearch.expression import Expression
from rulesearch.rules import Lowpass, Rule, RuleSet, Synaptic, known_rules, parse_rules

KNOWN = {each.name: each.rules for known in known_rules().values() for each in known.family()}


def _run(text: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(compile(text, "exported", "exec"), space)
    return space


def _same(expression: Expression, built: Any, rule: Rule, constants: dict[Any, float]) -> None:
    """Compare what was built with the expression at eight points."""
    import sympy

    generator = np.random.default_rng(5)
    for _ in range(8):
        values = {
            name: np.float64(generator.uniform(0.1, 0.9)) for name in expression.symbols if name not in rule.constants
        }
        expected = float(expression.evaluate({**values, **rule.constant_values()}))
        points = {sympy.Symbol(name, real=True): float(value) for name, value in values.items()}
        found = sympy.sympify(built).subs(constants).subs(points)
        assert complex(sympy.N(found)) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", KNOWN)
def test_known_rules_compute_the_same(name: str) -> None:
    rules = KNOWN[name]
    space = _run(export(rules, "sympy"))
    for member, rule in rules.rules.items():
        constants = space["constants"][member]
        assert set(space["rules"][member]) == set(rule.slots)
        for slot, expression in rule.slots.items():
            _same(expression, space["rules"][member][slot], rule, constants)
        built = {str(symbol): parts for symbol, parts in space["states"][member].items()}
        assert set(built) == set(rule.states)
        for key, state in rule.states.items():
            if isinstance(state, Lowpass):
                _same(state.expression, built[key]["target"], rule, constants)
            elif isinstance(state, Synaptic):
                for slot, expression in state.slots.items():
                    _same(expression, built[key][slot], rule, constants)


def test_the_file_runs_on_its_own(tmp_path: Path) -> None:
    path = tmp_path / "oja_rule.py"
    path.write_text(export("oja", "sympy") + "\nprint(sympy.expand(rules['w']['on_step']))\n", "utf-8")
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "-w*y**2 + x*y"


@settings(max_examples=40, deadline=None)
@given(tree=expressions(numbers=st.sampled_from([0.5, 2.0, 3.0]), max_leaves=6))
def test_random_rules_are_valid_python(tree: Expression) -> None:
    space = _run(export(RuleSet.single(Rule({"on_step": tree})), "sympy"))
    assert "on_step" in space["rules"]["w"]


def test_names_that_must_change_do_not_clash() -> None:
    rule = parse_rules("lambda*x + lambda_*y + rules*w; lambda = 0.5; lambda_ = 0.7; rules = 2").only()
    space = _run(export(rule, "sympy"))
    assert sorted(space["constants"]["w"].values()) == [0.5, 0.7, 2.0]
    _same(rule.slots["on_step"], space["rules"]["w"]["on_step"], rule, space["constants"]["w"])
