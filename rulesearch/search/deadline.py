"""The time of a search: when it is over, and that a search that is replayed ends where it ended before."""

from __future__ import annotations

import json

from rulesearch.evaluation.store import Store

_TIME_UP = "time was up"


class TimeIsUp(Exception):
    """The time of a search is over: leaves an engine from within a generation."""


class Deadline:
    """Says before each batch and after each generation whether the time is over.

    **Arguments:** `limit` [s], None for none; `store`: keeps where it was over, None for nowhere.
    """

    def __init__(self, limit: float | None, store: Store | None) -> None:
        self.limit = limit
        self._store = store
        self._batches = 0
        self._paces: dict[str, tuple[float, int]] = {}
        told = store.fact(_TIME_UP) if store is not None and limit is not None else None
        self._over_at: list[int] | None = None if told is None else json.loads(told)

    def begin(self, fidelity: str, jobs: int, seconds: float, may_leave: bool) -> None:
        """Begin a batch.

        **Arguments:** `jobs`: simulations in it that are not known yet; `seconds` since the search began; `may_leave`:
        whether there is a rule already, without which no search ends.
        **Raises:** `TimeIsUp` where it would take longer than there is time.
        """
        self._batches += 1
        if self.limit is None or not may_leave:
            return
        if self._over_at is not None:
            late = self._over_at == [self._batches, 0]
        else:
            took, ran = self._paces.get(fidelity, (0.0, 0))
            late = seconds + (took / ran * jobs if ran else 0.0) > self.limit
        if late:
            self._note(0)
            raise TimeIsUp

    def took(self, fidelity: str, jobs: int, seconds: float) -> None:
        """Take note of how long a batch took."""
        before, ran = self._paces.get(fidelity, (0.0, 0))
        self._paces[fidelity] = before + seconds, ran + jobs

    def is_over(self, seconds: float) -> bool:
        """Return whether the time is over at the end of a generation, so many seconds since the search began."""
        if self.limit is None:
            return False
        if self._over_at is not None:
            return self._over_at == [self._batches, 1]
        if seconds < self.limit:
            return False
        self._note(1)
        return True

    def _note(self, at_the_end: int) -> None:
        if self._over_at is None:
            self._over_at = [self._batches, at_the_end]
            if self._store is not None:
                self._store.set_fact(_TIME_UP, json.dumps(self._over_at))
