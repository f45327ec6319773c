"""Running rate networks: many data sets at a time, many candidates in one call of compiled code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.given import real_number, several, whole_number
from rulesearch.rules.kinds import check_members
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.simulate.codes import STATUS
from rulesearch.simulate.machine.compiling import announce, check_backend
from rulesearch.simulate.machine.program import Program
from rulesearch.simulate.rate.lanes import checked, to_lanes
from rulesearch.simulate.rate.layout import lay_out
from rulesearch.simulate.rate.network import Array, Connection, RateNetwork
from rulesearch.simulate.rate.network_kernel import run_each, run_network
from rulesearch.simulate.rate.programs import WEIGHT, RulePart, network_program
from rulesearch.simulate.rate.tables import (
    FILL,
    FROM_ALL,
    FROM_SOURCE,
    FROM_TARGET,
    MEAN,
    MOTION,
    RECONSTRUCTION,
    SUM,
)

Candidate = Mapping[str, Rule] | RuleSet | Rule
"""Rules by the name that connections give as theirs; a single one where they give one name."""


@dataclass(frozen=True, slots=True)
class RateRecording:
    """What a rate network did.

    **Fields:** `code` (see `codes`); `steps` done before it ended; `at`: the steps after which weights, and in which
    outputs, were written down; `weights` by connection `(records, data sets, targets, sources)`, 0 where there is no
    synapse; `outputs` by layer `(records, data sets, neurons)`. Records behind an early end are 0.
    """

    code: int
    steps: int
    at: npt.NDArray[np.int64]
    weights: Mapping[str, Array]
    outputs: Mapping[str, Array]

    @property
    def status(self) -> str:
        """Name of the result code."""
        return STATUS[self.code]


class RateSimulation:
    """A rate network and what it is shown, laid out once for many rules.

    At each step the network sees its inputs and signals, computes its layers in order, and each plastic connection then
    moves by what its rule makes of this presentation: w <- bounds(w + eta f(x, y, w, ...)). All rules read before any
    weight moves; low-passes move last: z <- z + (g - z)/tau, from 0.

    What a rule may read: `x`, what its source gives; `y`, what its target gives, and `h`, the target's input before the
    output function; `w`; `w_sum` and `w_mean` over the target's synapses of the connection; `recon`, the sum over
    j <= i of y_j w_j from the same source; signals; low-passes of any of these.

    **Arguments:** `inputs` by name `(steps, data sets, neurons)`; `signals` by name `(steps, data sets)`, those of a
    layer `(steps, data sets, neurons)`; `clamps` by layer `(steps, data sets, neurons)`: outputs that are given, nan
    where the neuron is free; `norm_limit`: a target's weights that are longer than this run away. One data set stands
    for any number of them.
    **Raises:** `RulesearchError` for what is missing or does not fit.
    """

    def __init__(
        self,
        network: RateNetwork,
        inputs: Mapping[str, Array],
        signals: Mapping[str, Array] | None = None,
        clamps: Mapping[str, Array] | None = None,
        norm_limit: float = 1e3,
    ) -> None:
        self.network = network
        if not real_number(norm_limit, "norm_limit") > 0.0:
            raise RulesearchError(f"norm_limit must be above 0, found {norm_limit:g}")
        sizes = network.sizes
        shapes = {signal.name: 1 if signal.layer is None else sizes[signal.layer] for signal in network.signals}
        given = {
            **checked("input", inputs, network.inputs, network.inputs),
            **checked("signal", signals or {}, shapes, shapes),
            **checked("clamp", clamps or {}, {layer.name: layer.size for layer in network.layers}, {}),
        }
        if not given:
            raise RulesearchError("a network is shown nothing: give at least one input or signal")
        found = {
            "steps": {len(each) for each in given.values()},
            "data sets": {e.shape[1] for e in given.values()} - {1},
        }
        found["data sets"] |= {np.shape(c.weight)[0] for c in network.connections if np.ndim(c.weight) == 3} - {1}
        for what, numbers in found.items():
            if len(numbers) > 1:
                raise RulesearchError(f"inputs, signals, clamps and weights differ in {what}: {sorted(numbers)}")
        self.steps = found["steps"].pop()
        self.data_sets = found["data sets"].pop() if found["data sets"] else 1
        self.layout = lay_out(network, self.data_sets, list(clamps or {}), norm_limit)
        shown = [to_lanes(each, self.layout.lanes, self.data_sets) for each in given.values()]
        self.shown = np.concatenate(shown, axis=1).reshape(self.steps, -1)
        self.weights = {connection.name: self._start(connection) for connection in network.connections}

    def run(
        self,
        rules: Candidate | None = None,
        record_every: int = 1,
        record_from: int = 0,
        backend: str = "vm",
        connections: Sequence[str] | None = None,
    ) -> RateRecording:
        """Run the network with one set of rules (see `run_each`)."""
        return self.run_each([{} if rules is None else rules], record_every, record_from, backend, connections)[0]

    def run_each(
        self,
        candidates: Sequence[Candidate],
        record_every: int = 1,
        record_from: int = 0,
        backend: str = "vm",
        connections: Sequence[str] | None = None,
    ) -> list[RateRecording]:
        """Run the network once for each of several sets of rules.

        On the virtual machine this is one call of compiled code, during which other threads run.

        **Arguments:** `candidates`: rules for the connections that only name theirs; weights and outputs are written
        down at every `record_every`-th step from `record_from` on; `backend`: `vm` or `jit`; `connections` whose
        weights are written down (None: all).
        **Raises:** `RulesearchError` for rules that are missing or that a rate network cannot have.
        """
        network, layout, data_sets = self.network, self.layout, self.data_sets
        check_backend(backend)
        record_every = whole_number(record_every, "record_every", 1)
        record_from = whole_number(record_from, "record_from", 0)
        chosen = [self.rules(each) for each in several(candidates, (Rule, RuleSet, Mapping, str), "candidates")]
        if not chosen:
            return []
        made = [network_program(rules, network.readable()) for rules in chosen]
        motions = np.zeros((len(made), len(network.connections)), dtype=MOTION)
        fills: list[tuple[int, int, int]] = []
        rates: list[float] = []
        memories = [
            self._place(rules, program, parts, row, fills, rates)
            for rules, (program, parts), row in zip(chosen, made, motions, strict=True)
        ]
        records = max(0, self.steps - record_from) // record_every
        names = [connection.name for connection in network.connections]
        kept = names if connections is None else several(connections, str, "connections")
        for name in kept:
            if name not in names:
                raise RulesearchError(f"the network has no connection {name!r}{did_you_mean(name, names)}")
        widths = [layout.synapses[name][0].size * layout.lanes for name in set(kept)]
        neurons = sum(layer.size for layer in network.layers)
        weights = np.zeros((len(made), records, sum(widths)))
        outputs = np.zeros((len(made), records, neurons * layout.lanes))
        ends = np.zeros((len(made), 2), dtype=np.int64)
        shared = np.array(fills, dtype=np.int64).reshape(-1, 3).view(FILL).ravel(), np.array(rates, dtype=np.float64)
        recorded = record_every, record_from, np.array([name in kept for name in names], dtype=np.bool_)
        if backend == "jit":
            for k, (program, _) in enumerate(made):
                run_network(
                    program.compiled(),
                    program.segments,
                    layout.wiring,
                    layout.workspace(),
                    motions[k],
                    *shared,
                    memories[k],
                    self.shown,
                    *recorded,
                    weights[k],
                    outputs[k],
                    ends[k],
                )
        else:
            announce(run_each, "the simulator of rate networks with several rules", backend)
            run_each(
                np.concatenate([program.code for program, _ in made]),
                np.concatenate([program.segments for program, _ in made]),
                np.array(
                    [(len(p.code), len(p.segments), m.size) for (p, _), m in zip(made, memories, strict=True)],
                    dtype=np.int64,
                ),
                layout.wiring,
                layout.workspace(),
                motions,
                *shared,
                np.concatenate(memories),
                self.shown,
                *recorded,
                weights,
                outputs,
                ends,
            )
        at = record_from + record_every * np.arange(1, records + 1) - 1
        return [
            RateRecording(int(code), int(steps), at, layout.weights(w, data_sets, kept), layout.outputs(y, data_sets))
            for (code, steps), w, y in zip(ends, weights, outputs, strict=True)
        ]

    def rules(self, candidate: Candidate) -> dict[str, Rule]:
        """Return the rule of each plastic connection; raises `RulesearchError` for too few and too many."""
        named = {connection.rule for connection in self.network.connections if isinstance(connection.rule, str)}
        given = _by_name(candidate, named)
        for name in given:
            if name not in named:
                raise RulesearchError(f"no connection has the rule {name!r}{did_you_mean(name, named)}")
        found = {}
        for connection in self.network.connections:
            rule = connection.rule
            if isinstance(rule, str):
                if rule not in given:
                    raise RulesearchError(f"connection {connection.name}: the rule {rule!r} was not given")
                rule = given[rule]
            if rule is not None:
                found[connection.name] = rule
        return found

    def _place(
        self,
        rules: Mapping[str, Rule],
        program: Program,
        parts: Mapping[str, RulePart],
        row: npt.NDArray[np.void],
        fills: list[tuple[int, int, int]],
        rates: list[float],
    ) -> Array:
        """Fill one candidate's table, and return its numbers: registers of plastic connections, weights of others."""
        memory = []
        place = 0
        for motion, connection in zip(row, self.network.connections, strict=True):
            weights = self.weights[connection.name]
            motion["memory"] = motion["weight"] = place
            motion["segment"] = -1
            if connection.name not in rules:
                memory.append(weights)
                place += weights.size
                continue
            rule, part = rules[connection.name], parts[connection.name]
            registers = program.workspace(weights.size)
            registers[WEIGHT] = weights
            motion["registers"], motion["weight"] = len(registers), place + WEIGHT * weights.size
            motion["segment"], motion["lowpass"], motion["lowpasses"] = part.segment, part.lowpass, len(part.taus)
            motion["rate"], motion["fill"] = len(rates), len(fills)
            motion["eta"] = 1.0 if rule.eta is None else rule.eta
            motion["low"], motion["high"] = connection.limits(rule)
            rates += [1.0 / tau for tau in part.taus]
            fills += [self._fill(connection, name, program.symbols.index(name)) for name in part.read if name != "w"]
            motion["fills"] = len(fills) - motion["fill"]
            memory.append(registers.ravel())
            place += registers.size
        return np.concatenate([np.zeros(0), *memory])

    def _fill(self, connection: Connection, name: str, register: int) -> tuple[int, int, int]:
        """Return what a register is filled from (see `FILL`)."""
        layout, target = self.layout, connection.target
        known = {
            "x": (FROM_SOURCE, layout.first[connection.source]),
            "y": (FROM_TARGET, layout.first[target]),
            "h": (FROM_TARGET, layout.drives[target]),
            "w_sum": (SUM, 0),
            "w_mean": (MEAN, 0),
            "recon": (RECONSTRUCTION, layout.first[target]),
        }
        if name in known:
            return register, *known[name]
        signal = next(each for each in self.network.signals if each.name == name)
        return register, FROM_ALL if signal.layer is None else FROM_TARGET, layout.signals[name]

    def _start(self, connection: Connection) -> Array:
        """Return the weights at the start as lanes."""
        targets, sources = self.layout.synapses[connection.name]
        shape = (self.data_sets, *self.network.mask(connection).shape)
        dense = np.broadcast_to(np.asarray(connection.weight, dtype=np.float64), shape)
        return to_lanes(dense[None, :, targets, sources], self.layout.lanes, self.data_sets).ravel()


def _by_name(candidate: Candidate, wanted: Collection[str]) -> Mapping[str, Rule]:
    """Return rules by name; a single one takes the one name that is wanted."""
    if isinstance(candidate, str):
        raise RulesearchError(f"rules are read from text by rulesearch.rules.parse_rules({shown(candidate)})")
    rules = RuleSet.single(candidate) if isinstance(candidate, Rule) else candidate
    given = rules.rules if isinstance(rules, RuleSet) else rules
    check_members(given, Rule)
    if not isinstance(rules, RuleSet) or list(given) != ["w"] or "w" in wanted:
        return given
    if len(wanted) != 1:
        names = ", ".join(sorted(wanted))
        raise RulesearchError(
            f"a rule without a name was given; connections name {names}: write {min(wanted)}[...]"
            if wanted
            else "a rule was given, and no connection names one"
        )
    return {next(iter(wanted)): rules.only()}
