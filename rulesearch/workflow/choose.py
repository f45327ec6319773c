"""From the archive of a search to its front: finalists, clean-up, calibration, and which rule is recommended."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from rulesearch.evaluation.outcome import Outcome
from rulesearch.fitting.chance import chi_square_quantile
from rulesearch.inference.judging import Prediction
from rulesearch.rules.rule import RuleSet
from rulesearch.search.candidate import Candidate
from rulesearch.search.problem import Problem
from rulesearch.symbolic import canonical_key, canonical_size
from rulesearch.tasks.task import Task
from rulesearch.wording import counted
from rulesearch.workflow.asked import Asked, shortest, size_on_front
from rulesearch.workflow.calibrate import calibrate, shortlist
from rulesearch.workflow.clean_up import CleanUp, Score, clean_up
from rulesearch.workflow.neighbours import try_neighbours
from rulesearch.workflow.refit import left_out_prediction
from rulesearch.workflow.scorer import Scorer

_PER_SIZE = 2
_ROUNDS = 3
_ROUNDING = 1e-9
_CLEANING, _JUDGING, _CALIBRATING = 0.4, 0.4, 0.3
"""Shares of the time left after a search, where that is limited."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen of a search's rules, by selection seeds alone.

    **Fields:** `cleaned`: by fingerprint of the candidate; `front` by size; `best`: the place of the recommended rule
    on it; `references` by label, and the outcome of the known rule, the `baseline`; `chosen_on`: what losses are
    over, in words; `simplified`: how many of `cleaned` there was time to simplify only; `left_out`: what each rule
    of the front, by its text, predicts of measurements that were left out, where there are any.
    """

    cleaned: Mapping[str, CleanUp]
    front: Sequence[CleanUp]
    best: int
    references: Mapping[str, RuleSet]
    baseline: Outcome
    chosen_on: str
    simplified: int = 0
    left_out: Mapping[str, Prediction] = field(default_factory=dict)

    @property
    def recommended(self) -> CleanUp:
        """The recommended rule."""
        return self.front[self.best]


def choose(
    problem: Problem, scorer: Scorer, notify: Callable[[str], None], asked: Asked | None = None
) -> Choice | None:
    """Return what is chosen of the archive of a finished search; None where no rule ran to its end.

    **Arguments:** `asked`: what rules must keep to, None where a search was free.
    **Raises:** `OutOfTime` where not even the finalists could be scored.
    """
    task, settings = scorer.task, scorer.evaluator.settings
    conditions = [tuple(sorted(item.items())) for item in task.fidelities[-1].conditions]

    def select(rules: Sequence[RuleSet], trials: int) -> list[Outcome]:
        return scorer.score(rules, "selection", trials, conditions)

    def judge(rules: Sequence[RuleSet]) -> list[Outcome]:
        return select(rules, task.protocol.choosing_trials)

    given = problem.maker.given
    beside = {label: rules.under(given) for label, rules in task.references(settings).items()}
    beside[task.known_rule] = task.known_beside(given, settings)
    references = {label: task.spelled_out(problem.as_searched(rules), settings) for label, rules in beside.items()}
    known = references[task.known_rule]
    baseline, judged = select([known], task.protocol.selection_trials)[0], False
    cleaned: dict[str, CleanUp] = {}
    simplified = 0
    pool = {candidate.key: candidate for candidate in problem.archive.members()}
    front: list[CleanUp] = []
    chosen_on = task.chosen_on(settings)
    if task.protocol.front_trials > task.protocol.selection_trials and scorer.clock.limited:
        chosen_on = f"{task.protocol.selection_trials} selection seeds"
    for _ in range(_ROUNDS):
        finalists = [item for item in choose_finalists(problem, pool.values(), asked) if item.key not in cleaned]
        done, left = _cleaned(finalists, scorer, select, notify, asked)
        cleaned |= done
        simplified += left
        if task.protocol.front_trials > task.protocol.selection_trials:
            keys = [item.key for item in finalists]
            with scorer.clock.part("more seeds to choose the front by", _JUDGING):
                # The known rule goes with the first of them: what a seed is, once drawn, serves all.
                extra = [] if judged else [known]
                outcomes = judge([*(cleaned[key].rules for key in keys), *extra])
                cleaned |= {key: replace(cleaned[key], outcome=item) for key, item in zip(keys, outcomes, strict=False)}
                baseline, judged = baseline if judged else outcomes[-1], True
                chosen_on = task.chosen_on(settings)
        front = _front(list(cleaned.values()), task, asked)
        near = try_neighbours(problem, [item.rules for item in front])
        if not near:
            break
        for candidate in near:
            pool.setdefault(candidate.key, candidate)
    if not front:
        return None
    if not judged:
        with scorer.clock.part("more seeds for the known rule", _JUDGING):
            baseline = judge([known])[0]
    chosen = shortlist(cleaned.values(), baseline, task)
    if chosen:
        notify(f"calibrating the constants of {', '.join(str(item.rules) for item in chosen)}")
        with scorer.clock.part("the calibration of constants", _CALIBRATING):
            calibrated = calibrate([item.rules for item in chosen], task, select)
            outcomes = judge([rules for rules, _ in calibrated])
            for item, (rules, steps), outcome in zip(chosen, calibrated, outcomes, strict=True):
                if outcome.rank_key(task.requirements) < item.outcome.rank_key(task.requirements):
                    steps = item.steps + steps
                    better = replace(item, rules=rules, outcome=outcome, loss_after=outcome.loss, steps=steps)
                    cleaned = {key: better if old is item else old for key, old in cleaned.items()}
    front = _front(list(cleaned.values()), task, asked)
    left_out: dict[str, Prediction] = {}
    if task.protocol.refitted:
        notify("leaving out one measurement after the other")
        with scorer.clock.part("predictions of measurements that were left out"):
            for item in front:
                scorer.clock.check()
                predicted = left_out_prediction(item.rules, task, settings, problem.grammar.taus)
                if predicted is not None:
                    left_out[str(item.rules)] = predicted
    judged_by = [left_out.get(str(item.rules)) for item in front]
    squares = [None if predicted is None else predicted.residuals**2 for predicted in judged_by]
    best = recommended(front, baseline, task, squares)
    return Choice(cleaned, front, best, references, baseline, chosen_on, simplified, left_out)


def _cleaned(
    finalists: Sequence[Candidate],
    scorer: Scorer,
    select: Score,
    notify: Callable[[str], None],
    asked: Asked | None,
) -> tuple[dict[str, CleanUp], int]:
    """Return each of the finalists cleaned up, by fingerprint, and how many there was time to simplify only.

    Where time is limited, the better ones come first.
    """
    task, settings, clock = scorer.task, scorer.evaluator.settings, scorer.clock
    # Where the learning rate is fitted, it is fitted to every form that is tried on the way.
    spelled = {
        item.key: item.rules if task.protocol.fits_eta else task.spelled_out(item.rules, settings) for item in finalists
    }
    found: dict[str, CleanUp] = {}
    order = list(finalists)
    if clock.limited and finalists:
        # What there is no time for stays as it was found, but is judged like the others.
        notify(f"scoring {len(finalists)} rules")
        forms = {key: shortest(rules, asked) for key, rules in spelled.items()}
        outcomes = select([rules for rules, _ in forms.values()], task.protocol.selection_trials)
        for (key, (rules, steps)), outcome in zip(forms.items(), outcomes, strict=True):
            loss = outcome.loss
            found[key] = CleanUp(rules, spelled[key].size, rules.size, outcome, loss, loss, tuple(steps), key)
        order.sort(key=lambda item: (found[item.key].outcome.rank_key(task.requirements), item.size, item.key))
    done = 0
    with clock.part("the clean-up", _CLEANING):
        for number, candidate in enumerate(order, 1):
            notify(f"cleaning up rule {number} of {len(finalists)}: {candidate.rules}")
            clock.check()
            cleaned = clean_up(spelled[candidate.key], task, select, asked)
            found[candidate.key] = replace(cleaned, source=candidate.key)
            done = number
    found = {key: replace(item, rules=task.spelled_out(item.rules, settings)) for key, item in found.items()}
    if clock.left_out[-1:] == ["the clean-up"]:
        clock.left_out[-1] = f"the clean-up of {len(order) - done} of {counted(len(order), 'rule')}"
    return found, len(order) - done


def choose_finalists(problem: Problem, pool: Iterable[Candidate], asked: Asked | None = None) -> list[Candidate]:
    """Return the candidates worth cleaning up, by canonical size: the front, and the next best of each size.

    A rule may have evolved in a long form: what counts is the size of its shortest one. One in which what was required
    does nothing comes only where there are no others.
    """
    if asked is not None:
        everything = list(pool)
        pool = [candidate for candidate in everything if asked.needs(candidate.rules)] or everything

    def rank(candidate: Candidate) -> tuple[float, float, int, str]:
        return *candidate.full.rank_key(problem.requirements), candidate.size, candidate.key

    rows: dict[int, list[Candidate]] = {}
    for candidate in sorted(pool, key=rank):
        rows.setdefault(canonical_size(candidate.rules), []).append(candidate)
    front: list[Candidate] = []
    next_best: list[Candidate] = []
    for size in sorted(rows):
        first, *rest = rows[size]
        better = not front or rank(first)[:2] < rank(front[-1])[:2]
        (front if better else next_best).append(first)
        next_best += rest[: _PER_SIZE - 1]
    more = max(0, problem.task.protocol.finalists - len(front))
    return [*front, *sorted(next_best, key=rank)[:more]]


def _front(cleaned: Sequence[CleanUp], task: Task, asked: Asked | None) -> list[CleanUp]:
    distinct: dict[str, CleanUp] = {}
    orders: dict[str, tuple[float | str, ...]] = {}
    for item in [each for each in cleaned if not _does_nothing(each.rules)] or cleaned:
        if item.outcome.ok:
            key = canonical_key(item.rules)
            order = (item.rules.size, *item.outcome.rank_key(task.requirements), str(item.rules))
            if key not in distinct or order < orders[key]:
                distinct[key], orders[key] = item, order
    ordered = sorted(
        distinct.values(),
        key=lambda item: (size_on_front(item.rules, asked), *item.outcome.rank_key(task.requirements), str(item.rules)),
    )
    front: list[CleanUp] = []
    for item in ordered:
        shortfall, loss = item.outcome.rank_key(task.requirements)
        # What is better by rounding alone, an equal function in a longer form, is not better.
        if not front or (shortfall, loss * (1.0 + _ROUNDING)) < front[-1].outcome.rank_key(task.requirements):
            front.append(item)
    return front


def _does_nothing(rules: RuleSet) -> bool:
    """Return whether no slot of a cleaned rule ever changes a weight: that is no rule, whatever it scores."""
    return all(rule.is_still for rule in rules.searched.values())


def recommended(
    front: Sequence[CleanUp],
    baseline: Outcome,
    task: Task,
    left_out: Sequence[npt.NDArray[np.float64] | None] = (),
) -> int:
    """Return the index of the smallest rule that does as well as the known one, else of the best.

    Where measurements are left out, it is the smallest rule that predicts them to within their noise, no worse than a
    true rule does in 95 of 100 tables (of less noise than was told, if that is what the best rule leaves), or as well
    as the best one up to one standard error of the mean paired difference of squared residuals (after Breiman et al.
    1984, Classification and regression trees, 3.4.3): which of those predicts best is chance.

    **Arguments:** `left_out`: squared residuals of each rule, `(measurements,)`, None where it died.
    """
    lacks = [item.outcome.rank_key(task.requirements)[0] for item in front]
    judged = {
        index: squares for index, squares in enumerate(left_out) if squares is not None and lacks[index] == min(lacks)
    }
    if judged:
        means = {index: float(np.nanmean(squares)) for index, squares in judged.items()}
        best = min(means, key=lambda index: means[index])
        ceiling = _noise_ceiling(task, means[best], int(np.sum(np.isfinite(judged[best]))))
        return min(
            index
            for index, mean in means.items()
            if mean <= ceiling or mean - means[best] <= _standard_error(judged[index] - judged[best])
        )
    for index, item in enumerate(front):
        if solves(item, baseline, task):
            return index
    return min(range(len(front)), key=lambda index: front[index].outcome.rank_key(task.requirements))


def _noise_ceiling(task: Task, best: float, rows: int) -> float:
    """Return the mean squared residual that noise makes at most, 0 where noise is not known.

    Where the best rule leaves less than a true one in 5 of 100 tables, standard errors were told too large, and the
    ceiling is as much lower.
    """
    if not task.noise:
        return 0.0
    usual = task.noise * chi_square_quantile(0.05, rows) / rows
    return task.enough(0.0) * min(1.0, best / usual)


def _standard_error(differences: npt.NDArray[np.float64]) -> float:
    known = differences[np.isfinite(differences)]
    with np.errstate(all="ignore"):
        return float(np.std(known, ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else 0.0


def solves(item: CleanUp, baseline: Outcome, task: Task) -> bool:
    """Return whether a rule does as well as the known one."""
    shortfall, loss = item.outcome.rank_key(task.requirements)
    return baseline.loss is not None and shortfall == 0.0 and loss <= task.enough(baseline.loss)
