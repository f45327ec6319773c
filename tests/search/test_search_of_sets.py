"""Several rules at once: genomes and candidates by (rule, slot), their variation, and every engine on them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Evaluator, Job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.store import Store
from rulesearch.expression import parse_expression, to_text
from rulesearch.grammar import Grammar, RuleName, RuleSlot, count, parse_grammar
from rulesearch.grammar.variants import with_template
from rulesearch.grammar.words import with_words, without
from rulesearch.rules import RuleSet, parse_rules
from rulesearch.rules.states import Trace
from rulesearch.search.candidate import CandidateMaker
from rulesearch.search.engine import load_engine
from rulesearch.search.genome import Genome
from rulesearch.search.polynomial_terms import bases_of
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.problem import Problem
from rulesearch.search.pysr_engine import Objective, arguments
from rulesearch.search.variation import Variation
from rulesearch.search.volterra_engine import VolterraEngine
from tests import known_pair
from tests.known_pair import ANSWER, PAIR, Fitted, Pair
from tests.search.test_engine_contract import SMALL, productions
from tests.search.test_variation import changes, well_formed

FF, LAT = RuleSlot("feedforward", "on_step"), RuleSlot("lateral", "on_step")
TWO_SLOTS = """
name = "two-slots"
[symbols]
x = { meaning = "trace", unit = "", definition = "trace(pre, tau)" }
y = { meaning = "trace", unit = "", definition = "trace(post, tau)" }
[constants]
c = { range = [0.001, 0.1], prior = "log-uniform", unit = "" }
tau = { range = [5.0, 150.0], prior = "log-uniform", unit = "ms" }
[slots.EE]
on_pre = "maybe"
on_post = "maybe"
[slots.IE]
on_pre = "value"
on_post = "maybe"
[productions]
maybe = ["", "value", "-value"]
value = ["x", "y", "c", "value*value", "value + value"]
[limits]
size = 14
depth = 6
rule_size = 8
"""


BARE = PAIR.replace(', "c"', "").replace('[constants.c]\nrange = [-2.0, 2.0]\nprior = "uniform"\nunit = ""\n', "")
"""The same two rules without constants."""


@pytest.fixture(scope="module")
def pair() -> Grammar:
    """Two rules of one slot each."""
    return parse_grammar(PAIR)


@pytest.fixture(scope="module")
def timed() -> Grammar:
    """Two rules of two slots each, with time constants of their own."""
    return parse_grammar(TWO_SLOTS)


def task_of(name: str) -> str:
    return f"{Path(known_pair.__file__)}:{name}"


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator(task_of("Pair"), Pair().resolve()) as made:
        yield made


Make = Callable[..., Problem]


@pytest.fixture
def make(evaluator: Evaluator, pair: Grammar) -> Make:
    """A function that makes a problem of two rules."""

    def made(budget: int = 300, grammar: Grammar | None = None, **options: Any) -> Problem:
        return Problem(evaluator, grammar or pair, options.pop("seed", 1), budget, **options)

    return made


def test_constants_and_time_constants_belong_to_a_rule(timed: Grammar) -> None:
    primitives = GrammarPrimitives(timed)
    maker = CandidateMaker(primitives)
    rules = parse_rules(
        "EE[on_pre: c1*y; on_post: c2*x; c1 = 0.01; c2 = 0.02; tau_x = 10 ms; tau_y = 30 ms]; "
        "IE[on_pre: c1*y; c1 = 0.03; tau_y = 50 ms]"
    )
    genome = primitives.genome_of(rules)
    skeleton = primitives.skeleton(genome)
    assert [to_text(part) for part in skeleton.slots.values()] == ["c1*y", "c2*x", "c1*y"]
    assert skeleton.names == (RuleName("EE", "c1"), RuleName("EE", "c2"), RuleName("IE", "c1"))
    assert skeleton.times == {RuleName("EE", "x"): 0.01, RuleName("EE", "y"): 0.03, RuleName("IE", "y"): 0.05}
    made = maker.make(genome, "start")
    assert str(made.rules) == str(rules)
    assert made.constants == (0.01, 0.02, 0.03, 0.01, 0.03, 0.05)
    assert made.size == 9
    moved = maker.make(primitives.with_values(genome, (0.02, 0.03, 0.04, 0.02, 0.04, 0.06)), "start")
    assert moved.form == made.form and moved.key != made.key
    assert moved.rules.rules["IE"].states == {"y": Trace("post", 0.06)}
    assert moved.rules.rules["EE"].states["y"] == Trace("post", 0.04)


def test_keys_tell_which_rule_does_what(pair: Grammar) -> None:
    primitives = GrammarPrimitives(pair)
    maker = CandidateMaker(primitives)

    def key(text: str) -> str:
        return maker.make(primitives.genome_of(parse_rules(text)), "start").key

    assert key("feedforward[x*y]; lateral[y]") == key("lateral[y]; feedforward[y*x]")
    assert key("feedforward[x*y]; lateral[y]") != key("feedforward[y]; lateral[x*y]")
    assert key("feedforward[y*(x - w*y)]; lateral[y]") == key("feedforward[x*y - w*y*y]; lateral[y]")
    # Each rule may have the same constant.
    assert key("feedforward[0.5*y]; lateral[0.5*x]") != key("feedforward[0.5*y]; lateral[1.5*x]")


def test_rules_that_a_grammar_does_not_derive_are_refused(pair: Grammar, timed: Grammar) -> None:
    primitives = GrammarPrimitives(pair)
    for text, said in (
        ("feedforward[x]; lateral[x + y]", "cannot derive the expression in slot lateral on_step"),
        ("feedforward[x]", "does not let the slot lateral on_step be empty"),
        ("x*y", "has the rules feedforward, lateral; found a rule without a name; type "),
        ("feedforward[x]; lateral[on_pre: y]", "has no slot on_pre of lateral; it has on_step"),
    ):
        with pytest.raises(RulesearchError, match=said):
            primitives.genome_of(parse_rules(text))
    with pytest.raises(RulesearchError, match="does not let the rule EE be empty"):
        GrammarPrimitives(timed).genome_of(parse_rules("IE[on_pre: y]"))


@pytest.mark.parametrize("name", ["pair", "timed"])
def test_variation_keeps_every_rule_filled_and_within_its_limit(name: str, request: pytest.FixtureRequest) -> None:
    grammar: Grammar = request.getfixturevalue(name)
    primitives = GrammarPrimitives(grammar)
    variation, rng = Variation(primitives), np.random.default_rng(2)
    operators = {
        **changes(variation),
        "exchange": lambda genome, rng: variation.exchange(genome, variation.random_genome(6, rng), rng),
    }
    made = dict.fromkeys(operators, 0)
    genome = variation.random_genome(8, rng)
    for step in range(1500):
        chosen = sorted(operators)[step % len(operators)]
        child = operators[chosen](genome, rng)
        if child is None:
            genome = variation.random_genome(1 + int(rng.random() * 14), rng)
        else:
            made[chosen] += 1
            genome = child
        assert well_formed(primitives, genome) and primitives.fits(genome)
        for places in primitives.places.values():
            sizes = [primitives.tree_size(tree) for place in places if (tree := genome[place]) is not None]
            assert sizes and sum(sizes) <= grammar.limits.of_a_rule
        assert set(genome.times) == set(primitives.middle)
    unable = {"remove_function", "toggle_slot" if name == "pair" else ""}
    assert all(made[each] > 5 for each in made if each not in unable)


def test_whole_rules_are_exchanged_with_their_time_constants(timed: Grammar) -> None:
    primitives = GrammarPrimitives(timed)
    variation, rng = Variation(primitives), np.random.default_rng(5)
    first, second = variation.random_genome(6, rng), variation.random_genome(6, rng)
    seen = set()
    for _ in range(30):
        child = variation.exchange(first, second, rng)
        assert child is not None
        for rule, places in primitives.places.items():
            [source] = [
                name
                for name, parent in (("first", first), ("second", second))
                if all(child[place] is parent[place] for place in places)
            ]
            parent = first if source == "first" else second
            assert all(child.times[key] == parent.times[key] for key in child.times if key.rule == rule)
            seen.add((rule, source))
    assert seen == {(rule, source) for rule in ("EE", "IE") for source in ("first", "second")}


def test_a_subtree_brings_its_time_constant_into_another_rule(timed: Grammar) -> None:
    primitives = GrammarPrimitives(timed)
    variation, rng = Variation(primitives), np.random.default_rng(1)
    first = primitives.genome_of(parse_rules("EE[on_pre: 0.01*0.01]; IE[on_pre: 0.01*0.01]"))
    second = primitives.genome_of(parse_rules("EE[on_pre: 0.01]; IE[on_pre: x; tau_x = 77 ms]"))
    children = [child for _ in range(200) if (child := variation.crossover(first, second, rng)) is not None]
    read = [primitives.times_read(child) for child in children]
    assert {RuleName("EE", "x"): 0.077} in read and {RuleName("IE", "x"): 0.077} in read
    assert all(set(times.values()) <= {0.077} for times in read)


ENGINES = ("deap", "enumerate", "random", "volterra")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_takes_two_rules(make: Make, engine: str, tmp_path: Path) -> None:
    def searched(store: Store | None) -> Problem:
        grammar = parse_grammar(PAIR.replace('"-product"', '"product + product"')) if engine == "volterra" else None
        problem = make(budget=250, store=store, grammar=grammar)
        loaded = load_engine(engine, SMALL.get(engine))
        loaded.check(problem.task, problem.grammar)
        loaded.run(problem)
        return problem

    store = Store(tmp_path / "run.sqlite")
    problem = searched(store)
    store.close()
    assert problem.stopped_by in ("budget", "exhausted", "nothing new", "terms")
    members = problem.archive.members()
    assert members
    for candidate in members:
        assert list(candidate.rules.rules) == ["feedforward", "lateral"]
        assert all(rule.slots for rule in candidate.rules.rules.values())
        assert candidate.size == candidate.rules.size
        assert problem.maker.make(problem.primitives.genome_of(candidate.rules), "again").key == candidate.key
        if engine != "volterra":
            assert problem.primitives.fits(candidate.genome)
    # A replay is answered from the store, to the same front.
    again_store = Store(tmp_path / "run.sqlite")
    known = len(again_store)

    def refuse(jobs: Sequence[Job]) -> Callable[[], list[Outcome]]:
        assert not jobs, "these were not answered from the store"
        return list

    evaluator = problem.evaluator
    submit, evaluator.submit = evaluator.submit, refuse  # type: ignore[method-assign,assignment]
    threshold, Problem.threshold = Problem.threshold, lambda _: None  # type: ignore[method-assign,assignment]
    try:
        again = searched(again_store)
    finally:
        evaluator.submit, Problem.threshold = submit, threshold  # type: ignore[method-assign]
        again_store.close()
    assert known == problem.progress.evaluations == again.progress.evaluations
    assert [str(item.rules) for item in again.archive.front()] == [str(item.rules) for item in problem.archive.front()]


def test_both_rules_are_found(make: Make) -> None:
    problem = make(budget=4_000, seed=3, stop_loss=1e-12, grammar=parse_grammar(BARE))
    load_engine("deap").run(problem)
    best = problem.archive.best()
    assert best is not None and best.full.loss == pytest.approx(0.0, abs=1e-12)
    assert problem.stopped_by == "stop-loss"


def test_enumeration_tries_every_function_of_a_grammar_of_two_rules(make: Make) -> None:
    grammar = parse_grammar(BARE.replace("size = 12", "size = 6").replace("rule_size = 9", "rule_size = 4"))
    expected = count(grammar, 6).functions_up_to
    problem = make(budget=100_000, grammar=grammar)
    load_engine("enumerate").run(problem)
    assert problem.stopped_by == "exhausted" and problem.certificate is not None
    assert problem.certificate.functions(6) == expected
    # What is 0 in one rule or the other at several sizes was met before.
    assert problem.progress.distinct <= expected


def test_numbers_of_both_rules_are_fitted_by_least_squares() -> None:
    with Evaluator(task_of("Fitted"), Fitted().resolve()) as evaluator:
        problem = Problem(evaluator, parse_grammar(Fitted().own_grammar()), 1, 5_000)
        text = "feedforward[y*(c1*x - w*y); c1 = 0.5; tau_x = 20 ms]; lateral[c1*(x*y); c1 = 0.5; tau_x = 20 ms]"
        start = problem.maker.make(problem.primitives.genome_of(parse_rules(text)), "start")
        problem.evaluate([start])
        first, second, *taus = start.constants
        rates = [rule.eta for rule in start.rules.rules.values()]
        assert (first, *taus) == pytest.approx((1.0, 0.01, 0.04), rel=1e-4)
        assert rates[0] == pytest.approx(1.0, rel=1e-4) and second * (rates[1] or 0.0) == pytest.approx(-1.0, rel=1e-4)
        assert start.screen.loss == pytest.approx(0.0, abs=1e-8)


def test_a_polynomial_has_the_symbols_that_each_rule_reads(make: Make) -> None:
    sums = parse_grammar(PAIR.replace('"-product"', '"product + product"'))
    assert bases_of(sums) == {FF: ("c", ("x", "y", "w")), LAT: ("c", ("x", "y"))}
    engine = VolterraEngine()
    terms = [(FF, ("x",)), (FF, ("y",)), (LAT, ("x",))]
    assert engine._droppable(make(grammar=sums), terms) == [0, 1]
    with pytest.raises(RulesearchError, match="grammar pair cannot write a polynomial of x, y in lateral on_step"):
        engine.check(Pair(), parse_grammar(PAIR))


def test_pysr_gets_a_function_for_each_rule(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = types.ModuleType("pysr")
    fake.TemplateExpressionSpec = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pysr", fake)
    problem = make()
    found = arguments(problem, ["v1", "v2", "v3"])
    assert found["expression_spec"] == {
        "expressions": ["feedforward_on_step", "lateral_on_step"],
        "variable_names": ["v1", "v2", "v3"],
        "combine": "feedforward_on_step(v1, v2, v3) + lateral_on_step(v1, v2, v3)",
    }
    assert "rulesearch_loss(expression, dataset" in found["loss_function_expression"]
    objective = Objective(problem)
    loss = objective("feedforward_on_step = #2 * (#1 - (#3 * #2)); lateral_on_step = neg(#1 * #2)")
    assert loss == pytest.approx(0.0, abs=1e-12)
    best = problem.archive.best()
    assert best is not None and str(best.rules) == "feedforward[y*(x - w*y)]; lateral[-(x*y)]"
    assert objective("feedforward_on_step = #2; lateral_on_step = #1 + #2") == np.inf
    assert objective("feedforward_on_step = #2") == np.inf
    # Above the limit of one rule.
    long = " * ".join(["#1"] * 6)
    assert objective(f"feedforward_on_step = {long}; lateral_on_step = #1") == np.inf


def test_given_rules_act_but_are_not_searched_and_do_not_count(evaluator: Evaluator) -> None:
    alone = PAIR.replace('[slots.feedforward]\non_step = "change"\n', "")
    alone = "\n".join(line for line in alone.splitlines() if not line.startswith("change"))
    held = parse_rules("feedforward[y*(x - w*y)]")
    problem = Problem(evaluator, parse_grammar(alone), 1, 60, given=held)
    load_engine("deap", SMALL["deap"]).run(problem)
    best = problem.archive.best()
    assert best is not None
    assert best.full.cases[0] == 0.0
    assert list(best.rules.rules) == ["feedforward", "lateral"] and best.rules.given == {"feedforward"}
    assert best.size == best.rules.size == best.rules.rules["lateral"].size
    assert {place.rule for place, _ in best.form} == {"lateral"}
    assert problem.primitives.genome_of(best.rules) is not None


def test_the_rules_of_a_start_are_tried_first(make: Make) -> None:
    problem = make(budget=60, start=parse_rules(ANSWER))
    assert isinstance(problem.start, Genome)
    first: list[str] = []
    problem.watch = lambda now: first.append(str(now.archive.best().rules))  # type: ignore[union-attr]
    load_engine("deap", SMALL["deap"]).run(problem)
    assert first[0] == ANSWER


def test_genomes_of_two_rules_and_expressions_say_the_same(pair: Grammar, timed: Grammar) -> None:
    rng = np.random.default_rng(4)
    for grammar in (pair, timed):
        primitives = GrammarPrimitives(grammar)
        variation, maker = Variation(primitives), CandidateMaker(primitives)
        for _ in range(100):
            made = maker.make(variation.random_genome(1 + int(rng.random() * 14), rng), "random")
            again = maker.make(primitives.genome_of(parse_rules(str(made.rules))), "again")
            assert (again.key, again.form) == (made.key, made.form)
            assert again.constants == pytest.approx(made.constants, rel=1e-12)


def test_order_of_rules_is_that_of_the_task(pair: Grammar) -> None:
    turned = pair.for_rules(("lateral", "feedforward"))
    assert list(turned.slots) == [LAT, FF]
    made = CandidateMaker(GrammarPrimitives(turned)).make(
        GrammarPrimitives(turned).genome({FF: parse_expression("x"), LAT: parse_expression("y")}, {}), "start"
    )
    assert str(made.rules) == "lateral[y]; feedforward[x]"
    assert isinstance(made.rules, RuleSet)


CHANGES = {
    "none": lambda grammar, _: grammar,
    "forbid": lambda grammar, word: without(grammar, [f"lateral[{word}]"]),
    "require": lambda grammar, word: with_words(grammar, [f"feedforward[{word}]"]),
    "template": lambda grammar, word: with_template(grammar, f"lateral[{word}*?]"),
}


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(
    made=productions(),
    lateral=st.sampled_from(["value", "other"]),
    size=st.integers(2, 9),
    rule_size=st.none() | st.integers(1, 5),
    change=st.sampled_from(sorted(CHANGES)),
    word=st.sampled_from(["x", "y"]),
)
def test_any_grammar_of_two_rules_gives_a_front_and_an_end_with_every_engine(
    evaluator: Evaluator,
    made: list[str],
    lateral: str,
    size: int,
    rule_size: int | None,
    change: str,
    word: str,
) -> None:
    head = PAIR[: PAIR.index("[productions]")].replace('"change"', '"value"').replace('"product"', f'"{lateral}"')
    limits = [f"size = {size}", "depth = 5", *([] if rule_size is None else [f"rule_size = {rule_size}"])]
    try:
        grammar = CHANGES[change](parse_grammar("\n".join([head, "[productions]", *made, "[limits]", *limits])), word)
    except RulesearchError:
        return
    for engine in ENGINES:
        loaded = load_engine(engine, SMALL.get(engine))
        try:
            loaded.check(evaluator.task, grammar)
        except RulesearchError:
            continue
        problem = Problem(evaluator, grammar, 1, 30)
        problem.patience = 200
        loaded.run(problem)
        assert problem.stopped_by in ("budget", "exhausted", "nothing new", "terms")
        assert problem.archive.members() or not problem.progress.deaths.get("ok")
        for candidate in problem.archive.members():
            assert list(candidate.rules.rules) == ["feedforward", "lateral"]
            assert engine == "volterra" or problem.primitives.fits(candidate.genome)
