"""From an archive to a front: clean-up, selection, held-out scores, verdicts, a conclusion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Condition, Evaluator, Job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.evaluation.store import Record, Store
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import RuleSet
from rulesearch.search.candidate import Candidate
from rulesearch.search.problem import Problem
from rulesearch.symbolic import Verdict, canonical_key, canonical_size, compare, simplify
from rulesearch.tasks.task import Task
from rulesearch.workflow.account import Account, account
from rulesearch.workflow.calibrate import calibrate, shortlist
from rulesearch.workflow.clean_up import CleanUp, clean_up
from rulesearch.workflow.confirm import Confirmation, title_of
from rulesearch.workflow.constants import at_edge
from rulesearch.workflow.losses import mean_loss
from rulesearch.workflow.neighbours import try_neighbours
from rulesearch.workflow.permuted import Permuted
from rulesearch.workflow.refit import predictive_metrics
from rulesearch.workflow.run import FrontMember, ReferenceScore

Predictive = Callable[[RuleSet], dict[str, float]]
"""Metrics of what a rule predicts beyond what it was fitted to."""

_PER_SIZE = 2
_ROUNDS = 3
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a search comes to: the front by rank, references, other conditions, a sentence, and permuted searches.

    **Fields:** `chosen_on`, `held_out_on`, `solved`, `recommended` as of `Run`; `account` of the clean-up.
    """

    members: tuple[FrontMember, ...]
    references: tuple[ReferenceScore, ...]
    conditions: tuple[ReferenceScore, ...]
    sentence: str
    permuted: Permuted | None = None
    chosen_on: str = ""
    held_out_on: str = ""
    solved: bool = False
    recommended: bool = False
    account: Account | None = None


class Scorer:
    """Evaluates rules outside the search: one job per rule and seed, answered from the store where possible."""

    def __init__(self, evaluator: Evaluator, store: Store, run_seed: int) -> None:
        self.evaluator = evaluator
        self.task = evaluator.task
        self.store = store
        self.run_seed = run_seed

    def score(
        self, rules: Sequence[RuleSet], role: str, trials: int, conditions: Sequence[Condition] = ((),)
    ) -> list[Outcome]:
        """Return the outcome of each rule over all trials.

        **Arguments:** `role` of the seeds (`selection` or `report`); `conditions`: those of the trials, in turn.
        """
        full = self.task.fidelities[-1].name
        seeds = trial_seeds(self.run_seed, role, trials)
        # Seed by seed, so that the data of a seed are prepared once for all rules.
        jobs = [
            Job(item, (seed,), full, (conditions[index % len(conditions)],))
            for index, seed in enumerate(seeds)
            for item in rules
        ]
        known = [self.store.get(job) for job in jobs]
        missing = [index for index, outcome in enumerate(known) if outcome is None]
        for index, outcome in zip(missing, self.evaluator.run([jobs[index] for index in missing]), strict=True):
            known[index] = outcome
        phase = "report" if role == "report" else "clean-up"
        self.store.add(
            [Record(-1, phase, jobs[index], item, "") for index in missing if (item := known[index]) is not None]
        )
        found = [item for item in known if item is not None]
        return [
            Outcome.of(seeds, [trial for outcome in found[place :: len(rules)] for trial in outcome.trials])
            for place in range(len(rules))
        ]

    def score_those_that_run(self, rules: Sequence[RuleSet], role: str, trials: int) -> list[Outcome | None]:
        """Return the outcome of each rule as `score` does, None for one on which the task fails with an error."""
        try:
            return list(self.score(rules, role, trials))
        except Exception:
            if len(rules) == 1:
                return [None]
            return [self.score_those_that_run([item], role, trials)[0] for item in rules]


def conclude(problem: Problem, evaluator: Evaluator, store: Store, notify: Callable[[str], None]) -> Conclusion:
    """Turn the archive of a finished search into its front."""
    task, settings = evaluator.task, evaluator.settings
    scorer = Scorer(evaluator, store, problem.seed)
    search_conditions = [tuple(sorted(item.items())) for item in task.fidelities[-1].conditions]

    def select(rules: Sequence[RuleSet], trials: int) -> list[Outcome]:
        return scorer.score(rules, "selection", trials, search_conditions)

    def judge(rules: Sequence[RuleSet]) -> list[Outcome]:
        return select(rules, max(task.selection_trials, task.front_trials))

    found = problem.archive.best()
    cleaned: dict[str, CleanUp] = {}
    pool = {candidate.key: candidate for candidate in problem.archive.members()}
    for _ in range(_ROUNDS):
        finalists = [item for item in choose_finalists(problem, pool.values()) if item.key not in cleaned]
        for number, candidate in enumerate(finalists, 1):
            notify(f"cleaning up rule {number} of {len(finalists)}: {candidate.rules}")
            form = clean_up(task.spelled_out(candidate.rules, settings), task, select)
            cleaned[candidate.key] = replace(form, source=candidate.key)
        if task.front_trials > task.selection_trials:
            keys = [item.key for item in finalists]
            outcomes = judge([cleaned[key].rules for key in keys])
            cleaned |= {
                key: replace(cleaned[key], outcome=outcome) for key, outcome in zip(keys, outcomes, strict=True)
            }
        front = _front(list(cleaned.values()), task)
        near = try_neighbours(problem, [item.rules for item in front])
        if not near:
            break
        for candidate in near:
            pool.setdefault(candidate.key, candidate)
    if not front:
        return Conclusion((), (), (), "no rule ran to its end; nothing was found")
    references = {label: task.spelled_out(rules, settings) for label, rules in task.references(settings).items()}
    baseline = judge([references[task.known_rule]])[0]
    chosen = shortlist(cleaned.values(), baseline, task)
    if chosen:
        notify(f"calibrating the constants of {', '.join(str(item.rules) for item in chosen)}")
        calibrated = calibrate([item.rules for item in chosen], task, select)
        outcomes = judge([rules for rules, _ in calibrated])
        for item, (rules, steps), outcome in zip(chosen, calibrated, outcomes, strict=True):
            if outcome.rank_key(task.requirements) < item.outcome.rank_key(task.requirements):
                steps = item.steps + steps
                better = replace(item, rules=rules, outcome=outcome, loss_after=outcome.loss, steps=steps)
                cleaned = {key: better if old is item else old for key, old in cleaned.items()}
    front = _front(list(cleaned.values()), task)
    chosen_on, held_out_on = task.chosen_on(settings), task.held_out_on(settings)
    notify(f"scoring {len(front)} rules on {held_out_on or chosen_on}")
    wanted = [*(item.rules for item in front), *references.values()]
    scored = scorer.score_those_that_run(wanted, "report", task.report_trials)
    reported = [item for item in scored[: len(front)] if item is not None]
    if len(reported) < len(front):
        raise RulesearchError("a rule of the front does not run on the report seeds")
    beside = {label: item for label, item in zip(references, scored[len(front) :], strict=True) if item is not None}
    best = recommended(front, baseline, task)
    order = sorted(
        range(len(front)), key=lambda index: (index != best, *front[index].outcome.rank_key(task.requirements))
    )
    if task.refitted:
        notify("leaving out one measurement after the other")

    def predictive(rules: RuleSet) -> dict[str, float]:
        return predictive_metrics(rules, task, settings)

    def held_out(rules: RuleSet, outcome: Outcome) -> tuple[float, ...]:
        return task.held_out_losses(task.bind(rules, settings), outcome.trials, settings) if outcome.ok else ()

    members = tuple(
        replace(
            _member(rank, front[index], reported[index], held_out(front[index].rules, reported[index]), predictive),
            at_edge=at_edge(front[index].rules, problem.grammar),
        )
        for rank, index in enumerate(order, 1)
    )
    scores = tuple(
        _reference(label, references[label], outcome, held_out(references[label], outcome), predictive)
        for label, outcome in beside.items()
    )
    conditions = []
    for changes in task.report_conditions():
        label = ", ".join(f"{name} = {value:g}" for name, value in changes.items())
        notify(f"scoring rank 1 under {label}")
        outcome = scorer.score([members[0].rules], "report", task.report_trials, [tuple(sorted(changes.items()))])[0]
        losses = held_out(members[0].rules, outcome)
        fields = outcome.status, outcome.loss, outcome.metrics, mean_loss(losses), losses
        conditions.append(ReferenceScore(label, members[0].rules, *fields))
    solved = solves(front[best], baseline, task)
    verdict = Confirmation.of(members[0], scores, reported[best], task, held_out_on)
    sentence = _sentence(members[0], solved, verdict, problem, task)
    if problem.certificate is not None:
        sizes = [canonical_size(item.rules) for item in front if solves(item, baseline, task)]
        sentence += f"; {problem.certificate.claim(min(sizes, default=None))}"
    solved = solved and not verdict.refuted
    told = None if found is None else account(cleaned, [front[index] for index in order], found, task, settings)
    return Conclusion(
        members, scores, tuple(conditions), sentence, None, chosen_on, held_out_on, solved, not verdict.idle, told
    )


_INTERRUPTED = "interrupted: losses are those of the search, nothing was held out yet"


def provisional(problem: Problem, sentence: str = _INTERRUPTED) -> Conclusion:
    """Return the front of a search as it stands, simplified where that can be done, but not simulated again.

    **Arguments:** `sentence`: why.
    """
    task, settings = problem.task, problem.evaluator.settings
    members: list[FrontMember] = []
    front = problem.archive.front()
    for rank, candidate in enumerate(reversed(front), 1):
        outcome = candidate.full
        if outcome is None or outcome.loss is None:
            continue
        rules = task.spelled_out(candidate.rules, settings)
        size, verdicts = rules.size, tuple[Verdict, ...]()
        with suppress(Exception):
            rules = simplify(rules).simplified
            size, verdicts = canonical_size(rules), tuple(compare(rules))
        members.append(
            FrontMember(rank, rules, size, outcome.loss, None, outcome.metrics, verdicts, source=candidate.key)
        )
    return Conclusion(tuple(members), (), (), sentence, chosen_on=task.searched_on(settings))


def choose_finalists(problem: Problem, pool: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates worth cleaning up, by canonical size: the front, and the next best of each size.

    A rule may have evolved in a long form: what counts is the size of its shortest one.
    """

    def rank(candidate: Candidate) -> tuple[float, float, int, str]:
        outcome = candidate.full
        shortfall, loss = outcome.rank_key(problem.requirements) if outcome else (float("inf"), float("inf"))
        return shortfall, loss, candidate.size, candidate.key

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
    more = max(0, problem.task.finalists - len(front))
    return [*front, *sorted(next_best, key=rank)[:more]]


def _front(cleaned: Sequence[CleanUp], task: Task) -> list[CleanUp]:
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
        key=lambda item: (canonical_size(item.rules), *item.outcome.rank_key(task.requirements), str(item.rules)),
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
    zero = Expression.number(0.0)
    return all(expression == zero for rule in rules.rules.values() for expression in rule.slots.values())


def recommended(front: Sequence[CleanUp], baseline: Outcome, task: Task) -> int:
    """Return the index of the smallest rule that does as well as the known one, else of the best."""
    for index, item in enumerate(front):
        if solves(item, baseline, task):
            return index
    return min(range(len(front)), key=lambda index: front[index].outcome.rank_key(task.requirements))


def solves(item: CleanUp, baseline: Outcome, task: Task) -> bool:
    """Return whether a rule does as well as the known one."""
    shortfall, loss = item.outcome.rank_key(task.requirements)
    return baseline.loss is not None and shortfall == 0.0 and loss <= task.enough(baseline.loss)


def _member(
    rank: int, item: CleanUp, outcome: Outcome, held_out: tuple[float, ...], predictive: Predictive
) -> FrontMember:
    assert item.outcome.loss is not None
    return FrontMember(
        rank,
        item.rules,
        canonical_size(item.rules),
        item.outcome.loss,
        mean_loss(held_out),
        {**outcome.metrics, **predictive(item.rules)},
        tuple(compare(item.rules)),
        item.steps,
        item.source,
        held_out,
    )


def _reference(
    label: str, rules: RuleSet, outcome: Outcome, held_out: tuple[float, ...], predictive: Predictive
) -> ReferenceScore:
    metrics = {**outcome.metrics, **predictive(rules)}
    return ReferenceScore(label, rules, outcome.status, outcome.loss, metrics, mean_loss(held_out), held_out)


def _sentence(member: FrontMember, solved: bool, held_out: Confirmation, problem: Problem, task: Task) -> str:
    title = task.goal or title_of(task.known_rule)
    found = f"a rule of size {member.size}"
    nearest = member.nearest
    summary = " (different from all known rules)" if nearest is None else f" ({nearest.summary})"
    count = f"{problem.progress.distinct} distinct rules were tried{problem.how_it_ended()}"
    if solved and not held_out.refuted:
        said = f"solved: {found} {task.achieves} {title}{summary}"
    elif solved:
        said = f"not solved: {found} {task.achieves} {title}{summary} where it was chosen, not beyond"
    else:
        said = f"not solved: the best, {found}, {task.misses} {title}{summary}"
    return f"{said}; {held_out.sentence}; {count}"
