"""The text of a grammar file, which knows the line of what is wrong in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean


class GrammarError(RulesearchError):
    """A grammar file is wrong: the message names the file, the line, the table and the key."""


@dataclass(frozen=True, slots=True)
class GrammarSource:
    """A grammar file: `where` it stands (for messages) and its `text`."""

    where: str
    text: str

    def error(self, reason: str, table: str = "", key: str = "", quoted: str | None = None) -> GrammarError:
        """Return the error to raise.

        **Arguments:** `table` and `key` name the place; `quoted`: the string in the file that is wrong.
        """
        line = self.line(table, key, quoted)
        place = f"{self.where}, line {line}" if line else self.where
        shown = key if key.isprintable() else repr(key)
        named = f"[{table}] {shown}" if table and key else f"[{table}]" if table else shown
        return GrammarError(f"{place}{', ' if named else ''}{named}: {reason}")

    def line(self, table: str = "", key: str = "", quoted: str | None = None) -> int | None:
        """Return the line, counted from 1, where a table, a key in it or a quoted string stands; None if not found."""
        lines = self.text.splitlines()
        found: int | None = None
        if table:
            found = _first(lines, 0, rf"\s*\[\s*{re.escape(table)}\s*[\].]")
            if found is None and "." in table:
                # Written as a line of the table above: x = {meaning = ..., unit = ...}
                return self.line(*table.split(".", 1))
            if found is None:
                return None
        if key:
            name = re.escape(key)
            pattern = rf"""\s*(?:["']?{name}["']?\s*[=.]|\[(?:[^\]]*\.)?\s*["']?{name}["']?\s*[\].])"""
            place = _first(lines, found or 0, pattern)
            found = found if place is None else place
        if quoted is not None:
            place = _first(lines, found or 0, rf""".*["']{re.escape(quoted)}["']""")
            found = found if place is None else place
        return None if found is None else found + 1

    def fields(
        self, value: Any, table: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> Mapping[str, Any]:
        """Return a table whose keys are just these; raises `GrammarError`."""
        found = self.table(value, table)
        known = (*required, *optional)
        for key in found:
            if key not in known:
                raise self.error(f"unknown key{did_you_mean(key, known)}", table, key)
        for key in required:
            if key not in found:
                raise self.error(f"the key {key!r} is missing; expected {', '.join(required)}", table)
        return found

    def table(self, value: Any, table: str) -> Mapping[str, Any]:
        """Return a table; raises `GrammarError` where it is something else."""
        if not isinstance(value, dict):
            raise self.error(f"expected a table, found {value!r:.60}; type [{table}]", "", table)
        return value

    def string(self, value: Any, table: str, key: str) -> str:
        """Return a string; raises `GrammarError` where it is something else."""
        if not isinstance(value, str):
            raise self.error(f"expected text in quotes, found {value!r:.60}", table, key)
        return value

    def number(self, value: Any, table: str, key: str) -> float:
        """Return a finite number; raises `GrammarError` where it is something else."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"expected a number, found {value!r:.60}", table, key)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.error(f"expected a finite number, found {number!r}", table, key)
        return number

    def whole_number(self, value: Any, low: int, high: int, table: str, key: str) -> int:
        """Return a whole number from `low` to `high`; raises `GrammarError` where it is something else."""
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(f"expected a whole number from {low} to {high}, found {value!r:.60}", table, key)
        return value


def _first(lines: list[str], start: int, pattern: str) -> int | None:
    """Return the index of the first line from `start` on that begins with the pattern."""
    return next((index for index in range(start, len(lines)) if re.match(pattern, lines[index])), None)
