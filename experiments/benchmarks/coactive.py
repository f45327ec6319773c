"""Which sets of four rules keep a recurrent network plausible, and what do those remember that were not made to?

    python experiments/benchmarks/coactive.py --seeds 711-716 --work runs --out results/coactive-rules

Rules come from searches of experiment `stability`, which are run where their folders are not in `--work`: every set
that was plausible on all seeds of a full trial, numbers rounded to two digits, each function once. Each is judged on
fresh seeds, which draw other networks and input rates, and is out at the first on which it is not plausible. Those that
are plausible on all are tested for memory (task `spiking-familiarity`), which no search saw: after breaks of 1, 10 and
60 s, and after 10 s with weights that are frozen from the training on, or permuted after it. p-values after 10 s are
corrected after Holm 1979 over all sets. Writes `rules.csv`, `counts.json` and `README.md`.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from manifold_rules import family_of, function_key, rounded, searched
from scipy.stats import binomtest
from solved import seeds_of

from rulesearch.evaluation.evaluator import Condition, Evaluator, Job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.records import STORE
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.evaluation.store import Record, Store
from rulesearch.rules.rule import RuleSet
from rulesearch.symbolic import canonical_size, simplify
from rulesearch.tasks.task import Task

NEURONS = 640.0
TESTS: Mapping[str, Condition] = {
    "1 s": (("interval", 1.0),),
    "10 s": (("interval", 10.0),),
    "60 s": (("interval", 60.0),),
    "10 s, frozen": (("frozen", 1.0), ("interval", 10.0)),
    "10 s, permuted": (("interval", 10.0), ("shuffled", 1.0)),
}
"""Settings of each test of memory."""
_CHUNK = 8


class Bench:
    """A task on which sets of rules are scored on seeds of a role; what is known already comes from a store."""

    def __init__(self, name: str, settings: Mapping[str, float], seed: int, work: Path) -> None:
        self.evaluator = Evaluator(name, {})
        self.task: Task = self.evaluator.task
        self.evaluator.settings = self.task.resolve(settings)
        self.seed = seed
        told = "".join(f"-{key}-{value:g}" for key, value in settings.items())
        self.store = Store(work / f"{name}{told}-{seed}.sqlite")

    def score(self, sets: Sequence[RuleSet], number: int, condition: Condition = ()) -> list[Outcome]:
        """Return what each set does on one report seed."""
        seed = trial_seeds(self.seed, "report", number + 1)[number]
        full = self.task.fidelities[-1].name
        found: list[Outcome] = []
        for first in range(0, len(sets), _CHUNK):
            jobs = [Job(each, (seed,), full, (condition,)) for each in sets[first : first + _CHUNK]]
            known = self.store.known(jobs)
            missing = [index for index in range(len(jobs)) if index not in known]
            outcomes = self.evaluator.run([jobs[index] for index in missing])
            pairs = list(zip(missing, outcomes, strict=True))
            self.store.add([Record(-1, "report", jobs[index], outcome, "") for index, outcome in pairs])
            known |= pairs
            found += [known[index] for index in range(len(jobs))]
        return found


def survivors(task: Task, folders: Iterable[Path]) -> list[RuleSet]:
    """Return the sets that full trials of searches found plausible, each function once, the smallest first."""
    found: dict[str, RuleSet] = {}
    for folder in folders:
        store = Store(folder / STORE, read_only=True)
        rows = store.evaluated(task.fidelities[-1].name)
        store.close()
        for text, _, loss, metrics in rows:
            if loss is not None and metrics.get("plausible") == 1.0:
                short = rounded(simplify(task.parse(text)).simplified)
                found.setdefault(function_key(task, short), short)
    return sorted(found.values(), key=lambda rules: (canonical_size(rules), str(rules)))


def judged(bench: Bench, sets: Sequence[RuleSet], seeds: int) -> list[tuple[RuleSet, list[Outcome]]]:
    """Return the sets that are plausible on all of so many seeds, with what they did on each."""
    held = [(rules, list[Outcome]()) for rules in sets]
    for number in range(seeds):
        outcomes = bench.score([rules for rules, _ in held], number)
        held = [
            (rules, [*before, outcome])
            for (rules, before), outcome in zip(held, outcomes, strict=True)
            if outcome.ok and outcome.metrics["plausible"] == 1.0
        ]
        print(f"plausible on {number + 1} of {seeds} seeds: {len(held)}", flush=True)
    return held


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979)."""
    order = np.argsort(values, kind="stable")
    steps = np.array(values)[order] * np.arange(len(values), 0, -1)
    corrected: npt.NDArray[np.float64] = np.empty(len(values))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(value) for value in corrected]


def _share(number: int, of: int) -> str:
    interval = binomtest(number, of).proportion_ci(0.95, "exact")
    return f"{number} of {of} ({number / of:.0%}, 95 % interval {interval.low:.0%} to {interval.high:.0%})"


def rows_of(
    stable: Sequence[tuple[RuleSet, list[Outcome]]], tested: Mapping[str, Sequence[Outcome]], task: Task
) -> list[dict[str, Any]]:
    """Return what there is to say of each set, a row each."""
    corrected = {name: holm([_metric(each, "p_value", 1.0) for each in found]) for name, found in tested.items()}
    rows = []
    for index, (rules, outcomes) in enumerate(stable):
        row: dict[str, Any] = {
            "rules": str(rules),
            "size": canonical_size(rules),
            "constants": sum(len(rule.constants) for rule in rules.rules.values()),
            "family": family_of(task, rules),
        }
        for metric in ("rate_e_hz", "rate_i_hz", "w_EE", "w_EI", "w_IE", "w_II"):
            row[metric] = round(float(np.mean([outcome.metrics[metric] for outcome in outcomes])), 4)
        for name, found in tested.items():
            row[f"status {name}"] = found[index].status
            row[f"memory {name}"] = round(_metric(found[index], "memory_index", np.nan), 4)
            row[f"p {name}"] = float(f"{corrected[name][index]:.3g}")
        rows.append(row)
    return rows


def _metric(outcome: Outcome, name: str, otherwise: float) -> float:
    return outcome.metrics[name] if outcome.ok else otherwise


def counts_of(found: int, rows: Sequence[Mapping[str, Any]], level: float) -> dict[str, Any]:
    """Return the counts that the page tells."""
    counts: dict[str, Any] = {
        "plausible in a full trial": found,
        "plausible on all fresh seeds": len(rows),
        "families": len({row["family"] for row in rows}),
        "smallest": min((row["size"] for row in rows), default=0),
    }
    for name in TESTS:
        telling = [row for row in rows if row[f"p {name}"] < level]
        counts[f"remember, {name}"] = _share(len(telling), len(rows)) if rows else "none"
        counts[f"novelty type, {name}"] = sum(row[f"memory {name}"] > 0.0 for row in telling)
    return counts


def write(out: Path, command: str, rows: Sequence[Mapping[str, Any]], counts: Mapping[str, Any]) -> None:
    """Write every set, all counts and a page."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "rules.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else ["rules"])
        writer.writeheader()
        writer.writerows(rows)
    (out / "counts.json").write_text(json.dumps(counts, indent=2) + "\n", "utf-8")
    lines = ["# Sets of four rules", "", f"Written by `{command}`.", "", "| what | how many |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in counts.items()]
    lines += ["", "| size | memory after 10 s | p (Holm) | set |", "|---|---|---|---|"]
    lines += [f"| {row['size']} | {row['memory 10 s']} | {row['p 10 s']} | `{row['rules']}` |" for row in rows[:40]]
    (out / "README.md").write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="711-716", help="of the searches")
    parser.add_argument("--judge", type=int, default=10, help="fresh seeds on which a set must be plausible")
    parser.add_argument("--networks", type=int, default=10, help="networks of each test of memory")
    parser.add_argument("--most", type=int, default=1000, help="sets that are judged, the smallest first")
    parser.add_argument("--seed", type=int, default=9701, help="of all that is fresh")
    parser.add_argument("--work", type=Path, default=Path("runs"), help="folder of searches and stores")
    parser.add_argument("--out", type=Path, default=Path("results/coactive-rules"))
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    stability = Bench("stability", {"neurons": NEURONS}, given.seed, given.work)
    sets = survivors(stability.task, searched("stability", seeds_of(given.seeds), given.work))
    print(f"plausible in a full trial: {len(sets)}", flush=True)
    stable = judged(stability, sets[: given.most], given.judge)
    memory = Bench("spiking-familiarity", {"neurons": NEURONS, "networks": given.networks}, given.seed, given.work)
    tested = {name: memory.score([rules for rules, _ in stable], 0, at) for name, at in TESTS.items()}
    rows = rows_of(stable, tested, stability.task)
    counts = counts_of(len(sets), rows, 0.01)
    command = f"python experiments/benchmarks/coactive.py --seeds {given.seeds} --work runs --out {given.out}"
    write(given.out, command, rows, counts)
    for name, value in counts.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
