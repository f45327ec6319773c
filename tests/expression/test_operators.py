"""Every operator is the same function in NumPy, the virtual machine, compiled code and SymPy."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
import sympy
from hypothesis import given
from numba import njit
from strategies import expressions

from rulesearch.errors import RulesearchError
from rulesearch.expression import OPERATORS, Expression, parse_expression, to_sympy, to_text
from rulesearch.expression.operators import BINARY_INFIX, COPY, FUNCTION, FUNCTIONS, SQUARE, Language, Side
from rulesearch.simulate.machine.program import Program, encode
from rulesearch.simulate.machine.vm import execute, run_segment

Array = npt.NDArray[np.float64]

SYMBOLS = ("a", "b")
ALL = tuple(Expression.apply(row.name, *map(Expression.symbol, SYMBOLS[: row.arity])) for row in OPERATORS.values())
EXACT = ("add", "sub", "mul", "div", "neg", "sqrt", "abs", "min", "max", "step", "relu", "sign")
"""Operators whose result is exactly rounded everywhere."""

SPECIAL = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-310, 800.0, -800.0, 1e200, -1e200)


def pairs(values: Any) -> Array:
    """Every pair of values, as columns of the registers a and b."""
    return np.array([[a, b] for a in values for b in values]).T


def random_pairs(count: int = 200) -> Array:
    rng = np.random.default_rng(7)
    return np.concatenate([rng.normal(0.0, 2.0, (2, count)), rng.normal(0.0, 1e-3, (2, count))], axis=1)


def by_numpy(expression: Expression, points: Array) -> Array:
    values = dict(zip(SYMBOLS, points, strict=True))
    return np.broadcast_to(np.asarray(expression.evaluate(values), dtype=np.float64), points.shape[1:])


def registers_for(program: Program, points: Array) -> Array:
    registers = program.workspace(points.shape[1])
    registers[: len(points), : points.shape[1]] = points
    return registers


def by_machine(program: Program, segment: int, points: Array) -> Array:
    registers = registers_for(program, points)
    start, stop, result = program.segments[segment]
    execute(program.code, start, stop, registers, points.shape[1])
    return np.asarray(registers[result, : points.shape[1]])


@njit
def run_compiled(program: Any, segment: int, registers: Any, lanes: int) -> None:
    run_segment(program, segment, registers, lanes)


def by_compiled(program: Program, compiled: Any, segment: int, points: Array) -> Array:
    registers = registers_for(program, points)
    run_compiled(compiled, segment, registers, points.shape[1])
    return np.asarray(registers[program.segments[segment, 2], : points.shape[1]])


def by_sympy(expression: Expression, point: Array) -> float:
    """The value, nan where SymPy finds none that is real and finite."""
    values = {sympy.Symbol(name, real=True): sympy.Float(float(x)) for name, x in zip(SYMBOLS, point, strict=True)}
    value = sympy.N(to_sympy(expression).subs(values, simultaneous=True), 30)
    return float(value) if value.is_real and value.is_finite else math.nan


@pytest.fixture(scope="module")
def program() -> Program:
    return encode(ALL, SYMBOLS, {})


@pytest.fixture(scope="module")
def compiled(program: Program) -> Any:
    return program.compiled()


@pytest.mark.parametrize("segment", range(len(ALL)), ids=list(OPERATORS))
def test_numpy_machine_compiled_and_sympy_agree(program: Program, compiled: Any, segment: int) -> None:
    points = np.concatenate([random_pairs(), pairs(SPECIAL)], axis=1)
    expected = by_numpy(ALL[segment], points)
    np.testing.assert_allclose(by_machine(program, segment, points), expected, rtol=1e-12, atol=0.0)
    np.testing.assert_allclose(by_compiled(program, compiled, segment, points), expected, rtol=1e-12, atol=0.0)
    for point in np.concatenate([random_pairs(20), pairs((0.0, 1.0, -1.0, 2.0, -0.5))], axis=1).T:
        value = float(by_numpy(ALL[segment], point[:, None])[0])
        found = by_sympy(ALL[segment], point)
        assert found == pytest.approx(value if math.isfinite(value) else math.nan, rel=1e-12, nan_ok=True), point


@pytest.mark.parametrize(
    ("text", "a", "b", "expected"),
    [
        ("a/b", 1.0, 0.0, math.inf),
        ("a/b", -1.0, 0.0, -math.inf),
        ("a/b", 0.0, 0.0, math.nan),
        ("log(a)", 0.0, 0.0, -math.inf),
        ("log(a)", -1.0, 0.0, math.nan),
        ("sqrt(a)", -1.0, 0.0, math.nan),
        ("a**b", -8.0, 1.0 / 3.0, math.nan),
        ("a**b", 0.0, -1.0, math.inf),
        ("a**b", 0.0, 0.0, 1.0),
        ("exp(a)", 800.0, 0.0, math.inf),
        ("exp(a)", -800.0, 0.0, 0.0),
        ("min(a, b)", math.nan, 1.0, math.nan),
        ("min(a, b)", 1.0, math.nan, math.nan),
        ("max(a, b)", math.nan, 1.0, math.nan),
        ("max(a, b)", 1.0, math.nan, math.nan),
        ("step(a)", 0.0, 0.0, 0.0),
        ("step(a)", 1e-300, 0.0, 1.0),
        ("step(a)", math.nan, 0.0, math.nan),
        ("relu(a)", -2.0, 0.0, 0.0),
        ("relu(a)", math.nan, 0.0, math.nan),
        ("sign(a)", -0.3, 0.0, -1.0),
        ("sign(a)", 0.0, 0.0, 0.0),
        ("sign(a)", math.nan, 0.0, math.nan),
        ("tanh(a)", math.inf, 0.0, 1.0),
        ("sin(a)", math.inf, 0.0, math.nan),
    ],
)
def test_nothing_is_protected(text: str, a: float, b: float, expected: float) -> None:
    expression = parse_expression(text)
    points = np.array([[a], [b]])
    program = encode((expression,), SYMBOLS, {})
    np.testing.assert_array_equal(by_numpy(expression, points), [expected])
    np.testing.assert_array_equal(by_machine(program, 0, points), [expected])


@given(expressions(SYMBOLS, EXACT))
def test_the_machine_computes_random_trees_to_the_last_bit(tree: Expression) -> None:
    points = np.concatenate([random_pairs(10), pairs((math.nan, math.inf, 0.0, -1.0))], axis=1)
    np.testing.assert_array_equal(by_machine(encode((tree,), SYMBOLS, {}), 0, points), by_numpy(tree, points))


def test_compiled_trees_agree_with_the_machine_also_with_constants_and_literals() -> None:
    texts = (
        "a*(b - 0.25*a) + c1*tanh(c2*b)",
        "c1/(1 + exp(-b)) - min(a, 0.25)**2",
        "relu(a - c2)*sign(b) + max(a, b)**3 - (-a)",
        "a",
        "0.25",
        "c2",
    )
    trees = tuple(parse_expression(text) for text in texts)
    program = encode((*trees, None), SYMBOLS, {"c1": 0.7, "c2": -1.3})
    compiled = program.compiled()
    points = random_pairs()
    values = {"a": points[0], "b": points[1], "c1": 0.7, "c2": -1.3}
    for segment, tree in enumerate(trees):
        expected = np.broadcast_to(tree.evaluate(values), points.shape[1:])
        np.testing.assert_allclose(by_machine(program, segment, points), expected, rtol=1e-12)
        np.testing.assert_allclose(by_compiled(program, compiled, segment, points), expected, rtol=1e-12)
    assert program.segments[-1, 2] == -1


def test_compiled_code_is_shared_by_all_values_of_the_constants() -> None:
    trees = (parse_expression("c1*a"),)
    assert encode(trees, SYMBOLS, {"c1": 1.0}).compiled() is encode(trees, SYMBOLS, {"c1": 2.0}).compiled()


def test_zero_of_either_sign_can_be_compiled() -> None:
    program = encode((parse_expression("max(a, 0) + b*-0.0"),), SYMBOLS, {})
    points = random_pairs(5)
    np.testing.assert_array_equal(by_compiled(program, program.compiled(), 0, points), np.maximum(points[0], 0.0))


def test_a_square_is_a_product_in_every_back_end() -> None:
    tree = parse_expression("a**2")
    program = encode((tree,), SYMBOLS, {})
    assert [row[0] for row in program.code] == [SQUARE]
    points = pairs(SPECIAL)
    with np.errstate(all="ignore"):
        squares = points[0] * points[0]
    np.testing.assert_array_equal(by_numpy(tree, points), squares)
    np.testing.assert_array_equal(by_machine(program, 0, points), squares)


def test_a_common_part_is_computed_once() -> None:
    program = encode((parse_expression("(a - b)*(a - b) + tanh(a - b)"),), SYMBOLS, {})
    assert len(program.code) == 4


def test_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(RulesearchError, match="unknown symbol 'q'; this simulation offers a, b"):
        encode((parse_expression("a*q"),), SYMBOLS, {})


def test_the_table_is_consistent() -> None:
    codes = [row.opcode for row in OPERATORS.values()]
    assert len({*codes, SQUARE, COPY}) == len(codes) + 2
    assert set(BINARY_INFIX) == {"+", "-", "*", "/", "**"}
    assert set(FUNCTIONS) == {row.name for row in OPERATORS.values() if row.precedence == FUNCTION}
    for tree in ALL:
        assert parse_expression(to_text(tree)) == tree


@pytest.mark.parametrize("name", [row.name for row in OPERATORS.values() if row.arity == 2])
def test_an_operator_commutes_just_where_the_table_says_so(name: str) -> None:
    points = random_pairs()
    tree = Expression.apply(name, Expression.symbol("a"), Expression.symbol("b"))
    same = np.array_equal(by_numpy(tree, points), by_numpy(tree, points[::-1]), equal_nan=True)
    assert same == OPERATORS[name].commutes


@pytest.mark.parametrize("name", list(OPERATORS))
def test_what_a_row_says_of_an_operators_values_holds(name: str) -> None:
    row, points = OPERATORS[name], np.concatenate([random_pairs(), pairs((0.0, 1.0, -1.0, 2.0))], axis=1)
    arguments = points[: row.arity]
    with np.errstate(all="ignore"):
        values = row.numpy(*arguments)
        turned = row.numpy(*-arguments)
    assert np.all(np.isfinite(values)) or row.partial
    assert not np.any(values < row.low) and not np.any(values > row.high)
    if row.parity:
        np.testing.assert_allclose(turned, values if row.parity == "even" else -values, rtol=1e-14)


@pytest.mark.parametrize("name", [row.name for row in OPERATORS.values() if row.kink])
def test_the_branches_of_a_row_are_the_operator_itself(name: str) -> None:
    row, points = OPERATORS[name], np.concatenate([random_pairs(), pairs((0.0, 1.0, -1.0, 2.0))], axis=1)
    arguments = points[: row.arity]
    height = arguments[0] if row.arity == 1 else arguments[0] - arguments[1]

    def on(side: Side) -> Any:
        return side.factor * (1.0 if side.argument is None else arguments[side.argument])

    assert row.kink is not None
    level = on(row.kink.below if row.kink.level is None else row.kink.level)
    expected = np.where(height > 0.0, on(row.kink.above), np.where(height < 0.0, on(row.kink.below), level))
    np.testing.assert_array_equal(row.numpy(*arguments), expected)


@pytest.mark.parametrize("name", list(OPERATORS))
def test_a_rounding_error_of_an_argument_reaches_the_value_as_the_row_says(name: str) -> None:
    row, points = OPERATORS[name], np.abs(random_pairs(50)) + 0.01
    arguments, share = points[: row.arity], 1e-7
    with np.errstate(all="ignore"):
        value = row.numpy(*arguments)
        sizes = row.error(value, *(part for argument in arguments for part in (argument, np.abs(argument))))
        for place in range(row.arity):
            moved = list(arguments)
            moved[place] = moved[place] * (1.0 + share)
            change = np.abs(row.numpy(*moved) - value)
            assert np.all(change <= 1.01 * share * np.fmax(np.abs(value), sizes) + 1e-15)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_a_function_is_written_in_every_language(name: str) -> None:
    row = OPERATORS[name]
    assert set(row.written) == set(get_args(Language))
    for template in (*row.written.values(), row.scalar, row.latex):
        marks = [f"argument{place}" for place in range(row.arity)]
        assert all(mark in template.format(*marks) for mark in marks)
