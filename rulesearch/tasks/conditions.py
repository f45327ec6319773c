"""What can be changed of a task to see whether a rule still holds: conditions as data, made from its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rulesearch.errors import RulesearchError
from rulesearch.tasks.declaration import Setting, Settings


@dataclass(frozen=True, slots=True)
class Times:
    """A factor by which a setting changes."""

    factor: float


Change = Mapping[str, "float | Times"]
"""Settings that change together, each to a value or by a factor."""


@dataclass(frozen=True, slots=True)
class Stress:
    """What of a task a stress test changes.

    Each field is a list of changes, every one of which is a condition of its own; or a text, why the task has none;
    or None: it follows from the names of the task's settings, as `KINDS` says.

    **Fields:** `alone`: why activity of one side of a synapse alone means nothing in the task; empty where it does.
    """

    step: Sequence[Change] | str | None = None
    size: Sequence[Change] | str | None = None
    duration: Sequence[Change] | str | None = None
    start: Sequence[Change] | str | None = None
    inputs: Sequence[Change] | str | None = None
    noise: Sequence[Change] | str | None = None
    missing: Sequence[Change] | str | None = None
    alone: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change.

    **Fields:** `field` of `Stress` that tells of it; `names` of settings that it is about, of which a task's first one
    counts where it says nothing itself; `changes` of that setting; `lacks`: what a task without one of them lacks.
    """

    name: str
    field: str
    names: tuple[str, ...]
    changes: tuple[float | Times, ...]
    lacks: str


KINDS = (
    Kind("halved time step", "step", ("dt",), (Times(0.5),), "a time step"),
    Kind("twice the network", "size", ("neurons", "afferents", "units", "dims", "inputs"), (Times(2.0),), "its size"),
    Kind(
        "ten times as long",
        "duration",
        ("learning", "seconds", "presentations", "points", "stimuli", "steps", "trials"),
        (Times(10.0),),
        "its time",
    ),
    Kind("other initial weights", "start", ("w_start",), (Times(0.5), Times(2.0)), "its first weights"),
    Kind("other input rates", "inputs", ("rate", "input_rate", "background"), (Times(0.5), Times(2.0)), "its input"),
    Kind("noise in the weights", "noise", ("weight_noise",), (0.2,), "noise in weights"),
    Kind("one in ten synapses missing", "missing", ("missing",), (0.1,), "missing synapses"),
)
"""The kinds of changes, in the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: its kind, and the settings that change, before and after; without any, why there are none.

    **Fields:** `cost`: about how much longer a simulation takes under it.
    """

    kind: str
    changes: Mapping[str, tuple[float, float]]
    reason: str = ""
    cost: float = 1.0

    @property
    def settings(self) -> dict[str, float]:
        """The settings that change, as they are then."""
        return {name: after for name, (_, after) in self.changes.items()}

    def text(self, declared: Mapping[str, Setting]) -> str:
        """Return the changes in words, such as `dt 0.1 -> 0.05 ms`, with the units of the declared settings."""
        return ", ".join(
            f"{name} {before:g} -> {after:g} {declared[name].unit}".rstrip()
            for name, (before, after) in self.changes.items()
        )


def conditions(stress: Stress, declared: Mapping[str, Setting], settings: Settings) -> Iterator[Condition]:
    """Yield the conditions of a task with these settings, kind by kind; each kind at least once.

    **Arguments:** `declared`: the task's settings; `settings`: their values.
    **Raises:** `RulesearchError` where the task changes a setting that it does not have.
    """
    for kind in KINDS:
        given = getattr(stress, kind.field)
        if given is None:
            name = next((each for each in kind.names if each in declared), None)
            lacking = f"it has no setting for {kind.lacks}, such as {kind.names[0]}"
            given = lacking if name is None else [{name: to} for to in kind.changes]
        if isinstance(given, str):
            yield Condition(kind.name, {}, given)
            continue
        for change in given:
            yield _condition(kind, change, settings)


def _condition(kind: Kind, change: Change, settings: Settings) -> Condition:
    changes = {}
    for name, to in change.items():
        if name not in settings:
            raise RulesearchError(f"the task's stress changes {name!r}, which is none of its settings")
        before = settings[name]
        after = before * to.factor if isinstance(to, Times) else to
        if after != before:
            changes[name] = before, after
    if not changes:
        return Condition(kind.name, changes, f"{' and '.join(change)} would not change")
    ratios = [abs(after / before) for before, after in changes.values() if before and after]
    longer = kind.field in ("step", "size", "duration")
    return Condition(kind.name, changes, cost=max(1.0, *ratios, *(1.0 / each for each in ratios)) if longer else 1.0)
