"""What a script gives to the calls of the package: numbers and lists, anything else refused in one sentence."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rulesearch.errors import RulesearchError, shown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BY_NAME = (dict, Mapping)
"""What has values by name. A search makes many rules: whether something is a `dict` is told much sooner."""

_NUMBERS = (float, Real)


def whole_number(value: object, what: str, low: int) -> int:
    """Return a whole number, which may be written with a point; raises `RulesearchError` where it is none."""
    number = real_number(value, what, "a whole number")
    if not (isinstance(value, Integral) or number.is_integer()):
        raise RulesearchError(f"{what} must be a whole number, found {shown(value)}")
    if number < low:
        raise RulesearchError(f"{what} must be at least {low}, found {shown(value)}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def integer(value: object, what: str, low: int) -> int:
    """Return a number of things, which is not written with a point; raises `RulesearchError` where it is none."""
    if not isinstance(value, Integral):
        raise RulesearchError(f"{what} must be a whole number, found {shown(value)}")
    return whole_number(value, what, low)


def real_number(value: object, what: str, kind: str = "a number") -> float:
    """Return a number; raises `RulesearchError` for a text, a truth value, and whatever else is none."""
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            pass
    raise RulesearchError(f"{what} must be {kind}, found {shown(value)}")


def real_numbers(values: object, what: str, example: str) -> list[float]:
    """Return a list of numbers; raises `RulesearchError` where it is none."""
    if isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping):
        return [real_number(each, f"each of {what}") for each in values]
    raise RulesearchError(f"{what} must be a list of numbers, such as {example}, found {shown(values)}")


def real_array(values: object, what: str) -> npt.NDArray[np.float64]:
    """Return numbers as an array; raises `RulesearchError` for text, complex numbers, and whatever else is none."""
    import numpy as np

    try:
        found = np.asarray(values)
    except (TypeError, ValueError):
        raise RulesearchError(f"{what} must be numbers in rows of one length, found {shown(values)}") from None
    if found.dtype.kind not in "biuf":
        raise RulesearchError(f"{what} must be real numbers, found {shown(values)}")
    return found.astype(np.float64, copy=False)


def several(values: object, kinds: type | tuple[type, ...], what: str) -> list[Any]:
    """Return what is given one by one; what is of one of the kinds is itself the only one.

    **Raises:** `RulesearchError` where it is neither that nor a list.
    """
    if isinstance(values, kinds):
        return [values]
    if isinstance(values, Iterable) and not isinstance(values, bytes | Mapping):
        return list(values)
    raise RulesearchError(f"{what} must be one, or a list of them, found {shown(values)}")


def named(values: object, what: str, example: str) -> Mapping[str, Any]:
    """Return values by name; raises `RulesearchError` where they have no names."""
    if isinstance(values, BY_NAME):
        return values
    raise RulesearchError(f"{what} are given by name, such as {example}, found {shown(values)}")


def file_path(value: object, what: str) -> Path:
    """Return the path of a file; raises `RulesearchError` where it is none."""
    if isinstance(value, str | os.PathLike):
        return Path(value)
    raise RulesearchError(f"{what} must be the name of a file, found {shown(value)}")
