"""Printing of expressions as presentation MathML (MathML Core), which browsers draw without a script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from rulesearch.expression.operators import FUNCTION, NEGATION, POWER, PRODUCT, SUM, Operator
from rulesearch.expression.printing import GREEK, number_latex
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import from_base

_ATOM = 6
_THIN = '<mspace width="0.17em"/>'
_SYMBOLS = {
    "w_mean": "<mrow><mo>⟨</mo><mi>w</mi><mo>⟩</mo></mrow>",
    "w_sum": '<mrow><mi mathvariant="normal">Σ</mi><mi>w</mi></mrow>',
    "recon": "<mover><mi>x</mi><mo>^</mo></mover>",
    "psp": "<mover><mi>s</mi><mo>¯</mo></mover>",
}


@dataclass(frozen=True, slots=True)
class _Piece:
    markup: str
    precedence: int
    starts: str = ""

    def bracketed(self, lowest: int) -> _Piece:
        return self if self.precedence >= lowest else _in_brackets(self.markup)


def _in_brackets(markup: str, left: str = "(", right: str = ")") -> _Piece:
    # Brackets that may grow stand apart from what they enclose in some fonts.
    mark = "mo" if "<mfrac>" in markup else 'mo stretchy="false"'
    return _Piece(f"<mrow><{mark}>{left}</mo>{markup}<{mark}>{right}</mo></mrow>", _ATOM)


def product_mathml(factor: str, expression: Expression, digits: int | None = None) -> str:
    """Return the MathML of a factor (MathML itself) times an expression, without the enclosing `<math>`.

    It is built as `to_latex` builds LaTeX, and in brackets where it is a sum; without a factor it stands alone.

    **Arguments:** `digits`: significant digits of numbers.
    """
    piece = _piece(expression, digits)
    if not factor:
        return piece.markup
    if piece.precedence in (SUM, NEGATION) or piece.starts == "-":
        return f"{factor}{_in_brackets(piece.markup).markup}"
    return f"{factor}{'<mo>⋅</mo>' if piece.starts.isdigit() else _THIN}{piece.markup}"


def symbol_mathml(name: str) -> str:
    """Return MathML for a symbol: `x_bar` has a bar, `tau_x` and `y2` an index."""
    if name in _SYMBOLS:
        return _SYMBOLS[name]
    stem, _, tail = name.partition("_")
    if tail == "bar":
        return f"<mover>{symbol_mathml(stem)}<mo>¯</mo></mover>"
    match = re.fullmatch(r"([A-Za-z]+?)(\d+)", stem)
    below = [match.group(2)] if match else []
    stem = match.group(1) if match else stem
    below += [word for word in tail.split("_") if word]
    base = f"<mi>{escape(GREEK.get(stem, stem))}</mi>"
    if not below:
        return base
    inner = "<mo>,</mo>".join(f"<mn>{word}</mn>" if word.isdigit() else f"<mi>{escape(word)}</mi>" for word in below)
    return f"<msub>{base}<mrow>{inner}</mrow></msub>"


def number_mathml(value: float, digits: int | None = None) -> str:
    """Return MathML for a number, as a power of ten where it is very small or large."""
    mantissa, _, power = number_latex(value, digits).partition(r" \times 10^")
    sign = "<mo>−</mo>" if mantissa.startswith("-") else ""
    text = f"{sign}<mn>{escape(mantissa.lstrip('-'))}</mn>"
    if power:
        exponent = power.strip("{}")
        minus = "<mo>−</mo>" if exponent.startswith("-") else ""
        text += f"<mo>×</mo><msup><mn>10</mn><mrow>{minus}<mn>{exponent.lstrip('-')}</mn></mrow></msup>"
    return f"<mrow>{text}</mrow>"


def _piece(expression: Expression, digits: int | None) -> _Piece:
    def leaf(node: str | Number) -> _Piece:
        if isinstance(node, str):
            return _Piece(symbol_mathml(node), _ATOM)
        shown = float(from_base(node.value, node.unit))
        markup = number_mathml(shown, digits)
        if node.unit:
            markup += f'{_THIN}<mi mathvariant="normal">{escape(node.unit)}</mi>'
        first = "-" if shown < 0.0 else "1"
        return _Piece(markup, NEGATION if first == "-" else PRODUCT if "×" in markup else _ATOM, first)

    piece: _Piece = expression.fold(leaf, _branch)
    return piece


def _branch(row: Operator, *parts: _Piece) -> _Piece:
    if row.precedence == FUNCTION:
        return _function(row, parts)
    if row.name == "div":
        top, bottom = (f"<mrow>{part.markup}</mrow>" for part in parts)
        return _Piece(f"<mfrac>{top}{bottom}</mfrac>", FUNCTION)
    if row.name == "neg":
        operand = parts[0].bracketed(PRODUCT)
        inner = _in_brackets(operand.markup) if operand.starts == "-" else operand
        return _Piece(f"<mo>−</mo>{inner.markup}", NEGATION, "-")
    left, right = parts
    if row.precedence == POWER:
        base = left.bracketed(_ATOM)
        return _Piece(f"<msup><mrow>{base.markup}</mrow><mrow>{right.markup}</mrow></msup>", POWER, base.starts)
    if row.precedence == PRODUCT:
        first = left.bracketed(PRODUCT)
        second = right.bracketed(_ATOM if right.precedence == NEGATION else PRODUCT)
        joint = "<mo>⋅</mo>" if second.starts.isdigit() else _THIN
        return _Piece(f"{first.markup}{joint}{second.markup}", PRODUCT, first.starts)
    second = right.bracketed(SUM if row.name == "add" else PRODUCT)
    if second.starts == "-":
        second = _in_brackets(second.markup)
    sign = "+" if row.name == "add" else "−"
    return _Piece(f"{left.markup}<mo>{sign}</mo>{second.markup}", SUM, left.starts)


def _function(row: Operator, parts: tuple[_Piece, ...]) -> _Piece:
    inner = "<mo>,</mo>".join(part.markup for part in parts)
    if row.name == "sqrt":
        return _Piece(f"<msqrt>{inner}</msqrt>", _ATOM)
    if row.name == "abs":
        return _in_brackets(inner, "|", "|")
    if row.name == "relu":
        return _Piece(f"<msub>{_in_brackets(inner, '[', ']').markup}<mo>+</mo></msub>", _ATOM)
    called = f'<mi mathvariant="normal">{row.shown}</mi>'
    return _Piece(f"<mrow>{called}{_in_brackets(inner).markup}</mrow>", _ATOM)
