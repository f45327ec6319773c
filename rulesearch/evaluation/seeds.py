"""Seeds: three disjoint sets of trial seeds per run, and generators for each part of it.

Trial seeds are plain integers, so that `rulesearch evaluate RULE --first-seed K` repeats any of them.
"""

from __future__ import annotations

import numpy as np

_RUN = 1_000_000
_ROLE = {"search": 0, "selection": 400_000, "report": 800_000}


def trial_seeds(run_seed: int, role: str, count: int) -> tuple[int, ...]:
    """Return the first trial seeds of a role: `search`, `selection` (clean-up) or `report` (looked at once)."""
    first = run_seed * _RUN + _ROLE[role]
    return tuple(range(first, first + count))


def generator(run_seed: int, *path: int) -> np.random.Generator:
    """Return the generator of one part of a run, named by whole numbers such as (generation, island)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(run_seed, spawn_key=path)))
