"""The problem that an experiment states: its grammar fitted to the task's rules, what it grows from, what is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.evaluation.store import Store
from rulesearch.grammar import Grammar, reachable
from rulesearch.rules.rule import RuleSet
from rulesearch.search.problem import Problem
from rulesearch.tasks.task import Task
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.resolve import read_rules


def given_rules(experiment: Experiment, task: Task) -> RuleSet | None:
    """Return the rules that are held fixed, in the task's order; None where there are none.

    **Raises:** `RulesearchError` where they are none of the task's, or all of them.
    """
    if experiment.given is None:
        return None
    rules = read_rules(experiment.given, task, ())
    if len(rules.rules) == len(task.rule_names):
        given = ", ".join(rules.rules)
        raise RulesearchError(f"all rules of task {task.name} are given ({given}); leave out those to be searched")
    return rules


def start_rules(experiment: Experiment, task: Task) -> RuleSet | None:
    """Return the rules that a search grows from: all that it searches; None where there are none.

    **Raises:** `RulesearchError`.
    """
    if experiment.start is None:
        return None
    with telling_what_is_given(experiment, task):
        return read_rules(experiment.start, task, searched_names(experiment, task))


@contextmanager
def telling_what_is_given(experiment: Experiment, task: Task) -> Iterator[None]:
    """Say in a refusal of rules to be searched which rules are given, so that these are no part of them."""
    try:
        yield
    except RulesearchError as error:
        given = given_rules(experiment, task)
        if given is None:
            raise
        raise RulesearchError(f"{error}; given, and not searched: {', '.join(given.rules)}") from None


def searched_names(experiment: Experiment, task: Task) -> tuple[str, ...]:
    """Return the names of the task's rules that are not given."""
    given = given_rules(experiment, task)
    return tuple(name for name in task.rule_names if given is None or name not in given.rules)


def fitted_grammar(grammar: Grammar, experiment: Experiment, task: Task) -> Grammar:
    """Return a grammar with its rules in the task's order; that of one table is for the one rule that is searched.

    Its tables of rules that are given are left out.

    **Raises:** `RulesearchError` where its other rules are not those that are searched.
    """
    searched = searched_names(experiment, task)
    if grammar.is_of_one_table and len(searched) == 1:
        return grammar.for_rules(searched)
    given = set(task.rule_names) - set(searched)
    if given.intersection(grammar.rules) and set(searched) <= set(grammar.rules):
        slots = {place: start for place, start in grammar.slots.items() if place.rule not in given}
        grammar = replace(grammar, slots=slots, productions=reachable(slots.values(), grammar.productions))
    own = f"grammar {grammar.name} has the rules {', '.join(grammar.rules)}"
    for name in grammar.rules:
        if name in task.rule_names and name not in searched:
            raise RulesearchError(
                f"the rule {name} is given, but {own}; leave it out of --given, or [slots.{name}] out of the grammar"
            )
    for name in searched:
        if name not in grammar.rules:
            if grammar.is_of_one_table:
                own = f"grammar {grammar.name} has one table [slots]"
            others = [f"[slots.{rule}]" for rule in searched]
            raise RulesearchError(
                f"{own}, task {task.name} {_searched(task, searched)}; it takes the tables {', '.join(others)}"
            )
    for name in grammar.rules:
        if name not in searched:
            raise RulesearchError(f"{own}, task {task.name} {_searched(task, searched)}; leave [slots.{name}] out")
    return grammar.for_rules(searched)


def _searched(task: Task, searched: Sequence[str]) -> str:
    left = "" if len(searched) == len(task.rule_names) else " left to search"
    return f"has the rule{'s' * (len(searched) > 1)} {', '.join(searched)}{left}"


def problem_of(
    experiment: Experiment,
    evaluator: Evaluator,
    grammar: Grammar,
    store: Store | None = None,
    watch: Callable[[Problem], None] | None = None,
) -> Problem:
    """Return the problem of an experiment whose grammar is fitted to its task."""
    task = evaluator.task
    return Problem(
        evaluator,
        grammar,
        experiment.seed,
        experiment.budget,
        store,
        experiment.time_limit,
        experiment.stop_loss,
        watch,
        start_rules(experiment, task),
        given_rules(experiment, task),
    )
