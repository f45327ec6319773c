"""Exported SymPy files, run on their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import expressions

from rulesearch.export import export
from rulesearch.expression import Expression
from rulesearch.rules import Rule, RuleSet, known_rules, parse_rules

KNOWN = list(known_rules())


def _run(text: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(compile(text, "exported", "exec"), space)
    return space


def _same(rule: Rule, built: Any, constants: dict[Any, float], slot: str) -> None:
    import sympy

    generator = np.random.default_rng(5)
    values = {
        name: float(generator.uniform(0.1, 0.9)) for name in rule.slots[slot].symbols if name not in rule.constants
    }
    expected = float(
        rule.slots[slot].evaluate({**{k: np.float64(v) for k, v in values.items()}, **rule.constant_values()})
    )
    found = built.subs(constants).subs({sympy.Symbol(name, real=True): value for name, value in values.items()})
    assert complex(sympy.N(found)).real == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", KNOWN)
def test_known_rules_compute_the_same(name: str) -> None:
    rules = known_rules()[name].rules
    space = _run(export(rules, "sympy"))
    for member, rule in rules.rules.items():
        assert set(space["rules"][member]) == set(rule.slots)
        for slot in rule.slots:
            _same(rule, space["rules"][member][slot], space["constants"][member], slot)


@settings(max_examples=40, deadline=None)
@given(tree=expressions(numbers=st.sampled_from([0.5, 2.0, 3.0]), max_leaves=6))
def test_random_rules_are_valid_python(tree: Expression) -> None:
    space = _run(export(RuleSet.single(Rule({"on_step": tree})), "sympy"))
    assert "on_step" in space["rules"]["w"]


def test_names_that_must_change_do_not_clash() -> None:
    rule = parse_rules("lambda*x + lambda_*y + rules*w; lambda = 0.5; lambda_ = 0.7; rules = 2").only()
    space = _run(export(rule, "sympy"))
    assert sorted(space["constants"]["w"].values()) == [0.5, 0.7, 2.0]
    _same(rule, space["rules"]["w"]["on_step"], space["constants"]["w"], "on_step")
