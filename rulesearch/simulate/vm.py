"""The virtual machine: one compiled kernel runs any rule as bytecode, one opcode at a time over all lanes.

`run_segment` is what simulators call; numba picks the implementation by the type of the program: a tuple
(code, segments) runs here, a compiled function of the JIT tier is called directly.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from rulesearch.expression.operators import COPY, OPERATORS, SQUARE
from rulesearch.simulate.kernel import compiled

ADD, SUB, MUL, DIV, POW = (OPERATORS[name].opcode for name in ("add", "sub", "mul", "div", "pow"))
NEG, EXP, LOG, SQRT, ABS = (OPERATORS[name].opcode for name in ("neg", "exp", "log", "sqrt", "abs"))
TANH, SIN, COS, MIN, MAX = (OPERATORS[name].opcode for name in ("tanh", "sin", "cos", "min", "max"))
STEP, RELU, SIGN = (OPERATORS[name].opcode for name in ("step", "relu", "sign"))

_LOG2_E = 1.4426950408889634
_LOG_2_HIGH = 0.6931471803691238  # its last 32 bits are 0, so that k times it is exact
_LOG_2_LOW = float(Fraction("0.693147180559945309417232121458176568") - Fraction(_LOG_2_HIGH))
_TAYLOR = tuple(1.0 / math.factorial(n) for n in range(12, 0, -1))


@compiled(error_model="numpy")
def minimum(a: float, b: float) -> float:
    """Return the smaller of two numbers; nan if either is."""
    return a if (a < b or a != a) else b


@compiled(error_model="numpy")
def maximum(a: float, b: float) -> float:
    """Return the larger of two numbers; nan if either is."""
    return a if (a > b or a != a) else b


@compiled(error_model="numpy")
def step(a: float) -> float:
    """Return 1 above zero, else 0; nan stays."""
    return 1.0 if a > 0.0 else (0.0 if a <= 0.0 else a)


@compiled(error_model="numpy")
def relu(a: float) -> float:
    """Return the number above zero, else 0; nan stays."""
    return a if (a > 0.0 or a != a) else 0.0


@compiled(error_model="numpy")
def sign(a: float) -> float:
    """Return -1, 0 or 1; nan stays."""
    return 1.0 if a > 0.0 else (-1.0 if a < 0.0 else (0.0 if a == 0.0 else a))


@compiled(error_model="numpy", inline="always")
def tanh(a: float) -> float:
    """Return the hyperbolic tangent, within two units in the last place; nan stays.

    tanh |a| = -e/(2 + e) with e = exp(u) - 1, u = -2 |a| = k log 2 + r, and the Taylor series of exp(r) - 1.
    Plain arithmetic without a branch: the loop over lanes becomes vector instructions, which a call of the
    system's library does not, and the result is the same on every machine.
    """
    u = -2.0 * min(abs(a), 20.0) if a == a else a
    k = np.rint(u * _LOG2_E)
    r = (u - k * _LOG_2_HIGH) - k * _LOG_2_LOW
    series = 1.0 / 6227020800.0
    for coefficient in _TAYLOR:
        series = coefficient + r * series
    series *= r
    scale = np.int64((np.int64(k) + 1023) << 52).view(np.float64)
    e = scale * series + (scale - 1.0)
    return float(np.copysign(-e / (2.0 + e), a))


@compiled(error_model="numpy")
def execute(code: Any, start: int, stop: int, registers: Any, lanes: int) -> None:
    """Run instructions `start` to `stop` on the first `lanes` lanes of `(registers, lanes)`."""
    for k in range(start, stop):
        op = code[k, 0]
        out = registers[code[k, 1]]
        a = registers[code[k, 2]]
        b = registers[code[k, 3]]
        if op == MUL:
            for i in range(lanes):
                out[i] = a[i] * b[i]
        elif op == SUB:
            for i in range(lanes):
                out[i] = a[i] - b[i]
        elif op == ADD:
            for i in range(lanes):
                out[i] = a[i] + b[i]
        elif op == DIV:
            for i in range(lanes):
                out[i] = a[i] / b[i]
        elif op == SQUARE:
            for i in range(lanes):
                out[i] = a[i] * a[i]
        elif op == NEG:
            for i in range(lanes):
                out[i] = -a[i]
        elif op == ABS:
            for i in range(lanes):
                out[i] = abs(a[i])
        elif op == RELU:
            for i in range(lanes):
                out[i] = relu(a[i])
        elif op == TANH:
            for i in range(lanes):
                out[i] = tanh(a[i])
        elif op == EXP:
            for i in range(lanes):
                out[i] = np.exp(a[i])
        elif op == POW:
            for i in range(lanes):
                out[i] = np.power(a[i], b[i])
        elif op == LOG:
            for i in range(lanes):
                out[i] = np.log(a[i])
        elif op == SQRT:
            for i in range(lanes):
                out[i] = np.sqrt(a[i])
        elif op == SIN:
            for i in range(lanes):
                out[i] = np.sin(a[i])
        elif op == COS:
            for i in range(lanes):
                out[i] = np.cos(a[i])
        elif op == MIN:
            for i in range(lanes):
                out[i] = minimum(a[i], b[i])
        elif op == MAX:
            for i in range(lanes):
                out[i] = maximum(a[i], b[i])
        elif op == STEP:
            for i in range(lanes):
                out[i] = step(a[i])
        elif op == SIGN:
            for i in range(lanes):
                out[i] = sign(a[i])
        elif op == COPY:
            for i in range(lanes):
                out[i] = a[i]


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
