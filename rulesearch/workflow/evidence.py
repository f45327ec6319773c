"""What stands behind the rules of a front: what each part does, how far constants may move, how weights went.

Everything is simulated after a search, on held-out seeds where the task has seeds, and kept in the run's store; a page
is drawn from there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.records import STORE, reading
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.evaluation.store import Store
from rulesearch.rules import known_rules
from rulesearch.rules.bound import BoundSet
from rulesearch.rules.rule import RuleSet
from rulesearch.symbolic import canonical_size
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.task import Task
from rulesearch.workflow.clean_up import deletions
from rulesearch.workflow.clock import Clock
from rulesearch.workflow.kept_task import reference_here
from rulesearch.workflow.losses import estimate, mean_loss
from rulesearch.workflow.ranges import ConstantRange, constant_ranges
from rulesearch.workflow.run import Run
from rulesearch.workflow.scorer import Scorer
from rulesearch.workflow.side_by_side import fits
from rulesearch.workflow.stress import StressTest, idle
from rulesearch.workflow.stress_within import stress_within
from rulesearch.workflow.summary import write_summary

_FACT = "evidence"
_POINTS = 150
_RULES = 0.7
_LEAST_SECONDS, _SHARE = 30.0, 0.1
_USUAL_FRONT, _USUAL_FORMS, _USUAL_CONDITIONS = 5, 50, 50
"""Rules of a front that are looked into, simulations of each per seed, and of the first and the known rule under other
conditions, as far as one can say beforehand."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """A rule without one of its parts: what was `removed`, the `rule` that is left, and how that does."""

    removed: str
    rule: str
    status: str
    loss: float | None


@dataclass(frozen=True, slots=True)
class CourseBand:
    """How one quantity went over several seeds: the least, the median and the largest value at each time."""

    name: str
    times: list[float]
    low: list[float]
    middle: list[float]
    high: list[float]
    target: float | None


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """What is known of one rule: its `loss` on so many report `seeds`, ablations, ranges of its constants, courses.

    `fits`: for measured data, label, value, standard error and the rule's prediction of each.
    """

    rule: str
    seeds: int
    loss: float | None
    ablations: tuple[Ablation, ...] = ()
    ranges: tuple[ConstantRange, ...] = ()
    courses: tuple[CourseBand, ...] = ()
    fits: tuple[tuple[str, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class KnownScore:
    """A known rule that fits the task, at its own learning rate, and its loss on what is held out, if anything is.

    `size`: without those of its rules that the search was given; `half`: half the width of the 95 % interval of that
    loss.
    """

    name: str
    title: str
    rule: str
    size: int
    status: str
    loss: float | None
    half: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind a front: one entry per rule that was looked into, and known rules beside them.

    `on` and `known_on`: what the losses of either are over, in words; `stress`: what other conditions made of rank 1.
    """

    rules: tuple[RuleEvidence, ...] = ()
    known: tuple[KnownScore, ...] = ()
    on: str = ""
    known_on: str = ""
    stress: StressTest | None = None

    def of(self, rules: RuleSet) -> RuleEvidence | None:
        """Return what is known of a rule, None where it was not looked into."""
        text = str(rules)
        return next((each for each in self.rules if each.rule == text), None)


def stored_evidence(run: Run) -> Evidence:
    """Return the evidence that the run's store holds; empty where none was gathered."""
    with reading(run.folder) as records:
        text = records.fact(_FACT)
        return Evidence() if text is None else _read(json.loads(text))


def gather(run: Run, seconds: float | None = None) -> Evidence:
    """Return the evidence of a run; what its store lacks is simulated and kept there.

    **Arguments:** `seconds` that this may take, None for no limit; what they do not suffice for is left out, and then
    nothing is kept, so that all of it can be gathered later.

    Empty where the run was interrupted, where it has no store, or where its task is a file that was not run by this
    process: whoever reads a run runs nothing that it brings along.
    """
    found = stored_evidence(run)
    reference = reference_here(run.folder, run.experiment.task)
    if run.status == "interrupted" or not run.members or found.rules or not can_be_gathered(run) or reference is None:
        return found
    settings = load_task(reference).resolve(run.experiment.settings)
    store = Store(run.folder / STORE)
    try:
        with Evaluator(reference, settings, run.experiment.backend) as evaluator:
            clock = Clock(seconds)
            scorer = Scorer(evaluator, store, run.experiment.seed, clock)
            found = _gather(run, scorer, settings)
        if clock.left_out:
            return found
        store.set_fact(_FACT, json.dumps(asdict(found)))
    finally:
        store.close()
    write_summary(run)
    return found


def forget(store: Store) -> None:
    """Drop the evidence of a run whose front is another one now; it is gathered anew for the next page."""
    store.set_fact(_FACT, json.dumps(asdict(Evidence())))


def seconds_to_gather(trial: float, task: Task, searched: float) -> float:
    """Return about how long the evidence of a run takes.

    **Arguments:** `trial`: seconds of one trial at full fidelity; `searched`: seconds of the search.
    """
    count, seeds = task.protocol.evidence_rules, task.telling(task.protocol.evidence_seeds)
    most, trials = max(_LEAST_SECONDS, _SHARE * searched), min(count, _USUAL_FRONT) * _USUAL_FORMS * seeds
    stress = min(_USUAL_CONDITIONS * seeds * trial, most)
    return min(trials * trial, most + _USUAL_FORMS * seeds * trial) + stress


def can_be_gathered(run: Run) -> bool:
    """Return whether the evidence of a run is there, or there is what it takes to gather it."""
    has_task = (run.folder / STORE).is_file() and reference_here(run.folder, run.experiment.task) is not None
    return has_task or bool(stored_evidence(run).rules)


def _gather(run: Run, scorer: Scorer, settings: Settings) -> Evidence:
    task = scorer.task
    count, seeds = task.protocol.evidence_rules, task.telling(task.protocol.evidence_seeds)
    # The clock decides how many rules are looked into, never what is found of one: where simulations are slow, this
    # must not take long beside the search.
    end = time.monotonic() + max(_LEAST_SECONDS, _SHARE * run.seconds)
    rules: list[RuleEvidence] = []
    with scorer.clock.part("what stands behind each rule", _RULES):
        for member in run.members[:count]:
            if rules and time.monotonic() > end:
                break
            scorer.clock.check()
            rules.append(_of_rule(member.rules, scorer, settings, seeds))
    shown = {str(task.spelled_out(score.rules, settings)) for score in run.references}
    fitting = {}
    for known in known_rules().values():
        if fits(known.rules, task):
            bound = task.spelled_out(known.rules, settings)
            if str(bound) not in shown:
                fitting[known.name] = known, bound
    outcomes: list[Outcome | None] = [None] * len(fitting)
    with scorer.clock.part("known rules"):
        outcomes = scorer.score_those_that_run([bound for _, bound in fitting.values()], "report", seeds)
    scores = []
    for (known, bound), outcome in zip(fitting.values(), outcomes, strict=True):
        if outcome is None:
            continue
        held_out = task.held_out_losses(task.bind(bound, settings), outcome.trials, settings) if outcome.ok else ()
        loss = mean_loss(held_out) if held_out else outcome.loss
        spread = estimate(held_out)
        half = None if spread is None else spread.half
        size = canonical_size(replace(bound, given=run.given))
        scores.append(KnownScore(known.name, known.title, str(bound), size, outcome.ended, loss, half))
    on = task.looked_into_on(settings, seeds)
    stress = None
    with scorer.clock.part("other conditions"):
        stress = stress_within(
            run.members[0].rules, scorer, settings, seeds, on, max(_LEAST_SECONDS, _SHARE * run.seconds)
        )
    known_on = (task.held_out_on(settings) or on) if task.deterministic else on
    return Evidence(tuple(rules), tuple(scores), on, known_on, stress)


def emptied(rules: RuleSet) -> Iterator[tuple[RuleSet, str]]:
    """Yield a set with each of its rules, those left out that are given, replaced by one that changes nothing."""
    if len(rules.rules) > 1:
        for name, rule in rules.searched.items():
            yield rules.with_rules({name: idle(rule)}), f"{name}: all of it"


def _of_rule(rules: RuleSet, scorer: Scorer, settings: Settings, seeds: int) -> RuleEvidence:
    task = scorer.task
    # A part may be what gives the rest its unit.
    parts = [(form, removed) for form, removed in [*emptied(rules), *deletions(rules)] if fits(form, task)]
    [own] = scorer.score([rules], "report", seeds)
    without = scorer.score_those_that_run([form for form, _ in parts], "report", seeds)
    ablations = tuple(
        Ablation(removed, str(form), outcome.ended, outcome.loss)
        for (form, removed), outcome in zip(parts, without, strict=True)
        if outcome is not None
    )
    ranges = tuple(constant_ranges(rules, own, scorer, seeds))
    numbers = trial_seeds(scorer.run_seed, "report", seeds)
    bound = task.bind(rules, settings)
    return RuleEvidence(
        str(rules), seeds, own.loss, ablations, ranges, course_bands(bound, task, settings, numbers), _fits(own, task)
    )


def course_bands(rules: BoundSet, task: Task, settings: Settings, seeds: Sequence[int]) -> tuple[CourseBand, ...]:
    """Return how the quantities that a task tells of went under bound rules, over several seeds."""
    runs = [task.courses(rules, seed, settings) for seed in seeds]
    bands = []
    for same in zip(*runs, strict=True):
        # A simulation that ended early is shorter than the others.
        length = min(len(course.times) for course in same)
        if not length:
            continue
        chosen = np.unique(np.linspace(0, length - 1, min(length, _POINTS)).astype(np.int64))
        values = np.array([course.values[:length][chosen] for course in same])
        rows = (values.min(axis=0), np.median(values, axis=0), values.max(axis=0))
        low, middle, high = ([_short(value) for value in row] for row in rows)
        times = [_short(time) for time in same[0].times[:length][chosen]]
        bands.append(CourseBand(same[0].name, times, low, middle, high, same[0].target))
    return tuple(bands)


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def _fits(outcome: Outcome, task: Task) -> tuple[tuple[str, float, float, float], ...]:
    measured, predictions = task.measured(), outcome.details.get("predictions")
    if not measured or predictions is None:
        return ()
    return tuple(
        (item.label, item.change, item.sem, prediction) for item, prediction in zip(measured, predictions, strict=True)
    )


def _read(document: Mapping[str, Any]) -> Evidence:
    rules = tuple(
        RuleEvidence(
            each["rule"],
            each["seeds"],
            each["loss"],
            tuple(Ablation(**item) for item in each["ablations"]),
            tuple(ConstantRange(**item) for item in each["ranges"]),
            tuple(CourseBand(**item) for item in each["courses"]),
            tuple((label, value, sem, prediction) for label, value, sem, prediction in each["fits"]),
        )
        for each in document["rules"]
    )
    known = tuple(KnownScore(**item) for item in document["known"])
    stress = document.get("stress")
    test = None if stress is None else StressTest.from_json(stress)
    return Evidence(rules, known, document.get("on", ""), document.get("known_on", ""), test)
