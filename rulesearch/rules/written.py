"""Rule text as it is written: `parse_rules` reads it back without loss."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import format_number, from_base, time_text
from rulesearch.rules.states import CUSTOMARY_TRACES, SLOTS, Lowpass, State, Trace


def written(
    slots: Mapping[str, Expression],
    eta: float | None,
    constants: Mapping[str, Number],
    states: Mapping[str, State],
    bounds: tuple[float, float] | None,
) -> str:
    """Return the text of the fields of a rule; what is None or empty is left out."""
    pieces = []
    if set(slots) == {"on_step"}:
        pieces.append(to_text(slots["on_step"]))
    else:
        pieces += [f"{slot}: {to_text(slots[slot])}" for slot in SLOTS if slot in slots]
    if eta is not None:
        pieces.append(f"eta = {format_number(eta)}")
    pieces += [f"{name} = {_number_text(number)}" for name, number in constants.items()]
    pieces += [state_text(name, state) for name, state in states.items()]
    if bounds is not None:
        pieces.append(f"bounds = [{', '.join(_bound_text(bound) for bound in bounds)}]")
    return "; ".join(pieces)


def state_text(name: str, state: State) -> str:
    """Return the declaration of a state: `tau_x = 20 ms`, `theta = lowpass(y**2, 10 s)`."""
    if isinstance(state, Trace):
        if state.pairing == "all" and CUSTOMARY_TRACES.get(name) == state.side:
            return f"tau_{name} = {time_text(state.tau)}"
        scheme = "" if state.pairing == "all" else f", {state.pairing}"
        return f"{name} = trace({state.side}, {time_text(state.tau)}{scheme})"
    if isinstance(state, Lowpass):
        tau = format_number(state.tau) if state.in_steps else time_text(state.tau)
        return f"{name} = lowpass({to_text(state.expression)}, {tau})"
    return f"{name} = synaptic({_synaptic_text(state.slots, state.tau)})"


def _number_text(number: Number) -> str:
    digits = from_base(number.value, number.unit)
    return f"{digits} {number.unit}" if number.unit else digits


def _bound_text(value: float) -> str:
    return repr(value) if math.isinf(value) else format_number(value)


def _synaptic_text(slots: Mapping[str, Expression], tau: float | None) -> str:
    pieces = [f"{slot}: {to_text(slots[slot])}" for slot in SLOTS if slot in slots]
    return "; ".join(pieces + ([f"tau = {time_text(tau)}"] if tau is not None else []))
