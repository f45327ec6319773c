"""Selection of parents: epsilon-lexicase over cases (data sets, conditions).

La Cava, Spector & Danai 2016 (doi:10.1145/2908812.2908898): cases are taken in random order, and candidates
worse than the best by more than the case's median absolute deviation drop out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rulesearch.search.candidate import Candidate
from rulesearch.tasks.task import Requirement


class Lexicase:
    """Chooses parents from candidates by their screening cases.

    **Arguments:** `pool`: candidates whose screening ran to its end. What a candidate lacks of the task's
    requirements is one more case.
    """

    def __init__(self, pool: Sequence[Candidate], requirements: Sequence[Requirement], floor: float) -> None:
        self.pool = list(pool)
        rows = []
        for candidate in self.pool:
            assert candidate.screen is not None
            lacks = [min(item.shortfall(candidate.screen.metrics), 1e12) for item in requirements]
            rows.append([*candidate.screen.cases, *lacks])
        self.errors: npt.NDArray[np.float64] = np.maximum(np.array(rows, dtype=np.float64), floor)

    def choose(self, rng: np.random.Generator) -> Candidate:
        """Return one parent."""
        alive = np.arange(len(self.pool))
        for case in rng.permutation(self.errors.shape[1]):
            column = self.errors[alive, case]
            tolerance = np.median(np.abs(column - np.median(column)))
            alive = alive[column <= column.min() + tolerance]
            if len(alive) == 1:
                break
        return self.pool[int(alive[int(rng.random() * len(alive))])]
