"""Candidates per second and core, and memory, of a whole search on task `oja`.

    python experiments/benchmarks/throughput.py --candidates 200000

A search on one core with nothing left out: proposing, telling duplicates apart, simulating on 10 data sets of 2,000
points, archive, store. A short search goes before it, so that imports and compiled code are in place. Prints distinct
candidates per second of wall time and per second that the processor worked for it (which other programs on the machine
disturb less), those that ran to their end per second, and by how much the memory of the process grew from the first
tenth of the search to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

_WARM_UP = 500
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> float:
    """Return the memory of this process [MB]."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 1e6


def main() -> None:
    """Search, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=200_000)
    parser.add_argument("--engine", default="deap")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    from rulesearch.evaluation.evaluator import Evaluator
    from rulesearch.evaluation.store import Store
    from rulesearch.grammar import load_grammar
    from rulesearch.search.engine import load_engine
    from rulesearch.search.problem import Problem
    from rulesearch.tasks import load_task

    memory: list[tuple[int, float]] = []
    with Evaluator("oja", load_task("oja").resolve({})) as evaluator, tempfile.TemporaryDirectory() as folder:
        load_engine(options.engine).search(Problem(evaluator, load_grammar("rate"), options.seed + 10**6, _WARM_UP))
        store = Store(Path(folder) / "run.sqlite")
        problem = Problem(
            evaluator,
            load_grammar("rate"),
            options.seed,
            options.candidates,
            store,
            watch=lambda now: memory.append((now.progress.distinct, resident())),
        )
        begin = time.process_time()
        load_engine(options.engine).run(problem)
        spent = time.process_time() - begin
        store.close()
    progress = problem.progress
    early = next(size for number, size in memory if number >= options.candidates / 10)
    found = {
        "candidates": progress.distinct,
        "per_second": round(progress.distinct / progress.seconds),
        "per_second_of_cpu": round(progress.distinct / spent),
        "to_the_end_per_second": round(progress.deaths.get("ok", 0) / progress.seconds),
        "growth_mb": round(memory[-1][1] - early, 1),
        "resident_mb": round(memory[-1][1], 1),
    }
    print(json.dumps(found) if options.json else found)


if __name__ == "__main__":
    main()
