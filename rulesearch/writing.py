"""Writing of files: complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from rulesearch import interruption
from rulesearch.errors import RulesearchError


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path` and put it in its place; what stood there stays until then.

    **Raises:** `RulesearchError` where the file cannot be written.
    """
    if "\0" in str(path):
        raise RulesearchError(f"{str(path)!r} cannot be written: no file has such a name")
    if os.path.isdir(path):
        raise RulesearchError(f"{path} is a folder; give the name of a file in it")
    if not os.path.isdir(path.parent):
        raise RulesearchError(
            f"there is no folder {path.parent}; make it first, or choose another place for {path.name}"
        )
    special = os.path.exists(path) and not os.path.isfile(path)
    # A device or pipe is written to, never replaced.
    place = path if special else path.with_name(f".{os.getpid()}-{path.name}")
    if not special:
        interruption.unfinished.add(place)
    try:
        write(place)
        if not special:
            place.replace(path)
    except OSError as error:
        raise RulesearchError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        if not special and os.path.lexists(place):
            place.unlink()
        interruption.unfinished.discard(place)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; raises `RulesearchError` where that is not possible."""
    write_file(path, lambda place: place.write_text(text, "utf-8"))
