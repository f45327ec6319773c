r"""Equations that fit a page: LaTeX in pieces, with places where a line may end.

`\left( ... \right)` cannot be broken across lines, so an expression that is too wide is written in pieces with
brackets of one size, and a line may end before every operator.
"""

from __future__ import annotations

from collections.abc import Mapping

from rulesearch.export.width import latex_width
from rulesearch.expression.operators import NEGATION, POWER, PRODUCT, SUM, Operator
from rulesearch.expression.printing import multiple_latex, number_latex, symbol_latex, to_latex, with_joined_signs
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import from_base
from rulesearch.rules.latex_names import member_symbols, of_member, slot_latex
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SLOTS

LINE = 66.0
"""Width of a line in characters, at 10 pt on a page of A4 with wide margins."""

_INDENT = 4.0
_FILLED = 0.4
_BREAK, _BREAK_UNWILLINGLY = r"\allowbreak", r"\penalty900"
_ATOM = 6
_MARK = "argument"


def slot_equations(
    rule: Rule, digits: int | None = None, with_values: bool = False, line: float = LINE, member: str = ""
) -> list[tuple[str, list[str]]]:
    """Return, for each slot, the left hand side and the lines of the right hand side.

    **Arguments:** `member`: the rule's name in a set, which its weight, learning rate and constants then carry.
    """
    eta, names = of_member(r"\eta", member), member_symbols(rule.constants, member)
    values = {name: Expression((number,)) for name, number in rule.constants.items()} if with_values else {}
    equations = []
    for slot in SLOTS:
        if slot in rule.slots:
            expression = rule.slots[slot].substitute(values)
            if with_values:
                expression = with_joined_signs(expression)
            left = slot_latex(slot, member)
            equations.append((left, lines_of(expression, eta, digits, line - latex_width(left) - 3, names)))
    return equations


def lines_of(
    expression: Expression,
    factor: str,
    digits: int | None = None,
    line: float = LINE,
    names: Mapping[str, str] | None = None,
) -> list[str]:
    """Return an expression times a factor, on one line where it fits, else on several.

    **Arguments:** `names`: LaTeX of symbols that have one of their own.
    """
    alone = multiple_latex(factor, expression)
    if alone is not None:
        return [alone]
    short = to_latex(expression, names, digits)
    product = _is_product(expression, short)
    whole = f"{_times(factor, short)}{short}" if product else rf"{factor}\left({short}\right)"
    if latex_width(whole) <= line:
        return [whole]
    pieces = _Layout(digits, names).pieces(expression, PRODUCT if product else _ATOM)
    return _filled([f"{_times(factor, pieces[0])}{pieces[0]}", *pieces[1:]], line)


def flowing(expression: Expression, factor: str) -> str:
    """Return an expression times a factor for a paragraph, where TeX itself may break it."""
    alone = multiple_latex(factor, expression)
    if alone is not None:
        return alone
    product = _is_product(expression, to_latex(expression))
    pieces = _Layout(None).pieces(expression, PRODUCT if product else _ATOM)
    rest = [f"{_BREAK if _is_term(piece) else _BREAK_UNWILLINGLY} {_without_size(piece)}" for piece in pieces[1:]]
    return " ".join([_times(factor, pieces[0]) + _without_size(pieces[0]), *rest])


def _is_product(expression: Expression, latex: str) -> bool:
    head = expression.head
    return not latex.startswith("-") and not (isinstance(head, Operator) and head.precedence == SUM)


def _times(factor: str, latex: str) -> str:
    """Return a factor with the sign that goes between it and what follows: a point before digits."""
    if not factor:
        return ""
    return rf"{factor} \cdot " if latex[:1].isdigit() else rf"{factor}\,"


def _without_size(piece: str) -> str:
    for mark in (r"\bigl", r"\bigr"):
        piece = piece.replace(mark, "")
    return piece


def _filled(pieces: list[str], line: float) -> list[str]:
    """Join pieces to lines; a line ends before a plus or minus where that leaves it filled well enough."""
    lines: list[str] = []
    current: list[str] = []
    for piece in pieces:
        room = line - (_INDENT if lines else 0.0)
        if current and latex_width(" ".join([*current, piece])) > room:
            ends = [n for n in range(1, len(current)) if _is_term(current[n])]
            ends = [n for n in ends if latex_width(" ".join(current[:n])) > _FILLED * room]
            end = len(current) if _is_term(piece) or not ends else ends[-1]
            lines.append(" ".join(current[:end]))
            current = current[end:]
        current.append(piece)
    return [*lines, " ".join(current)]


def _is_term(piece: str) -> bool:
    return piece.startswith(("+ ", "- "))


class _Layout:
    """Writes expressions as pieces; a line may end between two of them."""

    def __init__(self, digits: int | None, names: Mapping[str, str] | None = None, widest: float = 24.0) -> None:
        self.digits = digits
        self.names = names or {}
        self.widest = widest

    def pieces(self, expression: Expression, lowest: int) -> list[str]:
        """Return the pieces, in brackets where the outermost operator binds less than `lowest`."""
        made, precedence = self._of(expression)
        if precedence >= lowest:
            return made
        return _enclosed(r"\bigl(", made, r"\bigr)")

    def _of(self, expression: Expression) -> tuple[list[str], int]:
        head = expression.head
        if not isinstance(head, Operator):
            return self._leaf(head)
        parts = expression.arguments
        if head.name in ("add", "sub"):
            right = self.pieces(parts[1], SUM if head.name == "add" else PRODUCT)
            if right[0].startswith("-"):
                right = _enclosed(r"\bigl(", right, r"\bigr)")
            return [*self.pieces(parts[0], SUM), f"{head.infix} {right[0]}", *right[1:]], SUM
        if head.name == "neg":
            inner = self.pieces(parts[0], PRODUCT)
            return [f"-{inner[0]}", *inner[1:]], NEGATION
        if head.name == "mul":
            left = self.pieces(parts[0], PRODUCT)
            right = self.pieces(parts[1], PRODUCT)
            if right[0].startswith("-"):
                right = _enclosed(r"\bigl(", right, r"\bigr)")
            joint = r"\cdot" if right[0][:1].isdigit() else r"\,"
            return [*left[:-1], f"{left[-1]} {joint}", *right], PRODUCT
        whole = to_latex(expression, self.names, self.digits)
        if latex_width(whole) <= self.widest:
            return [whole], POWER if head.name in ("pow", "div") else _ATOM
        return self._wide(head, parts)

    def _leaf(self, node: str | Number) -> tuple[list[str], int]:
        if isinstance(node, str):
            return [self.names.get(node) or symbol_latex(node)], _ATOM
        text = to_latex(Expression((node,)), digits=self.digits)
        return [text], NEGATION if text.startswith("-") else PRODUCT if "times" in text else _ATOM

    def _wide(self, head: Operator, parts: tuple[Expression, ...]) -> tuple[list[str], int]:
        if head.name == "div":
            left, right = self.pieces(parts[0], PRODUCT), self.pieces(parts[1], POWER)
            return [*left[:-1], rf"{left[-1]} \big/ {right[0]}", *right[1:]], SUM
        if head.name == "pow":
            exponent = to_latex(parts[1], self.names, self.digits)
            if latex_width(exponent) > self.widest:
                base, power = self.pieces(parts[0], SUM), self.pieces(parts[1], SUM)
                joined = [*base[:-1], f"{base[-1]},", *power]
                return _enclosed(r"\operatorname{pow}\bigl(", joined, r"\bigr)"), _ATOM
            base = self.pieces(parts[0], _ATOM)
            return [*base[:-1], f"{base[-1]}^{{{exponent}}}"], POWER
        inner = [self.pieces(part, SUM) for part in parts]
        joined = inner[0] if len(inner) == 1 else [*inner[0][:-1], f"{inner[0][-1]},", *inner[1]]
        if head.name == "sqrt":
            return _enclosed(r"\bigl(", joined, r"\bigr)^{1/2}"), POWER
        written = head.latex.format(*[_MARK] * head.arity).replace(r"\left", r"\bigl").replace(r"\right", r"\bigr")
        opening, *_, closing = written.split(_MARK)
        return _enclosed(opening, joined, closing), _ATOM


def _enclosed(left: str, pieces: list[str], right: str) -> list[str]:
    pieces = [left + pieces[0], *pieces[1:]]
    return [*pieces[:-1], pieces[-1] + right]


def constant_value(number: Number) -> tuple[str, str]:
    """Return value (in mathematics) and unit of a constant, in the unit it was written in."""
    return number_latex(float(from_base(number.value, number.unit))), number.unit
