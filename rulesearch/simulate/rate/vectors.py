"""Vector instructions of the rate neuron: its output, what moves its weights, and its low-passes.

Registers are those of `rate`: 0 is the input, 1 the output, 2 the weights; all their lanes fill vectors.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rulesearch.simulate.machine.vector_writing import INDEX, VECTOR, WIDTH, ZERO, Rows


@intrinsic
def neuron_output(typing: Any, registers: Any, inputs: Any, time: Any, neurons: Any) -> Any:
    """Copy row `time` of `inputs` to register 0, and put sum_i x_i w_i, w in register 2, into register 1.

    Lanes are the `neurons` of the first input, then those of the second; both numbers fill vectors.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        registers, inputs, time, neurons = arguments
        rows = Rows(context, builder, signature.args[0], registers)
        seen = Rows(context, builder, signature.args[1], inputs).row(time)
        x, y, w = (rows.row(ir.Constant(INDEX, number)) for number in range(3))
        total = cgutils.alloca_once(builder, VECTOR)

        def product(lane: Any) -> Any:
            value = rows.load(seen, lane)
            rows.store(value, x, lane)
            return builder.fmul(rows.load(w, lane), value)

        with rows.lanes(ZERO, neurons) as (neuron, _):
            builder.store(product(neuron), total)
            with rows.lanes(neurons, rows.length, neurons) as (first, _):
                builder.store(builder.fadd(builder.load(total), product(builder.add(first, neuron))), total)
            with rows.lanes(ZERO, rows.length, neurons) as (first, _):
                rows.store(builder.load(total), y, builder.add(first, neuron))
        return context.get_dummy_value()

    return types.void(registers, inputs, types.int64, types.int64), generate


@intrinsic
def move_weights(typing: Any, registers: Any, change: Any, eta: Any, limit: Any) -> Any:
    """Add eta times register `change` to register 2; return whether the square of any weight is not below the limit."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        registers, change, eta, limit = arguments
        rows = Rows(context, builder, signature.args[0], registers)
        w, change = rows.row(ir.Constant(INDEX, 2)), rows.row(change)
        eta, limit = rows.spread(eta), rows.spread(limit)
        flags = ir.VectorType(ir.IntType(1), WIDTH)
        large = cgutils.alloca_once_value(builder, ir.Constant(flags, [0] * WIDTH))
        with rows.lanes(ZERO, rows.length) as (lane, _):
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
        rows = Rows(context, builder, signature.args[0], registers)
        state, target, rate = rows.row(state), rows.row(target), rows.spread(rate)
        with rows.lanes(ZERO, rows.length) as (lane, _):
            before = rows.load(state, lane)
            apart = builder.fsub(rows.load(target, lane), before)
            rows.store(builder.fadd(before, builder.fmul(apart, rate)), state, lane)
        return context.get_dummy_value()

    return types.void(registers, types.int64, types.int64, types.float64), generate


class Numbers:
    """Writes instructions on arrays of numbers at places that fill vectors, for use inside an intrinsic."""

    def __init__(self, context: Any, builder: Any, kinds: Any, arguments: Any) -> None:
        self.builder = builder
        self._starts = []
        for kind, (array, place) in zip(kinds[::2], zip(arguments[::2], arguments[1::2], strict=True), strict=True):
            made = context.make_array(kind)(context, builder, array)
            self._starts.append(builder.gep(made.data, [place]))

    def at(self, array: int, place: Any) -> Any:
        """Return where the vector at a place of an array is."""
        return self.builder.bitcast(self.builder.gep(self._starts[array], [place]), VECTOR.as_pointer())

    def load(self, array: int, place: Any) -> Any:
        """Return the vector at a place."""
        return self.builder.load(self.at(array, place), align=8)

    def store(self, value: Any, array: int, place: Any) -> None:
        """Put a vector at a place."""
        self.builder.store(value, self.at(array, place), align=8)

    def vectors(self, end: Any) -> Any:
        """Loop over places up to `end`, a vector at a time."""
        return cgutils.for_range_slice(self.builder, ZERO, end, ir.Constant(INDEX, WIDTH), INDEX)


@intrinsic
def put_numbers(typing: Any, result: Any, place: Any, source: Any, start: Any, count: Any) -> Any:
    """Copy `count` numbers of `source` from `start` on to `place` of `result`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        numbers = Numbers(context, builder, signature.args[:4], arguments[:4])
        with numbers.vectors(arguments[4]) as (k, _):
            numbers.store(numbers.load(1, k), 0, k)
        return context.get_dummy_value()

    return types.void(result, types.int64, source, types.int64, types.int64), generate


@intrinsic
def repeat_numbers(typing: Any, result: Any, place: Any, source: Any, start: Any, count: Any, times: Any) -> Any:
    """Copy `count` numbers as `put_numbers` does, `times` times one behind the other."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        numbers = Numbers(context, builder, signature.args[:4], arguments[:4])
        count, times = arguments[4:]
        with numbers.vectors(count) as (k, _):
            value = numbers.load(1, k)
            end = builder.add(k, builder.mul(count, times))
            with cgutils.for_range_slice(builder, k, end, count, INDEX) as (each, _):
                numbers.store(value, 0, each)
        return context.get_dummy_value()

    return types.void(result, types.int64, source, types.int64, types.int64, types.int64), generate


def _over_products(instruction: str) -> Any:
    """Return an intrinsic (result, place, a, place, b, place, count, times).

    Each of `count` numbers of the result is moved by the products of its `times` pairs of a and b, which stand `count`
    numbers apart.
    """

    @intrinsic
    def products(
        typing: Any, result: Any, place: Any, a: Any, first: Any, b: Any, second: Any, count: Any, times: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            numbers = Numbers(context, builder, signature.args[:6], arguments[:6])
            count, times = arguments[6:]
            total = cgutils.alloca_once(builder, VECTOR)
            with numbers.vectors(count) as (k, _):
                builder.store(numbers.load(0, k), total)
                end = builder.add(k, builder.mul(count, times))
                with cgutils.for_range_slice(builder, k, end, count, INDEX) as (each, _):
                    product = builder.fmul(numbers.load(1, each), numbers.load(2, each))
                    builder.store(getattr(builder, instruction)(builder.load(total), product), total)
                numbers.store(builder.load(total), 0, k)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(result, whole, a, whole, b, whole, whole, whole), generate

    return products


add_products, subtract_products = _over_products("fadd"), _over_products("fsub")


@intrinsic
def add_numbers(typing: Any, result: Any, place: Any, source: Any, start: Any, count: Any, times: Any) -> Any:
    """Add to each of `count` numbers of the result `times` numbers of the source, which stand `count` apart."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        numbers = Numbers(context, builder, signature.args[:4], arguments[:4])
        count, times = arguments[4:]
        total = cgutils.alloca_once(builder, VECTOR)
        with numbers.vectors(count) as (k, _):
            builder.store(numbers.load(0, k), total)
            end = builder.add(k, builder.mul(count, times))
            with cgutils.for_range_slice(builder, k, end, count, INDEX) as (each, _):
                builder.store(builder.fadd(builder.load(total), numbers.load(1, each)), total)
            numbers.store(builder.load(total), 0, k)
        return context.get_dummy_value()

    return types.void(result, types.int64, source, types.int64, types.int64, types.int64), generate
