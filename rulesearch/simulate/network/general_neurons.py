"""The compiled step of neurons of any kind, one at a time, and the reset of those that fired."""

from __future__ import annotations

from typing import Any

import numpy as np

from rulesearch.simulate.machine.kernel import kernel
from rulesearch.simulate.network.tables import (
    ADAPT_COUPLING,
    ADAPT_DECAY,
    ADAPT_JUMP,
    ADDS,
    AFTER_CURRENT,
    AFTER_DECAY,
    CLAMP,
    CLAMPED,
    CLAMPS,
    CURRENT,
    DECAY,
    DENDRITE_BACK,
    DENDRITE_FORTH,
    DENDRITE_LEAK,
    DENDRITE_RATE,
    DENDRITE_REST,
    DENDRITIC,
    DRIVE,
    ESCAPE_CEILING,
    ESCAPE_RATE,
    ESCAPE_WIDTH,
    ESCAPES,
    FIRST,
    FOLLOWS,
    GAIN,
    GATE,
    GENERAL,
    I_EXCITATORY,
    I_INHIBITORY,
    JUMPS,
    KIND,
    LEAK,
    LOAD,
    MOVE_DECAY,
    MOVE_JUMP,
    MOVES,
    ONSET,
    RATE,
    RECEPTOR,
    RECEPTORS,
    REFRACTORY,
    RESET,
    RESETS,
    REST,
    SHARPNESS,
    SIZE,
    THRESHOLD,
    V_DENDRITE,
    V,
)


@kernel
def integrate_general(
    cells: Any, p: int, t: int, exact: bool, dt: float, generator: Any, units: Any, count: int
) -> int:
    """Integrate neurons of any kind by one step; return the number of spikes found so far."""
    whole, number = cells.whole[p], cells.number[p]
    first, size = whole[FIRST], whole[SIZE]
    start, stop = whole[RECEPTOR], whole[RECEPTOR] + whole[RECEPTORS]
    leak, rate = number[LEAK], number[RATE]
    sharpness = number[SHARPNESS]
    clamped = whole[KIND] == CLAMPED
    width = whole[CLAMPS]
    for i in range(size):
        n = first + i
        u, dendrite = cells.membrane[V, n], cells.membrane[V_DENDRITE, n]
        drive, load = leak * number[REST] + number[CURRENT], leak
        drive_d, load_d = number[DENDRITE_LEAK] * number[DENDRITE_REST], number[DENDRITE_LEAK]
        excitatory, inhibitory, jump = 0.0, 0.0, 0.0
        for r in range(start, stop):
            at = cells.receptor[r, GATE] + i
            g = cells.gates[at]
            by, on = cells.receptor_number[r, DRIVE], cells.receptor_number[r, LOAD]
            if cells.receptor[r, JUMPS] == 1:
                jump += by * g
                cells.gates[at] = 0.0
            elif cells.receptor[r, DENDRITIC] == 1:
                drive_d += by * g
                load_d += on * g
            else:
                drive += by * g
                load += on * g
                current = (by - on * u) * g
                if current > 0.0:
                    excitatory += current
                else:
                    inhibitory += current
        for r in range(start, stop):
            other = cells.receptor[r, FOLLOWS]
            if other >= 0:
                at = cells.receptor[r, GATE] + i
                followed = cells.gates[cells.receptor[other, GATE] + i]
                cells.gates[at] = (
                    cells.gates[at] * cells.receptor_number[r, DECAY] + cells.receptor_number[r, GAIN] * followed
                )
        for r in range(start, stop):
            if cells.receptor[r, FOLLOWS] < 0 and cells.receptor[r, JUMPS] == 0:
                cells.gates[cells.receptor[r, GATE] + i] *= cells.receptor_number[r, DECAY]
        cells.membrane[I_EXCITATORY, n] = excitatory
        cells.membrane[I_INHIBITORY, n] = inhibitory
        lifted = cells.threshold[n]
        if clamped:
            row = min(t, cells.clamp.shape[0] - 1)
            given = cells.clamp[row, whole[CLAMP] + (i if width > 1 else 0)]
            cells.membrane[V, n] = given
            if given > number[THRESHOLD] and not u > number[THRESHOLD]:
                units[count] = i
                count += 1
            continue
        if cells.free_at[n] <= t:
            if sharpness > 0.0:
                drive += leak * sharpness * np.exp(min((u - number[ONSET] - lifted) / sharpness, 40.0))
            drive += cells.after[n] - cells.adaptation[n] + number[DENDRITE_FORTH] * dendrite
            load += number[DENDRITE_FORTH]
            if exact:
                target = drive / load
                moved = target + (u - target) * np.exp(-rate * load)
            else:
                moved = u + rate * (drive - load * u)
            moved += jump
            cells.membrane[V, n] = moved
        drive_d += number[DENDRITE_BACK] * u
        load_d += number[DENDRITE_BACK]
        if load_d > 0.0:
            if exact:
                target = drive_d / load_d
                cells.membrane[V_DENDRITE, n] = target + (dendrite - target) * np.exp(-number[DENDRITE_RATE] * load_d)
            else:
                cells.membrane[V_DENDRITE, n] = dendrite + number[DENDRITE_RATE] * (drive_d - load_d * dendrite)
        aim = number[ADAPT_COUPLING] * (u - number[REST])
        cells.adaptation[n] = aim + (cells.adaptation[n] - aim) * number[ADAPT_DECAY]
        cells.threshold[n] = lifted * number[MOVE_DECAY]
        cells.after[n] *= number[AFTER_DECAY]
        if cells.free_at[n] <= t:
            height = cells.membrane[V, n] - number[THRESHOLD]
            if sharpness == 0.0:
                height -= cells.threshold[n]
            if whole[ESCAPES] == 1:
                hazard = number[ESCAPE_RATE] * np.exp(min(height / number[ESCAPE_WIDTH], 500.0))
                hazard /= 1.0 + hazard / number[ESCAPE_CEILING]
                fires = generator.random() < -np.expm1(-hazard * dt)
            else:
                fires = height > 0.0
            if fires:
                units[count] = i
                count += 1
    return count


@kernel
def reset(cells: Any, p: int, t: int, units: Any, start: int, stop: int) -> None:
    whole, number = cells.whole[p], cells.number[p]
    if whole[KIND] == CLAMPED:
        return
    for k in range(start, stop):
        n = whole[FIRST] + units[k]
        if whole[RESETS] == 1:
            cells.membrane[V, n] = number[RESET]
        cells.free_at[n] = t + whole[REFRACTORY]
        if whole[KIND] == GENERAL:
            cells.adaptation[n] += number[ADAPT_JUMP]
            if whole[MOVES] == 1:
                cells.threshold[n] = number[MOVE_JUMP] + (cells.threshold[n] if whole[ADDS] == 1 else 0.0)
            if number[AFTER_DECAY] > 0.0:
                cells.after[n] = number[AFTER_CURRENT]
