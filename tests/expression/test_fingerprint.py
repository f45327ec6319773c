"""Fingerprints: one key per function, on every machine and in every process."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from rulesearch.expression import fingerprint, parse_expression
from rulesearch.expression.points import POINTS, points
from rulesearch.expression.rounding import computed, rounded, traced


def key(text: str, **constants: float) -> str:
    return fingerprint({"on_step": parse_expression(text)}, constants)


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("y*(x - w*y)", "x*y - w*y**2"),
        ("y*(x - w*y)", "-(y*(w*y - x))"),
        ("(x + y)**2", "x*x + 2*x*y + y*y"),
        ("x/y/w", "x/(w*y)"),
        ("relu(x)", "(x + abs(x))/2"),
        ("max(x, y)", "(x + y + abs(x - y))/2"),
        ("relu(-x) - relu(x)", "-x"),
        ("sqrt(x)*sqrt(x)", "x + 0*sqrt(x)"),
        ("exp(x)*exp(y)", "exp(x + y)"),
        ("tanh(x)", "1 - 2/(exp(2*x) + 1)"),
        ("0*x", "-0*y"),
        ("log(-abs(x) - 1)", "log(-abs(y) - 1)"),
        ("x/0", "log(-1)"),
        ("1/(x - y)", "-1/(y - x)"),
        ("1/(1/x)", "x"),
        ("x + 1e8 - 1e8 - x", "0"),
        ("1e-9*(x + y)*w", "1e-9*x*w + 1e-9*y*w"),
        ("1e12*(x - y)", "1e12*x - 1e12*y"),
        ("x*(y - 1e-9)", "x*y - 1e-9*x"),
        ("relu(x - 0.5)", "max(x, 0.5) - 0.5"),
        ("relu(x - 0.5) - relu(0.5 - x)", "x - 0.5"),
        ("relu(2*x - 1)", "2*relu(x - 0.5)"),
        ("abs(x - 0.3)", "relu(x - 0.3) + relu(0.3 - x)"),
        ("step(1e-12*y - 1e-6)", "step(y - 1e6)"),
        ("relu(x**2 + 1)", "x**2 + 1"),
        ("max(max(x, y), w)", "max(x, max(y, w))"),
    ],
)
def test_rewritten_forms_have_one_key(text: str, rewritten: str) -> None:
    assert key(text) == key(rewritten)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("y*(x - w*y)", "y*(x - 1.000001*w*y)"),
        ("y*(x - w*y)", "y*(x - w*y) + 0.00001"),
        ("x", "y"),
        ("x", "abs(x)"),
        ("relu(x)", "abs(x)"),
        ("x*y", "-x*y"),
        ("sqrt(x)", "sqrt(abs(x))"),
        ("relu(2 - abs(w))", "2 - abs(w)"),
        ("1e-9*tanh(x)*y", "1e-9*x*y"),
        ("1e-12*x", "0"),
        ("1e-12*x", "2e-12*x"),
        ("1e12*x", "1e12*x + 1"),
        ("x + 1e-12*y", "x"),
    ],
)
def test_other_functions_have_other_keys(text: str, other: str) -> None:
    assert key(text) != key(other)


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("y*(x/x)", "y"),
        ("y*y/y", "y"),
        ("exp(log(x))", "x"),
        ("sqrt(x)*sqrt(x)", "x"),
        ("0*(1/x)", "0"),
        ("1/y - 1/y", "0"),
        ("log(x) - log(x)", "0"),
        ("max(x, x/0)", "x"),
        ("x/x", "x**0"),
        ("w*(x - y)/(x - y)", "w"),
        ("w*(x + y)/(x + y)", "w"),
        ("y/(1 + x)*(1 + x)", "y"),
        ("y/(1 - x)*(1 - x)", "y"),
        ("sign(x)**2*y*w", "y*w"),
    ],
)
def test_functions_are_the_same_only_where_they_are_defined(text: str, elsewhere: str) -> None:
    assert key(text) != key(elsewhere)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("x*step(y - 0.5)", "x*step(y - 0.501)"),
        ("x*y", "x*y + relu(x - 100)"),
        ("x*y + relu(x - 100)", "x*y + 2*relu(x - 100)"),
        ("step(y - 1e12)", "step(y - 2e12)"),
        ("step(y - 1e12)", "step(x - 1e12)"),
        ("x*step(y - 1e-9)", "x*step(y - 2e-9)"),
        ("step(x - 1.5*y)", "step(x - 1.501*y)"),
        ("sign(y - c1)*x", "sign(y - c2)*x"),
        ("min(x, 0.7)", "max(x, 0.7)"),
        ("abs(x - 3000)", "3000 - x"),
    ],
)
def test_thresholds_are_told_apart_wherever_they_lie(text: str, other: str) -> None:
    assert key(text, c1=0.3, c2=0.3001) != key(other, c1=0.3, c2=0.3001)


def test_constants_and_slots_belong_to_the_function() -> None:
    assert key("c1*x", c1=0.5) == key("0.5*x") == key("x*c2", c2=0.5)
    assert key("c1*x", c1=0.5) != key("c1*x", c1=0.25)
    assert key("c1*x") != key("c1*x", c1=0.5)
    x = parse_expression("x")
    assert fingerprint({"on_pre": x}) != fingerprint({"on_post": x})
    assert fingerprint({"on_pre": x, "on_post": x}) == fingerprint(dict(on_post=x, on_pre=x))
    assert len(key("x")) == 24
    assert int(key("x"), 16) >= 0


def test_points_depend_on_the_name_alone() -> None:
    assert points("x").shape == (POINTS,)
    assert np.all(np.abs(points("x")) < 10.0)
    assert np.any(points("x") < 0)
    assert not np.array_equal(points("x"), points("y"))
    with pytest.raises(ValueError, match="read-only"):
        points("x")[0] = 0.0


@pytest.mark.parametrize(("first", "second"), [("x", "y"), ("x", "w"), ("y", "y2"), ("x_bar", "R"), ("E", "v")])
def test_each_symbol_is_zero_alone_and_with_others_and_equal_and_opposite_to_them(first: str, second: str) -> None:
    a, b = points(first), points(second)
    nonzero = (a != 0) & (b != 0)
    assert np.any((a == 0) & (b == 0)) and np.any((a == 0) & (b != 0)) and np.any((a != 0) & (b == 0))
    assert np.any(nonzero & (a == b)) and np.any(nonzero & (a == -b))
    assert np.any(a == 1) and np.any(a == -1)
    assert np.any((a > 0) & (b < 0)) and np.any((a < 0) & (b > 0)) and np.any((a < 0) & (b < 0))
    assert np.sum(nonzero & (a != b) & (a != -b)) >= 10


def test_rounding_keeps_thirty_binary_digits_of_every_size() -> None:
    for size in (1e-12, 1.0, 1e12):
        values = size * np.array([1.7891234, -0.3, 123.4567])
        np.testing.assert_allclose(rounded(values), values, rtol=2.0**-30)
        assert not np.array_equal(rounded(values), rounded(values * (1.0 + 2.0**-28)))
        np.testing.assert_array_equal(rounded(values), rounded(rounded(values)))
    assert rounded(np.array([1.0 + 2.0**-40]))[0] == 1.0
    assert not np.signbit(rounded(np.array([-0.0])))[0]
    negative_nan = np.frombuffer(np.uint64(0xFFF8000000000000).tobytes(), dtype=np.float64)[0]
    undefined = rounded(np.array([np.inf, -np.inf, negative_nan, np.nan]))
    assert len({value.tobytes() for value in undefined}) == 1 and np.isnan(undefined[0])


def test_the_size_of_a_value_is_what_its_rounding_error_is_a_share_of() -> None:
    values = {"x": np.array([0.75, -0.3])}
    size = np.abs(values["x"])
    for text, expected in (
        ("1e-9*tanh(x)", 1e-9 * np.tanh(size)),
        ("x + 1e8 - 1e8", np.full(2, 1e8)),
        ("1e-9*(x + 1e8 - 1e8)", np.full(2, 0.1)),
        ("exp(x + 100 - 100)", 100.0 * np.exp(values["x"])),
        ("x*x*x", size**3),
    ):
        found, sizes = traced(parse_expression(text), values)
        np.testing.assert_allclose(found, parse_expression(text).evaluate(values))
        assert np.all(sizes >= expected * 0.999) and np.all(sizes <= expected * 4.0), text


def test_what_rounding_left_of_a_difference_is_nothing() -> None:
    values = {"x": np.array([0.1, 0.7, 3.3]), "y": np.array([0.2, 0.3, 1.7])}
    left = parse_expression("(x + y) - x - y")
    assert np.any(left.evaluate(values) != 0.0)
    assert not np.any(computed(left, values, 3))
    tiny = parse_expression("1e-20*x")
    np.testing.assert_array_equal(computed(tiny, values, 3), tiny.evaluate(values))


def test_keys_are_the_same_in_another_process_with_another_hash_seed() -> None:
    texts = ["y*(x - w*y)", "tanh(x_bar)/y_bar**2", "relu(alpha - x)*exp(y)", "x/0"]
    program = (
        "import sys\nfrom rulesearch.expression import fingerprint, parse_expression\n"
        "for text in sys.argv[1:]:\n    print(fingerprint({'on_step': parse_expression(text)}))"
    )
    for seed in ("0", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program, *texts], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == [key(text) for text in texts]


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("x*y + relu(1 - abs(x - 10))*relu(1 - abs(y - 12))", "x*y", False),
        ("relu(1 - abs(x - 10))*relu(1 - abs(y - 12))", "relu(1 - abs(x - 10))*relu(1 - abs(y - 13))", False),
        ("relu(1 - abs(x - 10))*relu(1 - abs(y - 12))", "relu(1 - abs(y - 12))*relu(1 - abs(10 - x))", True),
        ("x*y + step(x - 20)*step(25 - x)*step(y - 20)*step(25 - y)", "x*y", False),
    ],
)
def test_thresholds_that_do_nothing_alone_count_together(ours: str, theirs: str, same: bool) -> None:
    first, second = (fingerprint({"on_step": parse_expression(text)}) for text in (ours, theirs))
    assert (first == second) == same
