"""A grammar as DEAP's typed primitive set: one class per non-terminal, one typed primitive per production.

Trees are DEAP `PrimitiveTree`s. DEAP's own generation and crossover draw from Python's global random state and
list types in memory order, so that runs do not repeat (DEAP issues 190 and 624); variation is therefore ours
(`variation.py`) and takes a Generator.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

import numpy as np
from deap import gp

from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Node, Number
from rulesearch.grammar import Grammar, Production, RuleName
from rulesearch.search.genome import ConstantTerminal

_DERIVED_WEIGHT = 0.3
_CONSTANT_WEIGHT = 0.6
"""How often a leaf is drawn beside a symbol that the network itself provides: one that needs a state of its own (a
running mean, a second trace) and a constant are the more complicated choices."""


class PrimitiveSet:
    """The primitives and leaves of a grammar by type, which sizes they make, and how often a leaf is drawn."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.slots = tuple(grammar.slots)
        self.places = {
            rule: tuple(place for place, slot in enumerate(self.slots) if slot.rule == rule) for rule in grammar.rules
        }
        self.optional = frozenset(grammar.optional_slots)
        # A constant that stands beside others in a production is a type of its own, with no leaf but constants.
        beside = [
            name
            for several in grammar.productions.values()
            for production in several
            for name in production.template.nodes[1:]
            if name in grammar.constants
        ]
        named = dict.fromkeys((*grammar.productions, *beside))
        self.types: dict[str, type] = {name: type(name, (), {}) for name in named}
        starts = [self.types[grammar.core(start)] for start in grammar.slots.values()]
        self.set = gp.PrimitiveSetTyped(grammar.name, [], starts[0])
        self.productions: dict[str, Production] = {}
        self.names: dict[tuple[str, Expression], str] = {}
        self.primitives: dict[type, list[gp.Primitive]] = {kind: [] for kind in self.types.values()}
        self.terminals: dict[type, list[gp.Terminal]] = {kind: [] for kind in self.types.values()}
        self.constant_kinds: dict[type, list[str]] = {kind: [] for kind in self.types.values()}
        self.start = dict(zip(self.slots, starts, strict=True))
        self.weights: dict[type, list[float]] = {}
        self.prefix = "c"
        taken = {*grammar.symbols, *grammar.productions}
        while any(f"{self.prefix}{index}" in taken for index in range(1, 100)):
            self.prefix += "_"
        self._fill()
        for kind in self.types.values():
            numbers = sum(self._is_number(terminal) for terminal in self.terminals[kind])
            weights = [self._weight(terminal, numbers) for terminal in self.terminals[kind]]
            weights += [_CONSTANT_WEIGHT] * len(self.constant_kinds[kind])
            self.weights[kind] = [float(total) for total in np.cumsum(weights)]
        self.cost = {
            name: len(production.template.nodes) - len(production.children)
            for name, production in self.productions.items()
        }
        self.parts = {name: self._parts(production) for name, production in self.productions.items()}
        self.functions = {
            name
            for name, production in self.productions.items()
            if isinstance(head := production.template.head, Operator) and not head.infix and production.children
        }
        self.sizes = self._possible_sizes()
        self.middle = {
            RuleName(rule, name): grammar.constants[kind].at(0.5)
            for rule in grammar.rules
            for name, kind in grammar.time_constants.items()
        }

    def _fill(self) -> None:
        for name in self.types.keys() & self.grammar.constants:
            self.constant_kinds[self.types[name]].append(name)
        for name in self.grammar.productions:
            kind = self.types[name]
            for index, found in enumerate(self.grammar.expanded(name)):
                production = self._with_constants(found)
                unique = self.names[name, found.template] = f"{name}_{index}"
                if production.children:
                    arguments = [self.types[child] for child in production.children]
                    self.set.addPrimitive(_never_called, arguments, kind, name=unique)
                    self.productions[unique] = production
                    self.primitives[kind].append(self.set.mapping[unique])
                    continue
                leaf = production.template.head
                if isinstance(leaf, str) and leaf in self.grammar.constants:
                    self.constant_kinds[kind].append(leaf)
                else:
                    self.set.addTerminal(production.template, kind, name=unique)
                    self.productions[unique] = production
                    self.terminals[kind].append(self.set.mapping[unique])

    def _with_constants(self, production: Production) -> Production:
        """Return a production with the constants that stand beside others in it as children."""
        nodes = production.template.nodes
        if len(nodes) == 1:
            return production
        children = tuple(node for node in nodes if isinstance(node, str) and node in self.types)
        return Production(production.result, production.template, children)

    def _parts(self, production: Production) -> tuple[tuple[Node, ...], list[tuple[tuple[Node, ...], bool]]]:
        """Return the nodes of a production before its first child, and those behind each, the last child's first.

        With each of these goes whether it ends the production.
        """
        parts: list[tuple[Node, ...]] = [()]
        children = list(production.children)
        for node in production.template.nodes:
            if children and node == children[0]:
                children.pop(0)
                parts.append(())
            else:
                parts[-1] += (node,)
        before, *behind = parts
        return before, [(part, index == 0) for index, part in enumerate(reversed(behind))]

    def _possible_sizes(self) -> dict[type, list[bool]]:
        limit = self.grammar.limits.size
        table = {kind: [False] * (limit + 1) for kind in self.types.values()}
        for kind, row in table.items():
            row[1] = bool(self.constant_kinds[kind])
            for terminal in self.terminals[kind]:
                row[min(limit, self.cost[terminal.name])] = True
        for size in range(2, limit + 1):
            for kind, row in table.items():
                row[size] = row[size] or any(self._fits(primitive, size, table) for primitive in self.primitives[kind])
        return table

    def _fits(self, primitive: gp.Primitive, size: int, table: Mapping[type, list[bool]]) -> bool:
        rest = size - self.cost[primitive.name]
        if primitive.arity == 1:
            return rest >= 1 and table[primitive.args[0]][rest]
        first, second = primitive.args
        return any(table[first][k] and table[second][rest - k] for k in range(1, rest))

    def splits(self, primitive: gp.Primitive, size: int) -> list[tuple[int, ...]]:
        """Return the ways to share `size` nodes among a primitive's arguments."""
        rest = size - self.cost[primitive.name]
        if primitive.arity == 1:
            return [(rest,)] if rest >= 1 and self.sizes[primitive.args[0]][rest] else []
        first, second = primitive.args
        return [(k, rest - k) for k in range(1, rest) if self.sizes[first][k] and self.sizes[second][rest - k]]

    def _is_number(self, terminal: gp.Terminal) -> bool:
        return isinstance(self.productions[terminal.name].template.head, Number)

    def _weight(self, terminal: gp.Terminal, numbers: int) -> float:
        """Return how often a leaf is drawn beside others; all fixed numbers of a type weigh as one constant."""
        template = self.productions[terminal.name].template
        if self._is_number(terminal):
            return _CONSTANT_WEIGHT / numbers
        derived = any(
            self.grammar.symbols[name].definition and name not in self.grammar.time_constants
            for name in template.symbols
            if name in self.grammar.symbols
        )
        return _DERIVED_WEIGHT if derived else 1.0

    def leaf(self, kind: type, rng: np.random.Generator) -> gp.Terminal:
        """Return a random leaf of a type; a constant gets a value from its prior."""
        weights = self.weights[kind]
        index = min(bisect_right(weights, rng.random() * weights[-1]), len(weights) - 1)
        if index < len(self.terminals[kind]):
            return self.terminals[kind][index]
        name = self.constant_kinds[kind][index - len(self.terminals[kind])]
        return ConstantTerminal(name, float(self.grammar.constants[name].sample(rng)), kind)


def _never_called(*_: object) -> None:
    raise TypeError("trees are encoded as bytecode, not called")
