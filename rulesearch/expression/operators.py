"""The one table of operators: all that anybody says of an operator is derived from these rows.

A new operator is a row here and a branch of the virtual machine. What a row leaves out is said by its name, or holds of
any function.

All operators are plain mathematics. Division by zero, a logarithm of a negative number or an overflow give
the IEEE value (inf or nan), which the simulator reports as a result code; nothing is protected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from rulesearch.expression.error_sizes import (
    ErrorSize,
    of_argument,
    of_choice,
    of_exponential,
    of_jump,
    of_logarithm,
    of_power,
    of_product,
    of_quotient,
    of_ramp,
    of_root,
    of_sum,
    of_tanh,
)

Language = Literal["numpy", "sympy", "brian2", "nestml"]
"""A language that rules are exported to, in which sums, products and powers are written as here."""


@dataclass(frozen=True, slots=True)
class Side:
    """What an operator with two branches is on one of its sides: 1 or -1 times one of its arguments, or a number.

    **Fields:** `factor`; `argument`: its place, None for a number.
    """

    factor: float
    argument: int | None = None


@dataclass(frozen=True, slots=True)
class Kink:
    """The branches of an operator: which one holds goes by the sign of its argument, or of a - b for two arguments.

    **Fields:** `above` and `below` 0; `level`: at 0, None where that is as below.
    """

    above: Side
    below: Side
    level: Side | None = None

    @property
    def jumps(self) -> bool:
        """Whether there are but numbers on both sides."""
        return self.above.argument is None and self.below.argument is None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Operator:
    r"""One primitive, declared once for all back-ends.

    **Fields:** `name`; `arity` 1 or 2; `infix` as written in rule text (empty: `name(argument, ...)`);
    `precedence` (higher binds tighter); `opcode` of the virtual machine.

    The same function elsewhere: `numpy`; `sympy` and `jax`, which get the module as their first argument, so that it is
    imported only on use (reverse mode through `jax` is its derivative); `scalar`: Python source for compiled code,
    which knows NumPy as `np` and the machine's instructions as `vectors`.

    Templates: `latex`, with brackets as `\left(` and `\right)`; `written` by language, for functions; `shown`: its name
    for people; `julia`: its definition, where PySR has none of that name.

    `unit`: `same`, `product`, `quotient`, `power`, `none`, `pure`, or the power to which it raises its argument's unit.

    What is known of its values: `commutes`; `parity`: `odd` (f(-a) = -f(a)), `even` or not said; bounds `low` and
    `high`; `partial`: not finite for all finite arguments; `kink`: its branches, where it has two; `error`: the size of
    a value's rounding error.
    """

    name: str
    arity: int
    infix: str = ""
    precedence: int
    opcode: int
    numpy: Callable[..., Any]
    sympy: Callable[..., Any]
    jax: Callable[..., Any]
    scalar: str
    latex: str
    written: Mapping[Language, str] = field(default_factory=dict)
    shown: str
    julia: str = ""
    unit: str | float
    commutes: bool = False
    parity: Literal["odd", "even", ""] = ""
    low: float = -math.inf
    high: float = math.inf
    partial: bool = False
    kink: Kink | None = None
    error: ErrorSize = of_argument

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


def _infix(
    name: str,
    infix: str,
    precedence: int,
    opcode: int,
    numpy: Callable[..., Any],
    unit: str | float,
    python: Callable[..., Any],
    **more: Any,
) -> Operator:
    """Return the row of an operator that Python, SymPy and JAX write alike."""

    def plain(_: Any, *arguments: Any) -> Any:
        return python(*arguments)

    said: dict[str, Any] = {
        "arity": 2,
        "scalar": f"({{0}} {infix} {{1}})",
        "latex": f"{{0}} {infix} {{1}}",
        "shown": infix,
    } | more
    said |= {"infix": infix, "precedence": precedence, "opcode": opcode, "numpy": numpy, "unit": unit}
    return Operator(name=name, sympy=plain, jax=plain, **said)


def _function(
    name: str,
    opcode: int,
    numpy: Callable[..., Any],
    unit: str | float,
    written: Mapping[Language, str] | None = None,
    arity: int = 1,
    **more: Any,
) -> Operator:
    """Return the row of a function; what is not given is a call of that name in every language."""

    def called(module: Any, *arguments: Any) -> Any:
        return getattr(module, name)(*arguments)

    own = f"{name}({', '.join(['{0}', '{1}'][:arity])})"
    texts: dict[Language, str] = {"numpy": f"np.{own}", "sympy": f"sympy.{own}", "brian2": own, "nestml": own}
    said: dict[str, Any] = {
        "sympy": called,
        "jax": called,
        "scalar": f"np.{own}",
        "latex": rf"\{name}\left({{0}}\right)",
    }
    said |= {"shown": name} | more | {"opcode": opcode, "numpy": numpy, "unit": unit}
    return Operator(name=name, arity=arity, precedence=FUNCTION, written=texts | dict(written or {}), **said)


def _step(value: Any) -> Any:
    return np.heaviside(value, 0.0)


def _relu(value: Any) -> Any:
    return np.maximum(value, 0.0)


_FIRST, _SECOND, _MINUS_FIRST = Side(1.0, 0), Side(1.0, 1), Side(-1.0, 0)
_ZERO, _ONE, _MINUS_ONE = Side(0.0), Side(1.0), Side(-1.0)

_TABLE = (
    _infix("add", "+", SUM, 0, np.add, "same", lambda a, b: a + b, commutes=True, error=of_sum),
    _infix("sub", "-", SUM, 1, np.subtract, "same", lambda a, b: a - b, shown="−", error=of_sum),
    _infix(
        *("mul", "*", PRODUCT, 2, np.multiply, "product", lambda a, b: a * b),
        latex=r"{0}\,{1}",
        shown="×",
        commutes=True,
        error=of_product,
    ),
    _infix(
        *("div", "/", PRODUCT, 3, np.divide, "quotient", lambda a, b: a / b),
        latex=r"\frac{{{0}}}{{{1}}}",
        shown="÷",
        partial=True,
        error=of_quotient,
    ),
    _infix(
        *("pow", "**", POWER, 4, np.power, "power", lambda a, b: a**b),
        latex="{0}^{{{1}}}",
        shown="^",
        partial=True,
        error=of_power,
    ),
    _infix(
        *("neg", "-", NEGATION, 5, np.negative, 1.0, lambda a: -a), arity=1, scalar="(-{0})", latex="-{0}", shown="−"
    ),
    _function("exp", 6, np.exp, "pure", low=0.0, error=of_exponential),
    _function("log", 7, np.log, "pure", {"nestml": "ln({0})"}, partial=True, error=of_logarithm),
    _function(
        *("sqrt", 8, np.sqrt, 0.5),
        {"nestml": "({0})**0.5"},
        latex=r"\sqrt{{{0}}}",
        low=0.0,
        partial=True,
        error=of_root,
    ),
    _function(
        *("abs", 9, np.abs, 1.0),
        {"sympy": "sympy.Abs({0})"},
        sympy=lambda module, a: module.Abs(a),
        scalar="abs({0})",
        latex=r"\left|{0}\right|",
        parity="even",
        low=0.0,
        kink=Kink(_FIRST, _MINUS_FIRST, level=_FIRST),
    ),
    _function(
        *("tanh", 10, np.tanh, "pure"), scalar="vectors.tanh({0})", parity="odd", low=-1.0, high=1.0, error=of_tanh
    ),
    _function("sin", 11, np.sin, "pure", parity="odd", low=-1.0, high=1.0),
    _function("cos", 12, np.cos, "pure", parity="even", low=-1.0, high=1.0),
    _function(
        *("min", 13, np.minimum, "same"),
        {"numpy": "np.minimum({0}, {1})", "sympy": "sympy.Min({0}, {1})", "brian2": "clip({0}, -inf, {1})"},
        arity=2,
        sympy=lambda module, a, b: module.Min(a, b),
        jax=lambda module, a, b: module.minimum(a, b),
        scalar="vectors.minimum({0}, {1})",
        latex=r"\min\left({0}, {1}\right)",
        commutes=True,
        kink=Kink(_SECOND, _FIRST),
        error=of_choice,
    ),
    _function(
        *("max", 14, np.maximum, "same"),
        {"numpy": "np.maximum({0}, {1})", "sympy": "sympy.Max({0}, {1})", "brian2": "clip({0}, {1}, inf)"},
        arity=2,
        sympy=lambda module, a, b: module.Max(a, b),
        jax=lambda module, a, b: module.maximum(a, b),
        scalar="vectors.maximum({0}, {1})",
        latex=r"\max\left({0}, {1}\right)",
        commutes=True,
        kink=Kink(_FIRST, _SECOND),
        error=of_choice,
    ),
    _function(
        *("step", 15, _step, "none"),
        {
            "numpy": "np.heaviside({0}, 0.0)",
            "sympy": "sympy.Heaviside({0}, 0)",
            "brian2": "int({0} > 0)",
            "nestml": "({0}) > 0. ? 1. : 0.",
        },
        sympy=lambda module, a: module.Heaviside(a, 0),
        jax=lambda module, a: module.heaviside(a, 0),
        scalar="vectors.step({0})",
        latex=r"\Theta\left({0}\right)",
        shown="Θ",
        julia="step(x) = x > 0 ? one(x) : zero(x)",
        low=0.0,
        high=1.0,
        kink=Kink(_ONE, _ZERO),
        error=of_jump,
    ),
    _function(
        *("relu", 16, _relu, 1.0),
        {
            "numpy": "np.maximum({0}, 0.0)",
            "sympy": "sympy.Max({0}, 0)",
            "brian2": "clip({0}, 0, inf)",
            "nestml": "max({0}, 0.)",
        },
        sympy=lambda module, a: module.Max(a, 0),
        jax=lambda module, a: module.maximum(a, 0),
        scalar="vectors.relu({0})",
        latex=r"\left[{0}\right]_{{+}}",
        low=0.0,
        kink=Kink(_FIRST, _ZERO),
        error=of_ramp,
    ),
    _function(
        *("sign", 17, np.sign, "none"),
        {"nestml": "({0}) > 0. ? 1. : (({0}) < 0. ? -1. : 0.)"},
        scalar="vectors.sign({0})",
        latex=r"\operatorname{{sgn}}\left({0}\right)",
        shown="sgn",
        low=-1.0,
        high=1.0,
        kink=Kink(_ONE, _MINUS_ONE, level=_ZERO),
        error=of_jump,
    ),
)

OPERATORS: dict[str, Operator] = {row.name: row for row in _TABLE}
"""Every operator by name."""

BINARY_INFIX: dict[str, Operator] = {row.infix: row for row in _TABLE if row.infix and row.arity == 2}
FUNCTIONS: dict[str, Operator] = {row.name: row for row in _TABLE if not row.infix}


def operator(name: str) -> Operator:
    """Return the operator of that name (a `KeyError` is a programming error: user text goes through the parser)."""
    return OPERATORS[name]
