"""Programs and the virtual machine: registers, segments, lanes."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.expression import Expression, parse_expression
from rulesearch.simulate import vm
from rulesearch.simulate.program import encode


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
    np.testing.assert_array_equal(registers[result], [5.0, 5.0])


def test_only_the_lanes_in_use_are_computed() -> None:
    program = encode((parse_expression("-x"),), ("x",), {})
    registers = program.workspace(3)
    registers[0] = 1.0
    start, stop, result = program.segments[0]
    vm.execute(program.code, start, stop, registers, 2)
    np.testing.assert_array_equal(registers[result], [-1.0, -1.0, 0.0])


def test_structures_are_encoded_once_for_all_constants() -> None:
    first = encode((parse_expression("c1*x"),), ("x",), {"c1": 1.0})
    second = encode((parse_expression("c1*x"),), ("x",), {"c1": 2.0})
    assert first.code is second.code
    assert second.constants.tolist() == [2.0]


@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_extremes_of_undefined_numbers_are_undefined(name: str) -> None:
    function, numpy = getattr(vm, name), getattr(np, name)
    for a in (np.nan, np.inf, -np.inf, 0.0, 1.0):
        for b in (np.nan, np.inf, -np.inf, 0.0, 1.0):
            np.testing.assert_array_equal(function(a, b), numpy(a, b))


def test_segments_are_run_from_compiled_code_only() -> None:
    with pytest.raises(TypeError, match="called from compiled code"):
        vm.run_segment((), 0, None, 0)
