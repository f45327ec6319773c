"""Time constants that a search finds: where they stand in a grammar, in a genome, in a candidate, and how they fit."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.grammar import ONE, Grammar, GrammarError, RuleName, load_grammar, member, parse_grammar, states_agree
from rulesearch.grammar.variants import grammar_toml
from rulesearch.rules import parse_rules
from rulesearch.rules.states import Trace
from rulesearch.search.candidate import CandidateMaker
from rulesearch.search.engine import load_engine
from rulesearch.search.genome import Genome
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.problem import Problem
from rulesearch.search.variation import Variation
from rulesearch.tasks import load_task

TRIPLET = "on_pre: -(c1*y); on_post: c2*x*y2; c1 = 0.01; c2 = 0.01; tau_x = 30 ms; tau_y = 30 ms; tau_y2 = 60 ms"


def test_a_definition_may_leave_its_time_constant_to_the_search(timed: Grammar) -> None:
    assert timed.time_constants == {"x": "tau", "y": "tau"}
    middle = math.sqrt(0.005 * 0.15)
    states = timed.states({"x": 0.02})
    assert states["x"] == Trace("pre", 0.02)
    assert states["y"] == Trace("post", pytest.approx(middle), nearest=True)
    assert states["y2"] == Trace("post", 0.1)
    again = parse_grammar(grammar_toml(timed))
    assert again.time_constants == timed.time_constants and again.states() == timed.states()


def test_a_definition_keeps_its_pairing(timed: Grammar) -> None:
    text = grammar_toml(timed).replace('"trace(post, tau, nearest)"', '"trace(post, tau, immediate)"')
    assert parse_grammar(text).states({"y": 0.02})["y"] == Trace("post", 0.02, nearest=True, resets=True)


def test_a_time_constant_needs_a_range_of_times(timed: Grammar) -> None:
    text = grammar_toml(timed).replace('"trace(pre, tau)"', '"trace(pre, c)"')
    with pytest.raises(
        GrammarError, match=r"c is no time constant; expected a constant with a range above 0 in s or ms"
    ):
        parse_grammar(text)


def test_a_rule_of_the_grammar_has_time_constants_in_the_range(timed: Grammar) -> None:
    def agree(tau: str, scheme: str = ", nearest") -> bool:
        rule = parse_rules(f"on_pre: y; y = trace(post, {tau}{scheme})").only()
        assert member(timed, rule.slots)
        return states_agree(timed, rule)

    assert agree("20 ms") and agree("150 ms")
    assert not agree("200 ms") and not agree("20 ms", "")


def test_genomes_carry_time_constants_through_variation(timed: Grammar) -> None:
    primitives = GrammarPrimitives(timed)
    variation, rng = Variation(primitives), np.random.default_rng(3)
    first, second = variation.random_genome(7, rng), variation.random_genome(7, rng)
    assert set(first.times) == {RuleName(ONE, "x"), RuleName(ONE, "y")}
    assert all(0.005 <= tau <= 0.15 for tau in first.times.values())
    crossed = [child for _ in range(50) if (child := variation.crossover(first, second, rng)) is not None]
    read = primitives.times_read(first)
    assert crossed and all({name: child.times[name] for name in read} == read for child in crossed)
    moved = [child for _ in range(200) if (child := variation.move_constant(first, rng)) is not None]
    assert any(child.times != first.times for child in moved)
    assert all(0.005 <= tau <= 0.15 for child in moved for tau in child.times.values())
    assert all(sum(child.times[name] != first.times[name] for name in first.times) <= 1 for child in moved)


def test_candidates_say_their_time_constants(timed: Grammar) -> None:
    primitives = GrammarPrimitives(timed)
    maker = CandidateMaker(primitives)
    genome = primitives.genome_of(parse_rules("on_pre: c1*y; c1 = 0.01; y = trace(post, 40 ms, nearest)"))
    made = maker.make(genome, "start")
    assert made.constants == (0.01, 0.04)
    assert made.rules.only().states == {"y": Trace("post", 0.04, nearest=True)}
    slower = maker.make(primitives.with_values(genome, (0.02, 0.08)), "start")
    assert slower.rules.only().states["y"] == Trace("post", 0.08, nearest=True)
    assert slower.form == made.form
    # One of another symbol, which is not read, makes no other function.
    other = maker.make(Genome(genome, {**genome.times, RuleName(ONE, "x"): 0.1}), "start")
    assert other.key == made.key != maker.make(primitives.with_values(genome, (0.01, 0.08)), "start").key


@pytest.mark.parametrize("engine", ["deap", "random", "enumerate"])
def test_every_structure_is_tried_once_with_its_numbers_fitted(engine: str) -> None:
    task = load_task("stdp-frequency")
    with Evaluator(task.name, task.resolve()) as evaluator:
        problem = Problem(evaluator, load_grammar("stdp"), 1, 60)
        load_engine(engine).run(problem)
        tried = problem._fitted.values()
        assert 60 <= problem.progress.distinct <= 60 + 4 * (60 + 40) and len(tried) > 50
        # Traces that differ by their names alone, and constants, make no other structure.
        for single in (r"on_pre: y2?; eta.*", r"on_post: x2?; eta.*", r"on_post: x2?\*c1; eta.*"):
            assert sum(re.fullmatch(single, str(each.rules)) is not None for each in tried) <= 1
        assert all(each.fitted and each.rules.only().eta is not None for each in tried)


def test_the_triplet_rule_s_numbers_are_fitted_before_it_is_judged() -> None:
    task = load_task("stdp-frequency")
    with Evaluator(task.name, task.resolve()) as evaluator:
        problem = Problem(evaluator, load_grammar("stdp"), 1, 10_000)
        start = problem.maker.make(problem.primitives.genome_of(parse_rules(TRIPLET)), "start")
        problem.evaluate([start])
        # The published minimal triplet model, fitted to the same data, has 0.356.
        assert start.screen.loss is not None and start.screen.loss < 0.356
        assert problem.progress.evaluations == 1
        other = problem.maker.make(problem.primitives.genome_of(parse_rules(TRIPLET.replace("0.01", "0.1"))), "")
        assert not problem.is_new(other) and problem.recall(other)
        assert str(other.rules) == str(start.rules) and other.screen.loss == pytest.approx(start.screen.loss)
