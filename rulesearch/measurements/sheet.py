"""Tables as people have them: separators, decimal commas, comments, units in the header, index columns, gaps.

Whatever the dialect, cells come out as text under plain names; numbers are asked for by column. What cannot be read is
refused with row and column.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.files import read_bytes

SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
"""How files of tables end."""
SKIP = "skip"
_MOST_BYTES = 100_000_000
_SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_UNIT = re.compile(r"(?P<name>.*?\S)\s*[(\[](?P<unit>[^()\[\]]*)[)\]]")
_GAPS = frozenset({"", "na", "n/a", "n.a.", "nan", "null", "none", "missing", "-", "--", ".", "?"})
_SPREADSHEET = frozenset({"#n/a", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"})
"""What spreadsheets write where they have no value."""
_APART = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_INDEX = frozenset({"", "unnamed: 0", "index", "#"})
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\ufe63": "-", "\uff0d": "-", "\u00a0": " ", "\u202f": " "})
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
            told = _hint(text, self.decimal_comma) or hint
            raise RulesearchError(f"{self.at(row, place)}: expected a number, found {shown(text)}{told}")
        return found

    def at(self, row: int, place: int) -> str:
        """Return in words where a cell is."""
        return f"{self.where}, row {self.numbers[row]}, column {self.headings[place].name}"

    def without_gaps(self, names: Iterable[str]) -> Sheet:
        """Return the table without the rows that have a gap in one of these columns."""
        places = [self.column(name) for name in names]
        kept = [row for row, cells in enumerate(self.cells) if not any(is_gap(cells[place]) for place in places)]
        return replace(
            self, cells=tuple(self.cells[row] for row in kept), numbers=tuple(self.numbers[row] for row in kept)
        )


def as_number(text: str, decimal_comma: bool = False) -> float | None:
    """Return the finite number that a text is; None where it is none."""
    plain = text.translate(_MINUS).strip()
    if decimal_comma and "." not in plain:
        plain = plain.replace(",", ".", 1)
    if not _NUMBER.fullmatch(plain):
        return None
    found = float(plain)
    return found if math.isfinite(found) else None


def _hint(text: str, decimal_comma: bool) -> str:
    if is_gap(text):
        return "; leave out rows with gaps: --gaps skip"
    if _DECIMAL_COMMA.fullmatch(text):
        return "; write a point in place of the decimal comma"
    if text.endswith("%") and as_number(text[:-1], decimal_comma) is not None:
        return "; write a share, 0.29 for 29 %"
    return ""


def is_gap(text: str) -> bool:
    """Return whether a cell says that there is no value."""
    return text.strip().lower() in _GAPS or text.strip().lower() in _SPREADSHEET


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

    Rows that are empty or begin with # are passed over; columns are separated by tabs, semicolons, bars, commas or
    spaces. A column that only counts the rows is left out.
    **Raises:** `RulesearchError` with row and column where it is none.
    """
    where = str(path)
    lines: list[str] = []
    comment = ""
    for line in _decoded(read_bytes(path, _MOST_BYTES)).split("\n"):
        first = line.lstrip()
        if first.startswith("#") and not first.lower().startswith(tuple(_SPREADSHEET)):
            comment = comment if lines else line.lstrip("# \t")
        elif line.strip() and not (not lines and _APART.fullmatch(line.strip())):
            lines.append(line)
    if not lines:
        raise RulesearchError(f"{where} is empty; expected a header and rows of numbers")
    rows = _split(where, lines)
    if comment and all(as_number(cell, True) is not None for cell in rows[0]):
        # NumPy writes the header as a comment.
        rows = _split(where, [comment, *lines])
        lines.insert(0, comment)
    head, *cells = [[cell.strip() for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    while head and not head[-1] and all(len(row) < len(head) or not row[-1] for row in cells):
        head, cells = head[:-1], [row[: len(head) - 1] for row in cells]
    _check_shape(where, head, cells)
    return _sheet(where, head, cells, not _is_comma_separated(lines[0], head) and _has_decimal_commas(where, cells))


def _has_decimal_commas(where: str, cells: Sequence[Sequence[str]]) -> bool:
    """Return whether numbers have commas for points; raises `RulesearchError` where some have and others have not."""
    first: dict[str, tuple[int, str]] = {}
    for number, row in enumerate(cells, 1):
        for token in (token for cell in row for token in cell.translate(_MINUS).split()):
            if _DECIMAL_COMMA.fullmatch(token):
                first.setdefault(",", (number, token))
            elif "." in token and _NUMBER.fullmatch(token):
                first.setdefault(".", (number, token))
    if len(first) > 1:
        (with_comma, comma), (with_point, point) = first[","], first["."]
        raise RulesearchError(
            f"{where}: numbers have decimal commas ({comma} in row {with_comma}) and points ({point} in row "
            f"{with_point}); write all one way, without separators of thousands"
        )
    return "," in first


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


def _split(where: str, lines: Sequence[str]) -> list[list[str]]:
    """Return the cells of lines by the first separator that gives each as many as the header has."""
    best: list[list[str]] | None = None
    for separator in _SEPARATORS:
        if separator not in lines[0]:
            continue
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if row]
        except csv.Error as error:
            raise RulesearchError(f"{where} cannot be read as a table: {error}") from None
        if len({len(row) for row in rows}) == 1 and len(rows[0]) > 1:
            return rows
        if best is None or len(rows[0]) > len(best[0]):
            best = rows
    spaced = [line.split() for line in lines]
    if best is None and len(spaced[0]) > 1 and len({len(row) for row in spaced}) == 1:
        return spaced
    return best or [[line] for line in lines]


def _is_comma_separated(line: str, head: Sequence[str]) -> bool:
    return not any(mark in line for mark in "\t;|") and line.count(",") >= len(head) - 1 > 0


def _check_shape(where: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
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
