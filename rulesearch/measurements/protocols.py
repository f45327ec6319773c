"""Weight changes that were measured under given spikes, and tables of them.

A row has the spikes of one repeat, how often and how fast they were repeated, and what became of the weight.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, shown
from rulesearch.measurements.columns import PREPARATION, Columns, groups_of, told_apart
from rulesearch.measurements.numbers import as_number, hint, in_threes, is_gap
from rulesearch.measurements.sheet import SKIP, Sheet

Array = npt.NDArray[np.float64]

CHANGE = "change"
TRAINS = ("pre_ms", "post_ms")
PAIR = "dt_ms"
WORDS = {"ltp": 1, "ltd": -1, "none": 0}
"""What a change may be said to be in a word: its sign."""
VOLTAGE = "voltage"
_OTHERS = ("id", PREPARATION, "repeats", "every_ms", "n", "source", VOLTAGE)
_NO_SPIKES = frozenset({"", "-", "--", "none"})
"""What says that a side has no spike; other gaps say that its spikes are not known."""
LEAST_CHANGE = 0.05
"""The smallest change that counts as LTP or LTD where a word tells it."""
_NEARLY = 0.75
_MOST_SPIKES, _MOST_REPEATS = 10_000, 1_000_000
_MOST_EVENTS = 5_000_000
_LONGEST_MS = 1e9
_MOST_CHANGE = 1e6
_FAR_OFF = 5.0
"""Standard errors by which a change may be measured beyond what is possible."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measured weight change.

    **Fields:** `label`; `change` of the weight, a fraction, nan where only its sign is known; its standard error `sem`.
    """

    label: str
    change: float
    sem: float


@dataclass(frozen=True, slots=True)
class Measured(Measurement):
    """A measured weight change, and the spikes under which it was.

    **Fields:** `pre` and `post`: spike times of one repeat [s]; `every` [s] and `repeats`; `sign`: of a change that is
    told in a word, 0 for none, None where the change is a number; `n`: measurements behind it, nan where not told;
    `preparation`; `source`; `voltage`: file of the membrane potential during the whole protocol, empty for none;
    `begin`: when the first spike was told to be [s], on the clock of that file.
    """

    pre: tuple[float, ...]
    post: tuple[float, ...]
    every: float
    repeats: int
    sign: int | None = None
    n: float = math.nan
    preparation: str = ""
    source: str = ""
    voltage: str = ""
    begin: float = 0.0

    def trains(self) -> tuple[list[float], list[float]]:
        """Return all presynaptic and postsynaptic spike times [s]."""
        starts = [k * self.every for k in range(self.repeats)]
        return (
            [start + time for start in starts for time in self.pre],
            [start + time for start in starts for time in self.post],
        )


_COLUMNS = frozenset({*TRAINS, PAIR, CHANGE, "sem", *_OTHERS})


def as_protocols(sheet: Sheet) -> Sheet:
    """Return a table whose columns are called as those of protocols are: `dt (ms)` is `dt_ms`, `Change` is `change`."""
    headings = []
    for heading in sheet.headings:
        name = heading.name.lower()
        timed = f"{name}_ms" if heading.unit.lower() == "ms" else name
        known = next((each for each in (timed, name) if each in _COLUMNS), heading.name)
        headings.append(replace(heading, name=known))
    names = [heading.name for heading in headings]
    if len(set(names)) < len(names) or not set(names) & {*TRAINS, PAIR}:
        return sheet
    return replace(sheet, headings=tuple(headings))


def strangers(sheet: Sheet, columns: Columns) -> list[str]:
    """Return the columns beside a delay of pairs for which a table is not taken for one of protocols."""
    _, symbols = told_apart(sheet, columns)
    return [name for name in symbols if name not in {PAIR, *_OTHERS}] if PAIR in sheet.names else []


def is_protocol_table(sheet: Sheet, columns: Columns) -> bool:
    """Return whether the rows of a table are protocols: spikes, or pairs with nothing else that changes depend on."""
    names = set(sheet.names) - set(columns.ignore)
    if names & set(TRAINS):
        return True
    if PAIR not in names:
        return False
    if not any({heading.name, heading.written} & {columns.target, CHANGE} for heading in sheet.headings):
        return False
    told, _ = told_apart(sheet, columns)
    return told.target != PAIR and not strangers(sheet, columns)


def check_none_of_protocols(where: str, columns: Columns, before: float | None = None) -> None:
    """Refuse what is told of protocols where a table has none; raises `RulesearchError`.

    **Arguments:** `before`: the weight before protocols, None where it is not told.
    """
    told = {"repeats": columns.repeats, "every": columns.every, "before": "" if before is None else str(before)}
    given = [name for name, value in told.items() if value]
    if given:
        raise RulesearchError(
            f"{where} has no protocols, which {' and '.join(given)} would be of: no column {', '.join(TRAINS)} or "
            f"{PAIR}; leave out {' '.join(f'--{name}' for name in given)}"
        )


def read_plans(sheet: Sheet, columns: Columns) -> list[Measured]:
    """Return protocols that were not measured yet, such as those that a lab can do; their changes are nan.

    **Raises:** `RulesearchError` with row and column where a protocol is none.
    """
    found = as_protocols(sheet)
    if not set(found.names) & {*TRAINS, PAIR}:
        raise RulesearchError(f"{sheet.where} has no protocols: expected columns pre_ms and post_ms, or dt_ms")
    if not found.cells:
        raise RulesearchError(f"{sheet.where} has no protocols: there are no rows below the header")
    _check_names(found, found.names, "give it another name")
    return [_row(found, columns, number, measured=False) for number in range(len(found.cells))]


def _check_names(sheet: Sheet, names: Iterable[str], otherwise: str = "") -> None:
    """Refuse columns that are called nearly as those of protocols are: they would be labels.

    **Arguments:** `otherwise`: what to do about one that is a label, --ignore where not given.
    **Raises:** `RulesearchError`.
    """
    free = _COLUMNS - set(sheet.names) - ({PAIR, *TRAINS} if PAIR in sheet.names else {PAIR})
    for name in names:
        plain = name.lower()
        near = [f"{plain}_ms"] if f"{plain}_ms" in free else get_close_matches(plain, sorted(free), 1, _NEARLY)
        if near and name not in _COLUMNS:
            raise RulesearchError(
                f"{sheet.where}: protocols have no column {name}; is it {near[0]}? then call it so; else "
                f"{otherwise or f'--ignore {name}'}"
            )


def check_target(sheet: Sheet, columns: Columns, target: str | None) -> None:
    """Refuse a table of which it is not told, and cannot be known, which column has the weight changes.

    **Raises:** `RulesearchError`.
    """
    protocols = as_protocols(sheet)
    if target is not None or is_protocol_table(protocols, columns):
        return
    if CHANGE in protocols.names and (others := strangers(protocols, columns)):
        told = ", ".join(others)
        raise RulesearchError(
            f"{sheet.where} has {PAIR}, and columns that protocols do not have: {told}; --ignore {','.join(others)}, "
            f"or, for a function of columns, --target {CHANGE}"
        )
    timed = next((name for name in protocols.names if f"{name.lower()}_ms" in {*TRAINS, PAIR}), None)
    hint = f"; a table of protocols has times in ms: call it {timed} (ms)" if timed else ""
    raise RulesearchError(
        f"{sheet.where}: which column has the weight changes? --target {' or '.join(sheet.names)}{hint}"
    )


def read_protocols(sheet: Sheet, columns: Columns) -> tuple[Measured, ...]:
    """Return the rows of a protocol table.

    Standard errors that are not told are those of the other rows, by n where that is told: s/sqrt(n), s being the
    median standard deviation of a single measurement; where no row has any, all are the standard deviation of the
    changes, so that a mean squared residual is a share of their variance.

    **Raises:** `RulesearchError` with row and column for whatever is not what it should be.
    """
    told, others = told_apart(sheet, columns)
    if told.weight:
        raise RulesearchError(
            f"{sheet.where}: rows of protocols weigh by their standard errors: give these with --error, not --weight"
        )
    _check_names(sheet, others)
    if told.group in {PAIR, *TRAINS, "repeats", "every_ms"}:
        raise RulesearchError(f"{sheet.where}: column {told.group} is of the protocol, and tells no preparations apart")
    sheet = sheet.without(told.ignore)
    if PAIR in sheet.names and set(TRAINS) & set(sheet.names):
        raise RulesearchError(
            f"{sheet.where} has both {PAIR} and {' or '.join(TRAINS)}; leave one out: --ignore {PAIR}"
        )
    for name in (told.target, told.error):
        unit = sheet.headings[sheet.column(name)].unit if name else ""
        if "%" in unit:
            raise RulesearchError(
                f"{sheet.where}: column {name} is in {unit}; write relative changes, 0.29 for +29 %, and name it so"
            )
    if told.gaps == SKIP:
        sheet = sheet.without_gaps([told.target, *({PAIR, told.group} & set(sheet.names))])
        sheet = sheet.without_gaps([name for name in TRAINS if name in sheet.names], _NO_SPIKES)
    if not sheet.cells:
        raise RulesearchError(f"{sheet.where} has no rows")
    groups = groups_of(sheet, told)
    rows = [replace(_row(sheet, told, number), preparation=group) for number, group in enumerate(groups)]
    if sum(len(row.trains()[0]) + len(row.trains()[1]) for row in rows) > _MOST_EVENTS:
        raise RulesearchError(f"{sheet.where} has more than {_MOST_EVENTS:,} spikes in all")
    return tuple(_with_errors(rows))


def misses(rows: Sequence[Measured], predictions: Array, changes: Array, least: float) -> Array:
    """Return how far predictions are from changes, `(rows,)` or, for several predictions of each, `(points, rows)`.

    Where only a sign is known: what a prediction lacks to a change of the `least` size that is seen, of this sign, or,
    where there was none, exceeds it by.
    """
    off = predictions - changes
    for place, row in enumerate(rows):
        if row.sign is not None:
            predicted = predictions[..., place]
            if row.sign:
                off[..., place] = row.sign * np.minimum(0.0, row.sign * predicted - least)
            else:
                off[..., place] = np.copysign(np.maximum(0.0, np.abs(predicted) - least), predicted)
    return off


def same_protocols(rows: Sequence[Measured]) -> list[list[int]]:
    """Return the rows that were measured under the same spikes in the same preparation, group by group."""
    found: dict[object, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        found[row.pre, row.post, row.every, row.repeats, row.preparation].append(number)
    return list(found.values())


def _row(sheet: Sheet, columns: Columns, number: int, measured: bool = True) -> Measured:
    def cell(name: str) -> str:
        return sheet.cells[number][sheet.column(name)] if name in sheet.names else ""

    def wrong(name: str, expected: str) -> RulesearchError:
        return RulesearchError(
            f"{sheet.at(number, sheet.column(name))}: expected {expected}, found {shown(cell(name))}"
            f"{hint(cell(name), sheet.decimal_comma)}"
        )

    def value(name: str, given: str, expected: str, least: float, most: float, whole: bool = False) -> float | None:
        text = given if is_gap(cell(name)) else cell(name)
        if is_gap(text):
            return None
        found = as_number(text, sheet.decimal_comma and text is not given)
        if found is None or not least <= found <= most or (whole and found != int(found)):
            if text is given:
                option = name.removesuffix("_ms")
                raise RulesearchError(f"{sheet.where}: {option}: expected {expected}, found {shown(given)}")
            raise wrong(name, expected)
        return found

    pre, post, begin = _spikes(sheet, number)
    counted = f"a whole number of repeats, 1 to {_MOST_REPEATS:,}"
    repeats = value("repeats", columns.repeats, counted, 1, _MOST_REPEATS, whole=True)
    count = int(repeats or 1)
    every = value("every_ms", columns.every, "a time in ms between repeats", 0.0, _LONGEST_MS)
    spikes = [*pre, *post]
    span = max(spikes) - min(spikes)
    if count > 1 and (every is None or every * 1e-3 <= span):
        told = "none is given" if every is None else f"{every:g} ms, while the spikes of one last {1e3 * span:g} ms"
        raise RulesearchError(
            f"{sheet.where}, row {sheet.numbers[number]}: {count} repeats need the time between them ({told}); a "
            "column every_ms, or --every MS (of --table: --table-every MS)"
        )
    target = cell(columns.target) if measured else ""
    sign = WORDS.get(target.lower()) if as_number(target, sheet.decimal_comma) is None else None
    if sign is None and as_number(target, sheet.decimal_comma) is None and not is_gap(target):
        raise wrong(columns.target, "a relative change, such as 0.29, or LTP, LTD or none")
    change = math.nan if sign is not None or not measured else sheet.value(number, sheet.column(columns.target))
    if abs(change) > _MOST_CHANGE:
        raise wrong(columns.target, "a relative change, such as 0.29")
    error = columns.error if measured else ""
    sem = value(error, "", "a standard error above 0", 1e-300, math.inf) if error else None
    if change < -1.0 - _FAR_OFF * (sem or 0.0):
        raise wrong(columns.target, "a relative change of -1 at least, which leaves no weight; divide percent by 100")
    n = value("n", "", "a number of measurements", 1.0, math.inf)
    label = cell("id") or f"row {sheet.numbers[number]}"
    return Measured(
        label,
        change,
        math.nan if sem is None else sem,
        pre,
        post,
        (every or 0.0) * 1e-3,
        count,
        sign,
        math.nan if n is None else n,
        source=cell("source"),
        voltage=_voltage(sheet, number),
        begin=begin,
    )


def _voltage(sheet: Sheet, number: int) -> str:
    """Return the file of a row's membrane potential, which is named as it lies beside the table; empty for none."""
    text = sheet.cells[number][sheet.column(VOLTAGE)] if VOLTAGE in sheet.names else ""
    if is_gap(text):
        return ""
    path = Path(sheet.where).parent / text
    if not path.is_file():
        raise RulesearchError(
            f"{sheet.at(number, sheet.column(VOLTAGE))}: there is no file {path}; expected one of times [ms] and "
            "potentials [mV]"
        )
    return str(path)


def _spikes(sheet: Sheet, number: int) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Return presynaptic and postsynaptic spike times of one repeat [s], and when the first was told to be."""
    if PAIR in sheet.names and not set(TRAINS) & set(sheet.names):
        delay = 1e-3 * sheet.value(number, sheet.column(PAIR))
        if not abs(delay) <= 1e-3 * _LONGEST_MS:
            raise RulesearchError(f"{sheet.at(number, sheet.column(PAIR))}: expected a time in ms")
        return (max(0.0, -delay),), (max(0.0, delay),), 0.0
    found = []
    for name in TRAINS:
        cell = sheet.cells[number][sheet.column(name)] if name in sheet.names else ""
        grouped = in_threes(cell)
        times: list[float] = []
        for token in () if cell.lower() in _NO_SPIKES else cell.split():
            time = as_number(token, sheet.decimal_comma)
            if time is None or abs(time) > _LONGEST_MS or grouped:
                empty = "; leave it empty where there was no spike" if is_gap(cell) else ""
                raise RulesearchError(
                    f"{sheet.at(number, sheet.column(name))}: expected times in ms with blanks between, found "
                    f"{shown(cell if grouped else token)}{empty}{hint(cell, sheet.decimal_comma)}"
                )
            times.append(1e-3 * time)
        if len(times) > _MOST_SPIKES:
            raise RulesearchError(f"{sheet.at(number, sheet.column(name))}: more than {_MOST_SPIKES:,} spikes")
        found.append(tuple(sorted(times)))
    pre, post = found
    if not pre and not post:
        raise RulesearchError(
            f"{sheet.where}, row {sheet.numbers[number]}: there is no spike in {' and '.join(TRAINS)}"
        )
    # Times may be told from any moment on: the first spike of a repeat is at 0.
    first = min([*pre, *post])
    return tuple(time - first for time in pre), tuple(time - first for time in post), first


def _with_errors(rows: Sequence[Measured]) -> list[Measured]:
    """Return rows with the standard errors that they do not tell."""
    told = [row for row in rows if math.isfinite(row.sem)]
    changes = np.array([row.change for row in rows if math.isfinite(row.change)])
    single = [row.sem * math.sqrt(row.n) for row in told if math.isfinite(row.n)]
    # Of words alone the size that they are about is the only one there is.
    spread = float(changes.std()) if len(changes) else LEAST_CHANGE
    usual = (float(np.median([row.sem for row in told])) if told else spread) or 1.0

    def error(row: Measured) -> float:
        if math.isfinite(row.sem):
            return row.sem
        return float(np.median(single)) / math.sqrt(row.n) if single and math.isfinite(row.n) else usual

    return [replace(row, sem=error(row)) for row in rows]
