"""What a task gives back: the result of a trial, and what went on in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one rule on one seed.

    **Fields:** `status` (see `simulate.codes.STATUS`); `loss`, at least 0, None unless `ok`; `metrics` by name;
    `cases`: the losses of parts of the trial (data sets, say), which the loss is the mean of; `work`: counted work
    (synaptic updates); `died_at`: share of the trial that was simulated before it ended early, 1 where it ran to the
    end; `details`: metrics that are rows of numbers; where the loss is a mean of squares, its `residuals` let
    numbers be fitted by least squares.
    """

    status: str
    loss: float | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    cases: tuple[float, ...] = ()
    work: int = 0
    died_at: float = 1.0
    details: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def losses_of(trials: Iterable[Trial]) -> tuple[float, ...]:
    """Return the losses of the trials that ran to their end."""
    return tuple(trial.loss for trial in trials if trial.loss is not None)


@dataclass(frozen=True, slots=True)
class Activity:
    """What synapses saw while rules acted on a task, and what became of their weights.

    **Fields:** `series`: `(steps, synapses)` by symbol, what a rule reads at each step (tasks with steps); `trains`:
    presynaptic and postsynaptic spike times of some synapses [s], each with the `weights_before`; `times` (steps, or s)
    and `weights` `(times, synapses)` on the way.
    """

    series: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    trains: tuple[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]], ...] = ()
    weights_before: tuple[float, ...] = ()
    times: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    weights: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True, slots=True)
class TimeCourse:
    """How one quantity went while rules acted on a task.

    **Fields:** `name` with its unit; `times` in the task's clock and `values` `(times,)`; `target`: where it should
    end, None where nothing is asked of it.
    """

    name: str
    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    target: float | None = None
