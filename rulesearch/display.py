"""How results show themselves in a notebook: what draws them stands on a floor above, and is named by the face."""

from __future__ import annotations

TYPE_CHECKING = False
"""Type checkers take it for true; see `rulesearch`, which imports this module."""

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_drawer: Callable[[Any], str] | None = None


def draw_with(drawer: Callable[[Any], str]) -> None:
    """Let a function return the HTML of results."""
    global _drawer
    _drawer = drawer


def html(result: object) -> str | None:
    """Return the HTML of a result; None, so that its text is shown, where nothing draws results."""
    return None if _drawer is None else _drawer(result)
