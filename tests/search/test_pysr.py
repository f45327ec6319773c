"""PySR: equations as it writes them, our objective, and what happens where Julia is missing."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rulesearch as rs
from rulesearch.errors import MissingPartError, RulesearchError
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.expression import parse_expression, to_text
from rulesearch.grammar import load_grammar
from rulesearch.rules import known_rule
from rulesearch.search import julia
from rulesearch.search.problem import Problem
from rulesearch.search.pysr_engine import Objective, _Ended, arguments
from rulesearch.search.pysr_text import read_equation, read_equations
from rulesearch.symbolic import compare
from rulesearch.tasks import load_task

NAMES = ("x", "y", "w")


@pytest.fixture
def make() -> Iterator[Callable[..., Problem]]:
    settings = load_task("oja").resolve({"data_sets": 2, "points": 500})
    with Evaluator("oja", settings) as evaluator:

        def made(budget: int = 1000, grammar: str = "rate") -> Problem:
            return Problem(evaluator, load_grammar(grammar), 1, budget)

        yield made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v1 * v2", "x*y"),
        ("-6.322664033543908e-5", "-6.322664033543908e-05"),
        ("v3 * -0.0022752979659119185", "w*-0.0022752979659119185"),
        ("((square(v3) * v2) - v2) * -0.05", "(w**2*y - y)*-0.05"),
        ("square(square(v1 + v2) - v3)", "((x + y)**2 - w)**2"),
        ("neg(v1) - inv(v2 + 1.0)", "-x - 1/(y + 1.0)"),
        ("v1 ^ 2.0", "x**2.0"),
        ("max(tanh(v1), cube(v2))", "max(tanh(x), y**3)"),
    ],
)
def test_equations_are_read(text: str, expected: str) -> None:
    values = {"x": 0.7, "y": -1.3, "w": 0.4}
    found = read_equation(text, NAMES)
    assert found.evaluate(values) == pytest.approx(parse_expression(expected).evaluate(values), rel=1e-15)
    assert set(found.symbols) <= set(NAMES), to_text(found)


def test_templates_are_read_slot_by_slot() -> None:
    found = read_equations("on_pre = #2 * -0.5; on_post = square(#1) * #3; eta = [0.1]", NAMES, ("on_pre", "on_post"))
    assert {slot: to_text(part) for slot, part in found.items()} == {"on_pre": "y*-0.5", "on_post": "x**2*w"}


@pytest.mark.parametrize("text", ["v1 +", "v9", "sinh(v1)", "NaN", "square(v1", "on_pre = #1", "__import__('os')"])
def test_what_is_no_equation_is_refused(text: str) -> None:
    with pytest.raises(RulesearchError):
        read_equations(text, NAMES, ("on_pre", "on_post") if "=" in text else ("on_step",))


def test_the_objective_simulates_what_it_is_given(make: Callable[..., Problem]) -> None:
    problem = make()
    objective = Objective(problem)
    place = {name: f"v{number}" for number, name in enumerate(objective.symbols, 1)}
    oja = f"{place['y']} * ({place['x']} - ({place['y']} * {place['w']}))"
    loss = objective(oja)
    assert loss < 0.02
    assert objective(oja) == loss
    assert objective(f"({place['x']} - {place['w']} * {place['y']}) * {place['y']}") == loss
    assert problem.progress.evaluations == 1
    assert objective(f"{place['w']} * 100.0") == math.inf
    assert objective("exp(v1)") == math.inf
    assert objective(" + ".join(["v1"] * 9)) == math.inf
    best = problem.archive.best()
    assert best is not None
    assert compare(best.rules, [known_rule("oja")])[0].verdict in ("identical", "equal")


def test_the_search_ends_with_its_budget(make: Callable[..., Problem]) -> None:
    problem = make(budget=150)
    objective = Objective(problem)
    with pytest.raises(_Ended):
        for number in range(10_000):
            objective(f"v1 * {1.0 + 0.001 * number}")
    assert problem.stopped_by == "budget"
    assert problem.progress.distinct == 200


def test_operators_and_limits_are_those_of_the_grammar(make: Callable[..., Problem]) -> None:
    found: dict[str, Any] = arguments(make(), ["v1", "v2"])
    assert found["binary_operators"] == ["+", "-", "*", "/"]
    assert found["unary_operators"] == ["tanh", "relu", "abs", "square"]
    assert found["nested_constraints"]["tanh"] == {"tanh": 0}
    assert (found["maxsize"], found["maxdepth"], found["random_state"]) == (15, 8, 1)
    assert 'variable_names=["v1", "v2"]' in found["loss_function"]
    assert "GIL.@lock" in found["loss_function"]
    found = arguments(make(grammar="mettler"), ["v1", "v2", "v3"])
    assert found["binary_operators"] == ["-", "*"]
    assert not found["should_optimize_constants"]


def test_without_julia_nothing_is_written_and_the_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(julia, "find_julia", lambda: None)
    monkeypatch.setattr(julia, "has_pysr", lambda: True)
    with pytest.raises(MissingPartError, match="needs Julia, which was not found; install it from https://julialang"):
        rs.discover("oja", engine="pysr", out=tmp_path / "run")
    monkeypatch.setattr(julia, "has_pysr", lambda: False)
    with pytest.raises(MissingPartError, match="pip install pysr"):
        rs.discover("oja", engine="pysr", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert "pysr" not in sys.modules


def test_julia_is_looked_for_where_pysr_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(julia.shutil, "which", lambda _: None)
    monkeypatch.setattr(julia.sys, "prefix", str(tmp_path / "nowhere"))
    monkeypatch.delenv("PYTHON_JULIAPKG_EXE", raising=False)
    monkeypatch.setenv("PYTHON_JULIAPKG_PROJECT", str(tmp_path))
    assert julia.find_julia() is None
    own = tmp_path / "pyjuliapkg" / "install" / "bin" / "julia"
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert julia.find_julia() == str(own)
    given = tmp_path / "julia"
    given.write_text("")
    monkeypatch.setenv("PYTHON_JULIAPKG_EXE", str(given))
    assert julia.find_julia() == str(given)


@pytest.mark.slow
@pytest.mark.skipif(
    julia.find_julia() is None or not julia.has_pysr(), reason="Julia is not installed, so that PySR cannot run"
)
def test_pysr_finds_the_rule_of_oja_with_our_simulation(tmp_path: Path) -> None:
    run = rs.discover("oja", engine="pysr", grammar="mettler", budget=20_000, seed=1, out=tmp_path / "run")
    assert run.members[0].verdicts[0].rule == "oja"
    assert run.members[0].verdicts[0].verdict in ("identical", "equal")
