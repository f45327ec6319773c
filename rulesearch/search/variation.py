"""Variation of typed trees: crossover, mutation and neighbours, each a function of its Generator alone.

Types are listed in tree order, never in memory order, so that a seed gives the same trees everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from deap import gp

from rulesearch.grammar import RuleName, names_of
from rulesearch.search.genome import ConstantTerminal, Filled, Genome
from rulesearch.search.growing import Growing, pick

_DRESSED = 0.3
"""How often what comes in with a new operator is more than a leaf."""

_BARING = 3
"""How often a function is taken away, to 8 other changes: good rules come with functions that nothing needs.

On task oja the first hit took 5,500 evaluations in the geometric mean of 80 seeds, and 7,600 of 40 without it.
"""


class Variation(Growing):
    """Makes new genomes within the limits of size from others."""

    def crossover(self, first: Genome, second: Genome, rng: np.random.Generator) -> Genome | None:
        """Return the first genome with one subtree replaced by one of the same type from the second.

        None where the two share no type or the child is too large.
        """
        at = pick(first.filled, rng)
        donors: dict[type, list[tuple[gp.PrimitiveTree, int, str]]] = {}
        for slot, other in second.filled:
            for index, node in enumerate(other):
                donors.setdefault(node.ret, []).append((other, index, self.primitives.slots[slot].rule))
        places = [index for index, node in enumerate(at.tree) if node.ret in donors]
        if not places:
            return None
        place = pick(places, rng)
        source, index, rule = pick(donors[at.tree[place].ret], rng)
        first = self._with_times_of(first, second, self.primitives.slots[at.slot].rule, rule)
        return self._replace(first, at, at.tree.searchSubtree(place), source[source.searchSubtree(index)])

    def exchange(self, first: Genome, second: Genome, rng: np.random.Generator) -> Genome | None:
        """Return the first genome with one whole rule, and its time constants, from the second.

        None where the child is too large.
        """
        rule = pick(tuple(self.primitives.places), rng)
        places = self.primitives.places[rule]
        trees = [second[place] if place in places else tree for place, tree in enumerate(first)]
        times = {key: (second if key.rule == rule else first).times[key] for key in first.times}
        child = Genome(trees, times)
        return child if self.primitives.fits(child) else None

    def join(
        self, first: Genome, second: Genome, rng: np.random.Generator, leafy: float, dressed: float
    ) -> Genome | None:
        """Return one operator over two whole trees of the same slot, or over a tree and a leaf.

        **Arguments:** `leafy`: chance of a leaf; `dressed`: chance that the leaf stands in a function.
        """
        at = pick(first.filled, rng)
        other = second[at.slot]
        kind = at.tree[0].ret
        options = [
            primitive for primitive in self.primitives.primitives[kind] if all(part is kind for part in primitive.args)
        ]
        if not options:
            return None
        primitive = pick(options, rng)
        rule = self.primitives.slots[at.slot].rule
        first = self._with_times_of(first, second, rule, rule)
        place = int(rng.random() * primitive.arity)
        new: list[Any] = [primitive]
        for index, argument in enumerate(primitive.args):
            if index == place:
                new += at.tree
            else:
                small = 2 if rng.random() < dressed else 1
                new += other if other is not None and rng.random() >= leafy else self.grow(argument, small, rng)
        return self._replace(first, at, slice(0, len(at.tree)), new)

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome | None:
        """Return the genome with one small random change; None where the change does not fit."""
        operators = [
            *[self.replace_node] * 2,
            *[self.insert_node] * 2,
            self.remove_node,
            self.replace_subtree,
            self.move_constant,
            self.toggle_slot,
        ]
        if self._functions(genome):
            operators += [self.remove_function] * _BARING
        return pick(operators, rng)(genome, rng)

    def replace_subtree(self, genome: Genome, rng: np.random.Generator) -> Genome | None:
        """Replace a random subtree by a random one of up to five nodes."""
        at = pick(genome.filled, rng)
        place = int(rng.random() * len(at.tree))
        new = self.grow(at.tree[place].ret, 1 + int(rng.random() * 5), rng)
        return self._replace(genome, at, at.tree.searchSubtree(place), new)

    def replace_node(self, genome: Genome, rng: np.random.Generator) -> Genome | None:
        """Replace one node by another of the same types: a leaf by a leaf, an operator by an operator."""
        at = pick(genome.filled, rng)
        place = int(rng.random() * len(at.tree))
        node = at.tree[place]
        if node.arity == 0:
            new = self.primitives.leaf(node.ret, rng)
            return self._replace(genome, at, slice(place, place + 1), [new])
        options = [p for p in self.primitives.primitives[node.ret] if p.args == node.args and p is not node]
        if not options:
            return None
        return self._replace(genome, at, slice(place, place + 1), [pick(options, rng)])

    def insert_node(self, genome: Genome, rng: np.random.Generator) -> Genome | None:
        """Put an operator above a random subtree; its other argument is a leaf, now and then in a function or sum."""
        at = pick(genome.filled, rng)
        place = int(rng.random() * len(at.tree))
        kind = at.tree[place].ret
        options = [
            (primitive, index)
            for primitive in self.primitives.primitives[kind]
            for index, argument in enumerate(primitive.args)
            if argument is kind
        ]
        if not options:
            return None
        primitive, chosen = pick(options, rng)
        span = at.tree.searchSubtree(place)
        new: list[Any] = [primitive]
        for index, argument in enumerate(primitive.args):
            small = 1 if rng.random() >= _DRESSED else 2 + int(rng.random() * 2)
            new += list(at.tree[span]) if index == chosen else self.grow(argument, small, rng)
        return self._replace(genome, at, span, new)

    def remove_node(self, genome: Genome, rng: np.random.Generator) -> Genome | None:
        """Replace an operator by one of its own arguments."""
        at = pick(genome.filled, rng)
        places = [index for index, node in enumerate(at.tree) if node.arity and node.ret in node.args]
        if not places:
            return None
        return self._bared(genome, at, pick(places, rng), rng)

    def remove_function(self, genome: Genome, rng: np.random.Generator) -> Genome | None:
        """Replace a function such as tanh by its argument."""
        functions = self._functions(genome)
        return self._bared(genome, *pick(functions, rng), rng) if functions else None

    def _functions(self, genome: Genome) -> list[tuple[Filled, int]]:
        """Return slot and index of every function that can be replaced by an argument of it."""
        functions = self.primitives.functions
        return [
            (at, index)
            for at in genome.filled
            for index, node in enumerate(at.tree)
            if node.name in functions and node.ret in node.args
        ]

    def _bared(self, genome: Genome, at: Filled, place: int, rng: np.random.Generator) -> Genome | None:
        """Return the genome with an operator replaced by one of its own arguments."""
        tree = at.tree
        begin, arguments = place + 1, []
        for argument in tree[place].args:
            span = tree.searchSubtree(begin)
            if argument is tree[place].ret:
                arguments.append(span)
            begin = span.stop
        return self._replace(genome, at, tree.searchSubtree(place), list(tree[pick(arguments, rng)]))

    def move_constant(self, genome: Genome, rng: np.random.Generator) -> Genome | None:
        """Move one constant: a factor around 1, now and then another sign, or a new value; or one time constant."""
        places = [
            (at, index)
            for at in genome.filled
            for index, node in enumerate(at.tree)
            if isinstance(node, ConstantTerminal)
        ]
        times = list(self.primitives.times_read(genome).items())
        number = int(rng.random() * (len(places) + len(times))) if times else 0
        if number >= len(places) and times:
            key, tau = times[number - len(places)]
            value = self._moved(self.primitives.grammar.time_constants[key.name], tau, rng)
            return Genome(genome, {**genome.times, key: value})
        if not places:
            return None
        at, index = places[number] if times else pick(places, rng)
        node = at.tree[index]
        value = self._moved(node.kind, node.value, rng)
        return self._replace(genome, at, slice(index, index + 1), [ConstantTerminal(node.kind, value, node.ret)])

    def _moved(self, kind: str, value: float, rng: np.random.Generator) -> float:
        prior = self.primitives.grammar.constants[kind]
        if rng.random() < 0.2:
            return float(prior.sample(rng))
        value *= float(np.exp(0.5 * rng.standard_normal())) * (-1.0 if rng.random() < 0.1 else 1.0)
        return min(max(value, prior.low), prior.high)

    def _with_times_of(self, first: Genome, second: Genome, rule: str, giver: str) -> Genome:
        """Return the first genome with the second one's time constants where it reads no such symbol itself.

        **Arguments:** `rule` takes those of the rule `giver`.
        """
        if not first.times:
            return first
        given = {RuleName(rule, name): tau for name, tau in names_of(giver, second.times).items()}
        return Genome(first, {**first.times, **given, **self.primitives.times_read(first)})

    def toggle_slot(self, genome: Genome, rng: np.random.Generator) -> Genome | None:
        """Empty an optional slot, or fill an empty one."""
        places = [index for index, slot in enumerate(self.primitives.slots) if slot in self.primitives.optional]
        if not places:
            return None
        place = pick(places, rng)
        parts = list(genome)
        if parts[place] is None:
            kind = self.primitives.start[self.primitives.slots[place]]
            parts[place] = gp.PrimitiveTree(self.grow(kind, 1 + int(rng.random() * 3), rng))
        else:
            parts[place] = None
        child = Genome(parts, genome.times)
        return child if self.primitives.fits(child) else None

    def neighbours(self, genome: Genome) -> Iterator[Genome]:
        """Yield every genome with one leaf or operator replaced by another, or one operator by an argument of it.

        Constants stay as they are.
        """
        for at in genome.filled:
            for place, node in enumerate(at.tree):
                span = at.tree.searchSubtree(place)
                if node.arity == 0:
                    others = [[leaf] for leaf in self.primitives.terminals[node.ret] if leaf is not node]
                    span = slice(place, place + 1)
                    yield from self._each(genome, at, span, others)
                    continue
                same = [[p] for p in self.primitives.primitives[node.ret] if p.args == node.args and p is not node]
                yield from self._each(genome, at, slice(place, place + 1), same)
                begin, inner = place + 1, []
                for argument in node.args:
                    part = at.tree.searchSubtree(begin)
                    if argument is node.ret:
                        inner.append(list(at.tree[part]))
                    begin = part.stop
                yield from self._each(genome, at, span, inner)

    def _each(self, genome: Genome, at: Filled, span: slice, choices: list[list[Any]]) -> Iterator[Genome]:
        for nodes in choices:
            child = self._replace(genome, at, span, nodes)
            if child is not None:
                yield child

    def _replace(self, genome: Genome, at: Filled, span: slice, nodes: list[Any]) -> Genome | None:
        parts = list(genome)
        parts[at.slot] = gp.PrimitiveTree([*at.tree[: span.start], *nodes, *at.tree[span.stop :]])
        child = Genome(parts, genome.times)
        return child if self.primitives.fits(child) else None
