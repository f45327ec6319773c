"""Tables of numbers in CSV files: reading them, and refusing what cannot be read with its place."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, shown
from rulesearch.expression import OPERATORS, parse_expression
from rulesearch.files import read_text
from rulesearch.rules.names import taken_by

_FEWEST_ROWS = 10
_MOST_BYTES = 100_000_000
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_DECIMAL_COMMA = re.compile(r"\d,\d")


def read_table(path: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Return the columns of a CSV file by name.

    **Raises:** `RulesearchError` with file, line and column where there is no number.
    """
    text = read_text(path, _MOST_BYTES).removeprefix("\ufeff")
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except csv.Error as error:
        raise RulesearchError(f"{path} cannot be read as a table: {error}") from None
    if not rows:
        raise RulesearchError(f"{path} is empty; expected a header and rows of numbers")
    _check_separator(path, [line for line in text.split("\n") if line.strip()])
    header = [name.strip() for name in rows[0]]
    if len(set(header)) != len(header):
        raise RulesearchError(f"{path}: the header names a column twice: {', '.join(header)}")
    if len(rows) - 1 < _FEWEST_ROWS:
        raise RulesearchError(f"{path} has {len(rows) - 1} rows; a rule needs at least {_FEWEST_ROWS}")
    table = np.empty((len(rows) - 1, len(header)))
    for number, row in enumerate(rows[1:]):
        if len(row) != len(header):
            hint = "; decimal commas? write points" if len(row) == 2 * len(header) else ""
            raise RulesearchError(f"{path}, row {number + 1}: expected {len(header)} values, found {len(row)}{hint}")
        for place, text in enumerate(row):
            table[number, place] = _number(path, number + 1, header[place], text)
    return {name: table[:, place].copy() for place, name in enumerate(header)}


def _check_separator(path: Path, lines: Sequence[str]) -> None:
    """Refuse a table whose columns are separated by something else than commas."""
    for line in lines[:2]:
        marks = line.strip()
        found = max(_SEPARATORS, key=marks.count)
        # One name may have spaces in it, so these separate only where nothing else does.
        found = found if found in marks else " "
        if found != "," and found in marks:
            decimal = ", and numbers have decimal commas" if any(map(_DECIMAL_COMMA.search, lines[1:])) else ""
            raise RulesearchError(
                f"{path}: columns are separated by {_SEPARATORS.get(found, 'spaces')}{decimal}, as in {shown(line)}; "
                "expected commas between columns and points in numbers: save it so, as CSV"
            )


def _number(path: Path, row: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        hint = ""
        if "\u2212" in text:
            hint = "; its minus is another character than -"
        elif _DECIMAL_COMMA.search(text):
            hint = "; write a point in place of the decimal comma"
        place = f"{path}, row {row}, column {column}"
        raise RulesearchError(f"{place}: expected a number, found {shown(text.strip())}{hint}")
    return value


def check_name(path: Path, name: str) -> None:
    """Refuse a column whose name cannot stand in a rule.

    **Raises:** `RulesearchError`.
    """
    others = {"tau": "the time constant of a state", **dict.fromkeys(OPERATORS, "an operator")}
    taken = taken_by(name) or others.get(name)
    if taken is not None:
        raise RulesearchError(
            f"{path}: the column {name!r} cannot be a symbol of a rule, where that is {taken}; give it another name, "
            f"such as {name}_1"
        )
    try:
        fits = parse_expression(name).head == name
    except RulesearchError:
        fits = False
    if not fits:
        raise RulesearchError(
            f"{path}: the column {name!r} cannot be a symbol of a rule; expected letters, digits and _, such as x_bar"
        )
