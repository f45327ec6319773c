"""PySR with our simulation as its objective.

PySR evolves equations in Julia; each one comes back as text, is read by our own parser and simulated like any other
candidate. What the grammar cannot derive counts as infinitely bad. Several slots, of one rule or of several, are a
template of one function each.
Works with PySR 1.5.10 and 2.x; what differs between them is not used.
"""

from __future__ import annotations

import math
import tempfile
from typing import Any

import numpy as np

from rulesearch.errors import RulesearchError
from rulesearch.expression.operators import FUNCTION, Operator
from rulesearch.expression.tree import Number
from rulesearch.grammar import Grammar, RuleSlot
from rulesearch.search.candidate import Candidate
from rulesearch.search.engine import Engine
from rulesearch.search.julia import require_julia
from rulesearch.search.problem import Problem
from rulesearch.search.pysr_text import read_equations
from rulesearch.tasks.task import Task

_GENERATION = 200
_FOREVER = 10**6
_LOOKED_AT, _IN_VAIN = 10_000, 100_000
"""Equations in a row without a new rule of the grammar after which the limits are looked at, and the search is over."""
_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "^"}
_POWERS = {"square": Number(2.0), "cube": Number(3.0)}
_OBJECTIVE = """
function rulesearch_loss({argument}, dataset::Dataset{{T,L}}, options) where {{T,L}}
    text = string_tree({argument}, options; variable_names={names})
    return L(PythonCall.GIL.@lock PythonCall.pyconvert(Float64, Main.RULESEARCH_LOSS[](text)))
end
"""


class _Ended(Exception):
    """The search is over: leaves PySR from inside the objective."""


class PysrEngine(Engine):
    """Lets PySR evolve equations and simulates each of them."""

    name = "pysr"
    summary = "PySR evolves the equations, our simulation is its objective; needs Julia"

    def check(self, task: Task, grammar: Grammar) -> None:
        _check_numbers(grammar)
        require_julia()

    def search(self, problem: Problem) -> None:
        require_julia()
        import pysr  # type: ignore[import-untyped]

        objective = Objective(problem)
        problem.try_start()
        if problem.stopped_by:
            return
        jl = pysr.jl
        jl.seval("using PythonCall")
        jl.rulesearch_objective = objective
        jl.seval("const RULESEARCH_LOSS = Ref{Any}(); RULESEARCH_LOSS[] = pyconvert(Py, Main.rulesearch_objective)")
        symbols = [f"v{place}" for place in range(1, len(objective.symbols) + 1)]
        generator = np.random.default_rng(problem.seed)
        rows = generator.normal(size=(16, len(symbols)))
        with tempfile.TemporaryDirectory() as folder:
            regressor = pysr.PySRRegressor(**arguments(problem, symbols), output_directory=folder)
            try:
                regressor.fit(rows, np.zeros(len(rows)), variable_names=symbols)
                objective.end_generation()
            except _Ended:
                return
        problem.stopped_by = problem.stopped_by or "iterations"


def arguments(problem: Problem, symbols: list[str]) -> dict[str, Any]:
    """Return the arguments of `PySRRegressor`: operators and limits of the grammar, the objective, a fixed seed."""
    grammar = problem.grammar
    heads = {head.name: head for made in grammar.productions.values() for each in made if (head := _head(each))}
    binary = [_INFIX.get(name, name) for name, head in heads.items() if head.arity == 2 and name != "pow"]
    unary = [head.julia or name for name, head in heads.items() if head.arity == 1]
    powers = {
        each.template.nodes[-1]
        for made in grammar.productions.values()
        for each in made
        if (head := _head(each)) and head.name == "pow"
    }
    unary += [name for name, power in _POWERS.items() if power in powers]
    if powers - set(_POWERS.values()):
        binary.append("^")
    functions = [name for name, head in heads.items() if head.arity == 1 and head.precedence == FUNCTION]
    names = "[" + ", ".join(f'"{name}"' for name in symbols) + "]"
    slots = list(functions_of(grammar))
    found: dict[str, Any] = {
        "binary_operators": binary,
        "unary_operators": unary,
        "nested_constraints": {name: {name: 0} for name in functions} or None,
        # PySR asks for a SymPy form of operators of our own; ours come back as text, so that it is never looked at.
        "extra_sympy_mappings": {name: lambda value: value for name, head in heads.items() if head.julia} or None,
        "maxsize": max(7, grammar.limits.size),
        "maxdepth": grammar.limits.depth,
        "should_optimize_constants": bool(grammar.constants),
        "complexity_of_constants": 1 if grammar.constants else grammar.limits.size + 1,
        "optimizer_algorithm": "NelderMead",
        "niterations": _FOREVER,
        "random_state": problem.seed,
        "deterministic": True,
        "parallelism": "serial",
        "precision": 64,
        "batching": False,
        "verbosity": 0,
        "progress": False,
        "input_stream": "devnull",
        "temp_equation_file": False,
    }
    if len(slots) == 1:
        return {**found, "loss_function": _OBJECTIVE.format(argument="tree", names=names)}
    import pysr

    whole = ", ".join(symbols)
    template = pysr.TemplateExpressionSpec(
        expressions=slots, variable_names=symbols, combine=" + ".join(f"{slot}({whole})" for slot in slots)
    )
    loss = _OBJECTIVE.format(argument="expression", names="nothing").replace("; variable_names=nothing", "")
    return {**found, "expression_spec": template, "loss_function_expression": loss}


def functions_of(grammar: Grammar) -> dict[str, RuleSlot]:
    """Return the function of a template that stands for each slot; with several rules `lateral_on_step`."""
    several = len(grammar.rules) > 1
    return {f"{place.rule}_{place.slot}" if several else place.slot: place for place in grammar.slots}


def _check_numbers(grammar: Grammar) -> None:
    """Refuse fixed numbers, which PySR cannot keep to: its constants have any value."""
    for made in grammar.productions.values():
        for each in made:
            *others, last = each.template.nodes or ("",)
            power = (head := _head(each)) is not None and head.name == "pow" and last in _POWERS.values()
            if any(isinstance(node, Number) for node in (others if power else (*others, last))):
                raise RulesearchError(
                    f"engine pysr cannot keep to the fixed number in {each.text!r} of grammar {grammar.name}; "
                    "choose another engine, such as deap or enumerate"
                )


def _head(production: Any) -> Operator | None:
    head = production.template.head if production.text else None
    return head if isinstance(head, Operator) else None


class Objective:
    """What PySR calls with each equation: its loss, infinity for what cannot be derived or died.

    Where a rule misses a requirement of the task, what it lacks is added to the loss.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.symbols = tuple(problem.grammar.symbols)
        self.functions = functions_of(problem.grammar)
        self._known: dict[str, float] = {}
        self._waiting = 0
        self._in_vain = 0

    def __call__(self, text: Any) -> float:
        key = str(text)
        self._in_vain += 1
        if self._in_vain % _LOOKED_AT == 0:
            self.problem.stopped_by = "nothing new" if self._in_vain >= _IN_VAIN else ""
            self.problem.in_vain = self._in_vain
            self.end_generation()
        if key not in self._known:
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[key] = self._loss(key)
        return self._known[key]

    def _loss(self, text: str) -> float:
        candidate = self._candidate(text)
        if candidate is None:
            return math.inf
        if self.problem.is_new(candidate):
            self.problem.evaluate([candidate])
            self.problem.promote([candidate] if candidate.alive else [])
            self._waiting += 1
            self._in_vain = 0
            if self._waiting >= _GENERATION:
                self.end_generation()
        elif not self.problem.recall(candidate):
            return math.inf
        return sum(candidate.rank)

    def end_generation(self) -> None:
        """Write down what was evaluated; leave PySR where the search is over."""
        number, self._waiting = self._waiting, 0
        if not self.problem.end_generation(number):
            raise _Ended

    def _candidate(self, text: str) -> Candidate | None:
        problem = self.problem
        try:
            found = read_equations(text, self.symbols, tuple(self.functions))
            genome = problem.primitives.genome({self.functions[name]: part for name, part in found.items()}, {})
        except RulesearchError:
            return None
        if not problem.primitives.fits(genome):
            return None
        return problem.maker.make(genome, "pysr", (), problem.progress.generation)
