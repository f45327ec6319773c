r"""Which drifts of a weight can be solved exactly, so that nothing is done between two events at a synapse.

- $\dot w = a + b w$ with constants: all weights of a projection approach their fixed point at one pace.
- $\dot w = \sum_k c_k \prod_i z_i$, products of traces and synaptic states that only decay: over the time s since
  the last event, $\Delta w = \sum_k c_k \prod_i z_i\, T_k (e^{s/T_k} - 1)$ with the states as they stand now and
  $1/T_k = \sum_i 1/\tau_i$; a weight with bounds then moves in one direction only where there is one product.
"""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SUMS, Synaptic, Trace

_MOST_PRODUCTS = 12
_LARGEST_EXPONENT = 300.0

ELAPSED = "elapsed_time"
"""Symbol of a solved drift: time since the last event at the synapse [s]."""

_Products = dict[tuple[str, ...], Expression]
"""What each product of decaying states is multiplied by; the empty product stands for 1."""


def affine_in_weight(rule: Rule, soft: bool = False) -> tuple[float, float] | None:
    """Return a and b where the drift is a + b w with constants only, which is solved exactly; else None."""
    if "drift" not in rule.slots or soft or any(name in SUMS for name in rule.symbols):
        return None
    values = rule.constant_values()

    def leaf(node: str | Number) -> tuple[float, float] | None:
        if isinstance(node, Number):
            return node.value, 0.0
        return (0.0, 1.0) if node == "w" else (values[node], 0.0) if node in values else None

    def branch(row: Operator, *parts: tuple[float, float] | None) -> tuple[float, float] | None:
        if any(part is None for part in parts):
            return None
        known = [part for part in parts if part is not None]
        with np.errstate(all="ignore"):
            if all(slope == 0.0 for _, slope in known):
                return float(row.numpy(*(np.float64(constant) for constant, _ in known))), 0.0
            if row.name == "neg":
                return -known[0][0], -known[0][1]
            if row.name in ("add", "sub"):
                sign = 1.0 if row.name == "add" else -1.0
                return known[0][0] + sign * known[1][0], known[0][1] + sign * known[1][1]
            if row.name == "mul" and 0.0 in (known[0][1], known[1][1]):
                factor, other = (known[0][0], known[1]) if known[0][1] == 0.0 else (known[1][0], known[0])
                return factor * other[0], factor * other[1]
            if row.name == "div" and known[1][1] == 0.0:
                return float(np.float64(known[0][0]) / known[1][0]), float(np.float64(known[0][1]) / known[1][0])
        return None

    found: tuple[float, float] | None = rule.slots["drift"].fold(leaf, branch)
    return found if found is not None and all(map(math.isfinite, found)) else None


def since_last_event(rule: Rule, signals: tuple[str, ...], soft: bool = False) -> tuple[Expression, float] | None:
    """Return the change of the weight since the last event at its synapse, where the drift is a sum of products.

    **Arguments:** `signals`: names whose values hold between events.
    **Returns:** an expression of states, constants, signals and `ELAPSED`, and for how long it may wait [s], so that
    exp(s/T) stays finite. None where the drift is another one, or where something else reads weights between events: a
    sum of weights, a synaptic state with a drift of its own.
    """
    moving = any(isinstance(state, Synaptic) and "drift" in state.slots for state in rule.states.values())
    if "drift" not in rule.slots or soft or moving or any(name in SUMS for name in rule.symbols):
        return None
    decays = {name: state.tau for name, state in rule.states.items() if isinstance(state, Trace | Synaptic)}
    held = {*rule.constants, *(name for name in signals if name not in rule.states)}
    products = _products(rule.slots["drift"], set(decays), held)
    low, high = rule.bounds or (-math.inf, math.inf)
    bounded = math.isfinite(low) or math.isfinite(high)
    if products is None or not products or len(products) > (1 if bounded else _MOST_PRODUCTS):
        return None
    elapsed = Expression.symbol(ELAPSED)
    parts: list[Expression] = []
    fastest = 0.0
    for names, coefficient in products.items():
        # A state without a time constant holds its value.
        rate = sum(1.0 / tau for tau in (decays[name] for name in names) if tau is not None)
        fastest = max(fastest, rate)
        spent = elapsed
        if rate > 0.0:
            grown = Expression.apply("exp", Expression.apply("mul", elapsed, Expression.number(rate)))
            spent = Expression.apply(
                "div", Expression.apply("sub", grown, Expression.number(1.0)), Expression.number(rate)
            )
        part = Expression.apply("mul", coefficient, spent)
        for name in names:
            part = Expression.apply("mul", part, Expression.symbol(name))
        parts.append(part)
    total = reduce(lambda one, other: Expression.apply("add", one, other), parts)
    return total, _LARGEST_EXPONENT / fastest if fastest > 0.0 else math.inf


def _products(drift: Expression, states: set[str], held: set[str]) -> _Products | None:
    one = Expression.number(1.0)

    def leaf(node: str | Number) -> _Products | None:
        if isinstance(node, Number) or node in held:
            return {(): Expression((node,))}
        return {(node,): one} if node in states else None

    def times(first: _Products, second: _Products) -> _Products:
        found: _Products = {}
        for names, one_part in first.items():
            for others, other_part in second.items():
                key = tuple(sorted((*names, *others)))
                part = Expression.apply("mul", one_part, other_part)
                found[key] = Expression.apply("add", found[key], part) if key in found else part
        return found

    def branch(row: Operator, *parts: _Products | None) -> _Products | None:
        if any(part is None or len(part) > _MOST_PRODUCTS for part in parts):
            return None
        known = [part for part in parts if part is not None]
        if all(set(part) == {()} for part in known):
            return {(): Expression.apply(row.name, *(part[()] for part in known))}
        if row.name == "neg":
            return {names: Expression.apply("neg", part) for names, part in known[0].items()}
        if row.name in ("add", "sub"):
            found = dict(known[0])
            for names, part in known[1].items():
                if names in found:
                    found[names] = Expression.apply(row.name, found[names], part)
                else:
                    found[names] = part if row.name == "add" else Expression.apply("neg", part)
            return found
        if row.name == "mul":
            return times(known[0], known[1])
        if row.name == "div" and set(known[1]) == {()}:
            return {names: Expression.apply("div", part, known[1][()]) for names, part in known[0].items()}
        if row.name == "pow" and set(known[1]) == {()} and known[1][()].nodes == (Number(2.0),):
            return times(known[0], known[0])
        return None

    found: _Products | None = drift.fold(leaf, branch)
    return found
