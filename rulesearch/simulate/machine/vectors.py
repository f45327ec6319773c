"""Vector instructions: arithmetic over the lanes of registers, some lanes at once.

Numba makes vector instructions of a loop only behind a look at run time at whether the arrays overlap, and handles what
is left of a block one lane at a time: for the few lanes of a rate neuron that took longer than the arithmetic. So
the vectors are written out here, in LLVM's own terms, which every processor has a form of. Each lane is computed by
IEEE arithmetic alone, a product and a sum in one rounding only where that is written (in tanh): the values are the
same, to the last bit, on every machine and whatever the width, and the same as those of the scalar functions, which are
made from the same formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from rulesearch.simulate.machine.vector_writing import INDEX, WIDTH, ZERO, Rows, Writer

Formula = Callable[..., Any]
"""Writes a function: a writer and the arguments' values to the result's."""


def _minimum(write: Writer, a: Any, b: Any) -> Any:
    return write("select", write("or_", write("fcmp_ordered", "<", a, b), write.undefined(a)), a, b)


def _maximum(write: Writer, a: Any, b: Any) -> Any:
    return write("select", write("or_", write("fcmp_ordered", ">", a, b), write.undefined(a)), a, b)


def _step(write: Writer, a: Any) -> Any:
    rest = write("select", write("fcmp_ordered", "<=", a, 0.0), 0.0, a)
    return write("select", write("fcmp_ordered", ">", a, 0.0), 1.0, rest)


def _relu(write: Writer, a: Any) -> Any:
    return write("select", write("fcmp_unordered", ">", a, 0.0), a, 0.0)


def _sign(write: Writer, a: Any) -> Any:
    rest = write("select", write("fcmp_ordered", "==", a, 0.0), 0.0, a)
    rest = write("select", write("fcmp_ordered", "<", a, 0.0), -1.0, rest)
    return write("select", write("fcmp_ordered", ">", a, 0.0), 1.0, rest)


_LOG2_E = 1.4426950408889634
_LOG_2_HIGH = 0.6931471803691238  # its last 32 bits are 0, so that k times it is exact
_LOG_2_LOW = float(Fraction("0.693147180559945309417232121458176568") - Fraction(_LOG_2_HIGH))
_WHOLE = 1.5 * 2.0**52
"""What is added to a number, and taken away again, to round it; in between, the last bits hold the whole number."""
_SERIES = tuple(
    2.0 * bernoulli / math.factorial(2 * n)
    for n, bernoulli in enumerate((1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730), start=1)
)
"""r coth(r/2) - 2 = sum of 2 B_2n/(2n)! r^2n, for |r| <= log(2)/2."""


def _tanh(write: Writer, a: Any) -> Any:
    """Write tanh |a| = (1 - E)/(1 + E) with E = exp(u), u = -2 |a| = k log 2 + r, and the sign of a.

    E = s (R + r)/(R - r) with s = 2^k and R = r coth(r/2), so that one division is left:
    (R (1 - s) - r (1 + s))/(R (1 + s) - r (1 - s)). R is 2 and a series in r^2.
    """
    size = write.function("fabs", a)
    size = write("select", write("fcmp_ordered", "<", size, 20.0), size, 20.0)
    u = write("fmul", size, -2.0)
    shifted = write.fma(u, _LOG2_E, _WHOLE)
    k = write("fsub", shifted, _WHOLE)
    r = write.fma(k, -_LOG_2_LOW, write.fma(k, -_LOG_2_HIGH, u))
    square = write("fmul", r, r)
    series = write.fma(square, _SERIES[-1], _SERIES[-2])
    for coefficient in reversed(_SERIES[:-2]):
        series = write.fma(square, series, coefficient)
    beyond = write("fmul", square, series)
    kind = a[0].type
    whole = ir.VectorType(INDEX, WIDTH) if isinstance(kind, ir.VectorType) else INDEX
    exponent = write("add", write("bitcast", shifted, whole), 1023)
    s = write("bitcast", write("shl", exponent, 52), kind)
    less, more = write("fsub", 1.0, s), write("fadd", s, 1.0)
    above = write.fma(beyond, less, write("fneg", write("fmul", r, more)))
    below = write.fma(beyond, more, write("fneg", write("fmul", r, less)))
    quotient = write("fdiv", write.fma(less, 2.0, above), write.fma(more, 2.0, below))
    return write("select", write.undefined(a), a, write.function("copysign", quotient, a))


def _over_lanes(formula: Formula, arity: int, together: int = 1) -> Any:
    """Return an intrinsic (registers, result, argument, ..., lanes) that computes one register from others.

    The last vector is computed as a whole: registers must be as long, whatever stands beyond the lanes.

    **Arguments:** `together`: vectors that are computed side by side, for formulas in which each step waits for the
    one before it.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        registers, *numbers, lanes = arguments
        rows = Rows(context, builder, signature.args[0], registers)
        result, *sources = [rows.row(number) for number in numbers]

        def compute(lane: Any, count: int) -> None:
            places = [builder.add(lane, ir.Constant(INDEX, k * WIDTH)) for k in range(count)]
            values = (tuple(rows.load(source, place) for place in places) for source in sources)
            for value, place in zip(formula(Writer(builder), *values), places, strict=True):
                rows.store(value, result, place)

        begin = ZERO
        if together > 1:
            group = ir.Constant(INDEX, together * WIDTH)
            begin = builder.mul(builder.sdiv(lanes, group), group)
            with rows.lanes(ZERO, begin, group) as (lane, _):
                compute(lane, together)
        with rows.lanes(begin, lanes) as (lane, _):
            compute(lane, 1)
        return context.get_dummy_value()

    def declare(registers: Any) -> Any:
        return types.void(registers, *[types.int64] * (arity + 2)), generate

    if arity == 1:

        @intrinsic
        def unary(typing: Any, registers: Any, result: Any, a: Any, lanes: Any) -> Any:
            return declare(registers)

        return unary

    @intrinsic
    def binary(typing: Any, registers: Any, result: Any, a: Any, b: Any, lanes: Any) -> Any:
        return declare(registers)

    return binary


def _of_numbers(formula: Formula, arity: int) -> Any:
    """Return an intrinsic that computes one number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return formula(Writer(builder), *((argument,) for argument in arguments))[0]

    if arity == 1:

        @intrinsic
        def unary(typing: Any, a: Any) -> Any:
            return types.float64(types.float64), generate

        return unary

    if arity == 2:

        @intrinsic
        def binary(typing: Any, a: Any, b: Any) -> Any:
            return types.float64(types.float64, types.float64), generate

        return binary

    @intrinsic
    def ternary(typing: Any, a: Any, b: Any, c: Any) -> Any:
        return types.float64(types.float64, types.float64, types.float64), generate

    return ternary


def _named(instruction: str) -> Formula:
    return lambda write, *values: write(instruction, *values)


add, subtract, multiply, divide = (_over_lanes(_named(name), 2) for name in ("fadd", "fsub", "fmul", "fdiv"))
square = _over_lanes(lambda write, a: write("fmul", a, a), 1)
negate = _over_lanes(_named("fneg"), 1)
absolute = _over_lanes(lambda write, a: write.function("fabs", a), 1)
root = _over_lanes(lambda write, a: write.function("sqrt", a), 1)
copy = _over_lanes(lambda write, a: a, 1)
minima, maxima = _over_lanes(_minimum, 2), _over_lanes(_maximum, 2)
steps, rectified, signs = (_over_lanes(formula, 1) for formula in (_step, _relu, _sign))
tangents = _over_lanes(_tanh, 1, together=3)

minimum, maximum = _of_numbers(_minimum, 2), _of_numbers(_maximum, 2)
step, relu, sign, tanh = (_of_numbers(formula, 1) for formula in (_step, _relu, _sign, _tanh))
fused = _of_numbers(lambda write, a, b, c: write.fma(a, b, c), 3)
"""a*b + c in one rounding, on every machine."""
