"""Programs and the virtual machine: registers, segments, lanes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rulesearch.expression import Expression, parse_expression
from rulesearch.simulate.machine import vm
from rulesearch.simulate.machine.program import encode
from rulesearch.simulate.machine.vector_writing import padded


def test_registers_hold_symbols_then_constants_then_results() -> None:
    program = encode((parse_expression("c1*x + 0.5*y"),), ("x", "y", "w"), {"c1": 2.0, "c2": 3.0})
    np.testing.assert_array_equal(program.constants, [2.0, 3.0, 0.5])
    assert program.registers == 3 + 3 + 3
    assert program.segments.tolist() == [[0, 3, 8]]
    workspace = program.workspace(4)
    assert workspace.shape == (9, 4)
    np.testing.assert_array_equal(workspace[3:6], np.repeat([[2.0], [3.0], [0.5]], 4, axis=1))


def test_segments_run_alone_and_leave_symbols_untouched() -> None:
    program = encode((parse_expression("x + y"), None, parse_expression("x*y")), ("x", "y"), {})
    registers = program.workspace(1)
    registers[:2, 0] = 3.0, 4.0
    first, empty, last = program.segments
    assert empty.tolist() == [1, 1, -1]
    vm.execute(program.code, last[0], last[1], registers, 1)
    assert registers[last[2], 0] == 12.0
    assert registers[first[2], 0] == 0.0
    vm.execute(program.code, first[0], first[1], registers, 1)
    assert registers[first[2], 0] == 7.0
    np.testing.assert_array_equal(registers[:2, 0], [3.0, 4.0])


def test_a_segment_never_reads_what_only_another_one_computed() -> None:
    common = parse_expression("tanh(x)*y")
    program = encode((common, common), ("x", "y"), {})
    registers = program.workspace(1)
    registers[:2, 0] = 0.3, 2.0
    start, stop, result = program.segments[1]
    vm.execute(program.code, start, stop, registers, 1)
    assert registers[result, 0] == pytest.approx(2.0 * np.tanh(0.3), rel=1e-15)


def test_a_bare_symbol_gets_a_register_of_its_own() -> None:
    program = encode((Expression.symbol("w"),), ("w",), {})
    registers = program.workspace(2)
    registers[0] = 5.0
    start, stop, result = program.segments[0]
    vm.execute(program.code, start, stop, registers, 2)
    registers[0] = 6.0
    np.testing.assert_array_equal(registers[result, :2], [5.0, 5.0])


def test_a_steady_symbol_needs_no_register_of_its_own() -> None:
    program = encode((Expression.symbol("x"), Expression.symbol("w")), ("x", "w"), {}, steady=("x",))
    assert program.segments[0].tolist() == [0, 0, 0]
    assert program.segments[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize("lanes", [1, 4, 5, 8])
def test_no_vector_is_computed_beyond_the_lanes_in_use(lanes: int) -> None:
    program = encode((parse_expression("-x"),), ("x",), {})
    registers = program.workspace(13)
    assert registers.shape == (2, padded(13))
    registers[0] = 1.0
    start, stop, result = program.segments[0]
    vm.execute(program.code, start, stop, registers, lanes)
    np.testing.assert_array_equal(registers[result, : padded(lanes)], -1.0)
    np.testing.assert_array_equal(registers[result, padded(lanes) :], 0.0)


def test_structures_are_encoded_once_for_all_constants() -> None:
    first = encode((parse_expression("c1*x"),), ("x",), {"c1": 1.0})
    second = encode((parse_expression("c1*x"),), ("x",), {"c1": 2.0})
    assert first.code is second.code
    assert second.constants.tolist() == [2.0]


@pytest.mark.parametrize(("name", "numpy"), [("min", np.minimum), ("max", np.maximum)])
def test_extremes_of_undefined_numbers_are_undefined(name: str, numpy: Callable[..., Any]) -> None:
    values = (np.nan, np.inf, -np.inf, 0.0, 1.0)
    a, b = np.array([(a, b) for a in values for b in values]).T
    program = encode((Expression.apply(name, Expression.symbol("a"), Expression.symbol("b")),), ("a", "b"), {})
    registers = program.workspace(len(a))
    registers[:2, : len(a)] = a, b
    start, stop, result = program.segments[0]
    vm.execute(program.code, start, stop, registers, len(a))
    np.testing.assert_array_equal(registers[result, : len(a)], numpy(a, b))


def test_segments_are_run_from_compiled_code_only() -> None:
    with pytest.raises(TypeError, match="called from compiled code"):
        vm.run_segment((), 0, None, 0)
