"""Derivatives of what a rate network learns by the constants of its rules: automatic differentiation through time.

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
"""Takes `jax.numpy`, the recorded weights `(records, data sets, targets, sources)` by connection, and data."""


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
    numbers = {name: np.array(list(rule.constant_values().values())) for name, rule in chosen.items()}
    etas = {name: 1.0 if rule.eta is None else rule.eta for name, rule in chosen.items()}
    biases = {layer.name: np.broadcast_to(layer.bias, layer.size).astype(np.float64) for layer in network.layers}
    shown = from_lanes(simulation.shown, layout.lanes, simulation.data_sets)
    with need_jax().enable_x64(True):
        compiled = _compiled(form, record_every, record_from, loss)
        weights = {name: rows[0] for name, rows in start.items()}
        value, slopes = compiled(numbers, np.ascontiguousarray(shown), weights, etas, biases, data)
        return float(value), {name: np.asarray(slope, dtype=np.float64) for name, slope in slopes.items()}


@lru_cache(maxsize=32)
def _compiled(form: _Form, record_every: int, record_from: int, loss: Loss) -> Any:
    jax = need_jax()
    xp = jax.numpy
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
        return moved, passed

    def total(numbers: Any, shown: Any, weights: Any, etas: Any, biases: Any, data: Any) -> Any:
        levels = {
            each.name: {name: xp.zeros_like(weights[each.name]) for name, _, _ in each.lowpasses}
            for each in form.connections
        }

        def step(carry: Any, row: Any) -> tuple[Any, None]:
            return learn(numbers, etas, biases, carry, row), None

        def stretch(carry: Any, part: Any) -> tuple[Any, Any]:
            carry, _ = jax.lax.scan(step, carry, part)
            return carry, carry[0]

        carry, _ = jax.lax.scan(step, (weights, levels), shown[:record_from])
        records = (shown.shape[0] - record_from) // record_every
        parts = shown[record_from : record_from + records * record_every]
        _, recorded = jax.lax.scan(stretch, carry, parts.reshape(records, record_every, *shown.shape[1:]))
        return loss(xp, recorded, data)

    return jax.jit(jax.value_and_grad(total))


def _mask(connection: _Connection, sizes: Mapping[str, int]) -> Array:
    found = np.zeros((sizes[connection.target], sizes[connection.source]))
    for target, source in connection.pairs:
        found[target, source] = 1.0
    return found
