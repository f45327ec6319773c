"""Damaged synapses: weights that are not what they should be, and synapses that are not there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with synapses, drawn once before they act.

    **Fields:** `weight_noise`: relative s.d. of a factor on each weight, lognormal with mean 1: plastic synapses start
    with it, static ones keep it; `missing`: share of the synapses that are not there, each on its own.
    **Raises:** `RulesearchError` for a negative noise, or a share that is none.
    """

    weight_noise: float = 0.0
    missing: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight_noise) and self.weight_noise >= 0.0):
            raise RulesearchError(f"the noise of weights must be at least 0, found {self.weight_noise:g}")
        if not 0.0 <= self.missing < 1.0:
            raise RulesearchError(f"the share of missing synapses must lie in 0 to below 1, found {self.missing:g}")

    def __bool__(self) -> bool:
        return self.weight_noise > 0.0 or self.missing > 0.0

    def factors(self, count: int, generator: np.random.Generator) -> npt.NDArray[np.float64]:
        r"""Return the factor of each weight `(count,)`: $e^{s\xi - s^2/2}$ with $s^2 = \ln(1 + \mathrm{noise}^2)$."""
        spread = math.sqrt(math.log1p(self.weight_noise**2))
        found: npt.NDArray[np.float64] = np.exp(spread * generator.standard_normal(count) - 0.5 * spread**2)
        return found

    def there(self, count: int, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
        """Return which synapses are there `(count,)`."""
        found: npt.NDArray[np.bool_] = generator.random(count) >= self.missing
        return found


def generators_of(seed: np.random.SeedSequence) -> tuple[np.random.Generator, np.random.Generator]:
    """Return generators of what is missing, and of the noise: children of their own, after those that a seed has."""
    missing, noise = (np.random.Generator(np.random.PCG64(child)) for child in seed.spawn(2))
    return missing, noise


UNDAMAGED = Damage()
