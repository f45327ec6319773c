"""States of two rules side by side: same kind, side, scheme and definition; time constants as ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from rulesearch.expression.tree import Expression
from rulesearch.expression.units import time_text
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass, State, Synaptic, Trace
from rulesearch.rules.written import state_text
from rulesearch.symbolic.holes import Holes, hole_text
from rulesearch.symbolic.normal_form import NormalForm


@dataclass(slots=True)
class StateMatch:
    """How the states of two rules relate.

    **Fields:** `ratios`: time constants ours/theirs that differ, by `tau_NAME`; `extra` and `missing`: states of
    ours and theirs that do not fit each other, as text; `other_units`: states whose time constants cannot be
    compared (seconds against steps).
    """

    ratios: dict[str, float] = field(default_factory=dict)
    extra: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    other_units: list[str] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Same kinds, schemes and definitions; time constants may differ."""
        return not self.extra

    @property
    def equal(self) -> bool:
        """The same states, time constants included."""
        return self.fits and not self.ratios and not self.other_units


def renamed(ours: Rule, theirs: Rule) -> Rule:
    """Return our rule with those states renamed that only theirs declares under another name."""
    reads = set(ours.symbols)
    names: dict[str, str] = {}
    for name, state in ours.states.items():
        if name in theirs.states or name in theirs.symbols:
            continue
        for other, candidate in theirs.states.items():
            free = other not in ours.states and other not in reads and other not in names.values()
            if free and other not in ours.constants and _same_definition(ours, state, theirs, candidate):
                names[name] = other
                break
    return ours.renamed(names) if names else ours


def matched(ours: Rule, theirs: Rule) -> StateMatch:
    """Compare the states that both rules declare and read; one that a side does not declare fits anything."""
    result = StateMatch()
    for name, state in ours.states.items():
        other = theirs.states.get(name)
        if other is None or name not in ours.symbols or name not in theirs.symbols:
            continue
        if not _same_definition(ours, state, theirs, other):
            result.extra.append(_text(name, state))
            result.missing.append(_text(name, other))
        elif isinstance(state, Lowpass) and isinstance(other, Lowpass) and state.in_steps != other.in_steps:
            result.other_units.append(name)
        elif (state.tau is None) != (other.tau is None):
            result.extra.append(_text(name, state))
            result.missing.append(_text(name, other))
        elif state.tau is not None and other.tau is not None and not math.isclose(state.tau, other.tau, rel_tol=1e-9):
            result.ratios[f"tau_{name}"] = state.tau / other.tau
    return result


def _text(name: str, state: State) -> str:
    """Return the declaration of a state as rule text, with the interaction scheme of a trace."""
    if isinstance(state, Trace):
        return f"{name} = trace({state.side}, {time_text(state.tau)}, {state.pairing})"
    return state_text(name, state)


def _same_definition(ours: Rule, state: State, theirs: Rule, other: State) -> bool:
    if isinstance(state, Trace) and isinstance(other, Trace):
        return (state.side, state.pairing) == (other.side, other.pairing)
    if isinstance(state, Lowpass) and isinstance(other, Lowpass):
        return _same(ours, state.expression, theirs, other.expression)
    if isinstance(state, Synaptic) and isinstance(other, Synaptic):
        return set(state.slots) == set(other.slots) and all(
            _same(ours, state.slots[slot], theirs, other.slots[slot]) for slot in state.slots
        )
    return False


def _same(ours: Rule, expression: Expression, theirs: Rule, other: Expression) -> bool:
    return _drive(ours, expression) == _drive(theirs, other)


def _drive(rule: Rule, expression: Expression) -> str:
    algebra = NormalForm(rule.constant_values())
    return algebra.text(algebra.of(expression)) + hole_text(Holes(algebra).of(expression))
