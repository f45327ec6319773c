"""How the text of a table is laid out: its lines, what stands above the header, and what separates columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from rulesearch.errors import RulesearchError, shown
from rulesearch.measurements.numbers import SPREADSHEET, as_number, is_gap

_SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}
_SEPARATOR_TOLD = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
"""Control characters that no table has."""
_MOST_TITLES, _LOOKED_AT = 30, 200


def lines_of(where: str, content: bytes) -> tuple[list[str], str]:
    """Return the lines of a table that are neither empty nor comments, and the comment right above them.

    **Raises:** `RulesearchError` where the content is no text.
    """
    lines: list[str] = []
    comment = ""
    text = _decoded(content)
    strange = _NO_TEXT.search(text)
    if strange is not None:
        raise RulesearchError(
            f"{where} is no text: character {strange.start() + 1} is {strange.group()!r}; expected a header and rows "
            "of numbers, as a spreadsheet saves them as CSV"
        )
    for line in text.split("\n"):
        first = line.lstrip()
        if first.startswith("#") and not first.lower().startswith(tuple(SPREADSHEET)):
            comment = comment if lines else line.lstrip("# \t")
        elif line.strip() and not (not lines and _SEPARATOR_TOLD.fullmatch(line.strip())):
            lines.append(line)
    return lines, comment


def rows_of(where: str, lines: Sequence[str], comment: str) -> tuple[list[list[str]], str]:
    """Return the cells of lines from the header on, and what separates them; the header may be a comment.

    Titles may stand above a header: lines that have fewer values than it has names.
    **Raises:** `RulesearchError`.
    """
    whole, separator = _split(where, lines)
    if comment and all(as_number(cell, True) is not None for cell in whole[0]):
        # NumPy writes the header as a comment.
        return _split(where, [comment, *lines])
    if not _is_even(whole) or not _is_named(whole[:_LOOKED_AT]):
        first = lines[:_LOOKED_AT]
        for above in range(1, min(_MOST_TITLES, len(first) - 1)):
            rows, separator_here = _split(where, first[above:])
            names = [name for name in rows[0] if name.strip()]
            if (
                _is_even(rows)
                and not any(as_number(name, True) is not None for name in names)
                and all(len(_values(title, separator_here)) < len(names) for title in first[:above])
            ):
                return _split(where, lines[above:])
    return whole, separator


def check_shape(where: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Refuse rows that do not have as many values as the header has names; raises `RulesearchError`."""
    for number, row in enumerate(cells, 1):
        if len(row) == len(head):
            continue
        hint = ""
        if len(row) == 2 * len(head):
            hint = "; decimal commas? then separate columns by semicolons"
        elif len(row) == 1:
            other = next((told for mark, told in _SEPARATORS.items() if mark in row[0]), "")
            hint = f"; this row is separated by {other}, the header is not" if other else ""
        raise RulesearchError(f"{where}, row {number}: expected {len(head)} values, found {len(row)}{hint}")


def check_header(where: str, cells: Sequence[Sequence[str]], decimal_comma: bool) -> None:
    """Refuse a table below whose header stands another one, or a row of units; raises `RulesearchError`."""
    words = 0
    while words < len(cells) and all(not is_gap(cell) and not _is_number(cell, decimal_comma) for cell in cells[words]):
        words += 1
    if 0 < words < len(cells):
        raise RulesearchError(
            f"{where}, row {words}: there is no number in {shown(', '.join(cells[words - 1]))}; if these are the names "
            "of the columns, begin the lines above with #; if they are units, write them behind names, as in dt (ms)"
        )


def _is_number(cell: str, decimal_comma: bool) -> bool:
    """Return whether a cell is a number, or several with blanks between."""
    return all(as_number(token, decimal_comma) is not None for token in cell.split())


def _decoded(content: bytes) -> str:
    """Return the text of a table: UTF-8, UTF-16 with its mark, else Latin-1, which has a letter for each byte."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _split(where: str, lines: Sequence[str]) -> tuple[list[list[str]], str]:
    """Return the cells of lines by the first separator that gives each as many as the first has, and that separator."""
    best: list[list[str]] | None = None
    chosen = ""
    for separator in _SEPARATORS:
        if separator not in lines[0]:
            continue
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if row]
        except csv.Error as error:
            raise RulesearchError(f"{where} cannot be read as a table: {error}") from None
        if _is_even(rows):
            return rows, separator
        if best is None or len(rows[0]) > len(best[0]):
            best, chosen = rows, separator
    spaced = [line.split() for line in lines]
    if best is None and _is_even(spaced):
        return spaced, " "
    return best or [[line] for line in lines], chosen


def _is_even(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether all rows have as many cells, and more than one."""
    return len(rows[0]) > 1 and len({len(row) for row in rows}) == 1


def _values(line: str, separator: str) -> list[str]:
    cells = (
        next(csv.reader([line], delimiter=separator), []) if separator.strip() or separator == "\t" else line.split()
    )
    return [cell for cell in cells if cell.strip()]


def _is_named(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether each column that has something has a name, but the first, which may count rows."""
    return all(row[0].strip() or not any(cell.strip() for cell in row[1:]) for row in list(zip(*rows, strict=True))[1:])
