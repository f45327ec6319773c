r"""The mean change of a weight between independent Poisson spikes, by numbers, also for rules without a closed form.

Presynaptic and postsynaptic spikes are independent Poisson processes of rates r_pre and r_post, w and w_mean are held:

$$D(r_{post}) = r_{pre} \langle \mathrm{on\_pre} \rangle + r_{post} \langle \mathrm{on\_post} \rangle$$

Traces of one side are shot noise of the same spikes. They are drawn: a spike of age T of a process of rate 1 has the
age T/r in one of rate r, so that the same draws serve all rates and D is smooth. Draws are weighted such that means and
covariances of all-to-all traces are exact (Campbell's theorem: r tau and r tau_1 tau_2/(tau_1 + tau_2), 0 across
sides), and with them all polynomials of the second degree.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import BoundRule
from rulesearch.rules.states import SUMS, Trace

Array = npt.NDArray[np.float64]

_DRAWS, _SPIKES = 4096, 64
_RATES = np.geomspace(0.05, 100.0, 40)
"""Postsynaptic rates [Hz] between which fixed points are sought."""
_STEP = 0.02
_AGREE = 0.05
_FLAT = 1e-6


class PoissonAverage:
    """A rule averaged over independent Poisson spikes.

    **Arguments:** `rule`: whose states are all-to-all or nearest traces; `pre`: rate of presynaptic spikes [Hz];
    `weight`: where w and w_mean are held; `seed` of the draws.
    **Raises:** `RulesearchError` for other states.
    """

    def __init__(self, rule: BoundRule, pre: float, weight: float, seed: int = 0) -> None:
        self.rule, self.pre, self.weight, self.seed = rule, pre, weight, seed
        self.traces: dict[str, Trace] = {}
        for name, state in rule.states.items():
            if not isinstance(state, Trace) or state.resets:
                raise RulesearchError(
                    f"the mean field takes no traces that the other side resets, found the state {name}"
                )
            self.traces[name] = state

    def drift(self, post: float) -> float:
        """Return the mean of dw/dt over eta [1/s] at a postsynaptic rate [Hz]; may be nonfinite."""
        return sum(self.parts(post))

    def slope(self, post: float) -> float:
        """Return how the drift changes with the postsynaptic rate; 0 where that is lost in rounding."""
        high, low = post * (1.0 + _STEP), post * (1.0 - _STEP)
        change, size = self.drift(high) - self.drift(low), sum(map(abs, self.parts(post)))
        return 0.0 if abs(change) <= _FLAT * size else change / (high - low)

    def fixed_points(self) -> list[tuple[float, float]]:
        """Return the postsynaptic rates [Hz] at which the drift is 0, ascending, each with the slope there."""
        drifts = np.array([self.drift(rate) for rate in _RATES])
        turns = np.flatnonzero(np.sign(drifts[:-1]) * np.sign(drifts[1:]) < 0.0)
        rates = [float(brentq(self.drift, _RATES[k], _RATES[k + 1], xtol=1e-6)) for k in turns]
        return [(rate, self.slope(rate)) for rate in rates]

    def parts(self, post: float) -> tuple[float, float]:
        """Return what presynaptic and what postsynaptic spikes bring to the drift at a postsynaptic rate [Hz]."""
        rates = {"pre": self.pre, "post": post}
        drawn = {
            name: _shot_noise(self.seed, trace.side, rates[trace.side], trace.tau, trace.nearest)
            for name, trace in self.traces.items()
        }
        weights = _exact_weights(drawn, self.traces, rates)
        values = {**_held(self.rule, self.weight), **drawn}
        means = {}
        for slot in ("on_pre", "on_post"):
            part = self.rule.slots.get(slot)
            found = 0.0 if part is None else np.asarray(part.evaluate(values), dtype=np.float64)
            with np.errstate(invalid="ignore"):
                means[slot] = float(weights @ np.broadcast_to(found, weights.shape))
        return self.pre * means["on_pre"], post * means["on_post"]


@dataclass(frozen=True, slots=True)
class Portrait:
    """What mean-field reasoning says of a rule.

    **Fields:** `rate` [Hz]: the fixed point that a neuron comes to which fires much at first: the highest at which the
    drift grows with the rate, else the highest; nan where there is none, or where draws leave it open; `slope` of the
    drift there, at inhibitory synapses stable where positive; `alone`: the change at a presynaptic spike where all
    traces are 0.
    """

    rate: float
    slope: float
    alone: float

    @property
    def shared(self) -> bool:
        """Whether a presynaptic spike alone weakens the synapse, and the drift grows with the postsynaptic rate."""
        return self.alone < 0.0 and self.slope > 0.0


def portrait(rule: BoundRule, pre: float, weight: float) -> Portrait:
    """Return the portrait of a rule; arguments as of `PoissonAverage`. Two sets of draws must agree to 5 %."""
    found = [_settled(PoissonAverage(rule, pre, weight, seed).fixed_points()) for seed in (0, 1)]
    (first, slope), (second, other) = found
    if not (abs(first - second) <= _AGREE * first and np.sign(slope) == np.sign(other)):
        first = second = slope = other = math.nan
    return Portrait(0.5 * (first + second), 0.5 * (slope + other), alone(rule, weight))


def alone(rule: BoundRule, weight: float) -> float:
    """Return the change (over eta) at a presynaptic spike where all traces are 0; nan where it is not defined."""
    part = rule.slots.get("on_pre")
    if part is None:
        return 0.0
    value = float(part.evaluate({**_held(rule, weight), **dict.fromkeys(rule.states, np.float64(0.0))}))
    return value if math.isfinite(value) else math.nan


def solved_constant(rule: BoundRule, name: str, pre: float, weight: float, post: float) -> BoundRule | None:
    """Return the rule with another value of a constant, of the same sign, for which a rate [Hz] is a fixed point.

    None where no value up to 30 times smaller or larger does it.
    """

    def changed(power: float) -> BoundRule:
        return rule.with_constants({name: rule.constants[name].value * 30.0**power})

    def drift(power: float) -> float:
        return PoissonAverage(changed(power), pre, weight).drift(post)

    powers = np.linspace(-1.0, 1.0, 21)
    drifts = np.array([drift(power) for power in powers])
    turns = np.flatnonzero(np.sign(drifts[:-1]) * np.sign(drifts[1:]) < 0.0)
    if not turns.size:
        return None
    nearest = min(turns, key=lambda k: abs(powers[k] + 0.05))
    return changed(float(brentq(drift, powers[nearest], powers[nearest + 1], xtol=1e-6)))


def _settled(points: list[tuple[float, float]]) -> tuple[float, float]:
    rising = [point for point in points if point[1] > 0.0]
    return (rising or points or [(math.nan, math.nan)])[-1]


def _held(rule: BoundRule, weight: float) -> dict[str, Any]:
    # As NumPy's numbers: 1/0 is infinite there, as it is in simulations.
    values = {name: np.float64(value) for name, value in rule.constant_values().items()}
    return {**values, **dict.fromkeys(("w", *SUMS), np.float64(weight))}


@lru_cache(maxsize=4)
def _ages(seed: int, side: str) -> Array:
    """Return ages of the latest spikes `(draws, spikes)` of a Poisson process of rate 1, the latest first."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, ("pre", "post").index(side)])))
    return np.cumsum(rng.exponential(size=(_DRAWS, _SPIKES)), axis=1)


@lru_cache(maxsize=1024)
def _shot_noise(seed: int, side: str, rate: float, tau: float, nearest: bool) -> Array:
    """Return draws of a trace; spikes that are not drawn, older than the others, come in by their mean."""
    if rate == 0.0:
        return np.zeros(_DRAWS)
    ages = _ages(seed, side) / (rate * tau)
    if nearest:
        return np.exp(-ages[:, 0])
    sums: Array = np.exp(-ages).sum(axis=1) + rate * tau * np.exp(-ages[:, -1])
    return sums


def _exact_weights(drawn: Mapping[str, Array], traces: Mapping[str, Trace], rates: Mapping[str, float]) -> Array:
    """Return weights of the draws, 1/draws but for what makes means, and covariances of all-to-all traces, exact."""
    rows = [np.ones(_DRAWS), *_deviations(drawn, traces, rates)]
    system = np.stack(rows)
    wanted = np.zeros(len(rows))
    wanted[0] = 1.0
    shares = np.linalg.lstsq(system @ system.T / _DRAWS, wanted, rcond=1e-10)[0]
    weights: Array = shares @ system / _DRAWS
    return weights


def _deviations(drawn: Mapping[str, Array], traces: Mapping[str, Trace], rates: Mapping[str, float]) -> Iterator[Array]:
    """Yield what has the mean 0: deviations of traces, and of their products from the covariance."""
    centred = {
        name: drawn[name] - _mean(trace, rates[trace.side]) for name, trace in traces.items() if rates[trace.side] > 0.0
    }
    yield from centred.values()
    for a, b in combinations_with_replacement([name for name in centred if not traces[name].nearest], 2):
        first, second = traces[a], traces[b]
        same = rates[first.side] * first.tau * second.tau / (first.tau + second.tau)
        yield centred[a] * centred[b] - (same if first.side == second.side else 0.0)


def _mean(trace: Trace, rate: float) -> float:
    return rate * trace.tau / (1.0 + rate * trace.tau * trace.nearest)
