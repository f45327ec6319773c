"""Which sampler for posteriors of fitted rules: an ensemble of walkers (`emcee`) beside nested sampling (`dynesty`)?

    pip install dynesty
    python experiments/benchmarks/samplers.py

Forms of `foretold.py` are fitted to simulated tables, and each posterior is sampled by `rulesearch.inference.sampling`
and by dynesty (static, `--live` points, `--proposals`), which sees the same prior and likelihood. Prints for both
how many likelihoods were computed, the processor time, how many independent draws came of it (walkers: steps over the
longest autocorrelation time; nested sampling: Kish's number of the weights) and, for dynesty, how far ends of its 90 %
intervals are from those of the walkers at most, in widths of the interval, as walkers see numbers: by logarithms.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from foretold import RULES, fitted
from scipy.special import ndtr, ndtri

from rulesearch.evaluation.seeds import generator
from rulesearch.fitting.form import Form
from rulesearch.inference.fitting import Fit
from rulesearch.inference.prior import Prior
from rulesearch.inference.sampling import sample

Array = npt.NDArray[np.float64]

CHOSEN = "1,7,6,3"
_ROWS, _TAIL = 20, 0.05


class Counted:
    """A form that counts at how many points it was asked for predictions."""

    def __init__(self, form: Form) -> None:
        self._form, self.points = form, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._form, name)

    def many(self, numbers: Array) -> Array:
        """Return what the rule predicts, `(points, rows)`."""
        self.points += len(numbers)
        return self._form.many(numbers)


def nested(dynesty: Any, found: Fit, live: int, proposals: str, seed: int) -> tuple[Array, Array]:
    """Return points of nested sampling, `(points, numbers)`, and their weights."""
    prior = Prior(found, generator(seed, 1))
    low, high = (ndtr((end - prior.median) / prior.width) for end in (prior.low, prior.high))

    def log_likelihood(point: Array) -> float:
        predictions = found.form.many(prior.numbers(point[np.newaxis]))
        total = float(np.sum(found.data.log_density(predictions)))
        return total if np.isfinite(total) else -1e300

    def from_cube(cube: Array) -> Array:
        numbers: Array = prior.median + prior.width * ndtri(low + cube * (high - low))
        return numbers

    sampler = dynesty.NestedSampler(
        log_likelihood,
        from_cube,
        len(prior.median),
        nlive=live,
        sample=proposals,
        rstate=np.random.default_rng(seed),
    )
    with warnings.catch_warnings():
        # It says again and again that a bent ridge is hard for uniform proposals.
        warnings.simplefilter("ignore", UserWarning)
        sampler.run_nested(print_progress=False)
    points: Array = sampler.results.samples
    weights: Array = sampler.results.importance_weights()
    return points, weights


def ends(points: Array, weights: Array) -> Array:
    """Return the ends of central 90 % intervals of weighted points, `(2, numbers)`."""
    found = []
    for column in points.T:
        order = np.argsort(column)
        summed = np.cumsum(weights[order])
        found.append(np.interp([_TAIL, 1.0 - _TAIL], summed / summed[-1], column[order]))
    return np.array(found).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default=CHOSEN, help="places in RULES of foretold.py, the first is 1")
    parser.add_argument("--live", type=int, default=500, help="points of nested sampling")
    parser.add_argument("--proposals", default="auto", help="of nested sampling: auto (uniform), rwalk, rslice")
    parser.add_argument("--seed", type=int, default=9901)
    given = parser.parse_args()
    try:
        import dynesty
    except ImportError:
        sys.exit("dynesty is not installed; type: pip install dynesty")
    print("| rule | sampler | likelihoods | seconds | independent draws | seconds per 1000 | ends differ |")
    print("|---|---|---|---|---|---|---|")
    for number in (int(place) - 1 for place in given.rules.split(",")):
        plain, _, _ = fitted(RULES[number], 1000 * number, _ROWS, given.seed)
        # Kernels are compiled before time is taken.
        plain.form.many(np.tile(plain.numbers, (2, 1)))
        results: dict[str, tuple[Array, Array]] = {}
        for name in ("emcee", "dynesty"):
            counted = Counted(plain.form)
            found = replace(plain, form=cast(Form, counted))
            begun = time.process_time()
            if name == "emcee":
                draws = sample(found, generator(given.seed, 1), 4000)
                spent, effective = time.process_time() - begun, draws.effective
                # All of these forms' numbers keep their signs.
                results[name] = np.log(np.abs(draws.flat)), np.full(len(draws.flat), 1.0 / len(draws.flat))
                differ = ""
            else:
                points, weights = nested(dynesty, found, given.live, given.proposals, given.seed)
                spent, effective = time.process_time() - begun, float(weights.sum() ** 2 / np.sum(weights**2))
                results[name] = points, weights
                one, other = (ends(*results[each]) for each in ("emcee", "dynesty"))
                differ = f"{float(np.max(np.abs(one - other) / (one[1] - one[0]))):.2f}"
            print(
                f"| {RULES[number]} | {name} | {counted.points} | {spent:.1f} | {effective:.0f} | "
                f"{1000.0 * spent / effective:.2f} | {differ} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
