"""Rules that read a signal of their own, where several experiments run side by side in one simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rulesearch.expression.tree import Expression
from rulesearch.rules import Lowpass, Rule, Synaptic
from rulesearch.rules.states import State


def with_own_signals(rule: Rule, names: Mapping[str, str]) -> Rule:
    """Return the rule with signals under other names, in its slots and its states.

    **Arguments:** `names`: the new name of each signal, such as `{"R": "R_3"}`.
    """
    own = {name: Expression.symbol(new) for name, new in names.items()}
    states: dict[str, State] = {}
    for key, state in rule.states.items():
        if isinstance(state, Lowpass):
            state = replace(state, expression=state.expression.substitute(own))
        elif isinstance(state, Synaptic):
            state = replace(state, slots={slot: part.substitute(own) for slot, part in state.slots.items()})
        states[key] = state
    return replace(rule, slots={slot: part.substitute(own) for slot, part in rule.slots.items()}, states=states)
