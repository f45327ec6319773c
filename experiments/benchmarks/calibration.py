"""Is the posterior of engine `sbi` as sure as it may be? Rank statistics on a task whose answer is known.

    python experiments/benchmarks/calibration.py --work runs --out results/calibration

Six constants of the polynomial of Confavreux et al. 2020 are drawn from the prior and simulated on `inhibitory-rate`,
at its cheap fidelity, each on a seed of its own. A posterior is fitted to most of the draws that ran to their end. For
each of the others, which it has not seen, constants are drawn from the posterior at its metrics: where this is
calibrated, the rank of the true constant among them is uniform (Talts et al. 2018, arXiv:1804.06788). Prints, for each
constant, p of a chi-squared test of the ranks in ten bins, corrected after Holm 1979, and how often central intervals
cover the truth. The known answer: under independent Poisson spikes the rate settles where

    r = -alpha r_pre/(beta + r_pre (gamma tau_pre + kappa tau_post)),

so that draws at the metrics of Vogels' rule must have its rate, whatever their constants are; printed is how often they
have it within 20 %, by the mean field and simulated on fresh seeds, beside draws from the prior. Writes `README.md` and
the figure `ranks.png`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from coactive import holm
from coactive_report import share
from manifold_rules import COEFFICIENTS, TAUS, polynomial
from scipy import stats

from rulesearch.evaluation.evaluator import Evaluator, Job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.evaluation.store import Record, Store
from rulesearch.inference.posterior import Posterior
from rulesearch.report.style import COLOURS, GREY, new_figure, panel, save_figure
from rulesearch.writing import write_text

Array = npt.NDArray[np.float64]

NAMES = ("tau_pre", "tau_post", "alpha", "beta", "gamma", "kappa")
RANGES = np.array([TAUS, TAUS, *(COEFFICIENTS,) * 4])
METRICS = {"rate_hz": 5.0, "w_mean": 1.0, "tuning_r": 0.1, "cv_isi": 0.5}
"""What the posterior is told, and how large a large difference of it is."""
DRAWS, BINS = 99, 10
COVERED = (0.5, 0.9)
_CHUNK = 50
_NEAR = 0.2
_PREDICTED = 200
_AFFERENT_HZ = 42.8
"""Mean rate of the inhibitory afferents of the task under Vogels' rule, as `manifold.py` counts it."""


def simulated(shares: Array, seed: int, role: str, work: Path) -> list[Outcome]:
    """Return what each row of shares of ranges `(draws, 6)` does, on a seed of its own."""
    evaluator = _evaluator()
    seeds = trial_seeds(seed, role, len(shares))
    store = Store(work / f"calibration-{seed}.sqlite")
    screen, found = evaluator.task.fidelities[0].name, list[Outcome]()
    for first in range(0, len(shares), _CHUNK):
        jobs = [
            Job(polynomial(evaluator.task, *values_of(shares[index])), (seeds[index],), screen, ((),))
            for index in range(first, min(first + _CHUNK, len(shares)))
        ]
        known = store.known(jobs)
        missing = [index for index in range(len(jobs)) if index not in known]
        pairs = list(zip(missing, evaluator.run([jobs[index] for index in missing]), strict=True))
        store.add([Record(-1, role, jobs[index], outcome, "") for index, outcome in pairs])
        known |= pairs
        found += [known[index] for index in range(len(jobs))]
        print(f"{len(found)} of {len(shares)} draws", flush=True)
    store.close()
    return found


def _evaluator() -> Evaluator:
    evaluator = Evaluator("inhibitory-rate", {})
    evaluator.settings = evaluator.task.resolve({})
    return evaluator


def values_of(shares: Array) -> list[float]:
    """Return the constants that shares of their ranges stand for, time constants in seconds."""
    return [float(value) for value in RANGES[:, 0] + shares * (RANGES[:, 1] - RANGES[:, 0])]


def metrics_of(outcomes: Sequence[Outcome]) -> Array:
    """Return what the posterior is told of each outcome, `(outcomes, metrics)`; nan where there is nothing."""
    return np.array([[each.metrics[name] if each.ok else np.nan for name in METRICS] for each in outcomes])


def mean_field_rate(shares: Array) -> Array:
    """Return the rate [Hz] at which the mean drift is 0; nan where there is none."""
    tau_pre, tau_post, alpha, beta, gamma, kappa = (RANGES[:, 0] + shares * (RANGES[:, 1] - RANGES[:, 0])).T
    rate = -alpha * _AFFERENT_HZ / (beta + _AFFERENT_HZ * (gamma * tau_pre + kappa * tau_post))
    return np.where(rate > 0.0, rate, np.nan)


def near(rates: Array, rate: float) -> str:
    """Return how many of the rates are near another one [Hz]."""
    return share(int(np.sum(np.abs(rates - rate) <= _NEAR * rate)), len(rates))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5000, help="draws from the prior")
    parser.add_argument("--tests", type=int, default=300, help="draws that the posterior is tested on")
    parser.add_argument("--seed", type=int, default=9801)
    parser.add_argument("--work", type=Path, default=Path("runs"), help="folder of what was simulated")
    parser.add_argument("--out", type=Path, default=Path("results/calibration"))
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    prior = np.random.Generator(np.random.PCG64(np.random.SeedSequence([given.seed, 0])))
    shares = prior.random((given.draws, len(NAMES)))
    metrics = metrics_of(simulated(shares, given.seed, "report", given.work))
    lived = np.all(np.isfinite(metrics), axis=1)
    shares, metrics = shares[lived], metrics[lived]
    train, test = slice(given.tests, None), slice(None, given.tests)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([given.seed, 1])))
    posterior = Posterior(shares[train], metrics[train], np.array(list(METRICS.values())), rng)
    drawn = posterior.sample(metrics[test], rng, DRAWS)
    ranks = (drawn < shares[test]).sum(axis=0)
    bins = ranks * BINS // (DRAWS + 1)
    values = holm([float(stats.chisquare(np.bincount(column, minlength=BINS)).pvalue) for column in bins.T])
    lines = [
        "# Calibration of the posterior",
        "",
        f"Written by `python experiments/benchmarks/calibration.py --draws {given.draws} --tests {given.tests} "
        f"--seed {given.seed} --work runs --out {given.out}`.",
        "",
        f"{int(lived.sum())} of {given.draws} draws from the prior ran to their end; {given.tests} of them test the "
        "posterior, which was fitted to the others.",
        "",
        "| constant | p of uniform ranks (Holm) | " + " | ".join(f"in central {level:.0%}" for level in COVERED) + " |",
        "|---|---|" + "---|" * len(COVERED),
    ]
    for index, name in enumerate(NAMES):
        inside = [
            share(int(np.sum(np.abs(ranks[:, index] - 0.5 * DRAWS) < 0.5 * level * (DRAWS + 1))), len(ranks))
            for level in COVERED
        ]
        lines.append(f"| {name} | {values[index]:.3g} | " + " | ".join(inside) + " |")
    known = _known(given.seed)
    at_known = posterior.sample(known[np.newaxis], rng, _PREDICTED)[:, 0]
    predicted = metrics_of(simulated(at_known, given.seed, "selection", given.work))[:, 0]
    first = metrics[:_PREDICTED, 0]
    told = ", ".join(f"{name} {value:.3g}" for name, value in zip(METRICS, known, strict=True))
    lines += [
        "",
        f"Draws at the metrics of Vogels' rule ({told}), and draws from the prior that ran to their end:",
        "",
        f"| within {_NEAR:.0%} of {known[0]:.3g} Hz | posterior | prior |",
        "|---|---|---|",
        f"| mean field | {near(mean_field_rate(at_known), known[0])} | {near(mean_field_rate(shares), known[0])} |",
        f"| simulated | {near(predicted, known[0])} | {near(first, known[0])} |",
        "",
        "![ranks](ranks.png)",
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    write_text(given.out / "README.md", "\n".join(lines) + "\n")
    _draw(ranks, given.out / "ranks.png")
    print("\n".join(lines))


def _known(seed: int) -> Array:
    """Return the metrics of Vogels' rule on a seed of its own."""
    evaluator = _evaluator()
    rules = evaluator.task.baseline(evaluator.settings)
    fresh = trial_seeds(seed, "search", 1)
    (outcome,) = evaluator.run([Job(rules, tuple(fresh), evaluator.task.fidelities[0].name, ((),))])
    return np.array(metrics_of([outcome])[0])


def _draw(ranks: npt.NDArray[np.int64], path: Path) -> None:
    """Draw how far the distribution of ranks is from a uniform one, and the band of 95 % of uniform samples."""
    figure = new_figure(6.4, 3.6)
    axes = panel(figure.subplots(), f"rank of the true constant among {DRAWS} draws", "share below, less uniform", "")
    at = np.arange(DRAWS + 1)
    uniform = (at + 1.0) / (DRAWS + 1)
    low, high = (stats.binom.ppf(q, len(ranks), uniform) / len(ranks) - uniform for q in (0.025, 0.975))
    axes.fill_between(at, low, high, color=GREY, alpha=0.25, linewidth=0)
    for index, name in enumerate(NAMES):
        below = (ranks[:, index][:, np.newaxis] <= at).mean(axis=0)
        axes.plot(at, below - uniform, color=COLOURS[index], linewidth=1.2, label=name)
    axes.legend(fontsize=7, frameon=False)
    save_figure(figure, path)


if __name__ == "__main__":
    main()
