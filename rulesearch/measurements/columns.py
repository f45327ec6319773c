"""Which columns of a table are what, as it is written behind the file: `changes.csv:dw; error = sem; ignore = cell`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.measurements.numbers import is_gap
from rulesearch.measurements.sheet import SKIP, Sheet

_APART = re.compile(r"[;=,\n\r]")


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table are.

    **Fields:** `target`: the measured changes; `error`: their standard errors, by which rows weigh 1/s^2; `weight`: how
    much rows weigh; `ignore`: those that are no symbols; `gaps`: `skip` leaves rows out that lack a value; `repeats`
    and `every` [ms]: of protocols that do not tell theirs, as text; `own`: numbers of preparations alone; `group`: the
    column that tells these apart, `preparation` where it is empty.
    """

    target: str
    error: str = ""
    weight: str = ""
    ignore: tuple[str, ...] = ()
    gaps: str = ""
    repeats: str = ""
    every: str = ""
    own: tuple[str, ...] = ()
    group: str = ""

    def __str__(self) -> str:
        parts = [self.target]
        for name in _OPTIONS:
            value = getattr(self, name)
            if value:
                parts.append(f"{name} = {value if isinstance(value, str) else ', '.join(value)}")
        return "; ".join(parts)


PREPARATION = "preparation"
"""The column that tells preparations apart where no other one is named."""
_OPTIONS = [each.name for each in fields(Columns) if each.name != "target"]


def columns_of(
    target: str,
    error: str | None = None,
    weight: str | None = None,
    ignore: str | Iterable[str] = (),
    gaps: str | None = None,
    repeats: str | float | None = None,
    every: str | float | None = None,
    own: str | Iterable[str] = (),
    group: str | None = None,
) -> Columns:
    """Return which columns are what; raises `RulesearchError` for names that cannot be told apart in a text."""
    names, own_names = _words(ignore), _words(own)
    for option, given in (("error", error), ("weight", weight), ("gaps", gaps), ("group", group)):
        if given is not None and not isinstance(given, str):
            raise RulesearchError(f"{option}: expected one text, found {shown(given)}")
    target = str(target)
    if error and weight:
        raise RulesearchError("rows weigh 1/s^2 by --error or as --weight says; give one of them")
    if gaps and gaps != SKIP:
        raise RulesearchError(f"gaps can be skipped (--gaps {SKIP}); found --gaps {shown(gaps)}")
    numbers = ["" if each is None else str(each).strip() for each in (repeats, every)]
    for name in (target, error, weight, *names, *numbers, *own_names, group):
        if name and _APART.search(name):
            raise RulesearchError(f"the column {shown(name)}: type its name without ; = and commas")
    count, between = numbers
    return Columns(target, error or "", weight or "", names, gaps or "", count, between, own_names, group or "")


def _words(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return what is given with commas between, or one by one, or both."""
    several = [given] if isinstance(given, str) else given
    return tuple(word.strip() for each in several for word in str(each).split(",") if word.strip())


def parse_columns(text: str) -> Columns:
    """Return what a text says of columns; raises `RulesearchError`."""
    target, *parts = (part.strip() for part in text.split(";"))
    given: dict[str, str] = {}
    for part in filter(None, parts):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in _OPTIONS or name in given:
            raise RulesearchError(
                f"columns of a table: expected {', '.join(f'{each} = …' for each in _OPTIONS)}, each once; found "
                f"{shown(part)}{did_you_mean(name, _OPTIONS)}"
            )
        given[name] = value
    return columns_of(target, **given)


def told_apart(sheet: Sheet, columns: Columns) -> tuple[Columns, list[str]]:
    """Return columns by their plain names, a column of standard errors found by its name, and those that are symbols.

    **Raises:** `RulesearchError` for a column that there is not, or that is given as two things.
    """

    def plain(name: str) -> str:
        return sheet.headings[sheet.column(name)].name if name else ""

    target, weight, group = plain(columns.target), plain(columns.weight), plain(columns.group)
    ignore = tuple(plain(name) for name in columns.ignore)
    error = plain(columns.error)
    if not error and not weight:
        likely = [name for name in sheet.names if name.lower() in _errors_of(target)]
        error = next((name for name in likely if name not in (target, *ignore)), "")
    taken = [name for name in (target, error, weight, *ignore, group) if name]
    twice = next((name for name in taken if taken.count(name) > 1), None)
    if twice is not None:
        raise RulesearchError(f"{sheet.where}: column {twice} is given as two things at once")
    told = replace(columns, target=target, error=error, weight=weight, ignore=ignore, group=group)
    return told, [name for name in sheet.names if name not in taken]


def groups_of(sheet: Sheet, columns: Columns) -> list[str]:
    """Return the preparation of each row, empty where none is told.

    **Raises:** `RulesearchError` where the column that `group` names has a gap.
    """
    name = columns.group or PREPARATION
    if name not in sheet.names:
        return [""] * len(sheet.cells)
    cells = sheet.text(name)
    gap = next((row for row, cell in enumerate(cells) if is_gap(cell)), None)
    if gap is not None and columns.group:
        raise RulesearchError(
            f"{sheet.at(gap, sheet.column(name))}: expected the name of a preparation, found {shown(cells[gap])}; "
            f"--gaps {SKIP} leaves such rows out"
        )
    return ["" if is_gap(cell) else cell for cell in cells]


def standard_errors(sheet: Sheet, name: str) -> npt.NDArray[np.float64]:
    """Return the standard errors in a column; raises `RulesearchError` with row and column for one that is none."""
    found = sheet.values(name)
    if len(wrong := np.flatnonzero(found <= 0.0)):
        row = int(wrong[0])
        raise RulesearchError(
            f"{sheet.at(row, sheet.column(name))}: expected a standard error above 0, found {found[row]:g}"
        )
    return found


def _errors_of(target: str) -> set[str]:
    """Return how a column of the standard errors of a target may be called, in small letters."""
    names = ("sem", "s_e_m", "se", "stderr", "std_err", "standard_error")
    own = target.lower()
    return {*names, *(f"{own}_{name}" for name in names), *(f"{name}_{own}" for name in names)}
