"""Rate networks: a plain loop, closed forms, candidates together and alone, early ends, what is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import Lowpass, Rule, known_rule, parse_rules
from rulesearch.simulate import Connection, Layer, RateNetwork, RateSimulation, Signal
from rulesearch.simulate.codes import EXHAUSTED, NONFINITE, OK, RUNAWAY
from rulesearch.simulate.rate.neuron import simulate_rate
from rulesearch.simulate.rate.programs import NETWORK_SYMBOLS

Array = npt.NDArray[np.float64]

_OUTPUTS = {
    "linear": lambda h: h,
    "relu": lambda h: np.maximum(h, 0.0),
    "tanh": np.tanh,
    "sigmoid": lambda h: 1.0 / (1.0 + np.exp(-h)),
    "sin": np.sin,
    "min(h, 0.7) - 0.1": lambda h: np.minimum(h, 0.7) - 0.1,
}


def rule(text: str) -> Rule:
    return parse_rules(text, symbols={*NETWORK_SYMBOLS, "R", "teacher"}).only()


def plain_loop(
    network: RateNetwork,
    inputs: Mapping[str, Array],
    signals: Mapping[str, Array],
    clamps: Mapping[str, Array],
    data_set: int,
) -> tuple[dict[str, list[Array]], dict[str, list[Array]]]:
    """Weights by connection and outputs by layer of one data set after each step, one neuron at a time."""
    sizes = network.sizes
    masks, weights, levels = {}, {}, {}
    for c in network.connections:
        shape = sizes[c.target], sizes[c.source]
        i, j = np.indices(shape)
        named = {"all": i >= 0, "lower": j < i, "upper": j > i, "off-diagonal": j != i}
        masks[c.name] = named[c.wiring] if isinstance(c.wiring, str) else np.asarray(c.wiring)
        dense = np.asarray(c.weight, dtype=np.float64)
        start = dense[data_set] if dense.ndim == 3 else np.broadcast_to(dense, shape)
        weights[c.name] = np.where(masks[c.name], start, 0.0)
        levels[c.name] = {name: np.zeros(shape) for name in (c.rule.states if isinstance(c.rule, Rule) else ())}
    found_w: dict[str, list[Array]] = {c.name: [] for c in network.connections}
    found_y: dict[str, list[Array]] = {layer.name: [] for layer in network.layers}
    steps = len(next(iter(inputs.values())))
    for t in range(steps):
        given = {name: values[t, data_set] for name, values in inputs.items()}
        drive = {}
        for layer in network.layers:
            reaching = [c for c in network.connections if c.target == layer.name]
            h0 = np.broadcast_to(layer.bias, layer.size) + sum(
                (-1.0 if c.inhibitory else 1.0) * weights[c.name] @ given[c.source] for c in reaching if not c.lateral
            )
            lateral = sum(
                ((-1.0 if c.inhibitory else 1.0) * weights[c.name] for c in reaching if c.lateral),
                np.zeros((layer.size, layer.size)),
            )
            y = np.zeros(layer.size)
            for _ in range(500):
                h = h0 + lateral @ y
                y = _OUTPUTS[layer.output](h)
                if layer.name in clamps:
                    held = clamps[layer.name][t, data_set]
                    y = np.where(np.isnan(held), y, held)
            drive[layer.name], given[layer.name] = h, y
            found_y[layer.name].append(y)
        changes = {}
        for c in network.connections:
            if not isinstance(c.rule, Rule):
                continue
            w = weights[c.name]
            shape = w.shape
            count = masks[c.name].sum(axis=1, keepdims=True)
            known: dict[str, Any] = {
                "x": np.broadcast_to(given[c.source], shape),
                "y": np.broadcast_to(given[c.target][:, None], shape),
                "h": np.broadcast_to(drive[c.target][:, None], shape),
                "w": w,
                "w_sum": np.broadcast_to(w.sum(axis=1, keepdims=True), shape),
                "w_mean": np.broadcast_to(w.sum(axis=1, keepdims=True) / np.maximum(count, 1), shape),
                "recon": np.cumsum(given[c.target][:, None] * w, axis=0),
                **c.rule.constant_values(),
                **levels[c.name],
            }
            for signal in network.signals:
                value = signals[signal.name][t, data_set]
                if signal.layer in (None, c.target):
                    known[signal.name] = np.broadcast_to(value if signal.layer is None else value[:, None], shape)
            changes[c.name] = (1.0 if c.rule.eta is None else c.rule.eta) * c.rule.slots["on_step"].evaluate(known)
            moved = {}
            for name, state in c.rule.states.items():
                assert isinstance(state, Lowpass)
                level = levels[c.name][name]
                moved[name] = level + (state.expression.evaluate(known) - level) / state.tau
            levels[c.name] = moved
        for c in network.connections:
            if c.name in changes:
                assert isinstance(c.rule, Rule)
                low, high = c.limits(c.rule)
                w = np.clip(weights[c.name] + changes[c.name], low, high)
                w = np.where(masks[c.name], w, 0.0)
                weights[c.name] = w / np.linalg.norm(w, axis=1, keepdims=True) if c.normalised else w
            found_w[c.name].append(weights[c.name])
    return found_w, found_y


_RULES = (
    "y*(x - w*y); eta = 0.02",
    "x*y - recon*y; eta = 0.01",
    "R*(x - x_bar)*tanh(h) - c1*w; c1 = 0.3; x_bar = lowpass(x, 7); eta = 0.05",
    "(teacher - y)*x; eta = 0.03",
    "(x - w)*z - 0.1*w_sum; z = lowpass(y**2 + w, 12); eta = 0.01",
    "w_mean - w + 0.2*y*x; eta = 0.02; bounds = [-0.4, 0.5]",
    "-x*y; eta = 0.02",
    "z - c1*slow; c1 = 0.5; z = lowpass(teacher*y, 5); slow = lowpass(z*w, 3); eta = 0.02",
)


def random_network(number: int, data_sets: int) -> RateNetwork:
    """Networks that go through every wiring and output, several rules, laterals of every kind, magnitudes."""
    rng = np.random.default_rng(number)
    outputs = list(_OUTPUTS)
    sizes = {"in": 3, "extra": 2, "first": 4, "second": 3}

    def weight(target: str, source: str, each: bool = True) -> Array:
        shape = (data_sets, sizes[target], sizes[source]) if each else (sizes[target], sizes[source])
        return np.asarray(rng.normal(size=shape) * 0.3)

    def any_rule() -> Rule:
        return rule(_RULES[rng.integers(len(_RULES))])

    lateral = ("lower", "upper", "off-diagonal", rng.random((4, 4)) < 0.4, "all")[number % 5]
    connections = [
        Connection("a", "in", "first", weight=weight("first", "in"), rule=any_rule()),
        Connection("b", "extra", "first", rng.random((4, 2)) < 0.6, weight("first", "extra", False), any_rule()),
        Connection("side", "first", "first", lateral, 0.15 * weight("first", "first"), rule("-x*y - w; eta = 0.005")),
        Connection("c", "first", "second", "off-diagonal", weight("second", "first"), any_rule()),
        Connection("skip", "in", "second", "upper", weight("second", "in"), None),
        Connection(
            "inhibition", "second", "second", "lower", 0.2, any_rule(), (0.0, 0.6), signed=False, inhibitory=True
        ),
        Connection(
            "unit", "extra", "second", weight=weight("second", "extra"), rule=rule("x*y; eta = 0.05"), normalised=True
        ),
    ]
    return RateNetwork(
        {"in": 3, "extra": 2},
        [
            Layer("first", 4, outputs[number % 6], rng.normal(size=4) * 0.2),
            Layer("second", 3, outputs[(number + 1) % 6], 0.1),
        ],
        connections,
        [Signal("R"), Signal("teacher", "second"), Signal("unread", "first")]
        if number % 2
        else [Signal("teacher"), Signal("R")],
    )


def shown(network: RateNetwork, number: int, steps: int, data_sets: int) -> dict[str, dict[str, Array]]:
    rng = np.random.default_rng(100 + number)
    inputs = {name: rng.normal(size=(steps, data_sets, size)) for name, size in network.inputs.items()}
    signals = {
        s.name: rng.normal(size=(steps, data_sets) if s.layer is None else (steps, data_sets, network.sizes[s.layer]))
        for s in network.signals
    }
    free = np.where(rng.random((steps, data_sets, 4)) < 0.8, np.nan, rng.normal(size=(steps, data_sets, 4)))
    return {"inputs": inputs, "signals": signals, "clamps": {"first": free} if number % 3 == 0 else {}}


@pytest.mark.parametrize("number", range(12))
def test_a_network_does_what_a_plain_loop_does(number: int) -> None:
    steps, data_sets = 30, 3
    network = random_network(number, data_sets)
    if number % 2:
        # The teacher speaks to the second layer alone: connections to the first one cannot read it.
        spared = {"first"}
        network = RateNetwork(
            network.inputs,
            network.layers,
            [
                c
                if not (isinstance(c.rule, Rule) and "teacher" in c.rule.symbols and c.target in spared)
                else Connection(c.name, c.source, c.target, c.wiring, c.weight, rule("R*x*y; eta = 0.01"))
                for c in network.connections
            ],
            network.signals,
        )
    given = shown(network, number, steps, data_sets)
    found = RateSimulation(network, **given).run()
    assert (found.status, found.steps) == ("ok", steps)
    for data_set in range(data_sets):
        weights, outputs = plain_loop(network, **given, data_set=data_set)
        for name, rows in weights.items():
            np.testing.assert_allclose(found.weights[name][:, data_set], rows, rtol=1e-9, atol=1e-11, err_msg=name)
        for name, rows in outputs.items():
            np.testing.assert_allclose(found.outputs[name][:, data_set], rows, rtol=1e-9, atol=1e-11, err_msg=name)


def pca_network(data_sets: int, outputs: int = 3, seed: int = 0, lateral: str = "lower") -> RateNetwork:
    start = np.random.default_rng(seed).normal(size=(data_sets, outputs, 5)) / math.sqrt(5)
    return RateNetwork(
        {"input": 5},
        [Layer("output", outputs)],
        [
            Connection("feedforward", "input", "output", weight=start, rule="feedforward"),
            Connection("lateral", "output", "output", lateral, rule="lateral"),
        ],
    )


def gaussian(steps: int, data_sets: int, seed: int = 0) -> Array:
    spectrum = np.array([1.0, 0.6, 0.35, 0.15, 0.05])
    return np.asarray(np.random.default_rng(seed).normal(size=(steps, data_sets, 5)) * np.sqrt(spectrum))


def two(feedforward: str, lateral: str) -> dict[str, Rule]:
    return {"feedforward": rule(feedforward), "lateral": rule(lateral)}


@pytest.mark.parametrize("backend", ["vm", "jit"])
def test_candidates_that_run_together_do_exactly_as_they_do_alone(backend: str) -> None:
    simulation = RateSimulation(pca_network(3), {"input": gaussian(400, 3)})
    candidates = [
        two("y*(x - w*y); eta = 0.01", "-x*y; eta = 0.02"),
        two("x*y; eta = 1", "x"),
        two(
            "c1 - w + z*y; c1 = 0.4; z = lowpass(x*y, 20); eta = 0.02",
            "z - c1*w; c1 = 3; z = lowpass(x, 9); eta = 0.01",
        ),
        two("log(-x*x)", "0*x"),
        two("y*(x - recon); eta = 0.01; bounds = [-0.5, 0.8]", "w_mean - w_sum"),
    ]
    together = simulation.run_each(candidates, 10, backend=backend)
    assert [found.code for found in together] == [OK, RUNAWAY, OK, NONFINITE, OK]
    for candidate, found in zip(candidates, together, strict=True):
        alone = simulation.run(candidate, 10, backend=backend)
        assert (found.code, found.steps) == (alone.code, alone.steps)
        for name in found.weights:
            np.testing.assert_array_equal(found.weights[name], alone.weights[name])


def test_both_tiers_agree() -> None:
    simulation = RateSimulation(pca_network(3, lateral="off-diagonal"), {"input": gaussian(300, 3)})
    candidate = two("tanh(y)*(x - w*y); eta = 0.02", "-x*y - z; z = lowpass(w, 10); eta = 0.01")
    machine, compiled = (simulation.run(candidate, backend=backend) for backend in ("vm", "jit"))
    np.testing.assert_allclose(machine.weights["lateral"], compiled.weights["lateral"], rtol=1e-12, atol=1e-14)


def test_data_sets_do_not_touch_each_other_even_where_they_settle() -> None:
    inputs, network = gaussian(100, 3), pca_network(3, lateral="off-diagonal")
    rules = two("y*(x - w*y); eta = 0.05", "-x*y; eta = 0.05")
    together = RateSimulation(network, {"input": inputs}).run(rules)
    start = network.connections[0].weight
    assert isinstance(start, np.ndarray)
    alone = RateNetwork(
        network.inputs,
        network.layers,
        [Connection("feedforward", "input", "output", weight=start[1:2], rule="feedforward"), network.connections[1]],
    )
    found = RateSimulation(alone, {"input": inputs[:, 1:2]}).run(rules)
    for name in found.weights:
        np.testing.assert_array_equal(together.weights[name][:, 1:2], found.weights[name])


@pytest.mark.parametrize(
    "text",
    ["y*(x - w*y)", "(x - x_bar)*y - w*tanh(y_bar); x_bar = lowpass(x, 20); y_bar = lowpass(w*y, 30)", "x*y - w"],
)
@pytest.mark.parametrize("bounds", [(-math.inf, math.inf), (-0.3, 0.4)])
def test_a_network_of_one_neuron_is_the_single_neuron_to_the_last_bit(text: str, bounds: tuple[float, float]) -> None:
    inputs = gaussian(500, 6, seed=4)
    start = np.random.default_rng(1).uniform(-0.3, 0.3, (6, 5))
    single = simulate_rate(rule(text), inputs, start, 0.01, 5, bounds=bounds)
    connection = Connection(
        "w", "input", "output", weight=start[:, None, :], rule=rule(f"{text}; eta = 0.01"), bounds=bounds
    )
    network = RateNetwork({"input": 5}, [Layer("output", 1)], [connection])
    found = RateSimulation(network, {"input": inputs}).run(record_every=5)
    np.testing.assert_array_equal(found.weights["w"][:, :, 0], single.weights)


def test_both_end_early_at_the_same_step_with_the_same_code() -> None:
    inputs = gaussian(2000, 4)
    start = np.full((4, 5), 0.3)
    for text in ("x*y", "1/(x - x)", "exp(x*y*w)"):
        single = simulate_rate(rule(text), inputs, start, 0.5, 100)
        connection = Connection("w", "input", "output", weight=start[:, None, :], rule=rule(f"{text}; eta = 0.5"))
        network = RateNetwork({"input": 5}, [Layer("output", 1)], [connection])
        found = RateSimulation(network, {"input": inputs}).run(record_every=100)
        assert (found.code, found.steps) == (single.code, single.steps)
        assert found.code != OK


def test_settled_outputs_are_those_of_the_inverse() -> None:
    # y = W x + L y, so y = (1 - L)^-1 W x
    rng = np.random.default_rng(3)
    forward, lateral = rng.normal(size=(4, 3)), rng.normal(size=(4, 4)) * 0.15
    network = RateNetwork(
        {"input": 3},
        [Layer("output", 4)],
        [
            Connection("forward", "input", "output", weight=forward),
            Connection("lateral", "output", "output", "all", lateral),
        ],
    )
    x = rng.normal(size=(20, 5, 3))
    found = RateSimulation(network, {"input": x}).run().outputs["output"]
    expected = np.einsum("ij,tdj->tdi", np.linalg.solve(np.eye(4) - lateral, forward), x)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11)


def test_a_layer_that_does_not_settle_ends_as_exhausted_at_that_step() -> None:
    # y1 = x + 2 y2, y2 = 2 y1: rounds grow by a factor of 4; with x = 0 they rest at 0.
    network = RateNetwork(
        {"input": 1},
        [Layer("output", 2)],
        [
            Connection("forward", "input", "output", weight=1.0),
            Connection("lateral", "output", "output", "off-diagonal", 2.0),
        ],
    )
    x = np.zeros((6, 2, 1))
    x[3, 1] = 1.0
    found = RateSimulation(network, {"input": x}).run()
    assert (found.code, found.steps) == (EXHAUSTED, 3)
    np.testing.assert_array_equal(found.outputs["output"], np.zeros((6, 2, 2)))


def test_triangular_layers_need_one_round_and_are_exact_whatever_their_weights() -> None:
    lateral = np.tril(np.full((5, 5), 3.0), -1)
    for wiring, weight in (
        ("lower", lateral),
        ("upper", lateral.T),
        (lateral > 0, lateral),
        (lateral.T > 0, lateral.T),
    ):
        network = RateNetwork(
            {"input": 5},
            [Layer("output", 5)],
            [
                Connection("forward", "input", "output", weight=np.eye(5)),
                Connection("lateral", "output", "output", wiring, weight),
            ],
            rounds=1,
        )
        found = RateSimulation(network, {"input": np.ones((1, 1, 5))}).run()
        # The k-th neuron in order gives 1 + 3 (sum of those before it) = 4^k.
        expected = 4.0 ** np.arange(5)
        first = network.order(network.layers[0]) == 0
        np.testing.assert_array_equal(found.outputs["output"][0, 0], expected if first else expected[::-1])


def test_sanger_and_rubner_tavan_find_the_components_in_order() -> None:
    for known in (two("y*(x - recon); eta = 0.005", "0*x"), two("y*(x - w*y); eta = 0.005", "-x*y; eta = 0.02")):
        found = RateSimulation(pca_network(8), {"input": gaussian(20_000, 8)}).run(known, 200, 15_000)
        weights = found.weights["feedforward"].mean(axis=0)
        cosines = np.abs(np.einsum("dii->di", weights[:, :, :3])) / np.linalg.norm(weights, axis=2)
        assert np.median(cosines, axis=0).min() > math.cos(math.radians(4.0))
        np.testing.assert_allclose(np.median(np.linalg.norm(weights, axis=2), axis=0), 1.0, atol=0.03)


def test_the_length_under_a_forgetting_rule_of_oja_is_that_of_theory() -> None:
    # x*y - a*y**2*w - b*w on a largest eigenvalue of 1: |w|**2 = (1 - b)/a
    a, b = 2.0, 0.3
    oja = two(f"x*y - {a}*y**2*w - {b}*w; eta = 0.002", "0*x")
    found = RateSimulation(pca_network(12, outputs=1), {"input": gaussian(15_000, 12)}).run(oja, 100, 5_000)
    lengths = np.linalg.norm(found.weights["feedforward"], axis=3)
    assert np.mean(lengths**2) == pytest.approx((1.0 - b) / a, rel=0.03)


def test_records_begin_where_they_are_asked_to_and_hold_outputs_of_the_step_before_it_moved_weights() -> None:
    network = RateNetwork(
        {"input": 1}, [Layer("output", 1)], [Connection("w", "input", "output", weight=1.0, rule=rule("1"))]
    )
    found = RateSimulation(network, {"input": np.ones((10, 1, 1))}).run(record_every=3, record_from=2)
    np.testing.assert_array_equal(found.at, [4, 7])
    np.testing.assert_array_equal(found.weights["w"].ravel(), [6.0, 9.0])
    np.testing.assert_array_equal(found.outputs["output"].ravel(), [5.0, 8.0])


def test_weights_are_written_down_of_the_connections_that_are_named() -> None:
    simulation = RateSimulation(pca_network(2), {"input": gaussian(20, 2)})
    rules = two("y*(x - w*y); eta = 0.02", "-x*y; eta = 0.02")
    every = simulation.run(rules)
    for names in ([], ["lateral"], ["feedforward", "lateral"]):
        found = simulation.run(rules, connections=names)
        assert list(found.weights) == names
        for name in names:
            np.testing.assert_array_equal(found.weights[name], every.weights[name])
        np.testing.assert_array_equal(found.outputs["output"], every.outputs["output"])
    with pytest.raises(RulesearchError, match="the network has no connection 'laterall'; did you mean 'lateral'"):
        simulation.run(rules, connections=["laterall"])


def test_one_data_set_of_input_stands_for_all_starts() -> None:
    start = np.array([0.1, 0.5, 0.9]).reshape(3, 1, 1)
    network = RateNetwork(
        {"input": 1},
        [Layer("output", 1)],
        [Connection("w", "input", "output", weight=start, rule=rule("x - w; eta = 0.5"))],
    )
    found = RateSimulation(network, {"input": np.ones((1, 1, 1))}).run()
    np.testing.assert_allclose(found.weights["w"].ravel(), [0.55, 0.75, 0.95])


def connected(**changed: Any) -> RateNetwork:
    fields: dict[str, Any] = {"name": "w", "source": "input", "target": "output", "rule": "w", **changed}
    return RateNetwork({"input": 2}, [Layer("output", 3), Layer("last", 2)], [Connection(**fields)])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"source": "inputs"}, "connection w: unknown source 'inputs'; did you mean 'input'"),
        ({"target": "outputt"}, "connection w: unknown layer 'outputt'"),
        ({"source": "last"}, "connection w: last is computed after output"),
        ({"wiring": "diagonal"}, "connection w: unknown wiring 'diagonal'"),
        ({"wiring": np.ones((2, 3))}, r"a mask is \(targets, sources\) = \(3, 2\), found \(2, 3\)"),
        ({"weight": np.ones((2, 3))}, r"weights are \(targets, sources\) = \(3, 2\), found \(2, 3\)"),
        ({"inhibitory": True}, "give signed=False as well"),
        ({"signed": False, "weight": -1.0}, "weights are magnitudes, found -1"),
        ({"wiring": np.full((3, 2), 0.5)}, "connection w: a mask is 1 where there is a synapse, else 0; found 0.5"),
        ({"wiring": [[1, 0], [1]]}, "connection w: a mask must be numbers in rows of one length"),
        ({"weight": "one"}, "connection w: weights must be real numbers, found 'one'"),
        ({"weight": np.ones((3, 2), dtype=complex)}, "connection w: weights must be real numbers"),
        ({"weight": np.ones((0, 3, 2))}, r"weights need at least one data set, found \(0, 3, 2\)"),
        ({"bounds": (1.0, 0.0)}, r"connection w: bounds must be two numbers, the lower one first.*found \(1.0, 0.0\)"),
        ({"bounds": (math.nan, 1.0)}, "connection w: bounds must be two numbers"),
        ({"bounds": (0.0, 1.0, 2.0)}, "connection w: bounds must be two numbers"),
        ({"rule": 3}, "connection w: rule is a rule, or the name of one that run is given, found 3"),
    ],
)
def test_what_does_not_fit_together_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        connected(**changed)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Layer("output", 0), "the size of output must be at least 1, found 0"),
        (Layer("output", 1, "tahn"), "unknown output 'tahn'"),
        (Layer("output", 1, "max"), "max takes two values"),
        (Layer("output", 1, "h + x"), "an output is a function of h alone, found 'x'"),
        (Layer("output", 2, bias=np.ones(3)), r"bias is one value or 2, found \(3,\)"),
        (Layer("input", 2), "two inputs or layers are called 'input'"),
        (Layer("output", 2.5), "the size of output must be a whole number, found 2.5"),  # type: ignore[arg-type]
        (Layer("output", 2, np.tanh), "layer output: output is a name or an expression"),  # type: ignore[arg-type]
        (Layer("output", 2, bias="b"), "layer output: bias must be real numbers, found 'b'"),  # type: ignore[arg-type]
    ],
)
def test_layers_that_cannot_be_are_refused(layer: Layer, message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        RateNetwork({"input": 2}, [layer], [])


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({}, "connection w: the rule 'w' was not given"),
        ({"w": "x", "v": "x"}, "no connection has the rule 'v'"),
        ({"w": "on_pre: x"}, "connection w has only the slot on_step; found on_pre"),
        ({"w": "z; z = lowpass(x, 1 s)"}, "the state z does not fit connection w"),
        ({"w": "x*R"}, "connection w: unknown symbol 'R'"),
        ({"w": "x*y; y = 2"}, "connection w: 'y' has a meaning of its own here"),
    ],
)
def test_rules_that_a_network_cannot_have_are_refused(rules: dict[str, str], message: str) -> None:
    simulation = RateSimulation(connected(), {"input": np.zeros((2, 1, 2))})
    with pytest.raises(RulesearchError, match=message):
        simulation.run({name: rule(text) for name, text in rules.items()})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inputs": {}}, "input input is missing"),
        ({"inputs": {"x": np.zeros((2, 1, 2))}}, "the network has no input 'x'"),
        ({"inputs": {"input": np.zeros((2, 1, 3))}}, r"input input is \(steps, data sets, 2\), found \(2, 1, 3\)"),
        (
            {"inputs": {"input": np.zeros((2, 2, 2))}, "clamps": {"output": np.zeros((2, 3, 3))}},
            r"differ in data sets: \[2, 3\]",
        ),
        (
            {"inputs": {"input": np.zeros((2, 2, 2))}, "clamps": {"output": np.zeros((4, 2, 3))}},
            r"differ in steps: \[2, 4\]",
        ),
    ],
)
def test_what_is_shown_must_fit(given: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        RateSimulation(connected(), **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inputs": {"input": np.zeros((0, 1, 2))}}, r"at least one presentation and one data set, found \(0, 1\)"),
        ({"inputs": {"input": np.zeros((2, 0, 2))}}, r"at least one presentation and one data set, found \(2, 0\)"),
        ({"inputs": {"input": "text"}}, "input input must be real numbers, found 'text'"),
        ({"inputs": {"input": np.zeros((2, 1, 2)) * 1j}}, "input input must be real numbers"),
        ({"inputs": np.zeros((2, 1, 2))}, "inputs are given by name"),
        ({"inputs": {"input": np.zeros((2, 1, 2))}, "norm_limit": -1.0}, "norm_limit must be above 0, found -1"),
    ],
)
def test_what_a_network_cannot_see_is_told_in_one_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        RateSimulation(connected(), **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"record_every": 0}, "record_every must be at least 1, found 0"),
        ({"record_every": -1}, "record_every must be at least 1, found -1"),
        ({"record_every": 2.5}, "record_every must be a whole number, found 2.5"),
        ({"record_from": -1}, "record_from must be at least 0, found -1"),
        ({"backend": "cuda"}, "unknown backend 'cuda'; there are vm, jit"),
        ({"rules": "w[x]"}, r"rules are read from text by rulesearch.rules.parse_rules\('w\[x\]'\)"),
        ({"rules": {"w": "x"}}, "the rule w of a set must be a rule, found 'x'"),
    ],
)
def test_what_a_network_cannot_run_is_told_in_one_line(given: dict[str, Any], message: str) -> None:
    simulation = RateSimulation(connected(), {"input": np.zeros((2, 1, 2))})
    with pytest.raises(RulesearchError, match=message):
        simulation.run(**{"rules": {"w": rule("x")}, **given})


def test_one_rule_without_a_name_goes_to_the_one_name_that_connections_give() -> None:
    simulation = RateSimulation(connected(rule="own"), {"input": np.ones((2, 1, 2))})
    expected = simulation.run({"own": rule("x*y + 1")}).weights["w"]
    for given in (rule("x*y + 1"), parse_rules("x*y + 1")):
        np.testing.assert_array_equal(simulation.run(given).weights["w"], expected)
    assert simulation.run_each([]) == []
    several = RateSimulation(pca_network(1), {"input": gaussian(2, 1)})
    with pytest.raises(RulesearchError, match=r"connections name feedforward, lateral: write feedforward\[...\]"):
        several.run(rule("x"))
    with pytest.raises(RulesearchError, match="a rule was given, and no connection names one"):
        RateSimulation(connected(rule=None), {"input": np.ones((2, 1, 2))}).run(rule("x"))


@pytest.mark.parametrize("own", [None, (-1.0, 1.0), (-math.inf, math.inf)])
def test_magnitudes_stay_at_0_or_above_whatever_bounds_say(own: tuple[float, float] | None) -> None:
    falls = replace(rule("-1"), bounds=own)
    for bounds in (None, (-1.0, 1.0), (-math.inf, math.inf)):
        connection = connected(rule="own", weight=0.5, bounds=bounds, signed=False, inhibitory=True)
        found = RateSimulation(connection, {"input": np.ones((3, 1, 2))}).run({"own": falls})
        np.testing.assert_array_equal(found.weights["w"], np.zeros((3, 1, 3, 2)))
    with pytest.raises(RulesearchError, match="weights are magnitudes, and bounds of -2 to -1 leave them none"):
        RateSimulation(connection, {"input": np.ones((3, 1, 2))}).run({"own": replace(falls, bounds=(-2.0, -1.0))})


def test_bounds_of_a_connection_hold_where_those_of_the_rule_are_infinite() -> None:
    simulation = RateSimulation(connected(rule="own", bounds=(-0.3, 0.4)), {"input": np.ones((3, 1, 2))})
    for change, end in (("1", 0.4), ("-1", -0.3)):
        free = replace(rule(change), bounds=(-math.inf, math.inf))
        np.testing.assert_array_equal(simulation.run({"own": free}).weights["w"], np.full((3, 1, 3, 2), end))


def test_rules_are_read_with_the_symbols_of_a_network() -> None:
    network = RateNetwork(
        {"input": 1},
        [Layer("output", 1, "relu", bias=-2.0)],
        [Connection("w", "input", "output", rule="w")],
        [Signal("t", "output")],
    )
    simulation = RateSimulation(network, {"input": np.ones((1, 1, 1))}, {"t": np.full((1, 1, 1), 5.0)})
    # h = -2, y = 0, t = 5
    found = simulation.run(parse_rules("t*x + h", symbols=network.symbols))
    assert found.weights["w"].item() == 3.0
    with pytest.raises(RulesearchError, match="signal 'h' has a meaning of its own here"):
        RateNetwork({"input": 1}, network.layers, [], [Signal("h")])
    with pytest.raises(RulesearchError, match="a network needs at least one layer"):
        RateNetwork({"input": 1}, [], [])


def test_the_known_rules_of_rate_neurons_run() -> None:
    for name in ("oja", "hebb", "sanger", "covariance", "bcm"):
        connection = Connection("w", "input", "output", weight=0.1, rule=known_rule(name).rules.only())
        network = RateNetwork({"input": 5}, [Layer("output", 2)], [connection])
        assert RateSimulation(network, {"input": gaussian(3, 1)}).run().status == "ok"
