"""Seeds: roles and runs never share one."""

from __future__ import annotations

import numpy as np

from rulesearch.evaluation.seeds import generator, trial_seeds

ROLES = ("search", "selection", "report")


def test_roles_and_runs_share_no_seed() -> None:
    everything = [seed for run in (0, 1, 2, 999) for role in ROLES for seed in trial_seeds(run, role, 5000)]
    assert len(everything) == len(set(everything))
    assert min(everything) == 0


def test_more_seeds_begin_with_the_fewer() -> None:
    assert trial_seeds(3, "report", 10)[:4] == trial_seeds(3, "report", 4)
    assert trial_seeds(0, "search", 2) == (0, 1)
    assert trial_seeds(5, "search", 0) == ()


def test_generators_are_named_by_their_path() -> None:
    def draw(*path: int) -> list[float]:
        return [float(value) for value in generator(*path).random(3)]

    assert draw(1, 2, 3) == draw(1, 2, 3)
    several = [draw(1), draw(1, 0), draw(1, 0, 0), draw(1, 2, 3), draw(1, 3, 2), draw(2, 2, 3)]
    assert len({tuple(values) for values in several}) == len(several)
    assert isinstance(generator(1), np.random.Generator)
