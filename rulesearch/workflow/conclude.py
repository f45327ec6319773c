"""What a search comes to: its front with held-out scores and verdicts, references beside it, and a conclusion."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.store import Store
from rulesearch.rules.rule import RuleSet
from rulesearch.search.problem import Problem
from rulesearch.symbolic import Verdict, canonical_size
from rulesearch.tasks.task import Task
from rulesearch.wording import counted
from rulesearch.workflow.account import Account, account
from rulesearch.workflow.asked import Asked, shortest, size_on_front
from rulesearch.workflow.choose import choose, solves
from rulesearch.workflow.clean_up import CleanUp
from rulesearch.workflow.clock import Clock
from rulesearch.workflow.confirm import Confirmation, title_of
from rulesearch.workflow.constants import at_edge
from rulesearch.workflow.front import FrontMember, ReferenceScore
from rulesearch.workflow.known_verdicts import known_verdicts
from rulesearch.workflow.losses import mean_loss
from rulesearch.workflow.permuted import Permuted, Rank
from rulesearch.workflow.refit import predictive_metrics
from rulesearch.workflow.scorer import Scorer

Predictive = Callable[[RuleSet], dict[str, float]]
"""Metrics of what a rule predicts beyond what it was fitted to."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a search comes to: the front by rank, references, other conditions, a sentence, and permuted searches.

    **Fields:** `chosen_on`, `held_out_on`, `solved`, `recommended` as of `Run`; `account` of the clean-up; `rank`: what
    the recommended rule lacks of the requirements, and its loss, where it was chosen.
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
    rank: Rank | None = None


def conclude(
    problem: Problem,
    evaluator: Evaluator,
    store: Store,
    notify: Callable[[str], None],
    clock: Clock,
    asked: Asked | None = None,
) -> Conclusion:
    """Turn the archive of a finished search into its front, within the time of a clock.

    **Arguments:** `asked`: what rules must keep to, None where the search was free.
    """
    task, settings = evaluator.task, evaluator.settings
    scorer = Scorer(evaluator, store, problem.seed, clock)
    found = problem.archive.best()
    choice = choose(problem, scorer, notify, asked)
    if choice is None:
        return Conclusion((), (), (), _nothing(problem))
    front, best, baseline, references = choice.front, choice.best, choice.baseline, choice.references
    chosen_on, held_out_on = choice.chosen_on, task.held_out_on(settings)
    notify(f"scoring {len(front)} rules on {held_out_on or chosen_on}")
    reported = [item.outcome for item in front]
    beside, scored_on = {task.known_rule: baseline}, ""
    with clock.part(f"the scores on {held_out_on or chosen_on}"):
        wanted = [*(item.rules for item in front), *references.values()]
        scored = scorer.score_those_that_run(wanted, "report", task.protocol.report_trials)
        reported = [item for item in scored[: len(front)] if item is not None]
        if len(reported) < len(front):
            raise RulesearchError("a rule of the front does not run on the report seeds")
        pairs = zip(references, scored[len(front) :], strict=True)
        beside = {label: item for label, item in pairs if item is not None}
        scored_on = held_out_on
    order = sorted(
        range(len(front)), key=lambda index: (index != best, *front[index].outcome.rank_key(task.requirements))
    )
    predicted: dict[str, dict[str, float]] = {}
    with clock.part("predictions of what a rule was not fitted to"):
        for rules in (*(front[index].rules for index in order), *(references[label] for label in beside)):
            if task.protocol.refitted or task.protocol.transfer:
                clock.check()
            left_out = choice.left_out.get(str(rules))
            predicted[str(rules)] = predictive_metrics(rules, task, settings, left_out, problem.grammar.taus)

    def predictive(rules: RuleSet) -> dict[str, float]:
        return predicted.get(str(rules), {})

    def held_out(rules: RuleSet, outcome: Outcome) -> tuple[float, ...]:
        if not outcome.ok or not scored_on:
            return ()
        return task.held_out_losses(task.bind(rules, settings), outcome.trials, settings)

    members = tuple(
        replace(
            _member(rank, front[index], reported[index], held_out(front[index].rules, reported[index]), predictive),
            size=size_on_front(front[index].rules, asked),
            verdicts=tuple(known_verdicts(front[index].rules, task, settings)),
            at_edge=at_edge(front[index].rules, problem.grammar),
        )
        for rank, index in enumerate(order, 1)
    )
    scores = tuple(
        _reference(label, references[label], outcome, held_out(references[label], outcome), predictive)
        for label, outcome in beside.items()
    )
    conditions = []
    with clock.part("the scores under other conditions"):
        for changes in task.report_conditions():
            label = ", ".join(f"{name} = {value:g}" for name, value in changes.items())
            notify(f"scoring rank 1 under {label}")
            trials = task.protocol.condition_trials or task.protocol.report_trials
            outcome = scorer.score([members[0].rules], "report", trials, [tuple(sorted(changes.items()))])[0]
            losses = held_out(members[0].rules, outcome)
            fields = outcome.status, outcome.loss, outcome.metrics, mean_loss(losses), losses, outcome.failed_on
            conditions.append(ReferenceScore(label, members[0].rules, *fields))
    solved = solves(choice.recommended, baseline, task)
    flaw = task.held_out_flaw(settings)
    verdict = Confirmation.of(
        members[0], scores, reported[best], task, scored_on, held_out_on, flaw, max(problem.progress.distinct, 1)
    )
    sentence = _sentence(members[0], solved, verdict, problem, task, baseline, scored_on)
    if problem.certificate is not None:
        sizes = [canonical_size(item.rules) for item in front if solves(item, baseline, task)]
        sentence += f"; {problem.certificate.claim(min(sizes, default=None))}"
    solved = solved and not verdict.refuted
    ranked = [front[index] for index in order]
    told = None if found is None else account(choice.cleaned, ranked, found, task, settings, choice.simplified)
    rank = choice.recommended.outcome.rank_key(task.requirements)
    return Conclusion(
        members, scores, tuple(conditions), sentence, None, chosen_on, scored_on, solved, not verdict.idle, told, rank
    )


_INTERRUPTED = "interrupted: losses are those of the search, nothing was held out yet"


def provisional(problem: Problem, asked: Asked | None, sentence: str = _INTERRUPTED) -> Conclusion:
    """Return the front of a search as it stands, simplified where that can be done, but not simulated again.

    **Arguments:** `asked` as of `conclude`; `sentence`: why.
    """
    task, settings = problem.task, problem.evaluator.settings
    members: list[FrontMember] = []
    front = problem.archive.front()
    for rank, candidate in enumerate(reversed(front), 1):
        loss, metrics = candidate.full.ranked_loss, candidate.full.metrics
        rules = task.spelled_out(candidate.rules, settings)
        size, verdicts = rules.size, tuple[Verdict, ...]()
        with suppress(Exception):
            rules, _ = shortest(rules, asked)
            size, verdicts = size_on_front(rules, asked), tuple(known_verdicts(rules, task, settings))
        members.append(FrontMember(rank, rules, size, loss, None, metrics, verdicts, source=candidate.key))
    return Conclusion(tuple(members), (), (), sentence, chosen_on=task.searched_on(settings))


def _member(
    rank: int, item: CleanUp, outcome: Outcome, held_out: tuple[float, ...], predictive: Predictive
) -> FrontMember:
    return FrontMember(
        rank,
        item.rules,
        item.rules.size,
        item.outcome.ranked_loss,
        mean_loss(held_out),
        {**outcome.metrics, **predictive(item.rules)},
        (),
        item.steps,
        item.source,
        held_out,
        failed_on=outcome.failed_on,
    )


def _reference(
    label: str, rules: RuleSet, outcome: Outcome, held_out: tuple[float, ...], predictive: Predictive
) -> ReferenceScore:
    metrics = {**outcome.metrics, **predictive(rules)}
    losses = mean_loss(held_out), held_out
    return ReferenceScore(label, rules, outcome.status, outcome.loss, metrics, *losses, outcome.failed_on)


def _nothing(problem: Problem) -> str:
    """Return why a search found nothing, in a sentence."""
    ran, hopeless = problem.progress.deaths.get("ok", 0), problem.screen.hopeless
    said = "no rule ran to its end; nothing was found"
    if ran and hopeless is not None and not problem.progress.distinct:
        said = (
            f"nothing was found: {counted(ran, 'rule')} ran to the end of a screening, none with a loss of at most "
            f"{hopeless:g}, so that none was tried in full"
        )
    return f"{said}{problem.how_it_ended()}"


def _sentence(
    member: FrontMember,
    solved: bool,
    held_out: Confirmation,
    problem: Problem,
    task: Task,
    baseline: Outcome,
    scored_on: str,
) -> str:
    title = task.goal or title_of(task)
    given = ", ".join(name for name in member.rules.rules if name in member.rules.given)
    found = f"a rule of size {member.size}{f' beside the given {given}' * bool(given)}"
    summary = f" ({member.known_as})"
    distinct = problem.progress.distinct
    tried = "1 distinct rule was tried" if distinct == 1 else f"{distinct} distinct rules were tried"
    in_full = " in full" if problem.dear else ""
    count = f"{tried}{in_full}{problem.how_it_ended()}"
    if solved and not held_out.refuted:
        said = f"solved: {found} {task.achieves} {title}{summary}"
    elif solved:
        beyond = "where it was chosen, not beyond" if scored_on else "where it was chosen, but has not shown more"
        said = f"not solved: {found} {task.achieves} {title}{summary} {beyond}"
    else:
        said = f"not solved: the best, {found}, {task.misses} {title}{summary}"
        if task.noise and baseline.loss is not None and member.loss <= baseline.loss:
            least = f"its loss is {member.loss:.3g}, noise makes at most {task.enough(0.0):.3g} in 95 of 100 tables"
            said = f"not solved: the best, {found}, leaves more than noise{summary}: {least}"
        if baseline.loss is None:
            said += f", which itself does not run to its end where rules were chosen ({baseline.ended})"
    return f"{said}; {held_out.sentence}; {count}"
