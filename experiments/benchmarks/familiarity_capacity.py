"""Is the capacity R_max of familiarity layers that of the published networks?

    python experiments/benchmarks/familiarity_capacity.py
    python experiments/benchmarks/familiarity_capacity.py --cells 25x2,50x32 --stimuli 20000 --rule hebbian

For each published network of Tyulmankov, Yang & Abbott 2022 (see `rulesearch.tasks.familiarity_curriculum`): the
interval at which a curriculum stays, and shares of right answers around it. Bias and readout are fitted anew at each
interval, and so are the constants of a rule, among values that follow the pattern of the published ones: decay
0.35/R times a factor, and the published eta. Seeds are averaged before a pass is expected or not.
"""

from __future__ import annotations

import argparse
import time
from functools import cache

import numpy as np

from rulesearch.tasks import load_task
from rulesearch.tasks.familiarity_curriculum import PUBLISHED, largest_interval, passes

FORMS = {
    "hebbff": "-{decay}*w - {gain}*x*y",
    "hebbian": "-{decay}*w + {gain}*x*y",
    "no decay": "-{gain}*x*y",
    "decay of silent units": "-{decay}*(w - w*y) - {gain}*x*y",
}
FACTORS = (0.7, 1.0, 1.4, 2.0)
SEED = 7001


def capacity(form: str, components: int, units: int, stimuli: int, seeds: int) -> tuple[int, dict[int, float]]:
    """Return R_max and the shares of right answers at the intervals that were tried."""
    task, cell = load_task("familiarity"), PUBLISHED[components, units]
    tried: dict[int, float] = {}

    @cache
    def accuracy(interval: int) -> float:
        values = task.resolve({"components": components, "units": units, "interval": interval, "stimuli": stimuli})
        texts = [FORMS[form].format(decay=min(0.35 / interval * f, 0.95), gain=-cell.eta) for f in FACTORS]
        rules = [task.bind(task.parse(text), values) for text in dict.fromkeys(texts)]
        found = [[t.metrics.get("accuracy", 0.0) for t in task.trials(rules, SEED - 1, values, "full")]]
        best = rules[int(np.argmax(found[0]))]  # constants are chosen on a seed of their own
        fresh = [task.trial(best, SEED + k, values, "full").metrics["accuracy"] for k in range(seeds)]
        tried[interval] = float(np.mean(fresh))
        return tried[interval]

    return largest_interval(accuracy, cell.r_max), tried


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default=",".join(f"{d}x{n}" for d, n in PUBLISHED), help="as components x units")
    parser.add_argument("--rule", choices=FORMS, default="hebbff")
    parser.add_argument("--stimuli", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    print(" network published found ratio seconds  right answers (expected passes)")
    for name in asked.cells.split(","):
        components, units = (int(part) for part in name.split("x"))
        begun = time.perf_counter()
        found, tried = capacity(asked.rule, components, units, asked.stimuli, asked.seeds)
        published = PUBLISHED[components, units].r_max
        told = ", ".join(f"{at}: {share:.4f} ({passes(share, at):.2g})" for at, share in sorted(tried.items()))
        seconds = time.perf_counter() - begun
        print(f"{name:>8s} {published:9d} {found:5d} {found / published:5.2f} {seconds:7.0f}  {told}", flush=True)


if __name__ == "__main__":
    main()
