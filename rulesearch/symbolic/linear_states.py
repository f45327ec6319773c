"""States by what they are: of one definition one symbol, factors and sums taken out of what is linear.

A low-pass is linear, and so is a synaptic state that does not read itself: with L a low-pass of one time constant,
L[2 y + x w] = 2 L[y] + L[x w]. A synaptic state E that reads itself may still be measured in other units: c E' for E
turns its slots f(E) into f(c E')/c. All start at 0, so that this holds at every time. Nearest-spike traces do not add,
and a jump of a trace is 1: there is nothing to take out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SLOTS, Lowpass, State, Trace
from rulesearch.symbolic.coefficient import ONE
from rulesearch.symbolic.holes import Holes, hole_text
from rulesearch.symbolic.normal_form import NormalForm
from rulesearch.symbolic.polynomial import Monomial, Polynomial
from rulesearch.symbolic.shape import monomial_shape, shape
from rulesearch.symbolic.spelling import product_of, sum_of

_MOST_PARTS = 16
"""Sums of more terms are not taken apart."""


class LinearStates:
    """Writes expressions of a rule with its states replaced by what they are made of.

    The symbols of states become texts such as `[trace post all 0.02]` or `[lowpass y**2 10]`.

    **Arguments:** `exact`: time constants and coefficients count; `nonnegative`: symbols that are never below 0, states
    among them; `plain`: states that keep their names (and all states of the same definition with them).
    """

    def __init__(
        self,
        rule: Rule,
        exact: bool = True,
        nonnegative: Collection[str] = (),
        plain: Collection[str] = (),
    ) -> None:
        self.rule = rule
        self.exact = exact
        traces = {self._trace(state) for name, state in rule.states.items() if _is_trace(state) and name in nonnegative}
        self.algebra = NormalForm(rule.constant_values(), {*nonnegative, *traces})
        self.holes = Holes(self.algebra)
        self._plain: dict[Expression, str] = {}
        self._plain = {self._state(name, ()): name for name in plain if name in rule.states}

    def rewritten(self) -> Rule:
        """Return the rule with its states replaced; it declares none."""
        slots = {slot: self.written(expression) for slot, expression in self.rule.slots.items()}
        return replace(self.rule, slots=slots, states={})

    def written(self, expression: Expression, inside: tuple[str, ...] = ()) -> Expression:
        """Return an expression with its states replaced.

        **Arguments:** `inside`: the states whose definition is being written, the innermost last.
        """
        parts = {name: self._state(name, inside) for name in expression.symbols if name in self.rule.states}
        return expression.substitute(parts) if parts else expression

    def text(self, expression: Expression) -> str:
        """Return the terms of an expression whose states are replaced, with what it needs to be defined."""
        return self._terms_text(self.algebra.of(expression)) + hole_text(self.holes.of(expression))

    def _terms_text(self, terms: Polynomial) -> str:
        return self.algebra.text(terms) if self.exact else shape(self.algebra, terms)

    def _state(self, name: str, inside: tuple[str, ...]) -> Expression:
        if name in inside:
            return Expression.symbol(_own(inside.index(name)))
        state = self.rule.states[name]
        if isinstance(state, Trace):
            found = Expression.symbol(self._trace(state))
        elif isinstance(state, Lowpass):
            kind = "lowpass steps" if state.in_steps and self.exact else "lowpass"
            found = self._linear({"": state.expression}, state, (*inside, name), kind)
        else:
            found = self._linear(state.slots, state, (*inside, name), "synaptic")
        known = self._plain.get(found)
        return found if known is None else Expression.symbol(known)

    def _linear(self, slots: Mapping[str, Expression], state: State, inside: tuple[str, ...], kind: str) -> Expression:
        """Return the sum of simple states that a state with these drives is."""
        own = _own(len(inside) - 1)
        drives = {slot: self.written(slots[slot], inside) for slot in ("", *SLOTS) if slot in slots}
        terms = {slot: self.algebra.of(drive) for slot, drive in drives.items()}
        whole = any(self.holes.of(drive) for drive in drives.values()) or any(
            own in drive.symbols for drive in drives.values()
        )
        if whole or sum(map(len, terms.values())) > _MOST_PARTS:
            scale = self._unit(terms, own)
            texts = (
                f"{slot}: {self._terms_text(_in_units(each, own, scale))}{hole_text(self.holes.of(drives[slot]))}"
                for slot, each in terms.items()
            )
            symbol = Expression.symbol(self._label(f"{kind} {'; '.join(texts)}", state))
            return symbol if scale == 1.0 else product_of([Expression.number(scale), symbol])
        parts = [
            self._part(f"{slot}: " if slot else "", monomial, value, kind, state)
            for slot, each in terms.items()
            for monomial, (value, _) in each.items()
        ]
        return sum_of([(1, part) for part in parts])

    def _part(self, slot: str, monomial: Monomial, value: float, kind: str, state: State) -> Expression:
        text = self.algebra.monomial_text(monomial) if self.exact else monomial_shape(self.algebra, monomial)
        symbol = Expression.symbol(self._label(f"{kind} {slot}{text}", state))
        return symbol if value == 1.0 else product_of([Expression.number(value), symbol])

    def _unit(self, terms: Mapping[str, Polynomial], own: str) -> float:
        """Return the coefficient that a state is measured in, 1 where functions of the state forbid it."""
        inside = {name for each in terms.values() for monomial in each for name, _ in monomial if own in name}
        if inside - {own}:
            return 1.0
        for each in terms.values():
            for monomial in self.algebra.ordered(each):
                if own not in dict(monomial):
                    return each[monomial][0]
        return 1.0

    def _trace(self, state: State) -> str:
        assert isinstance(state, Trace)
        return self._label(f"trace {state.side} {state.pairing}", state)

    def _label(self, text: str, state: State) -> str:
        return f"[{text} {state.tau:.10g}]" if self.exact and state.tau is not None else f"[{text}]"


def duplicates(rule: Rule) -> dict[str, str]:
    """Return the names of states that are another one of the rule, each with the name of the first such."""
    found: dict[str, str] = {}
    if len(rule.states) > 1:
        states = LinearStates(rule)
        first: dict[Expression, str] = {}
        for name in rule.states:
            other = first.setdefault(states.written(Expression.symbol(name)), name)
            if other != name:
                found[name] = other
    return found


def merged(rule: Rule, same: Mapping[str, str]) -> Rule:
    """Return the rule with some of its states replaced by others, by name."""
    kept = {name: state for name, state in rule.states.items() if name not in same}
    return replace(rule, states=kept).renamed(same) if same else rule


def _is_trace(state: State) -> bool:
    return isinstance(state, Trace)


def _own(depth: int) -> str:
    """Return the symbol that stands for a state inside its own definition."""
    return f"[state {depth}]"


def _in_units(terms: Polynomial, own: str, scale: float) -> Polynomial:
    """Return f(c E)/c for f(E)."""
    if scale == 1.0:
        return terms
    return {
        monomial: (value * scale ** (dict(monomial).get(own, 0) - 1), ONE[1]) for monomial, (value, _) in terms.items()
    }
