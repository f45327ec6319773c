"""The tables that the kernel of rate networks reads: records, their fields by name.

A row of numbers holds one value per data set, filled up to whole vectors. The rows of a presentation are the inputs,
the signals and the clamps; behind them stand the outputs of all layers, then their inputs. Synapses of a connection are
ordered by target, then by source; lanes are the data sets of the first synapse, then those of the second.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

LAYER = np.dtype(
    [
        ("neurons", "i8"),
        ("order", "i8"),  # IN_ORDER, REVERSED or SETTLED
        ("output", "i8"),  # row of its first output
        ("drive", "i8"),  # row of the first input of an output function
        ("bias", "i8"),  # row among the biases
        ("clamp", "i8"),  # row of its first clamp, -1: none
        ("first", "i8"),  # its connections among those by target
        ("end", "i8"),
        ("segment", "i8"),  # output function, -1: linear
        ("scratch", "i8"),  # first register of the output function
        ("registers", "i8"),
    ]
)

CONNECTION = np.dtype(
    [
        ("synapses", "i8"),
        ("target", "i8"),  # its first one among all
        ("targets", "i8"),
        ("source", "i8"),  # row of the first output that it reads
        ("most", "i8"),  # most synapses of one target
        ("lateral", "i8"),
        ("inhibitory", "i8"),
        ("normalised", "i8"),
    ]
)

MOTION = np.dtype(
    [
        ("memory", "i8"),  # its first register among all numbers of the candidate
        ("registers", "i8"),
        ("weight", "i8"),  # where its weights begin among all numbers of the candidate
        ("segment", "i8"),  # of its rule, -1: it does not learn
        ("lowpasses", "i8"),
        ("lowpass", "i8"),  # register of the first one
        ("rate", "i8"),  # 1/tau [1/steps] of the first one among all
        ("fill", "i8"),  # what its rule reads
        ("fills", "i8"),
        ("eta", "f8"),
        ("low", "f8"),
        ("high", "f8"),
    ]
)
"""How a connection moves under one candidate."""

TARGET = np.dtype([("synapse", "i8"), ("synapses", "i8"), ("run", "i8"), ("runs", "i8")])
"""What reaches one target by one connection: its synapses, counted within the connection, and its runs among all."""

RUN = np.dtype([("synapse", "i8"), ("source", "i8"), ("synapses", "i8")])
"""Synapses of one target whose sources are neighbours: the first one, counted within the connection, and its source."""

FROM_SOURCE, FROM_TARGET, FROM_ALL, SUM, MEAN, RECONSTRUCTION = range(6)
"""What fills a register: the row of each synapse's source or target, one row, or sums over weights."""

FILL = np.dtype([("register", "i8"), ("kind", "i8"), ("row", "i8")])
"""What a register is filled from: `row` is that of the first neuron."""


class Wiring(NamedTuple):
    """A network as the kernel reads it.

    **Fields:** `layers` and `connections` (see above); `incoming`: the connections by target layer; `targets` of each
    connection; `runs`; `biases` as numbers; `code` and `segments` of the output functions; `rounds` and
    `tolerance` of settling; `limit`: square of the length of a weight vector from which on it runs away.
    """

    layers: Any
    connections: Any
    incoming: Any
    targets: Any
    runs: Any
    biases: Any
    code: Any
    segments: Any
    rounds: int
    tolerance: float
    limit: float


class Workspace(NamedTuple):
    """Where the kernel works: rows of numbers; registers of output functions; room to settle and to sum in."""

    values: Any
    scratch: Any
    base: Any
    sums: Any
    moved: Any
    active: Any
