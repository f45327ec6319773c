"""The archive: the best candidates of every size, and the front they make."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from rulesearch.search.candidate import Candidate
from rulesearch.tasks.declaration import Requirement

_KEPT_PER_SIZE = 20


class Archive:
    """Keeps the best few fully evaluated candidates of each size, of each structure the one with the best constants."""

    def __init__(self, requirements: Sequence[Requirement]) -> None:
        self.requirements = requirements
        self._by_size: dict[int, list[Candidate]] = {}

    def _rank(self, candidate: Candidate) -> tuple[float, float]:
        return candidate.full.rank_key(self.requirements)

    def add(self, candidate: Candidate) -> None:
        """Enter a candidate that was evaluated at full fidelity."""
        if not candidate.full.ok:
            return
        row = self._by_size.setdefault(candidate.size, [])
        rank = self._rank(candidate)
        if len(row) == _KEPT_PER_SIZE and rank >= self._rank(row[-1]):
            return
        form = candidate.form
        for index, other in enumerate(row):
            if other.form == form:
                if rank >= self._rank(other):
                    return
                del row[index]
                break
        insort(row, candidate, key=self._rank)
        del row[_KEPT_PER_SIZE:]

    def shorter(self, other: Candidate) -> None:
        """Take over a shorter form of a function that the archive holds in a longer one."""
        for size, row in self._by_size.items():
            for index, candidate in enumerate(row):
                if candidate.key == other.key and other.size < size:
                    other.screen, other.full = candidate.screen, candidate.full
                    other.known, other.rank = candidate.known, candidate.rank
                    del row[index]
                    self.add(other)
                    return

    def members(self) -> list[Candidate]:
        """Return all candidates, smallest first, the best of each size first."""
        return [candidate for size in sorted(self._by_size) for candidate in self._by_size[size]]

    def front(self) -> list[Candidate]:
        """Return the candidates that are strictly better than every smaller one, smallest first."""
        found: list[Candidate] = []
        for size in sorted(self._by_size):
            for candidate in self._by_size[size][:1]:
                if not found or self._rank(candidate) < self._rank(found[-1]):
                    found.append(candidate)
        return found

    def best(self) -> Candidate | None:
        """Return the best candidate of any size."""
        front = self.front()
        return front[-1] if front else None
