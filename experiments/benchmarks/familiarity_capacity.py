"""Is the capacity R_max of familiarity layers that of the published networks?

    python experiments/benchmarks/familiarity_capacity.py
    python experiments/benchmarks/familiarity_capacity.py --cells 25x2,50x32 --stimuli 20000 --rule hebbian
    python experiments/benchmarks/familiarity_capacity.py --training 2000 --cells 25x2,25x4 --stimuli 40000

For each published network of Tyulmankov, Yang & Abbott 2022 (see `rulesearch.tasks.familiarity_curriculum`): the
interval at which a curriculum stays, and shares of right answers around it. Bias and readout are fitted anew at each
interval, and so are the constants of a rule, among values that follow the pattern of the published ones: decay
0.35/R times a factor, and the published eta. Seeds are averaged before a pass is expected or not. With `--training`
all numbers are trained by so many steps of gradient descent at each interval instead, from random weights, of one seed.
"""

from __future__ import annotations

import argparse
import time
from functools import cache

import numpy as np

from rulesearch.rules.bound import BoundSet
from rulesearch.tasks import Task, load_task
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.familiarity_curriculum import PUBLISHED, largest_interval, passes

FORMS = {
    "hebbff": "-a*w - b*x*y",
    "hebbian": "-a*w + b*x*y",
    "no decay": "-b*x*y",
    "decay of silent units": "-a*(w - w*y) - b*x*y",
    "growth of active units": "-a*w - b*y*(x - w)",
}
FACTORS = (0.7, 1.0, 1.4, 2.0)
SEED = 7001


def capacity(
    form: str, components: int, units: int, stimuli: int, seeds: int, training: int, first: int
) -> tuple[int, dict[int, float]]:
    """Return R_max and the shares of right answers at the intervals that were tried."""
    task, cell = load_task("familiarity"), PUBLISHED[components, units]
    tried: dict[int, float] = {}

    @cache
    def accuracy(interval: int) -> float:
        sizes = {"components": components, "units": units, "interval": interval}
        values = task.resolve({**sizes, "stimuli": stimuli, "training": training})
        best = with_constants(FORMS[form], task, values, first - 1)
        fresh = [task.trial(best, first + k, values, "full").metrics.get("accuracy", 0.0) for k in range(seeds)]
        tried[interval] = float(np.mean(fresh))
        return tried[interval]

    return largest_interval(accuracy, cell.r_max), tried


def with_constants(form: str, task: Task, values: Settings, seed: int) -> BoundSet:
    """Return a form with the decay that does best at the interval of the settings, on a seed, and the published eta.

    Where all numbers are trained, the decay is the one that training begins with.
    """
    interval, eta = values["interval"], PUBLISHED[int(values["components"]), int(values["units"])].eta
    factors = (1.0,) if values["training"] or "a*" not in form else FACTORS
    decays = dict.fromkeys(min(0.35 / interval * factor, 0.95) for factor in factors)
    texts = [f"{form}; b = {-eta}" + f"; a = {decay}" * ("a*" in form) for decay in decays]
    rules = [task.bind(task.parse(text), values) for text in texts]
    if len(rules) == 1:
        return rules[0]
    shares = [each.metrics.get("accuracy", 0.0) for each in task.trials(rules, seed, values, "full")]
    return rules[int(np.argmax(shares))]


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default=",".join(f"{d}x{n}" for d, n in PUBLISHED), help="as components x units")
    parser.add_argument("--rule", choices=FORMS, default="hebbff")
    parser.add_argument("--stimuli", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, help="how many; with --training 1, else 3")
    parser.add_argument("--training", type=int, default=0, help="steps of gradient descent; 0: idealised weights")
    parser.add_argument("--seed", type=int, default=SEED, help="the first of the seeds")
    asked = parser.parse_args()
    seeds = asked.seeds or (1 if asked.training else 3)
    print(" network published found ratio seconds  right answers (expected passes)")
    for name in asked.cells.split(","):
        components, units = (int(part) for part in name.split("x"))
        begun = time.perf_counter()
        found, tried = capacity(asked.rule, components, units, asked.stimuli, seeds, asked.training, asked.seed)
        published = PUBLISHED[components, units].r_max
        told = ", ".join(f"{at}: {share:.4f} ({passes(share, at):.2g})" for at, share in sorted(tried.items()))
        seconds = time.perf_counter() - begun
        print(f"{name:>8s} {published:9d} {found:5d} {found / published:5.2f} {seconds:7.0f}  {told}", flush=True)


if __name__ == "__main__":
    main()
