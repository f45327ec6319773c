"""The rate neuron: fixed points, low-passes, early ends, bounds, and the two tiers against each other."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import Lowpass, Rule, Trace, parse_rules
from rulesearch.simulate.codes import EXPLANATION, NONFINITE, OK, RUNAWAY, STATUS
from rulesearch.simulate.rate.neuron import RateInputs, RateResult, simulate_rate, simulate_rates
from rulesearch.simulate.rate.programs import rate_program

Array = npt.NDArray[np.float64]


def rule(text: str) -> Rule:
    return parse_rules(text).only()


def gaussian(covariance: Array, steps: int, data_sets: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(covariance)
    return np.asarray(rng.standard_normal((steps, data_sets, len(covariance))) @ root.T)


def constant_input(steps: int, value: float = 1.0) -> Array:
    return np.full((steps, 1, 1), value)


def by_hand(text: str, inputs: Array, initial: Array, eta: float) -> Array:
    """The recorded weights `(steps, data sets, inputs)` of a plain loop in NumPy."""
    found = rule(text)
    weights = initial.copy()
    lowpassed: dict[str, Array] = {name: np.zeros_like(initial) for name in found.states}
    records = []
    for row in inputs:
        output = np.broadcast_to((weights * row).sum(axis=1, keepdims=True), weights.shape)
        values = {"x": row, "y": output, "w": weights, **lowpassed, **found.constant_values()}
        change = found.slots["on_step"].evaluate(values)
        moved = {}
        for name, state in found.states.items():
            assert isinstance(state, Lowpass)
            moved[name] = lowpassed[name] + (state.expression.evaluate(values) - lowpassed[name]) / state.tau
        weights, lowpassed = weights + eta * change, moved
        records.append(weights)
    return np.array(records)


def run(
    text: str, inputs: Array, eta: float = 0.01, start: float = 1.0, backend: str = "vm", **options: float
) -> RateResult:
    initial = np.full(inputs.shape[1:], start)
    return simulate_rate(rule(text), inputs, initial, eta, 1, backend=backend, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (2.0, 0.0), (0.5, 0.4), (1.0, -0.5)])
def test_the_fixed_point_is_the_first_component_with_the_length_of_theory(a: float, b: float) -> None:
    # x*y - a*y**2*w - b*w on a covariance with largest eigenvalue l: |w|**2 = (l - b)/(a*l)
    axis = np.array([3.0, 4.0]) / 5.0
    other = np.array([-4.0, 3.0]) / 5.0
    largest, eta = 1.5, 0.001
    covariance = largest * np.outer(axis, axis) + 0.3 * np.outer(other, other)
    inputs = gaussian(covariance, 20_000, 10)
    initial = np.random.default_rng(1).uniform(0.1, 1.0, (10, 2))
    found = simulate_rate(rule(f"x*y - a*y**2*w - b*w; a = {a}; b = {b}"), inputs, initial, eta, 100)
    late = found.weights[100:]
    norms = np.linalg.norm(late, axis=2)
    assert found.code == OK
    assert np.mean(norms**2) == pytest.approx((largest - b) / (a * largest), rel=0.02)
    cosines = np.abs(late @ axis) / norms
    assert np.degrees(np.arccos(cosines.mean())) < 3.0


def test_the_residual_angle_of_oja_is_that_of_theory() -> None:
    # theta_rms = sqrt((n - 1)*eta*l1*l2/(2*(l1 - l2))), for small angles
    eta, minor = 0.002, 0.3
    inputs = gaussian(np.diag([1.0, minor]), 20_000, 40, seed=3)
    initial = np.tile([1.0, 0.0], (40, 1))
    weights = simulate_rate(rule("y*(x - w*y)"), inputs, initial, eta, 50).weights[100:]
    angles = np.arctan2(np.abs(weights[:, :, 1]), np.abs(weights[:, :, 0]))
    assert np.sqrt(np.mean(angles**2)) == pytest.approx(math.sqrt(eta * minor / (2.0 * (1.0 - minor))), rel=0.1)


@pytest.mark.parametrize("backend", ["vm", "jit"])
def test_a_run_with_low_passes_is_that_of_a_plain_loop(backend: str) -> None:
    text = (
        "(x - x_bar)*(y - c1*y_bar) - slow*w; c1 = 0.9; x_bar = lowpass(x, 10); y_bar = lowpass(y, 25); "
        "slow = lowpass(y**2 - 0.5*w, 40)"
    )
    inputs = gaussian(np.array([[1.0, 0.4], [0.4, 0.6]]), 400, 3)
    initial = np.random.default_rng(2).uniform(-1.0, 1.0, (3, 2))
    found = simulate_rate(rule(text), inputs, initial, 0.02, 1, backend=backend)
    assert found.code == OK
    np.testing.assert_allclose(found.weights, by_hand(text, inputs, initial, 0.02), rtol=1e-12)


def test_a_low_pass_starts_from_zero_and_is_read_before_it_moves() -> None:
    # Constant input 1: before step t the low-pass is 1 - (1 - 1/tau)**t, and w adds it up.
    found = run("z; z = lowpass(x, 4)", constant_input(30), eta=1.0, start=0.0)
    expected = np.cumsum(1.0 - 0.75 ** np.arange(30))
    np.testing.assert_allclose(found.weights[:, 0, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("backend", ["vm", "jit"])
def test_hebb_runs_away_at_the_step_of_theory(backend: str) -> None:
    # w grows by the factor 1 + eta in each step.
    found = run("x*y", constant_input(2000), backend=backend)
    assert found.code == RUNAWAY
    assert found.steps == math.ceil(math.log(1e3) / math.log(1.01))
    lower = run("x*y", constant_input(2000), backend=backend, norm_limit=10.0)
    assert lower.steps == math.ceil(math.log(10.0) / math.log(1.01))
    assert np.all(lower.weights[lower.steps :] == 0.0)


@pytest.mark.parametrize("backend", ["vm", "jit"])
@pytest.mark.parametrize("text", ["1/(x - x)", "log(-x)", "0/(x - x)", "exp(1000*x)", "sqrt(-x)", "(-x)**0.5"])
def test_a_weight_that_is_no_number_ends_the_run_at_once(text: str, backend: str) -> None:
    found = run(text, constant_input(10), backend=backend)
    assert (found.code, found.steps) == (NONFINITE, 1)


def test_bounds_come_before_the_judgement() -> None:
    rising = run("1", constant_input(50), eta=0.1, start=0.5, bounds=(0.0, 1.0))  # type: ignore[arg-type]
    np.testing.assert_allclose(rising.weights[:, 0, 0], np.minimum(0.5 + 0.1 * np.arange(1, 51), 1.0), rtol=1e-12)
    falling = run("-1", constant_input(50), eta=0.1, start=0.5, bounds=(-math.inf, math.inf))  # type: ignore[arg-type]
    assert falling.weights[-1, 0, 0] == pytest.approx(0.5 - 5.0)
    infinite = run("1/(x - x)", constant_input(5), bounds=(0.0, 1.0))  # type: ignore[arg-type]
    assert infinite.code == OK
    assert np.all(infinite.weights == 1.0)
    undefined = run("0/(x - x)", constant_input(5), bounds=(0.0, 1.0))  # type: ignore[arg-type]
    assert undefined.code == NONFINITE


def test_weights_are_recorded_every_so_many_steps() -> None:
    inputs = gaussian(np.eye(2), 105, 3)
    initial = np.ones((3, 2))
    every = simulate_rate(rule("y*(x - w*y)"), inputs, initial, 0.01, 1).weights
    some = simulate_rate(rule("y*(x - w*y)"), inputs, initial, 0.01, 10).weights
    assert every.shape == (105, 3, 2)
    assert some.shape == (10, 3, 2)
    np.testing.assert_array_equal(some, every[9::10])


def test_data_sets_do_not_touch_each_other() -> None:
    inputs = gaussian(np.eye(2), 100, 3)
    initial = np.random.default_rng(0).normal(size=(3, 2))
    together = simulate_rate(rule("y*(x - w*y)"), inputs, initial, 0.05, 1).weights
    alone = simulate_rate(rule("y*(x - w*y)"), inputs[:, 1:2], initial[1:2], 0.05, 1).weights
    np.testing.assert_array_equal(together[:, 1:2], alone)


@pytest.mark.parametrize(
    "text",
    [
        "y*(x - w*y)",
        "tanh(x*y) - c1*w*abs(y); c1 = 0.4",
        "(x - x_bar)*relu(y) - w*y_bar**2; x_bar = lowpass(x, 100); y_bar = lowpass(y, 100)",
        "x*y/(1 + y**2) - w/3",
        "min(x*y, c1) - max(w, 0.1)*step(y); c1 = 1.5",
        "sign(y)*sqrt(abs(x)) - w*exp(-abs(y))",
    ],
)
def test_both_tiers_agree(text: str) -> None:
    inputs = gaussian(np.array([[1.0, 0.3], [0.3, 0.5]]), 500, 4)
    initial = np.random.default_rng(5).uniform(-1.0, 1.0, (4, 2))
    machine, compiled = (simulate_rate(rule(text), inputs, initial, 0.01, 5, backend=name) for name in ("vm", "jit"))
    assert (machine.code, machine.steps) == (compiled.code, compiled.steps) == (OK, 500)
    np.testing.assert_allclose(machine.weights, compiled.weights, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", ["vm", "jit"])
def test_rules_that_run_together_do_as_they_do_alone(backend: str) -> None:
    inputs = gaussian(np.eye(2), 300, 3)
    initial = np.random.default_rng(0).normal(size=(3, 2))
    texts = (
        "y*(x - w*y)",
        "x*y",
        "c1 - w + z*y; c1 = 0.4; z = lowpass(x*y, 20)",
        "log(-x*x)",
        "w",
        "tanh(3*y)/(x + 7)",
    )
    rules, etas = [rule(text) for text in texts], [0.01, 1.0, 0.02, 0.01, 0.001, 0.05]
    bounds = [(-math.inf, math.inf), (-math.inf, math.inf), (0.0, 1.0), (-1.0, 1.0), (-math.inf, math.inf), (-2.0, 0.5)]
    together = simulate_rates(rules, RateInputs.of(inputs), initial, etas, 10, bounds=bounds, backend=backend)
    codes = []
    for each, eta, limits, found in zip(rules, etas, bounds, together, strict=True):
        alone = simulate_rate(each, inputs, initial, eta, 10, bounds=limits, backend=backend)
        assert (found.code, found.steps) == (alone.code, alone.steps)
        np.testing.assert_array_equal(found.weights, alone.weights)
        codes.append(found.code)
    assert codes == [OK, RUNAWAY, OK, NONFINITE, OK, OK]


def test_what_a_rate_neuron_does_not_have_is_refused() -> None:
    with pytest.raises(RulesearchError, match="has only the slot on_step; found on_pre"):
        rate_program(rule("on_pre: x"))
    with pytest.raises(RulesearchError, match="the state x does not fit a rate neuron"):
        rate_program(Rule(rule("x").slots, states={"x": Trace("pre", 0.02)}))
    with pytest.raises(RulesearchError, match="the state z does not fit a rate neuron"):
        rate_program(rule("z; z = lowpass(x, 10 s)"))
    with pytest.raises(RulesearchError, match="unknown symbol 'R'"):
        rate_program(rule("R*x"))


@pytest.mark.parametrize("text", ["x*y - 2*w; x = 0.5", "y*(x - w*y); y = lowpass(x, 10)"])
def test_a_name_of_the_network_cannot_mean_something_else(text: str) -> None:
    with pytest.raises(RulesearchError):
        rate_program(rule(text))


def test_every_code_has_a_name_and_an_explanation() -> None:
    assert set(EXPLANATION) == set(STATUS)
    assert (STATUS[OK], STATUS[NONFINITE], STATUS[RUNAWAY]) == ("ok", "nonfinite", "runaway")
