"""Programs: the slots of a rule as register bytecode, and as generated functions for the JIT tier.

A program works on registers, an array `(registers, lanes)`: first the task's symbols, in the task's order,
then the constants, then intermediate results. A lane is one synapse (of one data set). Constants are data,
so one structure is encoded once for all values of its constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.expression.operators import COPY, SQUARE, Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.simulate.machine.vector_writing import padded

_TWO = repr(2.0)


@dataclass(frozen=True, slots=True)
class Program:
    """Bytecode of several expressions (segments) over one set of registers.

    **Fields:** `code` `(instructions, 4)`: opcode, destination, first and second argument register;
    `segments` `(segments, 3)`: first instruction, end, and result register (-1: the expression is empty);
    `constants`: values behind the symbols' registers; `symbols` and `expressions` it was made from.
    """

    code: npt.NDArray[np.int64]
    segments: npt.NDArray[np.int64]
    constants: npt.NDArray[np.float64]
    registers: int
    symbols: tuple[str, ...]
    expressions: tuple[Expression | None, ...]
    constant_names: tuple[str, ...]

    @property
    def bytecode(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """What the virtual machine runs."""
        return self.code, self.segments

    def compiled(self) -> Any:
        """Return the JIT tier's function for this structure: compiled once, called with any constants."""
        results = tuple(int(row[2]) for row in self.segments)
        return _compile(self.expressions, self.symbols, self.constant_names, results)

    def workspace(self, lanes: int) -> npt.NDArray[np.float64]:
        """Return registers with the constants in place: `(registers, lanes)`, the lanes filled up to whole vectors."""
        registers = np.zeros((self.registers, padded(lanes)))
        first = len(self.symbols)
        registers[first : first + len(self.constants)] = self.constants[:, None]
        return registers


def encode(
    expressions: Sequence[Expression | None],
    symbols: Sequence[str],
    constants: Mapping[str, float],
    steady: Sequence[str] = (),
) -> Program:
    """Encode expressions into one program.

    **Arguments:** `expressions`: one per segment, None for an empty one; `symbols`: names in register order;
    `constants`: values by name; `steady`: symbols that the simulator does not move before it uses the results, so that
    one alone needs no copy.
    **Raises:** `RulesearchError` for a name that is neither.
    """
    named = tuple(constants)
    names = (*symbols, *named)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise RulesearchError(f"{twice!r} has a meaning of its own in this simulation; choose another name")
    code, segments, literals, registers = _encode(tuple(expressions), tuple(symbols), named, tuple(steady))
    values = np.array([*constants.values(), *literals], dtype=np.float64)
    return Program(code, segments, values, registers, tuple(symbols), tuple(expressions), named)


_Encoded = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], tuple[float, ...], int]


@lru_cache(maxsize=4096)
def _encode(
    expressions: tuple[Expression | None, ...],
    symbols: tuple[str, ...],
    named: tuple[str, ...],
    steady: tuple[str, ...],
) -> _Encoded:
    literals = _literals(expressions)
    place: dict[Any, int] = {name: index for index, name in enumerate((*symbols, *named))}
    for value in literals:
        place[repr(value)] = len(place)
    rows: list[tuple[int, int, int, int]] = []
    known: dict[tuple[int, int, int], int] = {}
    next_register = [len(place)]
    unmoved = {place[name] for name in steady}

    def leaf(node: str | Number) -> int:
        key = node if isinstance(node, str) else repr(node.value)
        if key not in place:
            raise RulesearchError(f"unknown symbol {node!r}; this simulation offers {', '.join(symbols)}")
        return place[key]

    def branch(row: Operator, *arguments: int) -> int:
        opcode, first = row.opcode, arguments[0]
        second = arguments[1] if row.arity == 2 else first
        if row.name == "pow" and second == place.get(_TWO, -1):
            opcode, second = SQUARE, first
        key = (opcode, first, second)
        if key not in known:
            known[key] = next_register[0]
            next_register[0] += 1
            rows.append((opcode, known[key], first, second))
        return known[key]

    segments = []
    for expression in expressions:
        start = len(rows)
        known.clear()
        result = -1 if expression is None else expression.fold(leaf, branch)
        if 0 <= result < len(place) and result not in unmoved:
            # A result has a register of its own, so that a simulator may move symbols before it uses the result.
            rows.append((COPY, next_register[0], result, result))
            result = next_register[0]
            next_register[0] += 1
        segments.append((start, len(rows), result))
    code = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return code, np.array(segments, dtype=np.int64).reshape(-1, 3), literals, next_register[0]


def _literals(expressions: tuple[Expression | None, ...]) -> tuple[float, ...]:
    found: dict[str, float] = {}  # by text, since 0.0 == -0.0
    for expression in expressions:
        if expression is not None:
            found.update((repr(node.value), node.value) for node in expression.nodes if isinstance(node, Number))
    return tuple(found.values())


@lru_cache(maxsize=512)
def _compile(
    expressions: tuple[Expression | None, ...],
    symbols: tuple[str, ...],
    named: tuple[str, ...],
    results: tuple[int, ...],
) -> Any:
    from rulesearch.simulate.machine.jit import compile_segments

    registers = {name: index for index, name in enumerate((*symbols, *named))}
    for value in _literals(expressions):
        registers[repr(value)] = len(registers)
    return compile_segments(expressions, registers, results)
