"""How many evaluations until Oja's rule is first in the archive, over many seeds.

    python experiments/benchmarks/oja_hits.py --seeds 1-20
    python experiments/benchmarks/oja_hits.py --seeds 1-20 --engine random
    python experiments/benchmarks/oja_hits.py --seeds 1-20 --with lexicase=0.2 --with capacity=40

A hit is a rule whose only terms are x*y and w*y**2 with the ratio of their coefficients within 1 +- 0.1. The
search ends at the first one; evaluations include those that fit constants. Searches only: nothing is cleaned up.
`--with` changes a field of `DeapSettings`, which is how the engine's defaults were compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
from typing import Any

from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.grammar import load_grammar
from rulesearch.rules import RuleSet, known_rule
from rulesearch.search.deap_engine import DeapEngine, DeapSettings
from rulesearch.search.engine import Engine, load_engine
from rulesearch.search.problem import Problem
from rulesearch.symbolic import compare
from rulesearch.tasks import load_task

_TOLERANCE = 0.1


def is_oja(rules: RuleSet) -> bool:
    """Return whether a rule has Oja's two terms, in a ratio within 1 +- 0.1."""
    verdict = compare(rules, [known_rule("oja")])[0]
    if verdict.verdict in ("identical", "equal", "equal-up-to-scale"):
        return True
    ratios = verdict.coefficients
    if verdict.verdict != "same-terms" or not ratios.get("x*y", 0.0) > 0.0:
        return False
    return abs(ratios.get("w*y**2", 1.0) / ratios["x*y"] - 1.0) <= _TOLERANCE


class _Watcher:
    """Looks at every new member of the archive once, and ends the search at a hit."""

    def __init__(self) -> None:
        self.looked: set[str] = set()
        self.hit: dict[str, object] = {}

    def __call__(self, problem: Problem) -> None:
        for candidate in problem.archive.members():
            if candidate.key not in self.looked:
                self.looked.add(candidate.key)
                if is_oja(candidate.rules):
                    progress = problem.progress
                    self.hit = {
                        "distinct": progress.distinct,
                        "seconds": round(progress.seconds, 2),
                        "rule": str(candidate.rules),
                    }
                    problem.budget = 0
                    return


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1-20", help="first-last")
    parser.add_argument("--budget", type=int, default=34_000)
    parser.add_argument("--grammar", default="rate")
    parser.add_argument("--engine", default="deap")
    parser.add_argument("--set", action="append", default=[], metavar="key=value", help="a setting of the task")
    parser.add_argument("--with", action="append", default=[], dest="changes", metavar="field=value")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    kinds: dict[str, Any] = {item.name: type(item.default) for item in dataclasses.fields(DeapSettings)}
    changes = dict(item.split("=", 1) for item in options.changes)
    engine: Engine = (
        DeapEngine(DeapSettings(**{name: kinds[name](value) for name, value in changes.items()}))
        if options.engine == "deap"
        else load_engine(options.engine)
    )
    settings = load_task("oja").resolve(dict(item.split("=", 1) for item in options.set))
    rows = []
    for seed in range(int(first), int(last or first) + 1):
        watcher = _Watcher()
        problem = Problem(
            Evaluator("oja", settings), load_grammar(options.grammar), seed, options.budget, watch=watcher
        )
        engine.run(problem)
        progress = problem.progress
        rows.append({"seed": seed, **watcher.hit, "per_second": round(progress.screened / progress.seconds)})
        if not options.json:
            print(rows[-1], flush=True)
    hits = [int(str(row["distinct"])) for row in rows if "distinct" in row]
    median = statistics.median(hits) if hits else None
    if options.json:
        print(json.dumps({"rows": rows, "hits": len(hits), "seeds": len(rows), "median_of_hits": median}))
    else:
        print(f"{len(hits)} of {len(rows)} seeds; median evaluations of the hits: {median}")


if __name__ == "__main__":
    main()
