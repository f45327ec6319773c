"""Plain simplification: the shortest equal rule that a bounded, deterministic search finds.

For every sub-expression, from the leaves up, two candidates compete: the same operator on the shortest forms of
its arguments, and, where algebra cancelled nothing that the sub-expression needs to be defined, the shortest factoring
of its normal form. Whatever is chosen must agree with the original at fixed points; otherwise the original stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rulesearch.expression.operators import Operator
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import format_number
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, VOCABULARY, Lowpass, State, Synaptic, expressions_of
from rulesearch.symbolic.agreement import agrees
from rulesearch.symbolic.factoring import Factoring
from rulesearch.symbolic.holes import Holes
from rulesearch.symbolic.linear_states import duplicates, merged
from rulesearch.symbolic.normal_form import NormalForm, Terms
from rulesearch.symbolic.null_terms import null_terms
from rulesearch.symbolic.reachable import EVERYWHERE, Reachable
from rulesearch.symbolic.spelling import PLACEHOLDER, spelled

_ZERO = Expression.number(0)
_SIZES: dict[str, int] = {}
_SIZES_KEPT = 20_000
_WHOLE = "#"
"""First character of the symbols that stand for parts of an expression."""
_ALWAYS_FACTORED = 20
"""Sums of more terms than this, and than the tree has nodes, are not worth factoring again."""


@dataclass(frozen=True, slots=True)
class Simplification:
    """A set of rules in its shortest form.

    **Fields:** `simplified`; sizes before and after (nodes over all slots); `steps`: what was done, in sentences.
    """

    simplified: RuleSet
    size_before: int
    size_after: int
    steps: list[str]


def simplify(rules: RuleSet, on: Reachable = EVERYWHERE) -> Simplification:
    """Return the shortest equal rules found; named constants stay named where they stand alone, given rules stay.

    **Arguments:** `on`: the values that symbols can take; by default `y*y/y` is not `y`, which has a value at 0.
    **Raises:** `RulesearchError` where none of the rules reads such a symbol.
    """
    on.check_read(rules.rules.values())
    simplified: dict[str, Rule] = {}
    steps: list[str] = []
    for name, rule in rules.searched.items():
        same = duplicates(rule)
        shortener = _Shortener(merged(rule, same), on=on)
        shortener.steps += [f"the state {one} is {other}" for one, other in same.items()]
        simplified[name] = shortener.simplified()
        steps += [f"{name}: {step}" if len(rules.rules) > 1 else step for step in shortener.steps]
    result = rules.with_rules(simplified)
    return Simplification(result, rules.size, result.size, steps)


def simplify_rule(rule: Rule) -> Rule:
    """Return the shortest equal rule found."""
    return _Shortener(merged(rule, duplicates(rule))).simplified()


def canonical_size(rules: RuleSet) -> int:
    """Return the nodes over all slots after simplification; eta and given rules left out, a constant counts 1."""
    text = str(rules if not rules.given else RuleSet(rules.searched))
    size = _SIZES.get(text)
    if size is None:
        size = simplify(rules).size_after
        if len(_SIZES) >= _SIZES_KEPT:
            _SIZES.clear()
        _SIZES[text] = size
    return size


def rule_terms(rule: Rule) -> dict[str, Terms]:
    """Return the terms of every slot; named constants stay known to them."""
    algebra = NormalForm(rule.constant_values())
    return {slot: Terms(algebra, algebra.of(rule.slots[slot])) for slot in SLOTS if slot in rule.slots}


def rule_from_terms(rule: Rule, slots: Mapping[str, Terms]) -> Rule:
    """Return the rule whose slots are the shortest expressions found of these terms.

    **Arguments:** `rule` gives states, constants, bounds and eta; `slots`: terms by slot, all from one call of
    `rule_terms` (terms may have been left out or given other coefficients since).
    """
    shortener = _Shortener(rule, next(iter(slots.values())).algebra)
    chosen = {
        slot: shortener.spelled(shortener.factoring.shortest(slots[slot].polynomial)) for slot in SLOTS if slot in slots
    }
    kept = {slot: expression for slot, expression in chosen.items() if expression != _ZERO}
    return shortener.finished(kept or dict(list(chosen.items())[:1]), dict(rule.states))


class _Shortener:
    """Shortens the expressions of one rule."""

    def __init__(self, rule: Rule, algebra: NormalForm | None = None, on: Reachable = EVERYWHERE) -> None:
        self.rule = rule
        self.on = on
        self.values = rule.constant_values()
        self.algebra = algebra or NormalForm(self.values, on.nonnegative)
        self.holes = Holes(self.algebra, on.names)
        self.factoring = Factoring(self.algebra)
        self.steps: list[str] = []
        self._best: dict[Expression, Expression] = {}

    def simplified(self) -> Rule:
        """Return the simplified rule."""
        slots = self._slots(self.rule.slots, "")
        states: dict[str, State] = {}
        for name in self._read(slots):
            state = self.rule.states[name]
            if isinstance(state, Lowpass):
                state = replace(state, expression=self._shortened(state.expression, f"{name}: "))
            elif isinstance(state, Synaptic):
                state = replace(state, slots=self._slots(state.slots, f"{name}, "))
            states[name] = state
        return self.finished(slots, states)

    def _slots(self, slots: Mapping[str, Expression], where: str) -> dict[str, Expression]:
        """Return shortened slots; those that are 0 are left out, but one slot stays."""
        shortened: dict[str, Expression] = {}
        for slot in SLOTS:
            if slot in slots:
                alone = len(slots) == 1 and not where
                shortened[slot] = self._shortened(slots[slot], "" if alone else f"{where}{slot}: ")
        kept = {slot: expression for slot, expression in shortened.items() if expression != _ZERO}
        kept = kept or dict(list(shortened.items())[:1])
        self.steps += [f"{where}{slot} is 0 and is left out" for slot in shortened if slot not in kept]
        return kept

    def spelled(self, expression: Expression) -> Expression:
        """Return the expression in its spelling."""
        return spelled(expression, self.values)

    def _shortened(self, expression: Expression, where: str) -> Expression:
        """Return the shortest candidate that agrees with the expression at the fixed points."""
        plain = self.spelled(expression)
        candidates = [self._shortest(expression), plain]
        wholes: dict[str, Expression] = {}
        around = self._around_holes(expression, wholes)
        if wholes:
            candidates.append(self.spelled(self._shortest(around).substitute(wholes)))
        candidates.sort(key=self.factoring.cost)
        values = {**self.values, **{name: value for name, (value, _) in self.factoring.merged.items()}}
        chosen = next((each for each in candidates if agrees(expression, each, values, self.on, False)), expression)
        if chosen not in (expression, plain):
            self.steps += [where + step for step in null_terms(expression, self.algebra)]
        if chosen.size < expression.size and PLACEHOLDER not in to_text(chosen):
            self.steps.append(
                f"{where}{to_text(expression)} = {to_text(chosen)} ({expression.size} to {chosen.size} nodes)"
            )
        elif chosen.size < expression.size:
            self.steps.append(f"{where}shortened from {expression.size} to {chosen.size} nodes")
        # -0 is 0 as well.
        return _ZERO if chosen == _ZERO else chosen

    def _shortest(self, expression: Expression) -> Expression:
        known = self._best.get(expression)
        if known is not None:
            return known
        head = expression.head
        terms = self.algebra.of(expression)
        best = expression
        if isinstance(head, Operator):
            arguments = (self._shortest(argument) for argument in expression.arguments)
            best = self.spelled(Expression.apply(head.name, *arguments))
            if not self.holes.of(expression):
                if self.algebra.extent(terms) <= max(expression.size, _ALWAYS_FACTORED):
                    best = min(best, self.spelled(self.factoring.shortest(terms)), key=self.factoring.cost)
                self.factoring.learn(terms, best)
        self._best[expression] = best
        return best

    def _around_holes(self, expression: Expression, wholes: dict[str, Expression]) -> Expression:
        """Return the expression with symbols for its smallest parts that need something which algebra cancels.

        **Arguments:** `wholes` takes in the parts, shortened, by symbol.
        """
        if not self.holes.of(expression) or not isinstance(expression.head, Operator):
            return expression
        arguments = (self._around_holes(argument, wholes) for argument in expression.arguments)
        outer = Expression.apply(expression.head.name, *arguments)
        if not self.holes.of(outer):
            return outer
        part = self._shortest(outer.substitute(wholes))
        name = next((name for name, other in wholes.items() if other == part), f"{_WHOLE}{len(wholes)}")
        wholes[name] = part
        return Expression.symbol(name)

    def _read(self, slots: Mapping[str, Expression]) -> list[str]:
        """Return the states that the slots read, also through other states, in the order of the rule."""
        read = replace(self.rule, slots=slots).read
        return [name for name in self.rule.states if name in read]

    def finished(self, slots: Mapping[str, Expression], states: Mapping[str, State]) -> Rule:
        """Return the rule with new constants named, unread states and unused constants dropped."""
        names = self._names([*slots.values(), *(e for state in states.values() for e in expressions_of(state))])
        leaves = {name: Expression.symbol(given) for name, given in names.items()}
        known = {*self.rule.constants, *names.values()}
        final = {
            slot: spelled(expression.substitute(leaves), known)
            if leaves.keys() & set(expression.symbols)
            else expression
            for slot, expression in slots.items()
        }
        kept = {name: _substituted(state, leaves) for name, state in states.items()}
        kept = {name: kept[name] for name in self._read(final) if name in kept}
        constants = dict(self.rule.constants)
        for name, given in names.items():
            value, origin = self.factoring.merged[name]
            constants[given] = Number(value)
            source = origin.lstrip("*/")
            made = f"made of {source}" if source else "made of several constants"
            self.steps.append(f"{given} = {format_number(value)} is {made}")
        rule = replace(self.rule, slots=final, states=kept, constants=constants)
        used = {symbol for expression in rule.expressions() for symbol in expression.symbols}
        self.steps += [f"the constant {name} is not used" for name in self.rule.constants if name not in used]
        self.steps += [f"the state {name} is not read" for name in self.rule.states if name not in kept]
        return replace(rule, constants={name: number for name, number in constants.items() if name in used})

    def _names(self, expressions: list[Expression]) -> dict[str, str]:
        """Return names c1, c2, ... for the placeholders, in order of appearance."""
        taken = {*VOCABULARY, *self.rule.symbols, *self.rule.constants, *self.rule.states}
        names: dict[str, str] = {}
        number = 0
        for expression in expressions:
            for symbol in expression.symbols:
                if symbol.startswith(PLACEHOLDER) and symbol not in names:
                    number += 1
                    while f"c{number}" in taken:
                        number += 1
                    names[symbol] = f"c{number}"
        return names


def _substituted(state: State, leaves: Mapping[str, Expression]) -> State:
    if isinstance(state, Lowpass):
        return replace(state, expression=state.expression.substitute(leaves))
    if isinstance(state, Synaptic):
        return replace(state, slots={slot: each.substitute(leaves) for slot, each in state.slots.items()})
    return state
