r"""Fixed points of a rule and their stability, on average over its input.

Rate rules: one linear neuron along the first principal component, $y = w x$, where x is Gaussian with mean 0 and
variance $\lambda$; low-passes are their averages. A fixed point w is the length of the weight vector:
$\langle \Delta w \rangle = 0$, stable where $d\langle \Delta w \rangle / dw < 0$.

Spike rules: presynaptic and postsynaptic spikes are independent Poisson processes of rates $r_{pre}$ and $r_{post}$,

$$\dot w = r_{pre} \langle \mathrm{on\_pre} \rangle + r_{post} \langle \mathrm{on\_post} \rangle
+ \langle \mathrm{drift} \rangle$$

An all-to-all trace has the mean $r \tau$ and two of one side the covariance $r \tau_1 \tau_2/(\tau_1 + \tau_2)$
(Campbell's theorem); a nearest trace is $e^{-s/\tau}$ with an exponential age s. Where the mean change depends on w the
fixed points are weights, otherwise rates of the postsynaptic neuron.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rulesearch.expression.operators import Operator
from rulesearch.expression.sympy_form import to_sympy
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import CUSTOMARY_TAU, Lowpass, Trace, customary_traces

_HIGHEST_POWER = 8
_HIGHEST_DEGREE = 12
_HIGHEST_EXPONENT = 64
_MOST_OPERATIONS = 400
_MOST_TERMS = 5_000
_GRID = 2001
_REFERENCE_RATE = 10.0


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """A value at which a rule changes nothing on average.

    **Fields:** `variable`: `w` or `r_post` [Hz]; `formula` in constants, time constants, lambda and rates; `value` with
    the constants' values, variance 1 and rates of 10 Hz; `slope`: the sign of the mean change's derivative there: -1 is
    stable (for a rate: where more weight means more firing; +1 where it means less, at inhibitory synapses).
    """

    variable: str
    formula: str
    value: float
    slope: int

    def __str__(self) -> str:
        number = f"{self.value:.4g}"
        shown = self.formula if self.formula == number else f"{self.formula} = {number}"
        if self.variable == "w":
            return f"w = {shown}, {'stable' if self.slope < 0 else 'unstable' if self.slope > 0 else 'marginal'}"
        side = {-1: "excitatory", 1: "inhibitory"}.get(self.slope)
        return f"r_post = {shown} Hz" + (f", stable at {side} synapses" if side else "")


def fixed_points(rule: Rule) -> list[FixedPoint]:
    """Return the fixed points that can be had, in ascending order; an empty list where they cannot."""
    spikes = "on_step" not in rule.slots
    try:
        mean = _spike_mean(rule) if spikes else _rate_mean(rule)
    except _BeyondAveragingError:
        return []
    return _solved(mean, rule, spikes)


def assumed(rule: Rule) -> str:
    """Return what the fixed points of a rule are those of, in words."""
    if "on_step" in rule.slots:
        return "one linear neuron y = w*x that excites, x normal with mean 0 and variance lambda (numbers: 1)"
    return "one synapse between independent Poisson spikes (numbers: 10 Hz)"


class _BeyondAveragingError(Exception):
    """The average over the input is not known in closed form."""


def _rate_mean(rule: Rule) -> Any:
    """Return the mean change of w as a SymPy expression in w and lambda."""
    import sympy

    if set(rule.slots) != {"on_step"}:
        raise _BeyondAveragingError
    w, x, y = (sympy.Symbol(name, real=True) for name in "wxy")
    variance = sympy.Symbol("lambda", positive=True)

    def averaged(expression: Any) -> Any:
        try:
            terms = sympy.Poly(sympy.expand(expression.subs(y, w * x)), x).terms()
        except sympy.PolynomialError:
            raise _BeyondAveragingError from None
        total = sympy.Integer(0)
        for (power,), coefficient in terms:
            if power > _HIGHEST_POWER or coefficient.has(x):
                raise _BeyondAveragingError
            if power % 2 == 0:
                total += coefficient * sympy.factorial2(power - 1) * variance ** (power // 2)
        return total

    whole = _as_sympy(rule, rule.slots["on_step"])
    for name, state in rule.states.items():
        if isinstance(state, Lowpass) and name in rule.symbols:
            whole = whole.subs(sympy.Symbol(name, real=True), averaged(_as_sympy(rule, state.expression)))
    allowed = {"w", "x", "y", *rule.constants, "lambda"}
    if {symbol.name for symbol in whole.free_symbols} - allowed:
        raise _BeyondAveragingError
    return averaged(whole)


def _spike_mean(rule: Rule) -> Any:
    """Return the mean of dw/dt as a SymPy expression in w, r_pre and r_post."""
    import sympy

    states = {**customary_traces(rule.symbols), **rule.states}
    traces = {name: state for name, state in states.items() if isinstance(state, Trace) and name in rule.symbols}
    if set(rule.symbols) - {"w", *traces}:
        raise _BeyondAveragingError
    rates = {side: sympy.Symbol(f"r_{side}", positive=True) for side in ("pre", "post")}
    total = sympy.Integer(0)
    for slot in rule.slots:
        rate = {"on_pre": rates["pre"], "on_post": rates["post"]}.get(slot, sympy.Integer(1))
        total += rate * _trace_mean(_as_sympy(rule, rule.slots[slot]), traces, rates)
    return total


def _as_sympy(rule: Rule, expression: Expression) -> Any:
    if expression.size > _MOST_OPERATIONS or _expanded_terms(expression, rule.constant_values()) > _MOST_TERMS:
        raise _BeyondAveragingError
    return to_sympy(expression)


def _expanded_terms(expression: Expression, constants: Mapping[str, float]) -> float:
    """Return at most how many terms an expression has once its products and powers are multiplied out.

    High powers, and constants beyond double precision, count as infinitely many: exact arithmetic never ends on them.
    """

    def leaf(node: str | Number) -> tuple[float, float | None]:
        return 1.0, constants.get(node) if isinstance(node, str) else node.value

    def branch(row: Operator, *parts: tuple[float, float | None]) -> tuple[float, float | None]:
        numbers = [np.float64(value) for _, value in parts if value is not None]
        value = float(row.numpy(*numbers)) if len(numbers) == len(parts) else None
        if value is not None and not math.isfinite(value):
            return math.inf, value
        (first, _), (second, power) = parts[0], parts[-1]
        if row.name in ("add", "sub"):
            return first + second, value
        if row.name in ("mul", "div"):
            return first * second, value
        if row.name != "pow" or power is None:
            return max(first, second), value
        size = abs(power)
        if not size <= _HIGHEST_EXPONENT:
            return math.inf, value
        return (math.comb(int(first + size), int(size)) if first < math.inf else first), value

    with np.errstate(all="ignore"):
        terms, _ = expression.fold(leaf, branch)
    return float(terms)


def _trace_mean(expression: Any, traces: dict[str, Trace], rates: dict[str, Any]) -> Any:
    import sympy

    symbols = {name: sympy.Symbol(name, real=True) for name in traces}
    used = [name for name in traces if symbols[name] in expression.free_symbols]
    if not used:
        return expression
    try:
        terms = sympy.Poly(sympy.expand(expression), *(symbols[name] for name in used)).terms()
    except sympy.PolynomialError:
        raise _BeyondAveragingError from None
    total = sympy.Integer(0)
    for powers, coefficient in terms:
        if any(coefficient.has(symbol) for symbol in symbols.values()):
            raise _BeyondAveragingError
        product = coefficient
        for side in ("pre", "post"):
            own = [
                name
                for name, power in zip(used, powers, strict=True)
                for _ in range(power)
                if traces[name].side == side
            ]
            product *= _moment(own, traces, rates[side])
        total += product
    return total


def _moment(names: list[str], traces: dict[str, Trace], rate: Any) -> Any:
    """Return the mean of a product of traces of one side."""
    import sympy

    if not names:
        return sympy.Integer(1)
    taus = [sympy.Symbol(f"tau_{name}", positive=True) for name in names]
    nearest = [traces[name].nearest for name in names]
    if any(traces[name].resets for name in names):
        raise _BeyondAveragingError
    if all(nearest):
        return rate / (rate + sum(1 / tau for tau in taus))
    if any(nearest) or len(names) > 2:
        raise _BeyondAveragingError
    mean = math.prod(rate * tau for tau in taus)
    return mean if len(names) == 1 else mean + rate * taus[0] * taus[1] / (taus[0] + taus[1])


def _solved(mean: Any, rule: Rule, spikes: bool) -> list[FixedPoint]:
    import sympy

    w = sympy.Symbol("w", real=True)
    mean = sympy.expand(sympy.nsimplify(mean, rational=True))
    unknown = w if mean.has(w) else sympy.Symbol("r_post", positive=True)
    if mean.is_zero or not mean.has(unknown):
        return []
    values: dict[Any, Any] = {
        symbol: _value(symbol.name, rule) for symbol in mean.free_symbols if symbol is not unknown and symbol != unknown
    }
    numeric = mean.subs(values)
    slope = sympy.diff(numeric, unknown)
    found: dict[float, FixedPoint] = {}
    for formula, value in _roots(mean, numeric, unknown, values, rule):
        if unknown == w or value > 0.0:
            parts = [complex(part.subs(unknown, value)).real for part in sympy.Add.make_args(slope)]
            at, scale = sum(parts), sum(map(abs, parts))
            sign = 0 if not math.isfinite(at) or abs(at) <= 1e-9 * scale else int(math.copysign(1, at))
            found.setdefault(float(f"{value:.9g}"), FixedPoint(str(unknown), formula, value, sign))
    low, high = rule.bounds or (-math.inf, math.inf)
    return [found[key] for key in sorted(found) if unknown != w or low <= key <= high]


def _roots(mean: Any, numeric: Any, unknown: Any, values: dict[Any, Any], rule: Rule) -> list[tuple[str, float]]:
    """Return formulas and values of the real roots: of polynomials, else by numbers within the bounds."""
    import sympy

    numerator = sympy.fraction(sympy.together(mean))[0]
    polynomial = numerator.as_poly(unknown)
    if polynomial is not None and polynomial.degree() <= _HIGHEST_DEGREE:
        found = []
        for root in sympy.roots(polynomial, unknown):
            value = complex(root.subs(values))
            if abs(value.imag) <= 1e-9 * (1.0 + abs(value.real)):
                short = sympy.simplify(root) if sympy.count_ops(root) <= 30 else None
                text = f"{value.real:.4g}" if short is None else str(short)
                found.append((text, value.real))
        if len(found) < polynomial.degree():
            coefficients = [float(each) for each in sympy.Poly(numerator.subs(values), unknown).all_coeffs()]
            for value in np.roots(coefficients):
                if abs(value.imag) <= 1e-9 * (1.0 + abs(value.real)):
                    found.append((f"{value.real:.4g}", float(value.real)))
        return found
    low, high = rule.bounds or (0.0, 1.0)
    if str(unknown) != "w" or not (math.isfinite(low) and math.isfinite(high)):
        return []
    return [(f"{value:.4g}", value) for value in _numeric_roots(numeric, unknown, low, high)]


def _numeric_roots(numeric: Any, unknown: Any, low: float, high: float) -> list[float]:
    import sympy
    from scipy.optimize import brentq

    function = sympy.lambdify(unknown, numeric, "numpy")
    inset = 1e-9 * (high - low)
    grid = np.linspace(low + inset, high - inset, _GRID)
    with np.errstate(all="ignore"):
        heights = np.real(np.asarray(function(grid), dtype=complex)) * np.ones_like(grid)
    turns = np.flatnonzero(np.isfinite(heights[:-1]) & np.isfinite(heights[1:]) & (heights[:-1] * heights[1:] < 0.0))
    return [float(brentq(function, grid[k], grid[k + 1], xtol=1e-14)) for k in turns]


def _value(name: str, rule: Rule) -> float:
    if name in rule.constants:
        return rule.constants[name].value
    if name.startswith("tau_"):
        state = rule.states.get(name[4:])
        return CUSTOMARY_TAU if state is None or state.tau is None else state.tau
    return _REFERENCE_RATE if name.startswith("r_") else 1.0
