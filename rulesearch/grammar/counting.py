"""How many rules a grammar holds: derivations, and distinct functions."""

from __future__ import annotations

from dataclasses import dataclass

from rulesearch.grammar.derivations import convolve, derivation_table
from rulesearch.grammar.functions import DEFAULT_CAP, FunctionTable
from rulesearch.grammar.grammar import Grammar


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of candidates of exactly, and of at most, a size.

    **Fields:** derivations are exact; functions are those of `FunctionTable`: of exactly a size are those whose
    smallest candidate has that size, and a candidate with several slots counts once for each tuple of functions
    (an empty slot is one more choice; all slots empty is none). `complete`: no bound on work has cut; otherwise
    the numbers of functions are lower bounds. `work`: combinations that were evaluated.
    """

    size: int
    derivations_exactly: int
    derivations_up_to: int
    functions_exactly: int
    functions_up_to: int
    complete: bool
    work: int


def count(grammar: Grammar, size: int, cap: int = DEFAULT_CAP) -> Counts:
    """Return the numbers of derivations and of distinct functions of a grammar.

    **Arguments:** `size`: nodes over all slots; `cap`: combinations that are evaluated at most.
    """
    derivations = derivation_table(grammar).candidates(max(size, 0))[0]
    table = FunctionTable(grammar, size, cap)
    table.fill_to(size)
    functions = [1] + [0] * max(size, 0)
    optional = grammar.optional_slots
    for slot, start in grammar.slots.items():
        own = [int(slot in optional), *(table.number(start, nodes) for nodes in range(1, size + 1))]
        functions = convolve(functions, own)
    return Counts(
        size,
        derivations[size] if size > 0 else 0,
        sum(derivations[1:]),
        functions[size] if size > 0 else 0,
        sum(functions[1:]),
        table.complete,
        table.work,
    )
