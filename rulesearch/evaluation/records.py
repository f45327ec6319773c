"""What a run left for those who read it: its store, or `summary.json` where the store is not there (a curated run)."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rulesearch.errors import RulesearchError, shown
from rulesearch.evaluation.kinds import check_kinds, optional
from rulesearch.evaluation.store import Ancestry, GenerationRow, Store
from rulesearch.files import read_text

STORE, SUMMARY = "run.sqlite", "summary.json"
_MAX_BYTES = 64 * 2**20
_DAMAGE = (sqlite3.DatabaseError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
_KINDS = {"facts": {str: {}}, "deaths": {str: int}, "structures": [[int]], "generations": [[optional(float)]]}


class Records(Protocol):
    """What can be asked of a run; `Store` says what each answer is."""

    def fact(self, name: str) -> str | None: ...
    def best(self, fidelity: str, count: int) -> list[tuple[str, float]]: ...
    def generations(self) -> list[GenerationRow]: ...
    def deaths(self) -> dict[str, int]: ...
    def structures(self) -> list[tuple[int, int, int]]: ...
    def ancestry(self, fingerprint: str) -> Ancestry | None: ...


class SummaryFile:
    """A run as its `summary.json` tells it.

    **Raises:** `RulesearchError` where the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        try:
            document = json.loads(read_text(path, _MAX_BYTES))
        except (ValueError, RecursionError) as error:
            raise RulesearchError(f"{path} cannot be read as the summary of a run: {error}") from None
        if not isinstance(document, dict):
            raise RulesearchError(f"{path} cannot be read as the summary of a run: expected an object")
        check_kinds(document, _KINDS, SUMMARY)
        self._document: Mapping[str, Any] = document

    def fact(self, name: str) -> str | None:
        value = self._document["facts"].get(name)
        return None if value is None else json.dumps(value)

    def best(self, fidelity: str, count: int) -> list[tuple[str, float]]:
        return [(str(rule), float(loss)) for rule, loss in self._document["best"][:count]]

    def generations(self) -> list[GenerationRow]:
        return [tuple(row) for row in self._document["generations"]]  # type: ignore[misc]

    def deaths(self) -> dict[str, int]:
        return {str(status): int(count) for status, count in self._document["deaths"].items()}

    def structures(self) -> list[tuple[int, int, int]]:
        return [(int(number), int(rules), int(forms)) for number, rules, forms in self._document["structures"]]

    def ancestry(self, fingerprint: str) -> Ancestry | None:
        row = self._document["ancestry"].get(fingerprint)
        return None if row is None else (*row[:4], tuple(row[4]))


def is_run(folder: Path) -> bool:
    """Return whether a folder holds what can be read of a run."""
    return os.path.isfile(folder / STORE) or os.path.isfile(folder / SUMMARY)


def runs_in(place: Path) -> list[Path]:
    """Return the run folders in a folder, by name; a run folder holds itself."""
    return [place] if is_run(place) else sorted(each for each in place.glob("*") if is_run(each))


def run_folder(place: str | Path) -> Path:
    """Return the path of a run folder that a caller names; raises `RulesearchError` for what is no name."""
    if not isinstance(place, str | os.PathLike):
        raise RulesearchError(f"a run is its folder, or what Run.open returns of it, found {shown(place)}")
    return Path(place)


@contextmanager
def reading(folder: Path) -> Iterator[Records]:
    """Give what a run left, to be read and nothing else.

    **Raises:** `RulesearchError` where there is nothing, or where what is there turns out to be damaged.
    """
    if not is_run(folder):
        raise RulesearchError(
            f"{folder} is not a run folder: it has no {STORE} and no {SUMMARY}; see them with: rulesearch runs"
        )
    try:
        if (folder / STORE).is_file():
            store = Store(folder / STORE, read_only=True)
            try:
                yield store
            finally:
                store.close()
        else:
            yield SummaryFile(folder / SUMMARY)
    except _DAMAGE as error:
        raise RulesearchError(f"what {folder} holds of the run is damaged: {_told(error)}") from error


@contextmanager
def as_damage(folder: Path) -> Iterator[None]:
    """Tell of a text that a run left and that cannot be read that the run is damaged, and where it lies.

    **Raises:** `RulesearchError`.
    """
    try:
        yield
    except RulesearchError as error:
        raise RulesearchError(f"what {folder} holds of the run is damaged: {error}") from error


def _told(error: BaseException) -> str:
    return f"there is no {error}" if isinstance(error, KeyError) else str(error) or repr(error)
