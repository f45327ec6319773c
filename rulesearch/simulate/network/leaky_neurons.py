"""The compiled step of leaky integrate-and-fire neurons, with a threshold that may move, many at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from rulesearch.simulate.machine.exponential import exponential
from rulesearch.simulate.machine.kernel import kernel
from rulesearch.simulate.network.tables import V

BLOCK = 128
"""Neurons that are looked through where one of them fires."""

# Loops run over unsigned numbers: an index that cannot be negative is what lets them become vector instructions. Spikes
# are looked for only in blocks that have one.


@kernel
def _move_two(
    v: Any, a: Any, b: Any, free_at: Any, now: Any, cell: Any, first: Any, second: Any, units: Any, count: int
) -> int:
    """Move leaky neurons with two gates by Euler's method; return the number of spikes found so far."""
    base, leak, rate, threshold = cell
    decay_a, drive_a, load_a = first
    decay_b, drive_b, load_b = second
    size, block = np.uint64(v.size), np.uint64(BLOCK)
    low = np.uint64(0)
    while low < size:
        high = min(low + block, size)
        hits = 0
        for i in range(low, high):
            x, y, u = a[i], b[i], v[i]
            moved = u + rate * ((base + drive_a * x + drive_b * y) - (leak + load_a * x + load_b * y) * u)
            new = moved if free_at[i] <= now else u
            v[i] = new
            a[i] = x * decay_a
            b[i] = y * decay_b
            hits += 1 if new > threshold else 0
        if hits > 0:
            count = _find(v, free_at, now, threshold, low, high, units, count)
        low = high
    return count


@njit(inline="always", error_model="numpy")  # type: ignore[misc]
def _find(v: Any, free_at: Any, now: Any, threshold: float, low: Any, high: Any, units: Any, count: int) -> int:
    """Add the neurons from `low` to `high` that fire; return the number of spikes found so far."""
    for i in range(low, high):
        if v[i] > threshold and free_at[i] <= now:
            units[count] = i
            count += 1
    return count


@kernel
def _sum_up(gates: Any, cells: Any, p: int, base: float, drive: Any, load: Any) -> None:
    """Sum what all gates of a population do, neuron by neuron, and let the gates decay."""
    cell = cells.population[p]
    drive[:] = base
    load[:] = cell.leak
    start, stop = cell.receptor, cell.receptor + cell.receptors
    for r in range(start, stop):
        receptor = cells.receptor[r]
        if receptor.follows >= 0:
            at, source = np.uint64(receptor.gate), np.uint64(cells.receptor[receptor.follows].gate)
            _follow(gates, at, source, (receptor.decay, receptor.gain, receptor.drive, receptor.load), drive, load)
    for r in range(start, stop):
        receptor = cells.receptor[r]
        if receptor.follows < 0:
            _decay(gates, np.uint64(receptor.gate), (receptor.decay, receptor.drive, receptor.load), drive, load)


@njit(inline="always", error_model="numpy")  # type: ignore[misc]
def _decay(gates: Any, at: Any, gate: Any, drive: Any, load: Any) -> None:
    decay, by, on = gate
    for i in range(np.uint64(drive.size)):
        g = gates[at + i]
        drive[i] += by * g
        load[i] += on * g
        gates[at + i] = g * decay


@njit(inline="always", error_model="numpy")  # type: ignore[misc]
def _follow(gates: Any, at: Any, source: Any, gate: Any, drive: Any, load: Any) -> None:
    decay, gain, by, on = gate
    for i in range(np.uint64(drive.size)):
        g = gates[at + i]
        drive[i] += by * g
        load[i] += on * g
        gates[at + i] = g * decay + gain * gates[source + i]


@kernel
def _move(v: Any, drive: Any, load: Any, free_at: Any, now: Any, cell: Any, exact: bool, units: Any, count: int) -> int:
    """Move leaky neurons under the sums of their gates; return the number of spikes found so far."""
    rate, threshold = cell
    size, block = np.uint64(v.size), np.uint64(BLOCK)
    low = np.uint64(0)
    while low < size:
        high = min(low + block, size)
        hits = 0
        if exact:
            for i in range(low, high):
                u = v[i]
                target = drive[i] / load[i]
                moved = target + (u - target) * exponential(-rate * load[i])
                new = moved if free_at[i] <= now else u
                v[i] = new
                hits += 1 if new > threshold else 0
        else:
            for i in range(low, high):
                u = v[i]
                moved = u + rate * (drive[i] - load[i] * u)
                new = moved if free_at[i] <= now else u
                v[i] = new
                hits += 1 if new > threshold else 0
        if hits > 0:
            count = _find(v, free_at, now, threshold, low, high, units, count)
        low = high
    return count


@njit(inline="always", error_model="numpy")  # type: ignore[misc]
def _relaxed(z: float) -> float:
    """Return (1 - exp(-z))/z for z >= 0 by the Padé approximation of exp(-z) of order 2, 3: within z^5/7,200.

    Neurons move by steps of z = dt/tau (1 + conductances), mostly below 0.05. However large z is, the factor is below
    1/z: no potential goes beyond what it relaxes to.
    """
    square = z * z
    return (1.0 + 0.1 * z + square * (1.0 / 60.0)) / (1.0 + 0.6 * z + square * (0.15 + z * (1.0 / 60.0)))


@kernel
def _move_three(
    v: Any,
    lift: Any,
    a: Any,
    b: Any,
    c: Any,
    free_at: Any,
    now: Any,
    cell: Any,
    exact: bool,
    first: Any,
    second: Any,
    third: Any,
    units: Any,
    count: int,
) -> int:
    """Move neurons with lifted thresholds and three gates, the second driven by the first; return the spikes so far."""
    base, leak, rate, threshold, falls = cell
    decay_a, drive_a, load_a = first
    decay_b, drive_b, load_b, gain = second
    decay_c, drive_c, load_c = third
    size, block = np.uint64(v.size), np.uint64(BLOCK)
    low = np.uint64(0)
    while low < size:
        high = min(low + block, size)
        hits = 0
        for i in range(low, high):
            x, y, z, u, lifted = a[i], b[i], c[i], v[i], lift[i] * falls
            drive = base + drive_a * x + drive_b * y + drive_c * z
            load = leak + load_a * x + load_b * y + load_c * z
            factor = _relaxed(rate * load) if exact else 1.0
            moved = u + rate * factor * (drive - load * u)
            new = moved if free_at[i] <= now else u
            v[i] = new
            lift[i] = lifted
            a[i] = x * decay_a
            b[i] = y * decay_b + gain * x
            c[i] = z * decay_c
            hits += 1 if new - threshold > lifted else 0
        if hits > 0:
            count = _find_lifted(v, lift, free_at, now, threshold, low, high, units, count)
        low = high
    return count


@njit(inline="always", error_model="numpy")  # type: ignore[misc]
def _find_lifted(
    v: Any, lift: Any, free_at: Any, now: Any, threshold: float, low: Any, high: Any, units: Any, count: int
) -> int:
    """Add the neurons from `low` to `high` that fire over their lifted thresholds; return the spikes found so far."""
    for i in range(low, high):
        if v[i] - threshold > lift[i] and free_at[i] <= now:
            units[count] = i
            count += 1
    return count


@kernel
def _move_lifted(
    v: Any,
    lift: Any,
    drive: Any,
    load: Any,
    free_at: Any,
    now: Any,
    cell: Any,
    exact: bool,
    units: Any,
    count: int,
) -> int:
    """Move leaky neurons whose thresholds are lifted and return; return the number of spikes found so far."""
    rate, threshold, decay = cell
    size, block = np.uint64(v.size), np.uint64(BLOCK)
    low = np.uint64(0)
    while low < size:
        high = min(low + block, size)
        hits = 0
        for i in range(low, high):
            u, lifted = v[i], lift[i] * decay
            factor = _relaxed(rate * load[i]) if exact else 1.0
            moved = u + rate * factor * (drive[i] - load[i] * u)
            new = moved if free_at[i] <= now else u
            v[i] = new
            lift[i] = lifted
            hits += 1 if new - threshold > lifted else 0
        if hits > 0:
            count = _find_lifted(v, lift, free_at, now, threshold, low, high, units, count)
        low = high
    return count


@kernel
def integrate_plain(cells: Any, p: int, t: int, exact: bool, scratch: Any, units: Any, count: int) -> int:
    """Integrate a leaky integrate-and-fire population by one step; return the number of spikes found so far."""
    cell = cells.population[p]
    first, size, start = cell.first, cell.size, cell.receptor
    leak, rate, threshold = cell.leak, cell.rate, cell.threshold
    base = leak * cell.rest + cell.current
    now = np.int32(t)
    v, free_at = cells.membrane[V, first : first + size], cells.free_at[first : first + size]
    if cell.receptors == 2 and not exact and cell.lifts == 0:
        one, two = cells.receptor[start], cells.receptor[start + 1]
        if one.follows < 0 and two.follows < 0:
            found: int = _move_two(
                v,
                cells.gates[one.gate : one.gate + size],
                cells.gates[two.gate : two.gate + size],
                free_at,
                now,
                (base, leak, rate, threshold),
                (one.decay, one.drive, one.load),
                (two.decay, two.drive, two.load),
                units,
                count,
            )
            return found
    if cell.receptors == 3 and cell.lifts == 1:
        one, two, three = cells.receptor[start], cells.receptor[start + 1], cells.receptor[start + 2]
        if one.follows < 0 and two.follows == start and three.follows < 0:
            lifting: int = _move_three(
                v,
                cells.lift[first : first + size],
                cells.gates[one.gate : one.gate + size],
                cells.gates[two.gate : two.gate + size],
                cells.gates[three.gate : three.gate + size],
                free_at,
                now,
                (base, leak, rate, threshold, cell.lift_decay),
                exact,
                (one.decay, one.drive, one.load),
                (two.decay, two.drive, two.load, two.gain),
                (three.decay, three.drive, three.load),
                units,
                count,
            )
            return lifting
    drive, load = scratch[0, :size], scratch[1, :size]
    _sum_up(cells.gates, cells, p, base, drive, load)
    if cell.lifts == 1:
        lift, falling = cells.lift[first : first + size], (rate, threshold, cell.lift_decay)
        lifted: int = _move_lifted(v, lift, drive, load, free_at, now, falling, exact, units, count)
        return lifted
    moved: int = _move(v, drive, load, free_at, now, (rate, threshold), exact, units, count)
    return moved
