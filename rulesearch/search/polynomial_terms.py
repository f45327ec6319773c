"""The terms of a polynomial per slot: what they are products of, and the genome that writes their sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from rulesearch.errors import RulesearchError
from rulesearch.expression.tree import Expression
from rulesearch.grammar import Grammar, RuleSlot, reachable
from rulesearch.search.genome import Genome
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.symbolic.polynomial import Monomial

Term = tuple[RuleSlot, tuple[str, ...]]
"""A slot, and the symbols whose product it is, one that is squared twice."""

Bases = Mapping[RuleSlot, tuple[str, tuple[str, ...]]]
"""The kind of the coefficients and the symbols of a polynomial, by slot."""


def polynomial_genome(primitives: GrammarPrimitives, terms: Iterable[Term], bases: Bases) -> Genome:
    """Return the genome of the sum of terms in each slot, each with a coefficient of 0.

    **Raises:** `RulesearchError` where the grammar cannot write it.
    """
    return primitives.genome(polynomials(terms, bases), {kind: 0.0 for kind, _ in bases.values()}, signs=False)


def polynomials(terms: Iterable[Term], bases: Bases) -> dict[RuleSlot, Expression]:
    """Return the sum of terms in each slot, each with the kind of its coefficient as a factor."""
    sums: dict[RuleSlot, Expression] = {}
    for slot, factors in terms:
        term = Expression.symbol(bases[slot][0])
        for name in factors:
            term = Expression.apply("mul", term, Expression.symbol(name))
        sums[slot] = Expression.apply("add", sums[slot], term) if slot in sums else term
    return sums


def least_coefficients(grammar: Grammar, terms: Iterable[Term], bases: Bases) -> list[float]:
    """Return the coefficient nearest to 0 that each term may have."""
    return [grammar.constants[bases[slot][0]].nearest(0.0) for slot, _ in terms]


def monomial_of(term: Term) -> tuple[RuleSlot, Monomial]:
    """Return slot and monomial of a term."""
    slot, factors = term
    return slot, tuple(sorted(Counter(factors).items()))


def can_write(primitives: GrammarPrimitives, terms: Iterable[Term], bases: Bases) -> bool:
    """Return whether a grammar can write a sum of terms."""
    try:
        polynomial_genome(primitives, terms, bases)
    except RulesearchError:
        return False
    return True


def bases_of(grammar: Grammar) -> Bases:
    """Return the kind of the coefficients and the symbols of the polynomial of each slot: those that it can read.

    Of several kinds of constants the first is taken whose range holds 0, if any does. Symbols with a definition of
    their own are left out, unless their time constant is searched.

    **Raises:** `RulesearchError` where a slot has no constants.
    """
    times, found = grammar.time_constants, {}
    for slot, start in grammar.slots.items():
        made = reachable([start], grammar.productions)
        read = {name for several in made.values() for each in several for name in each.template.symbols}
        kinds = [kind for kind in grammar.constants if kind in read and kind not in times.values()]
        if not kinds:
            of = "" if len(grammar.slots) == 1 else f" in {grammar.label(slot)}"
            raise RulesearchError(f"grammar {grammar.name} has no constants{of}; engine volterra fits nothing else")
        symbols = (name for name, symbol in grammar.symbols.items() if not symbol.definition or name in times)
        signed = (kind for kind in kinds if grammar.constants[kind].nearest(0.0) == 0.0)
        found[slot] = next(signed, kinds[0]), tuple(name for name in symbols if name in read)
    return found
