"""Enumerating the distinct functions of a grammar, each at its least size.

Two expressions are the same function where they are defined at the same of the fixed points (`expression.points`) and
agree there (`keys.py` says how closely). Every symbol has points of its own name, every constant kind one generic
value of its own, at which all constants of the kind stand. What counts:

- a function counts at the size of the smallest expression that computes it;
- an expression of constants only is a constant again, so operators on constants alone make nothing new (a
  non-terminal that offers no constant otherwise keeps the first such expression); a fixed number alone is none;
- what is nan or infinite at every point is not a function, and nothing is built upon it.

Since each function is built from functions of least size, only these are kept and combined, level by level:
the work is one evaluation per combination, a few times the number of functions, far below that of derivations.
Bounds are counted in combinations and in functions, never in seconds, so they cut alike on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.expression.operators import Operator
from rulesearch.expression.points import POINTS
from rulesearch.expression.tree import Expression, Number
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.keys import Codes, Keys, KeySet, function_keys, leaf_values
from rulesearch.grammar.parts import Production

Values = npt.NDArray[np.float64]
"""Values of functions, `(POINTS, functions)`."""

DEFAULT_CAP = 150_000_000
"""Combinations that are evaluated at most."""
MOST_STORED = 4_000_000
"""Functions whose values are kept at most, over all non-terminals (230 bytes each)."""

_CHUNK = 1 << 15
_TWO = Number(2.0)


@dataclass(frozen=True, slots=True)
class _Side:
    """One argument of a production: a leaf (`size` 0), or all functions of a non-terminal of one size."""

    name: str | Number
    size: int


@dataclass(frozen=True, slots=True)
class _Job:
    """A production with the sizes of its children: `rows * columns` combinations, numbered from `first`."""

    production: Production
    sides: tuple[_Side, ...]
    rows: int
    columns: int
    first: int
    symmetric: bool


@dataclass(slots=True)
class _Level:
    """The functions of one non-terminal and least size.

    **Fields:** `codes`: the numbers of their combinations; `values`, which the levels two below the top and lower keep.
    """

    jobs: list[_Job] = field(default_factory=list)
    codes: Codes = field(default_factory=lambda: np.empty(0, np.int64))
    constant: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    values: Values = field(default_factory=lambda: np.empty((POINTS, 0)))
    number: int = 0


class FunctionTable:
    """The distinct functions of each non-terminal, level by level.

    **Arguments:** `top`: the largest size that will be asked for; `cap`: combinations at most; `most_stored`:
    functions whose values are kept at most; `expressions`: whether functions of the largest size too can be
    written out.
    **Attributes:** `complete`: no bound has cut; `work`: combinations so far.
    """

    def __init__(
        self,
        grammar: Grammar,
        top: int,
        cap: int = DEFAULT_CAP,
        most_stored: int = MOST_STORED,
        expressions: bool = False,
    ) -> None:
        self.grammar, self.top, self.cap, self.most_stored = grammar, top, cap, most_stored
        self.expressions = expressions
        self.complete, self.work, self._stored = True, 0, 0
        self._levels: dict[tuple[str, int], _Level] = {}
        self._found = {name: KeySet() for name in grammar.productions}
        self._has_constant: set[str] = set()
        self._wanted: dict[tuple[str, int], Expression | None] = {}

    def number(self, nonterminal: str, size: int) -> int:
        """Return the number of functions whose least size is `size`, as far as they were found."""
        level = self._levels.get((nonterminal, size))
        return level.number if level else 0

    def functions(self, nonterminal: str, size: int) -> Iterator[Expression]:
        """Iterate over one smallest expression of each function of that least size."""
        level = self._levels.get((nonterminal, size))
        for code in level.codes if level else ():
            yield self._write(nonterminal, size, int(code))

    def want(self, nonterminal: str, key: int) -> None:
        """Ask for an expression of the function with this key; `wanted` tells what was found."""
        self._wanted.setdefault((nonterminal, key))

    def wanted(self, nonterminal: str, key: int) -> Expression | None:
        """Return the smallest expression of a function that was asked for, None where it was not found yet."""
        return self._wanted[nonterminal, key]

    def fill_to(self, size: int) -> None:
        """Find all functions of at most `size` nodes, or as far as the bounds allow."""
        starts = set(self.grammar.slots.values())
        for following in range(1, min(size, self.top) + 1):
            for name in self.grammar.productions:
                needed = following < self.top or name in starts
                if needed and self.complete and (name, following) not in self._levels:
                    self._fill(name, following)

    def _fill(self, name: str, size: int) -> None:
        level = self._levels[name, size] = _Level(self._jobs(name, size))
        keep = size < self.top or self.expressions
        known = self._found[name]
        kept: list[Codes] = []
        constants: list[Codes] = []
        for keys, codes, constant in self._combinations(name, level):
            constants.append(codes[constant])
            if known.add(keys, codes if keep or self._wanted else None):
                self._take(name, size, known.merge(), kept, keep)
        self._take(name, size, known.merge(), kept, keep)
        if not keep:
            return
        level.codes = np.sort(np.concatenate([np.empty(0, np.int64), *kept]))
        level.constant = np.isin(level.codes, np.concatenate([np.empty(0, np.int64), *constants]))
        if size <= self.top - 2:
            self._stored += level.number
            if self._stored > self.most_stored:
                self.complete = False
            else:
                level.values = self._values(level, level.codes)

    def _take(self, name: str, size: int, new: tuple[Keys, Codes | None], kept: list[Codes], keep: bool) -> None:
        keys, codes = new
        self._levels[name, size].number += len(keys)
        if codes is None:
            return
        if keep:
            kept.append(codes)
        for (wanted, key), found in self._wanted.items():
            place = int(np.searchsorted(keys, np.uint64(key)))
            if wanted == name and found is None and place < len(keys) and int(keys[place]) == key:
                self._wanted[wanted, key] = self._write(name, size, int(codes[place]))

    def _jobs(self, name: str, size: int) -> list[_Job]:
        jobs: list[_Job] = []
        first = 0
        for production in self.grammar.expanded(name):
            for sides in self._splits(production, size):
                widths = [self.number(str(side.name), side.size) if side.size else 1 for side in sides]
                rows, columns = widths[0], widths[1] if len(widths) == 2 else 1
                if rows * columns == 0:
                    continue
                symmetric = len(sides) == 2 and sides[0] == sides[1] and _commutes(production)
                jobs.append(_Job(production, sides, rows, columns, first, symmetric))
                first += rows * columns
        return jobs

    def _splits(self, production: Production, size: int) -> Iterator[tuple[_Side, ...]]:
        rest = size - production.own_size
        names = [node for node in production.template.nodes if not isinstance(node, Operator)]
        inner = [name in self.grammar.productions for name in names]
        if not any(inner):
            if rest == 0:
                yield tuple(_Side(name, 0) for name in names)
        elif sum(inner) == 1:
            if rest >= 1:
                yield tuple(_Side(name, rest if child else 0) for name, child in zip(names, inner, strict=True))
        else:
            halved = _commutes(production) and names[0] == names[1]
            for share in range(1, rest):
                if not halved or share <= rest - share:
                    yield _Side(names[0], share), _Side(names[1], rest - share)

    def _combinations(self, name: str, level: _Level) -> Iterator[tuple[Keys, Codes, npt.NDArray[np.bool_]]]:
        """Yield keys, codes and constancy of what may be new, chunk by chunk, until the cap is reached."""
        for job in level.jobs:
            for rows, columns in _chunks(job):
                number = (rows.stop - rows.start) * (columns.stop - columns.start)
                if self.work + number > self.cap:
                    self.complete = False
                    return
                self.work += number
                ranges = (rows, columns)[: len(job.sides)]
                parts = [self._side_values(side, each) for side, each in zip(job.sides, ranges, strict=True)]
                keys, usable = function_keys(_rows(job.production, parts))
                flags = [self._side_constant(job, side, each) for side, each in zip(job.sides, ranges, strict=True)]
                constant = (flags[0][:, None] & flags[-1][None, :]).ravel() if len(flags) == 2 else flags[0]
                if job.production.template.size > 1 and constant.any():
                    _drop_constants(usable, constant, name in self._has_constant)
                constant = constant & usable
                if constant.any():
                    self._has_constant.add(name)
                codes = job.first + np.arange(rows.start, rows.stop)[:, None] * job.columns
                codes = (codes + np.arange(columns.start, columns.stop)[None, :]).ravel()
                if usable.all():
                    yield keys, codes, constant
                else:
                    yield keys[usable], codes[usable], constant[usable]

    def _side_values(self, side: _Side, part: slice) -> Values:
        if not side.size:
            return leaf_values(side.name, self.grammar.constants)
        level = self._level(side)
        return level.values[:, part] if level.values.size else self._values(level, level.codes[part])

    def _side_constant(self, job: _Job, side: _Side, part: slice) -> npt.NDArray[np.bool_]:
        if isinstance(side.name, Number):
            # A constant times 2 is a constant again; 2 times 3 is one number more.
            return np.array([any(not isinstance(each.name, Number) for each in job.sides)])
        if not side.size:
            return np.array([side.name in self.grammar.constants])
        return self._level(side).constant[part]

    def _level(self, side: _Side) -> _Level:
        return self._levels[str(side.name), side.size]

    def _values(self, level: _Level, codes: Codes) -> Values:
        """Return the values of functions of a level, `codes` in order, from those of their children."""
        values = np.empty((POINTS, len(codes)))
        for job in level.jobs:
            start, stop = np.searchsorted(codes, [job.first, job.first + job.rows * job.columns])
            if start == stop:
                continue
            places = np.divmod(codes[start:stop] - job.first, job.columns)
            parts = [self._picked(side, place) for side, place in zip(job.sides, places, strict=False)]
            values[:, start:stop] = _apply(job.production, parts)
        return values

    def _picked(self, side: _Side, places: Codes) -> Values:
        if not side.size:
            return leaf_values(side.name, self.grammar.constants)
        return self._level(side).values[:, places]

    def _write(self, name: str, size: int, code: int) -> Expression:
        level = self._levels[name, size]
        job = next(job for job in reversed(level.jobs) if job.first <= code)
        places = divmod(code - job.first, job.columns)
        children = [
            self._write(str(side.name), side.size, int(self._level(side).codes[place]))
            for side, place in zip(job.sides, places, strict=False)
            if side.size
        ]
        return job.production.fill(children)


def _commutes(production: Production) -> bool:
    head = production.template.head
    return isinstance(head, Operator) and head.commutes


def _apply(production: Production, parts: Sequence[Values]) -> Any:
    head = production.template.head
    if not isinstance(head, Operator):
        return parts[0]
    with np.errstate(all="ignore"):
        if head.name == "pow" and production.template.nodes[-1] == _TWO:
            return np.multiply(parts[0], parts[0])
        return head.numpy(*parts)


def _rows(production: Production, parts: Sequence[Values]) -> Iterator[Values]:
    for point in range(POINTS):
        if len(parts) == 1:
            row = _apply(production, [parts[0][point]])
        else:
            row = _apply(production, [parts[0][point][:, None], parts[1][point][None, :]])
        yield np.ascontiguousarray(row).ravel()


def _chunks(job: _Job) -> Iterator[tuple[slice, slice]]:
    height = max(1, _CHUNK // job.columns)
    for top in range(0, job.rows, height):
        rows = slice(top, min(top + height, job.rows))
        for left in range(top if job.symmetric else 0, job.columns, _CHUNK):
            yield rows, slice(left, min(left + _CHUNK, job.columns))


def _drop_constants(usable: npt.NDArray[np.bool_], constant: npt.NDArray[np.bool_], has_one: bool) -> None:
    """Drop constant combinations in place: all, or all but the first usable one."""
    first = np.flatnonzero(usable & constant)[:1]
    usable &= ~constant
    if not has_one:
        usable[first] = True
