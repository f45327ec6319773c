"""What a search begins with besides random rules: all functions of the smallest sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rulesearch.expression.tree import Expression, Number
from rulesearch.grammar import Grammar, RuleSlot
from rulesearch.grammar.functions import FunctionTable
from rulesearch.search.candidate import Candidate
from rulesearch.search.exhaust import functions_of_size
from rulesearch.search.genome import Genome
from rulesearch.search.problem import Problem

_MOST, _MOST_FITTED = 0.1, 0.6
"""Share of the budget that they may take; where their numbers are fitted, so that each need be tried but once."""
_DRAWS = 3
"""Random values that a structure's constants get where only full trials are dear."""
_NOTHING = Expression((Number(0.0),))

Slots = Mapping[RuleSlot, Expression]


def smallest(problem: Problem, top: int) -> list[Slots]:
    """Return all functions of at most `top` nodes that a search begins with.

    With one fidelity these are functions of all rules, as far as the budget allows it. Where screening is cheap beside
    full trials they are those of each rule alone, while the others are 0; none where these may not be 0.
    """
    if problem.staged:
        return _of_each_rule(problem.grammar, top) if problem.dear else []
    most = (_MOST_FITTED if problem.fits else _MOST) * problem.budget
    return _of_all_rules(problem, top, most)


def with_constants(problem: Problem, functions: Sequence[Slots], rng: np.random.Generator) -> list[Candidate]:
    """Return candidates of functions that were not met before, constants drawn at random."""
    batch = []
    for slots in functions:
        for _ in range(_DRAWS if problem.staged else 1):
            values = {kind: float(prior.sample(rng)) for kind, prior in problem.grammar.constants.items()}
            genome = Genome(problem.primitives.genome(slots, values), problem.primitives.random_times(rng))
            candidate = problem.maker.make(genome, "enumerate", (), 0)
            if problem.is_new(candidate):
                batch.append(candidate)
            if not candidate.constants:
                break
    return batch


def _of_all_rules(problem: Problem, top: int, most: float) -> list[Slots]:
    found: list[Slots] = []
    for level in _levels(problem.grammar, min(top, problem.grammar.limits.size)):
        if problem.fits:
            middle = {kind: prior.at(0.5) for kind, prior in problem.grammar.constants.items()}
            made = [(problem.maker.make(problem.primitives.genome(slots, middle), ""), slots) for slots in level]
            # The same structure may have other names of its traces.
            level = list({candidate.key: slots for candidate, slots in reversed(made)}.values())[::-1]
        if len(found) + len(level) > most:
            break
        found += level
    return found


def _of_each_rule(grammar: Grammar, top: int) -> list[Slots]:
    nothing = {rule: _place_of_nothing(grammar, rule) for rule in grammar.rules}
    found: list[Slots] = []
    for rule in grammar.rules:
        others = [place for name, place in nothing.items() if name != rule]
        idle = {place: _NOTHING for place in others if place is not None}
        if len(idle) < len(others):
            return []
        for level in _levels(grammar.for_rules([rule]), min(top, grammar.limits.of_a_rule)):
            found += [{**slots, **idle} for slots in level]
    return found


def _levels(grammar: Grammar, top: int) -> list[list[Slots]]:
    table = FunctionTable(grammar, top, expressions=True)
    table.fill_to(top)
    return [list(functions_of_size(grammar, table, size)) for size in range(1, top + 1)]


def _place_of_nothing(grammar: Grammar, rule: str) -> RuleSlot | None:
    """Return a slot that may be the number 0, no constant that is to be fitted; None where there is none."""
    for place in grammar.slots_of(rule):
        if any(made.template == _NOTHING for made in grammar.expanded(grammar.core(grammar.slots[place]))):
            return place
    return None
