"""A linear rate neuron that learns online, many data sets and rules at a time.

At each step t and for each data set: y = sum_i w_i x_i, then w_i <- bounds(w_i + eta f(x_i, y, w_i, ...)).
Low-passes move after the rule has read them: z <- z + (g - z)/tau, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass
from rulesearch.simulate.codes import NONFINITE, OK, RUNAWAY
from rulesearch.simulate.compiling import announce
from rulesearch.simulate.kernel import kernel
from rulesearch.simulate.program import Program, encode
from rulesearch.simulate.rate_vectors import follow, move_weights, neuron_output
from rulesearch.simulate.vector_writing import padded
from rulesearch.simulate.vm import run_segment

SYMBOLS = ("x", "y", "w")
"""Registers that the simulator itself fills: input, output and weight; a rule's low-passes follow."""

_STEADY = ("x", "y")


@dataclass(frozen=True, slots=True)
class RateInputs:
    """Inputs as the simulator reads them, to be laid out once for many rules.

    **Fields:** `lanes` `(steps, lanes)`: the data sets of the first input, then those of the second.
    """

    lanes: npt.NDArray[np.float64]

    @staticmethod
    def of(inputs: npt.NDArray[np.float64]) -> RateInputs:
        """Lay out inputs `(steps, data sets, inputs)`."""
        return RateInputs(_lanes(inputs))


@dataclass(frozen=True, slots=True)
class RateResult:
    """What a simulation left.

    **Fields:** `code` (see `codes`); `steps` done; `weights` `(records, data sets, inputs)`, the weights after
    every `record_every` steps.
    """

    code: int
    steps: int
    weights: npt.NDArray[np.float64]


def check_states(rule: Rule) -> None:
    """Refuse a rule that reads states which a rate neuron does not have; raises `RulesearchError`."""
    for name, state in rule.states.items():
        if name in rule.read and not (isinstance(state, Lowpass) and state.in_steps):
            raise RulesearchError(
                f"the state {name} does not fit a rate neuron; it has low-passes over steps: {name} = lowpass(x, 100)"
            )


def rate_program(rule: Rule) -> tuple[Program, npt.NDArray[np.float64]]:
    """Encode a rule for the rate neuron: segment 0 is `on_step`, the low-passes' inputs follow.

    **Returns:** the program and the time constants of the low-passes [steps].
    **Raises:** `RulesearchError` for slots and states that a rate neuron does not have.
    """
    for slot in rule.slots:
        if slot != "on_step":
            raise RulesearchError(f"a rate neuron has only the slot on_step; found {slot}: write the expression alone")
    check_states(rule)
    states = {name: state for name, state in rule.states.items() if isinstance(state, Lowpass)}
    inputs = [state.expression for state in states.values()]
    program = encode((rule.slots["on_step"], *inputs), (*SYMBOLS, *states), rule.constant_values(), _STEADY)
    return program, np.array([state.tau for state in states.values()])


def simulate_rate(
    rule: Rule,
    inputs: npt.NDArray[np.float64],
    initial: npt.NDArray[np.float64],
    eta: float,
    record_every: int,
    norm_limit: float = 1e3,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    backend: str = "vm",
) -> RateResult:
    """Simulate the rate neuron on every data set.

    **Arguments:** `inputs` `(steps, data sets, inputs)`; `initial` `(data sets, inputs)`; `norm_limit`: a weight
    vector longer than this is a runaway; `backend`: `vm` or `jit`.
    """
    return simulate_rates([rule], RateInputs.of(inputs), initial, [eta], record_every, norm_limit, [bounds], backend)[0]


def simulate_rates(
    rules: Sequence[Rule],
    inputs: RateInputs,
    initial: npt.NDArray[np.float64],
    etas: Sequence[float],
    record_every: int,
    norm_limit: float = 1e3,
    bounds: Sequence[tuple[float, float]] | None = None,
    backend: str = "vm",
) -> list[RateResult]:
    """Simulate several rules, each in a neuron of its own, on the same data sets.

    On the virtual machine this is one call of compiled code, during which other threads run.

    **Arguments:** `etas` and `bounds`: one per rule; the others as in `simulate_rate`.
    """
    made = [rate_program(rule) for rule in rules]
    data_sets, width = initial.shape
    steps, lanes = inputs.lanes.shape
    neurons = lanes // width
    records = np.zeros((len(rules), steps // record_every, lanes))
    ends = np.zeros((len(rules), 2), dtype=np.int64)
    limits = np.array(bounds if bounds is not None else [(-np.inf, np.inf)] * len(rules), dtype=np.float64)
    registers = [program.workspace(lanes) for program, _ in made]
    start = _lanes(initial)
    for space in registers:
        space[2] = start
    if backend == "jit":
        for (program, taus), space, eta, (low, high), rows, end in zip(
            made, registers, etas, limits, records, ends, strict=True
        ):
            _run(
                program.compiled(),
                space,
                inputs.lanes,
                neurons,
                program.segments,
                1.0 / taus,
                (float(eta), float(low), float(high), norm_limit * norm_limit),
                record_every,
                rows,
                end,
            )
    else:
        programs = [program for program, _ in made]
        announce(_run_each, "the simulator of rate networks", backend)
        _run_each(
            np.concatenate([program.code for program in programs]),
            np.concatenate([program.segments for program in programs]),
            np.concatenate(registers),
            np.array([(len(item.code), len(item.segments), item.registers) for item in programs]),
            inputs.lanes,
            neurons,
            1.0 / np.concatenate([taus for _, taus in made]),
            np.column_stack((np.array(etas, dtype=np.float64), limits)),
            norm_limit * norm_limit,
            record_every,
            records,
            ends,
        )
    return [
        RateResult(int(code), int(done), rows.reshape(-1, width, neurons).transpose(0, 2, 1)[:, :data_sets])
        for (code, done), rows in zip(ends, records, strict=True)
    ]


def _lanes(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return values `(..., data sets, inputs)` as `(..., lanes)`: the data sets of the first input, then the second's.

    Those of each input fill vectors: what is missing is the first data set again, which then behaves as it does.
    """
    order = np.arange(padded(values.shape[-2]))
    order[values.shape[-2] :] = 0
    moved = np.moveaxis(values[..., order, :], -1, -2)
    return np.ascontiguousarray(moved).reshape(*values.shape[:-2], -1)


@kernel
def _run_each(
    codes: Any,
    segments: Any,
    registers: Any,
    counts: Any,
    inputs: Any,
    neurons: int,
    rates: Any,
    changes: Any,
    limit: float,
    record_every: int,
    records: Any,
    ends: Any,
) -> None:
    """Run programs that stand one behind the other; `ends` `(programs, 2)` takes code and steps done of each.

    **Arguments:** `counts` `(programs, 3)`: instructions, segments and registers of each; `changes` `(programs, 3)`:
    eta and bounds.
    """
    code, segment, register, lowpass = 0, 0, 0, 0
    for k in range(counts.shape[0]):
        instructions, parts, places = counts[k, 0], counts[k, 1], counts[k, 2]
        own = segments[segment : segment + parts]
        _run(
            (codes[code : code + instructions], own),
            registers[register : register + places],
            inputs,
            neurons,
            own,
            rates[lowpass : lowpass + parts - 1],
            (changes[k, 0], changes[k, 1], changes[k, 2], limit),
            record_every,
            records[k],
            ends[k],
        )
        code += instructions
        segment += parts
        register += places
        lowpass += parts - 1


@kernel
def _run(
    program: Any,
    registers: Any,
    inputs: Any,
    neurons: int,
    segments: Any,
    rates: Any,
    change: Any,
    record_every: int,
    records: Any,
    end: Any,
) -> None:
    """Run one program; `end` takes the result code and the steps done.

    Lanes are the neurons (one for each data set) of the first input, then those of the second.

    **Arguments:** `segments`: as in `Program`; `rates`: 1/tau of each low-pass; `change`: eta, bounds, and the limit of
    the squared length of a weight vector.
    """
    eta, low, high, limit = change
    lanes = inputs.shape[1]
    w = registers[2]
    bounded = low > -np.inf or high < np.inf
    surely_below = limit / (lanes // neurons)
    row, wait = 0, record_every
    end[0] = OK
    for step in range(inputs.shape[0]):
        neuron_output(registers, inputs, step, neurons)
        for k in range(rates.size + 1):
            if segments[k, 1] > segments[k, 0]:
                run_segment(program, k, registers, lanes)
        large = move_weights(registers, segments[0, 2], eta, surely_below)
        if bounded:
            for i in range(lanes):
                w[i] = min(max(w[i], low), high)
        if large or bounded:
            for neuron in range(neurons):
                norm = 0.0
                for i in range(neuron, lanes, neurons):
                    norm += w[i] * w[i]
                if not norm <= limit:
                    end[0] = RUNAWAY if np.isfinite(norm) else NONFINITE
                    end[1] = step + 1
                    return
        for k in range(rates.size):
            follow(registers, 3 + k, segments[k + 1, 2], rates[k])
        wait -= 1
        if wait == 0:
            for i in range(lanes):
                records[row, i] = w[i]
            row += 1
            wait = record_every
    end[1] = inputs.shape[0]
