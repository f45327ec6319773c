"""Does a search on ten measurements come to a rule that predicts? Seed by seed, random structures beside.

    python experiments/benchmarks/predictive.py --seeds 801-820 --engines deap,random --out results/stdp-frequency-seeds

Each run of experiment `stdp-frequency` is judged by the rule that it recommends: its error, that of left-out
measurements, and whether it is the minimal triplet model up to numbers; and by how many structures were tried until
that model was. The triplet model itself, fitted as candidates are, stands beside. Writes `runs.csv` and `README.md`.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
from solved import seeds_of
from tables import write_results

import rulesearch
from rulesearch.evaluation.records import STORE
from rulesearch.evaluation.store import Store
from rulesearch.inference.fitting import fit
from rulesearch.inference.judging import leave_out
from rulesearch.tasks.registry import load_task
from rulesearch.workflow.losses import LEFT_OUT

EXPERIMENT = "stdp-frequency"
MINIMAL = "on_pre: -y; on_post: x*y2; tau_x = 15 ms; tau_y = 25 ms; tau_y2 = 100 ms"
"""The minimal triplet model of Pfister & Gerstner 2006 up to numbers: of visual cortex it is this one."""
_STRUCTURE = re.compile(
    r"on_pre: -\(?(?P<alone>y2?)(\*c\d)?\)?; "
    r"on_post: \(?(?P<first>x2?|y2?)\*(?P<second>x2?|y2?)(\*c\d)?\)?(; (eta|c\d|tau_\w+) = [^;]+)*$"
)
_FITTED = {
    "pairs": "on_pre: -c*y; on_post: x; c = 1; tau_x = 20 ms; tau_y = 20 ms",
    "minimal triplet": MINIMAL,
    "triplet": "triplet",
}
FIRST = "tried until the minimal triplet"
FIELDS = ("engine", "seed", "structures", FIRST, "size", "error", "left out", "is it", "rule")


def is_minimal_triplet(text: str) -> bool:
    """Return whether a rule has the minimal triplet's structure: up to numbers, and to names of its traces."""
    found = _STRUCTURE.match(text)
    if found is None:
        return False
    factors = {found["first"], found["second"]}
    return {name[0] for name in factors} == {"x", "y"} and found["alone"] not in factors


def run(engine: str, seed: int) -> dict[str, object]:
    """Return what a search came to."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        found = rulesearch.discover(EXPERIMENT, engine=engine, seed=seed, out=out, report=False, permutations=0)
        store = Store(out / STORE, read_only=True)
        tried = [text for text, *_ in store.evaluated("full")]
        store.close()
        best = found.members[0]
        first = next((number for number, text in enumerate(tried, 1) if is_minimal_triplet(text)), None)
        return {
            "engine": engine,
            "seed": seed,
            "structures": len(tried),
            FIRST: first or "",
            "size": best.size,
            "error": round(best.loss, 4),
            "left out": round(best.metrics[LEFT_OUT], 4),
            "is it": int(is_minimal_triplet(str(best.rules))),
            "rule": str(best.rules),
        }


def fitted() -> dict[str, tuple[float, float]]:
    """Return error and error of left-out rows of forms that are given, fitted from many starts."""
    task = load_task(EXPERIMENT)
    found = {}
    for name, text in _FITTED.items():
        rules = task.baseline(task.resolve()) if text == "triplet" else task.parse(text)
        form, data = task.form_of(rules, task.resolve())
        best = fit(form, data, np.random.default_rng(1))
        found[name] = best.z2, leave_out(best, "row", range(len(data.changes))).z2
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="801-820")
    parser.add_argument("--engines", default="deap,random")
    parser.add_argument("--out", type=Path, default=Path("results/stdp-frequency-seeds"))
    given = parser.parse_args()
    rows = []
    for engine in given.engines.split(","):
        for seed in seeds_of(given.seeds):
            rows.append(run(engine, seed))
            print(rows[-1], flush=True)
    lines = [
        "# What searches on ten measurements recommend",
        "",
        f"`python experiments/benchmarks/predictive.py --seeds {given.seeds} --engines {given.engines}`",
        "",
        "| engine | runs | minimal triplet recommended | median error of left-out rows, range | tried until it was |",
        "|---|---|---|---|---|",
    ]
    for engine in given.engines.split(","):
        own = [row for row in rows if row["engine"] == engine]
        left = np.array([float(str(row["left out"])) for row in own])
        first = [int(str(row[FIRST])) for row in own if row[FIRST]]
        until = f"median {np.median(first):.0f}, at most {max(first)}; {len(first)} runs" if first else "in no run"
        told = f"{np.median(left):.3g}, {left.min():.3g} to {left.max():.3g}"
        lines.append(f"| `{engine}` | {len(own)} | {sum(int(str(row['is it'])) for row in own)} | {told} | {until} |")
    lines += ["", "| form, fitted from many starts | error | of left-out rows |", "|---|---|---|"]
    lines += [f"| {name} | {error:.3g} | {left_out:.3g} |" for name, (error, left_out) in fitted().items()]
    write_results(given.out, "runs.csv", rows, FIELDS, lines)


if __name__ == "__main__":
    main()
