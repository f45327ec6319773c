"""What a search remembers of every function it met: size and outcome, in little room."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from rulesearch.evaluation.outcome import Outcome

_UNKNOWN = -1
_LARGEST = 3e38


class Memory:
    """Sizes and screening outcomes by fingerprint, some 150 bytes each.

    Of an outcome that is not `ok` the status alone is kept, of the others loss, metrics, counted work, and cases to
    single precision, but no single trials.
    """

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._sizes = array("H")
        self._begins = array("q")
        self._layouts = array("h")
        self._numbers = array("d")
        self._cases = array("f")
        self._case_begins = array("q")
        self._known_layouts: list[tuple[tuple[str, ...], int]] = []
        self._dead: list[Outcome] = []

    def __len__(self) -> int:
        return len(self._sizes)

    def size(self, key: str) -> int | None:
        """Return the least size a function was met at, None where it was not."""
        place = self._places.get(_number(key))
        return None if place is None else self._sizes[place]

    def meet(self, key: str, size: int) -> int:
        """Note that a function was met at a size; return its place."""
        place = self._places.setdefault(_number(key), len(self._sizes))
        if place == len(self._sizes):
            self._sizes.append(size)
            self._begins.append(_UNKNOWN)
            self._layouts.append(0)
            self._case_begins.append(0)
        else:
            self._sizes[place] = min(size, self._sizes[place])
        return place

    def screened(self, key: str) -> bool:
        """Return whether the outcome of a function is known."""
        place = self._places.get(_number(key))
        return place is not None and self._begins[place] != _UNKNOWN

    def keep(self, key: str, size: int, outcome: Outcome) -> None:
        """Keep the outcome of a function."""
        place = self.meet(key, size)
        if outcome.loss is not None:
            self._begins[place] = len(self._numbers)
            self._layouts[place] = self._layout(outcome.metrics, len(outcome.cases))
            self._numbers.extend((outcome.loss, outcome.work, *outcome.metrics.values()))
            self._case_begins[place] = len(self._cases)
            cases = outcome.cases
            if cases and not (min(cases) >= -_LARGEST and max(cases) <= _LARGEST):
                cases = tuple(min(max(case, -_LARGEST), _LARGEST) for case in cases)
            self._cases.extend(cases)
        else:
            self._begins[place] = 0
            self._layouts[place] = -1 - self._status(outcome.status)

    def outcome(self, key: str) -> Outcome:
        """Return the outcome of a function that was screened."""
        place = self._places[_number(key)]
        layout = self._layouts[place]
        if layout < 0:
            return self._dead[-1 - layout]
        names, cases = self._known_layouts[layout]
        begin = self._begins[place]
        loss, work, *values = self._numbers[begin : begin + 2 + len(names)]
        first = self._case_begins[place]
        metrics = dict(zip(names, values, strict=True))
        return Outcome("ok", loss, metrics, tuple(self._cases[first : first + cases]), int(work))

    def _layout(self, metrics: Mapping[str, float], cases: int) -> int:
        layout = tuple(metrics), cases
        if layout not in self._known_layouts:
            self._known_layouts.append(layout)
        return self._known_layouts.index(layout)

    def _status(self, status: str) -> int:
        for number, outcome in enumerate(self._dead):
            if outcome.status == status:
                return number
        self._dead.append(Outcome(status, None))
        return len(self._dead) - 1


def _number(key: str) -> int:
    # 64 of the 96 bits: two of a million functions share them by chance of 3e-8.
    return int(key[:16], 16)
