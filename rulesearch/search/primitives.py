"""A grammar as DEAP's typed primitive set: one class per non-terminal, one typed primitive per production.

Trees are DEAP `PrimitiveTree`s. DEAP's own generation and crossover draw from Python's global random state and
list types in memory order, so that runs do not repeat (DEAP issues 190 and 624); variation is therefore ours
(`variation.py`) and takes a Generator.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

import numpy as np
from deap import gp

from rulesearch.errors import RulesearchError
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Node, Number
from rulesearch.grammar import Derived, Grammar, Production, RuleName, RuleSlot, derive
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.search.genome import ConstantTerminal, Genome, Skeleton

_DERIVED_WEIGHT = 0.3
_CONSTANT_WEIGHT = 0.6
"""How often a leaf is drawn beside a symbol that the network itself provides: one that needs a state of its own (a
running mean, a second trace) and a constant are the more complicated choices."""


class GrammarPrimitives:
    """The primitive set of a grammar, and the way from trees to expressions and back."""

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

    def size(self, genome: Genome) -> int:
        """Number of nodes over all slots of all rules."""
        return sum(self.tree_size(tree) for tree in genome if tree is not None)

    def fits(self, genome: Genome) -> bool:
        """Return whether a genome is within the limits of size, and no rule of it is empty."""
        limits = self.grammar.limits
        if len(self.places) == 1 and limits.rule_size is None:
            return self.size(genome) <= limits.size and any(tree is not None for tree in genome)
        sizes = [
            sum(self.tree_size(genome[place]) for place in places if genome[place] is not None)
            for places in self.places.values()
        ]
        return sum(sizes) <= limits.size and all(0 < size <= limits.of_a_rule for size in sizes)

    def tree_size(self, nodes: Any) -> int:
        """Number of expression nodes of a tree or a part of one."""
        cost = self.cost
        return sum(1 if isinstance(node, ConstantTerminal) else cost[node.name] for node in nodes)

    def skeleton(self, genome: Genome) -> Skeleton:
        """Return the expressions of a genome with its constants named, and their values."""
        names: list[RuleName] = []
        values: list[float] = []
        kinds: list[str] = []
        slots: dict[RuleSlot, Expression] = {}
        for rule, places in self.places.items():
            first = len(values)
            for place in places:
                tree = genome[place]
                if tree is not None:
                    slots[self.slots[place]] = Expression(self._nodes(tree, values, kinds, first))
            names += [RuleName(rule, f"{self.prefix}{number}") for number in range(1, len(values) - first + 1)]
        return Skeleton(slots, tuple(names), tuple(values), tuple(kinds), self.times_read(genome))

    def times_read(self, genome: Genome) -> dict[RuleName, float]:
        """Return the searched time constants [s] of the symbols that a genome reads, in the grammar's order."""
        if not self.middle:
            return {}
        read = {
            RuleName(slot.rule, symbol)
            for slot, tree in zip(self.slots, genome, strict=True)
            for node in tree or ()
            if not isinstance(node, ConstantTerminal)
            for symbol in self.productions[node.name].template.symbols
        }
        return {name: genome.times[name] for name in self.middle if name in read}

    def parameter_kinds(self, skeleton: Skeleton) -> tuple[str, ...]:
        """Return the constant kind of every number that is fitted: constants, then time constants."""
        return (*skeleton.kinds, *(self.grammar.time_constants[key.name] for key in skeleton.times))

    def _nodes(self, tree: gp.PrimitiveTree, values: list[float], kinds: list[str], first: int) -> tuple[Node, ...]:
        """Return the nodes of a tree; its constants are added to `values`, of which its rule's begin at `first`."""
        nodes: list[Node] = []
        waiting: list[tuple[tuple[Node, ...], bool]] = []
        for node in tree:
            if isinstance(node, ConstantTerminal):
                values.append(node.value)
                kinds.append(node.kind)
                nodes.append(f"{self.prefix}{len(values) - first}")
            else:
                before, behind = self.parts[node.name]
                nodes += before
                if behind:
                    waiting += behind
                    continue
            # A subtree ends here, and with it those of which it was the last child.
            last = True
            while last and waiting:
                part, last = waiting.pop()
                nodes += part
        return tuple(nodes)

    def with_values(self, genome: Genome, values: tuple[float, ...]) -> Genome:
        """Return the genome with other values of its constants, in order of appearance, then of its time constants."""
        rest = list(values)
        trees = [
            None
            if tree is None
            else gp.PrimitiveTree(
                ConstantTerminal(node.kind, rest.pop(0), node.ret) if isinstance(node, ConstantTerminal) else node
                for node in tree
            )
            for tree in genome
        ]
        return Genome(trees, {**genome.times, **dict(zip(self.times_read(genome), rest, strict=True))})

    def random_times(self, rng: np.random.Generator) -> dict[RuleName, float]:
        """Return a time constant [s] from its prior for every symbol of a rule whose time constant is searched."""
        priors, kinds = self.grammar.constants, self.grammar.time_constants
        return {key: float(priors[kinds[key.name]].sample(rng)) for key in self.middle}

    def genome_of(self, rules: RuleSet) -> Genome:
        """Return the genome that derives rules with their constants and time constants.

        **Arguments:** `rules`: those of the grammar, and others that it does not search.
        **Raises:** `RulesearchError` where the grammar cannot derive them.
        """
        trees: dict[RuleSlot, gp.PrimitiveTree] = {}
        times = dict(self.middle)
        own = {name: rule for name, rule in rules.rules.items() if name in self.grammar.rules}
        for name, rule in self.grammar.named(RuleSet(own or rules.rules)).items():
            trees |= self._trees(name, rule)
            for symbol, state in rule.states.items():
                key = RuleName(name, symbol)
                if key in times and state.tau is not None:
                    prior = self.grammar.constants[self.grammar.time_constants[symbol]]
                    times[key] = min(max(state.tau, prior.low), prior.high)
        return self._filled(trees, times)

    def _trees(self, name: str, rule: Rule) -> dict[RuleSlot, gp.PrimitiveTree]:
        places = [(self.grammar.place(name, slot), part) for slot, part in rule.slots.items()]
        return {place: self._derived(place, part, rule.constants) for place, part in places}

    def genome(
        self, slots: Mapping[RuleSlot, Expression], constants: Mapping[str, float], signs: bool = True
    ) -> Genome:
        """Return the genome that derives given expressions, with time constants at the middle of their priors.

        **Arguments:** `constants`: values by name, or by kind; they may lie outside of the range of their kind;
        `signs`: whether signs may move.
        **Raises:** `RulesearchError` where the grammar cannot derive them.
        """
        values = {name: Number(value) for name, value in constants.items()}
        places = [(self.grammar.place(*key), part) for key, part in slots.items()]
        trees = {place: self._derived(place, part, values, False, signs) for place, part in places}
        return self._filled(trees, self.middle)

    def _filled(self, trees: Mapping[RuleSlot, gp.PrimitiveTree], times: Mapping[RuleName, float]) -> Genome:
        """Return the genome of trees by slot; raises `RulesearchError` where a slot is empty that must not be."""
        for slot in self.slots:
            if slot not in trees and slot not in self.optional:
                raise RulesearchError(
                    f"grammar {self.grammar.name} does not let the slot {self.grammar.label(slot)} be empty"
                )
        genome = Genome((trees.get(slot) for slot in self.slots), times)
        for rule, places in self.places.items():
            if len(self.places) > 1 and all(genome[place] is None for place in places):
                raise RulesearchError(f"grammar {self.grammar.name} does not let the rule {rule} be empty")
        return genome

    def _derived(
        self,
        place: RuleSlot,
        expression: Expression,
        constants: Mapping[str, Number],
        bounded: bool = True,
        signs: bool = True,
    ) -> gp.PrimitiveTree:
        start = self.grammar.core(self.grammar.slots[place])
        derived = derive(self.grammar, start, expression, constants, bounded, signs)
        if derived is None and bounded:
            # A published constant may lie outside of what the grammar searches; a rule grows from it all the same.
            derived = derive(self.grammar, start, expression, constants, False, signs)
        if derived is None:
            where = self.grammar.label(place)
            raise RulesearchError(
                f"grammar {self.grammar.name} cannot derive the expression in slot {where} as it is written; "
                f"see what it offers with: rulesearch grammars {self.grammar.name}"
            )
        return gp.PrimitiveTree(self._tree(derived))

    def _tree(self, derived: Derived) -> list[Any]:
        """Return the nodes of the tree that says a derivation."""
        production = derived.production
        kind = self.types[production.result]
        nodes: list[Any] = []
        if production.template.head not in self.grammar.constants:
            nodes.append(self.set.mapping[self.names[production.result, production.template]])
        for part in derived.parts:
            if isinstance(part, Derived):
                nodes += self._tree(part)
            elif part.value is None:
                raise RulesearchError(f"the constant {part.kind} has no value to begin with: give it a number")
            else:
                own = self.types[part.kind] if nodes else kind
                nodes.append(ConstantTerminal(part.kind, part.value, own))
        return nodes


def _never_called(*_: Any) -> None:
    raise TypeError("trees are encoded as bytecode, not called")
