"""Runs beside each other: what searches with several seeds and engines found, by experiment and engine.

Runs are of one group where nothing but the seed differs in what they were told; what else differs within an experiment
and engine is said beside its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rulesearch.errors import RulesearchError, UnfinishedRunError
from rulesearch.evaluation.records import run_folder, runs_in
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.run import Run
from rulesearch.workflow.shown_losses import died

_NAMED = ("name", "engine", "seed", "description")


class Middle(NamedTuple):
    """The median of some numbers, and their quartiles."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RunGroup:
    """Runs of one experiment by one engine.

    **Fields:** `variant`: what else the runs were told, where that differs from other groups (`budget 2000`); `runs`
    by seed.
    """

    experiment: str
    engine: str
    variant: str
    runs: tuple[Run, ...]

    @property
    def label(self) -> str:
        """`oja, deap, budget 2000`."""
        return ", ".join(filter(None, (self.experiment, self.engine, self.variant)))

    @property
    def loss(self) -> Middle | None:
        """Of rank 1, on what it was chosen by."""
        return middle([run.members[0].loss for run in self.runs if run.members])

    @property
    def held_out_loss(self) -> Middle | None:
        """Of rank 1, held out; None where nothing is."""
        return middle([loss for run in self.runs if run.members and (loss := run.members[0].held_out_loss) is not None])

    @property
    def died(self) -> int:
        """How many runs have a rank 1 that did not run to its end on what was held out."""
        return sum(died(run.members[0], run.held_out_on) for run in self.runs if run.members)

    @property
    def solved(self) -> int:
        """How many runs solved their task."""
        return sum(run.solved or run.conclusion.startswith("solved:") for run in self.runs)

    @property
    def hits(self) -> list[int]:
        """Distinct rules tried up to the first that did as well as the known one on the seeds of the search, of the
        runs that found one."""
        return [run.effort["first_hit"] for run in self.runs if run.effort and run.effort.get("first_hit") is not None]


def middle(values: Sequence[float]) -> Middle | None:
    """Return median and quartiles, None of nothing."""
    if not values:
        return None
    median, low, high = (float(each) for each in np.quantile(np.asarray(values, dtype=np.float64), (0.5, 0.25, 0.75)))
    return Middle(median, low, high)


def grouped_runs(runs: Iterable[Run]) -> list[RunGroup]:
    """Return runs by experiment, engine and whatever they were told besides their seed."""
    groups: dict[tuple[str, str, str], list[Run]] = {}
    every = list(runs)
    told = {id(run): _told(run.experiment) for run in every}
    for run in every:
        name, engine = run.experiment.name, run.experiment.engine
        beside = [told[id(each)] for each in every if (each.experiment.name, each.experiment.engine) == (name, engine)]
        words = [
            f"{key} {value}" for key, value in told[id(run)].items() if any(other.get(key) != value for other in beside)
        ]
        groups.setdefault((name, engine, ", ".join(words)), []).append(run)
    return [
        RunGroup(*key, tuple(sorted(found, key=lambda run: (run.experiment.seed, str(run.folder)))))
        for key, found in sorted(groups.items())
    ]


def open_runs(places: Iterable[str | Path]) -> tuple[list[Run], list[str], list[str]]:
    """Return the runs that places are or hold, each once, the folders of those cut off, and of those damaged.

    **Raises:** `RulesearchError` where a place is no folder, or no run is found.
    """
    folders: dict[Path, None] = {}
    for place in map(run_folder, places):
        if not place.is_dir():
            raise RulesearchError(f"there is no folder {place}")
        held = runs_in(place)
        if not held:
            raise RulesearchError(f"no runs in {place}; start one with: rulesearch discover oja")
        folders |= dict.fromkeys(held)
    found, unfinished, damaged = [], [], []
    for folder in folders:
        try:
            found.append(Run.open(folder))
        except UnfinishedRunError:
            unfinished.append(str(folder))
        except RulesearchError:
            damaged.append(str(folder))
    return found, unfinished, damaged


def _told(experiment: Experiment) -> dict[str, str]:
    """Return what a search was told besides name, engine and seed, as text by key; tables key by key."""
    words: dict[str, str] = {}
    for each in fields(experiment):
        value: Any = getattr(experiment, each.name)
        if each.name in _NAMED:
            continue
        if isinstance(value, dict):
            words |= {name: _text(item) for name, item in value.items()}
        else:
            words[each.name] = _text(value)
    return words


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
