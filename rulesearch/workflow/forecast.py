"""How long a run will take: the search itself, tried for some seconds, and all that comes after it, by counted work."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.grammar import Grammar
from rulesearch.search.engine import load_engine
from rulesearch.search.problem import Problem
from rulesearch.workflow.clock import seconds_after
from rulesearch.workflow.evidence import seconds_to_gather
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.permuted import at_once
from rulesearch.workflow.problems import problem_of

_TRIED, _LONGEST, _FIRST = 10.0, 60.0, 0.2
_GENERATIONS = 6
"""Generations that are tried at least, as far as there is time for them, where rules are screened first: the first one
brings the most rules to the full fidelity, so that its pace says little."""
_START, _DRAWN = 3.0, 6.0
"""Seconds that a process takes to start, and figures to be drawn."""


def forecast(experiment: Experiment, evaluator: Evaluator, grammar: Grammar) -> dict[str, object]:
    """Return how long a run takes, by its parts [s]; the search is tried for ten seconds, and nothing is kept.

    What the first generation does is left out of the pace: it is unlike those that follow. Where generations are long,
    it is tried for up to a minute.
    """
    marks: list[tuple[float, int]] = []

    def watch(now: Problem) -> None:
        marks.append((now.progress.seconds, now.progress.distinct))
        if len(marks) >= _GENERATIONS:
            now.deadline.limit = _TRIED

    problem = problem_of(replace(experiment, time_limit=_TRIED), evaluator, grammar, watch=watch)
    if problem.staged:
        problem.deadline.limit = max(_LONGEST, _TRIED)
    problem.threshold()
    begin = time.monotonic()
    problem.threshold()
    full = time.monotonic() - begin
    # What compiling took does not count against the trial.
    began = problem.progress.started = time.monotonic()
    spent = time.process_time()
    load_engine(experiment.engine, experiment.options).run(problem)
    tried, distinct = time.monotonic() - began, max(1, problem.progress.distinct)
    spent = (time.process_time() - spent) / tried
    search = tried
    if problem.stopped_by == "time" and distinct < experiment.budget:
        seconds, known = next((mark for mark in marks if mark[0] >= _FIRST * tried), (0.0, 0))
        if distinct == known:
            seconds, known = 0.0, 0
        search = tried + (experiment.budget - distinct) * (tried - seconds) / (distinct - known)
    trial = full / problem.full.trials
    after = seconds_after(trial, evaluator.task) / min(2, os.cpu_count() or 1)
    # Searches on permuted targets share the cores, of which one search alone may use more than one.
    cores = min(at_once(), os.cpu_count() or 1)
    each = max(1.0, spent * cores / (os.cpu_count() or 1)) * (search + after) + _START
    permuted = (experiment.permutations or 0) * each / cores
    page = seconds_to_gather(trial, evaluator.task, search) + _DRAWN
    whole = search + after + permuted + page
    return {
        "experiment": experiment.name,
        "task": experiment.task,
        "engine": experiment.engine,
        "budget": experiment.budget,
        "seconds_per_evaluation": full,
        "search_seconds": search,
        "clean_up_seconds": after,
        "permuted_seconds": permuted,
        "report_seconds": page,
        "predicted_seconds": whole if experiment.time_limit is None else min(whole, experiment.time_limit),
    }
