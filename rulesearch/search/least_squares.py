"""Constants by least squares, for tasks that say by how much each of their data is missed.

Levenberg-Marquardt (doi:10.1137/0111030) with derivatives by finite differences and three damping factors at a time,
in units of each constant's prior, several structures in lockstep so that workers stay busy. Where it applies, some five
steps of n + 4 evaluations do what CMA-ES does with hundreds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rulesearch.search.candidate import Candidate
from rulesearch.search.problem import Problem

RESIDUALS = "residuals"
"""Name of the detail of a trial that holds the signed errors whose mean square is the loss."""

_PROBE = 1e-3
_DAMPING = (1e-3, 1e-1, 1e1)
_ENOUGH = 0.99
_LACK = 100.0
_STAGES = (2, 4, 8)
_QUARTER = 4


def has_residuals(candidate: Candidate) -> bool:
    """Return whether the screening of a candidate gave signed errors."""
    return RESIDUALS in candidate.screen.details


def damped_step(
    slopes: npt.NDArray[np.float64], errors: npt.NDArray[np.float64], damping: float, least: float
) -> npt.NDArray[np.float64]:
    """Return the step of Levenberg and Marquardt, -(J'J + damping diag(J'J))^-1 J'r.

    **Arguments:** `slopes`: J, `(errors, parameters)`; `least`: what is added to the diagonal, as a share of its sum,
    for parameters that change nothing.
    """
    normal = slopes.T @ slopes
    scale = np.diag(normal) + least * max(1e-300, float(np.trace(normal)))
    with np.errstate(all="ignore"):
        found = np.linalg.lstsq(normal + damping * np.diag(scale), -slopes.T @ errors, rcond=None)[0]
    return np.asarray(found, dtype=np.float64)


class LeastSquaresFit:
    """Levenberg-Marquardt on the constants of one candidate, step by step.

    What a rule lacks of the task's requirements counts as further errors.
    """

    def __init__(self, problem: Problem, start: Candidate) -> None:
        self.problem = problem
        self.best = start
        self.going = has_residuals(start)
        kinds = problem.primitives.parameter_kinds(problem.primitives.skeleton(start.genome))
        self.priors = [problem.grammar.constants[kind] for kind in kinds]
        self._signs: list[float] = []

    def probes(self, generation: int) -> list[Candidate]:
        """Return candidates with one constant moved a little each."""
        shares = self._shares()
        self._signs = [1.0 if share < 0.5 else -1.0 for share in shares]
        moved = []
        for place, sign in enumerate(self._signs):
            row = shares.copy()
            row[place] += sign * _PROBE
            moved.append(self._made(row, generation))
        return moved

    def steps(self, probes: Sequence[Candidate], generation: int) -> list[Candidate]:
        """Return the candidates of the next step, one per damping factor, from the probes' outcomes."""
        base = self._errors(self.best)
        if base is None:
            return []
        columns = []
        for probe, sign in zip(probes, self._signs, strict=True):
            errors = self._errors(probe)
            # A probe without errors died, or computes what was known before: its direction is left out.
            columns.append(np.zeros_like(base) if errors is None else (errors - base) / (sign * _PROBE))
        slopes = np.array(columns).T
        found = []
        for damping in _DAMPING:
            step = damped_step(slopes, base, damping, 1e-9)
            if np.all(np.isfinite(step)):
                found.append(self._made(np.clip(self._shares() + step, 0.0, 1.0), generation))
        return found

    def choose(self, tried: Sequence[Candidate]) -> None:
        """Take over the best of the candidates; the fit is over where that gains less than a hundredth."""
        before = self.best.rank
        for candidate in tried:
            if candidate.alive and candidate.rank < self.best.rank:
                self.best = candidate
        gained = self.best.rank[0] < before[0] or self.best.rank[1] < _ENOUGH * before[1]
        self.going = gained and has_residuals(self.best)

    def _shares(self) -> npt.NDArray[np.float64]:
        pairs = zip(self.priors, self.best.constants, strict=True)
        return np.array([prior.share(prior.nearest(value)) for prior, value in pairs])

    def _made(self, shares: npt.NDArray[np.float64], generation: int) -> Candidate:
        values = tuple(prior.at(float(share)) for prior, share in zip(self.priors, shares, strict=True))
        genome = self.problem.primitives.with_values(self.best.genome, values)
        return self.problem.maker.make(genome, "constants", (self.best.key,), generation)

    def _errors(self, candidate: Candidate) -> npt.NDArray[np.float64] | None:
        if not candidate.alive or not has_residuals(candidate):
            return None
        lacks = [_LACK * item.shortfall(candidate.screen.metrics) for item in self.problem.requirements]
        errors = np.array([*candidate.screen.details[RESIDUALS], *lacks])
        return errors if np.all(np.isfinite(errors)) else None


def fit_by_halves(problem: Problem, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Fit many structures, more steps for those that promise more; return the best of each, in order.

    After every stage the better quarter goes on (successive halving, Jamieson & Talwalkar 2016, arXiv:1502.07943).
    """
    best = list(candidates)
    left = list(range(len(best)))
    for rounds in _STAGES:
        for place, found in zip(left, fit_least_squares(problem, [best[k] for k in left], rounds), strict=True):
            best[place] = found
        left = sorted(left, key=lambda k: (best[k].rank, best[k].key))[: -(-len(left) // _QUARTER)]
    for candidate in best:
        candidate.fitted = True
    return best


def _affordable(problem: Problem, fits: Sequence[LeastSquaresFit]) -> list[LeastSquaresFit]:
    """Return the first fits for whose next step the budget has evaluations left."""
    left = problem.budget - problem.reserve - problem.progress.distinct
    chosen = []
    for fit in fits:
        left -= len(fit.priors) + len(_DAMPING)
        if left < 0:
            break
        chosen.append(fit)
    return chosen


def fit_least_squares(problem: Problem, candidates: Sequence[Candidate], rounds: int) -> list[Candidate]:
    """Fit the constants of each candidate; return the best of each. At most `rounds` steps each."""
    generation = problem.progress.generation
    fits = [LeastSquaresFit(problem, candidate) for candidate in candidates]
    for _ in range(rounds):
        active = _affordable(problem, [fit for fit in fits if fit.going])
        if not active:
            break
        probes = [fit.probes(generation) for fit in active]
        problem.evaluate([probe for row in probes for probe in row])
        tried = [fit.steps(row, generation) for fit, row in zip(active, probes, strict=True)]
        problem.evaluate([step for row in tried for step in row])
        for fit, row, more in zip(active, tried, probes, strict=True):
            fit.choose([*row, *more])
    return [fit.best for fit in fits]
