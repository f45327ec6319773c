"""How often does a search solve a task, over many seeds and beside other engines at the same budget?

    python experiments/benchmarks/solved.py pca-network --seeds 301-320
    python experiments/benchmarks/solved.py pca-network --seeds 301-320 --engines deap,random --jobs 2

Each search is a whole one as `rulesearch discover` runs it, clean-up, choice and held-out seeds included, on one
worker; `--jobs` searches run side by side, in no order of engines. A search has solved the task where its conclusion
says so: then a rule of its front meets all requirements on seeds of which none was used to find or choose it, and does
as well there as the known rule. Prints a line for each search, then for each engine how many were solved, with the
exact 95 % interval of Clopper and Pearson 1934 (doi:10.1093/biomet/26.4.404), and seconds of wall and processor time.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

import rulesearch

_OF_RULE = ("rule", "size", "loss", "held_out_loss", "metrics")


def seeds_of(text: str) -> list[int]:
    """Return the seeds that `301-320` or `1,5,9` stand for."""
    parts = [part.partition("-") for part in text.split(",")]
    return [seed for first, dash, last in parts for seed in range(int(first), int(last if dash else first) + 1)]


def search(experiment: str, engine: str, seed: int, budget: int | None) -> dict[str, Any]:
    """Run one search and return what came out."""
    changes = {} if budget is None else {"budget": budget}
    with tempfile.TemporaryDirectory() as folder:
        begun, used = time.perf_counter(), processor_seconds()
        out = Path(folder) / "run"
        run = rulesearch.discover(experiment, engine=engine, seed=seed, out=out, report=False, workers=1, **changes)
        seconds, processor = time.perf_counter() - begun, processor_seconds() - used
        document = run.to_json()
    best = document["front"][0] if document["front"] and document["recommended"] else {}
    return {
        "engine": engine,
        "seed": seed,
        "solved": bool(document["solved"]),
        "distinct": document["distinct"],
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "evaluations": document["effort"]["evaluations"],
        "simulated": document["effort"]["simulated"],
        **{name: best.get(name) for name in _OF_RULE},
        "conclusion": document["conclusion"],
    }


def processor_seconds() -> float:
    """Return the processor time that this process and its children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def summed_up(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how often the searches of one engine solved the task, and how long they took."""
    solved = sum(each["solved"] for each in found)
    share = binomtest(solved, len(found)).proportion_ci(0.95, "exact")
    times = [each["seconds"] for each in found]
    return {
        "engine": found[0]["engine"],
        "searches": len(found),
        "solved": solved,
        "low": round(float(share.low), 3),
        "high": round(float(share.high), 3),
        "distinct": statistics.median(each["distinct"] for each in found),
        "seconds": statistics.median(times),
        "longest": max(times),
        "processor_seconds": statistics.median(each["processor_seconds"] for each in found),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", help="a shipped experiment, or a TOML file")
    parser.add_argument("--seeds", type=seeds_of, default="301-320")
    parser.add_argument("--engines", default="deap,random")
    parser.add_argument("--budget", type=int, help="the experiment's own where none is given")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engines = options.engines.split(",")
    found = []
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        waiting = [
            pool.submit(search, options.experiment, engine, seed, options.budget)
            for seed in options.seeds
            for engine in engines
        ]
        for done in as_completed(waiting):
            each = done.result()
            found.append(each)
            if not options.json:
                spent = f"{each['distinct']} rules, {each['evaluations']:,} evaluations, {each['seconds']:.0f} s"
                metrics = ", ".join(f"{name} {value:.4g}" for name, value in (each["metrics"] or {}).items())
                best = f"{each['rule']} ({metrics})" if each["rule"] else "no rule is recommended"
                print(f"{each['engine']}, seed {each['seed']}: {spent}; {best}; {each['conclusion']}", flush=True)
    sums = [summed_up([each for each in found if each["engine"] == engine]) for engine in engines]
    if options.json:
        print(json.dumps({"experiment": options.experiment, "engines": sums, "searches": found}))
        return
    for each in sums:
        share = f"{each['solved']} of {each['searches']} solved (95 %: {each['low']:.2f} to {each['high']:.2f})"
        times = f"median {each['seconds']:.0f} s, longest {each['longest']:.0f} s"
        print(f"{each['engine']}: {share}; {times}, processor {each['processor_seconds']:.0f} s")


if __name__ == "__main__":
    main()
