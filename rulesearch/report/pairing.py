r"""What one presynaptic and one postsynaptic spike do to a weight, exactly, from traces that start at 0.

The spikes are t seconds apart (t > 0: presynaptic first). At each spike the slots read all states as they stand
before the spike adds to them; synaptic states change before the weight. Between the spikes traces and synaptic
states decay by exp(-t/tau).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Synaptic, Trace

_VALUES = {"R": 1.0}
_AS_WEIGHT = ("w_mean", "w_sum")


@dataclass(slots=True)
class Synapse:
    """One synapse between two spikes.

    **Fields:** `rule`; `weight`; `states`: values by name; `held`: what the rule reads besides, and its value.
    """

    rule: Rule
    weight: float
    states: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def resting(rule: Rule, weight: float) -> Synapse:
        """Return a synapse long after any spike.

        **Raises:** `RulesearchError` where the weight is outside the rule's bounds.
        """
        low, high = rule.bounds or (-math.inf, math.inf)
        if not low <= weight <= high:
            raise RulesearchError(f"the weight {weight:g} lies outside the bounds {low:g} to {high:g} of the rule")
        names = dict.fromkeys(name for name in rule.symbols if name != "w" and name not in rule.states)
        held = {name: weight if name in _AS_WEIGHT else _VALUES.get(name, 0.0) for name in names}
        return Synapse(rule, weight, dict.fromkeys(rule.states, 0.0), held)

    def wait(self, seconds: float) -> None:
        """Let traces and synaptic states decay."""
        for name, state in self.rule.states.items():
            if isinstance(state, Trace | Synaptic) and state.tau is not None:
                self.states[name] *= math.exp(-seconds / state.tau)

    def spike(self, side: str) -> None:
        """Let a spike of the side `pre` or `post` arrive."""
        slot = f"on_{side}"
        for name, state in self.rule.states.items():
            if isinstance(state, Synaptic) and slot in state.slots:
                self.states[name] += float(state.slots[slot].evaluate(self._values()))
        if slot in self.rule.slots:
            low, high = self.rule.bounds or (-math.inf, math.inf)
            eta = 1.0 if self.rule.eta is None else self.rule.eta
            change = eta * float(self.rule.slots[slot].evaluate(self._values()))
            self.weight = min(max(self.weight + change, low), high)
        for name, state in self.rule.states.items():
            if isinstance(state, Trace) and state.side == side:
                self.states[name] = 1.0 if state.nearest else self.states[name] + 1.0

    def _values(self) -> dict[str, float]:
        return {**self.held, **self.states, **self.rule.constant_values(), "w": self.weight}


def pair_change(rule: Rule, seconds: float, weight: float) -> float:
    """Return the weight change of one pair of spikes, the postsynaptic one `seconds` after the presynaptic one."""
    synapse = Synapse.resting(rule, weight)
    first, second = ("pre", "post") if seconds >= 0 else ("post", "pre")
    synapse.spike(first)
    synapse.wait(abs(seconds))
    synapse.spike(second)
    return synapse.weight - weight


def far_apart_change(rule: Rule, weight: float) -> float:
    """Return the weight change of a presynaptic spike and, long after it, a postsynaptic one."""
    return pair_change(rule, math.inf, weight)
