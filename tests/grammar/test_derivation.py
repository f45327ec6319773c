"""The one deriver: node by node, with operands and signs that change places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import expressions

from rulesearch.expression import Expression, Number, parse_expression, to_text
from rulesearch.expression.operators import Operator
from rulesearch.expression.points import points
from rulesearch.grammar import Grammar, derive, load_grammar, parse_grammar, sample_up_to
from rulesearch.grammar.derivation import Chosen

STDP = load_grammar("stdp")


def text_of(grammar: Grammar, nonterminal: str, text: str) -> str | None:
    found = derive(grammar, nonterminal, parse_expression(text))
    return None if found is None else to_text(found.expression(grammar))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.007*y", "y*0.007"),
        ("-0.007*y", "-(y*0.007)"),
        ("-(0.007*y)", "-(y*0.007)"),
        ("y*-0.007", "-(y*0.007)"),
        ("-y*0.007", "-(y*0.007)"),
        ("-y*-0.007", "y*0.007"),
        ("--y", "y"),
        ("-y - y2", "-(y + y2)"),
        ("y - -0.007*y2", "y + y2*0.007"),
        ("-0.05*y - 0.007*y2", "-(y*0.05 + y2*0.007)"),
        ("0.007*y2 - 0.05*y*x", "y2*0.007 - y*0.05*x"),
        ("-(y**2)", "-y**2"),
        ("(-y)**2", "y**2"),
        ("-700*y", None),
        ("x - 0.007*y", None),
        ("-0.007", None),
    ],
)
def test_a_sign_goes_where_the_ranges_of_the_constants_allow_it(text: str, expected: str | None) -> None:
    assert text_of(STDP, "at_pre", text) == expected


def ranged(productions: str, low: float, high: float) -> Grammar:
    return parse_grammar(
        'name = "g"\n[symbols]\nx = {meaning = "", unit = ""}\ny = {meaning = "", unit = ""}\n'
        f'[constants]\nc = {{range = [{low}, {high}], prior = "uniform", unit = ""}}\n[slots]\non_step = "a"\n'
        f"[productions]\n{productions}\n[limits]\nsize = 15\ndepth = 9\n"
    )


SUM = 'a = ["x", "y", "c", "a + a", "a*a"]'
DIFFERENCE = 'a = ["x", "y", "c", "a - a", "a*a"]'


@pytest.mark.parametrize(
    ("productions", "low", "high", "text", "expected"),
    [
        (SUM, -1.0, 1.0, "x - 0.5*y", "x + -0.5*y"),
        (SUM, -1.0, 1.0, "x - 0.5", "x + -0.5"),
        (SUM, 0.0, 1.0, "x - 0.5*y", None),
        (SUM, -1.0, 1.0, "x - y", None),
        (SUM, -1.0, 1.0, "x - 0.5*(y - 0.2)", "x + -0.5*(y + -0.2)"),
        (DIFFERENCE, -1.0, 1.0, "x + 0.5*y", "x - -0.5*y"),
        (DIFFERENCE, 0.0, 1.0, "x + -0.5*y", "x - 0.5*y"),
        (DIFFERENCE, 0.0, 1.0, "-0.5*y + x", "x - 0.5*y"),
        (DIFFERENCE, -1.0, 1.0, "-0.5*y - x", "-0.5*y - x"),
        ('a = ["c*b", "c/b"]\nb = ["x", "y"]', -1.0, 1.0, "-(0.5/x)", "-0.5/x"),
        ('a = ["-b"]\nb = ["x", "c", "b**2", "b/b"]', 0.0, 1.0, "x/-0.5", "-(x/0.5)"),
        ('a = ["-b"]\nb = ["x", "-a"]', 0.0, 1.0, "---x", "---x"),
        ('a = ["-b"]\nb = ["x", "-a"]', 0.0, 1.0, "x", None),
        ('a = ["max(b, d)"]\nb = ["x"]\nd = ["y", "c"]', -1.0, 1.0, "max(-0.5, x)", "max(x, -0.5)"),
    ],
)
def test_signs_move_between_sums_differences_and_constants(
    productions: str, low: float, high: float, text: str, expected: str | None
) -> None:
    assert text_of(ranged(productions, low, high), "a", text) == expected


def check_same(found: Any, expected: Any) -> None:
    """Compare values where there are any; a zero has two signs, so that a quotient by one may be either infinity."""
    defined = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(found), defined)
    np.testing.assert_allclose(np.asarray(found)[defined], np.asarray(expected)[defined], rtol=1e-12, atol=1e-300)


def signs_moved(expression: Expression, rng: np.random.Generator) -> Expression:
    """Return the same function, with signs in other places."""

    def branch(row: Operator, *parts: Expression) -> Expression:
        flips = [rng.random() < 0.5 for _ in parts]
        negated = [Expression.apply("neg", part) if flip else part for part, flip in zip(parts, flips, strict=True)]
        if row.name in ("mul", "div"):
            made = Expression.apply(row.name, *negated)
            return Expression.apply("neg", made) if flips[0] != flips[1] else made
        if row.name in ("add", "sub") and flips[1]:
            return Expression.apply("sub" if row.name == "add" else "add", parts[0], negated[1])
        return Expression.apply("neg", Expression.apply("neg", Expression.apply(row.name, *parts)))

    found: Expression = expression.fold(lambda node: Expression((node,)), branch)
    return found


@pytest.mark.parametrize("name", ["rate", "stdp", "spiking"])
def test_every_derivation_is_found_again_with_its_signs_moved(name: str) -> None:
    grammar, rng = load_grammar(name), np.random.default_rng(1)
    for _ in range(60):
        for slot, expression in sample_up_to(grammar, rng, 15).items():
            values = {kind: Number(prior.at(0.3)) for kind, prior in grammar.constants.items()}
            moved = signs_moved(expression, rng)
            found = derive(grammar, grammar.slots[slot], moved, values)
            assert found is not None, to_text(moved)
            same = found.expression(grammar)
            symbols = {each: points(each) for each in grammar.symbols}
            numbers = {kind: number.value for kind, number in values.items()}
            check_same(same.evaluate(symbols), expression.evaluate({**symbols, **numbers}))


@settings(max_examples=60, deadline=None)
@given(expressions(("x", "y", "w"), ("add", "sub", "mul", "neg", "pow"), st.floats(-1.0, 1.0), max_leaves=6))
def test_what_is_derived_is_the_same_function(expression: Expression) -> None:
    for grammar, start in ((load_grammar("rate"), "rate"), (STDP, "at_pre")):
        found = derive(grammar, start, expression)
        if found is not None:
            values = {name: points(name) for name in ("x", "y", "w", "x2", "y2")}
            check_same(found.expression(grammar).evaluate(values), expression.evaluate(values))


def test_the_work_does_not_grow_with_the_ways_to_place_signs(little_grammar: Callable[..., Grammar]) -> None:
    long = " - ".join(f"0.5*{name}" for name in "xy" * 15)
    grammar = ranged('a = ["x", "y", "c", "a + a", "a*a", "-a"]', 0.0, 1.0)
    assert text_of(grammar, "a", long) is not None
    assert text_of(grammar, "a", f"{long} - 2") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5*x", "0.5*x"),
        ("x*0.5", "0.5*x"),
        ("-0.5*x", "0.5*-x"),
        ("0.4*x", None),
        ("x**3", "x**3"),
        ("(-x)**3", "(-x)**3"),
        ("-(x**3)", "-x**3"),
        ("x**2", None),
        ("x - 7", "x - 7"),
        ("x + -7", "x - 7"),
        ("y*2", "y*2"),
        ("y*4", "y*4"),
        ("y*3", None),
    ],
)
def test_fixed_numbers_and_sets_of_values(text: str, expected: str | None) -> None:
    grammar = parse_grammar(
        'name = "g"\n[symbols]\nx = {meaning = "", unit = ""}\ny = {meaning = "", unit = ""}\n'
        '[constants]\nk = {values = [2, 4]}\n[slots]\non_step = "a"\n'
        '[productions]\na = ["x", "-a", "0.5*a", "a**3", "a - 7", "y*k"]\n[limits]\nsize = 9\ndepth = 9\n'
    )
    assert text_of(grammar, "a", text) == expected


def test_a_constant_of_a_rule_prefers_the_kind_of_its_name() -> None:
    grammar = parse_grammar(
        'name = "g"\n[symbols]\nx = {meaning = "", unit = ""}\n[constants]\n'
        + "".join(f'{name} = {{range = [-1, 1], prior = "uniform", unit = ""}}\n' for name in "ab")
        + '[slots]\non_step = "r"\n[productions]\nr = ["x*k"]\nk = ["a", "b"]\n[limits]\nsize = 9\ndepth = 9\n'
    )
    found = derive(grammar, "r", parse_expression("x*b"), {"b": Number(0.5)})
    assert found is not None
    (inner,) = [part for part in found.parts if not isinstance(part, Chosen)]
    assert inner.parts == (Chosen("b", 0.5),)
