"""Many protocols of given spikes at one synapse, from event to event, in compiled code.

The same dynamics as `synapse.Synapse` for rules whose states are traces: the weight moves at spikes alone, and between
them every trace decays by exp(-t/tau). A protocol begins with traces at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Protocols:
    """Spikes of several protocols, one behind the other.

    **Fields:** `times` `(events,)` [s], ascending within a protocol; `sides` `(events,)`: 0 presynaptic, 1
    postsynaptic; `offsets` `(protocols + 1,)`: where each begins.
    """

    times: npt.NDArray[np.float64]
    sides: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]

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


def run_protocols(
    rule: Rule, protocols: Protocols, weight: float, eta: float, bounds: tuple[float, float], backend: str = "vm"
) -> npt.NDArray[np.float64]:
    """Return the weight after each protocol, `(protocols,)`, from the same weight before; nan once it is no number.

    `w_mean` and `w_sum` are the weight of this synapse.
    **Raises:** `RulesearchError` for slots and states other than spikes and traces.
    """
    for slot in rule.slots:
        if slot not in _SLOTS:
            raise RulesearchError(f"spikes alone change weights here, in on_pre and on_post; found {slot}")
    for name, state in rule.states.items():
        if not isinstance(state, Trace):
            raise RulesearchError(f"the state {name} is no trace; type for example {name} = trace(pre, 20 ms)")
    own = {name: Expression.symbol("w") for name in SUMS}
    alone = replace(rule, slots={slot: part.substitute(own) for slot, part in rule.slots.items()})
    program = encode([alone.slots.get(slot) for slot in _SLOTS], ("w", *rule.states), rule.constant_values())
    traces = [
        (state.tau, state.side == "post", state.nearest, state.resets)
        for state in rule.states.values()
        if isinstance(state, Trace)
    ]
    found: npt.NDArray[np.float64] = _run(
        program.compiled() if backend == "jit" else program.bytecode,
        program.workspace(1),
        program.segments[:, 2].copy(),
        np.array(traces, dtype=np.float64).reshape(-1, 4),
        protocols.times,
        protocols.sides,
        protocols.offsets,
        (weight, eta, float(bounds[0]), float(bounds[1])),
    )
    return found


@compiled(nogil=True, error_model="numpy")
def _run(
    program: Any, registers: Any, results: Any, traces: Any, times: Any, sides: Any, offsets: Any, change: Any
) -> Any:
    """Return the last weights; `results`: registers of the slots' values (-1: empty); `change`: w, eta and bounds."""
    start, eta, low, high = change
    number = traces.shape[0]
    last = np.empty(offsets.size - 1)
    for protocol in range(offsets.size - 1):
        registers[0, 0] = start
        for z in range(number):
            registers[1 + z, 0] = 0.0
        before = 0.0
        for k in range(offsets[protocol], offsets[protocol + 1]):
            for z in range(number):
                registers[1 + z, 0] *= np.exp(-(times[k] - before) / traces[z, 0])
            before = times[k]
            side = sides[k]
            if results[side] >= 0:
                run_segment(program, side, registers, 1)
                value = registers[0, 0] + eta * registers[results[side], 0]
                registers[0, 0] = low if value < low else (high if value > high else value)
            for z in range(number):
                if traces[z, 1] == side:
                    registers[1 + z, 0] = 1.0 if traces[z, 2] else registers[1 + z, 0] + 1.0
                elif traces[z, 3]:
                    registers[1 + z, 0] = 0.0
        last[protocol] = registers[0, 0]
    return last
