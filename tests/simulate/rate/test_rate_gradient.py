"""Derivatives through time: against differences of the compiled simulator, and in closed form."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.expression import OPERATORS
from rulesearch.rules import parse_rules
from rulesearch.simulate.rate.gradient import rate_gradient
from rulesearch.tasks import load_task

pytest.importorskip("jax")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "form",
    ["a*x*y - b*w*y**2", "tanh(a*y)*(x - b*w*y)", "a*abs(x) - b*relu(w) + y*(x - w*y)", "y*(x/(a + b*y**2) - w)"],
)
def test_derivatives_are_those_of_the_compiled_simulator(form: str) -> None:
    task = load_task("oja")
    settings = task.resolve({"points": 300})

    def rules(a: float, b: float) -> object:
        return task.bind(task.parse(f"{form}; a = {a!r}; b = {b!r}"), settings)

    def loss(a: float, b: float) -> float:
        found = evaluate_rules(task, rules(a, b), (4,), settings).loss  # type: ignore[arg-type]
        assert found is not None
        return found

    value, slope = task.gradient(rules(0.9, 1.1), 4, settings, "full")  # type: ignore[arg-type]
    assert value == pytest.approx(loss(0.9, 1.1), rel=1e-9)
    step = 1e-5
    along = (loss(0.9 + step, 1.1) - loss(0.9 - step, 1.1)) / (2 * step)
    across = (loss(0.9, 1.1 + step) - loss(0.9, 1.1 - step)) / (2 * step)
    assert slope == pytest.approx([along, across], rel=1e-5, abs=1e-8)


def squared_end(xp: object, weights: object, data: object) -> object:
    return weights[-1].sum()  # type: ignore[index]


def test_a_leak_has_its_closed_form() -> None:
    """dw = -c w gives w = (1 - eta c)^n, whose derivative by c is -n eta (1 - eta c)^(n - 1)."""
    rule = parse_rules("0 - c*w; c = 2").only()
    inputs, initial = np.zeros((50, 1, 1)), np.ones((1, 1))
    value, slope = rate_gradient(rule, inputs, initial, 0.01, 50, squared_end, ())  # type: ignore[arg-type]
    assert value == pytest.approx(0.98**50, rel=1e-12)
    assert slope == pytest.approx([-50 * 0.01 * 0.98**49], rel=1e-12)


def test_every_operator_has_a_derivative() -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        for row in OPERATORS.values():
            values = [0.3, 0.7][: row.arity]
            function = partial(row.jax, jax.numpy)
            value, slope = jax.value_and_grad(function)(*values)
            assert float(value) == pytest.approx(row.numpy(*values), rel=1e-12)
            step = 1e-6
            above, below = (row.numpy(values[0] + sign * step, *values[1:]) for sign in (1, -1))
            assert float(slope) == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-8)


def test_rules_with_states_are_refused() -> None:
    rule = parse_rules("x_bar - w; x_bar = lowpass(x, 100)").only()
    with pytest.raises(RulesearchError, match="without states"):
        rate_gradient(rule, np.zeros((5, 1, 1)), np.ones((1, 1)), 0.01, 1, squared_end, ())  # type: ignore[arg-type]
