"""Growing typed trees and whole genomes at random, within the limits of size; each a function of its Generator alone.

Types are listed in tree order, never in memory order, so that a seed gives the same trees everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from deap import gp

from rulesearch.grammar import RuleSlot
from rulesearch.search.genome import Genome
from rulesearch.search.primitives import GrammarPrimitives

Item = TypeVar("Item")


def pick(items: Sequence[Item], rng: np.random.Generator) -> Item:
    """Return one item, each equally likely."""
    return items[int(rng.random() * len(items))]


class Growing:
    """Makes random trees and genomes from a grammar's primitives."""

    def __init__(self, primitives: GrammarPrimitives) -> None:
        self.primitives = primitives
        self.limit = primitives.grammar.limits.size
        self._known_options: dict[tuple[type, int], list[tuple[Any, list[tuple[int, ...]]]]] = {}

    def grow(self, kind: type, size: int, rng: np.random.Generator) -> list[Any]:
        """Return the nodes of a random subtree of exactly `size` nodes, or of the nearest smaller size there is.

        A size above the grammar's limit is as good as the limit.
        """
        table = self.primitives.sizes[kind]
        size = min(size, self.limit)
        while size > 1 and not table[size]:
            size -= 1
        if size <= 1 and not table[1]:
            # A type without leaves, of a template, has a least size above 1.
            size = table.index(True)
        options = self._options(kind, size)
        if size <= 1 or not options:
            return [self.primitives.leaf(kind, rng)]
        primitive, splits = pick(options, rng)
        nodes: list[Any] = [primitive]
        for argument, part in zip(primitive.args, pick(splits, rng), strict=True):
            nodes += self.grow(argument, part, rng)
        return nodes

    def _options(self, kind: type, size: int) -> list[tuple[Any, list[tuple[int, ...]]]]:
        """Return the primitives that make a tree of a size, each with the ways to share it among its arguments."""
        if (kind, size) not in self._known_options:
            self._known_options[kind, size] = [
                (p, splits) for p in self.primitives.primitives[kind] if (splits := self.primitives.splits(p, size))
            ]
        return self._known_options[kind, size]

    def random_genome(self, size: int, rng: np.random.Generator) -> Genome:
        """Return a random genome of about `size` nodes, shared among the slots at random, never above the limits.

        A leaf of several nodes, such as `-x`, may make one too large: then a smaller one is drawn.
        """
        genome = self._drawn(size, rng)
        while not self.primitives.fits(genome):
            size = max(1, size - 1)
            genome = self._drawn(size, rng)
        return genome

    def _drawn(self, size: int, rng: np.random.Generator) -> Genome:
        slots, most = self.primitives.slots, self.primitives.grammar.limits.of_a_rule
        filled: list[RuleSlot] = []
        for places in self.primitives.places.values():
            own = [slots[k] for k in places if slots[k] not in self.primitives.optional or rng.random() < 0.7]
            filled += own or [slots[pick(places, rng)]]
        shares = {slot: 1 for slot in filled}
        sizes = Counter(slot.rule for slot in filled)
        for _ in range(size - len(filled)):
            slot = pick(filled, rng)
            shares[slot] += 1
            sizes[slot.rule] += 1
            if len(sizes) > 1 and sizes[slot.rule] >= most:
                filled = [other for other in filled if other.rule != slot.rule]
                if not filled:
                    break
        trees = [
            gp.PrimitiveTree(self.grow(self.primitives.start[slot], shares[slot], rng)) if slot in shares else None
            for slot in slots
        ]
        return Genome(trees, self.primitives.random_times(rng))
