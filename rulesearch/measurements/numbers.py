"""Numbers as people write them: minus signs, decimal commas, separators of thousands, and what stands for no value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from rulesearch.errors import RulesearchError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_MARKED = re.compile(r"[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?")
_OTHER = {",": ".", ".": ","}
_GROUPED = {
    mark: re.compile(rf"[+-]?[1-9]\d{{0,2}}({re.escape(mark)}\d{{3}})+(?P<rest>{re.escape(other)}\d*)?")
    for mark, other in _OTHER.items()
}
"""Digits in threes, between which stands a mark; no such number begins with 0."""
_GAPS = frozenset({"", "na", "n/a", "n.a.", "nan", "null", "none", "missing", "-", "--", ".", "?"})
SPREADSHEET = frozenset({"#n/a", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"})
"""What spreadsheets write where they have no value."""
_BLANKS = "\u00a0\u202f\u2009"
_MINUS = str.maketrans({**dict.fromkeys("\u2212\u2013\ufe63\uff0d", "-"), **dict.fromkeys(_BLANKS, " ")})
_APART_IN_THREES = re.compile(rf"(?<![\d.,])[+-]?[1-9]\d{{0,2}}([{_BLANKS}'\u2019]\d{{3}})+(?!\d)")


def as_number(text: str, decimal_comma: bool = False) -> float | None:
    """Return the finite number that a text is; None where it is none."""
    plain = text.translate(_MINUS).strip()
    if decimal_comma and "." not in plain:
        plain = plain.replace(",", ".", 1)
    if not _NUMBER.fullmatch(plain):
        return None
    found = float(plain)
    return found if math.isfinite(found) else None


def is_gap(text: str) -> bool:
    """Return whether a cell says that there is no value."""
    plain = text.strip().lower()
    return plain in _GAPS or plain in SPREADSHEET


def hint(text: str, decimal_comma: bool) -> str:
    """Return what to do about a text that is no number, for the end of a message; empty where nothing is known."""
    if is_gap(text):
        return "; leave out rows with gaps: --gaps skip"
    if _GROUPED[","].fullmatch(text) and text.count(",") == 1 and "." not in text:
        return f"; write {text.replace(',', '')}, or {text.replace(',', '.')} with a decimal point"
    if in_threes(text) or any(pattern.fullmatch(text) for pattern in _GROUPED.values()):
        return "; write it without separators of thousands"
    if _DECIMAL_COMMA.fullmatch(text):
        return "; write a point in place of the decimal comma"
    if text.endswith("%") and as_number(text[:-1], decimal_comma) is not None:
        return "; write a share, 0.29 for 29 %"
    return ""


def in_threes(text: str) -> bool:
    """Return whether a text has a number whose thousands stand apart by blanks that do not break, or by apostrophes."""
    return _APART_IN_THREES.search(text) is not None


def with_plain_numbers(
    where: str, names: Sequence[str], cells: Sequence[Sequence[str]], separator: str
) -> tuple[list[list[str]], bool]:
    """Return cells whose numbers have no separators of thousands, and whether they have decimal commas.

    A mark that stands twice in a number, or before the other mark, separates thousands, and one before anything but
    three digits decimals. A mark before three digits is what other numbers show it, or the other mark, to be.

    **Arguments:** `where`: what messages call the table; `names` of its columns; `separator` of these.
    **Raises:** `RulesearchError` where some numbers are written in one way and some in another, or nothing shows in
    which.
    """
    if separator == ",":
        # Then no number can have a comma but in quotes, and points are decimal ones.
        return [list(row) for row in cells], False
    first: dict[tuple[str, str], str] = {}
    for number, row in enumerate(cells, 1):
        for place, cell in enumerate(row):
            for token in _tokens(cell):
                for use in _uses(token):
                    first.setdefault(use, f"{token} in row {number}, column {names[place] or place + 1}")
    uses = ("decimal", "thousands", "either")
    decimal, grouping, unclear = ([mark for mark in _OTHER if (use, mark) in first] for use in uses)
    two_ways = len(decimal) > 1 or len(grouping) > 1 or set(decimal) & set(grouping)
    if two_ways or (len(unclear) > 1 and not decimal and not grouping):
        told = [
            first[use, mark] for use in ("decimal", "thousands", "either") for mark in _OTHER if (use, mark) in first
        ]
        raise RulesearchError(
            f"{where}: numbers are written in two ways ({'; '.join(told[:2])}); write all one way, without separators "
            "of thousands"
        )
    if unclear and not decimal and not grouping:
        (mark,) = unclear
        if _may_group(mark, separator):
            token = first["either", mark].partition(" ")[0]
            plain = token.replace(mark, "")
            raise RulesearchError(
                f"{where}: {first['either', mark]}, may be {plain} or have three decimals, and no other number shows "
                f"which; write {plain}, or {token}0"
            )
        decimal = unclear
    thousands = grouping[0] if grouping else _OTHER[decimal[0]] if decimal else ""
    rows = [[_without(thousands, cell) if thousands and thousands in cell else cell for cell in row] for row in cells]
    return rows, thousands == "."


def _may_group(mark: str, separator: str) -> bool:
    """Return whether a mark before three digits may stand between thousands, for all that the separator tells.

    Spreadsheets that write decimal commas separate columns by semicolons; blanks and bars are written by programs, and
    these write decimal points.
    """
    return separator != ";" if mark == "," else separator in (";", "\t")


def _tokens(cell: str) -> Iterator[str]:
    """Iterate over the numbers with marks in a cell that has nothing but numbers, or spike times."""
    if "," not in cell and "." not in cell:
        return
    tokens = cell.translate(_MINUS).split()
    if all(_MARKED.fullmatch(token) or is_gap(token) for token in tokens):
        yield from (token for token in tokens if not is_gap(token))


def _uses(token: str) -> Iterator[tuple[str, str]]:
    """Iterate over what the marks of a number separate: decimals, thousands, or either."""
    for mark, other in _OTHER.items():
        match = _GROUPED[mark].fullmatch(token)
        if match and (match["rest"] or token.count(mark) > 1):
            yield "thousands", mark
            if match["rest"]:
                yield "decimal", other
        elif match:
            yield "either", mark
        elif token.count(mark) == 1 and other not in token:
            yield "decimal", mark


def _without(thousands: str, cell: str) -> str:
    tokens = cell.translate(_MINUS).split()
    if not all(_MARKED.fullmatch(token) or is_gap(token) for token in tokens):
        return cell
    grouped = _GROUPED[thousands]
    return " ".join(token.replace(thousands, "") if grouped.fullmatch(token) else token for token in tokens)
