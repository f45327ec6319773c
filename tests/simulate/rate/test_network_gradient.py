"""Derivatives of rate networks through time: against differences of the compiled simulator, and in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import Rule, parse_rules
from rulesearch.simulate import Connection, Layer, RateNetwork, RateSimulation, Signal
from rulesearch.simulate.rate.network_gradient import answer_gradient, network_gradient
from rulesearch.simulate.rate.programs import NETWORK_SYMBOLS
from rulesearch.tasks.pca_network import PcaNetwork

pytest.importorskip("jax")
pytestmark = pytest.mark.slow


def rule(text: str) -> Rule:
    return parse_rules(text, symbols={*NETWORK_SYMBOLS, "R", "teacher"}).only()


def squares(xp: Any, recorded: Mapping[str, Any], data: Any) -> Any:
    return sum(xp.sum((each - data[0]) ** 2) for each in recorded.values())


def everything() -> RateSimulation:
    """A network with two layers, lateral weights of both directions, signals, clamps, low-passes, sums."""
    rng = np.random.default_rng(2)
    network = RateNetwork(
        {"in": 3},
        [Layer("hidden", 4, "tanh", 0.1), Layer("out", 2, "sigmoid")],
        [
            Connection("a", "in", "hidden", weight=rng.normal(size=(3, 4, 3)), rule="a"),
            Connection("up", "hidden", "hidden", "upper", 0.8, rule="up", signed=False, inhibitory=True),
            Connection("b", "hidden", "out", rng.random((2, 4)) < 0.7, rng.normal(size=(2, 4)), rule="b"),
            Connection("low", "out", "out", "lower", 0.2, rule="low"),
            Connection("skip", "in", "out", weight=rng.normal(size=(2, 3)), rule="skip", normalised=True),
        ],
        [Signal("R"), Signal("teacher", "out")],
    )
    held = np.where(rng.random((40, 3, 4)) < 0.8, np.nan, 0.5)
    signals = {"R": rng.normal(size=(40, 3)), "teacher": rng.normal(size=(40, 3, 2))}
    return RateSimulation(network, {"in": rng.normal(size=(40, 3, 3))}, signals, {"hidden": held})


def rules(values: Mapping[str, float]) -> dict[str, Rule]:
    p, q, r, a, b = (repr(values[name]) for name in "pqrab")
    return {
        "a": rule(f"p*R*(x - z)*y - q*w_mean; z = lowpass(p*x + w, 6); p = {p}; q = {q}; eta = 0.05"),
        "up": rule(f"r*x*y - w*h; r = {r}; eta = 0.02"),
        "b": rule("(teacher - y)*x - 0.1*w_sum; eta = 0.05"),
        "low": rule(f"a*x*y - w; a = {a}; eta = 0.1"),
        "skip": rule(f"b*y*(x - recon); b = {b}; eta = 0.05"),
    }


def test_derivatives_of_all_that_a_network_has_are_those_of_the_compiled_simulator() -> None:
    simulation = everything()
    values = {"p": 0.8, "q": 0.3, "r": 0.5, "a": -0.7, "b": 1.2}

    def loss(changed: Mapping[str, float]) -> float:
        found = simulation.run(rules({**values, **changed}), 5, 10)
        return float(squares(np, found.weights, (0.3,)))

    value, slopes = network_gradient(simulation, rules(values), 5, 10, squares, (np.array(0.3),))
    assert value == pytest.approx(loss({}), rel=1e-9)
    found = np.concatenate([slopes[name] for name in ("a", "up", "low", "skip")])
    assert slopes["b"].size == 0
    step = 1e-5
    expected = [
        (loss({name: number + step}) - loss({name: number - step})) / (2.0 * step) for name, number in values.items()
    ]
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_a_leak_has_its_closed_form() -> None:
    """dw = -c w gives w = (1 - eta c)^n, whose derivative by c is -n eta (1 - eta c)^(n - 1)."""
    connection = Connection("w", "in", "out", weight=1.0, rule=rule("0 - c*w; c = 2; eta = 0.01"))
    network = RateNetwork({"in": 1}, [Layer("out", 1)], [connection])
    simulation = RateSimulation(network, {"in": np.zeros((50, 1, 1))})
    value, slopes = network_gradient(simulation, {}, 50, 0, lambda xp, found, data: xp.sum(found["w"]), ())
    assert value == pytest.approx(0.98**50, rel=1e-12)
    assert slopes["w"] == pytest.approx([-50 * 0.01 * 0.98**49], rel=1e-12)


def test_layers_that_settle_in_rounds_are_refused() -> None:
    network = RateNetwork(
        {"in": 1}, [Layer("out", 2)], [Connection("side", "out", "out", "off-diagonal", rule=rule("x*y"))]
    )
    simulation = RateSimulation(network, {"in": np.zeros((5, 1, 1))})
    with pytest.raises(RulesearchError, match="layer out settles in rounds"):
        network_gradient(simulation, {}, 1, 0, squares, ())


def test_the_derivatives_of_the_task_of_components_are_those_of_its_loss() -> None:
    task = PcaNetwork()
    settings = task.resolve({"presentations": 8000, "data_sets": 2})

    def bound(a: float, b: float) -> Any:
        return task.bind(task.parse(f"feedforward[y*(x - a*w*y); a = {a!r}]; lateral[b*x*y; b = {b!r}]"), settings)

    def loss(a: float, b: float) -> float:
        found = task.trial(bound(a, b), 3, settings, "screen").loss
        assert found is not None
        return found

    value, slope = task.gradient(bound(1.1, -0.8), 3, settings, "screen")
    assert value == pytest.approx(loss(1.1, -0.8), rel=1e-9)
    step = 1e-5
    along = (loss(1.1 + step, -0.8) - loss(1.1 - step, -0.8)) / (2 * step)
    across = (loss(1.1, -0.8 + step) - loss(1.1, -0.8 - step)) / (2 * step)
    assert slope == pytest.approx([along, across], rel=1e-4)


def test_derivatives_of_answers_by_all_numbers_are_those_of_the_compiled_simulator() -> None:
    rng = np.random.default_rng(4)
    shown, wanted = rng.normal(size=(30, 2, 3)), rng.normal(size=(30, 2, 1))
    numbers = {
        "weights": rng.normal(size=(2, 4, 3)),
        "readout": rng.normal(size=(1, 4)),
        "bias": rng.normal(size=4),
        "p": np.array(-0.4),
        "eta": np.array(0.1),
    }

    def simulated(given: Mapping[str, Any]) -> tuple[RateSimulation, dict[str, Rule]]:
        network = RateNetwork(
            {"in": 3},
            [Layer("hidden", 4, "sigmoid", given["bias"]), Layer("answer", 1)],
            [
                Connection("fixed", "in", "hidden", weight=given["weights"]),
                Connection("kept", "in", "hidden", rule="kept"),
                Connection("readout", "hidden", "answer", weight=given["readout"]),
            ],
        )
        text = f"p*x*y - 0.2*w; p = {float(given['p'])!r}; eta = {float(given['eta'])!r}"
        return RateSimulation(network, {"in": shown}), {"kept": rule(text)}

    def loss(given: Mapping[str, Any]) -> float:
        simulation, rules = simulated(given)
        return float(np.mean((simulation.run(rules).outputs["answer"] - wanted) ** 2))

    simulation, rules = simulated(numbers)
    value, slopes = answer_gradient(simulation, rules, errors, (wanted,))
    assert value == pytest.approx(loss(numbers), rel=1e-9)
    found = {
        "weights": slopes.weights["fixed"],
        "readout": slopes.weights["readout"].sum(axis=0),
        "bias": slopes.biases["hidden"],
        "p": slopes.constants["kept"][0],
        "eta": slopes.etas["kept"],
    }
    step = 1e-6
    for name, at in numbers.items():
        expected = np.zeros(at.shape)
        for index in np.ndindex(at.shape):
            moved = np.zeros(at.shape)
            moved[index] = step
            expected[index] = (loss({**numbers, name: at + moved}) - loss({**numbers, name: at - moved})) / (2.0 * step)
        assert found[name] == pytest.approx(expected, rel=1e-4, abs=1e-7), name


def errors(xp: Any, outputs: Mapping[str, Any], data: Any) -> Any:
    return xp.mean((outputs["answer"] - data[0]) ** 2)
