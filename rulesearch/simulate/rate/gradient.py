"""Derivatives of what a rate neuron learns by the constants of its rule: automatic differentiation through time.

The neuron of `neuron.py` written in JAX, whose reverse mode goes back through every presentation, as in Confavreux,
Zenke, Agnes, Lillicrap & Vogels 2020 (NeurIPS 33), where coefficients of a rule are fitted by gradient descent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import MissingPartError, RulesearchError
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules.rule import Rule

Array = npt.NDArray[np.float64]
Loss = Callable[[Any, Any, Any], Any]
"""Takes `jax.numpy`, the recorded weights `(records, data sets, inputs)`, and data; returns a number."""


def rate_gradient(
    rule: Rule, inputs: Array, initial: Array, eta: float, record_every: int, loss: Loss, data: tuple[Array, ...]
) -> tuple[float, Array]:
    """Return the loss of what a rule learns, and its derivative by each constant, in their order.

    **Arguments:** `inputs` `(steps, data sets, inputs)`; `initial` `(data sets, inputs)`; the loss sees the weights
    after every `record_every` steps, and `data`. Bounds of the weight are left out.
    **Raises:** `MissingPartError` without JAX; `RulesearchError` for rules with states.
    """
    if rule.states:
        raise RulesearchError(f"gradients are of rules without states; found {', '.join(rule.states)}")
    jax = need_jax()
    with jax.enable_x64(True):
        compiled = _compiled(rule.slots["on_step"], tuple(rule.constants), record_every, loss)
        value, slope = compiled(np.array(list(rule.constant_values().values())), inputs, initial, eta, data)
        return float(value), np.asarray(slope, dtype=np.float64)


def need_jax() -> Any:
    """Return the module JAX; raises `MissingPartError` where it is not installed."""
    try:
        import jax
    except ImportError:
        raise MissingPartError("gradients need JAX; install it with: pip install 'rulesearch[inference]'") from None
    return jax


def in_jax(expression: Expression, values: Mapping[str, Any]) -> Any:
    """Return what an expression gives, as JAX follows it."""
    xp = need_jax().numpy

    def leaf(node: str | Number) -> Any:
        return values[node] if isinstance(node, str) else node.value

    def branch(row: Operator, *arguments: Any) -> Any:
        return row.jax(xp, *arguments)

    return expression.fold(leaf, branch)


@lru_cache(maxsize=64)
def _compiled(expression: Expression, names: tuple[str, ...], record_every: int, loss: Loss) -> Any:
    jax = need_jax()
    xp = jax.numpy

    def total(constants: Any, inputs: Any, initial: Any, eta: float, data: tuple[Any, ...]) -> Any:
        known = dict(zip(names, constants, strict=True))

        def step(weights: Any, x: Any) -> tuple[Any, None]:
            y = xp.sum(weights * x, axis=-1, keepdims=True)
            return weights + eta * (in_jax(expression, {**known, "x": x, "y": y, "w": weights}) + 0.0 * weights), None

        def stretch(weights: Any, part: Any) -> tuple[Any, Any]:
            weights, _ = jax.lax.scan(step, weights, part)
            return weights, weights

        records = inputs.shape[0] // record_every
        parts = inputs[: records * record_every].reshape(records, record_every, *inputs.shape[1:])
        _, weights = jax.lax.scan(stretch, initial, parts)
        return loss(xp, weights, data)

    return jax.jit(jax.value_and_grad(total))
