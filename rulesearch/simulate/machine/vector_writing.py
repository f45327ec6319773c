"""How vector instructions are written: LLVM's instructions for several vectors at once, and rows of registers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core.errors import NumbaTypeError

WIDTH = 4
"""Lanes of a vector. Wider ones were slower where they were measured: tails and padding grow with them."""

INDEX = ir.IntType(64)
VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
ZERO = ir.Constant(INDEX, 0)


def padded(lanes: int) -> int:
    """Return the least number of lanes that fills vectors."""
    return -(-lanes // WIDTH) * WIDTH


class Writer:
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


class Rows:
    """Writes instructions on rows of an array, for use inside an intrinsic."""

    def __init__(self, context: Any, builder: Any, kind: Any, array: Any) -> None:
        if kind.layout != "C":
            raise NumbaTypeError(f"vectors are of contiguous rows, found {kind}")
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
        return self.builder.bitcast(self.builder.gep(row, [lane]), VECTOR.as_pointer())

    def lanes(self, begin: Any, end: Any, step: Any = None) -> AbstractContextManager[Any]:
        """Loop over lanes, a vector at a time."""
        width = ir.Constant(INDEX, WIDTH) if step is None else step
        return cgutils.for_range_slice(self.builder, begin, end, width, INDEX)  # type: ignore[no-any-return]

    def spread(self, number: Any) -> Any:
        """Return a vector of one number."""
        nothing = ir.Constant(VECTOR, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(
            first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        )
