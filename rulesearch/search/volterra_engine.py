r"""A polynomial of fixed terms per slot whose coefficients are fitted, then thinned out: the parametric baseline.

$\Delta w = \eta \sum_{ijk} \theta_{ijk}\, x^i y^j w^k$, a truncated Volterra expansion of the learning rule, with its
coefficients by CMA-ES or, where the task has derivatives, by gradient descent, as in Confavreux, Zenke, Agnes,
Lillicrap & Vogels 2020 (NeurIPS 33). Then terms go one by one:
the one whose absence costs least, after which the others are fitted anew. What is left at each number of terms is a
rule like any other.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.seeds import generator, trial_seeds
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Number
from rulesearch.grammar import Grammar, derive
from rulesearch.search.candidate import UNSCREENED, Candidate
from rulesearch.search.constants import ConstantFit
from rulesearch.search.engine import Engine
from rulesearch.search.genome import Genome
from rulesearch.search.options import option
from rulesearch.search.polynomial_terms import (
    Bases,
    Term,
    bases_of,
    can_write,
    least_coefficients,
    monomial_of,
    polynomial_genome,
    polynomials,
)
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.problem import Problem
from rulesearch.simulate.rate.gradient import need_jax
from rulesearch.symbolic import normal_form
from rulesearch.tasks.task import Task

_FIT = 6


@dataclass(frozen=True, slots=True)
class VolterraSettings:
    """What steers the search; each option says what it is."""

    order: int = option(3, "highest total degree of a term", 0, 6)
    power: int = option(2, "highest power of one symbol", 0, 6)
    l1: float = option(0.0, "what the sizes of all coefficients add to the loss, per unit of their range", 0.0, 1e6)
    share: float = option(0.5, "share of the budget for the first fit of all coefficients", 0.0, 1.0)
    refit: int = option(20, "evaluations after each term that goes, per coefficient left", 1, 1_000_000)
    descent: float = option(0.0, "largest step of gradient descent in units of the range; 0: CMA-ES fits", 0.0, 1.0)


class VolterraEngine(Engine):
    """Fits the coefficients of a polynomial by CMA-ES and drops its terms one by one."""

    name = "volterra"
    summary = "a polynomial of fixed order per slot, coefficients by CMA-ES, terms dropped one by one; the baseline"
    settings_type = VolterraSettings

    def __init__(self, settings: VolterraSettings | None = None) -> None:
        self.settings: VolterraSettings = settings or VolterraSettings()

    def check(self, task: Task, grammar: Grammar) -> None:
        bases = bases_of(grammar)
        for slot, part in polynomials(self._terms(bases), bases).items():
            kind, symbols = bases[slot]
            start = grammar.core(grammar.slots[slot])
            if derive(grammar, start, part, {kind: Number(0.0)}, bounded=False, signs=False) is None:
                of = "" if len(grammar.slots) == 1 else f" in {grammar.label(slot)}"
                raise RulesearchError(
                    f"grammar {grammar.name} cannot write a polynomial of {', '.join(symbols)}{of}, which is all that "
                    "engine volterra fits; it needs sums and products of symbols and constants in every slot"
                )
        if self.settings.descent:
            if type(task).gradient is Task.gradient:
                raise RulesearchError(
                    f"task {task.name} has no derivatives; leave out the option descent, and CMA-ES fits"
                )
            need_jax()

    def check_start(self, primitives: GrammarPrimitives, start: Genome | None) -> None:
        if start is None:
            return
        bases = bases_of(primitives.grammar)
        self._coefficients(primitives, start, list(self._terms(bases)), bases)

    def search(self, problem: Problem) -> None:
        bases = bases_of(problem.grammar)
        terms = list(self._terms(bases))
        started = problem.try_start()
        if started is None:
            values = least_coefficients(problem.grammar, terms, bases)
        else:
            values = self._coefficients(problem.primitives, started.genome, terms, bases)
        if problem.stopped_by:
            return
        best = self._candidate(problem, terms, values, bases, started)
        number = 1
        best = self._fit(problem, best, int(self.settings.share * problem.budget), number)
        while not problem.stopped_by:
            # A grammar may write a polynomial and not each of its parts.
            places = [
                place
                for place in self._droppable(problem, terms)
                if can_write(problem.primitives, [*terms[:place], *terms[place + 1 :]], bases)
            ]
            if not places:
                break
            shorter = {
                place: self._candidate(
                    problem,
                    [*terms[:place], *terms[place + 1 :]],
                    [*best.constants[:place], *best.constants[place + 1 : len(terms)]],
                    bases,
                    best,
                )
                for place in places
            }
            problem.evaluate(list(shorter.values()))
            least = min(places, key=lambda place: (shorter[place].rank, place))
            del terms[least]
            number += 1
            if not problem.end_generation(len(shorter)):
                return
            best = self._fit(problem, shorter[least], self.settings.refit * len(terms), number)
        problem.stopped_by = problem.stopped_by or "terms"

    def _descend(self, problem: Problem, start: Candidate, evaluations: int) -> Candidate:
        """Fit all coefficients by gradient descent with momentum (Adam); the best candidate is promoted.

        Each step is an evaluation. A step after which the rule runs away is taken back, and the next ones are shorter.
        """
        kinds = problem.primitives.skeleton(start.genome).kinds
        priors = [problem.grammar.constants[kind] for kind in kinds]
        low, high = np.array([prior.low for prior in priors]), np.array([prior.high for prior in priors])
        if start.screen is UNSCREENED:
            problem.evaluate([start])
        best = here = start
        rate = self.settings.descent
        mean, square = np.zeros(len(low)), np.zeros(len(low))
        for number in range(1, max(1, evaluations) + 1):
            slope = self._slope(problem, here)
            if slope is None:
                break
            slope = slope * (high - low) + self.settings.l1 * np.sign(here.constants[: len(low)])
            mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
            move = mean / (1.0 - 0.9**number) / (np.sqrt(square / (1.0 - 0.999**number)) + 1e-12)
            values = np.clip(np.array(here.constants[: len(low)]) - rate * (high - low) * move, low, high)
            genome = problem.primitives.with_values(here.genome, tuple(float(value) for value in values))
            there = problem.maker.make(genome, "gradient", (here.key,), problem.progress.generation)
            problem.evaluate([there])
            if there.alive:
                here = there
                best = there if there.rank < best.rank else best
            else:
                here, rate = best, 0.5 * rate
                mean, square = np.zeros(len(low)), np.zeros(len(low))
            if not problem.end_generation(1):
                break
        best.fitted = True
        problem.promote([best] if best.alive else [])
        return best

    def _slope(self, problem: Problem, candidate: Candidate) -> npt.NDArray[np.float64] | None:
        """Return the derivative of the loss by each coefficient, a mean over the search seeds; None if nonfinite."""
        settings = problem.evaluator.settings
        rules = problem.task.bind(candidate.rules, settings)
        searched = [name not in rules.given for name, rule in rules.rules.items() for _ in rule.constants]
        slopes = []
        for seed in _seeds(problem):
            _, slope = problem.task.gradient(rules, seed, settings, problem.screen.name)
            slopes.append(slope[searched])
        total: npt.NDArray[np.float64] = np.mean(slopes, axis=0)
        return total if np.all(np.isfinite(total)) else None

    def _droppable(self, problem: Problem, terms: Sequence[Term]) -> list[int]:
        """Return the places of terms that may go: not the last of a rule, nor of a slot that must not be empty."""
        left = Counter(slot for slot, _ in terms)
        of_rules = Counter(slot.rule for slot, _ in terms)
        needed = set(problem.grammar.slots) - set(problem.grammar.optional_slots)
        return [
            place
            for place, (slot, _) in enumerate(terms)
            if of_rules[slot.rule] > 1 and (left[slot] > 1 or slot not in needed)
        ]

    def _terms(self, bases: Bases) -> Iterator[Term]:
        powers = range(self.settings.power + 1)
        for slot, (_, symbols) in bases.items():
            for degrees in itertools.product(powers, repeat=len(symbols)):
                if sum(degrees) <= self.settings.order:
                    pairs = zip(symbols, degrees, strict=True)
                    yield slot, tuple(name for name, degree in pairs for _ in range(degree))

    def _coefficients(
        self, primitives: GrammarPrimitives, start: Genome, terms: Sequence[Term], bases: Bases
    ) -> list[float]:
        """Return the coefficient that each term has in rules to grow from, the least that it may have in their absence.

        **Raises:** `RulesearchError` where they have other terms too.
        """
        skeleton = primitives.skeleton(start)
        places = {monomial_of(term): place for place, term in enumerate(terms)}
        values = least_coefficients(primitives.grammar, terms, bases)
        for slot, part in skeleton.slots.items():
            names = zip(skeleton.names, skeleton.values, strict=True)
            constants = {key.name: value for key, value in names if key.rule == slot.rule}
            found = normal_form(part, constants)
            for monomial, (value, _) in found.polynomial.items():
                place = places.get((slot, monomial))
                if place is None:
                    raise RulesearchError(
                        f"engine volterra cannot grow from {to_text(part)}: "
                        f"{found.algebra.monomial_text(monomial)} is not among its terms, products of at most "
                        f"{self.settings.order} symbols, none above the power {self.settings.power}; "
                        "see its options order and power with: rulesearch engines volterra"
                    )
                values[place] = value
        return values

    def _candidate(
        self,
        problem: Problem,
        terms: Sequence[Term],
        values: Sequence[float],
        bases: Bases,
        parent: Candidate | None = None,
    ) -> Candidate:
        genome = polynomial_genome(problem.primitives, terms, bases)
        genome = Genome(genome, genome.times if parent is None else parent.genome.times)
        genome = problem.primitives.with_values(genome, (*values, *problem.primitives.times_read(genome).values()))
        parents = () if parent is None else (parent.key,)
        return problem.maker.make(genome, "polynomial", parents, problem.progress.generation)

    def _fit(self, problem: Problem, start: Candidate, evaluations: int, number: int) -> Candidate:
        """Fit all coefficients from where they stand; the best candidate is promoted."""
        if self.settings.descent:
            return self._descend(problem, start, evaluations)
        count = len(start.constants)
        population = 4 + int(3.0 * np.log(count)) if count > 1 else 4
        rng = generator(problem.seed, _FIT, number)
        step = 0.1 if number == 1 and problem.start is None else 0.03
        fit = ConstantFit(problem, start, rng, population, step, self.settings.l1)
        if start.screen is UNSCREENED:
            problem.evaluate([start])
        for _ in range(max(1, evaluations // population)):
            asked = fit.ask(problem.progress.generation)
            problem.evaluate(asked)
            fit.tell(asked)
            if not problem.end_generation(len(asked)):
                break
        problem.promote([fit.best] if fit.best.alive else [])
        return fit.best


def _seeds(problem: Problem) -> tuple[int, ...]:
    return trial_seeds(problem.seed, "search", problem.screen.trials)
