"""The virtual machine: one compiled kernel runs any rule as bytecode, one opcode at a time over all lanes.

`run_segment` is what simulators call; numba picks the implementation by the type of the program: a tuple
(code, segments) runs here, a compiled function of the JIT tier is called directly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from rulesearch.expression.operators import COPY, OPERATORS, SQUARE
from rulesearch.simulate.machine import vectors
from rulesearch.simulate.machine.kernel import compiled

ADD, SUB, MUL, DIV, POW = (OPERATORS[name].opcode for name in ("add", "sub", "mul", "div", "pow"))
NEG, EXP, LOG, SQRT, ABS = (OPERATORS[name].opcode for name in ("neg", "exp", "log", "sqrt", "abs"))
TANH, SIN, COS, MIN, MAX = (OPERATORS[name].opcode for name in ("tanh", "sin", "cos", "min", "max"))
STEP, RELU, SIGN = (OPERATORS[name].opcode for name in ("step", "relu", "sign"))


@compiled(error_model="numpy")
def execute(code: Any, start: int, stop: int, registers: Any, lanes: int) -> None:
    """Run instructions `start` to `stop` on the first `lanes` lanes of registers made by `Program.workspace`."""
    for k in range(start, stop):
        op, result, a, b = code[k, 0], code[k, 1], code[k, 2], code[k, 3]
        if op == MUL:
            vectors.multiply(registers, result, a, b, lanes)
        elif op == SUB:
            vectors.subtract(registers, result, a, b, lanes)
        elif op == ADD:
            vectors.add(registers, result, a, b, lanes)
        elif op == DIV:
            vectors.divide(registers, result, a, b, lanes)
        elif op == SQUARE:
            vectors.square(registers, result, a, lanes)
        elif op == NEG:
            vectors.negate(registers, result, a, lanes)
        elif op == ABS:
            vectors.absolute(registers, result, a, lanes)
        elif op == RELU:
            vectors.rectified(registers, result, a, lanes)
        elif op == TANH:
            vectors.tangents(registers, result, a, lanes)
        elif op == EXP:
            for i in range(lanes):
                registers[result, i] = np.exp(registers[a, i])
        elif op == POW:
            for i in range(lanes):
                registers[result, i] = np.power(registers[a, i], registers[b, i])
        elif op == LOG:
            for i in range(lanes):
                registers[result, i] = np.log(registers[a, i])
        elif op == SQRT:
            vectors.root(registers, result, a, lanes)
        elif op == SIN:
            for i in range(lanes):
                registers[result, i] = np.sin(registers[a, i])
        elif op == COS:
            for i in range(lanes):
                registers[result, i] = np.cos(registers[a, i])
        elif op == MIN:
            vectors.minima(registers, result, a, b, lanes)
        elif op == MAX:
            vectors.maxima(registers, result, a, b, lanes)
        elif op == STEP:
            vectors.steps(registers, result, a, lanes)
        elif op == SIGN:
            vectors.signs(registers, result, a, lanes)
        elif op == COPY:
            vectors.copy(registers, result, a, lanes)


def run_segment(program: Any, segment: int, registers: Any, lanes: int) -> None:
    """Run one segment of a program in either tier (called from compiled simulators)."""
    raise TypeError("run_segment is called from compiled code")


@overload(run_segment, jit_options={"error_model": "numpy"})  # type: ignore[misc]
def _run_segment(program: Any, segment: Any, registers: Any, lanes: Any) -> Any:
    if isinstance(program, types.BaseTuple):

        def bytecode(program: Any, segment: Any, registers: Any, lanes: Any) -> Any:
            code, segments = program
            execute(code, segments[segment, 0], segments[segment, 1], registers, lanes)

        return bytecode

    def compiled(program: Any, segment: Any, registers: Any, lanes: Any) -> Any:
        program(segment, registers, lanes)

    return compiled
