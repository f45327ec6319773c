"""The kinds of values that a run was written with, checked where it is read back: its files can be edited by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rulesearch.errors import shown

_NAMES = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}


def optional(kind: Any) -> Any:
    """Return the kind of what may be null instead."""
    return (kind,)


def check_kinds(value: Any, kind: Any, where: str) -> None:
    """Check that a value of JSON is of a kind.

    **Arguments:** `kind`: `float`, `int`, `str` or `bool`; what `optional` returns; `[kind]`: a list; `{str: kind}`: an
    object of any names; `{"name": kind, ...}`: an object, of which it is for its reader to say what it must have.
    **Raises:** `TypeError` with the place, what was expected there, and what was found.
    """
    if isinstance(kind, tuple):
        if value is not None:
            check_kinds(value, kind[0], where)
    elif isinstance(kind, list):
        _check(isinstance(value, list | tuple), value, "a list", where)
        for place, each in enumerate(value):
            check_kinds(each, kind[0], f"{where}[{place}]")
    elif isinstance(kind, Mapping):
        _check(isinstance(value, Mapping), value, "an object", where)
        for name, each in value.items():
            if str in kind or name in kind:
                check_kinds(each, kind[str if str in kind else name], f"{where}.{name}")
    else:
        _check(isinstance(value, (int, float) if kind is float else kind), value, _NAMES[kind], where)


def _check(holds: bool, value: Any, wanted: str, where: str) -> None:
    if not holds:
        raise TypeError(f"{where} must be {wanted}, found {shown(value)}")
