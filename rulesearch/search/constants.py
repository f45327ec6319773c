"""Fitting the constants of a fixed structure by CMA-ES, several structures in lockstep so that workers stay busy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from rulesearch.fitting.evolution import cma_strategy
from rulesearch.search.candidate import Candidate
from rulesearch.search.problem import Problem

_WORST = 1e12


class ConstantFit:
    """One CMA-ES over the constants of a candidate, in units of their prior's range.

    A failed candidate is worse than any that ran: it gets no invented loss of its own, only the last rank.

    **Arguments:** `step`: first standard deviation; `l1`: what the sizes of the constants, in units
    of their range, add to the loss.
    """

    def __init__(
        self,
        problem: Problem,
        start: Candidate,
        rng: np.random.Generator,
        population: int,
        step: float = 0.1,
        l1: float = 0.0,
    ) -> None:
        self.problem = problem
        self.best = start
        kinds = problem.primitives.parameter_kinds(problem.primitives.skeleton(start.genome))
        self.priors = [problem.grammar.constants[kind] for kind in kinds]
        self.count = len(self.priors)
        centre = np.array(
            [prior.share(prior.nearest(value)) for prior, value in zip(self.priors, start.constants, strict=True)]
        )
        # pycma does not do one dimension: a second one that nothing depends on goes along.
        centre = np.append(centre, 0.5) if self.count == 1 else centre
        self.strategy: Any = cma_strategy(np.clip(centre, 0.02, 0.98), step, population, rng)
        self.l1 = l1
        self._points: list[Any] = []

    def ask(self, generation: int) -> list[Candidate]:
        """Return the next candidates to evaluate."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._points = self.strategy.ask()
        made = []
        for point in self._points:
            values = tuple(prior.at(float(share)) for prior, share in zip(self.priors, point, strict=False))
            genome = self.problem.primitives.with_values(self.best.genome, values)
            made.append(self.problem.maker.make(genome, "constants", (self.best.key,), generation))
        return made

    def tell(self, candidates: Sequence[Candidate]) -> None:
        """Learn from the outcomes; the best candidate so far is kept in `best`."""
        ranks = []
        for candidate in candidates:
            shortfall, loss = self._screened(candidate)
            loss += self.l1 * self._sizes(candidate) if self.l1 else 0.0
            ranks.append(min(loss, _WORST) + min(shortfall, 1.0) * _WORST if candidate.alive else 3.0 * _WORST)
            if self._screened(candidate) < self._screened(self.best):
                self.best = candidate
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.strategy.tell(self._points, ranks)
        self.best.fitted = True

    def _screened(self, candidate: Candidate) -> tuple[float, float]:
        return candidate.screen.rank_key(self.problem.requirements)

    def _sizes(self, candidate: Candidate) -> float:
        """Return the sum of the constants' sizes, in units of their range; time constants are left out."""
        count = len(self.problem.primitives.skeleton(candidate.genome).values)
        return sum(
            abs(value) / (prior.high - prior.low)
            for value, prior in zip(candidate.constants[:count], self.priors, strict=False)
        )


def fit_constants(
    problem: Problem, candidates: Sequence[Candidate], rng: np.random.Generator, rounds: int, population: int = 6
) -> list[Candidate]:
    """Fit the constants of each candidate; return the best of each, marked as fitted.

    Evaluations count against the budget like any other.
    """
    generation = problem.progress.generation
    children = rng.spawn(len(candidates))
    fits = [
        ConstantFit(problem, candidate, child, population)
        for candidate, child in zip(candidates, children, strict=True)
    ]
    for _ in range(rounds):
        asked = [fit.ask(generation) for fit in fits]
        new = [candidate for group in asked for candidate in group]
        problem.evaluate(new)
        for fit, group in zip(fits, asked, strict=True):
            fit.tell(group)
    best = [fit.best for fit in fits]
    for candidate in (*candidates, *best):
        candidate.fitted = True
        problem.rank(candidate)
    return best
