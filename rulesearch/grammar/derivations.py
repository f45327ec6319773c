"""Counting derivations exactly, and drawing them with equal chances.

The number N of derivations of a non-terminal A with n nodes follows from its productions, unit productions
closed over: N(A, n) is the sum over A's productions and over all ways to share the remaining nodes among their
children of the product of the children's numbers (the recursive method; Flajolet, Zimmermann and Van Cutsem
1994, doi:10.1016/0304-3975(94)90226-7). Python's integers keep every number exact.

Only sizes are kept to, the limit of one rule among them; the depth limit of a grammar is the business of who draws.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from rulesearch.errors import RulesearchError
from rulesearch.expression.tree import Expression
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.parts import Production
from rulesearch.grammar.slots import RuleSlot

LARGEST = 128
"""Nodes of the largest candidate that is counted or drawn."""


class DerivationTable:
    """Numbers of derivations by non-terminal and size, filled as far as asked for."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self._counts: dict[str, list[int]] = {name: [0] for name in grammar.productions}

    def count(self, nonterminal: str, size: int) -> int:
        """Return the number of derivations of a non-terminal with exactly `size` nodes."""
        if nonterminal not in self._counts:
            raise ValueError(f"{nonterminal!r} is not a non-terminal of the grammar {self.grammar.name!r}")
        if size < 1:
            return 0
        if size > LARGEST:
            raise RulesearchError(f"a size of {size} nodes is too large; expected at most {LARGEST}")
        for following in range(len(self._counts[nonterminal]), size + 1):
            # Children are smaller than their parent, so the rows of one size need only those below.
            row = {
                name: sum(self.ways(production, following) for production in self.grammar.expanded(name))
                for name in self._counts
            }
            for name, number in row.items():
                self._counts[name].append(number)
        return self._counts[nonterminal][size]

    def ways(self, production: Production, size: int) -> int:
        """Return the number of derivations with `size` nodes that begin with this production."""
        rest = size - production.own_size
        if not production.children:
            return int(rest == 0)
        if len(production.children) == 1:
            return self.count(production.children[0], rest)
        left, right = production.children
        return sum(self.count(left, first) * self.count(right, rest - first) for first in range(1, rest))

    def draw(self, nonterminal: str, rng: np.random.Generator, size: int) -> Expression:
        """Return a derivation with exactly `size` nodes, each with the same chance."""
        ticket = random_below(rng, self.count(nonterminal, size))
        for production in self.grammar.expanded(nonterminal):
            number = self.ways(production, size)
            if ticket < number:
                return production.fill(self._draw_children(production, rng, size - production.own_size))
            ticket -= number
        raise AssertionError("the numbers of the productions add up to the count")

    def _draw_children(self, production: Production, rng: np.random.Generator, rest: int) -> list[Expression]:
        if len(production.children) < 2:
            return [self.draw(child, rng, rest) for child in production.children]
        left, right = production.children
        shares = [self.count(left, first) * self.count(right, rest - first) for first in range(1, rest)]
        first = 1 + draw_weighted(rng, shares)
        return [self.draw(left, rng, first), self.draw(right, rng, rest - first)]

    def slot_counts(self, place: RuleSlot, size: int) -> list[int]:
        """Return the numbers of derivations of one slot with 0 to `size` nodes; an optional slot may have 0."""
        start = self.grammar.slots[place]
        empty = int(place in self.grammar.optional_slots)
        return [empty, *(self.count(start, nodes) for nodes in range(1, size + 1))]


Own = Callable[[RuleSlot, int], list[int]]
"""The numbers of what one slot may hold, with 0 to a given number of nodes."""


def rule_rows(grammar: Grammar, rule: str, own: Own, size: int) -> list[list[int]]:
    """Return, for each slot of a rule and size n up to `size`, how many ways it and the slots behind it have n nodes.

    The list has one more row, for no slot: one way to have 0 nodes.
    """
    rows = [[1] + [0] * size]
    for place in reversed(grammar.slots_of(rule)):
        rows.insert(0, convolve(own(place, size), rows[0]))
    return rows


def rule_counts(grammar: Grammar, rule: str, own: Own, size: int) -> list[int]:
    """Return how many ways a rule has 0 to `size` nodes: none is empty, none above the limit of one rule."""
    most = size if grammar.limits.rule_size is None else grammar.limits.rule_size
    counts = rule_rows(grammar, rule, own, size)[0]
    return [number if 0 < nodes <= most else 0 for nodes, number in enumerate(counts)]


def candidate_rows(grammar: Grammar, own: Own, size: int) -> list[list[int]]:
    """Return, for each rule and size n up to `size`, how many ways it and the rules behind it have n nodes.

    The first row counts candidates. The list has one more row, for no rule: one way to have 0 nodes.
    """
    rows = [[1] + [0] * size]
    for rule in reversed(grammar.rules):
        rows.insert(0, convolve(rule_counts(grammar, rule, own, size), rows[0]))
    return rows


def convolve(left: list[int], right: list[int]) -> list[int]:
    """Return the exact convolution of two lists of the same length, cut to that length."""
    return [sum(left[first] * right[total - first] for first in range(total + 1)) for total in range(len(left))]


@lru_cache(maxsize=32)
def derivation_table(grammar: Grammar) -> DerivationTable:
    """Return the table of a grammar, shared by all who ask."""
    return DerivationTable(grammar)


def random_below(rng: np.random.Generator, bound: int) -> int:
    """Return a whole number from 0 to `bound - 1`, each with the same chance, of any length."""
    bits = (bound - 1).bit_length()
    length = (bits + 7) // 8
    while True:
        number = int.from_bytes(rng.bytes(length), "little") & ((1 << bits) - 1)
        if number < bound:
            return number


def draw_weighted(rng: np.random.Generator, weights: list[int]) -> int:
    """Return an index with chances in proportion to exact whole weights."""
    ticket = random_below(rng, sum(weights))
    for index, weight in enumerate(weights):
        if ticket < weight:
            return index
        ticket -= weight
    raise AssertionError("the ticket is below the sum of the weights")


def sample(grammar: Grammar, rng: np.random.Generator, size: int) -> dict[RuleSlot, Expression]:
    """Return a candidate with exactly `size` nodes over all slots, each derivation with the same chance.

    An empty slot is absent and has 0 nodes; at least one slot of each rule is filled.
    **Raises:** `RulesearchError` where there is no candidate of that size.
    """
    table = derivation_table(grammar)
    rows = candidate_rows(grammar, table.slot_counts, max(size, 0))
    if size < 1 or not rows[0][size]:
        what = "rule" if len(grammar.rules) == 1 else "set of rules"
        raise RulesearchError(f"the grammar {grammar.name!r} has no {what} of {size} nodes; {_nearest(grammar, size)}")
    found: dict[RuleSlot, Expression] = {}
    for rule, behind in zip(grammar.rules, rows[1:], strict=True):
        share = size
        if rule != grammar.rules[-1]:
            own = rule_counts(grammar, rule, table.slot_counts, size)
            share = draw_weighted(rng, [own[nodes] * behind[size - nodes] for nodes in range(size + 1)])
        found |= _sample_rule(table, rule, rng, share)
        size -= share
    return found


def _sample_rule(table: DerivationTable, rule: str, rng: np.random.Generator, size: int) -> dict[RuleSlot, Expression]:
    grammar, found = table.grammar, dict[RuleSlot, Expression]()
    rows = rule_rows(grammar, rule, table.slot_counts, size)
    for place, behind in zip(grammar.slots_of(rule), rows[1:], strict=True):
        own = table.slot_counts(place, size)
        nodes = draw_weighted(rng, [own[nodes] * behind[size - nodes] for nodes in range(size + 1)])
        if nodes:
            found[place] = table.draw(grammar.slots[place], rng, nodes)
        size -= nodes
    return found


def sample_up_to(grammar: Grammar, rng: np.random.Generator, max_size: int) -> dict[RuleSlot, Expression]:
    """Return a candidate of at most `max_size` nodes: first a size that exists, then a candidate of it, uniformly.

    **Raises:** `RulesearchError` where there is no candidate so small.
    """
    existing = candidate_sizes(grammar, max_size)
    if not existing:
        raise RulesearchError(
            f"the grammar {grammar.name!r} has no rule of at most {max_size} nodes; {_nearest(grammar, max_size)}"
        )
    return sample(grammar, rng, existing[int(rng.integers(len(existing)))])


def sample_subtree(grammar: Grammar, nonterminal: str, rng: np.random.Generator, size: int) -> Expression:
    """Return a derivation of a non-terminal with exactly `size` nodes, each with the same chance.

    **Raises:** `RulesearchError` where there is none of that size.
    """
    table = derivation_table(grammar)
    if not table.count(nonterminal, size):
        raise RulesearchError(f"the non-terminal {nonterminal!r} of {grammar.name!r} has no derivation of {size} nodes")
    return table.draw(nonterminal, rng, size)


def sizes(grammar: Grammar, nonterminal: str, max_size: int) -> tuple[int, ...]:
    """Return the sizes up to `max_size` that a non-terminal has derivations of."""
    table = derivation_table(grammar)
    return tuple(size for size in range(1, max_size + 1) if table.count(nonterminal, size))


def candidate_sizes(grammar: Grammar, max_size: int) -> tuple[int, ...]:
    """Return the sizes up to `max_size` that whole candidates exist of."""
    totals = candidate_rows(grammar, derivation_table(grammar).slot_counts, max(max_size, 0))[0]
    return tuple(size for size in range(1, max_size + 1) if totals[size])


def _nearest(grammar: Grammar, size: int) -> str:
    existing = candidate_sizes(grammar, grammar.limits.size)
    if not existing:
        return "it has none within its limits"
    return f"the nearest size that exists is {min(existing, key=lambda known: (abs(known - size), known))}"
