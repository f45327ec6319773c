"""What figures of a rule by itself show, in numbers: its change over x and y, by pairs of spikes, and whether any."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, shown
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SUMS, Synaptic, Trace
from rulesearch.simulate.synapse.respond import pair_change, respond
from rulesearch.simulate.synapse.synapse import with_customary_traces
from rulesearch.workflow.side_by_side import spikes_alone

Array = npt.NDArray[np.float64]

ACTIVITY = 2.0
"""How far the axes x and y go on either side of 0."""
WEIGHTS = (0.0, 0.5, 1.0)
PAIRS = 60
FREQUENCIES = (0.1, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0)
_GRID = 161
_GAP = 0.01


@dataclass(frozen=True, slots=True)
class Written:
    """What spikes write into a synaptic state that moves the weight, such as an eligibility, as a rule of its own.

    **Fields:** `name` of the state; `rule`, whose weight is the state.
    """

    name: str
    rule: Rule


def reads_weight(rule: Rule) -> bool:
    """Return whether the change depends on the weight."""
    return any(name in rule.symbols for name in ("w", *SUMS))


def rate_slot(rule: Rule) -> Expression:
    """Return what moves the weight of a rule without spikes: `on_step`, else `drift`."""
    return rule.slots["on_step" if "on_step" in rule.slots else "drift"]


def held_values(rule: Rule) -> dict[str, float]:
    """Return the values at which all but x, y and w is held (R is 1, else 0) where a rate rule is drawn."""
    names = [name for name in rate_slot(rule).symbols if name not in {"x", "y", "w", *rule.constants}]
    return {name: 1.0 if name == "R" else 0.0 for name in names}


def axis() -> Array:
    """Return the values of x and of y on the grid of `surface`."""
    return np.linspace(-ACTIVITY, ACTIVITY, _GRID)


def surface(rule: Rule, w: float) -> Array:
    """Return the change of a weight `w` over a grid of x and y from -2 to 2, learning rate included."""
    x, y = np.meshgrid(axis(), axis())
    held = held_values(rule)
    values: dict[str, Any] = {**held, **rule.constant_values(), "x": x, "y": y, "w": w}
    values |= {name: w for name in SUMS if name in held}
    eta = 1.0 if rule.eta is None else rule.eta
    changes: Array = eta * np.broadcast_to(np.asarray(rate_slot(rule).evaluate(values), dtype=float), x.shape)
    return changes


def widest_delay(rule: Rule) -> float:
    """Return how far apart a window shows spikes [s]: five of the longest time constant, 0.1 to 0.5 s."""
    taus = [state.tau for state in rule.states.values() if isinstance(state, Trace)]
    return min(max([0.1, *(5.0 * tau for tau in taus)]), 0.5)


def frequency_changes(rule: Rule, order: float, weight: float, held: dict[str, float]) -> list[float]:
    """Return what pairs of an order (1: presynaptic first, -1) do at each of the frequencies."""
    low, high = rule.bounds or (-np.inf, np.inf)
    bounded = replace(rule, bounds=(min(low, weight), max(high, weight)))
    pre, post = ([max(0.0, -order * _GAP)], [max(0.0, order * _GAP)])
    return [respond(bounded, pre, post, PAIRS, 1.0 / hz, weight, held).delta_w for hz in FREQUENCIES]


def written_by_spikes(rule: Rule, weight: float) -> Written | None:
    """Return what spikes write into the first synaptic state that a rule reads, where they do not move its weight.

    **Arguments:** `weight`: where the weight is held meanwhile. Decay and drift of the state are left out.
    """
    if rule.moved_by_spikes:
        return None
    for name in rate_slot(rule).symbols:
        state = rule.states.get(name)
        if not isinstance(state, Synaptic):
            continue
        if slots := {slot: state.slots[slot] for slot in ("on_pre", "on_post") if slot in state.slots}:
            at = {**dict.fromkeys(("w", *SUMS), Expression.number(weight)), name: Expression.symbol("w")}
            taken = {slot: part.substitute(at) for slot, part in slots.items()}
            others = {each: what for each, what in rule.states.items() if each != name}
            made = Rule(taken, 1.0, others, rule.constants).without_unread()
            if _pairs_move(made, 0.0):
                return Written(name, made)
    return None


def moves(rule: Rule) -> bool:
    """Return whether pairs of spikes move the weight, without spike slots x and y, where all else is held."""
    if rule.moved_by_spikes:
        return _pairs_move(rule, WEIGHTS[1])
    return any(bool(np.any(np.nan_to_num(surface(rule, w)) != 0.0)) for w in WEIGHTS)


def _pairs_move(rule: Rule, weight: float) -> bool:
    alone, held = spikes_alone(with_customary_traces(rule))
    return any(pair_change(alone, delay, weight, held) != 0.0 for delay in (-_GAP, _GAP))


def _needs(rule: Rule) -> list[str]:
    """Return what a figure of a rule by itself holds at 0."""
    held = spikes_alone(with_customary_traces(rule))[1] if rule.moved_by_spikes else held_values(rule)
    return [name for name, value in held.items() if value == 0.0]


def is_drawn(rule: Rule) -> bool:
    """Return whether a figure of a rule by itself shows anything."""
    return moves(rule) or written_by_spikes(rule, WEIGHTS[1]) is not None


def check_drawn(rules: Iterable[Rule], drawn: Callable[[Rule], bool] = is_drawn) -> None:
    """Refuse rules of which a figure shows nothing.

    **Arguments:** `drawn`: whether it shows anything of one.
    **Raises:** `RulesearchError`.
    """
    still = list(rules)
    if any(map(drawn, still)):
        return
    needed = list(dict.fromkeys(name for rule in still for name in _needs(rule)))
    if not needed:
        raise RulesearchError(f"there is nothing to draw: {shown(str(still[0]))} never changes the weight")
    raise RulesearchError(
        f"there is nothing to draw of {shown(str(still[0]))} by itself: it also needs {', '.join(needed)}; "
        "name a task that gives them: --task T"
    )
