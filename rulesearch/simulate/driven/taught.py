r"""Spiking input to students that are told the potential of a teacher, and learn at every step.

$$\tau_m \dot v = -v + I/g, \qquad \tau_s \dot I = -I + \tau_s \sum_i w_i S_i$$

for the student, above its rest; neither it nor the teacher is ever reset. The teacher has fixed weights, so that its
potential is their sum over the potentials psp of single synapses per weight. A weight follows the rule f through a
low-pass: $\tau \dot u = f - u$, $\dot w = \eta u$ (Jordan et al. 2021, doi 10.7554/eLife.66273). Potentials and
currents move exactly within a step, u and w by Euler's method.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rulesearch.simulate.codes import NONFINITE, OK, RUNAWAY
from rulesearch.simulate.machine.kernel import compiled
from rulesearch.simulate.machine.vm import run_segment

SYMBOLS = ("psp", "v", "v_target", "w")
"""Registers that the simulator itself fills: potential of the synapse per weight, of student and teacher, weight."""
_PSP, _V, _TARGET, _W = range(4)


class Pairs(NamedTuple):
    """Students and their teachers, each pair with inputs of its own; a lane is one input of one pair.

    **Fields:** `offsets` `(steps + 1,)` and `lanes` `(spikes,)`: `lanes[offsets[t] : offsets[t + 1]]` fire in step t;
    `wanted` `(pairs, inputs)`: weights of the teachers.
    """

    offsets: npt.NDArray[np.int64]
    lanes: npt.NDArray[np.uint32]
    wanted: npt.NDArray[np.float64]

    @property
    def nbytes(self) -> int:
        """Memory in use [bytes]."""
        return self.offsets.nbytes + self.lanes.nbytes + self.wanted.nbytes


@compiled(nogil=True, error_model="numpy")
def follow(
    program: Any,
    registers: Any,
    result: int,
    offsets: Any,
    lanes: Any,
    wanted: Any,
    moves: Any,
    induction: Any,
    change: Any,
    schedule: Any,
    limit: float,
    squares: Any,
) -> Any:
    """Let students learn; return a result code, and the step that was reached.

    **Arguments:** `registers`: of `SYMBOLS`, weights in place; `result`: the register that the rule fills; `moves`:
    what a step leaves of potential and current, potential after a step per current [mV/pA], and rest [mV]; `induction`:
    what a step leaves of u, and dt/tau; `change`: eta dt and bounds; `schedule`, in steps: how often the student is
    told the target, and potentials are compared, and from when on; then by how many pairs further the target is that
    a student is told; `limit` of the mean size of weights; `squares`
    `(pairs,)`: filled with summed squares of the differences of potentials [mV^2].
    """
    membrane, synapse, rise, rest = moves
    left, share = induction
    speed, low, high = change
    told, sampled, since, other = schedule
    pairs, inputs = wanted.shape
    synapses = pairs * inputs
    count = np.uint64(synapses)
    trace, drift = np.zeros(synapses), np.zeros(synapses)
    current, v, teacher = np.zeros(pairs), np.zeros(pairs), np.zeros(pairs)
    psp, shown, target, w = registers[_PSP], registers[_V], registers[_TARGET], registers[_W]
    psp[:], shown[:], target[:] = 0.0, rest, rest
    for step in range(offsets.size - 1):
        for i in range(count):
            psp[i] = psp[i] * membrane + trace[i] * rise
            trace[i] *= synapse
        for p in range(pairs):
            v[p] = v[p] * membrane + current[p] * rise
            current[p] *= synapse
            for i in range(p * inputs, (p + 1) * inputs):
                shown[i] = rest + v[p]
        for k in range(offsets[step], offsets[step + 1]):
            lane = lanes[k]
            trace[lane] += 1.0
            current[lane // inputs] += w[lane]
        if (step + 1) % sampled == 0 or (step + 1) % told == 0:
            for p in range(pairs):
                teacher[p] = 0.0
                for i in range(inputs):
                    teacher[p] += wanted[p, i] * psp[p * inputs + i]
            if (step + 1) % sampled == 0 and step + 1 > since:
                for p in range(pairs):
                    squares[p] += (v[p] - teacher[p]) ** 2
        run_segment(program, 0, registers, synapses)
        rate = registers[result]
        for i in range(count):
            drift[i] = drift[i] * left + share * rate[i]
            new = w[i] + speed * drift[i]
            new = low if new < low else new
            w[i] = high if new > high else new
        if (step + 1) % told == 0:
            size = 0.0
            for i in range(count):
                size += abs(w[i])
            if not np.isfinite(size):
                return NONFINITE, step + 1
            if size > limit * count:
                return RUNAWAY, step + 1
            for p in range(pairs):
                for i in range(p * inputs, (p + 1) * inputs):
                    target[i] = rest + teacher[(p + other) % pairs]
    return OK, offsets.size - 1
