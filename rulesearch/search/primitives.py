"""From typed trees to rules and back: what a genome says, and the genome that derives given rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from deap import gp

from rulesearch.errors import RulesearchError
from rulesearch.expression.tree import Expression, Node, Number
from rulesearch.grammar import Derived, RuleName, RuleSlot, derive
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.search.genome import ConstantTerminal, Genome, Skeleton
from rulesearch.search.primitive_set import PrimitiveSet
from rulesearch.shipped import shipped_names


class GrammarPrimitives(PrimitiveSet):
    """The primitive set of a grammar, and the way from trees to expressions and back."""

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
            name = self.grammar.name if self.grammar.name in shipped_names("grammars") else "FILE.toml"
            raise RulesearchError(
                f"grammar {self.grammar.name} cannot derive the expression in slot {where} as it is written; "
                f"see what it offers with: rulesearch grammars {name}"
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
