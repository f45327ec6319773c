"""Printing of expressions: rule text that parses back to the same tree, and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rulesearch.expression.operators import FUNCTION, NEGATION, POWER, PRODUCT, SUM, Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import format_number, from_base

_ATOM = 6

GREEK = dict(
    zip(
        (
            *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
            *("nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda"),
            *("Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
        ),
        "αβγδϵζηθικλμνξρστϕχψωΓΔΘΛΞΠΣΦΨΩ",
        strict=True,
    )
)
"""Greek letters by the names that symbols give them, which are those of LaTeX."""

_SYMBOL_LATEX = {
    "w_mean": r"\langle w\rangle",
    "w_sum": r"\Sigma w",
    "recon": r"\hat{x}",
    "psp": r"\overline{s}",
}


class _Piece(NamedTuple):
    text: str
    precedence: int

    def bracketed(self, lowest: int, left: str = "(", right: str = ")") -> str:
        return self.text if self.precedence >= lowest else f"{left}{self.text}{right}"


def to_text(expression: Expression) -> str:
    """Return rule text with as few brackets as parse back to exactly this tree."""
    piece: _Piece = expression.fold(_text_leaf, _text_branch)
    return piece.text


def _text_leaf(node: str | Number) -> _Piece:
    if isinstance(node, str):
        return _Piece(node, _ATOM)
    digits = from_base(node.value, node.unit)
    text = f"{digits} {node.unit}" if node.unit else digits
    return _Piece(text, NEGATION if digits.startswith("-") else _ATOM)


def _text_branch(row: Operator, *parts: _Piece) -> _Piece:
    if not row.infix:
        return _Piece(f"{row.name}({', '.join(part.text for part in parts)})", _ATOM)
    if row.arity == 1:
        operand = parts[0].bracketed(NEGATION)
        if operand[0].isdigit() or operand[0] == ".":
            operand = f"({operand})" if parts[0].precedence == _ATOM else operand
        return _Piece(f"-{operand}", NEGATION)
    left, right = parts
    if row.precedence == POWER:
        return _Piece(f"{left.bracketed(POWER + 1)}**{right.bracketed(NEGATION)}", POWER)
    tight = row.precedence == PRODUCT
    joint = row.infix if tight else f" {row.infix} "
    return _Piece(f"{left.bracketed(row.precedence)}{joint}{right.bracketed(row.precedence + 1)}", row.precedence)


def with_joined_signs(expression: Expression) -> Expression:
    """Return an expression in which no negative number is added or subtracted: `y + -0.1` becomes `y - 0.1`.

    For showing; the same function in as many nodes.
    """
    head = expression.head
    if not isinstance(head, Operator):
        return expression
    parts = [with_joined_signs(part) for part in expression.arguments]
    last = parts[-1].head
    if head.name in ("add", "sub") and isinstance(last, Number) and last.value < 0.0:
        parts[-1] = Expression((Number(-last.value, last.unit),))
        return Expression.apply("sub" if head.name == "add" else "add", *parts)
    return Expression.apply(head.name, *parts)


def symbol_latex(name: str) -> str:
    r"""Return LaTeX for a symbol: `x_bar` gives `\bar{x}`, `tau_x` gives `\tau_{x}`, `y2` gives `y_{2}`."""
    if name in _SYMBOL_LATEX:
        return _SYMBOL_LATEX[name]
    stem, _, tail = name.partition("_")
    if tail == "bar":
        return rf"\bar{{{symbol_latex(stem)}}}"
    match = re.fullmatch(r"([A-Za-z]+?)(\d+)", stem)
    digits = match.group(2) if match else ""
    stem = match.group(1) if match else stem
    base = rf"\{stem}" if stem in GREEK else (stem if len(stem) == 1 else rf"\mathrm{{{stem}}}")
    words = [part for part in tail.split("_") if part]
    below = ",".join(
        [digits] * bool(digits)
        + [word if len(word) == 1 or word.isdigit() else rf"\mathrm{{{word}}}" for word in words]
    )
    return f"{base}_{{{below}}}" if below else base


def multiple_latex(factor: str, expression: Expression) -> str | None:
    """Return a factor times a number that needs no digits, 0, 1 or -1, in LaTeX; None without one and for all else."""
    head = expression.head
    texts = {0.0: "0", 1.0: factor, -1.0: f"-{factor}"}
    return texts.get(head.value) if factor and isinstance(head, Number) and not head.unit else None


def number_latex(value: float, digits: int | None = None) -> str:
    r"""Return LaTeX for a number, `1.2 \times 10^{-3}` where it is very small or large.

    **Arguments:** `digits`: significant digits to show; None shows all that are needed to read it back.
    """
    text = format_number(value) if digits is None else f"{value:.{digits}g}"
    mantissa, e, exponent = text.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if e else text


def to_latex(expression: Expression, names: Mapping[str, str] | None = None, digits: int | None = None) -> str:
    """Return LaTeX of an expression (without dollar signs).

    **Arguments:** `names`: LaTeX of symbols that have one of their own; `digits`: significant digits of numbers.
    """
    latex_names = names or {}

    def leaf(node: str | Number) -> _Piece:
        if isinstance(node, str):
            return _Piece(latex_names.get(node) or symbol_latex(node), _ATOM)
        shown = from_base(node.value, node.unit)
        text = number_latex(float(shown), digits) + (rf"\,\mathrm{{{node.unit}}}" if node.unit else "")
        return _Piece(text, NEGATION if text.startswith("-") else (_ATOM if "times" not in text else PRODUCT))

    piece: _Piece = expression.fold(leaf, _latex_branch)
    return piece.text


def _latex_branch(row: Operator, *parts: _Piece) -> _Piece:
    left_mark, right_mark = r"\left(", r"\right)"
    if row.precedence == FUNCTION:
        return _Piece(row.latex.format(*(part.text for part in parts)), _ATOM)
    if row.name == "div":
        return _Piece(row.latex.format(*(part.text for part in parts)), FUNCTION)
    if row.name == "neg":
        operand = parts[0].bracketed(PRODUCT, left_mark, right_mark)
        return _Piece(rf"-\left({operand}\right)" if operand.startswith("-") else f"-{operand}", NEGATION)
    left, right = parts
    if row.precedence == POWER:
        return _Piece(row.latex.format(left.bracketed(_ATOM, left_mark, right_mark), right.text), POWER)
    if row.precedence == PRODUCT:
        first = left.bracketed(PRODUCT, left_mark, right_mark)
        second = right.bracketed(_ATOM if right.precedence == NEGATION else PRODUCT, left_mark, right_mark)
        if second[0].isdigit():
            return _Piece(rf"{first} \cdot {second}", PRODUCT)
        return _Piece(row.latex.format(first, second), PRODUCT)
    second = right.bracketed(SUM if row.name == "add" else PRODUCT, left_mark, right_mark)
    if second.startswith("-"):
        second = rf"\left({second}\right)"
    return _Piece(row.latex.format(left.text, second), SUM)
