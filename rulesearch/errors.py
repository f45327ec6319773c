"""The errors that a person can mend; each is one line: what was found, where, what was expected, what to type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_LONGEST_WORD = 300
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD},}}")


class RulesearchError(Exception):
    """The user's input is wrong. The command line prints the message and ends with exit code 2.

    **Arguments:** `message`: one line; a name or path of thousands of characters is cut in it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_LONG_WORD.sub(lambda found: f"{found[0][: _LONGEST_WORD - 3]}...", message))


class ParseError(RulesearchError):
    """A text does not follow the rule language.

    **Arguments:** `reason` says what was found and what was expected; `text` is the whole text;
    `column` counts from 1.
    """

    def __init__(self, reason: str, text: str, column: int) -> None:
        shown = text if len(text) <= 60 else text[:57] + "..."
        super().__init__(f"column {column} of {shown!r}: {reason}")
        self.reason = reason
        self.text = text
        self.column = column

    def __reduce__(self) -> tuple[type[ParseError], tuple[str, str, int]]:
        """Come whole from a worker process."""
        return type(self), (self.reason, self.text, self.column)


class MissingPartError(RulesearchError):
    """An optional part is not installed. The command line ends with exit code 3; the message says what to install."""


class UnfinishedRunError(RulesearchError):
    """A run was cut off before it ended; it can be resumed."""


def shown(value: object) -> str:
    """Return a value of a user's file for a message: one short line, whatever it holds."""
    try:
        text = " ".join(repr(value).split())
    except (RecursionError, ValueError):
        # Nested too deeply, or a whole number of thousands of digits.
        text = f"something very long of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def why(error: Exception) -> str:
    """Return what went wrong in one line; an error that is not the user's comes with its kind."""
    text = " ".join(str(error).split())
    return text if isinstance(error, RulesearchError) else f"{type(error).__name__}: {text}".removesuffix(": ")


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """Return ` (did you mean 'oja'?)`, or the list of choices where none is near."""
    options = sorted(choices)
    near = difflib.get_close_matches(str(word), options, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there is: {', '.join(options)}" if options else ""
