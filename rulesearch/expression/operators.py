"""The one table of operators: every back-end (VM, JIT, NumPy, SymPy, LaTeX, units) is derived from these rows.

All operators are plain mathematics. Division by zero, a logarithm of a negative number or an overflow give
the IEEE value (inf or nan), which the simulator reports as a result code; nothing is protected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False, slots=True)
class Operator:
    """One primitive, declared once for all back-ends.

    **Fields:** `name`; `arity` 1 or 2; `infix` as written in rule text (empty: `name(argument, ...)`);
    `precedence` (higher binds tighter); `opcode` of the virtual machine; `numpy` and `sympy` the same
    function there (SymPy gets its module as the first argument, so that it is imported only on use);
    `scalar` Python source of the same function for generated code; `latex` a template;
    `unit` the unit rule: `same`, `product`, `quotient`, `power`, `root`, `keep`, `none`, `pure`.
    """

    name: str
    arity: int
    infix: str
    precedence: int
    opcode: int
    numpy: Callable[..., Any]
    sympy: Callable[..., Any]
    scalar: str
    latex: str
    unit: str
    commutes: bool = False

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Operator], tuple[str]]:
        return operator, (self.name,)


FUNCTION = 5
POWER = 4
NEGATION = 3
PRODUCT = 2
SUM = 1

SQUARE = 18
COPY = 19
"""Opcodes without a row of their own: `a**2` is computed as a product, and a bare symbol is copied."""


def _step(value: Any) -> Any:
    return np.heaviside(value, 0.0)


def _relu(value: Any) -> Any:
    return np.maximum(value, 0.0)


_TABLE = (
    Operator("add", 2, "+", SUM, 0, np.add, lambda _, a, b: a + b, "({0} + {1})", "{0} + {1}", "same", True),
    Operator("sub", 2, "-", SUM, 1, np.subtract, lambda _, a, b: a - b, "({0} - {1})", "{0} - {1}", "same"),
    Operator(
        "mul", 2, "*", PRODUCT, 2, np.multiply, lambda _, a, b: a * b, "({0} * {1})", r"{0}\,{1}", "product", True
    ),
    Operator(
        "div", 2, "/", PRODUCT, 3, np.divide, lambda _, a, b: a / b, "({0} / {1})", r"\frac{{{0}}}{{{1}}}", "quotient"
    ),
    Operator("pow", 2, "**", POWER, 4, np.power, lambda _, a, b: a**b, "({0} ** {1})", "{0}^{{{1}}}", "power"),
    Operator("neg", 1, "-", NEGATION, 5, np.negative, lambda _, a: -a, "(-{0})", "-{0}", "keep"),
    Operator("exp", 1, "", FUNCTION, 6, np.exp, lambda s, a: s.exp(a), "exp({0})", r"\exp\left({0}\right)", "pure"),
    Operator("log", 1, "", FUNCTION, 7, np.log, lambda s, a: s.log(a), "log({0})", r"\log\left({0}\right)", "pure"),
    Operator("sqrt", 1, "", FUNCTION, 8, np.sqrt, lambda s, a: s.sqrt(a), "sqrt({0})", r"\sqrt{{{0}}}", "root"),
    Operator("abs", 1, "", FUNCTION, 9, np.abs, lambda s, a: s.Abs(a), "abs({0})", r"\left|{0}\right|", "keep"),
    Operator(
        "tanh", 1, "", FUNCTION, 10, np.tanh, lambda s, a: s.tanh(a), "tanh({0})", r"\tanh\left({0}\right)", "pure"
    ),
    Operator("sin", 1, "", FUNCTION, 11, np.sin, lambda s, a: s.sin(a), "sin({0})", r"\sin\left({0}\right)", "pure"),
    Operator("cos", 1, "", FUNCTION, 12, np.cos, lambda s, a: s.cos(a), "cos({0})", r"\cos\left({0}\right)", "pure"),
    Operator(
        "min",
        2,
        "",
        FUNCTION,
        13,
        np.minimum,
        lambda s, a, b: s.Min(a, b),
        "minimum({0}, {1})",
        r"\min\left({0}, {1}\right)",
        "same",
        True,
    ),
    Operator(
        "max",
        2,
        "",
        FUNCTION,
        14,
        np.maximum,
        lambda s, a, b: s.Max(a, b),
        "maximum({0}, {1})",
        r"\max\left({0}, {1}\right)",
        "same",
        True,
    ),
    Operator(
        "step",
        1,
        "",
        FUNCTION,
        15,
        _step,
        lambda s, a: s.Heaviside(a, 0),
        "step({0})",
        r"\Theta\left({0}\right)",
        "none",
    ),
    Operator(
        "relu", 1, "", FUNCTION, 16, _relu, lambda s, a: s.Max(a, 0), "relu({0})", r"\left[{0}\right]_{{+}}", "keep"
    ),
    Operator(
        "sign",
        1,
        "",
        FUNCTION,
        17,
        np.sign,
        lambda s, a: s.sign(a),
        "sign({0})",
        r"\operatorname{{sgn}}\left({0}\right)",
        "none",
    ),
)

OPERATORS: dict[str, Operator] = {row.name: row for row in _TABLE}
"""Every operator by name."""

BINARY_INFIX: dict[str, Operator] = {row.infix: row for row in _TABLE if row.infix and row.arity == 2}
FUNCTIONS: dict[str, Operator] = {row.name: row for row in _TABLE if not row.infix}


def operator(name: str) -> Operator:
    """Return the operator of that name (a `KeyError` is a programming error: user text goes through the parser)."""
    return OPERATORS[name]
