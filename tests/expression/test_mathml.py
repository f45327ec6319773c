"""MathML: well formed for every rule there is, with the letters, brackets and signs of the LaTeX."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given

from rulesearch.expression import OPERATORS, Expression, parse_expression
from rulesearch.expression.mathml import number_mathml, product_mathml, symbol_mathml
from rulesearch.expression.printing import with_joined_signs
from rulesearch.report.page.equations import equations_mathml
from rulesearch.rules import known_rules, parse_rules
from tests.strategies import expressions


def shown(markup: str) -> str:
    """Return the characters of MathML as they are read."""
    element = ElementTree.fromstring(f"<math>{markup}</math>")
    return "".join(text.strip() for text in element.itertext())


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("y*(x - w*y)", "y(x−wy)"),
        ("x - (y + w)", "x−(y+w)"),
        ("x - (y - w)", "x−(y−w)"),
        ("-(x + y)", "−(x+y)"),
        ("x*-y", "x(−y)"),
        ("2*3", "2⋅3"),
        ("abs(x)", "|x|"),
        ("relu(x)", "[x]+"),
        ("step(x)", "Θ(x)"),
        ("min(x, y)", "min(x,y)"),
        ("x_bar", "x¯"),
        ("theta", "θ"),
        ("y2", "y2"),
        ("(x + y)**2", "(x+y)2"),
    ],
)
def test_expressions_are_read_as_written(text: str, read: str) -> None:
    assert shown(product_mathml("", parse_expression(text))) == read


def test_fractions_and_powers_are_structure() -> None:
    markup = product_mathml("", parse_expression("x**2/(y + w)"))
    assert markup.startswith("<mfrac>") and "<msup>" in markup and "<mo>+</mo>" in markup
    assert "(" not in shown(markup)


def test_numbers_are_powers_of_ten_where_they_are_long() -> None:
    assert shown(number_mathml(-1.5e-7)) == "−1.5×10−7"
    assert shown(number_mathml(0.123456, 3)) == "0.123"


def test_a_factor_brackets_sums_alone() -> None:
    eta = symbol_mathml("eta")
    assert shown(product_mathml(eta, parse_expression("x - y"))) == "η(x−y)"
    assert shown(product_mathml(eta, parse_expression("x*y"))) == "ηxy"
    assert shown(product_mathml(eta, parse_expression("2*y"))) == "η⋅2y"


def test_names_are_escaped() -> None:
    assert "<script>" not in symbol_mathml("<script>")


@pytest.mark.parametrize("name", sorted(known_rules()))
def test_every_known_rule_is_well_formed(name: str) -> None:
    for _, markup in equations_mathml(known_rules()[name].rules):
        ElementTree.fromstring(markup)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_is_written(name: str) -> None:
    row = OPERATORS[name]
    arguments = [Expression.symbol(letter) for letter in "xy"[: row.arity]]
    assert set("xy"[: row.arity]) <= set(shown(product_mathml("", Expression.apply(name, *arguments))))


@given(expressions())
def test_any_expression_is_well_formed_and_brackets_match(expression: Expression) -> None:
    read = shown(product_mathml("", expression))
    for left, right in ("()", "[]"):
        assert read.count(left) == read.count(right)


def test_signs_are_joined_and_the_function_stays() -> None:
    assert re.sub(r"\s", "", parse_rules("y + c; c = -0.123").only().latex(with_values=True)).endswith(
        "y-0.123\\right)"
    )
    for text, joined in (("y + -0.5", "y - 0.5"), ("x*(y - -2)", "x*(y + 2)"), ("y + 0.5", "y + 0.5")):
        found = with_joined_signs(parse_expression(text))
        assert found == parse_expression(joined)
