"""Inputs of trials, drawn once and kept for a while: many rules meet the same seeds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, Protocol, TypeVar

from rulesearch.tasks.declaration import Settings, damage_of


class Sized(Protocol):
    """What says how much memory it takes."""

    @property
    def nbytes(self) -> int:
        """Memory in use [bytes]."""


Kept = TypeVar("Kept", bound=Sized)


class KeptInputs(Generic[Kept]):
    """The latest inputs, by what they were drawn from; any thread may ask.

    **Arguments:** `entries` and `nbytes`: how many are kept, and in how much memory [bytes]; the latest one always is.
    """

    def __init__(self, entries: int, nbytes: int = 400_000_000) -> None:
        self._entries, self._nbytes = entries, nbytes
        self._found: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def drawn(
        self,
        draw: Callable[[int, int, Settings], Kept],
        seed: int,
        number: int,
        settings: Settings,
        names: Iterable[str],
    ) -> Kept:
        """Return what a function draws from a seed, a number and settings.

        **Arguments:** `names` of the settings that it reads, beside those of damage.
        """
        key = (seed, number, *(settings[name] for name in names), damage_of(settings))
        return self.get(key, lambda: draw(seed, number, settings))

    def get(self, key: Hashable, draw: Callable[[], Kept]) -> Kept:
        """Return the input of a key, drawn now where it is not there."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = draw()
        with self._lock:
            self._found[key] = found
            while len(self._found) > self._entries or (
                len(self._found) > 1 and sum(kept.nbytes for kept in self._found.values()) > self._nbytes
            ):
                self._found.popitem(last=False)
        return found
