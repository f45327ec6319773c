"""Calls of the package: an argument that there is not is told by its name, with the nearest one that there is."""

from __future__ import annotations

TYPE_CHECKING = False
"""Type checkers take it for true; see `rulesearch`, which imports this module."""

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

_ANY_NUMBER, _ANY_NAME = 0x04, 0x08
"""The flags of a function that takes any number of arguments, or arguments of any name, which it looks at itself."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function, which refuses arguments that it does not have, or that are missing, in one sentence.

    **Raises:** where it is called, `RulesearchError`.
    """
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    needed = names[: code.co_argcount - len(function.__defaults__ or ())]
    any_name, any_number = bool(code.co_flags & _ANY_NAME), bool(code.co_flags & _ANY_NUMBER)

    def call(*given: P.args, **options: P.kwargs) -> R:
        unknown = next((name for name in options if name not in names), None)
        missing = [name for name in needed[len(given) :] if name not in options]
        if (unknown is not None and not any_name) or missing or (len(given) > code.co_argcount and not any_number):
            _refuse(function.__name__, names, missing, unknown, code.co_argcount)
        return function(*given, **options)

    for attribute in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__"):
        setattr(call, attribute, getattr(function, attribute))
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


def _refuse(name: str, names: tuple[str, ...], missing: list[str], unknown: str | None, most: int) -> None:
    from rulesearch.errors import RulesearchError, did_you_mean

    if unknown is not None:
        raise RulesearchError(f"{name} has no argument {unknown!r}{did_you_mean(unknown, names)}")
    if missing:
        raise RulesearchError(f"{name} needs {' and '.join(missing)}; see: help(rulesearch.{name})")
    of = f"{most} argument{'s' * (most != 1)}"
    raise RulesearchError(f"{name} takes at most {of} without a name; it has: {', '.join(names)}")
