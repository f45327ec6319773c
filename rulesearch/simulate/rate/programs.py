"""Rules of rate neurons as programs: what a rule may have here, and which register is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass
from rulesearch.simulate.machine.program import Program, encode

NEURON_SYMBOLS = ("x", "y", "w")
"""Registers that the single neuron itself fills: input, output and weight; a rule's low-passes follow."""

NETWORK_SYMBOLS = (*NEURON_SYMBOLS, "h", "w_sum", "w_mean", "recon")
"""Registers that a network itself fills: also the target's input, sums of its weights, and Sanger's reconstruction;
signals and the low-passes of all rules follow."""

WEIGHT = NEURON_SYMBOLS.index("w")
"""The register of the weights."""


def lowpasses_of(rule: Rule, where: str = "a rate neuron") -> dict[str, Lowpass]:
    """Return the low-passes of a rule by name.

    **Raises:** `RulesearchError` for slots and states that a rate neuron does not have.
    """
    for slot in rule.slots:
        if slot != "on_step":
            raise RulesearchError(f"{where} has only the slot on_step; found {slot}: write the expression alone")
    found = {}
    for name, state in rule.states.items():
        if not isinstance(state, Lowpass) or not state.in_steps:
            raise RulesearchError(
                f"the state {name} does not fit {where}; it has low-passes over steps: {name} = lowpass(x, 100)"
            )
        found[name] = state
    return found


def rate_program(rule: Rule) -> tuple[Program, npt.NDArray[np.float64]]:
    """Encode a rule for the single neuron: segment 0 is `on_step`, the low-passes' inputs follow.

    **Returns:** the program and the time constants of the low-passes [steps].
    **Raises:** `RulesearchError` for slots and states that a rate neuron does not have.
    """
    states = lowpasses_of(rule)
    parts = (rule.slots["on_step"], *(state.expression for state in states.values()))
    program = encode(parts, (*NEURON_SYMBOLS, *states), rule.constant_values(), ("x", "y"))
    return program, np.array([state.tau for state in states.values()])


@dataclass(frozen=True, slots=True)
class RulePart:
    """Where the rule of one connection stands in the program of a network.

    **Fields:** `segment`: its `on_step`, the low-passes' inputs follow; `lowpass`: register of its first low-pass;
    `taus` of them [steps]; `read`: which of the network's own symbols it reads.
    """

    segment: int
    lowpass: int
    taus: tuple[float, ...]
    read: tuple[str, ...]


def network_program(
    rules: Mapping[str, Rule], signals: Mapping[str, Sequence[str]]
) -> tuple[Program, dict[str, RulePart]]:
    """Encode the rules of a network's connections as one program, which each connection runs on registers of its own.

    **Arguments:** `rules` by connection; `signals`: those that each connection may read.
    **Raises:** `RulesearchError` for what a rate network does not have.
    """
    named = tuple(dict.fromkeys(name for names in signals.values() for name in names))
    symbols = [*NETWORK_SYMBOLS, *named]
    expressions: list[Expression | None] = []
    constants: dict[str, float] = {}
    parts: dict[str, RulePart] = {}
    for number, (connection, rule) in enumerate(rules.items()):
        where = f"connection {connection}"
        states = lowpasses_of(rule, where)
        offered = (*NETWORK_SYMBOLS, *signals[connection])
        values = rule.constant_values()
        for name in (*states, *values):
            if name in (*NETWORK_SYMBOLS, *named):
                raise RulesearchError(f"{where}: {name!r} has a meaning of its own here; choose another name")
        for name in rule.symbols:
            if name not in offered and name not in states:
                raise RulesearchError(f"{where}: unknown symbol {name!r}{did_you_mean(name, (*offered, *states))}")
        # Constants and low-passes of different rules may have the same name; no name begins with a digit.
        own = {name: Expression.symbol(f"{number}.{name}") for name in (*states, *values)}
        parts[connection] = RulePart(
            len(expressions),
            len(symbols),
            tuple(state.tau for state in states.values()),
            tuple(name for name in rule.symbols if name in offered),
        )
        symbols += [f"{number}.{name}" for name in states]
        constants.update({f"{number}.{name}": value for name, value in values.items()})
        step = rule.slots.get("on_step")
        expressions.append(None if step is None else step.substitute(own))
        expressions += [state.expression.substitute(own) for state in states.values()]
    steady = tuple(name for name in (*NETWORK_SYMBOLS, *named) if name != "w")
    return encode(expressions, symbols, constants, steady), parts
