"""Membership node by node, and as a function."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rulesearch.expression import Number, parse_expression, to_text
from rulesearch.grammar import Grammar, derives, find_function, load_grammar, member, parse_grammar, states_agree
from rulesearch.grammar.membership import function_key
from rulesearch.rules import known_rule, parse_rules


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", True),
        ("c", True),
        ("1.5", True),
        ("-2", True),
        ("2.5", False),
        ("y*(x - w*y)", True),
        ("(x - y*w)*y", True),
        ("x**2", True),
        ("x**3", False),
        ("x**y", False),
        ("-x", False),
        ("sin(x)", False),
        ("tanh(relu(x)/0.5)", True),
        ("x*20 ms", False),
        ("q", False),
    ],
)
def test_derivations_of_the_rate_grammar(text: str, expected: bool) -> None:
    assert derives(load_grammar("rate"), "rate", parse_expression(text)) is expected


def test_operands_change_places_only_where_the_operator_commutes(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["b + c", "b / c", "min(b, c)"], "b": ["x"], "c": ["y"]})
    for text, expected in {"x + y": 1, "y + x": 1, "min(y, x)": 1, "x / y": 1, "y / x": 0, "x + x": 0}.items():
        assert derives(grammar, "a", parse_expression(text)) is bool(expected)


def test_a_number_needs_the_unit_of_its_kind() -> None:
    grammar = parse_grammar(
        'name = "n"\n[symbols.v]\nmeaning = "potential"\nunit = "mV"\n[constants.t]\nrange = [-70, -40]\n'
        'prior = "uniform"\nunit = "mV"\n[slots]\non_step = "a"\n[productions]\na = ["v - t"]\n'
        "[limits]\nsize = 3\ndepth = 2\n"
    )
    for text, expected in {"v - t": 1, "v - -50 mV": 1, "v - -50": 1, "v - -50 ms": 0, "v - 50 mV": 0}.items():
        assert derives(grammar, "a", parse_expression(text)) is bool(expected)


def test_slots_must_be_those_of_the_grammar() -> None:
    grammar = load_grammar("spiking")
    x = parse_expression("x")
    assert member(grammar, {"on_post": x})
    assert member(grammar, {"on_pre": x, "on_post": x})
    assert not member(grammar, {})
    assert not member(grammar, {"drift": x})
    assert not member(load_grammar("rate"), {"on_post": x})


def test_named_constants_are_taken_at_their_values() -> None:
    rule = known_rule("vogels").rules.only()
    assert member(load_grammar("spiking"), rule.slots, rule.constants)
    assert not member(load_grammar("spiking"), rule.slots)
    assert not member(load_grammar("spiking"), rule.slots, {name: Number(1e6) for name in rule.constants})


@pytest.mark.parametrize("text", ["y*(x - w*y)", "x*y - w*y*y", "-(w*y**2 - y*x)", "y*x - w*y**2 + (x - x)"])
def test_forms_of_a_rule_are_found_as_one_function(text: str) -> None:
    found = find_function(load_grammar("rate"), parse_rules(text).only(), 7)
    assert found is not None
    expression = found["on_step"]
    assert expression.size == 7
    assert function_key(expression) == function_key(parse_expression("y*(x - w*y)"))
    assert member(load_grammar("rate"), found)


def test_functions_of_several_slots_are_found() -> None:
    found = find_function(load_grammar("spiking"), parse_rules("on_pre: y + y; on_post: x*(x2 + w) - x*w").only(), 4)
    assert found is not None
    assert {slot: to_text(expression) for slot, expression in found.items()} == {"on_pre": "y + y", "on_post": "x*x2"}


def test_functions_out_of_reach_are_not_found() -> None:
    grammar = load_grammar("rate")
    assert find_function(grammar, parse_rules("sin(x)").only(), 5) is None
    assert find_function(grammar, parse_rules("y*(x - w*y)").only(), 6) is None
    assert find_function(grammar, parse_rules("y*(x - w*y)").only(), 7, cap=1000) is None
    assert find_function(grammar, parse_rules("R*x").only(), 5) is None
    assert find_function(grammar, parse_rules("a*x; a = 1").only(), 5) is None
    assert find_function(grammar, parse_rules("on_pre: x").only(), 5) is None


def test_states_must_agree_with_the_definitions() -> None:
    grammar = load_grammar("spiking")
    same = parse_rules("on_pre: x2; tau_x2 = 100 ms").only()
    other = parse_rules("on_pre: x2; tau_x2 = 101 ms").only()
    nearest = parse_rules("on_pre: x2; x2 = trace(pre, 100 ms, nearest)").only()
    assert states_agree(grammar, same)
    assert not states_agree(grammar, other)
    assert not states_agree(grammar, nearest)
    assert find_function(grammar, same, 1) is not None
    assert find_function(grammar, other, 1) is None
