"""Pairs of rules made equal, scaled or different at random, for `verdicts.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from symbolic import rewritten

from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules import Rule, parse_rules
from rulesearch.symbolic import EVERYWHERE, Reachable, parse_reachable

Randomness = np.random.Generator

NOTIONS = ("compare", "fingerprint", "simplify")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rules and how the second came from the first.

    **Fields:** `asked`: the notions that are asked; `on`: the set on which they are compared; `same`: they were made
    equal or scaled, None where a number was moved, which may be either; `there`: a point at which they differ.
    """

    kind: str
    first: Rule
    second: Rule
    same: bool | None
    asked: frozenset[str] = frozenset(NOTIONS)
    on: str = ""
    there: Mapping[str, float] = field(default_factory=dict)

    @property
    def reachable(self) -> Reachable:
        """The set on which they are compared."""
        return parse_reachable([self.on]) if self.on else EVERYWHERE


@dataclass(slots=True)
class Maker:
    """Makes rules and pairs at random."""

    generator: Randomness
    scale: float = 1.0

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

    def region(self) -> tuple[str, frozenset[str], dict[str, float]]:
        """Return a term that is 0 but in a region of some symbols, who can be asked about it, and its centre."""
        names = [str(name) for name in self.generator.permutation(["x", "y", "w"])[: self.generator.integers(2, 4)]]
        offsets, centres = [], {"x": 0.37, "y": 0.61, "w": 0.83}
        for name in names:
            centre = centres[name] = self.number(2.0)
            half = float(f"{abs(centre) * 10.0 ** self.generator.uniform(-2.0, -0.3):.3g}")
            offsets.append(f"({name} - {self.text(centre)})/{half!r}")
        inside, asked = self.pick(
            (
                ("*".join(f"relu(1 - abs({each}))" for each in offsets), frozenset(NOTIONS)),
                ("*".join(f"step(1 - {each})*step(1 + {each})" for each in offsets), frozenset(NOTIONS)),
                (f"relu(1 - {' - '.join(f'({each})**2' for each in offsets)})", frozenset(NOTIONS)),
                # A search takes what is smooth and next to nothing at its points for nothing.
                (f"exp(-{' - '.join(f'({each})**2' for each in offsets)})", frozenset(("compare", "simplify"))),
            )
        )
        return f"{self.text(float(f'{self.scale * self.number(2.0):.3g}'))}*{inside}", asked, centres

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
        return Pair("scaled", first, with_slot(first, expression), True)
    return Pair("rewritten", first, with_slot(first, expression), True)


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
            return Pair("kinks rewritten", first, with_slot(first, other), True, frozenset(("compare", "fingerprint")))


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
    asked = frozenset(("compare", "simplify"))
    return Pair("states rewritten" if same else "states changed", rule(one), rule(other), same, asked)


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
        (f"{a}*step(y - 0.05)*x", f"{a}*x", "y in [0.1, 2]"),
    ]
    one, other, where = make.pick(options)
    inside = "/" not in rest and make.generator.random() < 0.7
    first, second = (rule(f"{text} + {rest}" if inside and "R" not in where else text) for text in (one, other))
    asked = frozenset(("compare",)) if inside else frozenset(("compare", "fingerprint"))
    return Pair("on a set" if inside else "same on a set only", first, second, inside, asked, where if inside else "")


def by_change(make: Maker) -> Pair:
    """Move a threshold or a coefficient, take another kink, or saturate a factor."""
    while True:
        first = rule(make.rule_text())
        expression = slot(first)
        kinks = kink_places(expression)
        numbers = [k for k, node in enumerate(expression.nodes) if isinstance(node, Number)]
        choice = make.pick(("number", "number", "kink", "saturated", "far", "region"))
        if choice == "number" and numbers:
            place = make.pick(numbers)
            value = expression.nodes[place].value  # type: ignore[union-attr]
            changed = value * (1.0 + float(make.generator.choice((-1.0, 1.0))) * 10.0 ** make.generator.uniform(-5, -1))
            moved = exchanged(expression, place, Expression.number(changed))
            return Pair("number moved", first, with_slot(first, moved), None)
        if choice == "kink" and kinks:
            place = make.pick(kinks)
            part = at(expression, place)
            names = ("min", "max") if len(part.arguments) == 2 else ("step", "relu", "abs", "sign", "neg")
            other = Expression.apply(make.pick([name for name in names if name != part.head.name]), *part.arguments)  # type: ignore[union-attr]
            return Pair("kink exchanged", first, with_slot(first, exchanged(expression, place, other)), None)
        if choice == "saturated":
            a = make.text(make.number())
            return Pair("saturated", rule(f"{a}*x*y"), rule(f"{a}*tanh({make.pick(('x', '0.1*x', '3*x'))})*y"), False)
        if choice == "region":
            text = make.rule_text()
            inside, asked, centre = make.region()
            second = rule(f"{text} + {inside}")
            return Pair("region of several thresholds", rule(text), second, False, asked, there=centre)
        if choice == "far":
            text = make.rule_text()
            where = make.text(10.0 ** float(make.generator.uniform(1, 12)))
            return Pair("threshold far away", rule(text), rule(f"{text} + {make.scale:.3g}*relu(x - {where})"), False)


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
        return Pair("hole at a number", rule(text), rule(other), False, frozenset(("compare", "simplify")))
    return Pair("hole", rule(text), rule(make.pick(options)), False)


MAKERS: tuple[Callable[[Maker], Pair], ...] = (
    *(by_algebra,) * 4,
    *(by_kinks,) * 2,
    *(by_states,) * 2,
    *(by_set,) * 2,
    *(by_change,) * 4,
    *(by_hole,) * 2,
)
