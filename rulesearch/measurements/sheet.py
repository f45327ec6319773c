"""Tables as people have them: separators, decimal commas, comments, units in the header, index columns, gaps.

Whatever the dialect, cells come out as text under plain names; numbers are asked for by column. What cannot be read is
refused with row and column.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.files import read_bytes
from rulesearch.measurements.layout import check_header, check_shape, lines_of, rows_of
from rulesearch.measurements.numbers import as_number, is_gap, with_plain_numbers
from rulesearch.measurements.numbers import hint as number_hint

SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
"""How files of tables end."""
SKIP = "skip"
_MOST_BYTES = 100_000_000


_UNIT = re.compile(r"(?P<name>.*?\S)\s*[(\[](?P<unit>[^()\[\]]*)[)\]]")

_INDEX = frozenset({"", "unnamed: 0", "index", "#"})
_DELTAS = ("\u0394", "\u2206")
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column: its plain name, how it is written, and the unit that is written with it."""

    name: str
    written: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table, its cells as text.

    **Fields:** `where`: what messages call it; `headings`; `cells`: by row; `numbers`: of each row in the file, header
    and comments left out, from 1; `decimal_comma`: numbers have commas for points.
    """

    where: str
    headings: tuple[Heading, ...]
    cells: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    decimal_comma: bool = False

    @property
    def names(self) -> list[str]:
        """Plain names of the columns."""
        return [heading.name for heading in self.headings]

    def column(self, name: str) -> int:
        """Return the place of a column by its name, plain or as it is written.

        **Raises:** `RulesearchError` where there is none.
        """
        for place, heading in enumerate(self.headings):
            if name in (heading.name, heading.written):
                return place
        raise RulesearchError(f"{self.where} has no column {shown(name)}{did_you_mean(name, self.names)}")

    def text(self, name: str) -> list[str]:
        """Return the cells of a column; raises `RulesearchError` where there is no such column."""
        place = self.column(name)
        return [row[place] for row in self.cells]

    def values(self, name: str, hint: str = "") -> Array:
        """Return the numbers of a column.

        **Arguments:** `hint`: what else to say where there is none.
        **Raises:** `RulesearchError` with row and column where there is none.
        """
        place = self.column(name)
        return np.array([self.value(row, place, hint) for row in range(len(self.cells))])

    def value(self, row: int, place: int, hint: str = "") -> float:
        """Return the number in a cell; arguments and errors as of `values`."""
        text = self.cells[row][place]
        found = as_number(text, self.decimal_comma)
        if found is None:
            told = number_hint(text, self.decimal_comma) or hint
            raise RulesearchError(f"{self.at(row, place)}: expected a number, found {shown(text)}{told}")
        return found

    def at(self, row: int, place: int) -> str:
        """Return in words where a cell is."""
        return f"{self.where}, row {self.numbers[row]}, column {self.headings[place].name}"

    def without(self, names: Iterable[str]) -> Sheet:
        """Return the table without some of its columns."""
        out = {self.column(name) for name in names}
        kept = [place for place in range(len(self.headings)) if place not in out]
        cells = tuple(tuple(row[place] for place in kept) for row in self.cells)
        return replace(self, headings=tuple(self.headings[place] for place in kept), cells=cells)

    def without_gaps(self, names: Iterable[str], none: Collection[str] = ()) -> Sheet:
        """Return the table without the rows that have a gap in one of these columns.

        **Arguments:** `none`: what is no gap there, in small letters.
        """
        places = [self.column(name) for name in names]
        kept = [
            row
            for row, cells in enumerate(self.cells)
            if not any(is_gap(cells[place]) and cells[place].lower() not in none for place in places)
        ]
        return replace(
            self, cells=tuple(self.cells[row] for row in kept), numbers=tuple(self.numbers[row] for row in kept)
        )


def read_table(table: object) -> Sheet:
    """Return the table in a file, a data frame or a dict of columns.

    **Raises:** `RulesearchError` where it is none.
    """
    if not isinstance(table, (str, Path)):
        return sheet_of(table)
    path = Path(table)
    if path.suffix.lower() not in SUFFIXES:
        raise RulesearchError(f"{path}: tables are text files that end in {', '.join(SUFFIXES)}; save it as CSV")
    return read_sheet(path)


def read_sheet(path: Path) -> Sheet:
    """Return the table in a file.

    Rows that are empty or begin with # are passed over, as are titles above the header; columns are separated by tabs,
    semicolons, bars, commas or spaces. A column that only counts the rows is left out.
    **Raises:** `RulesearchError` with row and column where it is none.
    """
    where = str(path)
    lines, comment = lines_of(where, read_bytes(path, _MOST_BYTES))
    if not lines:
        raise RulesearchError(f"{where} is empty; expected a header and rows of numbers")
    rows, separator = rows_of(where, lines, comment)
    head, *cells = [[cell.strip() for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    while head and not head[-1] and all(len(row) < len(head) or not row[-1] for row in cells):
        head, cells = head[:-1], [row[: len(head) - 1] for row in cells]
    check_shape(where, head, cells)
    cells, decimal_comma = with_plain_numbers(where, head, cells, separator)
    check_header(where, cells, decimal_comma)
    return _sheet(where, head, cells, decimal_comma)


def sheet_of(frame: Any, where: str = "the frame") -> Sheet:
    """Return the table in a data frame, or in a mapping of names to columns.

    **Raises:** `RulesearchError` where it is none.
    """
    try:
        names = list(frame.columns if hasattr(frame, "columns") else frame.keys())
        columns = [list(_filled(frame[name])) for name in names]
    except (TypeError, KeyError, ValueError, AttributeError):
        raise RulesearchError(f"a table is a file, a data frame, or a dict of columns, found {shown(frame)}") from None
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RulesearchError(f"{where} names a column twice: {twice}")
    lengths = {str(name): len(column) for name, column in zip(names, columns, strict=True)}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items()) or "none"
        raise RulesearchError(f"{where}: expected columns of one length, found {told}")
    cells = [["" if _missing(value) else _written(value) for value in row] for row in zip(*columns, strict=True)]
    return _sheet(where, [str(name) for name in names], cells, False)


def csv_text(sheet: Sheet) -> str:
    """Return a table as CSV, as it is written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([heading.written for heading in sheet.headings])
    writer.writerows(sheet.cells)
    return text.getvalue()


def plain_column(written: str) -> Heading:
    """Return the head of a column from how it is written: `pre rate (Hz)` is `pre_rate` in Hz."""
    match = _UNIT.fullmatch(written.strip())
    name, unit = (match["name"], match["unit"].strip()) if match else (written.strip(), "")
    letters = []
    for letter in name:
        if letter in _DELTAS:
            letters.append("d")
        elif letter.isascii() and (letter.isalnum() or letter == "_"):
            letters.append(letter)
        else:
            greek = re.fullmatch(r"GREEK (?:SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)", unicodedata.name(letter, ""))
            letters.append(greek[1].lower() if greek else " ")
    return Heading("_".join("".join(letters).split()) or written, written, unit)


def _sheet(where: str, head: Sequence[str], cells: Sequence[Sequence[str]], decimal: bool) -> Sheet:
    kept = [place for place in range(len(head)) if not _counts_rows(head[place], place, [row[place] for row in cells])]
    headings = tuple(plain_column(head[place]) for place in kept)
    names = [heading.name for heading in headings]
    for name in names:
        if names.count(name) > 1:
            raise RulesearchError(f"{where}: the header names a column twice: {name}")
    for place, name in zip(kept, names, strict=True):
        if not name:
            raise RulesearchError(f"{where}: column {place + 1} has no name in the header")
    if names and all(as_number(name, decimal) is not None for name in head):
        raise RulesearchError(f"{where}: the first row is {shown(','.join(head))}; expected the names of the columns")
    rows = tuple(tuple(row[place] for place in kept) for row in cells)
    return Sheet(where, headings, rows, tuple(range(1, len(rows) + 1)), decimal)


def _counts_rows(name: str, place: int, cells: Sequence[str]) -> bool:
    """Return whether a column is the first one and only counts rows, from 0 or 1."""
    if place or name.lower() not in _INDEX or not cells:
        return False
    return any(all(cell == str(row + first) for row, cell in enumerate(cells)) for first in (0, 1))


def _filled(column: Any) -> Any:
    """Return a column; what is masked in it is missing."""
    if isinstance(column, np.ma.MaskedArray):
        return [
            None if masked else value for value, masked in zip(column.data, np.ma.getmaskarray(column), strict=True)
        ]
    if not hasattr(column, "__len__") or isinstance(column, (str, bytes)):
        raise TypeError
    return column


def _missing(value: object) -> bool:
    if isinstance(value, (list, tuple, np.ndarray)):
        return False
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):
        return True


def _written(value: object) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return " ".join(map(_written, value))
    return repr(float(value)) if isinstance(value, (float, np.floating)) else str(value)
