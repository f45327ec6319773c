"""Do searches find the published rules of Jordan et al. 2021 (doi:10.7554/eLife.66273), or better ones?

    python experiments/benchmarks/evolving_to_learn.py reward-patterns --seeds 811-818
    python experiments/benchmarks/evolving_to_learn.py correlation-pattern --seeds 811-820 --engines deap,random

Each search is a whole one as `rulesearch discover` runs it, on one worker; what it recommends is scored on fresh seeds,
which no search has, beside the published rules, each with a learning rate that was fitted as those of candidates are.
`difference` is the mean, with its 95 % interval (Student's t), of the fitness of the recommended rule less that of the
yardstick on the same seeds. `--control` runs the searches where there is nothing to learn: rewards of other trials,
targets of other students, a pattern that is absent. Writes `searches.csv`, `published.csv` and `README.md` to `--out`;
searches that are there already are not made again.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t
from solved import processor_seconds, seeds_of
from tables import csv_of, write_results

import rulesearch
from rulesearch.evaluation.evaluator import as_searched, evaluate_rules
from rulesearch.rules import RuleSet
from rulesearch.symbolic import compare
from rulesearch.tasks import Task, load_task
from rulesearch.workflow.resolve import as_rules
from rulesearch.writing import write_text

Array = npt.NDArray[np.float64]

YARDSTICKS = {
    "reward-patterns": "(R - 1)*E",
    "error-driven": "(v_target - v)*psp",
    "correlation-pattern": "on_post: x - 0.15",
}
PUBLISHED: Mapping[str, Mapping[str, str]] = {
    "reward-patterns": {
        "[R - (R+ - R-)]E": "(R - (R_bar_plus - R_bar_minus))*E",
        "[R - (R+ - R-)]E/(1 + R+)": "e2l-reward",
        "no learning": "0*E",
    },
    "error-driven": {
        "2(v_target - v)psp": "e2l-error-3",
        "psp(v_target - v)(2v - 1)/v_target": "e2l-error",
        "no learning": "0*psp",
    },
    "correlation-pattern": {
        "LR1": "e2l-correlation-2",
        "LR2": "e2l-correlation",
        "no learning": "on_pre: 0*x",
    },
}
METRICS = {"correlation-pattern": "signal_to_noise"}
"""What counts as fitness where that is not `fitness`: the paper validates by a mean, its search took the least."""
CONTROLS = {"reward-patterns": "shuffled", "error-driven": "swapped", "correlation-pattern": "absent"}
_FIRST_FRESH = 900_000
"""Seeds of trials that no search draws by chance but once in thousands."""
_FITTED_ON = 899_999


def fitness(task: Task, rules: RuleSet, settings: Mapping[str, float], seeds: Sequence[int]) -> Array:
    """Return the fitness on each seed, nan where the rule dies."""
    found = evaluate_rules(task, rules, seeds, settings)
    name = METRICS.get(task.name, "fitness")
    return np.array([trial.metrics.get(name, np.nan) for trial in found.trials])


def mean_and_half(values: Array) -> tuple[float, float]:
    """Return a mean and half the width of its 95 % interval."""
    spread = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(t.ppf(0.975, len(values) - 1) * spread)


def does_the_same(rules: RuleSet, other: RuleSet) -> bool:
    """Return whether two rules differ by a positive factor at most, where a reward R is 1 or -1."""
    ours, theirs = rules.only(), other.only()
    if "on_step" not in theirs.slots:
        return compare(rules, [other])[0].verdict in ("identical", "equal", "equal-up-to-scale")
    rng = np.random.default_rng(0)
    points = {name: rng.normal(size=200) for name in sorted({*ours.symbols, *theirs.symbols})}
    points["R"] = rng.choice([-1.0, 1.0], 200)
    with np.errstate(all="ignore"):
        first, second = (
            np.broadcast_to(each.slots["on_step"].evaluate({**points, **each.constant_values()}), 200)
            for each in (ours, theirs)
        )
        moved = second != 0.0
        factors = first[moved] / second[moved]
    return bool(np.all(first[~moved] == 0.0) and factors.min() > 0.0 and np.ptp(factors) < 1e-6 * factors.max())


def search(experiment: str, engine: str, seed: int, fresh: int, settings: Mapping[str, float]) -> dict[str, Any]:
    """Run one search and return what it recommends, on fresh seeds beside the yardstick."""
    with tempfile.TemporaryDirectory() as folder:
        begun, used = time.perf_counter(), processor_seconds()
        out = Path(folder) / "run"
        run = rulesearch.discover(
            experiment, engine=engine, seed=seed, out=out, report=False, workers=1, settings=settings
        )
        seconds, processor = time.perf_counter() - begun, processor_seconds() - used
        document = run.to_json()
    task = load_task(experiment)
    yardstick = task.parse(YARDSTICKS[experiment])
    front = [task.parse(row["rule"]) for row in document["front"]]
    same = [place for place, rules in enumerate(front, 1) if does_the_same(rules, yardstick)]
    row: dict[str, Any] = {
        "engine": engine,
        "seed": seed,
        "rule": document["front"][0]["rule"] if document["front"] else "",
        "size": document["front"][0]["size"] if document["front"] else "",
        "yardstick on the front": same[0] if same else "",
        "structures": document["distinct"],
        "first hit": document["effort"].get("first_hit", ""),
        "simulated s": round(document["effort"]["simulated"]),
        "seconds": round(seconds),
        "processor s": round(processor),
    }
    if document["front"]:
        everything = task.resolve(settings)
        seeds = range(_FIRST_FRESH, _FIRST_FRESH + fresh)
        known = as_searched(task, yardstick, _FITTED_ON, everything)
        own = fitness(task, task.parse(row["rule"]), everything, seeds)
        theirs = fitness(task, known, everything, seeds)
        row["fitness"], row["fitness +-"] = map(_rounded, mean_and_half(own))
        row["difference"], row["difference +-"] = map(_rounded, mean_and_half(own - theirs))
    return row


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


FIELDS = (
    "engine",
    "seed",
    "rule",
    "size",
    "fitness",
    "fitness +-",
    "difference",
    "difference +-",
    "yardstick on the front",
    "structures",
    "first hit",
    "simulated s",
    "seconds",
    "processor s",
)


def published(experiment: str, fresh: int, settings: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the fitness of published rules with the learning rate of the paper and with one that was fitted."""
    task, rows = load_task(experiment), []
    everything = task.resolve(settings)
    seeds = range(_FIRST_FRESH, _FIRST_FRESH + fresh)
    for name, text in {YARDSTICKS[experiment]: YARDSTICKS[experiment], **PUBLISHED[experiment]}.items():
        rules = as_rules(text, task) if text.startswith("e2l") else task.parse(text)
        for rate, chosen in (("as published", rules), ("fitted", as_searched(task, rules, _FITTED_ON, everything))):
            mean, half = map(_rounded, mean_and_half(fitness(task, chosen, everything, seeds)))
            eta = task.bind(chosen, everything).only().eta
            rows.append({"rule": name, "rate": rate, "eta": _rounded(eta), "fitness": mean, "fitness +-": half})
            print(rows[-1], flush=True)
    return rows


def made_before(table: Path) -> list[dict[str, Any]]:
    """Return the searches that a table holds already: a call that was stopped goes on after them."""
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return [dict(row) for row in csv.DictReader(file)]


def told(row: Mapping[str, Any], name: str = "fitness") -> str:
    """Return a number of a row with its interval."""
    return f"{row[name]} ± {row[f'{name} +-']}" if name in row else ""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", choices=sorted(YARDSTICKS))
    parser.add_argument("--seeds", type=seeds_of, default="811-818")
    parser.add_argument("--engines", default="deap")
    parser.add_argument("--fresh", type=int, default=30, help="fresh seeds, each with all experiments of a trial")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--control", action="store_true", help="search where there is nothing to learn")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    settings = {CONTROLS[given.experiment]: 1.0} if given.control else {}
    out = given.out or Path("results") / f"{given.experiment}-{'control' if given.control else 'seeds'}"
    out.mkdir(parents=True, exist_ok=True)
    known = published(given.experiment, given.fresh, settings)
    write_text(out / "published.csv", csv_of(known, tuple(known[0])))
    asked = [(engine, seed) for seed in given.seeds for engine in given.engines.split(",")]
    rows = [row for row in made_before(out / "searches.csv") if (row["engine"], int(row["seed"])) in asked]
    made = {(row["engine"], int(row["seed"])) for row in rows}
    with ProcessPoolExecutor(given.jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        waiting = [
            pool.submit(search, given.experiment, engine, seed, given.fresh, settings)
            for engine, seed in asked
            if (engine, seed) not in made
        ]
        for done in as_completed(waiting):
            rows.append(done.result())
            print(rows[-1], flush=True)
            rows.sort(key=lambda row: (row["engine"], int(row["seed"])))
            write_text(out / "searches.csv", csv_of(rows, FIELDS))
    words = [
        given.experiment,
        f"--seeds {','.join(map(str, given.seeds))}",
        f"--engines {given.engines}",
        f"--fresh {given.fresh}",
        *(["--control"] if given.control else []),
        f"--out {out}",
    ]
    page = [
        f"# Searches of {given.experiment}",
        "",
        f"`python experiments/benchmarks/evolving_to_learn.py {' '.join(words)}`",
        "",
        f"Fitness (`{METRICS.get(given.experiment, 'fitness')}`) on {given.fresh} fresh seeds; the yardstick is "
        f"`{YARDSTICKS[given.experiment]}`.",
        "",
        "| rule | learning rate | eta | fitness |",
        "|---|---|---|---|",
        *(f"| {each['rule']} | {each['rate']} | {each['eta']:g} | {told(each)} |" for each in known),
        "",
        "| engine | seed | recommended | size | fitness | less the yardstick | structures |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row['engine']} | {row['seed']} | `{row['rule']}` | {row['size']} | {told(row)} | "
            f"{told(row, 'difference')} | {row['structures']} |"
            for row in rows
        ),
    ]
    write_results(out, "searches.csv", rows, FIELDS, page)


if __name__ == "__main__":
    main()
