"""The form of a rule under measurements: what it predicts for every row, as a function of its numbers.

Constants, which keep their signs, time constants and, where the rule gives none, its learning rate are numbers to be
fitted; each is one for all rows, or one for each preparation.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.measurements.protocols import Measured
from rulesearch.rules.bound import BoundSet
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import Lowpass, Synaptic, Trace
from rulesearch.simulate.synapse.events import Protocols, Response
from rulesearch.simulate.synapse.respond import respond
from rulesearch.simulate.synapse.synapse import Voltage, read_voltage, with_customary_traces

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]

LaidOut = dict[tuple[int, ...], tuple[tuple[Measured, ...], Protocols]]
"""Rows and their spikes, by the identities of these rows."""

ETA = "eta"
POTENTIAL = "v"
TAU = "tau_"
_TAUS = (1e-3, 1.0)
_ABOUT = 10.0
"""Between what time constants are fitted [s], and by what factor at least about where a rule has them.

Slower traces do the work of constants: nothing but single rows holds them.
"""
"""Between what time constants are fitted [s]."""
_FREE = (-math.inf, math.inf)


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
        return self.name.rpartition(".")[2].startswith(TAU)

    @property
    def is_rate(self) -> bool:
        """Whether it is a learning rate."""
        return self.name.rpartition(".")[2] == ETA


class Form(ABC):
    """A rule whose numbers are free.

    **Fields:** `rule`; `parameters`; `groups` `(rows,)`: the preparation of each row, as a number; `preparations`:
    their names; `bounds` of the weight; `at_once`: whether many sets of numbers take little longer than one;
    `of_changes`: whether it predicts changes, not what is missing of what is wanted.

    **Arguments:** `rate`: where the learning rate begins, if the rule gives none.
    """

    at_once = True
    of_changes = True

    def __init__(
        self,
        rule: Rule,
        preparations: Sequence[str],
        own: Iterable[str] = (),
        fixed: Mapping[str, float] | None = None,
        rate: float = 1.0,
    ) -> None:
        self.rule = rule
        self.bounds = rule.bounds or _FREE
        self.preparations = tuple(dict.fromkeys(preparations))
        self.groups = np.array([self.preparations.index(name) for name in preparations])
        self.fixed = dict(fixed or {})
        self.parameters = tuple(_parameters(self.rule, frozenset(own), self.fixed, rate))

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

    @property
    def own_numbers(self) -> Array:
        """The numbers that the rule has, `(numbers,)`."""
        return np.array([each.start for each in self.each])

    def of_group(self, numbers: Array, group: int) -> dict[str, float]:
        """Return the numbers of a preparation by name, from all numbers that are fitted."""
        found, place = dict(self.fixed), 0
        for parameter in self.parameters:
            found[parameter.name] = float(numbers[place + group * parameter.own])
            place += len(self.preparations) if parameter.own else 1
        return found

    def holding(self, values: Mapping[str, float]) -> Self:
        """Return the form with some of its numbers held, by name."""
        held = self._with(each for each in self.parameters if each.name not in values)
        held.fixed = {**self.fixed, **values}
        return held

    def within(self, taus: Mapping[str, tuple[float, float]]) -> Self:
        """Return the form with time constants between given ones [s], by trace; what lies outside stays possible."""

        def narrow(each: Parameter) -> Parameter:
            low, high = taus.get(each.name.rpartition(".")[2].removeprefix(TAU), (each.low, each.high))
            return replace(each, low=min(low, each.start), high=max(high, each.start)) if each.is_time else each

        return self._with(map(narrow, self.parameters))

    def _with(self, parameters: Iterable[Parameter]) -> Self:
        changed = copy(self)
        changed.parameters = tuple(parameters)
        changed.__dict__.pop("each", None)
        return changed

    def typical(self, numbers: Array) -> dict[str, float]:
        """Return the numbers by name; of those that preparations have for themselves the median."""
        groups = [self.of_group(numbers, group) for group in range(len(self.preparations))]
        return {name: float(np.median([values[name] for values in groups])) for name in groups[0]}

    def with_numbers(self, values: Mapping[str, float]) -> Rule:
        """Return the rule with numbers by name; time constants in seconds."""
        constants = {name: value for name, value in values.items() if name in self.rule.constants}
        states = {
            name: replace(state, tau=values[TAU + name]) if TAU + name in values else state
            for name, state in self.rule.states.items()
        }
        return replace(self.rule.with_constants(constants), states=states, eta=values.get(ETA, self._eta))

    def rules_with(self, values: Mapping[str, float]) -> RuleSet:
        """Return the rules with numbers by name."""
        return RuleSet({"w": self.with_numbers(values)})

    @property
    def _eta(self) -> float:
        return 1.0 if self.rule.eta is None else self.rule.eta

    def predictions(self, numbers: Array, rows: Rows | None = None) -> Array:
        """Return what the rule predicts for each row, `(rows,)`; nan where it has no number there.

        **Arguments:** `numbers` that are fitted; `rows` that are asked for, all where not given; others are nan.
        """
        found: Array = self.many(numbers[np.newaxis], rows)[0]
        return found

    def many(self, numbers: Array, rows: Rows | None = None) -> Array:
        """Return what the rule predicts at several sets of numbers, `(points, rows)`.

        **Arguments:** `numbers` `(points, numbers)`; `rows` as of `predictions`.
        """
        found = np.full((len(numbers), len(self.groups)), np.nan)
        for group in range(len(self.preparations)):
            here = self.groups == group if rows is None else (self.groups == group) & rows
            if here.any():
                values, place = {name: np.full(len(numbers), held) for name, held in self.fixed.items()}, 0
                for parameter in self.parameters:
                    values[parameter.name] = numbers[:, place + group * parameter.own]
                    place += len(self.preparations) if parameter.own else 1
                found[:, here] = self._respond(values, here)
        return found

    @abstractmethod
    def _respond(self, values: Mapping[str, Array], rows: Rows) -> Array:
        """Return what a rule predicts for some rows of a preparation, `(points, rows)`.

        **Arguments:** `values` of its numbers by name, each `(points,)`.
        """


class ProtocolForm(Form):
    """A rule of spikes under the protocols of a table.

    Predictions are (w - w_0)/w_0, with the same weight w_0 before each protocol.

    **Arguments:** `known`: spikes of rows that were laid out for other forms, and where those of this one are kept.
    """

    def __init__(
        self,
        rule: Rule,
        rows: Sequence[Measured],
        own: Iterable[str] = (),
        fixed: Mapping[str, float] | None = None,
        weight: float = 1.0,
        known: LaidOut | None = None,
        rate: float = 1.0,
    ) -> None:
        super().__init__(with_customary_traces(rule), [row.preparation for row in rows], own, fixed, rate)
        self.rows, self.weight = tuple(rows), weight
        self._voltages: dict[tuple[str, float], Voltage] = {}
        self._known = {} if known is None else known
        self.at_once = set(rule.slots) <= {"on_pre", "on_post"} and all(
            isinstance(state, Trace) for state in self.rule.states.values()
        )
        if POTENTIAL in self.rule.symbols and POTENTIAL not in self.rule.states:
            self.at_once = False
            for row in self.rows:
                if row.voltage and (row.voltage, row.begin) not in self._voltages:
                    told = read_voltage(row.voltage)
                    # The first spike of a row is at 0.
                    self._voltages[row.voltage, row.begin] = Voltage(told.times - row.begin, told.values)
            lacking = next((row.label for row in self.rows if not row.voltage), None)
            if lacking is not None:
                raise RulesearchError(
                    f"{lacking} has no voltage, which the rule reads as v: name its file in a column voltage, or leave "
                    "the row out"
                )
        self._responses: dict[bytes, Response] = {}

    def elsewhere(self, rows: Sequence[Measured], numbers: Array, group: int = 0) -> Array:
        """Return what the rule predicts for protocols of another table, `(points, protocols)`.

        **Arguments:** `numbers` `(points, numbers)` as of `many`; `group`: the preparation whose own numbers count.
        """
        own = [parameter.own for parameter in self.parameters]
        count = len(self.preparations)
        places = np.cumsum([0, *(count if each else 1 for each in own[:-1])])
        chosen = [int(place) + group * each for place, each in zip(places, own, strict=True)]
        form = ProtocolForm(self.rule, rows, (), self.fixed, self.weight)
        form.groups = np.zeros(len(rows), dtype=np.int64)
        form.preparations = ("",)
        form.bounds = self.bounds
        return form.many(numbers[:, chosen])

    def _respond(self, values: Mapping[str, Array], rows: Rows) -> Array:
        if not self.at_once:
            points = [dict(zip(values, point, strict=True)) for point in zip(*values.values(), strict=True)]
            return np.array([self._one_by_one(self.with_numbers(point), rows) for point in points])
        place = rows.tobytes()
        if place not in self._responses:
            chosen = tuple(self.rows[row] for row in np.flatnonzero(rows))
            key = tuple(map(id, chosen))
            if key not in self._known:
                self._known[key] = chosen, Protocols.of([row.trains() for row in chosen])
            self._responses[place] = Response(self.rule, self._known[key][1], self.bounds)
        eta = values.get(ETA, np.full(len(next(iter(values.values()))), self._eta))
        taus = {name.removeprefix(TAU): value for name, value in values.items() if name.startswith(TAU)}
        weights = self._responses[place].weights(self.weight, eta, values, taus)
        return (weights - self.weight) / self.weight

    def _one_by_one(self, rule: Rule, rows: Rows) -> Array:
        chosen = [self.rows[place] for place in np.flatnonzero(rows)]
        found = [
            respond(
                rule,
                row.pre,
                row.post,
                row.repeats,
                row.every or None,
                self.weight,
                voltage=self._voltages.get((row.voltage, row.begin)),
            )
            for row in chosen
        ]
        return np.array([each.delta_w if each.status == "ok" else np.nan for each in found]) / self.weight


class SetForm(Form):
    """Rules of a set, the numbers of all that are searched free; what is predicted are residuals.

    **Arguments:** `bound`: the rules with all that they read; `residuals` of such rules, None where they have none.
    """

    at_once = of_changes = False

    def __init__(self, bound: BoundSet, residuals: Callable[[BoundSet], Array | None]) -> None:
        self.bound, self._residuals = bound, residuals
        self.preparations, self.fixed = ("",), {}
        found = residuals(bound)
        self.groups = np.zeros(0 if found is None else len(found), dtype=np.int64)
        several = len(bound.rules) > 1
        self._prefixes = {name: f"{name}." if several else "" for name in bound.rules if name not in bound.given}
        parameters: list[Parameter] = []
        for name, prefix in self._prefixes.items():
            rule = replace(bound.rules[name].unbound(bounds=None), eta=None)
            own = _parameters(rule, frozenset(), {}, bound.rules[name].eta)
            parameters += [replace(each, name=prefix + each.name) for each in own]
        self.parameters = tuple(parameters)

    def rules_with(self, values: Mapping[str, float]) -> BoundSet:
        """Return the rules with numbers by name, which begins with that of the rule where there are several."""
        made = dict(self.bound.rules)
        for name, prefix in self._prefixes.items():
            own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
            rule = made[name]
            constants = {key: own[key] for key in rule.constants if key in own}
            states = {
                key: replace(state, tau=own[TAU + key]) if TAU + key in own else state
                for key, state in rule.states.items()
            }
            made[name] = replace(rule.with_constants(constants), states=states, eta=own.get(ETA, rule.eta))
        return BoundSet.of(self.bound, made)

    def _respond(self, values: Mapping[str, Array], rows: Rows) -> Array:
        found = np.full((len(next(iter(values.values()))), len(self.groups)), np.nan)
        for place, point in enumerate(zip(*values.values(), strict=True)):
            residuals = self._residuals(self.rules_with(dict(zip(values, map(float, point), strict=True))))
            if residuals is not None:
                found[place] = residuals
        return found[:, rows]


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

    def _respond(self, values: Mapping[str, Array], rows: Rows) -> Array:
        columns = {name: column[rows] for name, column in self.columns.items()}
        constants = {name: value[:, np.newaxis] for name, value in values.items() if name in self.rule.constants}
        with np.errstate(all="ignore"):
            found = self.rule.slots["on_step"].evaluate({**columns, **self.rule.constant_values(), **constants})
            eta = values[ETA][:, np.newaxis] if ETA in values else self._eta
            changes = np.asarray(eta * found, dtype=np.float64)
        return np.broadcast_to(changes, (len(next(iter(values.values()))), int(rows.sum())))


def _parameters(rule: Rule, own: frozenset[str], fixed: Mapping[str, float], rate: float | None) -> list[Parameter]:
    """Return the numbers of a rule that are fitted; the learning rate, which begins at `rate`, where it gives none.

    **Raises:** `RulesearchError` for a name in `own` or `fixed` that is none of them.
    """
    every = [Parameter(name, value, *_side(value)) for name, value in rule.constant_values().items()]
    for name, state in rule.states.items():
        if isinstance(state, (Trace, Lowpass)) or (isinstance(state, Synaptic) and state.tau is not None):
            low, high = _TAUS
            tau = float(state.tau or 0.0)
            every.append(Parameter(TAU + name, tau, min(low, tau / _ABOUT), max(high, tau * _ABOUT)))
    if rule.eta is None:
        every.append(Parameter(ETA, 1.0 if rate is None else rate, *_side(1.0)))
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
