"""What data say of the numbers of a form, all of it: draws from their posterior.

Draws are those of an ensemble of walkers (Goodman & Weare 2010, doi:10.2140/camcos.2010.5.65; differential evolution
moves, ter Braak & Vrugt 2008, doi:10.1007/s11222-008-9104-9; package emcee, doi:10.1086/670067), all of which are
computed at once. They begin at the optima of the posterior, and jump from one to another. The size of residuals, where
none was told, is log-uniform about its estimate. Nested sampling, which asks for one point after the other, takes fifty
times as long for the pair and the minimal triplet model; ends of intervals differ by up to a tenth of their width
(`experiments/benchmarks/samplers.py`).
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
from rulesearch.inference.optima import Optima
from rulesearch.inference.prior import Prior

Array = npt.NDArray[np.float64]

_WALKERS, _PER_NUMBER = 96, 8
"""Many: what computes many points takes little longer than for a few, and steps between walkers fit the better."""
_SHORTEST, _LONGEST = 300, 4_500
_TIMES = 25.0
"""Autocorrelation times that a chain must have."""
_NOISE = 3.0
"""Logarithm of the factor by which the size of residuals may differ from its estimate."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws from the posterior of a fitted form.

    **Fields:** `found`: the fit; `numbers` `(chains, draws, numbers)`; `noise` `(chains, draws)`: factor of the size of
    residuals, 1 where standard errors were told; `log_likelihood` `(chains, draws, rows)`; `steps` per independent
    draw, the longest autocorrelation time, and whether the chain was long enough for it to be known, `settled`;
    `effective`: how many independent draws all steps of the chain are worth.
    """

    found: Fit
    numbers: Array
    noise: Array
    log_likelihood: Array
    steps: float
    settled: bool
    effective: float

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
        with warnings.catch_warnings():
            # There are more walkers than draws of each.
            warnings.filterwarnings("ignore", message="More chains")
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
    prior = Prior(found, rng)
    optima = Optima(found, prior, rng)
    count = form.size

    def log_densities(points: Array) -> Array:
        """Return the log density of each row at points, `(points, rows)`; nan where there is no number."""
        predictions = form.many(prior.numbers(points[:, :count]))
        with np.errstate(all="ignore"):
            return data.log_density(predictions, points[:, count:] if free else 0.0)

    def log_posterior(points: Array) -> Array:
        before = prior.log_density(points[:, :count])
        if free:
            before = np.where(np.abs(points[:, -1]) <= _NOISE, before, -np.inf)
        total = np.full(len(points), -np.inf)
        inside = np.isfinite(before)
        if inside.any():
            found_here = log_densities(points[inside]).sum(axis=1) + before[inside]
            total[inside] = np.where(np.isfinite(found_here), found_here, -np.inf)
        return total

    def jumps(points: Array, random: Any) -> tuple[Array, Array]:
        """Return points drawn anew from the mixture about optima, and what corrects for where they are drawn from."""
        moved = points.copy()
        moved[:, :count] = optima.draws(random, len(points))
        return moved, optima.log_density(points[:, :count]) - optima.log_density(moved[:, :count])

    size = count + free
    walkers = max(_WALKERS, _PER_NUMBER * size)
    begin = np.zeros((walkers, size))
    begin[:, :count] = np.clip(optima.draws(rng, walkers), prior.low, prior.high)
    if free:
        begin[:, -1] = 0.1 * rng.normal(size=walkers)
    moves = [
        (emcee.moves.StretchMove(), 0.2),
        (emcee.moves.DEMove(), 0.5),
        (emcee.moves.DESnookerMove(), 0.1),
        (emcee.moves.MHMove(jumps), 0.2),
    ]
    sampler = emcee.EnsembleSampler(walkers, size, log_posterior, moves=moves, vectorize=True)
    state = emcee.State(begin, random_state=np.random.RandomState(int(rng.integers(2**32))).get_state())
    done, steps, settled = 0, math.inf, False
    while done < _LONGEST and not settled:
        # Once the chain is long enough for its autocorrelation to be known it ends.
        state = sampler.run_mcmc(state, _SHORTEST, skip_initial_state_check=True)
        done += _SHORTEST
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A walker that never moved has no such time, and the chain goes on.
            steps = float(np.max(sampler.get_autocorr_time(tol=0, discard=done // 3)))
        settled = math.isfinite(steps) and done - done // 3 > _TIMES * steps
    kept = done - done // 3
    thin = max(1, kept * walkers // max(draws, walkers))
    chain = sampler.get_chain(discard=done // 3, thin=thin).transpose(1, 0, 2)
    points = chain.reshape(-1, size)
    likelihood = np.concatenate([log_densities(part) for part in np.array_split(points, max(1, len(points) // 512))])
    return Draws(
        found,
        prior.numbers(points[:, :count]).reshape(*chain.shape[:2], count),
        np.exp(chain[:, :, -1]) if free else np.ones(chain.shape[:2]),
        likelihood.reshape(*chain.shape[:2], -1),
        steps,
        settled,
        kept * walkers / steps,
    )


def _needed(name: str) -> Any:
    """Return a module of the extra `inference`; raises `MissingPartError` where it is not installed."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingPartError(
            f"posteriors need {name}; install it with: pip install 'rulesearch[inference]'"
        ) from None
