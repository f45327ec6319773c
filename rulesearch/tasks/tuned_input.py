"""The input of the inhibitory-rate task: groups of afferents with a signal each, excitation tuned to one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.simulate.damage import UNDAMAGED, Damage, generators_of
from rulesearch.simulate.driven.inputs import SpikeTrain, draw_conductance, draw_spikes, fluctuating_rates
from rulesearch.tasks.kept_inputs import KeptInputs

GROUPS = 8
_PREFERRED = 5


@dataclass(frozen=True, slots=True)
class TunedInput:
    """What a neuron receives in one trial.

    **Fields:** `excitation` `(steps,)`: sum of the excitatory weights that fire in each step; `plastic`: spikes of
    the inhibitory afferents, group after group; `group_weights` `(GROUPS,)`: mean excitatory weight of each group;
    `factors` `(afferents,)` on the first weights of the inhibitory ones; `places` `(afferents,)` of these among the
    `whole` that there would be if none were missing.
    """

    excitation: npt.NDArray[np.float32]
    plastic: SpikeTrain
    group_weights: npt.NDArray[np.float64]
    factors: npt.NDArray[np.float64]
    places: npt.NDArray[np.int64]
    whole: int

    def by_group(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the mean weights `(..., GROUPS)` of inhibitory weights `(..., afferents)`; what is missing has 0."""
        every = np.zeros((*weights.shape[:-1], self.whole))
        every[..., self.places] = weights
        means: npt.NDArray[np.float64] = every.reshape(*weights.shape[:-1], GROUPS, -1).mean(axis=-1)
        return means

    @property
    def nbytes(self) -> int:
        """Memory in use [bytes]."""
        return self.excitation.nbytes + self.plastic.nbytes


_kept: KeptInputs[TunedInput] = KeptInputs(8)


def prepare(
    seed: int,
    sd: float,
    background: float,
    seconds: float,
    dt: float,
    afferents: int = 1000,
    damage: Damage = UNDAMAGED,
) -> TunedInput:
    """Return the input of a trial; the latest ones are kept, since many rules meet the same seeds.

    **Arguments:** `sd` and `background` of the groups' rates [Hz]; `dt` [s]; `afferents`: a multiple of 40, four
    excitatory for each inhibitory one; `damage` of their synapses.
    """
    key = (seed, sd, background, seconds, dt, afferents, damage)
    return _kept.get(key, lambda: draw_input(*key))


def draw_input(
    seed: int,
    sd: float,
    background: float,
    seconds: float,
    dt: float,
    afferents: int = 1000,
    damage: Damage = UNDAMAGED,
) -> TunedInput:
    """Draw the input of a trial; arguments as in `prepare`. Signals, weights and spikes have a random stream each."""
    root = np.random.SeedSequence([seed, GROUPS])
    signals, weights, excitatory, inhibitory = (np.random.Generator(np.random.PCG64(child)) for child in root.spawn(4))
    steps = round(seconds / dt)
    rates = fluctuating_rates(signals, GROUPS, seconds, sd, background)
    group = np.repeat(np.arange(GROUPS), afferents // 10)
    tuning = 0.3 + 1.1 / (1.0 + (group + 1.0 - _PREFERRED) ** 4) + weights.uniform(0.0, 0.1, group.size)
    whole = GROUPS * (afferents // 40)
    factors, places = np.ones(whole), np.arange(whole)
    if damage:
        missing, noise = generators_of(root)
        tuning = tuning * damage.factors(tuning.size, noise) * damage.there(tuning.size, missing)
        places = np.flatnonzero(damage.there(whole, missing))
        factors = damage.factors(whole, noise)[places]
    excitation = draw_conductance(excitatory, rates, group, tuning, steps, dt)
    plastic = draw_spikes(inhibitory, rates, np.repeat(np.arange(GROUPS), afferents // 40)[places], steps, dt)
    means = tuning.reshape(GROUPS, -1).mean(axis=1)
    return TunedInput(excitation, plastic, means, factors, places, whole)
