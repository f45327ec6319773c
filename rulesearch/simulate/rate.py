"""A linear rate neuron that learns online, many data sets at a time.

At each step t and for each data set: y = sum_i w_i x_i, then w_i <- bounds(w_i + eta f(x_i, y, w_i, ...)).
Low-passes move after the rule has read them: z <- z + (g - z)/tau, from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass
from rulesearch.simulate.codes import NONFINITE, OK, RUNAWAY
from rulesearch.simulate.program import Program, encode
from rulesearch.simulate.vm import run_segment

SYMBOLS = ("x", "y", "w")
"""Registers that the simulator itself fills: input, output and weight; a rule's low-passes follow."""


@dataclass(frozen=True, slots=True)
class RateResult:
    """What a simulation left.

    **Fields:** `code` (see `codes`); `steps` done; `weights` `(records, data sets, inputs)`, the weights after
    every `record_every` steps.
    """

    code: int
    steps: int
    weights: npt.NDArray[np.float64]


def rate_program(rule: Rule) -> tuple[Program, npt.NDArray[np.float64]]:
    """Encode a rule for the rate neuron: segment 0 is `on_step`, the low-passes' inputs follow.

    **Returns:** the program and the time constants of the low-passes [steps].
    **Raises:** `RulesearchError` for slots and states that a rate neuron does not have.
    """
    for slot in rule.slots:
        if slot != "on_step":
            raise RulesearchError(f"a rate neuron has only the slot on_step; found {slot}: write the expression alone")
    taus = []
    inputs = []
    for name, state in rule.states.items():
        if not isinstance(state, Lowpass) or not state.in_steps:
            raise RulesearchError(
                f"the state {name} does not fit a rate neuron; it has low-passes over steps: {name} = lowpass(x, 100)"
            )
        taus.append(state.tau)
        inputs.append(state.expression)
    program = encode((rule.slots["on_step"], *inputs), (*SYMBOLS, *rule.states), rule.constant_values())
    return program, np.array(taus)


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
    program, taus = rate_program(rule)
    steps, data_sets, width = inputs.shape
    lanes = data_sets * width
    registers = program.workspace(lanes)
    registers[2] = initial.reshape(lanes)
    records = np.zeros((steps // record_every, lanes))
    code, done = _run(
        program.compiled() if backend == "jit" else program.bytecode,
        registers,
        inputs.reshape(steps, lanes),
        width,
        int(program.segments[0, 2]),
        np.ascontiguousarray(program.segments[1:, 2]),
        1.0 / taus,
        eta,
        bounds[0],
        bounds[1],
        norm_limit * norm_limit,
        record_every,
        records,
    )
    return RateResult(code, done, records.reshape(-1, data_sets, width))


@njit(cache=True, error_model="numpy")  # type: ignore[misc]
def _run(
    program: Any,
    registers: Any,
    inputs: Any,
    width: int,
    change: int,
    lowpass_inputs: Any,
    rates: Any,
    eta: float,
    low: float,
    high: float,
    limit: float,
    record_every: int,
    records: Any,
) -> Any:
    lanes = inputs.shape[1]
    x, y, w = registers[0], registers[1], registers[2]
    delta = registers[change]
    bounded = low > -np.inf or high < np.inf
    surely_below = limit / width
    for step in range(inputs.shape[0]):
        for i in range(lanes):
            x[i] = inputs[step, i]
        for first in range(0, lanes, width):
            total = 0.0
            for i in range(first, first + width):
                total += w[i] * x[i]
            for i in range(first, first + width):
                y[i] = total
        run_segment(program, 0, registers, lanes)
        for k in range(rates.size):
            run_segment(program, k + 1, registers, lanes)
        large = 0
        for i in range(lanes):
            value = w[i] + eta * delta[i]
            if bounded:
                value = min(max(value, low), high)
            w[i] = value
            large += 0 if value * value <= surely_below else 1
        if large:
            for first in range(0, lanes, width):
                norm = 0.0
                for i in range(first, first + width):
                    norm += w[i] * w[i]
                if not norm <= limit:
                    return (RUNAWAY if np.isfinite(norm) else NONFINITE), step + 1
        for k in range(rates.size):
            z = registers[3 + k]
            target = registers[lowpass_inputs[k]]
            for i in range(lanes):
                z[i] += (target[i] - z[i]) * rates[k]
        if (step + 1) % record_every == 0:
            row = (step + 1) // record_every - 1
            for i in range(lanes):
                records[row, i] = w[i]
    return OK, inputs.shape[0]
