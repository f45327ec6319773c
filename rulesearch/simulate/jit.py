"""The JIT tier: a rule's expressions become one compiled function, called by simulators that were compiled before.

The Python source is generated from parsed trees: it holds only operators of our table, register numbers and
line breaks, never a character of anybody's text. Numba compiles it to a first-class function, so that the
simulator around it need not be compiled again for each rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numba import cfunc, types

from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.simulate import vm

SIGNATURE = types.void(types.int64, types.float64[:, ::1], types.int64)
"""Segment, registers `(registers, lanes)`, number of lanes in use."""

_NAMES = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": abs,
    "tanh": vm.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "minimum": vm.minimum,
    "maximum": vm.maximum,
    "step": vm.step,
    "relu": vm.relu,
    "sign": vm.sign,
}


def compile_segments(
    expressions: Sequence[Expression | None], registers: Mapping[str, int], results: Sequence[int]
) -> Any:
    """Compile expressions to one function `(segment, registers, lanes)`.

    **Arguments:** `registers`: the register of each symbol, constant and (by its `repr`) literal number;
    `results`: the register that takes each segment's value (-1: empty).
    """
    source = _source(expressions, registers, results)
    scope: dict[str, Any] = dict(_NAMES)
    exec(compile(source, "<rule>", "exec"), scope)  # generated above from a parsed tree
    return cfunc(SIGNATURE, error_model="numpy")(scope["segments"])


def _source(expressions: Sequence[Expression | None], registers: Mapping[str, int], results: Sequence[int]) -> str:
    lines = ["def segments(segment, registers, lanes):"]
    for index, (expression, result) in enumerate(zip(expressions, results, strict=True)):
        if expression is None:
            continue
        lines.append(f"    if segment == {index}:")
        lines.append("        for i in range(lanes):")
        lines.append(f"            registers[{result}, i] = {_scalar(expression, registers)}")
    if len(lines) == 1:
        lines.append("    pass")
    return "\n".join(lines) + "\n"


def _scalar(expression: Expression, registers: Mapping[str, int]) -> str:
    def leaf(node: str | Number) -> tuple[str, bool]:
        key = node if isinstance(node, str) else repr(node.value)
        return f"registers[{registers[key]}, i]", isinstance(node, Number) and node.value == 2.0

    def branch(row: Operator, *arguments: tuple[str, bool]) -> tuple[str, bool]:
        texts = [text for text, _ in arguments]
        if row.name == "pow" and arguments[1][1]:
            return f"({texts[0]} * {texts[0]})", False
        return row.scalar.format(*texts), False

    text: str = expression.fold(leaf, branch)[0]
    return text
