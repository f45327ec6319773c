"""Normal forms: known answers for each rewrite, and agreement with the original at points."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesearch.expression import Expression, parse_expression
from rulesearch.symbolic import NormalForm, normal_form, terms
from rulesearch.symbolic.agreement import agrees
from rulesearch.symbolic.algebra import TERM_LIMIT, WORK_LIMIT

OJA = {"x*y": 1.0, "w*y**2": -1.0}


@pytest.mark.parametrize(
    "text",
    ["y*(x - w*y)", "-y*(w*y - x)", "x*y - y**2*w", "y*x - w*y*y", "y**2*(x/y - w)", "(x - w*y)/(1/y)", "-(w*y - x)*y"],
)
def test_every_spelling_of_oja_has_the_same_two_terms(text: str) -> None:
    assert terms(parse_expression(text)) == OJA


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x*(y + 1) - x", {"x*y": 1.0}),
        ("0.1*x + 0.2*x - 0.3*x", {}),
        ("(x + y)**3", {"x**2*y": 3.0, "x**3": 1.0, "x*y**2": 3.0, "y**3": 1.0}),
        ("(x**2 - y**2)/(x - y)", {"x": 1.0, "y": 1.0}),
        ("x/(1 + x) + 1/(1 + x)", {"1": 1.0}),
        ("1/(1/x + 1/y)", {"x*y/(x + y)": 1.0}),
        ("x*(y - x)/(x - y)", {"x": -1.0}),
        ("tanh(y - x) + tanh(x - y)", {}),
        ("sin(-2*x)", {"sin(2*x)": -1.0}),
        ("cos(y - x) - cos(x - y)", {}),
        ("relu(3*x)", {"relu(x)": 3.0}),
        ("relu(-2*x)", {"relu(-x)": 2.0}),
        ("relu(-abs(x))", {}),
        ("relu(relu(x))", {"relu(x)": 1.0}),
        ("relu(x**2*y)", {"relu(y)*x**2": 1.0}),
        ("abs(-2*x)", {"abs(x)": 2.0}),
        ("abs(abs(x))", {"abs(x)": 1.0}),
        ("abs(x - y)**2", {"x*y": -2.0, "x**2": 1.0, "y**2": 1.0}),
        ("sqrt(x)**2", {"x": 1.0}),
        ("sqrt(4*x**2*y)", {"abs(x)*sqrt(y)": 2.0}),
        ("exp(x)*exp(y - x)", {"exp(y)": 1.0}),
        ("exp(log(x))", {"x": 1.0}),
        ("log(exp(x)*y)", {"x": 1.0, "log(y)": 1.0}),
        ("x**0.4*x**0.6", {"x": 1.0}),
        ("(x**0.4)**2.5", {"x": 1.0}),
        ("x**1.5", {"sqrt(x)*x": 1.0}),
        ("sign(x*y)*abs(x)", {"sign(y)*x": 1.0}),
        ("sign(x)**2*abs(x)*exp(y)", {"abs(x)*exp(y)": 1.0}),
        ("step(2*x - 1)**3", {"step(x - 0.5)": 1.0}),
        ("step(-abs(x))", {}),
        ("max(x, 0) + min(x, 0)", {"relu(x)": 1.0, "relu(-x)": -1.0}),
        ("min(-x, -y) + max(y, x)", {}),
        ("min(y, -w) + max(-y, w)", {}),
        ("max(2*x, 4*y)", {"max(0.5*x, y)": 4.0}),
        ("max(x - y, x - y)", {"x": 1.0, "y": -1.0}),
        ("x**0", {"1": 1.0}),
        ("exp(0) + cos(0)", {"1": 2.0}),
    ],
)
def test_rewrites_have_these_terms(text: str, expected: dict[str, float]) -> None:
    assert terms(parse_expression(text)) == pytest.approx(expected)


def test_named_constants_are_folded_with_their_values() -> None:
    found = terms(parse_expression("A*x - (A + B)*x + w*x**p"), {"A": 0.5, "B": 0.25, "p": 2.0})
    assert found == {"x": -0.25, "w*x**2": 1.0}


def test_functions_that_cannot_be_negative_are_recognised_only_there() -> None:
    assert terms(parse_expression("relu(x)")) != terms(parse_expression("x"))
    assert terms(parse_expression("sqrt(x*y)")) != terms(parse_expression("sqrt(x)*sqrt(y)"))
    assert terms(parse_expression("sqrt(x**2)")) == {"abs(x)": 1.0}


@pytest.mark.parametrize("text", ["x/0", "log(-1)", "exp(1000)*x", "0**-1"])
def test_what_has_no_finite_value_stays_a_whole(text: str) -> None:
    assert len(terms(parse_expression(text))) == 1


def test_expansion_is_bounded_by_counted_work() -> None:
    algebra = NormalForm()
    product = "*".join(f"(x + y + w + x2 + {number})" for number in range(2, 32))
    found = algebra.of(parse_expression(product))
    assert len(found) <= TERM_LIMIT
    assert algebra.work <= WORK_LIMIT + 2000
    assert terms(parse_expression("(x + y + w)**40")) == {"(w + x + y)**40": 1.0}


def test_terms_can_be_left_out() -> None:
    found = normal_form(parse_expression("y*(x - w*y)"))
    assert found.without("w*y**2").coefficients == {"x*y": 1.0}
    assert len(found) == 2


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_text_of_the_normal_form_computes_the_same(
    data: st.DataObject, expressions: st.SearchStrategy[Expression], constants: dict[str, float]
) -> None:
    expression = data.draw(expressions)
    text = normal_form(expression, constants).text
    values = {**constants, **{name: np.linspace(0.11, 1.31, 9) ** (1 + i) for i, name in enumerate("wxy")}}
    expected = np.broadcast_to(expression.evaluate(values), 9)
    if np.all(np.isfinite(expected)) and np.all(np.abs(expected) < 1e6) and agrees(expression, expression, constants):
        found = parse_expression(text)
        assert agrees(expression, found, constants) or np.allclose(found.evaluate(values), expected, 1e-6, 1e-6)


def test_normal_forms_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "from rulesearch.expression import parse_expression as p\n"
        "from rulesearch.symbolic import terms\n"
        "print(list(terms(p('(x + y*w - 2)**3*tanh(w - x)/(x + y) + max(x, y*w)*abs(w - y)')).items()))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
