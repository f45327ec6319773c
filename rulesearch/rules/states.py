"""What a rule's expressions read besides w: traces, low-passes and synaptic states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rulesearch.expression.tree import Expression

SLOTS = ("on_pre", "on_post", "drift", "on_step")
"""The four slots of a rule, in the order in which they are printed."""

CUSTOMARY_TRACES: dict[str, str] = {
    **{name: "pre" for name in ("x", "x2", "x3")},
    **{name: "post" for name in ("y", "y2", "y3")},
}
"""Side of the traces that `tau_NAME = 20 ms` declares."""

CUSTOMARY_TAU = 0.02
"""Time constant of these traces where a rule reads one without declaring it [s]."""

SUMS = ("w_sum", "w_mean")
"""What reads all weights of a neuron in a projection; of a single synapse both are its weight."""

VOCABULARY: dict[str, tuple[str, str]] = {
    "w": ("weight of the synapse", ""),
    "x": ("presynaptic trace (in rate networks: activity)", ""),
    "x2": ("second presynaptic trace", ""),
    "x3": ("third presynaptic trace", ""),
    "y": ("postsynaptic trace (in rate networks: activity)", ""),
    "y2": ("second postsynaptic trace", ""),
    "y3": ("third postsynaptic trace", ""),
    "x_bar": ("running mean of x", ""),
    "y_bar": ("running mean of y", ""),
    "v": ("membrane potential", "mV"),
    "v_target": ("the teacher's membrane potential", "mV"),
    "v_dend": ("dendritic potential", "mV"),
    "psp": ("postsynaptic potential of this synapse", ""),
    "E": ("eligibility of the synapse", ""),
    "R": ("reward", ""),
    "R_bar": ("running mean of the reward", ""),
    "R_bar_plus": ("running mean of the positive rewards", ""),
    "R_bar_minus": ("running mean of the negative rewards, itself negative", ""),
    "w_sum": ("sum of the neuron's weights in this projection, before the event", ""),
    "w_mean": ("mean of the neuron's weights in this projection, before the event", ""),
    "I_E": ("excitatory current", "pA"),
    "I_I": ("inhibitory current", "pA"),
    "recon": ("Sanger's reconstruction, the sum over j <= i of y_j w_j", ""),
}
"""Symbols that a rule may read without declaring them: meaning and unit. A task offers some of them."""


PAIRINGS: dict[str, tuple[bool, bool]] = {
    "all": (False, False),
    "nearest": (True, False),
    "next": (False, True),
    "immediate": (True, True),
}
"""Which spikes of the other side a trace's spikes are paired with: the fields `nearest` and `resets` of `Trace`."""


@dataclass(frozen=True, slots=True)
class Trace:
    """An exponentially decaying trace of spikes: dz/dt = -z/tau; a spike adds 1 (nearest: sets to 1).

    Where it resets, a spike of the other side sets it to 0 once it has read it: each spike is then paired with the
    next one of the other side alone. The schemes of Morrison et al. 2008, doi 10.1007/s00422-008-0233-1, figure 7, are
    two traces `nearest` (symmetric), x `next` and y `nearest` (presynaptic-centred), both `immediate` (reduced
    symmetric).

    **Fields:** `side` is `pre` or `post`; `tau` [s].
    """

    side: str
    tau: float
    nearest: bool = False
    resets: bool = False

    @property
    def pairing(self) -> str:
        """The scheme's name in rule text."""
        return next(name for name, fields in PAIRINGS.items() if fields == (self.nearest, self.resets))

    def after(self, value: float, own: bool) -> float:
        """Return the value behind a spike, of this trace's own side or of the other one."""
        if own:
            return 1.0 if self.nearest else value + 1.0
        return 0.0 if self.resets else value


@dataclass(frozen=True, slots=True)
class Lowpass:
    """A low-pass of an expression: dz/dt = (expression - z)/tau.

    **Fields:** `tau` [s], or a number of the task's steps where `in_steps`.
    """

    expression: Expression
    tau: float
    in_steps: bool = False


@dataclass(frozen=True, slots=True)
class Synaptic:
    """A state of each synapse with slots of its own, such as an eligibility: dz/dt = -z/tau + drift.

    **Fields:** `slots`: expression by slot name; `tau` [s], None for no decay.
    """

    slots: Mapping[str, Expression] = field(default_factory=dict)
    tau: float | None = None


State = Trace | Lowpass | Synaptic


def expressions_of(state: State) -> tuple[Expression, ...]:
    """Return the expressions that a state has: one of a low-pass, those of the slots of a synaptic state."""
    if isinstance(state, Lowpass):
        return (state.expression,)
    return tuple(state.slots.values()) if isinstance(state, Synaptic) else ()


def reached(names: Iterable[str], states: Mapping[str, State]) -> tuple[str, ...]:
    """Return the names, and all that is read by the states among them, each once."""
    found: dict[str, None] = {}
    waiting = list(dict.fromkeys(names))[::-1]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            if name in states:
                waiting += [read for part in expressions_of(states[name]) for read in part.symbols]
    return tuple(found)


def customary_traces(names: Iterable[str]) -> dict[str, State]:
    """Return the traces that are meant by x, y and the others among names, where a rule declares none of that name."""
    return {name: Trace(CUSTOMARY_TRACES[name], CUSTOMARY_TAU) for name in names if name in CUSTOMARY_TRACES}
