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
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH = 4
"""Lanes of a vector. Wider ones were slower where they were measured: tails and padding grow with them."""

_DOUBLE = ir.DoubleType()
_INDEX = ir.IntType(64)
_VECTOR = ir.VectorType(_DOUBLE, WIDTH)


def padded(lanes: int) -> int:
    """Return the least number of lanes that fills vectors."""
    return -(-lanes // WIDTH) * WIDTH


class _Writer:
    """Writes each instruction for several values, vectors or numbers, before it writes the next one.

    What is independent then stands side by side, and a processor need not look far ahead for work while it waits for
    a result. A plain number among the arguments stands for a constant.
    """

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def __call__(self, instruction: str, *arguments: Any) -> tuple[Any, ...]:
        """Write one of the builder's instructions for each value."""
        write = getattr(self.builder, instruction)
        return tuple(write(*each) for each in self._each(arguments))

    def function(self, name: str, *arguments: Any) -> tuple[Any, ...]:
        """Write a call of one of LLVM's own functions for each value."""
        found = []
        for each in self._each(arguments):
            kind = each[0].type
            suffix = f"v{kind.count}f64" if isinstance(kind, ir.VectorType) else "f64"
            signature = ir.FunctionType(kind, [kind] * len(each))
            called = cgutils.get_or_insert_function(self.builder.module, signature, f"llvm.{name}.{suffix}")
            found.append(self.builder.call(called, each))
        return tuple(found)

    def fma(self, a: Any, b: Any, c: Any) -> tuple[Any, ...]:
        """Write a b + c in one rounding."""
        return self.function("fma", a, b, c)

    def undefined(self, a: Any) -> tuple[Any, ...]:
        """Write whether a value is nan."""
        return self("fcmp_unordered", "uno", a, a)

    @staticmethod
    def _each(arguments: tuple[Any, ...]) -> list[list[Any]]:
        """Return the arguments of each value's instruction; constants are of the type of the last argument with one."""
        last = [argument for argument in arguments if isinstance(argument, tuple)][-1]
        made = [_constant(last[0].type, a) if isinstance(a, (int, float)) else a for a in arguments]
        return [[a[k] if isinstance(a, tuple) else a for a in made] for k in range(len(last))]


def _constant(kind: Any, number: float) -> Any:
    return ir.Constant(kind, [number] * WIDTH if isinstance(kind, ir.VectorType) else number)


Formula = Callable[..., Any]
"""Writes a function: a writer and the arguments' values to the result's."""


def _minimum(write: _Writer, a: Any, b: Any) -> Any:
    return write("select", write("or_", write("fcmp_ordered", "<", a, b), write.undefined(a)), a, b)


def _maximum(write: _Writer, a: Any, b: Any) -> Any:
    return write("select", write("or_", write("fcmp_ordered", ">", a, b), write.undefined(a)), a, b)


def _step(write: _Writer, a: Any) -> Any:
    rest = write("select", write("fcmp_ordered", "<=", a, 0.0), 0.0, a)
    return write("select", write("fcmp_ordered", ">", a, 0.0), 1.0, rest)


def _relu(write: _Writer, a: Any) -> Any:
    return write("select", write("fcmp_unordered", ">", a, 0.0), a, 0.0)


def _sign(write: _Writer, a: Any) -> Any:
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


def _tanh(write: _Writer, a: Any) -> Any:
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
    whole = ir.VectorType(_INDEX, WIDTH) if isinstance(kind, ir.VectorType) else _INDEX
    exponent = write("add", write("bitcast", shifted, whole), 1023)
    s = write("bitcast", write("shl", exponent, 52), kind)
    less, more = write("fsub", 1.0, s), write("fadd", s, 1.0)
    above = write.fma(beyond, less, write("fneg", write("fmul", r, more)))
    below = write.fma(beyond, more, write("fneg", write("fmul", r, less)))
    quotient = write("fdiv", write.fma(less, 2.0, above), write.fma(more, 2.0, below))
    return write("select", write.undefined(a), a, write.function("copysign", quotient, a))


class _Rows:
    """Writes instructions on rows of an array, for use inside an intrinsic."""

    def __init__(self, context: Any, builder: Any, kind: Any, array: Any) -> None:
        made = context.make_array(kind)(context, builder, array)
        self.builder = builder
        self.length = builder.extract_value(made.shape, 1)
        self._data = made.data

    def row(self, number: Any) -> Any:
        """Return where a row begins."""
        return self.builder.gep(self._data, [self.builder.mul(number, self.length)])

    def load(self, row: Any, lane: Any) -> Any:
        """Return the vector at a lane of a row."""
        return self.builder.load(self._at(row, lane), align=8)

    def store(self, value: Any, row: Any, lane: Any) -> None:
        """Put a vector at a lane of a row."""
        self.builder.store(value, self._at(row, lane), align=8)

    def _at(self, row: Any, lane: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(row, [lane]), _VECTOR.as_pointer())

    def lanes(self, begin: Any, end: Any, step: Any = None) -> AbstractContextManager[Any]:
        """Loop over lanes, a vector at a time."""
        width = ir.Constant(_INDEX, WIDTH) if step is None else step
        return cgutils.for_range_slice(self.builder, begin, end, width, _INDEX)  # type: ignore[no-any-return]

    def spread(self, number: Any) -> Any:
        """Return a vector of one number."""
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(
            first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        )


_ZERO = ir.Constant(_INDEX, 0)


def _over_lanes(formula: Formula, arity: int, together: int = 1) -> Any:
    """Return an intrinsic (registers, result, argument, ..., lanes) that computes one register from others.

    The last vector is computed as a whole: registers must be as long, whatever stands beyond the lanes.

    **Arguments:** `together`: vectors that are computed side by side, for formulas in which each step waits for the
    one before it.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        registers, *numbers, lanes = arguments
        rows = _Rows(context, builder, signature.args[0], registers)
        result, *sources = [rows.row(number) for number in numbers]

        def compute(lane: Any, count: int) -> None:
            places = [builder.add(lane, ir.Constant(_INDEX, k * WIDTH)) for k in range(count)]
            values = (tuple(rows.load(source, place) for place in places) for source in sources)
            for value, place in zip(formula(_Writer(builder), *values), places, strict=True):
                rows.store(value, result, place)

        begin = _ZERO
        if together > 1:
            group = ir.Constant(_INDEX, together * WIDTH)
            begin = builder.mul(builder.sdiv(lanes, group), group)
            with rows.lanes(_ZERO, begin, group) as (lane, _):
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
        return formula(_Writer(builder), *((argument,) for argument in arguments))[0]

    if arity == 1:

        @intrinsic
        def unary(typing: Any, a: Any) -> Any:
            return types.float64(types.float64), generate

        return unary

    @intrinsic
    def binary(typing: Any, a: Any, b: Any) -> Any:
        return types.float64(types.float64, types.float64), generate

    return binary


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


@intrinsic
def neuron_output(typing: Any, registers: Any, inputs: Any, time: Any, neurons: Any) -> Any:
    """Copy row `time` of `inputs` to register 0, and put sum_i x_i w_i, w in register 2, into register 1.

    Lanes are the `neurons` of the first input, then those of the second; both numbers fill vectors.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        registers, inputs, time, neurons = arguments
        rows = _Rows(context, builder, signature.args[0], registers)
        seen = _Rows(context, builder, signature.args[1], inputs).row(time)
        x, y, w = (rows.row(ir.Constant(_INDEX, number)) for number in range(3))
        total = cgutils.alloca_once(builder, _VECTOR)

        def product(lane: Any) -> Any:
            value = rows.load(seen, lane)
            rows.store(value, x, lane)
            return builder.fmul(rows.load(w, lane), value)

        with rows.lanes(_ZERO, neurons) as (neuron, _):
            builder.store(product(neuron), total)
            with rows.lanes(neurons, rows.length, neurons) as (first, _):
                builder.store(builder.fadd(builder.load(total), product(builder.add(first, neuron))), total)
            with rows.lanes(_ZERO, rows.length, neurons) as (first, _):
                rows.store(builder.load(total), y, builder.add(first, neuron))
        return context.get_dummy_value()

    return types.void(registers, inputs, types.int64, types.int64), generate


@intrinsic
def move_weights(typing: Any, registers: Any, change: Any, eta: Any, limit: Any) -> Any:
    """Add eta times register `change` to register 2; return whether the square of any weight is not below the limit."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        registers, change, eta, limit = arguments
        rows = _Rows(context, builder, signature.args[0], registers)
        w, change = rows.row(ir.Constant(_INDEX, 2)), rows.row(change)
        eta, limit = rows.spread(eta), rows.spread(limit)
        flags = ir.VectorType(ir.IntType(1), WIDTH)
        large = cgutils.alloca_once_value(builder, ir.Constant(flags, [0] * WIDTH))
        with rows.lanes(_ZERO, rows.length) as (lane, _):
            moved = builder.fadd(rows.load(w, lane), builder.fmul(eta, rows.load(change, lane)))
            rows.store(moved, w, lane)
            beyond = builder.fcmp_unordered(">", builder.fmul(moved, moved), limit)
            builder.store(builder.or_(builder.load(large), beyond), large)
        whole = ir.IntType(WIDTH)
        return builder.icmp_unsigned("!=", builder.bitcast(builder.load(large), whole), ir.Constant(whole, 0))

    return types.boolean(registers, types.int64, types.float64, types.float64), generate


@intrinsic
def follow(typing: Any, registers: Any, state: Any, target: Any, rate: Any) -> Any:
    """Move a low-pass, register `state`, towards register `target`: z += (target - z) rate."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        registers, state, target, rate = arguments
        rows = _Rows(context, builder, signature.args[0], registers)
        state, target, rate = rows.row(state), rows.row(target), rows.spread(rate)
        with rows.lanes(_ZERO, rows.length) as (lane, _):
            before = rows.load(state, lane)
            apart = builder.fsub(rows.load(target, lane), before)
            rows.store(builder.fadd(before, builder.fmul(apart, rate)), state, lane)
        return context.get_dummy_value()

    return types.void(registers, types.int64, types.int64, types.float64), generate
