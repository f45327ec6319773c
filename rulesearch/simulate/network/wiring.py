"""Who is connected to whom: patterns of connections, drawn into compressed rows of synapses.

A row holds the synapses of one sender with one delay: row `k * senders + i` those of sender i with the k-th delay.
Within a row targets ascend. A column lists the synapses of one target, for what a postsynaptic spike reaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.simulate.machine.kernel import compiled


@dataclass(frozen=True, slots=True)
class AllToAll:
    """Every sender reaches every target; itself only with `to_itself` (where both are one population)."""

    to_itself: bool = False


@dataclass(frozen=True, slots=True)
class FixedProbability:
    """Every pair is connected with the same probability, on its own; a neuron reaches itself only with `to_itself`."""

    probability: float
    to_itself: bool = False


@dataclass(frozen=True, slots=True)
class FixedInDegree:
    """Every target has the same number of different senders, chosen at random; never itself unless `to_itself`."""

    in_degree: int
    to_itself: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """Given pairs: `senders` and `targets`, as many of each; a pair at most once."""

    senders: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]


Wiring = AllToAll | FixedProbability | FixedInDegree | Pairs


@dataclass(frozen=True, slots=True)
class Rows:
    """Synapses by sender.

    **Fields:** `starts` `(rows + 1,)`: where each row begins; `targets` `(synapses,)`; `order`: for `Pairs`, which pair
    each synapse is, else empty.
    """

    starts: npt.NDArray[np.int64]
    targets: npt.NDArray[np.uint32]
    order: npt.NDArray[np.int64]


def draw_rows(
    wiring: Wiring, senders: int, targets: int, recurrent: bool, generator: np.random.Generator, where: str
) -> Rows:
    """Draw the synapses of a projection, one row per sender.

    **Arguments:** `recurrent`: whether senders and targets are the same population; `where`: for messages.
    **Raises:** `RulesearchError` where the pattern does not fit.
    """
    none = np.zeros(0, dtype=np.int64)
    if isinstance(wiring, Pairs):
        return _given(wiring, senders, targets, where)
    exclude = recurrent and not wiring.to_itself
    if isinstance(wiring, FixedInDegree):
        available = senders - exclude
        if not 0 <= wiring.in_degree <= available:
            raise RulesearchError(f"{where}: in_degree must lie in 0 to {available}, found {wiring.in_degree}")
        chosen = _choose(generator, senders, targets, wiring.in_degree, exclude)
        starts, order = _sorted_by(chosen, senders)
        return Rows(starts, (order // max(1, wiring.in_degree)).astype(np.uint32), none)
    probability = wiring.probability if isinstance(wiring, FixedProbability) else 1.0
    if not 0.0 <= probability <= 1.0:
        raise RulesearchError(f"{where}: probability must lie in 0 to 1, found {probability:g}")
    starts, found = _bernoulli(generator, senders, targets, probability, exclude)
    return Rows(starts, found, none)


def thinned(rows: Rows, kept: npt.NDArray[np.bool_]) -> Rows:
    """Return rows without the synapses that are not kept.

    **Arguments:** `kept` `(synapses,)`.
    """
    before = np.concatenate(([0], np.cumsum(kept)))
    return Rows(before[rows.starts], rows.targets[kept], rows.order[kept] if rows.order.size else rows.order)


def split_by_delay(
    rows: Rows, delays: npt.NDArray[np.int64], kinds: npt.NDArray[np.int64]
) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Split rows by the synapses' delays, and return in which order the synapses then stand.

    **Arguments:** `delays` `(synapses,)` in steps; `kinds`: the different delays, ascending.
    """
    senders = rows.starts.size - 1
    sender = np.repeat(np.arange(senders), np.diff(rows.starts))
    row = np.searchsorted(kinds, delays) * senders + sender
    starts, order = _sorted_by(row, kinds.size * senders)
    picked = rows.order[order] if rows.order.size else rows.order
    return Rows(starts, rows.targets[order], picked), order


def columns(rows: Rows, targets: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Return the synapses by target: where each column begins, and the synapse and the row of each entry."""
    starts, synapse, row = _transposed(rows.starts, rows.targets, targets)
    return starts, synapse, row


def _given(wiring: Pairs, senders: int, targets: int, where: str) -> Rows:
    source, target = np.asarray(wiring.senders), np.asarray(wiring.targets)
    if source.shape != target.shape or source.ndim != 1:
        raise RulesearchError(f"{where}: pairs need as many senders as targets, found {source.shape}, {target.shape}")
    for name, values, size in (("senders", source, senders), ("targets", target, targets)):
        if values.size and not (values.min() >= 0 and values.max() < size):
            raise RulesearchError(
                f"{where}: {name} must lie in 0 to {size - 1}, found {values.min()} to {values.max()}"
            )
    order = np.lexsort((target, source))
    source, target = source[order], target[order]
    if np.any((np.diff(source) == 0) & (np.diff(target) == 0)):
        raise RulesearchError(f"{where}: a pair is given twice; one synapse connects a sender and a target")
    starts = np.concatenate(([0], np.cumsum(np.bincount(source, minlength=senders)))).astype(np.int64)
    return Rows(starts, target.astype(np.uint32), order.astype(np.int64))


@compiled(nogil=True)
def _bernoulli(generator: Any, senders: int, targets: int, probability: float, exclude: bool) -> Any:
    expected = senders * targets * probability
    found = np.empty(int(expected + 6.0 * np.sqrt(expected) + 64.0), dtype=np.uint32)
    starts = np.zeros(senders + 1, dtype=np.int64)
    count = 0
    scale = 1.0 / np.log1p(-probability) if 0.0 < probability < 1.0 else 0.0
    for sender in range(senders):
        target = -1
        while True:
            # The distance to the next connection is geometric: one random number for each, none for the others.
            gap = np.log(1.0 - generator.random()) * scale if probability > 0.0 else np.inf
            if not gap < targets:
                break
            target += 1 + int(gap)
            if target >= targets:
                break
            if not (exclude and target == sender):
                if count == found.size:
                    found = np.concatenate((found, np.empty_like(found)))
                found[count] = target
                count += 1
        starts[sender + 1] = count
    return starts, found[:count].copy()


@compiled(nogil=True)
def _choose(generator: Any, senders: int, targets: int, in_degree: int, exclude: bool) -> Any:
    chosen = np.empty(targets * in_degree, dtype=np.int64)
    taken = np.full(senders, -1, dtype=np.int64)
    available = senders - (1 if exclude else 0)
    for target in range(targets):
        # Floyd's sampling: one random number for each of the different senders.
        for k in range(in_degree):
            last = available - in_degree + k
            pick = generator.integers(0, last + 1)
            if taken[pick] == target:
                pick = last
            taken[pick] = target
            chosen[target * in_degree + k] = pick + (1 if exclude and pick >= target else 0)
    return chosen


@compiled(nogil=True)
def _sorted_by(keys: Any, kinds: int) -> Any:
    """Return where each key begins, and a stable order of the entries by key."""
    starts = np.zeros(kinds + 1, dtype=np.int64)
    for key in keys:
        starts[key + 1] += 1
    for key in range(kinds):
        starts[key + 1] += starts[key]
    place = starts[:-1].copy()
    order = np.empty(keys.size, dtype=np.int64)
    for entry in range(keys.size):
        key = keys[entry]
        order[place[key]] = entry
        place[key] += 1
    return starts, order


@compiled(nogil=True)
def _transposed(row_starts: Any, target: Any, targets: int) -> Any:
    starts = np.zeros(targets + 1, dtype=np.int64)
    for k in range(target.size):
        starts[target[k] + 1] += 1
    for i in range(targets):
        starts[i + 1] += starts[i]
    place = starts[:-1].copy()
    synapse = np.empty(target.size, dtype=np.uint32)
    row = np.empty(target.size, dtype=np.uint32)
    for r in range(row_starts.size - 1):
        for k in range(row_starts[r], row_starts[r + 1]):
            at = place[target[k]]
            synapse[at] = k
            row[at] = r
            place[target[k]] = at + 1
    return starts, synapse, row
