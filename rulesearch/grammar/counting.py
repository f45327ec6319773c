"""How many rules a grammar holds: derivations, and distinct functions."""

from __future__ import annotations

from dataclasses import dataclass

from rulesearch.grammar.derivations import candidate_rows, derivation_table
from rulesearch.grammar.functions import DEFAULT_CAP, FunctionTable
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.slots import RuleSlot


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of candidates of exactly, and of at most, a size.

    **Fields:** derivations are exact; functions are those of `FunctionTable`: of exactly a size are those whose
    smallest candidate has that size, and a candidate with several slots or rules counts once for each tuple of
    functions (an empty slot is one more choice; all slots of a rule empty is none). `complete`: no bound on work has
    cut; otherwise the numbers of functions are lower bounds. `work`: combinations that were evaluated.
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

    Of the grammar's limits that of one rule alone is kept to.

    **Arguments:** `size`: nodes over all slots of all rules; `cap`: combinations that are evaluated at most.
    """
    derivations = candidate_rows(grammar, derivation_table(grammar).slot_counts, max(size, 0))[0]
    table = FunctionTable(grammar, size, cap)
    table.fill_to(size)
    optional = grammar.optional_slots

    def own(place: RuleSlot, most: int) -> list[int]:
        start = grammar.slots[place]
        return [int(place in optional), *(table.number(start, nodes) for nodes in range(1, most + 1))]

    functions = candidate_rows(grammar, own, max(size, 0))[0]
    return Counts(
        size,
        derivations[size] if size > 0 else 0,
        sum(derivations[1:]),
        functions[size] if size > 0 else 0,
        sum(functions[1:]),
        table.complete,
        table.work,
    )
