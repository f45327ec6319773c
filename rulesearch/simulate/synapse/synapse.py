r"""One synapse under given spikes, from event to event: exact, without a time grid.

At a spike the slots read all states as they stand before the spike adds to them; synaptic states change before the
weight, all of them by what they were before. Between spikes traces and synaptic states decay by exp(-t/tau). Where a
rule moves between spikes in another way (`drift`, a low-pass, the drift of a synaptic state), it is integrated as
`motion` says, and under a clamped membrane potential, which is linear between its samples, from sample to sample.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.files import read_text
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SUMS, Lowpass, Synaptic, Trace, customary_traces
from rulesearch.simulate.synapse.motion import Motion, OutOfWorkError

_WORK, _WORK_EACH = 300_000, 500
"""Evaluations of a rule between spikes: so many in all, and so many more for each spike and sample of a potential."""
_MOST_BYTES = 100_000_000
_TIME_HEADING = re.compile(r"\W*(t|times?|ms)(?![a-z])")


def with_customary_traces(rule: Rule) -> Rule:
    """Return the rule with x, y and the others that it reads, but does not declare, as traces of 20 ms."""
    added = customary_traces(name for name in rule.symbols if name not in rule.states)
    return replace(rule, states={**rule.states, **added})


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
        """Return `start`, the times of the samples that lie between, and `stop`."""
        return np.concatenate(([start], self.times[(self.times > start) & (self.times < stop)], [stop]))


def read_voltage(path: str | Path) -> Voltage:
    """Read a membrane potential from a CSV file of two columns, time [ms] and potential [mV]; a header may precede.

    The time comes first, or wherever the header names it (`v,t`).
    **Raises:** `RulesearchError` with the line that is wrong.
    """
    lines = read_text(path, _MOST_BYTES).split("\n")
    rows: list[tuple[float, float]] = []
    begun = swapped = False
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.replace("\t", ",").replace(";", ",").split(",")]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        first, begun = not begun, True
        try:
            time, value = map(float, reversed(cells) if swapped else cells)
        except ValueError:
            if first and not any(map(_is_number, cells)):
                swapped = len(cells) == 2 and _names_time(cells[1]) and not _names_time(cells[0])
                continue
            raise RulesearchError(
                f"{path}, line {number}: expected a time [ms] and a potential [mV], such as 0.1,-65; found {line!r}"
            ) from None
        if not (math.isfinite(time) and math.isfinite(value)):
            raise RulesearchError(f"{path}, line {number}: the numbers must be finite, found {line!r}")
        if time < 0.0:
            raise RulesearchError(f"{path}, line {number}: times must be at least 0 ms, found {time:g}")
        if rows and time <= rows[-1][0]:
            raise RulesearchError(f"{path}, line {number}: times must ascend, found {time:g} after {rows[-1][0]:g} ms")
        rows.append((time, value))
    if not rows:
        raise RulesearchError(f"{path} holds no samples; write lines of a time [ms] and a potential [mV]: 0.1,-65")
    samples = np.array(rows)
    return Voltage(samples[:, 0] * 1e-3, samples[:, 1])


def _names_time(heading: str) -> bool:
    return _TIME_HEADING.match(heading.lower()) is not None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class Synapse:
    """One synapse between two spikes.

    **Fields:** `rule`; `weight`; `states`: values by name; `held`: what the rule reads besides, and its value (the
    weights of the neuron's other synapses are this one's); `voltage`: the membrane potential where it is clamped;
    `now`: time since the start [s]; `exhausted`: whether it could not be followed within the allowed work.
    """

    rule: Rule
    weight: float
    states: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    voltage: Voltage | None = None
    now: float = 0.0
    exhausted: bool = False
    _motion: Motion = field(init=False)

    def __post_init__(self) -> None:
        self._motion = Motion(self.rule, _WORK)

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
            known = name == "w" or name in rule.states or name in given or name in SUMS
            if not known and not (name == "v" and voltage is not None):
                raise RulesearchError(
                    f"the rule reads {name}, which the spikes of one synapse do not determine; "
                    + (
                        "clamp it: --voltage FILE"
                        if name == "v"
                        else f"write the rule out with a value for it: ...; {name} = 1"
                    )
                )
        synapse = Synapse(rule, weight, dict.fromkeys(rule.states, 0.0), given, voltage)
        if voltage is not None:
            for name, state in rule.states.items():
                if isinstance(state, Lowpass):
                    synapse.states[name] = float(state.expression.evaluate(synapse.values()))
        return synapse

    def values(self) -> dict[str, float]:
        """Return the value of everything that the rule may read."""
        found = {**dict.fromkeys(SUMS, self.weight), **self.held, **self.states, **self.rule.constant_values()}
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
        if not self._motion.parts:
            self._decay(seconds)
            self.now += seconds
            return
        if not math.isfinite(seconds):
            raise RulesearchError("a rule that moves between spikes cannot wait for ever; give a time")
        end = self.now + seconds
        stops = [self.now, end] if self.voltage is None else self.voltage.between(self.now, end).tolist()
        for start, stop in itertools.pairwise(stops):
            self._move(stop - start)
            self.now = stop

    @property
    def _eta(self) -> float:
        return 1.0 if self.rule.eta is None else self.rule.eta

    def _bounded(self, weight: float) -> float:
        low, high = self.rule.bounds or (-math.inf, math.inf)
        return weight if weight != weight else min(max(weight, low), high)

    def _decay(self, seconds: float) -> None:
        for name, state in self.rule.states.items():
            if isinstance(state, Trace | Synaptic) and state.tau is not None:
                self.states[name] *= math.exp(-seconds / state.tau)

    def _move(self, seconds: float) -> None:
        """Let time pass in which the membrane potential changes at one rate."""
        before, slope = self.values(), 0.0
        if self.voltage is not None:
            slope = (self.voltage.at(self.now + seconds) - self.voltage.at(self.now)) / seconds
        self._motion.allowed += _WORK_EACH
        try:
            reached = self._motion.after(seconds, before, slope)
        except OutOfWorkError:
            self.exhausted = True
            reached = dict.fromkeys(self._motion.parts, math.nan)
        self._decay(seconds)
        self.weight = self._bounded(reached.pop("w", self.weight))
        self.states |= reached
