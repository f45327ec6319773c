"""The constants of one form by filtered simulation-based inference: the parametric baseline of recurrent networks.

Draws from the prior are simulated, each on a seed of its own; a normalising flow learns which constants go with which
metrics, and gives constants for metrics that pass the filters of a task, or come near to it (Confavreux,
Ramesh, Goncalves, Macke & Vogels 2023, NeurIPS 36). Where simulations are few, a flow in two dozen dimensions knows
little: of many draws, from it, from the prior and from around what came nearest, those are simulated that pass most
likely, as trees tell that learn from all simulations as they come, those that died among them (a restricted prior:
Deistler, Macke & Goncalves 2022, doi:10.1073/pnas.2207632119). Half of them come by whichever ways what came nearest
did, half by all ways alike. The flow is learnt anew after each round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import generator
from rulesearch.expression.tree import Expression
from rulesearch.grammar import Grammar
from rulesearch.grammar.parts import reachable
from rulesearch.inference.passing import Passing
from rulesearch.inference.posterior import Posterior, need_sbi
from rulesearch.search.candidate import Candidate
from rulesearch.search.engine import Engine
from rulesearch.search.genome import Genome
from rulesearch.search.options import option
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.problem import Problem
from rulesearch.tasks.declaration import Requirement
from rulesearch.tasks.task import Task

_BATCH = 20
_FIRST_SEED = 1000
"""The search seed of the first draw: those before it are of full trials."""
_LEAST = 50
"""Simulations that ran to their end, without which nothing is fitted, and the proposal stays."""
_OF_FLOW, _OF_PRIOR, _RULE_ANEW, _RULE_TAKEN, _FEW_ANEW, _STEP = range(6)
"""Ways by which draws come: from the flow, from the prior, and four kinds from what came nearest; see `_around`."""
_WAYS, _FIRST = 6, -1
_PROMOTED = 24
_DRAWN = 0.9
"""Share of the budget that is for draws; what comes near to passing is evaluated with the rest."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SbiSettings:
    """What steers the engine; each option says what it is."""

    rounds: int = option(4, "rounds after the first one, which draws from the prior", 1, 50)
    aims: int = option(
        20, "simulations whose metrics are aimed at, at least; the nearest ones where fewer pass", 1, 10_000
    )
    pool: int = option(
        1000,
        "draws of which the one that passes most likely is simulated; 1: flow alone",
        1,
        100_000,
    )
    full: int = option(0, "1: draws are simulated in full; 0: at the cheap fidelity, where the task has one", 0, 1)


class SbiEngine(Engine):
    """Learns, from simulations with random constants, which constants pass the filters of a task."""

    name = "sbi"
    summary = (
        "constants of one form by neural posteriors of what passes filters; needs sbi; parametric baseline of networks"
    )
    settings_type = SbiSettings

    def __init__(self, settings: SbiSettings | None = None) -> None:
        self.settings: SbiSettings = settings or SbiSettings()

    def check(self, task: Task, grammar: Grammar) -> None:
        need_sbi()

    def check_start(self, primitives: GrammarPrimitives, start: Genome | None) -> None:
        form = start or _only_form(primitives)
        if form is None:
            raise RulesearchError(
                f"engine sbi fits the constants of one form, and grammar {primitives.grammar.name} has several; "
                "give a rule of the form with --start"
            )
        if not primitives.parameter_kinds(primitives.skeleton(form)):
            raise RulesearchError("engine sbi fits constants, and the form has none that the grammar searches")

    def search(self, problem: Problem) -> None:
        form = problem.start or _only_form(problem.primitives)
        if form is None:
            raise RulesearchError(f"grammar {problem.grammar.name} has several forms")
        search = _Search(problem, self.settings, form)
        problem.try_start()
        rounds = self.settings.rounds + 1
        each = max(1, int(_DRAWN * problem.left) // rounds)
        for number in range(rounds):
            if problem.stopped_by:
                break
            search.round(number, each, (number + 1) / rounds)
            problem.told = f"; passing all filters: {', '.join(search.told)}"
            if number < rounds - 1 and not problem.stopped_by:
                search.learn(number)
        if not problem.stopped_by:
            search.try_in_full(problem.left)
            problem.end_generation(1)
        problem.stopped_by = problem.stopped_by or "rounds"


def _only_form(primitives: GrammarPrimitives) -> Genome | None:
    """Return the form of a grammar that has one, its constants in the middle of their ranges; None for several."""
    grammar = primitives.grammar
    if grammar.optional_slots or any(
        len(grammar.productions[name]) > 1 for name in reachable(grammar.slots.values(), grammar.productions)
    ):
        return None

    def written(name: str) -> Expression:
        (only,) = grammar.productions[name]
        return only.fill([written(child) for child in only.children])

    middle = {kind: prior.at(0.5) for kind, prior in grammar.constants.items()}
    return primitives.genome({place: written(start) for place, start in grammar.slots.items()}, middle)


def _filters(problem: Problem) -> tuple[tuple[Requirement, ...], ...]:
    """Return the filters of the task, in order; where it names none: what it requires, then the known rule's loss.

    **Raises:** `RulesearchError` where there is nothing of these.
    """
    filters = problem.task.filters(problem.evaluator.settings)
    if filters:
        return filters
    enough = problem.threshold()
    last = () if enough is None else (Requirement("loss", most=enough),)
    found = tuple(stage for stage in (problem.task.requirements, last) if stage)
    if not found:
        raise RulesearchError(
            f"engine sbi has nothing to filter by: task {problem.task.name} requires nothing, and its known rule "
            "does not run to its end on the search seeds"
        )
    return found


class _Search:
    """What was simulated, and where the next draws come from."""

    def __init__(self, problem: Problem, settings: SbiSettings, form: Genome) -> None:
        self.problem, self.settings, self.form = problem, settings, form
        skeleton = problem.primitives.skeleton(form)
        kinds = problem.primitives.parameter_kinds(skeleton)
        self.rules = _numbered([key.rule for key in (*skeleton.names, *skeleton.times)])
        self.priors = [problem.grammar.constants[kind] for kind in kinds]
        self.filters = _filters(problem)
        self._fidelity = problem.full if settings.full else problem.screen
        self.shares: list[Array] = []
        self.outcomes: list[Outcome] = []
        self.candidates: list[Candidate] = []
        self.ways: list[int] = []
        self.proposal: tuple[Posterior, Array] | None = None
        self.told: list[str] = []
        self._full: set[int] = set()
        self._least = _NOTHING

    def round(self, number: int, wanted: int, share: float) -> None:
        """Simulate a number of draws, and tell how many pass all filters.

        **Arguments:** `share` of the time that the search has, by the end of the round.
        """
        problem, begun = self.problem, len(self.outcomes)
        rng, limit = generator(problem.seed, 1, number), problem.deadline.limit
        for first in range(0, wanted, _BATCH):
            drawn = self._draw(rng, min(_BATCH, wanted - first))
            batch = [self._candidate(row) for row in drawn]
            found = problem.simulate(batch, _FIRST_SEED + len(self.outcomes), self._fidelity)
            self.shares += list(drawn)
            self.outcomes += found
            self.candidates += batch
            # What ends early has something to show for it.
            self.try_in_full(1, better=True)
            if not problem.end_generation(len(batch)):
                break
            if limit is not None and problem.progress.seconds > share * limit:
                break
        passing = sum(self._passes(outcome) for outcome in self.outcomes[begun:])
        source = "the prior" if self.proposal is None else f"posterior {number}"
        self.told.append(f"{passing:,} of {len(self.outcomes) - begun:,} draws from {source}")

    def try_in_full(self, most: int, better: bool = False) -> None:
        """Evaluate the draws that came nearest to passing as a search does any rule, on its seeds.

        **Arguments:** `better`: only those that came nearer than all that were tried before.
        """
        near = {
            index: self._near(outcome)
            for index, outcome in enumerate(self.outcomes)
            if outcome.ok and index not in self._full
        }
        ranked = sorted(near, key=lambda index: (near[index], self.outcomes[index].ranked_loss, index))
        chosen = [index for index in ranked[: min(most, _PROMOTED)] if not better or near[index] < self._least]
        self._full.update(chosen)
        self._least = min([self._least, *(near[index] for index in chosen)])
        candidates = [self.candidates[index] for index in chosen]
        self.problem.evaluate(candidates)
        self.problem.promote([candidate for candidate in candidates if candidate.alive])

    def learn(self, number: int) -> None:
        """Fit the flow that the next round draws from."""
        asked = [each for stage in self.filters for each in stage]
        known = [index for index, outcome in enumerate(self.outcomes) if _values(outcome, asked) is not None]
        if len(known) < _LEAST:
            return
        metrics = np.array([_values(self.outcomes[index], asked) for index in known], dtype=np.float64)
        scales = np.array([_scale(each) for each in asked])
        rng = generator(self.problem.seed, 2, number)
        posterior = Posterior(np.array(self.shares)[known], metrics, scales, rng)
        row = {index: place for place, index in enumerate(known)}
        aims = metrics[[row[index] for index in self._nearest() if index in row]]
        low, high = (np.array([getattr(each, side) for each in asked]) for side in ("least", "most"))
        # What no simulation did yet is far from what the flow knows: half of the aims were seen as they are.
        self.proposal = posterior, np.concatenate((aims, np.clip(aims, low, high)))

    def _nearest(self) -> list[int]:
        """Return the draws that pass, the nearest ones with them where these are fewer than `aims`; nearest first."""
        near = [self._near(outcome) for outcome in self.outcomes]
        passing = sum(each == _PASSED for each in near)
        ranked = sorted(range(len(near)), key=lambda index: (near[index], index))
        return ranked[: max(self.settings.aims, passing)]

    def _draw(self, rng: np.random.Generator, wanted: int) -> Array:
        """Return constants `(wanted, constants)` as shares of their ranges."""
        self.ways += [_FIRST] * wanted
        if self.proposal is None:
            return rng.random((wanted, len(self.priors)))
        if self.settings.pool == 1:
            return self._of_flow(wanted, rng)
        shares, nearest = np.array(self.shares), self._nearest()
        came = [self.ways[index] for index in nearest if self.ways[index] != _FIRST]
        came_by = np.bincount(np.array(came, dtype=np.int64), minlength=_WAYS) / max(1, len(came))
        # Small steps lead near most often, and not from one family of networks to another: half is left to all ways.
        chances = np.full(_WAYS, 0.5 / _WAYS) + 0.5 * came_by if came else np.full(_WAYS, 1.0 / _WAYS)
        ways = rng.choice(_WAYS, size=wanted, p=chances)
        met = np.array([self._short(outcome) <= 0.0 for outcome in self.outcomes])
        passing = Passing(shares, met, rng)
        alive = shares[np.array([outcome.ok for outcome in self.outcomes])]
        self.ways[-wanted:] = [int(way) for way in ways]
        pools = np.array([self._pool(int(way), shares[nearest], alive, rng) for way in ways])
        chance = passing.chance(pools.reshape(-1, len(self.priors))).reshape(wanted, -1)
        chosen: Array = pools[np.arange(wanted), np.argmax(chance, axis=1)]
        return chosen

    def _pool(self, way: int, near: Array, alive: Array, rng: np.random.Generator) -> Array:
        """Return draws `(pool, constants)` that come by one way; others are as of `_around`."""
        number = self.settings.pool
        if way == _OF_FLOW:
            return self._of_flow(number, rng)
        if way == _OF_PRIOR:
            return rng.random((number, len(self.priors)))
        return _around(way, near, alive, self.rules, number, rng)

    def _of_flow(self, wanted: int, rng: np.random.Generator) -> Array:
        assert self.proposal is not None
        posterior, aims = self.proposal
        drawn: Array = posterior.sample(aims[rng.integers(len(aims), size=wanted)], rng)[0]
        return drawn

    def _candidate(self, shares: Array) -> Candidate:
        values = tuple(prior.at(float(share)) for prior, share in zip(self.priors, shares, strict=True))
        genome = self.problem.primitives.with_values(self.form, values)
        return self.problem.maker.make(genome, "posterior", (), self.problem.progress.generation)

    def _passes(self, outcome: Outcome) -> bool:
        return self._near(outcome) == _PASSED

    def _near(self, outcome: Outcome) -> tuple[int, float]:
        """Return how near an outcome comes to passing, less for nearer: how many bounds it misses, and by how much.

        Filter after filter, the nearest would be what passes the first one alone, whatever else it does: of networks
        with good rates most are far from irregular.
        """
        short = self._short(outcome)
        return (int(np.sum(short > 0.0)), float(short.sum())) if outcome.ok else _NOTHING

    def _short(self, outcome: Outcome) -> Array:
        """Return how far out of each bound an outcome is, in units of what is a large difference; inf where it died."""
        asked = [each for stage in self.filters for each in stage]
        if not outcome.ok:
            return np.full(len(asked), np.inf)
        return np.array([each.shortfall(_shown(outcome)) / _scale(each) for each in asked])


_PASSED = (0, 0.0)
_NOTHING = (10**9, np.inf)
"""How near what passes, and what died, comes to passing."""


def _numbered(rules: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return a number for the rule of each constant; where all are of one, a number for each constant."""
    names = list(dict.fromkeys(rules))
    return np.arange(len(rules)) if len(names) == 1 else np.array([names.index(rule) for rule in rules])


def _around(
    way: int, near: Array, alive: Array, rules: npt.NDArray[np.int64], wanted: int, rng: np.random.Generator
) -> Array:
    """Return `wanted` points around some of `near` `(draws, constants)`, nearest first; each is in 0 to 1.

    Around which: the nearer of two that chance takes. By `_RULE_ANEW` all constants of one rule are drawn anew, by
    `_RULE_TAKEN` they are those of another draw that is alive: what the other rules do stays. By `_FEW_ANEW` two
    constants in the mean, and one at least, are drawn anew. Else a step is made that has the covariance of the draws
    times 2.38^2 by their dimension (Roberts & Rosenthal 2001, doi:10.1214/ss/1015346320), reflected at the ends of the
    range.

    **Arguments:** `alive` `(others, constants)`; `rules` `(constants,)`: the number of the rule of each constant.
    """
    shape = wanted, near.shape[1]
    begun = near[rng.integers(len(near), size=(2, wanted)).min(axis=0)]
    if way == _STEP:
        spread = np.zeros((shape[1], shape[1]))
        if len(near) > 1:
            spread += np.cov(near, rowvar=False) * 2.38**2 / shape[1]
        moved = np.abs(begun + rng.multivariate_normal(np.zeros(shape[1]), spread, size=wanted, method="eigh")) % 2.0
        stepped: Array = np.minimum(moved, 2.0 - moved)
        return stepped
    changed = rules == rng.integers(rules.max() + 1, size=wanted)[:, np.newaxis]
    if way == _FEW_ANEW:
        changed = rng.random(shape) < 1.0 / shape[1]
        changed[np.arange(wanted), rng.integers(shape[1], size=wanted)] = True
    others = alive[rng.integers(len(alive), size=wanted)] if way == _RULE_TAKEN else rng.random(shape)
    found: Array = np.where(changed, others, begun)
    return found


def _shown(outcome: Outcome) -> dict[str, float]:
    return {**outcome.metrics, "loss": outcome.ranked_loss}


def _values(outcome: Outcome, asked: Sequence[Requirement]) -> list[float] | None:
    """Return the metrics that filters ask about; None where one is not there."""
    shown = _shown(outcome)
    found = [shown.get(each.metric, np.nan) for each in asked]
    return found if outcome.ok and np.all(np.isfinite(found)) else None


def _scale(requirement: Requirement) -> float:
    """Return what is a large difference of a metric: the width of its bounds, or the size of the only one."""
    width = requirement.most - requirement.least
    if 0.0 < width < np.inf:
        return width
    return max(
        (abs(bound) for bound in (requirement.least, requirement.most) if 0.0 < abs(bound) < np.inf), default=1.0
    )
