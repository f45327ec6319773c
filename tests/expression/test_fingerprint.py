"""Fingerprints: one key per function, on every machine and in every process."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from rulesearch.expression import fingerprint, parse_expression
from rulesearch.expression.fingerprint import POINTS, points, rounded


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
        ("log(-abs(x))", "log(-abs(y) - 1)"),
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
        ("x/0", "log(-1)"),
        ("relu(2 - abs(w))", "2 - abs(w)"),
    ],
)
def test_other_functions_have_other_keys(text: str, other: str) -> None:
    assert key(text) != key(other)


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
    assert np.all(points("x")[::3] >= 0)
    assert np.any(points("x") < 0)
    assert not np.array_equal(points("x"), points("y"))
    with pytest.raises(ValueError, match="read-only"):
        points("x")[0] = 0.0


def test_rounding_keeps_thirty_binary_digits() -> None:
    values = np.full(POINTS, 123456.7891234)
    found = rounded(values)
    np.testing.assert_allclose(found, values, rtol=2.0**-30)
    np.testing.assert_array_equal(found, np.rint(values * 2.0**13) / 2.0**13)
    assert rounded(1.0 + 2.0**-40)[0] == 1.0
    assert rounded(0.3)[0] == np.rint(0.3 * 2.0**30) / 2.0**30
    assert rounded(1e-10)[0] == 0.0
    assert not np.signbit(rounded(-0.0))[0]
    assert np.isposinf(rounded(np.inf)).all()
    negative_nan = np.frombuffer(np.uint64(0xFFF8000000000000).tobytes(), dtype=np.float64)[0]
    assert rounded(negative_nan).tobytes() == rounded(np.nan).tobytes()


@pytest.mark.parametrize("seed", range(5))
def test_rounding_is_the_same_beside_infinite_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(200):
        values = rng.normal(size=POINTS) * 10.0 ** rng.uniform(-12, 12, POINTS)
        values[::4] = np.round(values[::4] * 8.0) / 8.0
        values[1::4] = np.ldexp(np.round(values[1::4] * 2.0**20) + 0.5, -30)  # halfway
        beside = values.copy()
        beside[0] = np.inf
        assert rounded(values)[1:].tobytes() == rounded(beside)[1:].tobytes()


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
