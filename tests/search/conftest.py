"""Small problems on task oja, a few milliseconds per thousand evaluations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.evaluation.store import Store
from rulesearch.grammar import Grammar, load_grammar, parse_grammar
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.problem import Problem
from rulesearch.tasks import load_task

MakeProblem = Callable[..., Problem]

TYPED = """
name = "typed"
description = "Two kinds of quantities that must not be mixed: drives and gates."
[symbols.x]
meaning = "drive"
unit = ""
[symbols.y]
meaning = "drive"
unit = ""
[symbols.w]
meaning = "weight"
unit = ""
[constants.rate]
range = [0.5, 1.5]
prior = "uniform"
unit = ""
[constants.shift]
range = [-4.0, -3.0]
prior = "uniform"
unit = ""
[slots]
on_pre = "change"
on_post = "maybe"
[productions]
maybe = ["", "change"]
change = ["drive * gate", "-change", "drive"]
drive = ["x", "y", "rate", "drive + drive"]
gate = ["w", "shift", "tanh(gate)", "gate**2", "max(gate, gate)"]
[limits]
size = 13
depth = 8
"""


LITTLE = """
name = "little"
description = "x, y, w and a constant; + - *"
[symbols.x]
meaning = "input"
unit = ""
[symbols.y]
meaning = "output"
unit = ""
[symbols.w]
meaning = "weight"
unit = ""
[constants.c]
range = [-2.0, 2.0]
prior = "uniform"
unit = ""
[slots]
on_step = "value"
[productions]
value = ["x", "y", "w", "c", "value + value", "value - value", "value * value"]
[limits]
size = 7
depth = 7
"""

SUMS = LITTLE.replace('"c", "value + value", "value - value"', '"y + c", "value - c"').replace("size = 7", "size = 5")


@pytest.fixture(scope="session")
def little() -> Grammar:
    """A grammar with one type and one kind of constants."""
    return parse_grammar(LITTLE)


@pytest.fixture(scope="session")
def sums() -> Grammar:
    """A small grammar in which constants stand beside others in a production."""
    return parse_grammar(SUMS)


NUMBERS = LITTLE.replace('"c", "value + value", ', '"c", "value + value", "value**power", "0.25*value", ').replace(
    "[slots]", "[constants.power]\nvalues = [2, 3, 5]\n[slots]"
)


@pytest.fixture(scope="session")
def numbers() -> Grammar:
    """A grammar with a fixed number and a constant of three values."""
    return parse_grammar(NUMBERS)


@pytest.fixture(scope="session")
def typed() -> Grammar:
    """A grammar with four types, an optional slot and two kinds of constants."""
    return parse_grammar(TYPED)


@pytest.fixture(params=["rate", "spiking", "typed"])
def primitives(request: pytest.FixtureRequest, typed: Grammar) -> GrammarPrimitives:
    """The primitives of each grammar."""
    return GrammarPrimitives(typed if request.param == "typed" else load_grammar(request.param))


@pytest.fixture
def make_problem() -> Iterator[MakeProblem]:
    """Return a function that makes a problem on task oja; its evaluators are closed at the end."""
    evaluators: list[Evaluator] = []

    def make(
        seed: int = 0, budget: int = 300, store: Store | None = None, grammar: Grammar | None = None, **options: Any
    ) -> Problem:
        settings = load_task("oja").resolve({"data_sets": 1, "points": 200})
        evaluators.append(Evaluator("oja", settings))
        return Problem(evaluators[-1], grammar or load_grammar("rate"), seed, budget, store, **options)

    yield make
    for evaluator in evaluators:
        evaluator.close()


TIMED = """
name = "timed"
description = "Traces whose time constants are searched."
[symbols.x]
meaning = "presynaptic trace"
unit = ""
definition = "trace(pre, tau)"
[symbols.y]
meaning = "postsynaptic trace"
unit = ""
definition = "trace(post, tau, nearest)"
[symbols.y2]
meaning = "slow postsynaptic trace"
unit = ""
definition = "trace(post, 100 ms)"
[constants.c]
range = [0.001, 0.1]
prior = "log-uniform"
unit = ""
[constants.tau]
range = [5.0, 150.0]
prior = "log-uniform"
unit = "ms"
[slots]
on_pre = "change"
on_post = "change"
[productions]
change = ["", "value", "-value"]
value = ["x", "y", "y2", "c", "value * value", "value + value"]
[limits]
size = 11
depth = 6
"""


@pytest.fixture(scope="session")
def timed() -> Grammar:
    """A grammar of traces, two of them with time constants that are searched."""
    return parse_grammar(TIMED)
