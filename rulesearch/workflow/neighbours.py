"""What lies one node away from a cleaned front: the last, local step of a search.

A rule often evolves with a constant or a term that clean-up takes away. What is left was never a parent, so its
neighbours were never tried: here they are, with what the engine left of the budget.
"""

from __future__ import annotations

from collections.abc import Sequence

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import RuleSet
from rulesearch.search.candidate import Candidate
from rulesearch.search.deap_engine import new_neighbours
from rulesearch.search.problem import Problem
from rulesearch.search.variation import Variation

_PROMOTED = 6


def try_neighbours(problem: Problem, front: Sequence[RuleSet]) -> bool:
    """Evaluate each rule of a cleaned front and its new one-node neighbours; return whether there was any.

    Nothing is tried where the engine kept no reserve, or ended for another reason than its budget. The rules
    enter the archive as any other candidate does.
    """
    left = problem.budget - problem.progress.distinct
    if problem.stopped_by != "budget" or problem.reserve == 0 or left <= 0:
        return False
    variation = Variation(problem.primitives)
    batch: list[Candidate] = []
    for rules in front:
        rule = rules.only()
        try:
            genome = problem.primitives.genome(rule.slots, rule.constant_values())
        except RulesearchError:
            continue  # clean-up writes some forms that the grammar cannot
        parent = problem.maker.make(genome, "clean-up", (), problem.progress.generation)
        if problem.is_new(parent):
            batch.append(parent)
        batch += new_neighbours(problem, variation, genome, parent.key)
    if not problem.staged:
        batch = batch[:left]
    if not batch:
        return False
    problem.evaluate(batch)
    alive = sorted((child for child in batch if child.alive), key=lambda child: (child.rank, child.key))
    problem.promote(alive[: min(_PROMOTED, left)])
    problem.end_generation(len(batch))
    return True
