"""The compiled step of neurons of any kind, one at a time, and the reset of those that fired."""

from __future__ import annotations

from typing import Any

import numpy as np

from rulesearch.simulate.machine.kernel import kernel
from rulesearch.simulate.network.tables import CLAMPED, GENERAL, I_EXCITATORY, I_INHIBITORY, V_DENDRITE, V


@kernel
def integrate_general(
    cells: Any, p: int, t: int, exact: bool, dt: float, generator: Any, units: Any, count: int
) -> int:
    """Integrate neurons of any kind by one step; return the number of spikes found so far."""
    cell = cells.population[p]
    first, size = cell.first, cell.size
    start, stop = cell.receptor, cell.receptor + cell.receptors
    leak, rate = cell.leak, cell.rate
    sharpness = cell.sharpness
    clamped = cell.kind == CLAMPED
    width = cell.clamps
    for i in range(size):
        n = first + i
        u, dendrite = cells.membrane[V, n], cells.membrane[V_DENDRITE, n]
        drive, load = leak * cell.rest + cell.current, leak
        drive_d, load_d = cell.dendrite_leak * cell.dendrite_rest, cell.dendrite_leak
        excitatory, inhibitory, jump = 0.0, 0.0, 0.0
        for r in range(start, stop):
            receptor = cells.receptor[r]
            at = receptor.gate + i
            g = cells.gates[at]
            by, on = receptor.drive, receptor.load
            if receptor.jumps == 1:
                jump += by * g
                cells.gates[at] = 0.0
            elif receptor.dendritic == 1:
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
            receptor = cells.receptor[r]
            if receptor.follows >= 0:
                at = receptor.gate + i
                followed = cells.gates[cells.receptor[receptor.follows].gate + i]
                cells.gates[at] = cells.gates[at] * receptor.decay + receptor.gain * followed
        for r in range(start, stop):
            receptor = cells.receptor[r]
            if receptor.follows < 0 and receptor.jumps == 0:
                cells.gates[receptor.gate + i] *= receptor.decay
        cells.membrane[I_EXCITATORY, n] = excitatory
        cells.membrane[I_INHIBITORY, n] = inhibitory
        state = cells.state[n]
        lifted = cells.lift[n]
        if clamped:
            row = min(t, cells.clamp.shape[0] - 1)
            given = cells.clamp[row, cell.clamp + (i if width > 1 else 0)]
            cells.membrane[V, n] = given
            if given > cell.threshold and not u > cell.threshold:
                units[count] = i
                count += 1
            continue
        if cells.free_at[n] <= t:
            if sharpness > 0.0:
                drive += leak * sharpness * np.exp(min((u - cell.onset - lifted) / sharpness, 40.0))
            drive += state.after - state.adaptation + cell.dendrite_forth * dendrite
            load += cell.dendrite_forth
            if exact:
                target = drive / load
                moved = target + (u - target) * np.exp(-rate * load)
            else:
                moved = u + rate * (drive - load * u)
            moved += jump
            cells.membrane[V, n] = moved
        drive_d += cell.dendrite_back * u
        load_d += cell.dendrite_back
        if load_d > 0.0:
            if exact:
                target = drive_d / load_d
                cells.membrane[V_DENDRITE, n] = target + (dendrite - target) * np.exp(-cell.dendrite_rate * load_d)
            else:
                cells.membrane[V_DENDRITE, n] = dendrite + cell.dendrite_rate * (drive_d - load_d * dendrite)
        aim = cell.adaptation_coupling * (u - cell.rest)
        state.adaptation = aim + (state.adaptation - aim) * cell.adaptation_decay
        cells.lift[n] = lifted * cell.lift_decay
        state.after *= cell.after_decay
        if cells.free_at[n] <= t:
            height = cells.membrane[V, n] - cell.threshold
            if sharpness == 0.0:
                height -= cells.lift[n]
            if cell.escapes == 1:
                hazard = cell.escape_rate * np.exp(min(height / cell.escape_width, 500.0))
                hazard /= 1.0 + hazard / cell.escape_ceiling
                fires = generator.random() < -np.expm1(-hazard * dt)
            else:
                fires = height > 0.0
            if fires:
                units[count] = i
                count += 1
    return count


@kernel
def reset(cells: Any, p: int, t: int, units: Any, start: int, stop: int) -> None:
    cell = cells.population[p]
    if cell.kind == CLAMPED:
        return
    for k in range(start, stop):
        n = cell.first + units[k]
        if cell.resets == 1:
            cells.membrane[V, n] = cell.reset
        cells.free_at[n] = t + cell.refractory
        if cell.lifts == 1:
            cells.lift[n] = cell.lift_jump + (cells.lift[n] if cell.lift_adds == 1 else 0.0)
        if cell.kind == GENERAL:
            state = cells.state[n]
            state.adaptation += cell.adaptation_jump
            if cell.after_decay > 0.0:
                state.after = cell.after_current
