"""What two rules are to each other, with 50 digits and the infinities of IEEE arithmetic; for `verdicts.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from rule_pairs import Pair, Randomness, at, kink_places, slot

from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules import Rule
from rulesearch.rules.states import Lowpass, Synaptic, Trace
from rulesearch.symbolic import Reachable

DIGITS = 50
SAME, APART = 1e-14, 1e-7
"""Differences, as shares of what is added up, below which rules are equal and above which they differ."""
STEPS = 24
_NAN = mpmath.mpf("nan")
_INF = mpmath.mpf("inf")


def _divide(a: Any, b: Any) -> Any:
    if b == 0:
        return _NAN if a == 0 or mpmath.isnan(a) else _INF if a > 0 else -_INF
    return a / b


def _power(a: Any, b: Any) -> Any:
    # Constants are added up in double precision: 0.402 + 1.5979999999999999 is 2, also for a negative base.
    if abs(b - mpmath.nint(b)) < 1e-15 * abs(b):
        b = mpmath.nint(b)
    if a == 0 and b < 0:
        return _INF
    if b == 0:
        return mpmath.mpf(1)
    return a**b


_EXACT: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _divide,
    "pow": _power,
    "neg": lambda a: -a,
    "exp": mpmath.exp,
    "log": lambda a: -_INF if a == 0 else mpmath.log(a),
    "sqrt": mpmath.sqrt,
    "abs": abs,
    "tanh": mpmath.tanh,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "min": lambda a, b: _NAN if mpmath.isnan(a) or mpmath.isnan(b) else min(a, b),
    "max": lambda a, b: _NAN if mpmath.isnan(a) or mpmath.isnan(b) else max(a, b),
    "step": lambda a: a if mpmath.isnan(a) else mpmath.mpf(a > 0),
    "relu": lambda a: a if mpmath.isnan(a) else max(a, mpmath.mpf(0)),
    "sign": lambda a: a if mpmath.isnan(a) else mpmath.mpf((a > 0) - (a < 0)),
}


def exact(expression: Expression, values: dict[str, Any]) -> tuple[Any, Any]:
    """Return the value of an expression to 50 digits and the largest size that was added up; nan where undefined."""

    def leaf(node: str | Number) -> tuple[Any, Any]:
        value = mpmath.mpf(values[node] if isinstance(node, str) else node.value)
        return value, abs(value)

    def branch(row: Operator, *arguments: tuple[Any, Any]) -> tuple[Any, Any]:
        (a, of_a), (b, of_b) = arguments[0], arguments[-1]
        value = _EXACT[row.name](*(each for each, _ in arguments))
        if not isinstance(value, mpmath.mpf):
            value = _NAN
        if row.name in ("add", "sub"):
            size = max(of_a, of_b)
        elif row.name in ("min", "max"):
            size = of_a if value == a else of_b
        elif row.name == "mul":
            size = max(abs(a) * of_b, abs(b) * of_a)
        elif row.name == "div" and b:
            size = max(of_a, abs(value) * of_b) / abs(b)
        elif row.name in ("neg", "abs") or (row.name == "relu" and a > 0):
            size = of_a
        elif row.name in ("tanh", "sin", "cos"):
            size = of_a * (1 - value * value if row.name == "tanh" else 1)
        else:
            size = abs(value) * (of_a if row.name == "exp" else 1)
        return value, max(size, abs(value))

    found: tuple[Any, Any] = expression.fold(leaf, branch)
    return found


def edges(found: Rule) -> list[Expression]:
    """Return what is 0 at the thresholds and holes of a rule."""
    result = []
    for expression in found.slots.values():
        for place in kink_places(expression):
            part = at(expression, place)
            two = len(part.arguments) == 2
            result.append(Expression.apply("sub", *part.arguments) if two else part.arguments[0])
        for place, node in enumerate(expression.nodes):
            if isinstance(node, Operator) and node.name == "div":
                result.append(at(expression, place).arguments[1])
    return result


def points(pair: Pair, generator: Randomness) -> list[dict[str, float]]:
    """Return where the two are computed: anywhere, at short numbers, far away, on and beside what is 0 somewhere."""
    names = sorted({name for each in (pair.first, pair.second) for name in each.symbols})
    found = [{name: float(generator.uniform(-2, 2)) for name in names} for _ in range(16)]
    found += [{name: float(generator.choice((0.0, 1.0, -1.0, 0.5, -0.5, 2.0))) for name in names} for _ in range(24)]
    found += [dict.fromkeys(names, value) for value in (0.0, 1.0, -1.0, 0.7)]
    for _ in range(8):
        sizes = 10.0 ** generator.uniform(-13, 13, len(names)) * generator.choice((-1.0, 1.0), len(names))
        found.append(dict(zip(names, map(float, sizes), strict=True)))
    for edge in [*edges(pair.first), *edges(pair.second)]:
        for name in edge.symbols:
            for base in (found[0], found[1], found[20], {**dict.fromkeys(names, 0.0)}):
                # The edges are linear in each symbol, or the zero that this finds is none.
                low, high = (float(edge.evaluate({**base, name: np.float64(value)})) for value in (0.0, 1.0))
                if np.isfinite(low) and np.isfinite(high) and low != high:
                    zero = -low / (high - low)
                    shares = (0.0, 1e-2, -1e-2, 1e-4, -1e-4, 3e-7, -3e-7)
                    found += [{**base, name: zero + share * (abs(zero) or 1e-3)} for share in shares]
    found += [{name: pair.there[name] for name in names}] if pair.there else []
    return [each for each in (_inside(point, pair.reachable, generator) for point in found) if each is not None]


def _inside(point: dict[str, float], on: Reachable, generator: Randomness) -> dict[str, float] | None:
    moved = dict(point)
    for name, (low, high) in on.ranges.items():
        if name in moved and not low <= moved[name] <= high:
            moved[name] = float(low + generator.random() * (min(high, low + 10.0) - low))
    for name, values in on.values.items():
        if name in moved:
            moved[name] = float(generator.choice(values))
    return moved


def along(found: Rule, generator: Randomness) -> list[tuple[Any, Any]]:
    """Return what the slots of a rule with states give along a random spike train, in 50 digits."""
    states = dict.fromkeys(found.states, (mpmath.mpf(0), mpmath.mpf(0)))
    result = []
    for _ in range(STEPS):
        wait = mpmath.mpf(float(generator.uniform(0.5, 20.0)))
        side = ("pre", "post")[int(generator.integers(2))]
        held = {name: float(generator.choice((0.0, 0.5, 1.5, -0.75))) for name in ("x", "y", "w", "R")}
        for name, state in found.states.items():
            value, size = states[name]
            if isinstance(state, Lowpass):
                target, weight = exact(state.expression, {**held, **_values(states)})
                share = 1 - mpmath.exp(-wait / mpmath.mpf(state.tau if state.in_steps else 1e3 * state.tau))
                states[name] = value + share * (target - value), max(size, share * weight)
            elif state.tau is not None:
                decay = mpmath.exp(-wait / (1000 * mpmath.mpf(state.tau)))
                states[name] = value * decay, size * decay
        values = {**held, **_values(states)}
        for name, state in found.states.items():
            if isinstance(state, Synaptic) and f"on_{side}" in state.slots:
                jump, weight = exact(state.slots[f"on_{side}"], values)
                states[name] = states[name][0] + jump, max(states[name][1], weight)
        for place, expression in found.slots.items():
            if place in ("on_step", "drift", f"on_{side}"):
                result.append(exact(expression, {**held, **_values(states)}))
        for name, state in found.states.items():
            if isinstance(state, Trace) and state.side == side:
                value = mpmath.mpf(1) if state.nearest else states[name][0] + 1
                states[name] = value, value
    return result


def _values(states: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    return {name: value for name, (value, _) in states.items()}


def decided(pair: Pair, generator: Randomness) -> float | None:
    """Return the factor first/second, 0 where there is none; None where it is too close to call."""
    seed = int(generator.integers(2**32))
    with mpmath.workdps(DIGITS):
        if pair.first.states or pair.second.states:
            ours, theirs = (along(each, np.random.default_rng(seed)) for each in (pair.first, pair.second))
        else:
            where = points(pair, np.random.default_rng(seed))
            sides = [*edges(pair.first), *edges(pair.second)]
            where = [point for point in where if not any(map(_undecided, (exact(each, point) for each in sides)))]
            ours, theirs = ([exact(slot(each), point) for point in where] for each in (pair.first, pair.second))
        return _factor(ours, theirs)


def _undecided(height: tuple[Any, Any]) -> bool:
    """Return whether a point is so near to a threshold that the digits of a constant decide on its side."""
    value, size = height
    return bool(value != 0 and abs(value) < 1e-12 * size)


def _factor(ours: list[tuple[Any, Any]], theirs: list[tuple[Any, Any]]) -> float | None:
    if any(bool(mpmath.isfinite(a)) != bool(mpmath.isfinite(b)) for (a, _), (b, _) in zip(ours, theirs, strict=True)):
        return 0.0
    both = [each for each in zip(ours, theirs, strict=True) if mpmath.isfinite(each[0][0])]
    clear = [(abs(b) / size, a / b) for (a, _), (b, size) in both if b != 0 and a != 0]
    scale = max(clear)[1] if clear else mpmath.mpf(1)
    if abs(scale - 1) < SAME:
        scale = mpmath.mpf(1)
    if scale < 0:
        return 0.0
    apart = [abs(a - scale * b) / max(size, scale * weight, mpmath.mpf("1e-300")) for (a, size), (b, weight) in both]
    worst = max(apart, default=mpmath.mpf(0))
    return float(scale) if worst < SAME else 0.0 if worst > APART else None
