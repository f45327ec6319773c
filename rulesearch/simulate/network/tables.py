"""The tables that kernels of spiking networks read and change: records with names and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rulesearch.simulate.network.neurons import CELL

PLAIN, GENERAL, CLAMPED = range(3)
"""Kinds of populations: leaky integrate-and-fire, its threshold may move; anything more; a given potential."""

POPULATION = np.dtype(
    [
        ("first", "i8"),  # neuron, among all
        ("size", "i8"),
        ("kind", "i8"),
        ("receptor", "i8"),  # the first of its receptors
        ("receptors", "i8"),
        ("clamp", "i8"),  # the first column of the given potentials
        ("clamps", "i8"),  # columns
        *CELL,
    ],
    align=True,
)

RECEPTOR = np.dtype(
    [
        ("gate", "i8"),  # the first one's place
        ("follows", "i8"),  # the receptor that drives it, -1: spikes do
        ("dendritic", "i8"),
        ("jumps", "i8"),  # whether it moves the potential itself
        ("decay", "f8"),  # per step
        ("drive", "f8"),  # the current is (drive - load v) g [mV, or pure]
        ("load", "f8"),
        ("gain", "f8"),  # what a followed gate adds per step
    ],
    align=True,
)

V, V_DENDRITE, I_EXCITATORY, I_INHIBITORY = range(4)
"""Rows of the membrane table."""

LANES = 512
"""Synapses that a rule's program works on at a time: its registers then stay in the processor's first cache."""
LONG = 64
"""Synapses of one neuron that are worked on by themselves; fewer ones are put into lanes together with others."""

PROJECTION = np.dtype(
    [
        ("sender", "i8"),  # group
        ("senders", "i8"),
        ("target", "i8"),  # the first neuron, among all
        ("targets", "i8"),
        ("target_group", "i8"),
        ("gate_first", "i8"),
        ("delay_first", "i8"),
        ("delays", "i8"),
        ("row_first", "i8"),
        ("synapse_first", "i8"),
        ("synapses", "i8"),
        ("weight_first", "i8"),
        ("uniform", "i8"),  # whether one weight is that of all synapses
        ("plastic", "i8"),  # its place among plastic ones, -1: static
        ("column_first", "i8"),
        ("entry_first", "i8"),
    ],
    align=True,
)

ON_PRE, ON_POST, DRIFT, ON_STEP, CATCH_UP, BEHIND_PRE, BEHIND_POST = range(7)
EVENTS = 7
"""What rules run at: the four slots, a drift that was put off until an event at the synapse, and behind a spike: traces
that spikes of both sides move, which are states of the synapse."""

WEIGHT, ROW, TARGET_STATE, SYNAPSE, MEMBRANE, SIGNAL, MEAN, WAITED = range(8)
"""Kinds of places that a register of a rule is filled from."""

CHANGE = np.dtype(
    [
        ("eta", "f8"),
        ("low", "f8"),
        ("high", "f8"),
        ("soft", "f8"),  # 1: the change is scaled by the distance from the bounds
        ("offset", "f8"),  # w = offset + stored level
        ("level", "f8"),
        ("shift", "f8"),  # of the offset, per step
        ("growth", "f8"),  # of the level, per step
    ],
    align=True,
)
"""How a plastic projection moves."""

PLASTIC = np.dtype(
    [
        ("projection", "i8"),
        ("learns", "i8"),
        ("drift_every", "i8"),  # steps between moves by a drift that is not solved, 0: none
        ("sum", "i8"),  # of weights: where they stand among the values as they were before the event, -1: none read
        ("moved_sum", "i8"),  # as the present event moves them
        ("touched", "i8"),  # where the steps of the latest events at its synapses stand, -1: no drift is put off
    ],
    align=True,
)

ACTION = np.dtype(
    [("segment", "i8"), ("result", "i8"), ("first", "i8"), ("level", "i8"), ("register", "i8")], align=True
)
"""What an event runs, and where it adds the result; register -1: to the weight."""

FILL = np.dtype([("register", "i8"), ("kind", "i8"), ("first", "i8"), ("level", "i8")], align=True)
"""Where a register is filled from."""

LOWPASS = np.dtype([("segment", "i8"), ("result", "i8"), ("first", "i8"), ("size", "i8")], align=True)

STATE = np.dtype([("plastic", "i8"), ("side", "i8"), ("first", "i8"), ("size", "i8"), ("nearest", "i8")], align=True)
"""A decaying state; side 0 presynaptic trace, 1 postsynaptic trace, 2 synaptic."""

SYNAPTIC_EVENTS, UPDATES, LOGGED, WATCHED = range(4)
"""Counts: arrivals at synapses, evaluations of a rule at a synapse, spikes and potentials written down."""


class Cells(NamedTuple):
    """Populations and receptors; what changes: potentials, gates, until when a neuron rests, lifts of thresholds [mV],

    what other parts remember.
    """

    population: Any
    receptor: Any
    membrane: Any
    gates: Any
    free_at: Any
    lift: Any
    state: Any
    clamp: Any


class Wires(NamedTuple):
    """Projections; rows and columns of synapses."""

    table: Any
    delays: Any
    row_starts: Any
    targets: Any
    weights: Any
    column_starts: Any
    entries: Any
    entry_rows: Any


class Plastics(NamedTuple):
    """Plastic projections: what they are, how weights move, what an event runs and reads, and all states.

    `needs` `(events, 2)`: whether an event reads by target, and by row; `clock`: the present step, the time step [s].
    """

    table: Any
    change: Any
    action_starts: Any
    actions: Any
    fill_starts: Any
    fills: Any
    needs: Any
    lowpasses: Any
    lowpass_gains: Any
    lowpass_starts: Any
    lowpass_fills: Any
    states: Any
    taus: Any
    begun: Any
    levels: Any
    values: Any
    signals: Any
    touched: Any
    clock: Any


class Lanes(NamedTuple):
    """Which synapses an event works on, one in each lane: where they stand, their targets and their rows.

    Each is an index by lane behind a common first one, so that a long row of synapses, or all those onto a neuron, are
    worked on where they stand in the tables of the wiring. `together`: whether they stand next to each other.
    """

    number: int
    together: bool
    first: Any
    synapse: Any
    first_target: Any
    target: Any
    first_row: Any
    row: Any


class Workspace(NamedTuple):
    """Where kernels work: registers of the rules' program; synapse, target and row of each lane; which units come next;

    all rows of a projection; sums `(2, neurons)` of what gates do; new values of low-passes; for each lane its number,
    and 0.
    """

    registers: Any
    synapse: Any
    target: Any
    row: Any
    place: Any
    every: Any
    sums: Any
    news: Any
    numbers: Any
    zeros: Any


class Ring(NamedTuple):
    """Spikes of the latest steps: units of each step, and where each group's begin."""

    units: Any
    starts: Any


class Log(NamedTuple):
    """What is written down: spikes of recorded groups, potentials of recorded neurons, counts."""

    steps: Any
    units: Any
    recorded: Any
    group_first: Any
    watched: Any
    potentials: Any
    counts: Any
    spikes: Any


def records(kind: np.dtype[Any], rows: Sequence[Mapping[str, float]]) -> npt.NDArray[Any]:
    """Return a table; a field that a row does not give is 0."""
    table = np.zeros(len(rows), dtype=kind)
    for index, row in enumerate(rows):
        for name, value in row.items():
            table[name][index] = value
    return table
