"""The tables that kernels of spiking networks read and change: their columns by name."""

from __future__ import annotations

from typing import Any, NamedTuple

PLAIN, GENERAL, CLAMPED = range(3)
"""Kinds of populations: leaky integrate-and-fire with decaying gates; anything more; a given potential."""

FIRST, SIZE, KIND, REFRACTORY, RECEPTOR, RECEPTORS, RESETS, MOVES, ADDS, ESCAPES, CLAMP, CLAMPS = range(12)
"""Columns of the whole numbers of a population."""

(
    REST,
    THRESHOLD,
    RESET,
    LEAK,
    RATE,
    CURRENT,
    SHARPNESS,
    ONSET,
    ADAPT_DECAY,
    ADAPT_COUPLING,
    ADAPT_JUMP,
    MOVE_JUMP,
    MOVE_DECAY,
    AFTER_CURRENT,
    AFTER_DECAY,
    ESCAPE_RATE,
    ESCAPE_WIDTH,
    ESCAPE_CEILING,
    DENDRITE_REST,
    DENDRITE_LEAK,
    DENDRITE_RATE,
    DENDRITE_FORTH,
    DENDRITE_BACK,
) = range(23)
"""Columns of the numbers of a population; RATE is dt/(tau leak), decays are per step."""

GATE, FOLLOWS, DENDRITIC, JUMPS = range(4)
DECAY, DRIVE, LOAD, GAIN = range(4)
"""Columns of a receptor: the current is (DRIVE - LOAD v) g; GAIN: what a followed gate adds per step."""

V, V_DENDRITE, I_EXCITATORY, I_INHIBITORY = range(4)
"""Rows of the membrane table."""

LANES = 512
"""Synapses that a rule's program works on at a time: its registers then stay in the processor's first cache."""

(
    SENDER,
    SENDERS,
    TARGET,
    TARGETS,
    GATE_FIRST,
    DELAY_FIRST,
    DELAYS,
    ROW_FIRST,
    SYNAPSE_FIRST,
    SYNAPSES,
    WEIGHT_FIRST,
    UNIFORM,
    PLASTIC,
    COLUMN_FIRST,
    ENTRY_FIRST,
    TARGET_GROUP,
) = range(16)
"""Columns of a projection."""

ON_PRE, ON_POST, DRIFT, ON_STEP, CATCH_UP, BEHIND_PRE, BEHIND_POST = range(7)
EVENTS = 7
"""What rules run at: the four slots, a drift that was put off until an event at the synapse, and behind a spike: traces
that spikes of both sides move, which are states of the synapse."""

WEIGHT, ROW, TARGET_STATE, SYNAPSE, MEMBRANE, SIGNAL, MEAN, WAITED = range(8)
"""Where a register of a rule is filled from: (register, kind, first, level)."""

ETA, LOW, HIGH, SOFT, OFFSET, LEVEL, SHIFT, GROWTH = range(8)
"""Columns of how a plastic projection moves: w = OFFSET + stored * LEVEL; per step OFFSET += SHIFT, LEVEL *= GROWTH."""

PROJECTION, LEARNS, DRIFT_EVERY, SUM, MOVED_SUM, TOUCHED = range(6)
"""Columns of a plastic projection.

SUM: where the sums of weights stand among the values as they were before the present event, MOVED_SUM: as this event
moves them, -1: nothing reads them; TOUCHED: where the steps of the latest events at its synapses stand, -1: no drift is
put off.
"""

STATE_PLASTIC, STATE_SIDE, STATE_FIRST, STATE_SIZE, STATE_NEAREST = range(5)
"""Columns of a decaying state; side 0 presynaptic trace, 1 postsynaptic trace, 2 synaptic."""

SYNAPTIC_EVENTS, UPDATES, LOGGED, WATCHED = range(4)
"""Counts: arrivals at synapses, evaluations of a rule at a synapse, spikes and potentials written down."""


class Cells(NamedTuple):
    """Populations: whole numbers and numbers of each, of each receptor, and what changes."""

    whole: Any
    number: Any
    receptor: Any
    receptor_number: Any
    membrane: Any
    gates: Any
    free_at: Any
    adaptation: Any
    threshold: Any
    after: Any
    clamp: Any


class Wires(NamedTuple):
    """Projections: see the columns above; rows and columns of synapses."""

    table: Any
    delays: Any
    row_starts: Any
    targets: Any
    weights: Any
    column_starts: Any
    entries: Any
    entry_rows: Any


class Plastics(NamedTuple):
    """Plastic projections: how weights move, what an event runs and reads, and all states.

    `needs` `(events, 2)`: whether an event reads by target, and by row; `clock`: the present step, the time step [s].
    """

    whole: Any
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


class Desk(NamedTuple):
    """Where kernels work: registers of the rules' program; synapse, target and row of each lane; which units come next;

    all rows of a projection; sums `(2, neurons)` of what gates do; new values of low-passes.
    """

    registers: Any
    synapse: Any
    target: Any
    row: Any
    place: Any
    every: Any
    sums: Any
    news: Any


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
