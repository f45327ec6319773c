"""Whether the search, `compare` and `simplify` agree on which rules are the same, on pairs made by construction.

    python experiments/benchmarks/verdicts.py --pairs 2000 --seed 0

Each pair is a rule with constants from 1e-12 to 1e12 and thresholds at random places, and another one that is made
equal (rewritten, kinks written in another way, states scaled, split and doubled), scaled, equal on a set of values
only, or different (a threshold, coefficient or time constant moved, a kink of another kind, a hole at zero, at a tie or
at a number, a saturation, a threshold far away). An oracle decides which it became: both are computed with 50 digits,
in the infinities of IEEE arithmetic, at random points, at 0, 1, -1 and ties, beside and on all thresholds, and far
away; rules with states along random spike trains. Pairs that differ by 1e-14 to 1e-7 of what is added up are drawn
again; nothing is compared so near to a threshold that the digits of a constant decide on the side.

Then `compare` is asked for its verdict, the fingerprint whether both are one function (rules with the same states), and
`simplify` whether the shortest forms have one key (rules that differ by algebra alone). Printed are pairs that one of
them called equal and are not, the share of the equal ones that were seen, and pairs on which the notions disagree.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import mpmath
import numpy as np
from symbolic import rewritten

from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules import Rule, RuleSet, parse_rules
from rulesearch.rules.states import Lowpass, State, Synaptic, Trace
from rulesearch.symbolic import EVERYWHERE, Reachable, canonical_key, compare, parse_reachable, simplify

Randomness = np.random.Generator

DIGITS = 50
SAME, APART = 1e-14, 1e-7
"""Differences, as shares of what is added up, below which rules are equal and above which they differ."""
STEPS = 24
NOTIONS = ("compare", "fingerprint", "simplify")
_NAN = mpmath.mpf("nan")
_INF = mpmath.mpf("inf")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rules and how the second came from the first.

    **Fields:** `asked`: the notions that are asked; `on`: the set on which they are compared.
    """

    kind: str
    first: Rule
    second: Rule
    asked: frozenset[str] = frozenset(NOTIONS)
    on: str = ""

    @property
    def reachable(self) -> Reachable:
        """The set on which they are compared."""
        return parse_reachable([self.on]) if self.on else EVERYWHERE


@dataclass(slots=True)
class Maker:
    """Makes rules and pairs at random."""

    generator: Randomness
    scale: float = 1.0
    states: dict[str, State] = field(default_factory=dict)

    def number(self, spread: float = 12.0) -> float:
        """Return a number of either sign, up to `spread` powers of ten from 1, of three digits."""
        size = 10.0 ** self.generator.uniform(-spread, spread)
        return float(f"{size * self.generator.choice((-1.0, 1.0)):.3g}")

    def pick(self, options: Any) -> Any:
        """Return one of several."""
        return options[int(self.generator.integers(len(options)))]

    def text(self, value: float) -> str:
        """Return a number for rule text."""
        return f"({value!r})" if value < 0 else repr(value)

    def threshold(self) -> str:
        """Return something that is 0 somewhere: a symbol less a number, or two symbols."""
        first, second = self.generator.permutation(["x", "y", "w"])[:2]
        if self.generator.random() < 0.6:
            return f"{first} - {self.text(self.number(12.0 if self.generator.random() < 0.4 else 0.5))}"
        return f"{first} - {self.text(self.number(1.0))}*{second}"

    def kink(self) -> str:
        """Return a function with a threshold."""
        inside = self.threshold()
        if self.generator.random() < 0.3:
            first, _, second = inside.partition(" - ")
            return f"{self.pick(('min', 'max'))}({first}, {second})"
        return f"{self.pick(('step', 'relu', 'abs', 'sign'))}({inside})"

    def term(self, kinked: bool) -> str:
        """Return a product of a number near the rule's scale, symbols and perhaps a function."""
        factors = [self.text(float(f"{self.scale * self.number(2.0):.3g}"))]
        factors += [str(name) for name in self.generator.choice(["x", "y", "w"], int(self.generator.integers(1, 3)))]
        if kinked:
            factors.append(self.kink())
        elif self.generator.random() < 0.2:
            factors.append(self.pick(("tanh(x)", "cos(w)", "exp(-y**2)", "tanh(x - y)")))
        text = "*".join(factors)
        if self.generator.random() < 0.15:
            text += f"/{self.pick(('x', 'w', '(1 + x**2)', '(y - 0.3)', '(x + y)'))}"
        return text

    def rule_text(self) -> str:
        """Return a rule of one to three terms, most with a threshold."""
        self.scale = abs(self.number(12.0))
        terms = [self.term(self.generator.random() < 0.6) for _ in range(int(self.generator.integers(1, 4)))]
        return " + ".join(terms)


def rule(text: str) -> Rule:
    """Return the one rule of a text."""
    return parse_rules(text).only()


def slot(found: Rule) -> Expression:
    """Return the expression of the one slot."""
    return next(iter(found.slots.values()))


def with_slot(found: Rule, expression: Expression) -> Rule:
    """Return the rule with another expression in its one slot."""
    return replace(found, slots={next(iter(found.slots)): expression})


def by_algebra(make: Maker) -> Pair:
    """Commute, associate, distribute, factor, split numbers; three in ten are scaled as well."""
    first = rule(make.rule_text())
    expression = slot(first)
    for _ in range(int(make.generator.integers(1, 7))):
        expression = rewritten(expression, make.generator)
    if make.generator.random() < 0.3:
        expression = Expression.apply("mul", Expression.number(abs(make.number())), expression)
        return Pair("scaled", first, with_slot(first, expression))
    return Pair("rewritten", first, with_slot(first, expression))


def _other_kink(part: Expression, make: Maker) -> Expression:
    head, arguments = part.head, part.arguments
    build, number = Expression.apply, Expression.number
    assert isinstance(head, Operator)
    first, last = arguments[0], arguments[-1]
    double = build("mul", number(float(f"{10 ** make.generator.uniform(-3, 3):.3g}")), first)
    match head.name:
        case "relu":
            return build("div", build("add", first, build("abs", first)), number(2.0))
        case "abs":
            return build("add", build("relu", first), build("relu", build("neg", first)))
        case "sign":
            return build("sub", build("step", first), build("step", build("neg", first)))
        case "step":
            return build("step", double)
        case "max":
            return build("add", first, build("relu", build("sub", last, first)))
        case _:
            return build("neg", build("max", build("neg", first), build("neg", last)))


def kink_places(expression: Expression) -> list[int]:
    """Return where the functions with two branches stand."""
    names = ("step", "relu", "abs", "sign", "min", "max")
    return [k for k, node in enumerate(expression.nodes) if isinstance(node, Operator) and node.name in names]


def exchanged(expression: Expression, place: int, part: Expression) -> Expression:
    """Return an expression with another sub-expression at a place."""
    end = expression.subtree_end(place)
    return Expression(expression.nodes[:place] + part.nodes + expression.nodes[end:])


def at(expression: Expression, place: int) -> Expression:
    """Return the sub-expression at a place."""
    return Expression(expression.nodes[place : expression.subtree_end(place)])


def by_kinks(make: Maker) -> Pair:
    """Write one kink by others: relu(u) = (u + abs(u))/2, max(a, b) = a + relu(b - a), and so on."""
    while True:
        first = rule(make.rule_text())
        places = kink_places(slot(first))
        if places:
            place = make.pick(places)
            other = exchanged(slot(first), place, _other_kink(at(slot(first), place), make))
            return Pair("kinks rewritten", first, with_slot(first, other), frozenset(("compare", "fingerprint")))


def by_states(make: Maker) -> Pair:
    """Double a trace, scale or split a low-pass, measure an eligibility in other units; or change what it is."""
    a, b, c = (abs(make.number(12.0)) for _ in range(3))
    tau = float(f"{make.generator.uniform(5, 50):.3g}")
    ratio = a / b
    equal = [
        (f"on_pre: y + y2; tau_y = {tau} ms; tau_y2 = {tau} ms", f"on_pre: 2*y; tau_y = {tau} ms"),
        (f"{b}*x*m; m = lowpass({a}*y, {tau})", f"{a * b}*x*m; m = lowpass(y, {tau})"),
        (
            f"x*m; m = lowpass({a}*y + {b}*x*w, {tau})",
            f"x*({a}*p + {b}*q); p = lowpass(y, {tau}); q = lowpass(w*x, {tau})",
        ),
        (f"w*(p + q); p = lowpass(y, {tau}); q = lowpass({a}*x, {tau})", f"w*m; m = lowpass(y + {a}*x, {tau})"),
        (
            f"on_post: E; E = synaptic(on_pre: {a}*y; tau = 1 s); tau_y = {tau} ms",
            f"on_post: {ratio!r}*E; E = synaptic(on_pre: {b}*y; tau = 1 s); tau_y = {tau} ms",
        ),
        (f"y*relu(m - {c}); m = lowpass({a}*y, {tau})", f"{a}*y*relu(m - {c / a!r}); m = lowpass(y, {tau})"),
    ]
    different = [
        (f"on_pre: y + y2; tau_y = {tau} ms; tau_y2 = {1.01 * tau:.4g} ms", f"on_pre: 2*y; tau_y = {tau} ms"),
        (f"on_pre: y; y = trace(post, {tau} ms)", f"on_pre: y; y = trace(post, {tau} ms, nearest)"),
        (f"x*m; m = lowpass({a}*y, {tau})", f"{a}*x*m; m = lowpass(y, {1.001 * tau:.5g})"),
        (f"x*m; m = lowpass({a}*y**2, {tau})", f"{a}*x*m**2; m = lowpass(y, {tau})"),
        (f"x*m; m = lowpass({a}*y*y/y, {tau})", f"{a}*x*m; m = lowpass(y, {tau})"),
        (
            f"on_post: E; E = synaptic(on_pre: {a}*y; tau = 1 s); tau_y = {tau} ms",
            f"on_post: {a}*E; E = synaptic(on_pre: y; tau = 1.01 s); tau_y = {tau} ms",
        ),
        (f"y*relu(m - {0.3 * a!r}); m = lowpass({a}*y, {tau})", f"{a}*y*relu(m - 0.31); m = lowpass(y, {tau})"),
    ]
    same = make.generator.random() < 0.5
    one, other = make.pick(equal if same else different)
    return Pair(
        "states rewritten" if same else "states changed", rule(one), rule(other), frozenset(("compare", "simplify"))
    )


def by_set(make: Maker) -> Pair:
    """Two rules that are the same on a set of values; they are asked with the set, or without it."""
    rest = make.rule_text()
    a = make.text(make.number())
    options = [
        (f"relu(w)*{a}*x", f"w*{a}*x", "w in [0, 1]"),
        (f"{a}*y*y/y", f"{a}*y", "y in [0.1, 2]"),
        (f"{a}*R**2*x", f"{a}*x", "R in {-1, 1}"),
        (f"{a}*x + relu(w - 1.5)", f"{a}*x", "w in [0, 1]"),
        (f"{a}*abs(y)*x", f"{a}*y*x", "y in [0, inf]"),
        (f"{a}*exp(log(y))", f"{a}*y", "y in [0.5, 3]"),
        (f"{a}*min(w, 2)*y", f"{a}*w*y", "w in [0, 1]"),
        (f"{a}*relu(w - 0.9)*y", f"{a}*0*y", "w in [0, 1]"),
        (f"{a}*step(y - 0.05)*x", f"{a}*x", "y in [0.1, 2]"),
    ]
    one, other, where = make.pick(options)
    inside = "/" not in rest and make.generator.random() < 0.7
    first, second = (rule(f"{text} + {rest}" if inside and "R" not in where else text) for text in (one, other))
    asked = frozenset(("compare",)) if inside else frozenset(("compare", "fingerprint"))
    return Pair("on a set" if inside else "same on a set only", first, second, asked, where if inside else "")


def by_change(make: Maker) -> Pair:
    """Move a threshold or a coefficient, take another kink, or saturate a factor."""
    while True:
        first = rule(make.rule_text())
        expression = slot(first)
        kinks = kink_places(expression)
        numbers = [k for k, node in enumerate(expression.nodes) if isinstance(node, Number)]
        choice = make.pick(("number", "number", "kink", "saturated", "far"))
        if choice == "number" and numbers:
            place = make.pick(numbers)
            value = expression.nodes[place].value  # type: ignore[union-attr]
            changed = value * (1.0 + float(make.generator.choice((-1.0, 1.0))) * 10.0 ** make.generator.uniform(-5, -1))
            return Pair(
                "number moved", first, with_slot(first, exchanged(expression, place, Expression.number(changed)))
            )
        if choice == "kink" and kinks:
            place = make.pick(kinks)
            part = at(expression, place)
            names = ("min", "max") if len(part.arguments) == 2 else ("step", "relu", "abs", "sign", "neg")
            other = Expression.apply(make.pick([name for name in names if name != part.head.name]), *part.arguments)  # type: ignore[union-attr]
            return Pair("kink exchanged", first, with_slot(first, exchanged(expression, place, other)))
        if choice == "saturated":
            a = make.text(make.number())
            return Pair("saturated", rule(f"{a}*x*y"), rule(f"{a}*tanh({make.pick(('x', '0.1*x', '3*x'))})*y"))
        if choice == "far":
            text = make.rule_text()
            where = make.text(10.0 ** float(make.generator.uniform(1, 12)))
            return Pair("threshold far away", rule(text), rule(f"{text} + {make.scale:.3g}*relu(x - {where})"))


def by_hole(make: Maker) -> Pair:
    """Take a value away: at zero, below zero, where two symbols are equal or opposite, or at a number."""
    text = make.rule_text()
    name = make.pick(("x", "y", "w"))
    c = make.text(float(f"{make.generator.uniform(0.1, 3):.3g}"))
    options = [
        f"({text})*({name}/{name})",
        f"({text})*{name}*{name}/{name}**2",
        f"({text})*exp(log({name}))/{name}",
        f"{text} + 0*(1/{name})",
        f"{text} + sqrt({name})**2 - {name}",
        f"{text} + log({name}) - log({name})",
        f"({text})*(x - y)/(x - y)",
        f"({text})*((x + w)/(x + w))",
        f"({text})*(1 + {name})/({name} + 1)",
    ]
    if make.generator.random() < 0.2:
        other = f"({text})*({name} - {c})/({name} - {c})"
        return Pair("hole at a number", rule(text), rule(other), frozenset(("compare", "simplify")))
    return Pair("hole", rule(text), rule(make.pick(options)))


MAKERS: tuple[Callable[[Maker], Pair], ...] = (
    *(by_algebra,) * 4,
    *(by_kinks,) * 2,
    *(by_states,) * 2,
    *(by_set,) * 2,
    *(by_change,) * 4,
    *(by_hole,) * 2,
)


def _divide(a: Any, b: Any) -> Any:
    if b == 0:
        return _NAN if a == 0 or mpmath.isnan(a) else _INF if a > 0 else -_INF
    return a / b


def _power(a: Any, b: Any) -> Any:
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
        if row.name in ("add", "sub", "min", "max"):
            size = max(of_a, of_b)
        elif row.name == "mul":
            size = max(abs(a) * of_b, abs(b) * of_a)
        elif row.name == "div" and b:
            size = max(of_a, abs(value) * of_b) / abs(b)
        elif row.name in ("neg", "abs", "relu"):
            size = of_a
        else:
            size = abs(value)
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


def seen(pair: Pair) -> dict[str, float]:
    """Return the factor that each notion that is asked gives, 0 where it calls them different."""
    first, second = RuleSet.single(pair.first), RuleSet.single(pair.second)
    found: dict[str, float] = {}
    if "compare" in pair.asked:
        verdict = compare(first, [second], pair.reachable)[0]
        equal = verdict.verdict in ("identical", "equal", "equal-up-to-scale")
        found["compare"] = verdict.scale or 1.0 if equal else 0.0
    if "fingerprint" in pair.asked:
        found["fingerprint"] = float(pair.first.fingerprint() == pair.second.fingerprint())
    if "simplify" in pair.asked:
        keys = [canonical_key(simplify(each, pair.reachable).simplified) for each in (first, second)]
        found["simplify"] = float(keys[0] == keys[1])
    return found


def judged(notion: str, says: float, truth: float) -> str:
    """Return `right`, `false` (called equal, and is not) or `missed`; all but `compare` know no factor but 1."""
    expected = truth if notion == "compare" or truth == 1.0 else 0.0
    if says and not (expected and abs(says / expected - 1.0) < 1e-6):
        return "false"
    return "missed" if expected and not says else "right"


def run(count: int, generator: Randomness) -> dict[str, Any]:
    """Make pairs, ask, and count."""
    kinds: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    wrong: dict[str, list[str]] = {f"{what} by {notion}": [] for notion in NOTIONS for what in ("false", "missed")}
    disagreements: list[str] = []
    redrawn = changed = 0
    while sum(kinds.values()) < count:
        pair = MAKERS[int(generator.integers(len(MAKERS)))](Maker(generator))
        truth = decided(pair, generator)
        if truth is None:
            redrawn += 1
            continue
        kinds[f"{pair.kind}: {'different' if not truth else 'equal' if truth == 1.0 else 'scaled'}"] += 1
        text = f"{pair.first}  |  {pair.second}  |  {pair.on}  |  {pair.kind}  |  oracle {truth:.6g}"
        answers = seen(pair)
        for notion, says in answers.items():
            verdict = judged(notion, says, truth)
            if truth == 1.0 or (truth and notion == "compare"):
                equal[notion] += 1
                caught[notion] += verdict == "right"
            if verdict != "right":
                wrong[f"{verdict} by {notion}"].append(f"{text}, {notion} {says:.6g}")
        if len({says == 1.0 for says in answers.values()}) > 1:
            disagreements.append(f"{text}, {answers}")
        if "simplify" in pair.asked:
            after = simplify(RuleSet.single(pair.first), pair.reachable).simplified.only()
            if decided(Pair(pair.kind, pair.first, after, on=pair.on), generator) == 0.0:
                changed += 1
                wrong["false by simplify"].append(f"{pair.first}  ->  {after}")
    return {
        "pairs": count,
        "drawn_again": redrawn,
        "kinds": dict(sorted(kinds.items())),
        "false_equals": {notion: len(wrong[f"false by {notion}"]) for notion in NOTIONS},
        "share_of_equal_seen": {notion: caught[notion] / max(equal[notion], 1) for notion in NOTIONS},
        "disagreements": len(disagreements),
        "changed_by_simplify": changed,
        "examples": {key: texts[:9] for key, texts in wrong.items() if texts} | {"disagreements": disagreements[:9]},
    }


def main() -> None:
    """Run what was asked for and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(run(options.pairs, np.random.default_rng(np.random.SeedSequence([options.seed, 77]))), indent=2))


if __name__ == "__main__":
    main()
