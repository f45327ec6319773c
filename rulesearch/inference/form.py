"""The form of a rule under measurements: what it predicts for every row, as a function of its numbers.

Constants, which keep their signs, time constants and, where the rule gives none, its learning rate are numbers to be
fitted; each is one for all rows, or one for each preparation.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.measurements.protocols import Measured
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass, Synaptic, Trace
from rulesearch.simulate.synapse.events import Protocols, run_protocols
from rulesearch.simulate.synapse.respond import respond
from rulesearch.simulate.synapse.synapse import with_customary_traces

Array = npt.NDArray[np.float64]

ETA = "eta"
TAU = "tau_"
_TAUS = (1e-3, 10.0)
"""Between what time constants are fitted [s]."""
_FREE = (-math.inf, math.inf)
_KEPT = 512
"""Predictions for a preparation that are kept."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a form.

    **Fields:** `name`; `start`: its value in the rule; `low` and `high`: between what it is fitted; `own`: each
    preparation has one for itself.
    """

    name: str
    start: float
    low: float
    high: float
    own: bool = False

    @property
    def is_time(self) -> bool:
        """Whether it is a time constant [s], which is fitted by its logarithm."""
        return self.name.startswith(TAU)


class Form(ABC):
    """A rule whose numbers are free.

    **Fields:** `rule`; `parameters`; `groups` `(rows,)`: the preparation of each row, as a number; `preparations`:
    their names; `bounds` of the weight.
    """

    def __init__(
        self, rule: Rule, preparations: Sequence[str], own: Iterable[str] = (), fixed: Mapping[str, float] | None = None
    ) -> None:
        self.rule = rule
        self.bounds = rule.bounds or _FREE
        self.preparations = tuple(dict.fromkeys(preparations))
        self.groups = np.array([self.preparations.index(name) for name in preparations])
        self.fixed = dict(fixed or {})
        self.parameters = tuple(_parameters(self.rule, frozenset(own), self.fixed))
        self._known: dict[object, Array] = {}

    @property
    def size(self) -> int:
        """How many numbers are fitted, each of those that preparations have for themselves counted for each."""
        return sum(len(self.preparations) if each.own else 1 for each in self.parameters)

    @property
    def labels(self) -> list[str]:
        """The name of each number that is fitted; with its preparation in brackets where that has its own."""
        return [
            f"{each.name}[{group}]" if each.own else each.name
            for each in self.parameters
            for group in (self.preparations if each.own else ("",))
        ]

    @cached_property
    def each(self) -> tuple[Parameter, ...]:
        """The parameter that each number that is fitted is of."""
        return tuple(each for each in self.parameters for _ in (self.preparations if each.own else ("",)))

    def of_group(self, numbers: Array, group: int) -> dict[str, float]:
        """Return the numbers of a preparation by name, from all numbers that are fitted."""
        found, place = dict(self.fixed), 0
        for parameter in self.parameters:
            found[parameter.name] = float(numbers[place + group * parameter.own])
            place += len(self.preparations) if parameter.own else 1
        return found

    def with_numbers(self, values: Mapping[str, float]) -> Rule:
        """Return the rule with numbers by name; time constants in seconds."""
        constants = {name: value for name, value in values.items() if name in self.rule.constants}
        states = {
            name: replace(state, tau=values[TAU + name]) if TAU + name in values else state
            for name, state in self.rule.states.items()
        }
        return replace(self.rule.with_constants(constants), states=states, eta=values.get(ETA, self._eta))

    @property
    def _eta(self) -> float:
        return 1.0 if self.rule.eta is None else self.rule.eta

    def predictions(self, numbers: Array, rows: npt.NDArray[np.bool_] | None = None) -> Array:
        """Return what the rule predicts for each row, `(rows,)`; nan where it has no number there.

        **Arguments:** `numbers` that are fitted; `rows` that are asked for, all where not given; others are nan.
        """
        found = np.full(len(self.groups), np.nan)
        for group in range(len(self.preparations)):
            here = self.groups == group if rows is None else (self.groups == group) & rows
            if here.any():
                found[here] = self._of_group(self.of_group(numbers, group), here)
        return found

    def _of_group(self, values: Mapping[str, float], rows: npt.NDArray[np.bool_]) -> Array:
        """Return predictions for rows of one preparation; those of the last values are kept.

        Of derivatives most leave a preparation as it was.
        """
        place = rows.tobytes(), tuple(values.values())
        if place not in self._known:
            if len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[place] = self._respond(self.with_numbers(values), rows)
        return self._known[place]

    @abstractmethod
    def _respond(self, rule: Rule, rows: npt.NDArray[np.bool_]) -> Array:
        """Return what a rule predicts for some rows of a preparation."""


class ProtocolForm(Form):
    """A rule of spikes under the protocols of a table.

    Predictions are (w - w_0)/w_0, with the same weight w_0 before each protocol.
    """

    def __init__(
        self,
        rule: Rule,
        rows: Sequence[Measured],
        own: Iterable[str] = (),
        fixed: Mapping[str, float] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(with_customary_traces(rule), [row.preparation for row in rows], own, fixed)
        self.rows, self.weight = tuple(rows), weight
        self._compiled = set(rule.slots) <= {"on_pre", "on_post"} and all(
            isinstance(state, Trace) for state in self.rule.states.values()
        )
        self._protocols: dict[bytes, Protocols] = {}

    def _respond(self, rule: Rule, rows: npt.NDArray[np.bool_]) -> Array:
        chosen = [self.rows[place] for place in np.flatnonzero(rows)]
        if not self._compiled:
            found = [respond(rule, row.pre, row.post, row.repeats, row.every or None, self.weight) for row in chosen]
            return np.array([each.delta_w if each.status == "ok" else np.nan for each in found]) / self.weight
        place = rows.tobytes()
        if place not in self._protocols:
            self._protocols[place] = Protocols.of([row.trains() for row in chosen])
        weights = run_protocols(rule, self._protocols[place], self.weight, rule.eta or 0.0, self.bounds)
        return (weights - self.weight) / self.weight


class ColumnForm(Form):
    """A rule of the columns of a table."""

    def __init__(
        self,
        rule: Rule,
        columns: Mapping[str, Array],
        preparations: Sequence[str],
        own: Iterable[str] = (),
        fixed: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(rule, preparations, own, fixed)
        self.columns = columns

    def _respond(self, rule: Rule, rows: npt.NDArray[np.bool_]) -> Array:
        values = {name: column[rows] for name, column in self.columns.items()}
        with np.errstate(all="ignore"):
            found = rule.slots["on_step"].evaluate({**values, **rule.constant_values()})
        eta = 1.0 if rule.eta is None else rule.eta
        return np.broadcast_to(np.asarray(eta * found, dtype=np.float64), (int(rows.sum()),))


def _parameters(rule: Rule, own: frozenset[str], fixed: Mapping[str, float]) -> list[Parameter]:
    """Return the numbers of a rule that are fitted; the learning rate where the rule gives none.

    **Raises:** `RulesearchError` for a name in `own` or `fixed` that is none of them.
    """
    every = [Parameter(name, value, *_side(value)) for name, value in rule.constant_values().items()]
    for name, state in rule.states.items():
        if isinstance(state, (Trace, Lowpass)) or (isinstance(state, Synaptic) and state.tau is not None):
            low, high = _TAUS
            tau = float(state.tau or 0.0)
            every.append(Parameter(TAU + name, tau, min(low, tau), max(high, tau)))
    if rule.eta is None:
        every.append(Parameter(ETA, 1.0, *_side(1.0)))
    names = [each.name for each in every]
    for given, told in ((own, "own"), (fixed, "fixed")):
        for name in given:
            if name not in names:
                raise RulesearchError(f"{told}: the rule has no number {name!r} to fit{did_you_mean(name, names)}")
    twice = next((name for name in fixed if name in own), None)
    if twice is not None:
        raise RulesearchError(f"{twice} is fixed and own at once; give one of them")
    free = [replace(each, own=each.name in own) for each in every if each.name not in fixed]
    if not free:
        raise RulesearchError("the rule has no number to fit; give its constants names, as in on_post: A*x; A = 1")
    return free


def _side(value: float) -> tuple[float, float]:
    """Return between what a constant is fitted: it keeps its sign; 0 has none."""
    return (0.0, math.inf) if value > 0.0 else (-math.inf, 0.0) if value < 0.0 else _FREE
