"""Every engine with every operator, alone, on symbols, constants, non-terminals: a front, and an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.expression.operators import OPERATORS, Operator
from rulesearch.grammar import Grammar, parse_grammar
from rulesearch.grammar.variants import with_template
from rulesearch.grammar.words import with_words, without
from rulesearch.rules import parse_rules
from rulesearch.search import random_engine
from rulesearch.search.candidate import Candidate
from rulesearch.search.engine import load_engine
from rulesearch.search.problem import Problem
from rulesearch.tasks import load_task
from tests.search.conftest import LITTLE

ARGUMENTS = {
    "symbols": ("x", "y"),
    "one symbol": ("x", "x"),
    "non-terminals": ("value", "value"),
    "constants": ("c", "c"),
    "symbol and non-terminal": ("x", "value"),
    "non-terminal and constant": ("value", "c"),
}
HEAD = LITTLE[: LITTLE.index("value = [")]


def written(operator: Operator, arguments: Sequence[str]) -> str:
    if operator.name == "neg":
        return f"-{arguments[0]}"
    return f" {operator.infix} ".join(arguments) if operator.infix else f"{operator.name}({', '.join(arguments)})"


def grammar_of(productions: Sequence[str], size: int) -> Grammar:
    texts = ", ".join(f'"{text}"' for text in productions)
    return parse_grammar(f"{HEAD}value = [{texts}]\n[limits]\nsize = {size}\ndepth = 4\n")


def grammars(operator: Operator) -> Iterator[Grammar]:
    """Grammars with this operator alone, of 1, 2 and 3 nodes, as far as there are such rules."""
    for arguments in dict.fromkeys(each[: operator.arity] for each in ARGUMENTS.values()):
        text = written(operator, arguments)
        for leaves in ([], ["x", "y", "c"]):
            for size in (1, 2, 3):
                try:
                    yield grammar_of([*leaves, text], size)
                except RulesearchError:
                    continue
    if operator.name == "pow":
        yield grammar_of(["x", "value**2"], 5)
        yield grammar_of(["x", "y**2"], 3)


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluator]:
    path: Path = tmp_path_factory.mktemp("contract") / "table.csv"
    rows = np.random.default_rng(1).normal(size=(12, 3))
    rows[::4, 0] = 0.0
    lines = [",".join(map(repr, map(float, [*row, 0.5 * row[0] * row[1]]))) for row in rows]
    path.write_text("\n".join(["x,y,w,dw", *lines]), "utf-8")
    task = load_task(f"{path}:dw")
    with Evaluator(f"{path}:dw", task.resolve({})) as made:
        yield made


SMALL = {
    "deap": {"islands": 1, "initial": 6, "offspring": 6, "attempts": 3},
    "enumerate": {"fitted": 2, "rounds": 1},
    "volterra": {"order": 1, "refit": 1},
}


@pytest.mark.parametrize("engine", ["deap", "enumerate", "random", "volterra"])
@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_alone_gives_a_front_and_an_end(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch, name: str, engine: str
) -> None:
    monkeypatch.setattr(random_engine, "_BATCH", 6)
    tried = 0
    for grammar in grammars(OPERATORS[name]):
        loaded = load_engine(engine, SMALL.get(engine))
        try:
            loaded.check(evaluator.task, grammar)
        except RulesearchError:
            assert engine == "volterra"
            continue
        problem = Problem(evaluator, grammar, 1, 15)
        problem.patience = 60
        loaded.search(problem)
        tried += 1
        assert problem.stopped_by in ("budget", "exhausted", "nothing new", "terms"), grammar.text()
        assert problem.archive.members() or not problem.progress.deaths.get("ok"), grammar.text()
        assert problem.progress.distinct > 0, grammar.text()
    assert tried >= 12 or engine == "volterra"


TERMS = 'value = ["product - product"]\nproduct = ["x", "y", "w", "product*product"]\n[limits]\nsize = 7\ndepth = 6\n'


@pytest.mark.parametrize("engine", ["deap", "enumerate", "random"])
def test_a_search_ends_when_every_function_of_a_grammar_was_tried(evaluator: Evaluator, engine: str) -> None:
    """Of p - q with products p and q of x, y, w: 132 up to 7 nodes, and 0."""
    constant = HEAD.index("[constants.c]"), HEAD.index("[slots]")
    grammar = parse_grammar(HEAD[: constant[0]] + HEAD[constant[1] :] + TERMS)
    problem = Problem(evaluator, grammar, 2, 100_000)
    problem.patience = 300
    load_engine(engine).search(problem)
    assert (problem.stopped_by, problem.progress.distinct) == ("exhausted", 133)
    assert problem.how_it_ended() == ("" if engine == "enumerate" else ", all there are in grammar little")


@pytest.mark.parametrize("engine", ["deap", "enumerate", "random"])
@pytest.mark.parametrize(
    ("productions", "size", "largest"),
    [(["x", "value + value"], 2, 1), (["-x", "-0.5", "-value", "x", "value**-1", "value**0.5", "2**value"], 4, 4)],
)
def test_no_engine_makes_a_rule_above_the_limit_of_size(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch, engine: str, productions: list[str], size: int, largest: int
) -> None:
    """A leaf such as -x has two nodes; of sums of x, with two nodes, there is x alone."""
    head = HEAD[: HEAD.index("[constants.c]")] + HEAD[HEAD.index("[slots]") :]
    texts = ", ".join(f'"{text}"' for text in productions)
    problem = Problem(evaluator, parse_grammar(f"{head}value = [{texts}]\n[limits]\nsize = {size}\ndepth = 4\n"), 1, 99)
    problem.patience = 300
    sizes: list[int] = []
    make = problem.maker.make

    def noted(*given: Any) -> Candidate:
        sizes.append((made := make(*given)).size)
        return made

    monkeypatch.setattr(problem.maker, "make", noted)
    load_engine(engine).search(problem)
    assert problem.stopped_by == "exhausted"
    assert max(sizes) == largest


@pytest.mark.parametrize("engine", ["deap", "enumerate", "random", "volterra"])
@pytest.mark.parametrize("text", ["x*y - w*y", "x*y - y*x + 0.5*x", "0.5*x"])
def test_every_engine_tries_a_rule_to_grow_from_first_and_once(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch, engine: str, text: str
) -> None:
    """It counts as one rule of the budget; where another writes the same function in fewer nodes, that one stays."""
    grammar = grammar_of(["x", "y", "w", "c", "value + value", "value - value", "value * value"], 5)
    rules = parse_rules(text)
    problem = Problem(evaluator, grammar, 1, 200, start=rules)
    batches: list[list[Candidate]] = []
    begin = problem.begin

    def noted(candidates: Sequence[Candidate]) -> Callable[[], None]:
        batches.append([each for each in candidates if not problem.memory.screened(each.key)])
        return begin(candidates)

    monkeypatch.setattr(problem, "begin", noted)
    loaded = load_engine(engine, {**SMALL.get(engine, {}), **({"order": 2} if engine == "volterra" else {})})
    loaded.check_start(problem.primitives, problem.primitives.genome_of(rules))
    loaded.run(problem)
    first = batches[0][0]
    assert first.origin == "start"
    assert first.rules.only().fingerprint() == rules.only().fingerprint()
    assert all(each.key != first.key for batch in batches[1:] for each in batch)
    assert len({each.key for batch in batches for each in batch}) == problem.progress.distinct > 1
    assert len({each.key for each in problem.archive.members()}) == len(problem.archive.members())


@pytest.mark.parametrize("engine", ["enumerate", "random", "volterra"])
def test_a_budget_of_one_is_the_rule_to_grow_from(evaluator: Evaluator, engine: str) -> None:
    problem = Problem(evaluator, grammar_of(["x", "y", "c", "value * value"], 5), 1, 1, start=parse_rules("0.5*x*y"))
    load_engine(engine).run(problem)
    assert (problem.progress.distinct, problem.stopped_by) == (1, "budget")
    best = problem.archive.best()
    assert best is not None and best.full.loss == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("engine", ["enumerate", "random"])
@pytest.mark.parametrize("budget", [7, 50, 230])
def test_a_budget_is_kept_to_the_last_rule(evaluator: Evaluator, engine: str, budget: int) -> None:
    """Two values of the constants of a last structure may be one too many; fits are not asked for here."""
    options = {"fitted": 0, "most_promising": 0} if engine == "enumerate" else {}
    grammar = grammar_of(["x", "y", "w", "c", "value + value", "value - value", "value * value"], 7)
    problem = Problem(evaluator, grammar, 1, budget)
    load_engine(engine, options).run(problem)
    assert problem.stopped_by == "budget"
    assert budget <= problem.progress.distinct <= budget + (engine == "enumerate")


@pytest.mark.parametrize("engine", ["deap", "enumerate", "random"])
def test_the_limit_of_depth_is_one_of_engine_pysr_alone(evaluator: Evaluator, engine: str) -> None:
    """Of x*x*x*x*x there are 5 levels as it is written from the left: as the documentation says, it is tried."""
    text = f'{HEAD}value = ["x", "value * value"]\n[limits]\nsize = 9\ndepth = 2\n'
    problem = Problem(
        evaluator, parse_grammar(text[: text.index("[constants.c]")] + text[text.index("[slots]") :]), 1, 99
    )
    problem.patience = 300
    load_engine(engine).search(problem)
    assert problem.stopped_by == "exhausted"
    assert max(part.depth for each in problem.archive.members() for _, part in each.form) > 2
    assert {each.size for each in problem.archive.members()} == {1, 3, 5, 7, 9}


@pytest.mark.parametrize("engine", ["deap", "random"])
def test_a_search_ends_where_constants_bring_nothing_new(evaluator: Evaluator, engine: str) -> None:
    """step(c) is 0 or 1, whatever c is."""
    problem = Problem(evaluator, grammar_of(["x", "y", "step(c)"], 3), 1, 1_000)
    problem.patience = 300
    load_engine(engine).search(problem)
    assert (problem.stopped_by, problem.progress.distinct) == ("nothing new", 4)
    assert "proposals in a row brought no new one" in problem.how_it_ended()
    assert problem.in_vain >= 300


def test_functions_of_symbols_alone_are_varied_like_leaves(evaluator: Evaluator) -> None:
    for text in ("tanh(y)", "max(x, y)", "x/x", "y**2"):
        problem = Problem(evaluator, grammar_of(["x", "y", "w", text, "value - value", "value * value"], 7), 1, 400)
        load_engine("deap").search(problem)
        best = problem.archive.best()
        assert best is not None
        assert best.full.loss == pytest.approx(0.0, abs=1e-12), text


SPIKING = """
name = "spiking"
[symbols]
x = {{ meaning = "pre", unit = "", definition = "trace(pre, {time})" }}
y = {{ meaning = "post", unit = "", definition = "trace(post, 20 ms)" }}
[constants]
c = {{ range = [0.5, 2.0], prior = "uniform", unit = "" }}
tau = {{ range = [5.0, 50.0], prior = "log-uniform", unit = "ms" }}
[slots]
on_pre = "value"
on_post = "{post}"
[productions]
maybe = ["", "value"]
"""


@st.composite
def productions(draw: st.DrawFn) -> list[str]:
    """Productions of `value` and, where it comes up, of `other`, each with one operator at most."""
    leaves = st.sampled_from(["x", "y", "x", "y", "c", "value", "other"])
    operators = st.sampled_from(list(OPERATORS.values()))
    texts = st.one_of(
        leaves,
        st.builds(lambda leaf: f"{leaf}**2", leaves),
        st.builds(lambda row, first, second: written(row, (first, second)[: row.arity]), operators, leaves, leaves),
    )
    return [
        f"{name} = [{', '.join(chr(34) + text + chr(34) for text in draw(st.lists(texts, min_size=1, max_size=5)))}]"
        for name in ("value", "other")
    ]


CHANGES = {
    "none": lambda grammar, _: grammar,
    "forbid": lambda grammar, word: without(grammar, [word]),
    "require": lambda grammar, word: with_words(grammar, [f"{next(iter(grammar.slots)).slot}:{word}"]),
    "template": lambda grammar, word: with_template(grammar, f"{next(iter(grammar.slots)).slot}: {word}*?"),
}


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(
    made=productions(),
    spiking=st.booleans(),
    time=st.sampled_from(["20 ms", "tau"]),
    post=st.sampled_from(["value", "maybe"]),
    size=st.integers(1, 9),
    change=st.sampled_from(sorted(CHANGES)),
    word=st.sampled_from(["x", "y"]),
)
def test_any_grammar_gives_a_front_and_an_end_with_every_engine(
    evaluator: Evaluator,
    made: list[str],
    spiking: bool,
    time: str,
    post: str,
    size: int,
    change: str,
    word: str,
) -> None:
    head = SPIKING.format(time=time, post=post) if spiking else HEAD
    try:
        text = "\n".join([head, *made, f"[limits]\nsize = {size}\ndepth = 5\n"])
        grammar = CHANGES[change](parse_grammar(text), word)
    except RulesearchError:
        return
    values = load_task("stdp-frequency").resolve({})
    with Evaluator("stdp-frequency", values) if spiking else nullcontext(evaluator) as here:
        task = here.task
        for engine in ("deap", "enumerate", "random", "volterra"):
            loaded = load_engine(engine, SMALL.get(engine))
            try:
                loaded.check(task, grammar)
            except RulesearchError:
                continue
            problem = Problem(here, grammar, 1, 30)
            problem.patience = 200
            loaded.run(problem)
            assert problem.stopped_by in ("budget", "exhausted", "nothing new", "terms")
            assert problem.archive.members() or not problem.progress.deaths.get("ok")
