"""The input of the inhibitory-rate task: groups of afferents with a signal each, excitation tuned to one of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.simulate.driven.inputs import SpikeTrain, draw_conductance, draw_spikes, fluctuating_rates

GROUPS = 8
_PREFERRED = 5
_CACHE_ENTRIES = 8
_CACHE_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class TunedInput:
    """What a neuron receives in one trial.

    **Fields:** `excitation` `(steps,)`: sum of the excitatory weights that fire in each step; `plastic`: spikes of
    the inhibitory afferents, group after group; `group_weights` `(GROUPS,)`: mean excitatory weight of each group.
    """

    excitation: npt.NDArray[np.float32]
    plastic: SpikeTrain
    group_weights: npt.NDArray[np.float64]

    @property
    def nbytes(self) -> int:
        """Memory in use [bytes]."""
        return self.excitation.nbytes + self.plastic.nbytes


_Key = tuple[int, float, float, float, float, int]
_cache: OrderedDict[_Key, TunedInput] = OrderedDict()
_lock = threading.Lock()


def prepare(seed: int, sd: float, background: float, seconds: float, dt: float, afferents: int = 1000) -> TunedInput:
    """Return the input of a trial; the latest ones are kept, since many rules meet the same seeds.

    **Arguments:** `sd` and `background` of the groups' rates [Hz]; `dt` [s]; `afferents`: a multiple of 40, four
    excitatory for each inhibitory one.
    """
    key = (seed, sd, background, seconds, dt, afferents)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    found = draw_input(seed, sd, background, seconds, dt, afferents)
    with _lock:
        _cache[key] = found
        while len(_cache) > _CACHE_ENTRIES or (
            len(_cache) > 1 and sum(kept.nbytes for kept in _cache.values()) > _CACHE_BYTES
        ):
            _cache.popitem(last=False)
    return found


def draw_input(seed: int, sd: float, background: float, seconds: float, dt: float, afferents: int = 1000) -> TunedInput:
    """Draw the input of a trial; arguments as in `prepare`. Signals, weights and spikes have a random stream each."""
    signals, weights, excitatory, inhibitory = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence([seed, GROUPS]).spawn(4)
    )
    steps = round(seconds / dt)
    rates = fluctuating_rates(signals, GROUPS, seconds, sd, background)
    group = np.repeat(np.arange(GROUPS), afferents // 10)
    tuning = 0.3 + 1.1 / (1.0 + (group + 1.0 - _PREFERRED) ** 4) + weights.uniform(0.0, 0.1, group.size)
    excitation = draw_conductance(excitatory, rates, group, tuning, steps, dt)
    plastic = draw_spikes(inhibitory, rates, np.repeat(np.arange(GROUPS), afferents // 40), steps, dt)
    return TunedInput(excitation, plastic, tuning.reshape(GROUPS, -1).mean(axis=1))
