"""Is the empirical p of a search honest? Searches whose targets are permuted themselves must not look significant.

    python experiments/benchmarks/permuted.py --runs 20 --searches 20 --budget 2000

Each run is a search of `stdp-frequency` on permuted targets, compared with searches of equal budget on other
permutations. Prints the p of each run and how many are at most 0.05: one of 20 is expected.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rulesearch.shipped import shipped_folder
from rulesearch.tasks import load_task
from rulesearch.workflow.experiment import Experiment, load_experiment
from rulesearch.workflow.permuted import search_permuted

_APART = 10_000
_NO_RANK = float("inf")


def ranked(experiment: Experiment, grammar: str, number: int) -> tuple[float, float]:
    """Return the rank of the best rule under a permutation."""
    settings = {**load_task(experiment.task).resolve(), "permutation": float(number)}
    shortfall, loss = search_permuted(experiment, grammar, settings)
    return (_NO_RANK if shortfall is None else shortfall, _NO_RANK if loss is None else loss)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="stdp-frequency")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--budget", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    plain = load_experiment(options.experiment)
    grammar = Path(shipped_folder("grammars") / f"{plain.grammar}.toml").read_text("utf-8")
    found = []
    for run in range(1, options.runs + 1):
        experiment = plain.with_changes(budget=options.budget, seed=run)
        mine = ranked(experiment, grammar, run)
        others = [ranked(experiment, grammar, _APART * run + number) for number in range(1, options.searches + 1)]
        p = (1 + sum(rank <= mine for rank in others)) / (1 + options.searches)
        found.append(p)
        if not options.json:
            print(f"run {run}: loss {mine[1]:.3f}, p = {p:.2f}", flush=True)
    low = sum(p <= 0.05 for p in found)
    if options.json:
        print(json.dumps({"p": found, "at_most_0.05": low}))
    else:
        print(f"p at most 0.05 in {low} of {len(found)} runs")


if __name__ == "__main__":
    main()
