"""Deriving an expression from a grammar: which productions write it, with which values of its constants.

At first node by node, as it is written, where operands of `+`, `*`, `min` and `max` may change places. Where that does
not do, signs are moved: `-0.5*y` may be `-(0.5*y)`, `x - 0.5*y` may be `x + (-0.5)*y`, and so on, so that a sign goes
into a constant where its range allows that. For each non-terminal and part of the expression it is asked whether the
part, and whether its negative, can be derived: the work is bounded by the product of their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rulesearch.expression.operators import OPERATORS, Operator
from rulesearch.expression.tree import Expression, Node, Number
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.parts import Production


@dataclass(frozen=True, slots=True)
class Chosen:
    """A constant of a derivation: its `kind` and `value` in base units, None where the kind stands for itself."""

    kind: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Derived:
    """A derivation: a production, and what stands for each non-terminal and constant kind in it, in order."""

    production: Production
    parts: tuple[Derived | Chosen, ...]

    def expression(self, grammar: Grammar) -> Expression:
        """Return what is derived, values in place of constants."""
        nodes: list[Node] = []
        following = iter(self.parts)
        for node in self.production.template.nodes:
            if not isinstance(node, str) or node in grammar.symbols:
                nodes.append(node)
                continue
            part = next(following)
            if isinstance(part, Derived):
                nodes += part.expression(grammar).nodes
            else:
                nodes.append(part.kind if part.value is None else Number(part.value, grammar.constants[part.kind].unit))
        return Expression(tuple(nodes))


def derive(
    grammar: Grammar,
    nonterminal: str,
    expression: Expression,
    constants: Mapping[str, Number] | None = None,
    bounded: bool = True,
    signs: bool = True,
) -> Derived | None:
    """Return a derivation of an expression from a non-terminal, None where there is none.

    A number stands for a constant kind whose range holds it and whose unit is its own (a number without a unit may take
    any); the name of a kind stands for itself, or for its value among the constants.
    **Arguments:** `constants`: values of names; `bounded`: whether values must lie in the ranges of their kinds;
    `signs`: whether they may move.
    """
    for signed in (False, True)[: 1 + signs]:
        found = _Deriver(grammar, constants or {}, bounded, signed).derive(nonterminal, expression, False)
        if found is not None:
            return found
    return None


Part = Derived | Chosen
Parts = tuple[Part, ...]
Way = tuple[Production, Node, tuple[Node, ...]]
"""A production, its outermost node, and the leaves below that."""


@lru_cache(maxsize=32)
def _ways(grammar: Grammar) -> dict[str, list[Way]]:
    # A fixed number is that number and nothing else, so productions with one come before those with constants.
    return {
        name: [
            (each, each.template.head, each.template.nodes[1:]) for each in sorted(grammar.expanded(name), key=_is_open)
        ]
        for name in grammar.productions
    }


def _is_open(production: Production) -> bool:
    return not any(isinstance(node, Number) for node in production.template.nodes)


class _Deriver:
    """One attempt, with signs as they are written or `signed`: moved. What was tried is known."""

    def __init__(self, grammar: Grammar, constants: Mapping[str, Number], bounded: bool, signed: bool) -> None:
        self.grammar, self.constants, self.bounded, self.signed = grammar, constants, bounded, signed
        self._known: dict[tuple[str, Expression, bool], Derived | None] = {}
        self._open: set[tuple[str, Expression, bool]] = set()
        self._cut = 0

    def derive(self, name: str, part: Expression, negative: bool) -> Derived | None:
        """Return a derivation of a part, or of its negative, from a non-terminal."""
        if self.signed:
            part, negative = _unsigned(part, negative)
        key = name, part, negative
        if key in self._known:
            return self._known[key]
        if key in self._open:
            self._cut += 1
            return None
        self._open.add(key)
        cut = self._cut
        found = self._first(name, part, negative)
        self._open.discard(key)
        # A failure that rests on one that is still open may not be the last word.
        if found is not None or cut == self._cut:
            self._known[key] = found
        return found

    def _first(self, name: str, part: Expression, negative: bool) -> Derived | None:
        head = part.head
        ways = _ways(self.grammar)[name]
        if head in self.grammar.constants:
            ways = sorted(ways, key=lambda way: way[0].template.head != head)
        for production, wanted, leaves in ways:
            if not isinstance(wanted, Operator):
                parts = self._leaf(wanted, part, negative)
            elif self.signed or wanted is head:
                parts = self._match(wanted, leaves, part, negative)
            else:
                continue
            if parts is not None:
                return Derived(production, parts)
        return None

    def _match(self, wanted: Operator, leaves: Sequence[Node], part: Expression, negative: bool) -> Parts | None:
        """Return what stands for the leaves of a production of an operator that writes a part, or its negative."""
        for operands in self._operands(wanted, leaves[-1], part, negative):
            found: list[Part] = []
            for leaf, (operand, sign) in zip(leaves, operands, strict=True):
                inner = self._leaf(leaf, operand, sign)
                if inner is None:
                    break
                found += inner
            else:
                return tuple(found)
        return None

    def _leaf(self, wanted: Node, part: Expression, negative: bool) -> Parts | None:
        if isinstance(wanted, str) and wanted in self.grammar.productions:
            found = self.derive(wanted, part, negative)
            return None if found is None else (found,)
        part, negative = _unsigned(part, negative) if self.signed else (part, negative)
        if part.size != 1:
            return None
        head = part.head
        number = self.constants.get(head) if isinstance(head, str) else head if isinstance(head, Number) else None
        if isinstance(wanted, Number):
            value = None if number is None else -number.value if negative else number.value
            return () if value == wanted.value else None
        if wanted in self.grammar.constants and number is not None:
            value = -number.value if negative else number.value
            return (Chosen(str(wanted), value),) if self._holds(str(wanted), value, number.unit) else None
        if head != wanted or negative:
            return None
        return (Chosen(str(wanted), None),) if wanted in self.grammar.constants else ()

    def _holds(self, kind: str, value: float, unit: str) -> bool:
        prior = self.grammar.constants[kind]
        return prior.takes(unit) and (not self.bounded or prior.low <= value <= prior.high)

    def _operands(
        self, wanted: Operator, last: Node, part: Expression, negative: bool
    ) -> Iterator[list[tuple[Expression, bool]]]:
        """Yield operands, each with whether its negative is meant, that an operator makes a part (or negative) of."""
        head = part.head
        if not self.signed:
            written = [(each, False) for each in part.arguments]
            yield written
            if wanted.commutes:
                yield written[::-1]
            return
        if wanted.name == "neg":
            yield [(part, not negative)]
            return
        if not isinstance(head, Operator):
            return
        operands = part.arguments
        if {wanted.name, head.name} <= {"add", "sub"}:
            first, second = operands
            # The signs of both terms, and those that the template gives them.
            signs = negative, negative != (head.name == "sub")
            flips = wanted.name == "sub"
            yield [(first, signs[0]), (second, signs[1] != flips)]
            yield [(second, signs[1]), (first, signs[0] != flips)]
        elif wanted is not head:
            return
        elif head.name in ("mul", "div"):
            for sign in (negative, not negative):
                yield [(operands[0], sign), (operands[1], sign != negative)]
                if head.commutes:
                    yield [(operands[1], sign), (operands[0], sign != negative)]
        elif head.name == "pow" and isinstance(last, Number) and last.value == int(last.value):
            signs_of_base = (negative,) if last.value % 2 else () if negative else (False, True)
            for sign in signs_of_base:
                yield [(operands[0], sign), (operands[1], False)]
        elif not negative:
            yield [(each, False) for each in operands]
            if head.commutes:
                yield [(each, False) for each in operands[::-1]]


def _unsigned(part: Expression, negative: bool) -> tuple[Expression, bool]:
    """Return a part without the sign that it begins with, and whether its negative is meant then."""
    while True:
        head = part.head
        if head is OPERATORS["neg"]:
            part, negative = part.arguments[0], not negative
        elif isinstance(head, Number) and head.value < 0.0:
            return Expression((Number(-head.value, head.unit),)), not negative
        else:
            return part, negative
