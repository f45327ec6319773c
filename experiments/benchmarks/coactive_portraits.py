"""What each rule of a set says of its kind of synapses where the network is: the window of a pair, and the mean drift.

The drift is that between independent Poisson spikes (`mean_field.py`) at the rates and mean weights that the simulated
network came to. Presynaptic and postsynaptic spikes bring $D_\\mathrm{pre}$ and $D_\\mathrm{post}$ to it; each quantity
is over $S = |D_\\mathrm{pre}| + |D_\\mathrm{post}|$, so that neither the learning rate nor the unit of a rule counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from mean_field import PoissonAverage

from rulesearch.rules.bound import BoundRule, BoundSet
from rulesearch.simulate.synapse.respond import pair_change
from rulesearch.tasks.recurrent import KINDS

Array = npt.NDArray[np.float64]

DELAYS = np.concatenate((np.linspace(-0.1, -0.002, 50), np.linspace(0.002, 0.1, 50)))
"""Times from the presynaptic to the postsynaptic spike of a window [s]."""
FACTORS = np.geomspace(0.25, 4.0, 17)
"""Times which the postsynaptic rate is taken."""
QUANTITIES = {
    "post": "with the postsynaptic rate",
    "pre": "with the presynaptic rate",
    "weight": "with the weight",
    "area": "area of the window",
}
_STEP = 0.02
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Portrait:
    """What a rule does to its kind of synapses.

    **Fields:** `window`: change of a pair of spikes at each of `DELAYS`, over the largest; `drift`: D/S at each of
    `FACTORS` times the postsynaptic rate, S as at the rate itself; `signs`: by quantity -1, 0 or 1; `sizes`: by
    quantity dD/dlog(rate or weight)/S, and the mean of `window`.
    """

    window: Array
    drift: Array
    sizes: Mapping[str, float]

    @property
    def signs(self) -> dict[str, int]:
        """Whether each quantity is below, at or above 0."""
        return {name: 0 if abs(size) < _NOTHING else int(np.sign(size)) for name, size in self.sizes.items()}


def portraits(rules: BoundSet, metrics: Mapping[str, float]) -> dict[str, Portrait]:
    """Return the portrait of each kind of synapses where a network came to by its metrics."""
    rates = {"E": metrics["rate_e_hz"], "I": metrics["rate_i_hz"]}
    return {kind: _portrait(rules.rules[kind], rates[kind[0]], rates[kind[1]], metrics[f"w_{kind}"]) for kind in KINDS}


def behaviour(found: Mapping[str, Portrait]) -> str:
    """Return in a few signs what a set does: of each kind whose weights move, how the drift changes with what."""
    told = []
    for kind, portrait in found.items():
        signs = portrait.signs
        moves = "".join(f" {'-0+'[signs[name] + 1]}{name}" for name in ("pre", "post", "weight") if signs[name])
        told.append(f"{kind}{moves or ' static'}")
    return "; ".join(told)


def correlations(every: Sequence[Mapping[str, Portrait]]) -> tuple[list[str], Array]:
    """Return the names of quantities of kinds, and the rank correlation of each two over sets; 0 where one is constant.

    Spearman 1904 (doi:10.2307/1412159).
    """
    names = [f"{kind} {name}" for kind in KINDS for name in QUANTITIES]
    values = np.array([[found[kind].sizes[name] for kind in KINDS for name in QUANTITIES] for found in every])
    ranks = np.apply_along_axis(_ranks, 0, values)
    around = ranks - ranks.mean(axis=0)
    length = np.sqrt((around**2).sum(axis=0))
    unit = around / np.where(length > 0.0, length, 1.0)
    return names, unit.T @ unit


def _ranks(values: Array) -> Array:
    """Return ranks, those of ties at their mean."""
    _, inverse, counts = np.unique(np.round(values, 9), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - 0.5 * (counts - 1))[inverse].astype(np.float64)


def _portrait(rule: BoundRule, pre: float, post: float, weight: float) -> Portrait:
    average = PoissonAverage(rule, pre, weight)
    total = sum(map(abs, average.parts(post))) or 1.0
    plain = rule.unbound(bounds=None)
    window = np.array([pair_change(plain, float(delay), weight) for delay in DELAYS])
    widest = float(np.abs(window).max()) or 1.0

    def slope(high: float, low: float) -> float:
        return (high - low) / (2.0 * _STEP * total)

    up, down = 1.0 + _STEP, 1.0 - _STEP
    sizes = {
        "post": slope(average.drift(up * post), average.drift(down * post)),
        "pre": slope(
            PoissonAverage(rule, up * pre, weight).drift(post), PoissonAverage(rule, down * pre, weight).drift(post)
        ),
        "weight": slope(
            PoissonAverage(rule, pre, up * weight).drift(post), PoissonAverage(rule, pre, down * weight).drift(post)
        ),
        "area": float(np.mean(window / widest)),
    }
    drift = np.array([average.drift(factor * post) for factor in FACTORS]) / total
    return Portrait(window / widest, drift, sizes)
