"""Many protocols of given spikes at one synapse, from event to event, in compiled code, at many values of its numbers.

The same dynamics as `synapse.Synapse` for rules whose states are traces: the weight moves at spikes alone, and between
them every trace decays by exp(-t/tau). A protocol begins with traces at 0. One set of numbers of a rule is a lane of
the machine; a hundred of them take little more time than one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SUMS, Trace
from rulesearch.simulate.machine.kernel import compiled
from rulesearch.simulate.machine.program import encode
from rulesearch.simulate.machine.vm import run_segment

_SLOTS = ("on_pre", "on_post")
_MOST_DECAYS = 4_000_000
"""Factors by which traces decay between spikes that are held at a time."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Protocols:
    """Spikes of several protocols, one behind the other.

    **Fields:** `times` `(events,)` [s], ascending within a protocol; `sides` `(events,)`: 0 presynaptic, 1
    postsynaptic; `offsets` `(protocols + 1,)`: where each begins.
    """

    times: Array
    sides: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    gaps: Array = field(init=False, repr=False)
    """`(gaps,)` [s]: the times between spikes, each once."""
    gap: npt.NDArray[np.int64] = field(init=False, repr=False)
    """`(events,)`: which of them is before each spike; a first one has none to decay in."""

    def __post_init__(self) -> None:
        before = np.diff(self.times, prepend=0.0)
        before[self.offsets[:-1][np.diff(self.offsets) > 0]] = 0.0
        # Times that are sums have rounding errors: what differs by less than a picosecond is the same gap.
        gaps, gap = np.unique(np.round(before, 12), return_inverse=True)
        object.__setattr__(self, "gaps", gaps)
        object.__setattr__(self, "gap", gap.astype(np.int64))

    @staticmethod
    def of(trains: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Protocols:
        """Return protocols of presynaptic and postsynaptic spike times [s]; at one time the presynaptic comes first."""
        times, sides, offsets = [], [], [0]
        for pre, post in trains:
            events = sorted([(float(time), 0) for time in pre] + [(float(time), 1) for time in post])
            times += [time for time, _ in events]
            sides += [side for _, side in events]
            offsets.append(len(times))
        return Protocols(np.array(times, dtype=np.float64), np.array(sides, dtype=np.int64), np.array(offsets))


class Response:
    """What protocols do to the weight under one form of rule, whatever its numbers.

    `w_mean` and `w_sum` are the weight of this synapse.

    **Raises:** `RulesearchError` for slots and states other than spikes and traces.
    """

    def __init__(self, rule: Rule, protocols: Protocols, bounds: tuple[float, float], backend: str = "vm") -> None:
        for slot in rule.slots:
            if slot not in _SLOTS:
                raise RulesearchError(f"spikes alone change weights here, in on_pre and on_post; found {slot}")
        for name, state in rule.states.items():
            if not isinstance(state, Trace):
                raise RulesearchError(f"the state {name} is no trace; type for example {name} = trace(pre, 20 ms)")
        own = {name: Expression.symbol("w") for name in SUMS}
        alone = replace(rule, slots={slot: part.substitute(own) for slot, part in rule.slots.items()})
        program = encode([alone.slots.get(slot) for slot in _SLOTS], ("w", *rule.states), rule.constant_values())
        self._program = program
        self._code = program.compiled() if backend == "jit" else program.bytecode
        self._results = program.segments[:, 2].copy()
        traces = {name: state for name, state in rule.states.items() if isinstance(state, Trace)}
        kinds = [(state.side == "post", state.nearest, state.resets) for state in traces.values()]
        self._kinds = np.array(kinds, dtype=np.int64).reshape(-1, 3)
        self._taus = {name: state.tau for name, state in traces.items()}
        self._protocols, self._bounds = protocols, (float(bounds[0]), float(bounds[1]))

    def weights(
        self,
        weight: float,
        eta: Array | float,
        constants: Mapping[str, Array] | None = None,
        taus: Mapping[str, Array] | None = None,
    ) -> Array:
        """Return the weight after each protocol, `(points, protocols)`, from the same weight before.

        **Arguments:** `eta` `(points,)`; `constants` and `taus` [s] by name, each `(points,)`: those that differ from
        the rule's.
        """
        eta = np.atleast_1d(np.asarray(eta, dtype=np.float64))
        number, protocols = len(eta), self._protocols
        registers = self._program.workspace(number)
        first = len(self._program.symbols)
        for place, name in enumerate(self._program.constant_names, first):
            if constants and name in constants:
                registers[place, :number] = constants[name]
        lanes = registers.shape[1]
        rates = np.zeros(lanes)
        rates[:number] = eta
        times = np.ones((len(self._taus), lanes))
        for row, (name, tau) in zip(times, self._taus.items(), strict=True):
            row[:number] = (taus or {}).get(name, tau)
        last = np.empty((len(protocols.offsets) - 1, lanes))
        for begin, end in self._parts(times.size):
            events = slice(int(protocols.offsets[begin]), int(protocols.offsets[end]))
            gap = protocols.gap[events]
            gaps = protocols.gaps
            if len(gaps) > len(gap):
                here, gap = np.unique(gap, return_inverse=True)
                gaps = gaps[here]
            _run(
                self._code,
                registers,
                self._results,
                self._kinds,
                np.exp(-gaps[:, None, None] / times),
                gap.astype(np.int64),
                protocols.sides[events],
                protocols.offsets[begin : end + 1] - protocols.offsets[begin],
                rates,
                (float(weight), *self._bounds),
                last[begin:end],
            )
        found: Array = np.ascontiguousarray(last[:, :number].T)
        return found

    def _parts(self, size: int) -> list[tuple[int, int]]:
        """Return which protocols are run at a time, so that factors for all gaps take little room."""
        offsets = self._protocols.offsets
        number = len(offsets) - 1
        if len(self._protocols.gaps) * size <= _MOST_DECAYS:
            return [(0, number)] if number else []
        parts, begin = [], 0
        for end in range(1, number + 1):
            if end == number or (offsets[end + 1] - offsets[begin]) * size > _MOST_DECAYS:
                parts.append((begin, end))
                begin = end
        return parts


def run_protocols(
    rule: Rule, protocols: Protocols, weight: float, eta: float, bounds: tuple[float, float], backend: str = "vm"
) -> Array:
    """Return the weight after each protocol, `(protocols,)`, from the same weight before; nan once it is no number.

    `w_mean` and `w_sum` are the weight of this synapse.
    **Raises:** `RulesearchError` for slots and states other than spikes and traces.
    """
    found: Array = Response(rule, protocols, bounds, backend).weights(weight, eta)[0]
    return found


@compiled(nogil=True, error_model="numpy")
def _run(
    program: Any,
    registers: Any,
    results: Any,
    kinds: Any,
    decays: Any,
    gap: Any,
    sides: Any,
    offsets: Any,
    eta: Any,
    change: Any,
    last: Any,
) -> None:
    """Write the last weights; `results`: registers of the slots' values (-1: empty); `change`: w and its bounds."""
    start, low, high = change
    number, lanes = kinds.shape[0], registers.shape[1]
    for protocol in range(offsets.size - 1):
        for lane in range(lanes):
            registers[0, lane] = start
        for z in range(number):
            for lane in range(lanes):
                registers[1 + z, lane] = 0.0
        for k in range(offsets[protocol], offsets[protocol + 1]):
            for z in range(number):
                for lane in range(lanes):
                    registers[1 + z, lane] *= decays[gap[k], z, lane]
            side = sides[k]
            result = results[side]
            if result >= 0:
                run_segment(program, side, registers, lanes)
                for lane in range(lanes):
                    value = registers[0, lane] + eta[lane] * registers[result, lane]
                    registers[0, lane] = low if value < low else (high if value > high else value)
            for z in range(number):
                if kinds[z, 0] == side:
                    kept = 0.0 if kinds[z, 1] else 1.0
                    for lane in range(lanes):
                        registers[1 + z, lane] = kept * registers[1 + z, lane] + 1.0
                elif kinds[z, 2]:
                    for lane in range(lanes):
                        registers[1 + z, lane] = 0.0
        for lane in range(lanes):
            last[protocol, lane] = registers[0, lane]
