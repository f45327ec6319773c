"""Selection of parents: epsilon-lexicase over cases (data sets, conditions).

La Cava, Spector & Danai 2016 (doi:10.1145/2908812.2908898), with the dynamic epsilon of that paper: cases are
taken in random order, and candidates worse than the best of those left by more than the median absolute
deviation among them drop out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.search.candidate import Candidate
from rulesearch.simulate.machine.kernel import compiled
from rulesearch.tasks.declaration import Requirement

_FAR = 1e12
_AHEAD = 32


class Lexicase:
    """Chooses parents from candidates by their screening cases.

    **Arguments:** `pool`: candidates whose screening ran to its end. What a candidate lacks of the task's
    requirements is one more case each; errors below `floor` count as equal. In cases that were left out, since others
    were hopeless, a candidate is behind all others.
    """

    def __init__(self, pool: Sequence[Candidate], requirements: Sequence[Requirement], floor: float) -> None:
        self.pool = list(pool)
        rows = []
        most = max((len(candidate.screen.cases) for candidate in self.pool), default=0)
        for candidate in self.pool:
            cases = candidate.screen.cases
            lacks = [min(item.shortfall(candidate.screen.metrics), _FAR) for item in requirements]
            rows.append([*cases, *[_FAR] * (most - len(cases)), *lacks])
        self._ahead: list[int] = []
        self.errors: npt.NDArray[np.float64] = np.maximum(np.array(rows, dtype=np.float64), floor)

    def choose(self, rng: np.random.Generator) -> Candidate:
        """Return one parent; several are drawn ahead."""
        if not self._ahead:
            draws = rng.random((_AHEAD, self.errors.shape[1] + 1))
            self._ahead = _choose(self.errors, draws).tolist()
        return self.pool[self._ahead.pop()]


@compiled()
def _choose(errors: Any, draws: Any) -> Any:
    """Return one row of `(candidates, cases)` for each row of random numbers `(parents, cases + 1)`."""
    chosen = np.empty(draws.shape[0], dtype=np.int64)
    for parent in range(draws.shape[0]):
        left = _filter(errors, np.argsort(draws[parent, :-1]))
        chosen[parent] = left[int(draws[parent, -1] * left.size)]
    return chosen


@compiled()
def _filter(errors: Any, order: Any) -> Any:
    """Return the rows of `(candidates, cases)` that are left after all cases."""
    left = np.arange(errors.shape[0])
    for case in order:
        column = errors[left, case]
        tolerance = np.median(np.abs(column - np.median(column)))
        left = left[column <= column.min() + tolerance]
        if left.size == 1:
            break
    return left
