"""Derivatives of what a rate network learns, and of what it answers: automatic differentiation through time.

The network of `network_simulation` written in JAX, for layers whose neurons are computed in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rulesearch.errors import RulesearchError
from rulesearch.expression.tree import Expression
from rulesearch.simulate.rate.gradient import in_jax, need_jax
from rulesearch.simulate.rate.lanes import from_lanes
from rulesearch.simulate.rate.network import IN_ORDER, SETTLED, Array
from rulesearch.simulate.rate.network_simulation import Candidate, RateSimulation
from rulesearch.simulate.rate.programs import lowpasses_of, network_program

Loss = Callable[[Any, Mapping[str, Any], Any], Any]
"""Takes `jax.numpy`, the recorded weights `(records, data sets, targets, sources)` by connection, and data.

Of `answer_gradient`: in place of weights the outputs `(steps, data sets, neurons)` by layer.
"""


@dataclass(frozen=True, slots=True)
class _Layer:
    name: str
    size: int
    function: Expression | None
    forward: bool
    clamp: int | None


@dataclass(frozen=True, slots=True)
class _Connection:
    name: str
    source: str
    target: str
    pairs: tuple[tuple[int, int], ...]
    lateral: bool
    sign: float
    normalised: bool
    step: Expression | None
    constants: tuple[str, ...]
    lowpasses: tuple[tuple[str, Expression, float], ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """What is compiled once: everything of a network and its rules but numbers.

    **Fields:** `inputs`: name, first row and size; `signals`: name, layer and first row.
    """

    inputs: tuple[tuple[str, int, int], ...]
    layers: tuple[_Layer, ...]
    connections: tuple[_Connection, ...]
    signals: tuple[tuple[str, str | None, int], ...]


def network_gradient(
    simulation: RateSimulation,
    rules: Candidate,
    record_every: int,
    record_from: int,
    loss: Loss,
    data: tuple[Array, ...],
) -> tuple[float, dict[str, Array]]:
    """Return the loss of what rules learn, and its derivative by each constant of each rule, by connection.

    **Arguments:** as in `RateSimulation.run`; the loss sees the weights that this writes down, and `data`. Bounds of
    the weights are left out.
    **Raises:** `MissingPartError` without JAX; `RulesearchError` for layers that settle in rounds.
    """
    case = _case(simulation, rules)
    with need_jax().enable_x64(True):
        compiled = _of_weights(case.form, record_every, record_from, loss)
        value, slopes = compiled(case.numbers, case.shown, case.weights, case.etas, case.biases, data)
        return float(value), {name: np.asarray(slope, dtype=np.float64) for name, slope in slopes.items()}


@dataclass(frozen=True, slots=True)
class Slopes:
    """Derivatives of a loss by all numbers of a network.

    **Fields:** by connection: `constants` of its rule, in their order; `etas`, its learning rate; `weights` at the
    start `(data sets, targets, sources)`; by layer: `biases` `(neurons,)`.
    """

    constants: Mapping[str, Array]
    etas: Mapping[str, Array]
    weights: Mapping[str, Array]
    biases: Mapping[str, Array]


def answer_gradient(
    simulation: RateSimulation, rules: Candidate, loss: Loss, data: tuple[Array, ...]
) -> tuple[float, Slopes]:
    """Return the loss of what all layers give at every step, and its derivatives by everything but what is shown.

    **Arguments:** as in `RateSimulation.run`; the loss sees the outputs, and `data`. Bounds of the weights are left
    out.
    **Raises:** as `network_gradient`.
    """
    case = _case(simulation, rules)
    with need_jax().enable_x64(True):
        compiled = _of_outputs(case.form, loss)
        value, slopes = compiled(case.numbers, case.etas, case.weights, case.biases, case.shown, data)
        found = ({name: np.asarray(slope, dtype=np.float64) for name, slope in each.items()} for each in slopes)
        return float(value), Slopes(*found)


@dataclass(frozen=True, slots=True)
class _Case:
    """A form with its numbers: constants, learning rates and weights by connection, biases by layer, what is shown."""

    form: _Form
    numbers: dict[str, Array]
    etas: dict[str, float]
    weights: dict[str, Array]
    biases: dict[str, Array]
    shown: Array


def _case(simulation: RateSimulation, rules: Candidate) -> _Case:
    network, layout, chosen = simulation.network, simulation.layout, simulation.rules(rules)
    network_program(chosen, network.readable())  # refuses what a network cannot have
    for layer in network.layers:
        if network.order(layer) == SETTLED:
            raise RulesearchError(f"layer {layer.name} settles in rounds; gradients are of layers computed in order")
    connections = []
    for connection in network.connections:
        rule = chosen.get(connection.name)
        targets, sources = layout.synapses[connection.name]
        states = {} if rule is None else lowpasses_of(rule)
        connections.append(
            _Connection(
                connection.name,
                connection.source,
                connection.target,
                tuple(zip(targets.tolist(), sources.tolist(), strict=True)),
                connection.lateral,
                -1.0 if connection.inhibitory else 1.0,
                connection.normalised,
                None if rule is None else rule.slots.get("on_step"),
                () if rule is None else tuple(rule.constants),
                tuple((name, state.expression, state.tau) for name, state in states.items()),
            )
        )
    form = _Form(
        tuple((name, layout.first[name], size) for name, size in network.inputs.items()),
        tuple(
            _Layer(each.name, each.size, each.function(), network.order(each) == IN_ORDER, layout.clamps.get(each.name))
            for each in network.layers
        ),
        tuple(connections),
        tuple((each.name, each.layer, layout.signals[each.name]) for each in network.signals),
    )
    start = layout.weights(np.concatenate(list(simulation.weights.values()))[None], simulation.data_sets, layout.shapes)
    return _Case(
        form,
        {name: np.array(list(rule.constant_values().values())) for name, rule in chosen.items()},
        {name: 1.0 if rule.eta is None else rule.eta for name, rule in chosen.items()},
        {name: rows[0] for name, rows in start.items()},
        {layer.name: np.broadcast_to(layer.bias, layer.size).astype(np.float64) for layer in network.layers},
        np.ascontiguousarray(from_lanes(simulation.shown, layout.lanes, simulation.data_sets)),
    )


@lru_cache(maxsize=32)
def _of_weights(form: _Form, record_every: int, record_from: int, loss: Loss) -> Any:
    """Return what gives the loss of recorded weights and its derivative by constants."""
    jax = need_jax()
    learn = _presentation(form)

    def total(numbers: Any, shown: Any, weights: Any, etas: Any, biases: Any, data: Any) -> Any:
        def step(carry: Any, row: Any) -> tuple[Any, None]:
            return learn(numbers, etas, biases, carry, row)[0], None

        def stretch(carry: Any, part: Any) -> tuple[Any, Any]:
            carry, _ = jax.lax.scan(step, carry, part)
            return carry, carry[0]

        carry, _ = jax.lax.scan(step, _start(form, weights), shown[:record_from])
        records = (shown.shape[0] - record_from) // record_every
        parts = shown[record_from : record_from + records * record_every]
        _, recorded = jax.lax.scan(stretch, carry, parts.reshape(records, record_every, *shown.shape[1:]))
        return loss(jax.numpy, recorded, data)

    return jax.jit(jax.value_and_grad(total))


@lru_cache(maxsize=32)
def _of_outputs(form: _Form, loss: Loss) -> Any:
    """Return what gives the loss of outputs and its derivatives by constants, learning rates, weights and biases."""
    jax = need_jax()
    learn = _presentation(form)

    def total(numbers: Any, etas: Any, weights: Any, biases: Any, shown: Any, data: Any) -> Any:
        def step(carry: Any, row: Any) -> tuple[Any, Any]:
            moved, given = learn(numbers, etas, biases, carry, row)
            return moved, given

        _, given = jax.lax.scan(step, _start(form, weights), shown)
        return loss(jax.numpy, given, data)

    return jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2, 3)))


def _start(form: _Form, weights: Any) -> Any:
    """Return what changes from step to step, as it is at first: weights, and low-passes at 0."""
    xp = need_jax().numpy
    levels = {
        each.name: {name: xp.zeros_like(weights[each.name]) for name, _, _ in each.lowpasses}
        for each in form.connections
    }
    return weights, levels


def _presentation(form: _Form) -> Callable[..., Any]:
    """Return the function of one presentation: what it changes, and what layers give `(data sets, neurons)`."""
    xp = need_jax().numpy
    sizes = {**{name: size for name, _, size in form.inputs}, **{each.name: each.size for each in form.layers}}
    masks = {each.name: _mask(each, sizes) for each in form.connections}

    def present(weights: Any, row: Any, biases: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what inputs and layers give, and the layers' inputs, each `(data sets, neurons)`."""
        given = {name: row[:, first : first + size] for name, first, size in form.inputs}
        drives = {}
        for layer in form.layers:
            reaching = [each for each in form.connections if each.target == layer.name]
            drive = xp.broadcast_to(biases[layer.name], (row.shape[0], layer.size))
            for each in reaching:
                if not each.lateral:
                    drive = drive + each.sign * xp.einsum("dts,ds->dt", weights[each.name], given[each.source])
            lateral = [each for each in reaching if each.lateral]
            if not lateral and layer.clamp is None:
                drives[layer.name] = drive
                given[layer.name] = drive if layer.function is None else in_jax(layer.function, {"h": drive})
                continue
            inputs: dict[int, Any] = {}
            outputs: dict[int, Any] = {}
            for i in range(layer.size) if layer.forward else reversed(range(layer.size)):
                h = drive[:, i]
                for each in lateral:
                    for j in range(layer.size):
                        if masks[each.name][i, j]:
                            h = h + each.sign * weights[each.name][:, i, j] * outputs[j]
                y = h if layer.function is None else in_jax(layer.function, {"h": h})
                if layer.clamp is not None:
                    held = row[:, layer.clamp + i]
                    y = xp.where(xp.isnan(held), y, held)
                inputs[i], outputs[i] = h, y
            drives[layer.name] = xp.stack([inputs[i] for i in range(layer.size)], axis=1)
            given[layer.name] = xp.stack([outputs[i] for i in range(layer.size)], axis=1)
        return given, drives

    def learn(numbers: Any, etas: Any, biases: Any, carry: Any, row: Any) -> Any:
        weights, levels = carry
        given, drives = present(weights, row, biases)
        moved, passed = dict(weights), dict(levels)
        for each in form.connections:
            if each.step is None:
                continue
            w, mask = weights[each.name], masks[each.name]
            total = xp.sum(w, axis=2, keepdims=True)
            y = given[each.target][:, :, None]
            known = {
                "x": given[each.source][:, None, :],
                "y": y,
                "h": drives[each.target][:, :, None],
                "w": w,
                "w_sum": total,
                "w_mean": total / np.maximum(mask.sum(axis=1), 1)[None, :, None],
                "recon": xp.cumsum(y * w, axis=1),
                **dict(zip(each.constants, numbers[each.name], strict=True)),
                **levels[each.name],
            }
            for name, layer, first in form.signals:
                if layer is None:
                    known[name] = row[:, first, None, None]
                elif layer == each.target:
                    known[name] = row[:, first : first + sizes[layer], None]
            changed = w + etas[each.name] * (in_jax(each.step, known) + 0.0 * w) * mask
            if each.normalised:
                changed = changed / xp.sqrt(xp.sum(changed**2, axis=2, keepdims=True))
            moved[each.name] = changed
            passed[each.name] = {
                name: levels[each.name][name] + (in_jax(part, known) - levels[each.name][name]) / tau
                for name, part, tau in each.lowpasses
            }
        return (moved, passed), {layer.name: given[layer.name] for layer in form.layers}

    return learn


def _mask(connection: _Connection, sizes: Mapping[str, int]) -> Array:
    found = np.zeros((sizes[connection.target], sizes[connection.source]))
    for target, source in connection.pairs:
        found[target, source] = 1.0
    return found
