"""Vector instructions against NumPy's functions, at the places where they differ in nothing but by mistake."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numba.core.errors import NumbaError

from rulesearch.expression import Expression
from rulesearch.expression.operators import OPERATORS
from rulesearch.simulate.machine import vm
from rulesearch.simulate.machine.program import encode

SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.3, -2.5, 5e-324, 1e308, -1e308, np.inf, -np.inf, np.nan)
EXACT = ("add", "sub", "mul", "div", "neg", "abs", "sqrt", "min", "max", "step", "relu", "sign")


@pytest.mark.parametrize("name", EXACT)
def test_every_instruction_gives_what_numpy_gives(name: str) -> None:
    row = OPERATORS[name]
    points = np.array(list(itertools.product(SPECIAL, repeat=row.arity))).T
    symbols = ("a", "b")[: row.arity]
    program = encode((Expression.apply(name, *map(Expression.symbol, symbols)),), symbols, {})
    lanes = points.shape[1]
    registers = program.workspace(lanes)
    registers[: row.arity, :lanes] = points
    start, stop, result = program.segments[0]
    vm.execute(program.code, start, stop, registers, lanes)
    with np.errstate(all="ignore"):
        expected = row.numpy(*points)
    np.testing.assert_array_equal(registers[result, :lanes], expected)


@pytest.mark.parametrize("lanes", range(1, 10))
def test_the_number_of_lanes_does_not_matter(lanes: int) -> None:
    a, b = np.random.default_rng(lanes).normal(size=(2, lanes))
    text = Expression.apply("sub", Expression.symbol("a"), Expression.apply("tanh", Expression.symbol("b")))
    program = encode((text,), ("a", "b"), {})
    together = program.workspace(lanes)
    together[:2, :lanes] = a, b
    start, stop, result = program.segments[0]
    vm.execute(program.code, start, stop, together, lanes)
    for lane in range(lanes):
        alone = program.workspace(1)
        alone[:2, 0] = a[lane], b[lane]
        vm.execute(program.code, start, stop, alone, 1)
        assert alone[result, 0] == together[result, lane]
        assert alone[result, 0] == pytest.approx(a[lane] - np.tanh(b[lane]), rel=1e-14, abs=1e-15)


def test_registers_that_are_not_contiguous_are_refused() -> None:
    program = encode((Expression.apply("neg", Expression.symbol("a")),), ("a",), {})
    registers = program.workspace(16)[:, ::2]
    with pytest.raises(NumbaError, match="contiguous"):
        vm.execute(program.code, 0, 1, registers, 8)
