"""What data say of the numbers of a form, all of it: draws from their posterior.

Priors: time constants are log-normal with a median of 30 ms and a factor of 5, so that 95 % are of 1.2 to 760 ms; other
numbers keep their signs and are half-normal, twenty times as wide as they are large: at the fit, or as would alone make
changes as large as the measured ones, or, of what does nothing to these, in the rule as it is given; the size of
residuals, where none was told, is log-uniform about its estimate.
Draws are those of an ensemble of walkers (Goodman & Weare 2010, doi:10.2140/camcos.2010.5.65; differential evolution
moves, ter Braak & Vrugt 2008, doi:10.1007/s11222-008-9104-9; package emcee, doi:10.1086/670067), all of which are
computed at once.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import MissingPartError
from rulesearch.inference.fitting import Fit
from rulesearch.measurements.protocols import LEAST_CHANGE

Array = npt.NDArray[np.float64]

_WIDE = 20.0
_MEDIAN, _FACTOR = math.log(0.03), math.log(5.0)
_WALKERS, _PER_NUMBER = 32, 4
_SHORTEST, _LONGEST = 1000, 6_000
_TIMES = 50.0
"""Autocorrelation times that a chain must have."""
_SMALL, _LEAST = 1e-2, 1e-4
_STEP = 1e-6
_NOISE = 3.0
"""Logarithm of the factor by which the size of residuals may differ from its estimate."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws from the posterior of a fitted form.

    **Fields:** `found`: the fit; `numbers` `(chains, draws, numbers)`; `noise` `(chains, draws)`: factor of the size of
    residuals, 1 where standard errors were told; `log_likelihood` `(chains, draws, rows)`; `steps` per independent
    draw, the longest autocorrelation time, and whether the chain was long enough for it to be known, `settled`.
    """

    found: Fit
    numbers: Array
    noise: Array
    log_likelihood: Array
    steps: float
    settled: bool

    @property
    def flat(self) -> Array:
        """All draws, `(draws, numbers)`."""
        return self.numbers.reshape(-1, self.numbers.shape[2])

    def intervals(self, level: float = 0.95) -> Array:
        """Return the central interval of each number, `(numbers, 2)`."""
        tail = 0.5 * (1.0 - level)
        found: Array = np.quantile(self.flat, [tail, 1.0 - tail], axis=0).T
        return found

    def inference_data(self) -> Any:
        """Return the draws as ArviZ has them: `posterior`, `log_likelihood` and `observed_data`; time constants in s.

        **Raises:** `MissingPartError` without ArviZ.
        """
        arviz = _needed("arviz")
        data = self.found.data
        return arviz.from_dict(
            posterior={label: self.numbers[:, :, place] for place, label in enumerate(self.found.form.labels)},
            log_likelihood={"change": self.log_likelihood},
            observed_data={"change": data.changes},
            coords={"row": list(data.labels)},
            dims={"change": ["row"]},
        )


def sample(found: Fit, rng: np.random.Generator, draws: int = 1000) -> Draws:
    """Return so many draws, at least, from the posterior of the numbers of a fit.

    **Raises:** `MissingPartError` without emcee.
    """
    emcee = _needed("emcee")
    form, data = found.form, found.data
    free = not data.told
    chart = _Chart(found)
    count = form.size

    def log_densities(points: Array) -> Array:
        """Return the log density of each row at points, `(points, rows)`; nan where there is no number."""
        predictions = form.many(chart.numbers(points[:, :count]))
        with np.errstate(all="ignore"):
            return data.log_density(predictions, points[:, count:] if free else 0.0)

    def log_posterior(points: Array) -> Array:
        prior = chart.log_prior(points[:, :count])
        if free:
            prior = np.where(np.abs(points[:, -1]) <= _NOISE, prior, -np.inf)
        total = np.full(len(points), -np.inf)
        inside = np.isfinite(prior)
        if inside.any():
            found_here = log_densities(points[inside]).sum(axis=1) + prior[inside]
            total[inside] = np.where(np.isfinite(found_here), found_here, -np.inf)
        return total

    size = count + free
    walkers = max(_WALKERS, 2 * math.ceil(_PER_NUMBER * size / 2))
    begin = np.zeros((walkers, size))
    begin[:, :count] = chart.near(rng.normal(size=(walkers, count)))
    if free:
        begin[:, -1] = 0.1 * rng.normal(size=walkers)
    moves = [(emcee.moves.StretchMove(), 0.4), (emcee.moves.DEMove(), 0.5), (emcee.moves.DESnookerMove(), 0.1)]
    sampler = emcee.EnsembleSampler(walkers, size, log_posterior, moves=moves, vectorize=True)
    state = emcee.State(begin, random_state=np.random.RandomState(int(rng.integers(2**32))).get_state())
    done, steps, settled = 0, math.inf, False
    while done < _LONGEST and not settled:
        # Once the chain is long enough for its autocorrelation to be known it ends.
        state = sampler.run_mcmc(state, _SHORTEST, skip_initial_state_check=True)
        done += _SHORTEST
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            steps = float(np.max(sampler.get_autocorr_time(tol=0, discard=done // 3)))
        settled = math.isfinite(steps) and done - done // 3 > _TIMES * steps
    kept = done - done // 3
    thin = max(1, kept * walkers // max(draws, walkers))
    chain = sampler.get_chain(discard=done // 3, thin=thin).transpose(1, 0, 2)
    points = chain.reshape(-1, size)
    likelihood = np.concatenate([log_densities(part) for part in np.array_split(points, max(1, len(points) // 512))])
    return Draws(
        found,
        chart.numbers(points[:, :count]).reshape(*chain.shape[:2], count),
        np.exp(chain[:, :, -1]) if free else np.ones(chain.shape[:2]),
        likelihood.reshape(*chain.shape[:2], -1),
        steps,
        settled,
    )


class _Chart:
    """Numbers as walkers see them: those that keep their signs by logarithms of their sizes."""

    def __init__(self, found: Fit) -> None:
        form, numbers = found.form, found.numbers
        self._low, self._high = (np.array([getattr(each, side) for each in form.each]) for side in ("low", "high"))
        self._times = np.array([each.is_time for each in form.each])
        self._signs = np.where(self._low >= 0.0, 1.0, np.where(self._high <= 0.0, -1.0, 0.0))
        self._wide = _WIDE * _sizes(found)
        self._best = self._seen(np.where(self._signs != 0.0, np.maximum(np.abs(numbers), _LEAST * self._wide), numbers))

    def _seen(self, sizes: Array) -> Array:
        found: Array = np.where(self._signs != 0.0, np.log(np.where(self._signs != 0.0, sizes, 1.0)), sizes)
        return found

    def numbers(self, points: Array) -> Array:
        """Return the numbers at points."""
        kept = self._signs != 0.0
        found: Array = np.where(kept, self._signs * np.exp(np.where(kept, points, 0.0)), points)
        return found

    def log_prior(self, points: Array) -> Array:
        """Return the log density of the prior at points, `(points,)`."""
        with np.errstate(all="ignore"):
            numbers = self.numbers(points)
            inside = np.all((numbers >= self._low) & (numbers <= self._high), axis=1)
            # A density of the number is one of its logarithm times the number.
            each = np.where(self._times, -0.5 * ((points - _MEDIAN) / _FACTOR) ** 2, -0.5 * (numbers / self._wide) ** 2)
            each += np.where(self._times | (self._signs == 0.0), 0.0, points)
            return np.where(inside, each.sum(axis=1), -np.inf)

    def near(self, normal: Array) -> Array:
        """Return points near the fit from normal numbers `(points, numbers)`."""
        spread = np.where(self._signs != 0.0, _SMALL, _SMALL * self._wide)
        found: Array = self._best + spread * normal
        with np.errstate(all="ignore"):
            low, high = np.log(self._low) + _SMALL * np.abs(normal), np.log(self._high) - _SMALL * np.abs(normal)
        return np.where(self._times, np.clip(found, low, high), found)


def _sizes(found: Fit) -> Array:
    """Return how large each number is: at the fit, or as it would have to be to make changes as large as the measured
    ones by itself, or, of what does nothing to the data, in the rule as it is given."""
    form = found.form
    given = np.array([abs(each.start) or 1.0 for each in form.each])
    steps = _STEP * np.maximum(np.abs(found.numbers), given)
    with np.errstate(all="ignore"):
        slopes = (form.many(found.numbers + np.diag(steps)) - found.predictions) / steps[:, np.newaxis]
        known = found.data.changes[np.isfinite(found.data.changes)]
        # Words alone tell no more than that changes were seen.
        usual = math.sqrt(float(np.mean(known**2))) if len(known) else LEAST_CHANGE
        needed = usual / np.sqrt(np.mean(slopes**2, axis=1))
    return np.where(np.isfinite(needed), np.maximum(np.abs(found.numbers), needed), given)


def _needed(name: str) -> Any:
    """Return a module of the extra `inference`; raises `MissingPartError` where it is not installed."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingPartError(
            f"posteriors need {name}; install it with: pip install 'rulesearch[inference]'"
        ) from None
