"""Presynaptic spikes: Poisson afferents, and groups of afferents that share a fluctuating rate.

An afferent with rate r(t) fires where its cumulated hazard H(t), the integral of r, passes a threshold: the
hazard at the end of the last refractory time plus an exponentially distributed number of mean 1. All afferents
of a group share H, so a spike costs one search in a table and no work is done between spikes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.simulate.machine.kernel import compiled

_BLOCK = 8192
"""Time steps that are filled at a time: what a block touches stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class SpikeTrain:
    """Spikes of several afferents, ordered by time step.

    **Fields:** `offsets` `(steps + 1,)` and `indices` `(spikes,)`: `indices[offsets[t] : offsets[t + 1]]` are the
    afferents that fire in step t, each at most once, in ascending order; `afferents`: their number.
    """

    offsets: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int16]
    afferents: int

    @property
    def steps(self) -> int:
        """Number of time steps."""
        return self.offsets.size - 1

    @property
    def nbytes(self) -> int:
        """Memory in use [bytes]."""
        return self.offsets.nbytes + self.indices.nbytes

    def counts(self) -> npt.NDArray[np.int64]:
        """Return the number of spikes of each afferent, `(afferents,)`."""
        return np.bincount(self.indices, minlength=self.afferents).astype(np.int64)

    @staticmethod
    def from_times(times: list[npt.NDArray[np.int64]], steps: int) -> SpikeTrain:
        """Return the spikes of afferents that fire in given time steps: one array of steps per afferent.

        **Raises:** `RulesearchError` where an afferent fires twice in a step or outside of the simulation.
        """
        indices = np.repeat(np.arange(len(times)), [len(found) for found in times])
        at = np.concatenate(times) if times else np.zeros(0, dtype=np.int64)
        if at.size and (at.min() < 0 or at.max() >= steps):
            raise RulesearchError(f"a spike lies outside of the {steps} steps that are simulated")
        if np.unique(at * len(times) + indices).size != at.size:
            raise RulesearchError("an afferent fires twice in one time step; choose shorter steps")
        offsets = np.concatenate(([0], np.cumsum(np.bincount(at, minlength=steps))))
        order = np.lexsort((indices, at))
        return SpikeTrain(offsets.astype(np.int32), indices[order].astype(np.int16), len(times))


def fluctuating_rates(
    generator: np.random.Generator, groups: int, seconds: float, sd: float, background: float, tau: float = 0.05
) -> npt.NDArray[np.float64]:
    r"""Return rates [Hz] of groups with a signal each, `(groups, milliseconds)`: constant within a millisecond.

    $r = b + \max(0, \sigma z)$ with the Ornstein-Uhlenbeck process $\tau \dot z = -z + \sqrt{2\tau}\,\xi$, which has
    variance 1 and starts in its steady state. After Vogels et al. 2011 (doi 10.1126/science.1211095), who filter
    uniform noise.

    **Arguments:** `sd`: s.d. of the signal before it is rectified [Hz]; `background` [Hz]; `tau` [s].
    """
    bins = max(1, round(seconds * 1000.0))
    decay = float(np.exp(-0.001 / tau))
    noise = generator.standard_normal((groups, bins))
    rates: npt.NDArray[np.float64] = background + np.maximum(0.0, sd * _filtered(noise, decay))
    return rates


@compiled(nogil=True)
def _filtered(noise: Any, decay: float) -> Any:
    gain = np.sqrt(1.0 - decay * decay)
    for group in range(noise.shape[0]):
        for k in range(1, noise.shape[1]):
            noise[group, k] = decay * noise[group, k - 1] + gain * noise[group, k]
    return noise


def draw_spikes(
    generator: np.random.Generator,
    rates: npt.NDArray[np.float64],
    group: npt.NDArray[np.int64],
    steps: int,
    dt: float,
    refractory: float = 0.005,
) -> SpikeTrain:
    """Draw the spikes of afferents with given rates.

    **Arguments:** `rates` `(groups, bins)` [Hz], constant within a bin; the bins divide the simulation evenly;
    `group` `(afferents,)`: the group of each; `steps` of `dt` [s]; `refractory` [s]: time after a spike in which
    the afferent stays silent, at least one step.
    **Raises:** `RulesearchError` for negative or undefined rates.
    """
    if group.size > np.iinfo(np.int16).max:
        raise RulesearchError(f"at most {np.iinfo(np.int16).max} afferents are simulated, found {group.size}")
    hazard = _hazard(rates, steps, dt)
    offsets, indices = _draw_train(generator, hazard, group, steps, max(1.0, refractory / dt))
    return SpikeTrain(offsets, indices, group.size)


def draw_conductance(
    generator: np.random.Generator,
    rates: npt.NDArray[np.float64],
    group: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    steps: int,
    dt: float,
    refractory: float = 0.005,
) -> npt.NDArray[np.float32]:
    """Draw the spikes of static afferents and return the sum of the weights that fire in each step, `(steps,)`.

    Arguments as in `draw_spikes`; `weights` `(afferents,)`.
    """
    hazard = _hazard(rates, steps, dt)
    total: npt.NDArray[np.float32] = _draw_sum(generator, hazard, group, weights, steps, max(1.0, refractory / dt))
    return total


def _hazard(rates: npt.NDArray[np.float64], steps: int, dt: float) -> npt.NDArray[np.float64]:
    if not np.all((rates >= 0.0) & np.isfinite(rates)):
        raise RulesearchError("firing rates must be finite and at least 0 Hz")
    groups, bins = rates.shape
    hazard = np.zeros((groups, bins + 1))
    np.cumsum(rates * (steps * dt / bins), axis=1, out=hazard[:, 1:])
    return hazard


@compiled(nogil=True, error_model="numpy")
def _next_spike(hazard: Any, bin_steps: float, after: float, threshold: float) -> float:
    """Return when the hazard has grown by `threshold` since `after` [steps]; infinity where it never does."""
    bins = hazard.size - 1
    position = after / bin_steps
    if position >= bins:
        return np.inf
    low = int(position)
    target = hazard[low] + (position - low) * (hazard[low + 1] - hazard[low]) + threshold
    if target >= hazard[bins]:
        return np.inf
    stride = 1
    high = low + 1
    while hazard[high] <= target:
        low = high
        stride *= 2
        high = min(low + stride, bins)
    while high - low > 1:
        middle = (low + high) >> 1
        if hazard[middle] <= target:
            low = middle
        else:
            high = middle
    inside: float = (target - hazard[low]) / (hazard[high] - hazard[low])
    return (low + inside) * bin_steps


@compiled(nogil=True, error_model="numpy")
def _draw_train(generator: Any, hazard: Any, group: Any, steps: int, refractory: float) -> Any:
    afferents = group.size
    bin_steps = steps / (hazard.shape[1] - 1)
    due = np.empty(afferents)
    for i in range(afferents):
        due[i] = _next_spike(hazard[group[i]], bin_steps, 0.0, generator.standard_exponential())
    offsets = np.zeros(steps + 1, dtype=np.int32)
    expected = 0.0
    for i in range(afferents):
        expected += hazard[group[i], -1]
    indices = np.empty(int(expected) + 1024, dtype=np.int16)
    found_steps = np.empty(1024, dtype=np.int32)
    found_indices = np.empty(1024, dtype=np.int16)
    place = np.zeros(_BLOCK + 1, dtype=np.int32)
    total = 0
    for start in range(0, steps, _BLOCK):
        stop = min(start + _BLOCK, steps)
        found = 0
        place[:] = 0
        for i in range(afferents):
            own = hazard[group[i]]
            time = due[i]
            while time < stop:
                if found == found_steps.size:
                    found_steps = np.concatenate((found_steps, np.empty_like(found_steps)))
                    found_indices = np.concatenate((found_indices, np.empty_like(found_indices)))
                found_steps[found] = int(time) - start
                found_indices[found] = i
                place[int(time) - start + 1] += 1
                found += 1
                time = _next_spike(own, bin_steps, time + refractory, generator.standard_exponential())
            due[i] = time
        while total + found > indices.size:
            indices = np.concatenate((indices, np.empty_like(indices)))
        for k in range(stop - start):
            place[k + 1] += place[k]
            offsets[start + k + 1] = total + place[k + 1]
        for k in range(found):
            at = found_steps[k]
            indices[total + place[at]] = found_indices[k]
            place[at] += 1
        total += found
    return offsets, indices[:total].copy()


@compiled(nogil=True, error_model="numpy")
def _draw_sum(generator: Any, hazard: Any, group: Any, weights: Any, steps: int, refractory: float) -> Any:
    afferents = group.size
    bin_steps = steps / (hazard.shape[1] - 1)
    due = np.empty(afferents)
    for i in range(afferents):
        due[i] = _next_spike(hazard[group[i]], bin_steps, 0.0, generator.standard_exponential())
    total = np.zeros(steps, dtype=np.float32)
    for start in range(0, steps, _BLOCK):
        stop = min(start + _BLOCK, steps)
        for i in range(afferents):
            own = hazard[group[i]]
            time = due[i]
            while time < stop:
                total[int(time)] += weights[i]
                time = _next_spike(own, bin_steps, time + refractory, generator.standard_exponential())
            due[i] = time
    return total
