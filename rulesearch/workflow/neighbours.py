"""What lies one node away from a cleaned front: the last, local step of a search.

A rule often evolves with a constant or a term that clean-up takes away. What is left was never a parent, so its
neighbours were never tried: here they are, with what the engine left of the budget.
"""

from __future__ import annotations

from collections.abc import Sequence

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import RuleSet
from rulesearch.search.candidate import Candidate
from rulesearch.search.deap_engine import neighbours_of
from rulesearch.search.problem import Problem
from rulesearch.search.variation import Variation

_PROMOTED = 6


def try_neighbours(problem: Problem, front: Sequence[RuleSet]) -> list[Candidate]:
    """Return the one-node neighbours of a cleaned front, as far as they ran; new ones are evaluated and archived.

    Known ones come along: the search seeds may have been unlucky for a rule that does well on others. Empty where
    the engine kept no reserve, ended for another reason than its budget, or has used it up.
    """
    left = problem.budget - problem.progress.distinct
    if problem.stopped_by != "budget" or problem.reserve == 0 or left <= 0:
        return []
    variation = Variation(problem.primitives)
    batch: list[Candidate] = []
    near: list[Candidate] = []
    for rules in front:
        try:
            genome = problem.primitives.genome_of(rules)
        except RulesearchError:
            continue  # clean-up writes some forms that the grammar cannot
        parent = problem.maker.make(genome, "clean-up", (), problem.progress.generation)
        if problem.is_new(parent):
            batch.append(parent)
        new, known = neighbours_of(problem, variation, genome, parent.key)
        batch += new
        near += known
    if not problem.staged:
        batch = batch[:left]
    problem.evaluate(batch)
    alive = sorted((child for child in batch if child.alive), key=lambda child: (child.rank, child.key))
    problem.promote(alive[: min(_PROMOTED, left)])
    problem.end_generation(len(batch))
    return [child for child in (*near, *alive) if child.full.ok]
