"""What lies one node away from a cleaned front: the last, local step of a search.

A rule often evolves with a constant or a term that clean-up takes away. What is left was never a parent, so its
neighbours were never tried: here they are, with what the engine left of the budget. A neighbour keeps the constants of
its rule, which suit no other time constant: with another trace they go along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import Trace
from rulesearch.search.candidate import Candidate
from rulesearch.search.deap_engine import neighbours_of
from rulesearch.search.problem import Problem
from rulesearch.search.variation import Variation

_PROMOTED = 6


def try_neighbours(problem: Problem, front: Sequence[RuleSet]) -> list[Candidate]:
    """Return the one-node neighbours of a cleaned front, as far as they ran; new ones are evaluated and archived.

    Known ones come along: the search seeds may have been unlucky for a rule that does well on others. Empty where
    the engine kept no reserve, ended for another reason than its budget, or has used it up.
    """
    left = problem.budget - problem.progress.distinct
    if problem.stopped_by != "budget" or problem.reserve == 0 or left <= 0:
        return []
    variation = Variation(problem.primitives)
    batch: list[Candidate] = []
    near: list[Candidate] = []
    steadier: set[str] = set()
    for rules in front:
        try:
            genome = problem.primitives.genome_of(rules)
        except RulesearchError:
            continue  # clean-up writes some forms that the grammar cannot
        parent = problem.maker.make(genome, "clean-up", (), problem.progress.generation)
        if problem.is_new(parent):
            batch.append(parent)
        for other in retraced(problem, rules):
            child = problem.maker.make(problem.primitives.genome_of(other), "neighbour", (parent.key,), parent.born)
            if problem.is_new(child):
                batch.append(child)
                steadier.add(child.key)
        new, known = neighbours_of(problem, variation, genome, parent.key)
        batch += new
        near += known
    if not problem.staged:
        batch = batch[:left]
    problem.evaluate(batch)
    # One cheap trial tells little of rules whose rates scatter: a lucky one must not keep out what scatters less.
    alive = [child for child in batch if child.alive]
    alive.sort(key=lambda child: (child.key not in steadier, child.rank, child.key))
    problem.promote(alive[: min(_PROMOTED, left)])
    problem.end_generation(len(batch))
    return [child for child in (*near, *alive) if child.full.ok]


def retraced(problem: Problem, rules: RuleSet) -> Iterator[RuleSet]:
    """Yield rules with a faster trace in place of one of the same side, constants scaled as the time constants are.

    The mean of an all-to-all trace is its time constant times the rate. Where a rule is a sum of constants and that
    trace, it thus rests at the same rates as before, but its steps are smaller in proportion: where the learning rate
    is the task's, weights and rates scatter less. The other way round they would scatter more.
    """
    task, settings, times = problem.task, problem.evaluator.settings, problem.grammar.time_constants
    traces = {
        name: symbol.state
        for name, symbol in task.symbols.items()
        if isinstance(symbol.state, Trace) and name in problem.grammar.symbols and name not in times
    }
    for name, rule in rules.searched.items():
        states = task.bind(rules, settings).rules[name].states
        read = {each: state for each, state in states.items() if each in traces and isinstance(state, Trace)}
        if len(read) != 1 or not rule.constants:
            continue
        [(old, state)] = read.items()
        for new, other in traces.items():
            if other.tau < state.tau and (other.side, other.pairing) == (state.side, state.pairing):
                yield rules.with_rules({name: _retraced(rule, old, new, other.tau / state.tau)})


def _retraced(rule: Rule, old: str, new: str, factor: float) -> Rule:
    states = {name: state for name, state in rule.states.items() if name != old}
    scaled = {name: factor * value for name, value in rule.constant_values().items()}
    return replace(replace(rule, states=states).renamed({old: new}), states=states).with_constants(scaled)
