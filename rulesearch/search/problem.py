"""What an engine searches in: a task with a grammar, evaluated once per function, recorded, within a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from rulesearch.evaluation.evaluator import NUMBERS, Evaluator, Waiting, as_searched, search_job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.evaluation.store import Record, Store
from rulesearch.grammar import Grammar
from rulesearch.interruption import check
from rulesearch.rules.rule import RuleSet
from rulesearch.search.archive import Archive
from rulesearch.search.candidate import UNSCREENED, Candidate, CandidateMaker
from rulesearch.search.certificate import Certificate
from rulesearch.search.deadline import Deadline
from rulesearch.search.memory import Memory
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.progress import Progress
from rulesearch.tasks.declaration import Fidelity

_HOPEFUL = 3
_PATIENCE = 3_000
"""Proposals in a row that bring no function that was not met before, after which a search is over."""
_SCREENED = 100
"""So many times as many where all that was new failed at the cheap fidelity and none came to the full one."""


class Problem:
    """A search problem, as engines see it.

    **Arguments:** `budget`: distinct evaluations at full fidelity; `time_limit` [s]; `stop_loss`: the search ends
    when a rule that meets the task's requirements reaches it; `watch`: called after every generation; `start`: rules
    to grow from; `given`: rules of the task that are held fixed, so that the grammar has the others.
    Where `goal` is set, the first rule that reaches this loss is taken note of. After
    `patience` proposals in a row of which none was new the search is over, since a grammar may have fewer functions
    than the budget, or none that runs; None where an engine knows by itself when it has tried them all. `in_vain`: how
    many these were. `told`: what an engine adds to the conclusion.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        grammar: Grammar,
        seed: int,
        budget: int,
        store: Store | None = None,
        time_limit: float | None = None,
        stop_loss: float | None = None,
        watch: Callable[[Problem], None] | None = None,
        start: RuleSet | None = None,
        given: RuleSet | None = None,
    ) -> None:
        self.evaluator = evaluator
        self.task = evaluator.task
        self.grammar = grammar
        self.primitives = GrammarPrimitives(grammar)
        self.fits = self.task.protocol.fits_numbers
        self.maker = CandidateMaker(self.primitives, given, self.task.rule_names, self.fits)
        self.seed = seed
        self.budget = budget
        self.store = store
        self.deadline = Deadline(time_limit, store)
        self.stop_loss = stop_loss
        self.watch = watch
        # Where numbers are fitted first, a cheap fidelity serves that, and would save little of the rest.
        self.screen, self.full = self.task.fidelities[-1 if self.fits else 0], self.task.fidelities[-1]
        self.requirements = self.task.requirements
        self.archive = Archive(self.requirements)
        self.memory = Memory()
        self.progress = Progress()
        self._finished: dict[str, Outcome] = {}
        self._fitted: dict[str, Candidate] = {}
        self._tried: dict[object, Outcome] = {}
        self.reserve = 0
        self.patience: int | None = _PATIENCE
        self.in_vain = self._last_new = self._last_full = 0
        self.certificate: Certificate | None = None
        self.goal: float | None = None
        self.stopped_by = ""
        self.told = ""
        self.start = None if start is None else self.primitives.genome_of(start)
        self._pending: list[Record] = []
        self._hopeful: dict[int, Candidate] = {}

    @property
    def left(self) -> int:
        """How many distinct evaluations at full fidelity are left of the budget."""
        return max(0, self.budget - self.reserve - self.progress.distinct)

    @property
    def staged(self) -> bool:
        """Whether there is a cheap fidelity before the full one."""
        return self.screen != self.full

    @property
    def dear(self) -> bool:
        """Whether full trials, which alone count against the budget, are kept for what screens well."""
        return self.screen.hopeless is not None

    def is_new(self, candidate: Candidate) -> bool:
        """Return whether the candidate's function was not met before, and note it; a duplicate is counted."""
        check()
        known = self.memory.size(candidate.key)
        self.memory.meet(candidate.key, candidate.size)
        if known is None:
            return True
        self.progress.duplicates += 1
        if candidate.size < known and not self.fits:
            self.archive.shorter(candidate)
        return False

    def evaluate(self, candidates: Sequence[Candidate]) -> None:
        """Screen candidates: their `screen` outcome and rank are set, and `full` where there is one fidelity.

        A function that was screened before (constants that change nothing, say) is not simulated again.
        """
        self.begin(candidates)()

    def begin(self, candidates: Sequence[Candidate]) -> Callable[[], None]:
        """Begin to screen candidates and return what waits for the end; nothing is set or counted before that.

        Workers simulate meanwhile, so that an engine can propose more. Batches that overlap must be ended in the
        order in which they were begun, and must not share a function.
        """
        new: dict[str, Candidate] = {}
        for candidate in candidates:
            if not self.memory.screened(candidate.key):
                new.setdefault(candidate.key, candidate)
        chosen = list(new.values())
        waiting = self._begin(chosen, self.screen)

        def end() -> None:
            outcomes: dict[str, Outcome] = {}
            for candidate, outcome in zip(chosen, waiting(), strict=True):
                outcomes[candidate.key] = outcome
                if self.fits:
                    self._take_numbers(candidate, outcome)
                self.memory.keep(candidate.key, candidate.size, outcome)
                self.progress.screened += 1
                self._last_new = self.maker.made
                self.progress.deaths[outcome.status] = self.progress.deaths.get(outcome.status, 0) + 1
            for candidate in candidates:
                known = outcomes.get(candidate.key) or self.memory.outcome(candidate.key)
                self._as_fitted(candidate)
                candidate.screen = known
                if self.staged:
                    candidate.full = self._finished.get(candidate.key, candidate.full)
                self.rank(candidate)
                if self.staged and self.deadline.limit is not None and not self.progress.distinct and candidate.alive:
                    best = self._hopeful.setdefault(candidate.size, candidate)
                    self._hopeful[candidate.size] = min(best, candidate, key=lambda item: item.rank)
                if not self.staged:
                    if new.get(candidate.key) is candidate:
                        self._finish(candidate, known)
                    else:
                        candidate.full = known

        return end

    def _take_numbers(self, candidate: Candidate, outcome: Outcome) -> None:
        """Give a candidate the numbers that were fitted before its trial."""
        if outcome.trials and NUMBERS in outcome.trials[0].details:
            self.maker.with_numbers(candidate, outcome.trials[0].details[NUMBERS])
        candidate.fitted = True
        if outcome.ok:
            self._fitted[candidate.key] = candidate

    def _as_fitted(self, candidate: Candidate) -> None:
        """Give a candidate the form and the numbers with which its structure was fitted."""
        fitted = self._fitted.get(candidate.key)
        if fitted is not None and fitted is not candidate:
            candidate.genome, candidate.rules, candidate.form = fitted.genome, fitted.rules, fitted.form
            candidate.size, candidate.constants, candidate.fitted = fitted.size, fitted.constants, True

    def simulate(self, candidates: Sequence[Candidate], first: int, fidelity: Fidelity) -> list[Outcome]:
        """Return what candidates do, each on a search seed of its own for each condition, from number `first` on.

        For engines that learn from how outcomes differ: each counts against the budget, none enters the archive.
        """
        each = len(fidelity.conditions)
        seeds = trial_seeds(self.seed, "search", (first + len(candidates)) * each)[first * each :]
        own = [seeds[start : start + each] for start in range(0, len(seeds), each)]
        found = self._begin(candidates, fidelity, own)()
        self.progress.distinct += len(found)
        self.progress.screened += len(found)
        for outcome in found:
            self.progress.deaths[outcome.status] = self.progress.deaths.get(outcome.status, 0) + 1
        return found

    def rank(self, candidate: Candidate) -> None:
        """Set what a candidate is ranked by: the screening outcome.

        Where that is luck to a part, it is the full outcome once there is one. Other constants of a structure that was
        tried in full are then believed to be no better than it, until they are fitted: else what was lucky once would
        stand before everything of its size for good.
        """
        known = candidate.screen
        if self.screen.by_luck and candidate.full is not UNSCREENED:
            known = candidate.full
        elif self.screen.by_luck and not candidate.fitted:
            tried = self._tried.get(candidate.form, known)
            known = max(known, tried, key=lambda outcome: outcome.rank_key(self.requirements))
        candidate.score(self.requirements, known)

    def try_start(self) -> Candidate | None:
        """Try the rules to grow from, in a generation of their own, and return them; None where there are none.

        That may be the end of the search.
        """
        if self.start is None:
            return None
        candidate = self.maker.make(self.start, "start", (), self.progress.generation)
        self.is_new(candidate)
        self.evaluate([candidate])
        self.promote([candidate] if candidate.alive else [])
        self.end_generation(1)
        return candidate

    def recall(self, candidate: Candidate) -> bool:
        """Set the outcome of a candidate whose function was screened before; return whether there is one."""
        if not self.memory.screened(candidate.key):
            return False
        candidate.screen = self.memory.outcome(candidate.key)
        self._as_fitted(candidate)
        candidate.full = self._finished.get(candidate.key, UNSCREENED) if self.staged else candidate.screen
        self.rank(candidate)
        return True

    def promote(self, candidates: Sequence[Candidate]) -> None:
        """Evaluate candidates at full fidelity and enter them into the archive, but for those that are hopeless."""
        if not self.staged:
            return
        for candidate in candidates:
            if candidate.full is UNSCREENED and candidate.key in self._finished:
                candidate.full = self._finished[candidate.key]
                self.rank(candidate)
        hopeless = self.screen.hopeless
        chosen = [
            candidate
            for candidate in candidates
            if candidate.full is UNSCREENED and (hopeless is None or candidate.screen.ranked_loss <= hopeless)
        ]
        for candidate, outcome in zip(chosen, self._begin(chosen, self.full)(), strict=True):
            self._finish(candidate, outcome)

    def _finish(self, candidate: Candidate, outcome: Outcome) -> None:
        candidate.full = outcome
        if self.staged:
            self._finished[candidate.key] = outcome
            best = self._tried.get(candidate.form)
            if best is None or outcome.rank_key(self.requirements) < best.rank_key(self.requirements):
                self._tried[candidate.form] = outcome
            self.rank(candidate)
        self.progress.distinct += 1
        self._last_full = self.maker.made
        if self.progress.first_hit is None and self.goal is not None and self.reached(candidate, self.goal):
            self.progress.first_hit = self.progress.distinct
        self.archive.add(candidate)

    def _begin(
        self, candidates: Sequence[Candidate], fidelity: Fidelity, own: Sequence[tuple[int, ...]] | None = None
    ) -> Waiting:
        seeds = own or [trial_seeds(self.seed, "search", fidelity.trials)] * len(candidates)
        pairs = zip(candidates, seeds, strict=True)
        jobs = [search_job(self.task, candidate.rules, on, fidelity) for candidate, on in pairs]
        if self.fits:
            jobs = [replace(job, priors=self.maker.priors(each)) for job, each in zip(jobs, candidates, strict=True)]
        found = {} if self.store is None else self.store.known(jobs, [candidate.key for candidate in candidates])
        missing = [index for index in range(len(jobs)) if index not in found]
        may_leave = bool(self.progress.distinct or self._hopeful)
        self.deadline.begin(fidelity.name, len(missing), self.progress.seconds, may_leave)
        begun = time.monotonic()
        waiting = self.evaluator.submit([jobs[index] for index in missing])

        def end() -> list[Outcome]:
            outcomes = waiting()
            self.deadline.took(fidelity.name, len(missing), time.monotonic() - begun)
            for index, outcome in zip(missing, outcomes, strict=True):
                found[index] = outcome
                candidate = candidates[index]
                if self.store is not None:
                    lineage = candidate.key, candidate.origin, candidate.parents
                    job = jobs[index]
                    if self.fits:
                        self._take_numbers(candidate, outcome)
                        job = replace(job, rules=candidate.rules)
                    self._pending.append(Record(self.progress.generation, "search", job, outcome, *lineage))
            outcomes = [found[index] for index in range(len(jobs))]
            self.progress.evaluations += len(outcomes)
            self.progress.work += sum(outcome.work for outcome in outcomes)
            trials = sum(len(outcome.seeds) - 1 + outcome.died_at for outcome in outcomes)
            self.progress.simulated += trials * self.task.duration(self.evaluator.settings, fidelity.name)
            return outcomes

        return end

    def end_in_time(self) -> None:
        """End a search that was left within a generation: what was evaluated counts.

        Where that was at the cheap fidelity alone, the best few are evaluated at the full one.
        """
        if not self.progress.distinct:
            self.deadline.limit = None
            ranked = sorted(self._hopeful.values(), key=lambda candidate: (candidate.rank, candidate.key))
            self.promote(ranked[:_HOPEFUL])
        self.end_generation(self.progress.population)
        self.stopped_by = "time"

    def threshold(self) -> float | None:
        """Return the loss that solves the task on the search seeds; None where the known rule fails."""
        seeds = trial_seeds(self.seed, "search", self.full.trials)
        rules = self.as_searched(self.task.known_beside(self.maker.given, self.evaluator.settings))
        outcome = self.evaluator.run([search_job(self.task, rules, seeds, self.full)])[0]
        return None if outcome.loss is None else self.task.enough(outcome.loss)

    def as_searched(self, rules: RuleSet) -> RuleSet:
        """Return known rules as this search compares them; see `rulesearch.evaluation.evaluator.as_searched`."""
        seed = trial_seeds(self.seed, "search", 1)[0]
        return as_searched(self.task, rules, seed, self.evaluator.settings)

    def reached(self, candidate: Candidate | None, loss: float) -> bool:
        """Return whether a candidate meets the task's requirements with at most a loss, at full fidelity."""
        if candidate is None:
            return False
        shortfall, own = candidate.full.rank_key(self.requirements)
        return shortfall == 0.0 and own <= loss

    def _patience_is_over(self) -> bool:
        if self.patience is None:
            return False
        self.in_vain = self.maker.made - self._last_new
        if self.in_vain < self.patience and self.maker.made - self._last_full >= _SCREENED * self.patience:
            self.in_vain = self.maker.made - self._last_full
        return self.in_vain >= self.patience

    def how_it_ended(self) -> str:
        """Return what there is to say of a search that ended before its budget was used up, for want of rules."""
        if self.told:
            return self.told
        if self.stopped_by == "exhausted" and self.certificate is None:
            return f", all there are in grammar {self.grammar.name}"
        if self.stopped_by == "nothing new":
            return f"; the search ended early: {self.in_vain:,} proposals in a row brought no new one"
        return ""

    def end_generation(self, population: int) -> bool:
        """Commit the generation and tell who watches; return whether the search goes on."""
        progress = self.progress
        progress.population = population
        best = self.archive.best()
        if self.store is not None and (self._pending or not self.store.has_generation(progress.generation)):
            loss = best.full.loss if best is not None else None
            self.store.add(
                self._pending,
                (progress.generation, progress.evaluations, progress.distinct, progress.duplicates, loss, population),
            )
            self._pending = []
        progress.generation += 1
        if self.watch is not None:
            self.watch(self)
        if not self.left:
            self.stopped_by = "budget"
        elif self.deadline.is_over(progress.seconds):
            self.stopped_by = "time"
        elif self.stop_loss is not None and self.reached(best, self.stop_loss):
            self.stopped_by = "stop-loss"
        elif self._patience_is_over():
            self.stopped_by = "nothing new"
        return not self.stopped_by
