"""Genetic programming on DEAP's typed trees: islands, layers of unbeaten rules, fresh blood, fitted constants.

What keeps diversity alive, by measurement (`experiments/benchmarks/oja_hits.py`): no function is evaluated
twice; rules compete in size and in every aim of the task at once, on a coarse grid (`survival.py`), so that a
rule that does one part right survives beside one that has the smaller loss; islands whose best rule stays the
same for long start anew while the archive keeps what they found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rulesearch.evaluation.seeds import generator
from rulesearch.search.candidate import Candidate, nests_functions
from rulesearch.search.constants import fit_constants
from rulesearch.search.engine import Engine
from rulesearch.search.exhaust import try_the_rest
from rulesearch.search.genome import Genome
from rulesearch.search.growing import pick
from rulesearch.search.options import option
from rulesearch.search.problem import Problem
from rulesearch.search.promotion import best_of_sizes, worth_a_full_trial
from rulesearch.search.selection import Lexicase
from rulesearch.search.smallest import Slots, smallest, with_constants
from rulesearch.search.survival import Survival
from rulesearch.search.variation import Variation

_OFFSPRING, _CONSTANTS = 3, 4


@dataclass(frozen=True, slots=True)
class DeapSettings:
    """What steers the search; each option says what it is."""

    islands: int = option(4, "islands, each with candidates of its own", 1, 1000)
    complete: int = option(
        3,
        "size up to which every function is tried first, where the budget allows it; where full trials are dear, "
        "of several rules those of each alone, if the others may be 0; where numbers of structures are fitted, 2 more",
        0,
        9,
    )
    initial: int = option(60, "random genomes that an island starts from", 1, 100_000)
    initial_size: int = option(9, "nodes of these at most, per rule", 1, 63)
    offspring: int = option(40, "children of an island in each generation", 1, 100_000)
    capacity: int = option(120, "candidates that an island keeps", 2, 100_000)
    cell: float = option(0.3, "width of the grid on which aims are compared, in powers of ten", 1e-6, 10.0)
    fine: float = option(0.1, "width of the grid on which losses are compared, in powers of ten", 1e-6, 10.0)
    floor: float = option(1e-5, "aims below it count as equal", 1e-300, 1e6)
    crossover: float = option(0.15, "share of children that are made from subtrees of two parents", 0.0, 1.0)
    exchange: float = option(0.15, "share made of whole rules of two parents, where there are several rules", 0.0, 1.0)
    join: float = option(0.3, "share that is made by one operator over a parent and another tree", 0.0, 1.0)
    leafy: float = option(0.8, "share of these others that are a leaf", 0.0, 1.0)
    dressed: float = option(0.4, "chance that such a leaf stands in a function", 0.0, 1.0)
    fresh: float = option(0.1, "share of children without parents", 0.0, 1.0)
    lexicase: float = option(0.8, "share of parents chosen by lexicase over the cases", 0.0, 1.0)
    first_layer: float = option(0.6, "share of the others that come from the unbeaten layer alone", 0.0, 1.0)
    further: float = option(0.3, "chance that another mutation follows one", 0.0, 0.9)
    migration: int = option(8, "generations between visits", 1, 1_000_000)
    patience: int = option(15, "generations without a better rule before an island starts anew", 1, 1_000_000)
    secluded: int = option(12, "generations for which it then has no visitors", 0, 1_000_000)
    fitted: int = option(1, "structures per generation whose constants are fitted", 0, 10_000)
    rounds: int = option(4, "rounds of each fit", 0, 10_000)
    attempts: int = option(12, "tries per child before a known function is given up", 1, 10_000)
    explored: int = option(3, "elites per generation whose neighbours are screened, where that is cheap", 0, 10_000)
    kept_share: float = option(0.05, "share of the budget left for the neighbours of the cleaned front", 0.0, 0.9)


@dataclass(slots=True)
class _Island:
    number: int
    layers: list[list[Candidate]] = field(default_factory=list)
    best: tuple[float, float] = (float("inf"), float("inf"))
    improved: int = 0
    begun: int = 0

    def members(self) -> list[Candidate]:
        return [candidate for layer in self.layers for candidate in layer]

    def elites(self) -> list[Candidate]:
        return best_of_sizes(self.members())


class DeapEngine(Engine):
    """Typed genetic programming with DEAP trees, and CMA-ES for constants."""

    name = "deap"
    summary = "genetic programming on typed trees (DEAP): islands, several aims, lexicase, constants by CMA-ES"
    settings_type = DeapSettings

    def __init__(self, settings: DeapSettings | None = None) -> None:
        self.settings = settings or DeapSettings()

    def search(self, problem: Problem) -> None:
        variation = Variation(problem.primitives)
        survival = Survival(
            problem.task.protocol.aims,
            problem.requirements,
            self.settings.cell,
            self.settings.fine,
            self.settings.floor,
        )
        islands = [_Island(number) for number in range(self.settings.islands)]
        problem.reserve = int(self.settings.kept_share * problem.budget)
        explored: set[str] = set()
        fitted_forms: set[object] = set()
        small, going = smallest(problem, self.settings.complete + 2 * problem.fits), True
        while going:
            generation = problem.progress.generation
            batches = []
            for island in islands:
                new, known = self._propose(problem, variation, island, generation, small)
                batches.append((island, new, known, problem.begin(new)))
            for island, new, known, end in batches:
                end()
                self._admit(survival, island, [*new, *known])
            self._fit(problem, survival, islands, generation, fitted_forms)
            self._explore(problem, variation, survival, islands, explored)
            if problem.staged:
                members = [candidate for island in islands for candidate in island.members()]
                problem.promote(worth_a_full_trial(problem, members))
            self._renew(survival, islands, generation)
            going = problem.end_generation(sum(len(island.members()) for island in islands))
        try_the_rest(problem)

    def _explore(
        self,
        problem: Problem,
        variation: Variation,
        survival: Survival,
        islands: list[_Island],
        explored: set[str],
    ) -> None:
        """Try every one-node neighbour of the best elites that were not explored yet, where screening is cheap.

        Elsewhere they take more of the budget than they bring: on task oja 10,400 evaluations to the first hit in the
        median of 40 seeds, without them 8,100.
        """
        if not problem.staged:
            return
        waiting = [
            (candidate, island) for island in islands for candidate in island.elites() if candidate.key not in explored
        ]
        waiting.sort(key=lambda pair: (pair[0].rank, pair[0].key))
        batches = []
        for parent, island in waiting[: self.settings.explored]:
            explored.add(parent.key)
            new, _ = neighbours_of(problem, variation, parent.genome, parent.key)
            batches.append((island, new, problem.begin(new)))
        for island, new, end in batches:
            end()
            self._admit(survival, island, new)

    def _admit(self, survival: Survival, island: _Island, new: Sequence[Candidate]) -> None:
        known = {candidate.key for candidate in island.members()}
        alive = [candidate for candidate in new if candidate.alive and candidate.key not in known]
        island.layers = survival.layers([*island.members(), *alive], self.settings.capacity)

    def _propose(
        self, problem: Problem, variation: Variation, island: _Island, generation: int, small: Sequence[Slots]
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Return new candidates, and known ones that come to this island at no cost: it may need them on its way."""
        rng = generator(problem.seed, _OFFSPRING, generation, island.number)
        settings = self.settings
        members = island.members()
        batch: list[Candidate] = []
        known: dict[str, Candidate] = {}
        if generation == 0 and problem.start is not None:
            start = problem.maker.make(problem.start, "start", (), generation)
            if problem.is_new(start) or island.number:
                batch.append(start)
        if generation == 0:
            batch += with_constants(problem, small[island.number :: settings.islands], rng)
        wanted = self.settings.offspring if members else len(batch) + self.settings.initial
        lexicase = Lexicase(members, problem.requirements, settings.floor) if members else None
        for _ in range(wanted * self.settings.attempts):
            if len(batch) == wanted:
                break
            candidate = self._child(problem, variation, island, lexicase, rng, generation)
            if candidate is None or nests_functions(candidate):
                continue
            if problem.is_new(candidate):
                batch.append(candidate)
            elif problem.recall(candidate) and candidate.alive:
                known.setdefault(candidate.key, candidate)
        return batch, list(known.values())

    def _child(
        self,
        problem: Problem,
        variation: Variation,
        island: _Island,
        lexicase: Lexicase | None,
        rng: np.random.Generator,
        generation: int,
    ) -> Candidate | None:
        settings = self.settings
        if lexicase is None or rng.random() < settings.fresh:
            largest = settings.initial_size * len(problem.grammar.rules)
            genome = variation.random_genome(1 + int(rng.random() * largest), rng)
            return problem.maker.make(genome, "random", (), generation)
        first = self._parent(island, lexicase, rng)
        if len(problem.grammar.rules) > 1 and rng.random() < settings.exchange:
            second = self._parent(island, lexicase, rng)
            exchanged = variation.exchange(first.genome, second.genome, rng)
            return _made(problem, exchanged, "exchange", (first.key, second.key), generation)
        if rng.random() < settings.join:
            second = self._parent(island, lexicase, rng)
            joined = variation.join(first.genome, second.genome, rng, settings.leafy, settings.dressed)
            return _made(problem, joined, "join", (first.key, second.key), generation)
        if rng.random() < settings.crossover:
            second = self._parent(island, lexicase, rng)
            crossed = variation.crossover(first.genome, second.genome, rng)
            return _made(problem, crossed, "crossover", (first.key, second.key), generation)
        mutated = variation.mutate(first.genome, rng)
        while mutated is not None and rng.random() < settings.further:
            mutated = variation.mutate(mutated, rng)
        return _made(problem, mutated, "mutation", (first.key,), generation)

    def _parent(self, island: _Island, lexicase: Lexicase, rng: np.random.Generator) -> Candidate:
        if rng.random() < self.settings.lexicase:
            return lexicase.choose(rng)
        if rng.random() < self.settings.first_layer:
            return pick(island.layers[0], rng)
        return pick(lexicase.pool, rng)

    def _fit(
        self, problem: Problem, survival: Survival, islands: list[_Island], generation: int, fitted_forms: set[object]
    ) -> None:
        """Fit the constants of the best elite that was not fitted.

        Where losses are luck to a part, the smallest structure that was not fitted yet has its turn as well: with the
        constants of another one it may look far worse than it is, and what stands before it may be no better.
        """
        if problem.fits:
            return
        elites = [(elite, island) for island in islands for elite in island.elites()]
        chosen = _unfitted(elites, lambda item: (item.rank, item.key))[: self.settings.fitted]
        fitted_forms.update(candidate.form for candidate, _ in chosen)
        if problem.screen.by_luck:
            members = [(item, island) for island in islands for item in island.members()]
            waiting = [pair for pair in members if pair[0].form not in fitted_forms]
            small = _unfitted(waiting, lambda item: (item.size, item.rank, item.key))[: self.settings.fitted]
            fitted_forms.update(candidate.form for candidate, _ in small)
            chosen += small
        if not chosen:
            return
        rng = generator(problem.seed, _CONSTANTS, generation)
        fitted = fit_constants(problem, [candidate for candidate, _ in chosen], rng, self.settings.rounds)
        for best, (_, island) in zip(fitted, chosen, strict=True):
            self._admit(survival, island, [best])

    def _renew(self, survival: Survival, islands: list[_Island], generation: int) -> None:
        for island in islands:
            best = min((candidate.rank for candidate in island.members()), default=island.best)
            if best < (island.best[0], island.best[1] * 0.95):
                island.best, island.improved = best, generation
        if generation % self.settings.migration == self.settings.migration - 1:
            visitors = [island.layers[0] if island.layers else [] for island in islands]
            for island, guests in zip(islands, [*visitors[-1:], *visitors[:-1]], strict=True):
                if not island.begun or generation - island.begun >= self.settings.secluded:
                    self._admit(survival, island, guests)
        for island in islands:
            if generation - island.improved >= self.settings.patience:
                island.layers = []
                island.begun = generation
                island.best, island.improved = (float("inf"), float("inf")), generation


def _unfitted(
    pairs: Sequence[tuple[Candidate, _Island]], order: Callable[[Candidate], Any]
) -> list[tuple[Candidate, _Island]]:
    """Return candidates whose constants were not fitted, with their islands, in an order."""
    waiting = {pair[0].key: pair for pair in pairs if pair[0].constants and not pair[0].fitted}
    return sorted(waiting.values(), key=lambda pair: order(pair[0]))


def _made(
    problem: Problem, genome: Genome | None, origin: str, parents: tuple[str, ...], generation: int
) -> Candidate | None:
    return None if genome is None else problem.maker.make(genome, origin, parents, generation)


def neighbours_of(
    problem: Problem, variation: Variation, genome: Genome, parent: str
) -> tuple[list[Candidate], list[Candidate]]:
    """Return every one-node neighbour of a genome: those whose function is new, and known ones that ran."""
    new: list[Candidate] = []
    known: dict[str, Candidate] = {}
    for neighbour in variation.neighbours(genome):
        child = problem.maker.make(neighbour, "neighbour", (parent,), problem.progress.generation)
        if nests_functions(child):
            continue
        if problem.is_new(child):
            new.append(child)
        elif problem.recall(child) and child.alive:
            known.setdefault(child.key, child)
    return new, list(known.values())
