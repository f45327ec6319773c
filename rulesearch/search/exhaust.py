"""What is left of a small grammar where proposals at random bring nothing new: all of it, by enumeration."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from rulesearch.expression.tree import Expression
from rulesearch.grammar import Grammar, RuleSlot
from rulesearch.grammar.functions import FunctionTable
from rulesearch.search.problem import Problem

_COMBINATIONS = 5_000_000
"""Combinations of functions that may be looked at; a grammar with more is left as it is."""
_BATCH = 200


def try_the_rest(problem: Problem) -> None:
    """Try every function that a search without a new proposal left out, where the grammar has no constants.

    The search then ends `exhausted`: no function of the grammar is left.
    """
    grammar = problem.grammar
    if problem.stopped_by != "nothing new" or grammar.constants:
        return
    table = FunctionTable(grammar, grammar.limits.size, _COMBINATIONS, expressions=True)
    table.fill_to(grammar.limits.size)
    if not table.complete:
        return
    problem.stopped_by, problem.patience = "", None
    sizes = range(1, grammar.limits.size + 1)
    everything = itertools.chain.from_iterable(functions_of_size(grammar, table, size) for size in sizes)
    while slots := list(itertools.islice(everything, _BATCH)):
        genomes = [problem.primitives.genome(each, {}) for each in slots]
        made = [problem.maker.make(genome, "enumerate", (), problem.progress.generation) for genome in genomes]
        new = [candidate for candidate in made if problem.is_new(candidate)]
        problem.evaluate(new)
        problem.promote([candidate for candidate in new if candidate.alive])
        if not problem.end_generation(len(new)):
            return
    problem.stopped_by = "exhausted"


def functions_of_size(grammar: Grammar, table: FunctionTable, size: int) -> Iterator[Mapping[RuleSlot, Expression]]:
    """Yield every candidate of a size over all slots, as expressions whose constants bear the names of their kinds."""
    limits = grammar.limits
    most = size if limits.rule_size is None else limits.rule_size

    def share(slots: tuple[RuleSlot, ...], left: int, of_rule: int) -> Iterator[dict[RuleSlot, Expression]]:
        """Yield what the slots may hold with all of `left`, where their first rule has `of_rule` nodes already."""
        if not slots:
            if left == 0:
                yield {}
            return
        slot, *others = slots
        start = grammar.slots[slot]
        is_last = not others or others[0].rule != slot.rule
        if slot in grammar.optional_slots and (of_rule or not is_last):
            yield from share(tuple(others), left, 0 if is_last else of_rule)
        for own in range(1, min(left, most - of_rule) + 1):
            if not table.number(start, own):
                continue
            for rest in share(tuple(others), left - own, 0 if is_last else of_rule + own):
                for expression in table.functions(start, own):
                    yield {slot: expression, **rest}

    yield from share(tuple(grammar.slots), size, 0)
