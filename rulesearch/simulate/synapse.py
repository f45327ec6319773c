r"""One synapse under given spikes, from event to event: exact, without a time grid.

At a spike the slots read all states as they stand before the spike adds to them; synaptic states change before the
weight, all of them by what they were before. Between spikes traces and synaptic states decay by exp(-t/tau). Where a
rule moves between spikes in another way (`drift`, a low-pass, the drift of a synaptic state),

$$\dot w = \eta\,\mathrm{drift}, \qquad \dot z = (g - z)/\tau$$

is integrated by the Runge-Kutta method of order 8 of Dormand & Prince (SciPy's DOP853) within 1e-11 relative, with
the traces known in closed form. Under a clamped membrane potential, which is linear between its samples, it is the
classical Runge-Kutta method of order 4, with steps from sample to sample of at most 0.1 ms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.expression.tree import Expression
from rulesearch.files import read_text
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import CUSTOMARY_TRACES, Lowpass, Synaptic, Trace

_CUSTOMARY_TAU = 0.02
_AS_WEIGHT = ("w_mean", "w_sum")
_RELATIVE, _ABSOLUTE = 1e-11, 1e-14
_LONGEST_STEP = 1e-4
_MOST_BYTES = 100_000_000


def with_customary_traces(rule: Rule) -> Rule:
    """Return the rule with x, y and the others that it reads, but does not declare, as traces of 20 ms."""
    states = dict(rule.states)
    for name in rule.symbols:
        if name in CUSTOMARY_TRACES and name not in states:
            states[name] = Trace(CUSTOMARY_TRACES[name], _CUSTOMARY_TAU)
    return replace(rule, states=states)


@dataclass(frozen=True, slots=True)
class Voltage:
    """A membrane potential that is given: linear between samples, held before the first and behind the last.

    **Fields:** `times` `(samples,)` [s], ascending; `values` `(samples,)` [mV].
    """

    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]

    def at(self, time: float) -> float:
        """Return the potential [mV] at a time [s]."""
        return float(np.interp(time, self.times, self.values))

    def between(self, start: float, stop: float) -> npt.NDArray[np.float64]:
        """Return times from `start` to `stop`: the samples that lie between, and others at most 0.1 ms apart."""
        marks = np.concatenate(([start], self.times[(self.times > start) & (self.times < stop)], [stop]))
        parts = np.maximum(1, np.ceil(np.diff(marks) / _LONGEST_STEP - 1e-9)).astype(int)
        pieces = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(marks, marks[1:], parts, strict=False)]
        return np.concatenate((*pieces, [stop]))


def read_voltage(path: str | Path) -> Voltage:
    """Read a membrane potential from a CSV file of two columns, time [ms] and potential [mV]; a header may precede.

    **Raises:** `RulesearchError` with the line that is wrong.
    """
    lines = read_text(path, _MOST_BYTES).split("\n")
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.replace("\t", ",").replace(";", ",").split(",")]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            time, value = map(float, cells)
        except ValueError:
            if number == 1:
                continue
            raise RulesearchError(
                f"{path}, line {number}: expected a time [ms] and a potential [mV], such as 0.1,-65; found {line!r}"
            ) from None
        if not (math.isfinite(time) and math.isfinite(value)):
            raise RulesearchError(f"{path}, line {number}: the numbers must be finite, found {line!r}")
        if rows and time <= rows[-1][0]:
            raise RulesearchError(f"{path}, line {number}: times must ascend, found {time:g} after {rows[-1][0]:g} ms")
        rows.append((time, value))
    if not rows:
        raise RulesearchError(f"{path} holds no samples; write lines of a time [ms] and a potential [mV]: 0.1,-65")
    samples = np.array(rows)
    return Voltage(samples[:, 0] * 1e-3, samples[:, 1])


@dataclass(slots=True)
class Synapse:
    """One synapse between two spikes.

    **Fields:** `rule`; `weight`; `states`: values by name; `held`: what the rule reads besides, and its value (the
    weights of the neuron's other synapses are this one's); `voltage`: the membrane potential where it is clamped;
    `now`: time since the start [s].
    """

    rule: Rule
    weight: float
    states: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    voltage: Voltage | None = None
    now: float = 0.0

    @staticmethod
    def resting(
        rule: Rule, weight: float, held: Mapping[str, float] | None = None, voltage: Voltage | None = None
    ) -> Synapse:
        """Return a synapse long after any spike; low-passes of a clamped potential begin at its first value.

        **Arguments:** `held`: values of what neither spikes nor weight determine, such as `R`.
        **Raises:** `RulesearchError` where the weight is outside the rule's bounds, or a value is missing.
        """
        low, high = rule.bounds or (-math.inf, math.inf)
        if not low <= weight <= high:
            raise RulesearchError(f"the weight {weight:g} lies outside the bounds {low:g} to {high:g} of the rule")
        given = dict(held or {})
        for name in rule.symbols:
            known = name == "w" or name in rule.states or name in given or name in _AS_WEIGHT
            if not known and not (name == "v" and voltage is not None):
                raise RulesearchError(
                    f"the rule reads {name}, which the spikes of one synapse do not determine; "
                    + ("clamp it: --voltage FILE" if name == "v" else f"give it a value in the rule: {name} = 1")
                )
        synapse = Synapse(rule, weight, dict.fromkeys(rule.states, 0.0), given, voltage)
        if voltage is not None:
            for name, state in rule.states.items():
                if isinstance(state, Lowpass):
                    synapse.states[name] = float(state.expression.evaluate(synapse.values()))
        return synapse

    def values(self) -> dict[str, float]:
        """Return the value of everything that the rule may read."""
        found = {**dict.fromkeys(_AS_WEIGHT, self.weight), **self.held, **self.states, **self.rule.constant_values()}
        found["w"] = self.weight
        if self.voltage is not None:
            found["v"] = self.voltage.at(self.now)
        return found

    def spike(self, side: str) -> None:
        """Let a spike of the side `pre` or `post` arrive."""
        slot = f"on_{side}"
        before = self.values()
        for name, state in self.rule.states.items():
            if isinstance(state, Synaptic) and slot in state.slots:
                self.states[name] += float(state.slots[slot].evaluate(before))
        if slot in self.rule.slots:
            self.weight = self._bounded(self.weight + self._eta * float(self.rule.slots[slot].evaluate(self.values())))
        for name, state in self.rule.states.items():
            if isinstance(state, Trace):
                self.states[name] = state.after(self.states[name], state.side == side)

    def wait(self, seconds: float) -> None:
        """Let time pass without a spike; it may be infinite where nothing but decay happens."""
        if seconds <= 0.0:
            return
        moving = self._moving()
        if not moving:
            self._decay(self.states, seconds)
        elif self.voltage is None:
            self._integrate(moving, seconds)
        else:
            marks = self.voltage.between(self.now, self.now + seconds)
            for step in np.diff(marks):
                self._step(moving, float(step))
                self.now += float(step)
            return
        self.now += seconds

    @property
    def _eta(self) -> float:
        return 1.0 if self.rule.eta is None else self.rule.eta

    def _bounded(self, weight: float) -> float:
        low, high = self.rule.bounds or (-math.inf, math.inf)
        return weight if weight != weight else min(max(weight, low), high)

    def _decay(self, states: dict[str, float], seconds: float) -> None:
        for name, state in self.rule.states.items():
            if isinstance(state, Trace | Synaptic) and state.tau is not None:
                states[name] *= math.exp(-seconds / state.tau)

    def _moving(self) -> dict[str, Expression]:
        """Return what changes between spikes other than by decay: the weight, low-passes, synaptic states."""
        found = {"w": self.rule.slots["drift"]} if "drift" in self.rule.slots else {}
        for name, state in self.rule.states.items():
            if isinstance(state, Lowpass):
                found[name] = state.expression
            elif isinstance(state, Synaptic) and "drift" in state.slots:
                found[name] = state.slots["drift"]
        return found

    def _speed(self, moving: Mapping[str, Expression], place: npt.NDArray[np.float64], seconds: float) -> list[float]:
        """Return how fast the moving values change, `seconds` from now, when they are at `place`."""
        states = dict(self.states)
        self._decay(states, seconds)
        there = dict(zip(moving, map(float, place), strict=True))
        weight = self._bounded(there.get("w", self.weight))
        other = Synapse(
            self.rule,
            weight,
            {**states, **{name: value for name, value in there.items() if name != "w"}},
            self.held,
            self.voltage,
            self.now + seconds,
        )
        values = other.values()
        speeds = []
        for name, expression in moving.items():
            drive = float(expression.evaluate(values))
            state = self.rule.states.get(name)
            if name == "w":
                speeds.append(0.0 if self._held_back(weight, drive) else self._eta * drive)
            elif isinstance(state, Lowpass):
                speeds.append((drive - there[name]) / state.tau)
            else:
                tau = state.tau if isinstance(state, Synaptic) else None
                speeds.append(drive - (there[name] / tau if tau is not None else 0.0))
        return speeds

    def _held_back(self, weight: float, drive: float) -> bool:
        """Return whether the weight lies at the bound to which it is driven."""
        low, high = self.rule.bounds or (-math.inf, math.inf)
        change = self._eta * drive
        return (weight <= low and change < 0.0) or (weight >= high and change > 0.0)

    def _place(self, moving: Mapping[str, Expression]) -> npt.NDArray[np.float64]:
        return np.array([self.weight if name == "w" else self.states[name] for name in moving])

    def _arrive(self, moving: Mapping[str, Expression], place: npt.NDArray[np.float64], seconds: float) -> None:
        self._decay(self.states, seconds)
        for name, value in zip(moving, map(float, place), strict=True):
            if name == "w":
                self.weight = self._bounded(value)
            else:
                self.states[name] = value

    def _integrate(self, moving: Mapping[str, Expression], seconds: float) -> None:
        from scipy.integrate import solve_ivp

        if not math.isfinite(seconds):
            raise RulesearchError("a rule that moves between spikes cannot wait for ever; give a time")
        with np.errstate(all="ignore"):
            found = solve_ivp(
                lambda time, place: self._speed(moving, place, time),
                (0.0, seconds),
                self._place(moving),
                "DOP853",
                rtol=_RELATIVE,
                atol=_ABSOLUTE,
            )
        self._arrive(moving, found.y[:, -1] if found.success else np.full(len(moving), math.nan), seconds)

    def _step(self, moving: Mapping[str, Expression], seconds: float) -> None:
        place = self._place(moving)
        first = np.array(self._speed(moving, place, 0.0))
        second = np.array(self._speed(moving, place + 0.5 * seconds * first, 0.5 * seconds))
        third = np.array(self._speed(moving, place + 0.5 * seconds * second, 0.5 * seconds))
        fourth = np.array(self._speed(moving, place + seconds * third, seconds))
        self._arrive(moving, place + seconds / 6.0 * (first + 2.0 * second + 2.0 * third + fourth), seconds)
