"""Rules of plastic projections as tables for the network kernel: what each event runs, reads and moves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SLOTS, SUMS, Lowpass, Synaptic, Trace
from rulesearch.simulate.machine.program import Program, encode
from rulesearch.simulate.network import tables
from rulesearch.simulate.synapse.drift import ELAPSED, affine_in_weight, since_last_event
from rulesearch.simulate.synapse.synapse import with_customary_traces

_MEMBRANE = {
    "v": tables.V,
    "v_dend": tables.V_DENDRITE,
    "I_E": tables.I_EXCITATORY,
    "I_I": tables.I_INHIBITORY,
}
_PRE, _POST, _SYNAPSE = range(3)
_SIDES = ("pre", "post")
_UNSCALED = 0
"""Level of what does not decay: the first one, always 1."""


@dataclass(frozen=True, slots=True)
class SynapseGroup:
    """What a plastic projection offers to its rule.

    **Fields:** `name` of the projection; `rows` (senders, once per delay); `targets`, of which `first` is the first
    among all neurons; `synapses`; `signals` of the network; `drift_steps` between moves by a drift that is not solved
    exactly; `in_degree` `(targets,)`; `dt` [s]; `euler`: whether low-passes move by Euler's method; `soft` bounds.
    """

    name: str
    rows: int
    targets: int
    first: int
    synapses: int
    signals: Sequence[str]
    drift_steps: int
    in_degree: npt.NDArray[np.int64]
    dt: float
    euler: bool
    soft: bool


_Action = tuple[int, int, int, str]
_Fill = tuple[str, int, int, int]


@dataclass(slots=True)
class PlasticityTables:
    """What the kernel needs of all plastic projections, one `add` each."""

    expressions: list[Expression] = field(default_factory=list)
    constants: dict[str, float] = field(default_factory=dict)
    table: list[dict[str, float]] = field(default_factory=list)
    change: list[dict[str, float]] = field(default_factory=list)
    actions: list[list[_Action]] = field(default_factory=list)
    fills: list[list[_Fill]] = field(default_factory=list)
    lowpasses: list[tuple[int, int, int]] = field(default_factory=list)
    lowpass_gains: list[float] = field(default_factory=list)
    lowpass_fills: list[list[_Fill]] = field(default_factory=list)
    states: list[dict[str, float]] = field(default_factory=list)
    taus: list[float] = field(default_factory=list)
    values: list[npt.NDArray[np.float64]] = field(default_factory=list)
    sources: dict[tuple[int, str], tuple[int, int, int]] = field(default_factory=dict)
    size: int = 0
    touched: int = 0
    longest_wait: float = math.inf

    def add(self, projection: int, rule: Rule, group: SynapseGroup) -> Rule:
        """Add the rule of a plastic projection, and return it as it is run.

        **Raises:** `RulesearchError` where the rule reads what its synapses do not have.
        """
        q = len(self.table)
        rule = _as_run(with_customary_traces(rule), group)
        low, high = rule.bounds or (-math.inf, math.inf)
        if group.soft and not (math.isfinite(low) and math.isfinite(high)):
            raise RulesearchError(f"projection {group.name}: soft bounds need both bounds; type bounds = [0, 1]")
        eta = 1.0 if rule.eta is None else rule.eta
        self.table.append({"projection": projection, "learns": 1, "sum": -1, "moved_sum": -1, "touched": -1})
        self.change.append({"eta": eta, "low": low, "high": high, "soft": group.soft})
        self.change[q] |= {"offset": 0.0, "level": 1.0, "shift": 0.0, "growth": 1.0}
        self.constants |= {_own(q, name): value for name, value in rule.constant_values().items()}
        self._place_states(q, rule, group)
        self._add_lowpasses(q, rule, group)
        affine = affine_in_weight(rule, group.soft)
        if affine is not None:
            constant, slope = eta * affine[0], eta * affine[1]
            if slope == 0.0:
                self.change[q]["shift"] = constant * group.dt
            else:
                self.change[q]["offset"] = -constant / slope
                self.change[q]["growth"] = math.exp(slope * group.dt)
        put_off = None if affine is not None else since_last_event(rule, tuple(group.signals), group.soft)
        for slot in SLOTS:
            solved = slot == "drift" and (affine is not None or put_off is not None)
            moves = [
                (name, state.slots[slot])
                for name, state in rule.states.items()
                if isinstance(state, Synaptic) and slot in state.slots
            ]
            if slot in rule.slots and not solved:
                moves.append(("", rule.slots[slot]))
            self._add_event(q, rule, moves)
        if put_off is not None:
            self.table[q]["touched"] = self.touched
            self.sources[q, ELAPSED] = (tables.WAITED, self.touched, 0)
            self.touched += group.synapses
            self.longest_wait = min(self.longest_wait, put_off[1])
        self._add_event(q, rule, [] if put_off is None else [("", put_off[0])])
        for side in _SIDES:
            self._add_event(q, rule, _moves_behind(rule, side))
        if self.actions[tables.EVENTS * q + tables.DRIFT]:
            self.table[q]["drift_every"] = group.drift_steps
        return rule

    def encode(self) -> Program:
        """Return all rules as one program; register 0 is the weight."""
        names = dict.fromkeys(
            name for expression in self.expressions for name in expression.symbols if name not in self.constants
        )
        read = dict.fromkeys(row[0] for part in (*self.fills, *self.lowpass_fills) for row in part)
        return encode(self.expressions, list(dict.fromkeys(["w", *names, *read])), self.constants)

    def arrays(self, program: Program, signals: Mapping[str, float]) -> tables.Plastics:
        """Return the tables as the kernel reads them, every state in its first condition."""
        register = {name: index for index, name in enumerate(program.symbols)}
        results = program.segments[:, 2]

        def starts(parts: Sequence[Sequence[object]]) -> npt.NDArray[np.int64]:
            return np.cumsum([0, *(len(part) for part in parts)]).astype(np.int64)

        def filled(parts: list[list[_Fill]]) -> npt.NDArray[Any]:
            return np.array([(register[name], *source) for part in parts for name, *source in part], tables.FILL)

        actions = [
            (segment, int(results[segment]), first, level, register[name] if name else -1)
            for part in self.actions
            for segment, first, level, name in part
        ]
        return tables.Plastics(
            tables.records(tables.PLASTIC, self.table),
            tables.records(tables.CHANGE, self.change),
            starts(self.actions),
            np.array(actions, tables.ACTION),
            starts(self.fills),
            filled(self.fills),
            np.array([self._needs(event) for event in range(len(self.fills))], dtype=np.bool_).reshape(-1, 2),
            np.array([(k, int(results[k]), first, size) for k, first, size in self.lowpasses], tables.LOWPASS),
            np.array(self.lowpass_gains, dtype=np.float64),
            starts(self.lowpass_fills),
            filled(self.lowpass_fills),
            tables.records(tables.STATE, self.states),
            np.array(self.taus, dtype=np.float64),
            np.zeros(len(self.taus), dtype=np.int64),
            np.ones(len(self.taus) + 1),
            np.concatenate([np.zeros(0), *self.values]),
            np.array(list(signals.values()), dtype=np.float64),
            np.zeros(self.touched, dtype=np.int32),
            np.zeros(2),
        )

    def _needs(self, event: int) -> tuple[bool, bool]:
        """Return whether an event reads by target and by row; what was put off runs together with the others."""
        q = event // tables.EVENTS
        parts = (self.fills[event], self.fills[tables.EVENTS * q + tables.CATCH_UP])
        kinds = {kind for part in parts for _, kind, _, _ in part}
        sums = self.table[q]["sum"] >= 0
        return sums or bool(kinds & {tables.TARGET_STATE, tables.MEMBRANE, tables.MEAN}), tables.ROW in kinds

    def _allocate(self, values: npt.NDArray[np.float64]) -> int:
        first = self.size
        self.values.append(values)
        self.size += values.size
        return first

    def _segment(self, q: int, expression: Expression) -> int:
        own = {name: Expression.symbol(_own(q, name)) for name in expression.symbols}
        self.expressions.append(expression.substitute(own))
        return len(self.expressions) - 1

    def _place_states(self, q: int, rule: Rule, group: SynapseGroup) -> None:
        """Give every state its place among the values, so that each finds what it reads, and name all else."""
        sizes = (group.rows, group.targets, group.synapses)
        kinds = (tables.ROW, tables.TARGET_STATE, tables.SYNAPSE)
        for name, state in rule.states.items():
            if isinstance(state, Lowpass):
                side = side_of(state.expression, rule)
                self.sources[q, name] = (kinds[side], self._allocate(np.zeros(sizes[side])), _UNSCALED)
                continue
            side = _SYNAPSE if isinstance(state, Synaptic) or state.resets else _SIDES.index(state.side)
            first = self._allocate(np.zeros(sizes[side]))
            nearest = isinstance(state, Trace) and state.nearest
            self.states.append({"plastic": q, "side": side, "first": first, "size": sizes[side], "nearest": nearest})
            self.taus.append(math.inf if state.tau is None else state.tau)
            self.sources[q, name] = (kinds[side], first, len(self.taus))
        self.sources[q, "w"] = (tables.WEIGHT, 0, 0)
        for name, row in _MEMBRANE.items():
            self.sources.setdefault((q, name), (tables.MEMBRANE, group.first, row))
        for index, name in enumerate(group.signals):
            self.sources.setdefault((q, name), (tables.SIGNAL, index, 0))
        if any(name in SUMS for name in rule.symbols):
            sums = self._allocate(np.zeros(group.targets))
            self.table[q] |= {"sum": sums, "moved_sum": self._allocate(np.zeros(group.targets))}
            self.sources[q, "w_sum"] = (tables.TARGET_STATE, sums, _UNSCALED)
            inverse = self._allocate(1.0 / np.maximum(group.in_degree, 1))
            self.sources[q, "w_mean"] = (tables.MEAN, sums, inverse)

    def _add_lowpasses(self, q: int, rule: Rule, group: SynapseGroup) -> None:
        for name, state in rule.states.items():
            if isinstance(state, Lowpass):
                side = side_of(state.expression, rule)
                size = group.rows if side == _PRE else group.targets
                self.lowpasses.append((self._segment(q, state.expression), self.sources[q, name][1], size))
                gain = group.dt / state.tau
                self.lowpass_gains.append(gain if group.euler else -math.expm1(-gain))
                self.lowpass_fills.append(self._read(q, rule, state.expression.symbols))

    def _add_event(self, q: int, rule: Rule, moves: Sequence[tuple[str, Expression]]) -> None:
        """Add what an event adds to states of the synapse, by name, and last to the weight, by an empty name."""
        actions: list[_Action] = []
        read = ["w"]
        for name, expression in moves:
            _, first, level = self.sources[q, name] if name else ("", -1, 0)
            actions.append((self._segment(q, expression), first, level, _own(q, name) if name else ""))
            read += [*expression.symbols, *([name] if name else [])]
        self.actions.append(actions)
        self.fills.append(self._read(q, rule, read) if actions else [])

    def _read(self, q: int, rule: Rule, names: Sequence[str]) -> list[_Fill]:
        return [(_own(q, name), *self.sources[q, name]) for name in dict.fromkeys(names) if name not in rule.constants]


def _own(q: int, name: str) -> str:
    """Return the name of a rule's symbol among those of all rules; the weight is common to all."""
    return name if name == "w" else f"{q}_{name}"


def _moves_behind(rule: Rule, side: str) -> list[tuple[str, Expression]]:
    """Return what a spike of a side adds to the traces that spikes of both sides move, once they were read."""
    moves = []
    for name, state in rule.states.items():
        if isinstance(state, Trace) and state.resets:
            emptied = Expression.apply("neg", Expression.symbol(name))
            one = Expression.number(1.0)
            own = Expression.apply("add", one, emptied) if state.nearest else one
            moves.append((name, own if state.side == side else emptied))
    return moves


def side_of(expression: Expression, rule: Rule) -> int:
    """Return whose an expression is: 0 the sender's, 1 the target's, 2 where it needs both or the weight."""
    sides: set[int] = set()
    for name in expression.symbols:
        state = rule.states.get(name)
        if isinstance(state, Trace):
            sides.add(_SYNAPSE if state.resets else _SIDES.index(state.side))
        elif isinstance(state, Lowpass):
            sides.add(side_of(state.expression, rule))
        elif isinstance(state, Synaptic) or name == "w":
            sides.add(_SYNAPSE)
        elif name in _MEMBRANE or name in SUMS:
            sides.add(_POST)
    return (next(iter(sides)) if sides else _POST) if len(sides) < 2 else _SYNAPSE


def _as_run(rule: Rule, group: SynapseGroup) -> Rule:
    """Return the rule with the states that are read, low-passes of both sides' values as states of the synapse.

    **Raises:** `RulesearchError` where it reads what its synapses do not have.
    """
    where = f"the rule of projection {group.name}"
    read = rule.symbols
    states = {
        name: state
        for name, state in rule.states.items()
        if name in read or (isinstance(state, Synaptic) and state.slots)
    }
    rule = replace(rule, states=states)
    offered = {"w", *_MEMBRANE, *SUMS, *group.signals, *rule.states, *rule.constants}
    for name in rule.symbols:
        if name not in offered:
            raise RulesearchError(
                f"{where} reads {name!r}, which its synapses do not have{did_you_mean(name, offered)}"
            )
    for name, state in rule.states.items():
        if isinstance(state, Lowpass) and state.in_steps:
            raise RulesearchError(f"{where}: the low-pass {name} counts steps; give its tau a unit: 100 ms")
        if state.tau is not None and not state.tau > 0.0:
            raise RulesearchError(f"{where}: tau of {name} must be above 0 s, found {state.tau:g}")
    for name, state in rule.states.items():
        if isinstance(state, Lowpass) and side_of(state.expression, rule) == _SYNAPSE:
            rate = Expression.apply("div", state.expression, Expression.number(state.tau))
            states = {**rule.states, name: Synaptic({"drift": rate}, state.tau)}
            rule = replace(rule, states=states)
    return rule
