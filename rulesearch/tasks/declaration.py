"""What a task declares of itself: symbols of its rules, settings, fidelities, and what it requires of metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.states import State
from rulesearch.simulate.damage import Damage

Settings = Mapping[str, float]
"""Value of every setting of a task, whole numbers as float."""


@dataclass(frozen=True, slots=True)
class TaskSymbol:
    """A symbol that rules of the task may read.

    **Fields:** `meaning`; `unit`; `state`: its default definition where it is a trace or a low-pass that a rule
    may declare otherwise (None: the network provides it).
    """

    meaning: str
    unit: str = ""
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that `--set name=value` changes.

    **Fields:** `default`; `meaning`; `low` and `high`: allowed range; `whole`: only whole numbers; `unit`.
    """

    default: float
    meaning: str
    low: float
    high: float
    whole: bool = False
    unit: str = ""


PERMUTATION = Setting(0, "0: targets as they are; above: permuted at random, from this seed", 0, 2**31 - 1, whole=True)
"""The setting `permutation` of tasks whose targets can be permuted, so that there is nothing to find."""


WEIGHT_NOISE = Setting(0.0, "relative s.d. of a factor on each weight at the start; static ones keep it", 0.0, 10.0)
MISSING = Setting(0.0, "share of the synapses that are not there", 0.0, 0.9)
DAMAGE: Mapping[str, Setting] = {"weight_noise": WEIGHT_NOISE, "missing": MISSING}
"""Settings of tasks whose synapses can be damaged; see `damage_of`."""


def damage_of(settings: Settings) -> Damage:
    """Return the damage that the settings ask for; none of a kind that a task has no setting for."""
    return Damage(settings.get("weight_noise", 0.0), settings.get("missing", 0.0))


def permuted_order(count: int, permutation: float) -> npt.NDArray[np.int64]:
    """Return the order in which `count` targets stand under a value of the setting `permutation`."""
    order = np.arange(count)
    if permutation == 0.0 or count < 2:
        return order
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(int(permutation))))
    while np.array_equal(order, np.arange(count)):
        order = rng.permutation(count)
    return order


def screened(number: float, share: float, fidelity: str) -> int:
    """Return how many of a number of things a trial has: at the fidelity `screen` that share, but 1 at least."""
    return max(1, round(number * share)) if fidelity == "screen" else int(number)


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How thoroughly a rule is tried; the cheap ones come first, the last one is the full one.

    **Fields:** `trials`: number of seeds; `description`; `conditions`: settings that differ in each trial (the
    trial k takes entry k modulo their number); `by_luck`: whether its few trials say little of losses that differ
    little: a search then believes a fuller fidelity where a rule was tried at it; `hopeless`: a loss above which a rule
    is not tried at a fuller one, where that is dear, and trials end at either once their mean cannot but be above it;
    None: there is none.
    """

    name: str
    trials: int
    description: str
    conditions: tuple[Mapping[str, float], ...] = ({},)
    by_luck: bool = False
    hopeless: float | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """A metric that must lie between `least` and `most` before a rule counts as solving the task."""

    metric: str
    least: float = -math.inf
    most: float = math.inf

    def shortfall(self, metrics: Mapping[str, float]) -> float:
        """Return how much the metric lies outside; 0 where the requirement is met, infinity where it is missing."""
        value = metrics.get(self.metric, math.nan)
        return max(0.0, self.least - value, value - self.most) if value == value else math.inf

    def __str__(self) -> str:
        if self.most == math.inf:
            return f"{self.metric} at least {self.least:g}"
        if self.least == -math.inf:
            return f"{self.metric} at most {self.most:g}"
        return f"{self.metric} from {self.least:g} to {self.most:g}"


def checked_setting(task: str, name: str, setting: Setting, given: str | float) -> float:
    try:
        if isinstance(given, bool):
            raise ValueError
        value = float(given)
    except (TypeError, ValueError, OverflowError):
        raise RulesearchError(f"setting {name} of task {task} must be a number, found {given!r}") from None
    if not setting.low <= value <= setting.high:
        raise RulesearchError(
            f"setting {name} of task {task} must lie in {setting.low:g} to {setting.high:g}, found {value:g}"
        )
    if setting.whole and value != int(value):
        raise RulesearchError(f"setting {name} of task {task} must be a whole number, found {given}")
    return value
