"""Files that the user names: their text, within limits, and the names that files are given."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from rulesearch.errors import RulesearchError

MAX_BYTES = 262_144
"""Size of the largest file of settings, rules or grammars that is read."""

_LONGEST_NAME = 200
_NAME = re.compile(r"\w[\w .+-]*")


def read_text(path: str | Path, most: int = MAX_BYTES) -> str:
    """Return the text of a file in UTF-8.

    **Arguments:** `most`: bytes that it may have.
    **Raises:** `RulesearchError` where there is no such file, or it cannot be read.
    """
    try:
        return read_bytes(path, most).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise RulesearchError(f"{_short(path)} cannot be read: it is not UTF-8 text") from None


def read_bytes(path: str | Path, most: int) -> bytes:
    """Return the content of a file; arguments and errors as of `read_text`."""
    try:
        with open(path, "rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError:
        reason = "no file has such a name"
    else:
        if len(content) > most:
            raise RulesearchError(f"{_short(path)} is larger than {most} bytes; a file of its kind has at most that")
        return content
    raise RulesearchError(f"{_short(path)} cannot be read: {reason}")


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return what a text in TOML holds; raises `RulesearchError` where it is none, or nested too deeply."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise RulesearchError(f"{where}: not TOML: brackets are nested too deeply") from None
    except ValueError as error:
        raise RulesearchError(f"{where}: not TOML: {error}") from None


def toml_value(value: object) -> str:
    """Return a text, a number, or a list of such, as TOML writes it."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        escaped = "".join(f"\\u{ord(one):04x}" if one < " " or one == "\x7f" else one for one in escaped)
        return f'"{escaped}"'
    return repr(value)


def toml_key(name: str) -> str:
    """Return a name as the key of a TOML table."""
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else toml_value(name)


def plain_name(name: str, where: str) -> str:
    """Return a name if a file can bear it wherever it stands: no folders, nothing that a terminal would not show.

    **Raises:** `RulesearchError` where it is none.
    """
    if not _NAME.fullmatch(name) or len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise RulesearchError(
            f"{where}: a name has letters, digits, spaces and . + - _, begins with a letter or digit and has at most "
            f"{_LONGEST_NAME} bytes; found {_short(repr(name))}"
        )
    return name


def name_from(text: str) -> str:
    """Return the nearest plain name to a text."""
    return re.sub(r"[^\w.+-]+", "-", text)[:48].lstrip(".+-") or "unnamed"


def _short(text: str | Path) -> str:
    shown = str(text)
    return shown if len(shown) <= 100 else f"{shown[:97]}..."
