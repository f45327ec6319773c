"""The control: random rules of the grammar, nothing learnt from their outcomes."""

from __future__ import annotations

from rulesearch.evaluation.seeds import generator
from rulesearch.search.candidate import Candidate
from rulesearch.search.engine import Engine
from rulesearch.search.exhaust import try_the_rest
from rulesearch.search.problem import Problem
from rulesearch.search.variation import Variation

_BATCH = 200
_ATTEMPTS = 20


class RandomEngine(Engine):
    """Draws rules at random, each function once."""

    name = "random"
    summary = "random rules of the grammar, uniform over sizes; the control that any search must beat"

    def search(self, problem: Problem) -> None:
        variation = Variation(problem.primitives)
        problem.try_start()
        while not problem.stopped_by:
            rng = generator(problem.seed, 1, problem.progress.generation)
            wanted = min(_BATCH, problem.left)
            batch: list[Candidate] = []
            for _ in range(_BATCH * _ATTEMPTS):
                size = 1 + int(rng.random() * variation.limit)
                candidate = problem.maker.make(
                    variation.random_genome(size, rng), "random", (), problem.progress.generation
                )
                if problem.is_new(candidate):
                    batch.append(candidate)
                if len(batch) == wanted:
                    break
            problem.evaluate(batch)
            problem.promote([candidate for candidate in batch if candidate.alive])
            problem.end_generation(len(batch))
        try_the_rest(problem)
