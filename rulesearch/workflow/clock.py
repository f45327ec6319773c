"""The time that a run may take, shared among its parts: what matters most comes first, what is left out is named.

Without a limit nothing depends on the clock.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rulesearch.tasks.task import Task


class OutOfTime(Exception):
    """The time that a part of a run was given is over."""


class Clock:
    """Counts down from a limit, if there is one.

    **Arguments:** `limit` [s], None for none.
    **Attributes:** `left_out`: what there was no time for, in words.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limited = limit is not None
        self.left_out: list[str] = []
        self._end = math.inf if limit is None else time.monotonic() + limit

    @property
    def left(self) -> float:
        """Seconds that the present part has left, infinite without a limit; below 0 once they are over."""
        return self._end - time.monotonic()

    def check(self, seconds: float = 0.0) -> None:
        """Go on where so many seconds are left.

        **Raises:** `OutOfTime`.
        """
        if self.limited and self.left < seconds:
            raise OutOfTime

    @contextmanager
    def part(self, what: str, share: float = 1.0) -> Iterator[None]:
        """Give what is done under it a share of the time left; where that is not enough it ends, and is noted."""
        whole = self._end
        if self.limited:
            self._end -= (1.0 - share) * max(0.0, self.left)
        try:
            yield
        except OutOfTime:
            self.left_out.append(what)
        finally:
            self._end = whole

    def sentence(self) -> str:
        """Return what was left out, in words; empty for nothing."""
        return f"left out for want of time: {', '.join(self.left_out)}" if self.left_out else ""


_PAGE_SHARE, _PAGE_SECONDS = 0.2, 30.0
_LEAST_SHARE, _LARGEST_SHARE = 0.1, 0.5
_FORMS, _FIRST_FORMS, _VALUES = 30, 2, (22, 8)
"""Trials of a clean-up per rule: forms on one seed each, forms on all; and values of a constant that is calibrated, on
few and on many seeds."""
_SYMBOLIC = 3.0, 0.2
"""Seconds of algebra after a search: of any, and per rule that is cleaned up."""


def without_page(limit: float | None) -> float | None:
    """Return what of a limit [s] is left when the page gets its share."""
    return None if limit is None else limit - min(_PAGE_SHARE * limit, _PAGE_SECONDS)


def kept_after(left: float, trial: float, task: Task) -> float:
    """Return how many of the seconds left are kept for what comes after a search.

    **Arguments:** `trial`: seconds of one trial at full fidelity.
    """
    return min(_LARGEST_SHARE * left, max(_LEAST_SHARE * left, seconds_after(trial, task)))


def seconds_after(trial: float, task: Task) -> float:
    """Return about how long clean-up, calibration, scores and verdicts take after a search.

    **Arguments:** `trial`: seconds of one trial at full fidelity.
    """
    protocol = task.protocol
    chosen, judged = protocol.selection_trials, protocol.choosing_trials
    trials = protocol.finalists * (_FORMS + _FIRST_FORMS * chosen + judged) + judged + 10 * protocol.report_trials
    trials += min(1, protocol.calibrated) * (_VALUES[0] * chosen + _VALUES[1] * judged)
    return trials * trial + _SYMBOLIC[0] + protocol.finalists * _SYMBOLIC[1]
