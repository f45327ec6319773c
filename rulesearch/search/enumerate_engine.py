"""Every distinct function of a grammar, smallest first, with a certificate at the end.

Functions come from `grammar.functions.FunctionTable`, where all constants of a kind stand at one value. Structures
without constants are tried once: that is exhaustive. In those with constants, time constants that are searched among
them, constants of a kind take the same value, from a few in turn over the range of the kind; the more promising ones
get more values; the most promising ones of each size are fitted, each constant on its own, by CMA-ES. What does better
with constants that were not tried is not found. Where the task fits all numbers of each structure, every one is tried
so. All bounds are counted in functions and evaluations.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.seeds import generator
from rulesearch.expression.tree import Expression
from rulesearch.grammar import Grammar, RuleSlot
from rulesearch.grammar.functions import FunctionTable
from rulesearch.search.candidate import Candidate
from rulesearch.search.certificate import Certificate
from rulesearch.search.constants import fit_constants
from rulesearch.search.engine import Engine
from rulesearch.search.exhaust import functions_of_size
from rulesearch.search.options import option
from rulesearch.search.problem import Problem
from rulesearch.tasks.task import Task

_CONSTANTS = 5
_POPULATION = 6
_LARGEST_BATCH = 200
"""Structures that are screened at a time where full trials are dear."""

Slots = Mapping[RuleSlot, Expression]


@dataclass(frozen=True, slots=True)
class EnumerateSettings:
    """What steers the search; each option says what it is.

    **Fields:** `values`: shares of a constant's range that every structure is tried at (none makes the constant 0 or 1
    in a range of round numbers, where it would be no constant); `more_values`: those for the promising structures.
    """

    batch: int = option(2000, "candidates per generation", 1, 1_000_000)
    largest: int = option(63, "nodes up to which functions are tried, where the grammar has larger ones", 1, 63)
    values: tuple[float, ...] = (0.618, 0.191)
    more_values: tuple[float, ...] = (0.528, 0.573, 0.809, 0.927, 0.427, 0.309)
    promising: float = option(0.05, "share of the structures of a size whose constants get more values", 0.0, 1.0)
    most_promising: int = option(1000, "these at most", 0, 1_000_000)
    fitted: int = option(20, "structures of each size whose constants are fitted", 0, 1_000_000)
    rounds: int = option(10, "rounds of each fit", 0, 10_000)


@dataclass(slots=True)
class _Level:
    """The structures of one size: numbers, and the best of those with constants, by rank."""

    fixed: int = 0
    open: int = 0
    fitted: int = 0
    best: list[tuple[tuple[float, float], int, Candidate, Slots]] = field(default_factory=list)


class EnumerateEngine(Engine):
    """Tries every distinct function of the grammar, smallest first."""

    name = "enumerate"
    summary = "every distinct function of the grammar, smallest first, constants fitted; ends with a certificate"
    settings_type = EnumerateSettings

    def __init__(self, settings: EnumerateSettings | None = None) -> None:
        self.settings = settings or EnumerateSettings()

    def check(self, task: Task, grammar: Grammar) -> None:
        least = len(grammar.rules)
        if self.settings.largest < least:
            raise RulesearchError(
                f"option largest of engine enumerate is {self.settings.largest}; {least} rules have {least} nodes at "
                f"least: type --option largest={least} or more"
            )

    def search(self, problem: Problem) -> None:
        grammar, settings = problem.grammar, self.settings
        several = len(settings.values) + len(settings.more_values)
        budget = (
            "all numbers of each fitted by least squares"
            if problem.fits
            else (
                f"each at {len(settings.values)} values of every kind, the best {settings.promising:.0%} of a size "
                f"(at most {settings.most_promising:,}) at {several}, the best {settings.fitted} fitted in "
                f"{settings.rounds} rounds"
            )
        )
        certificate = Certificate(grammar, problem.task.name, budget, problem.threshold())
        problem.certificate, problem.patience = certificate, None
        start = problem.try_start()
        top = min(grammar.limits.size, settings.largest)
        table = FunctionTable(grammar, top, expressions=True)
        if problem.stopped_by:
            return
        for size in range(1, top + 1):
            table.fill_to(size)
            if not table.complete:
                break
            level, before = _Level(), problem.progress.distinct
            goes_on = self._all_of_size(problem, table, size, level, start)
            if not (goes_on and (problem.fits or self._refine(problem, size, level))):
                certificate.begun = problem.progress.distinct - before
                return
            certificate.fixed[size], certificate.open[size] = level.fixed, level.open
            certificate.fitted[size] = level.fitted
            if (loss := certificate.threshold) is not None:
                solving = (each.size for each in problem.archive.front() if problem.reached(each, loss))
                certificate.solved = min(solving, default=None)
        problem.stopped_by = "exhausted"

    def _all_of_size(
        self, problem: Problem, table: FunctionTable, size: int, level: _Level, start: Candidate | None
    ) -> bool:
        """Try every function of a size; return whether the search goes on.

        **Arguments:** `start`: what was tried before all of them, perhaps in a longer form.
        """
        structures = functions_of_size(problem.grammar, table, size)
        values = self.settings.values[:1] if problem.fits else self.settings.values
        number = 0
        while batch := list(itertools.islice(structures, self._most(problem))):
            made = [self._candidate(problem, slots, values[0]) for slots in batch]
            if problem.fits:
                # The same structure may have other names of its traces.
                new = {item.key: place for place, item in enumerate(made) if not problem.memory.screened(item.key)}
                batch, made = [batch[place] for place in new.values()], [made[place] for place in new.values()]
            opened = [(slots, first) for slots, first in zip(batch, made, strict=True) if first.constants]
            others = [[self._candidate(problem, slots, value) for slots, _ in opened] for value in values[1:]]
            candidates = [*made, *itertools.chain.from_iterable(others)]
            self._evaluate(problem, candidates)
            for each in candidates:
                if start is not None and each.key == start.key:
                    problem.is_new(each)
            level.fixed += len(batch) - len(opened)
            level.open += len(opened)
            level.fitted += len(opened) if problem.fits else 0
            for place, (slots, first) in enumerate(opened):
                best = min([first, *(row[place] for row in others)], key=lambda candidate: candidate.rank)
                number += 1
                if best.alive:
                    level.best.append((best.rank, number, best, slots))
            level.best = heapq.nsmallest(self.settings.most_promising, level.best, key=lambda item: item[:2])
            if not problem.end_generation(len(candidates)):
                return False
        return True

    def _most(self, problem: Problem) -> int:
        """Return how many structures the next batch may have, each tried at several values of its constants."""
        affordable = (
            _LARGEST_BATCH if problem.dear else problem.left // (1 if problem.fits else len(self.settings.values))
        )
        return max(1, min(int(self.settings.batch), affordable))

    def _refine(self, problem: Problem, size: int, level: _Level) -> bool:
        """Spend more on the constants of the more promising structures; return whether the search goes on.

        Where the budget does not suffice for all of it, the search ends with what it suffices for.
        """
        wanted = min(self.settings.most_promising, max(self.settings.fitted, int(self.settings.promising * level.open)))
        wanted = min(wanted, len(level.best))
        if not wanted:
            return True
        affordable = wanted
        if not problem.dear:
            affordable = min(wanted, max(1, problem.left // max(1, len(self.settings.more_values))))
        chosen = level.best[:affordable]
        rows = [
            [self._candidate(problem, slots, value) for value in self.settings.more_values] for _, _, _, slots in chosen
        ]
        self._evaluate(problem, [candidate for row in rows for candidate in row])
        best = [
            min([first, *row], key=lambda candidate: candidate.rank)
            for (_, _, first, _), row in zip(chosen, rows, strict=True)
        ]
        best.sort(key=lambda candidate: (candidate.rank, candidate.key))
        fitted = best[: self.settings.fitted]
        level.fitted = len(fitted)
        rng = generator(problem.seed, _CONSTANTS, size)
        rounds = self.settings.rounds
        if not problem.staged:
            rounds = min(rounds, problem.left // (_POPULATION * max(1, len(fitted))))
        problem.promote(fit_constants(problem, fitted, rng, rounds, _POPULATION))
        goes_on = problem.end_generation(len(rows))
        if affordable < wanted or rounds < self.settings.rounds:
            problem.stopped_by = problem.stopped_by or "budget"
            return False
        return goes_on

    def _candidate(self, problem: Problem, slots: Slots, share: float) -> Candidate:
        values = {kind: prior.at(share) for kind, prior in problem.grammar.constants.items()}
        genome = problem.primitives.genome(slots, values)
        return problem.maker.make(genome, "enumerate", (), problem.progress.generation)

    def _evaluate(self, problem: Problem, candidates: Sequence[Candidate]) -> None:
        problem.evaluate(candidates)
        # Where full trials are dear, structures with constants wait until these are fitted.
        problem.promote([item for item in candidates if item.alive and not (problem.dear and item.constants)])
