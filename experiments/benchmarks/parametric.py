"""Does the search over forms do as well as the fit of a fixed polynomial, with the same simulated seconds?

    python experiments/benchmarks/parametric.py --seed 1 --orders 1

Runs `discover inhibitory-rate` with deap, and then with volterra (CMA-ES on a polynomial of each order given) until it
has simulated as long. Rank 1 of deap stands against the rule of any polynomial's front that does best on its selection
seeds; both are scored on 20 held-out seeds. Prints both rules with all constants, their numbers of terms, mean losses
with standard errors, and the difference in units of the pooled standard error.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from pathlib import Path
from typing import Any

import rulesearch as rs
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.search.problem import Problem
from rulesearch.symbolic import rule_terms
from rulesearch.tasks import load_task

_SEEDS = 20
_NO_LIMIT = 10**6


def searched(folder: Path, seed: int, budget: int, work: int | None, **options: Any) -> tuple[rs.Run, int]:
    """Run a search and return it with the work it did; it ends once it has done as much as `work`."""
    done = [0]

    def watch(problem: Problem) -> None:
        done[0] = problem.progress.work
        if work is not None and done[0] >= work:
            problem.budget = 0

    return rs.discover("inhibitory-rate", seed=seed, budget=budget, out=folder, watch=watch, **options), done[0]


def screening_work() -> int:
    """Return the counted work of one screening simulation, of the known rule."""
    task = load_task("inhibitory-rate")
    settings = task.resolve()
    screen = task.fidelities[0]
    return task.trial(task.bind(task.baseline(settings), settings), 1, settings, screen.name).work


def scored(rules: rs.RuleSet, seed: int) -> dict[str, Any]:
    """Return a rule's terms and its loss on the held-out seeds of a run."""
    outcome = rs.evaluate(rules, "inhibitory-rate", seeds=_SEEDS, first_seed=trial_seeds(seed, "report", 1)[0])
    losses = [trial.loss for trial in outcome.trials if trial.loss is not None]
    terms = rule_terms(rules.only())
    return {
        "rule": str(rules),
        "terms": sum(len(each) for each in terms.values()),
        "status": outcome.status,
        "loss": statistics.mean(losses),
        "standard_error": statistics.stdev(losses) / math.sqrt(len(losses)),
        "tuning_r": outcome.metrics["tuning_r"],
        "rate_hz": outcome.metrics["rate_hz"],
    }


def main() -> None:
    """Search with both, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=int, default=80)
    parser.add_argument("--orders", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    seed = options.seed
    with tempfile.TemporaryDirectory() as folder:
        run, work = searched(Path(folder) / "deap", seed, options.budget, None)
        found = {"seed": seed, "work": work, "deap": scored(run.members[0].rules, seed)}
        print(json.dumps(found["deap"], indent=1), flush=True)
        # Half of the work goes to the first fit, as by volterra's own default where the budget is what it ends by.
        first_fit = 0.5 * work / screening_work()
        best: dict[str, Any] | None = None
        least = math.inf
        for order in options.orders:
            out = Path(folder) / f"volterra-{order}"
            run, spent = searched(
                out, seed, _NO_LIMIT, work, engine="volterra", options={"order": order, "share": first_fit / _NO_LIMIT}
            )
            able = [item for item in run.members if item.held_out_loss is not None and item.metrics["tuning_r"] >= 0.95]
            for member in sorted(able, key=lambda item: item.loss)[:1]:
                one = {"order": order, "work": spent, **scored(member.rules, seed)}
                print(json.dumps(one, indent=1), flush=True)
                if member.loss < least:
                    best, least = one, member.loss
    found["volterra"] = best
    if best is not None:
        pooled = math.hypot(found["deap"]["standard_error"], best["standard_error"])
        found["difference_in_pooled_standard_errors"] = (found["deap"]["loss"] - best["loss"]) / pooled
    print(json.dumps(found))


if __name__ == "__main__":
    main()
