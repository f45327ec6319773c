"""Which sets of four rules keep a recurrent network plausible, and what do those remember that were not made to?

    python experiments/benchmarks/coactive.py --seeds 711-716 --random 711-712 --work runs --out results/coactive-rules

Rules come from searches of experiment `stability`, which are run where their folders are not in `--work`: every set
that was plausible in a trial, at either fidelity, numbers rounded to two digits, each function once. Each is judged
on fresh seeds, which draw other networks and input rates, and is out at the first on which it is not plausible.
Random searches at the same budget are counted beside them; what these drew and was not plausible is what found sets
are compared with. Of both some are judged in the full network too, as are sets of `--posterior`, the folder of a run
of `stability-polynomial`. Sets that are plausible on all seeds are tested for memory (task `spiking-familiarity`),
which no search saw: after breaks of 1, 10 and 60 s, and after 10 s with weights that are frozen from the training on,
or permuted after it. p-values are corrected after Holm 1979 over all sets of a test. Writes `rules.csv`, `sizes.csv`,
`counts.json`, `README.md` and two figures; a call that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from coactive_portraits import behaviour, portraits
from coactive_report import share, write_report
from manifold_rules import family_of, function_key, rounded, searched
from solved import seeds_of

from rulesearch.evaluation.evaluator import Condition, Evaluator, Job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.records import STORE
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.evaluation.store import Record, Store
from rulesearch.rules.rule import RuleSet
from rulesearch.symbolic import canonical_size, simplify
from rulesearch.tasks.coactive_network import FEWEST, NEURONS
from rulesearch.tasks.plausibility import BOUNDS
from rulesearch.tasks.task import Task

TESTS: Mapping[str, Condition] = {
    "1 s": (("interval", 1.0),),
    "10 s": (("interval", 10.0),),
    "60 s": (("interval", 60.0),),
    "10 s, frozen": (("frozen", 1.0), ("interval", 10.0)),
    "10 s, permuted": (("interval", 10.0), ("shuffled", 1.0)),
}
"""Settings of each test of memory."""
LEVEL = 0.01
CONSTANTS = 24
"""Numbers of the polynomial of the papers."""
NODES = 24
_CHUNK = 8
_OPERATING = ("rate_e_hz", "rate_i_hz", "w_EE", "w_EI", "w_IE", "w_II")


class Bench:
    """A task on which sets of rules are scored on seeds of a role; what is known already comes from a store."""

    def __init__(self, name: str, settings: Mapping[str, float], seed: int, work: Path) -> None:
        self.evaluator = Evaluator(name, {})
        self.task: Task = self.evaluator.task
        self.settings = self.evaluator.settings = self.task.resolve(settings)
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
    """Return the sets that searches found plausible, each function once, the smallest first."""
    found: dict[str, RuleSet] = {}
    for folder in folders:
        for fidelity in task.fidelities:
            for text, _, loss, metrics in _evaluated(folder, fidelity.name):
                if loss is not None and metrics.get("plausible") == 1.0:
                    short = rounded(simplify(task.parse(text)).simplified)
                    found.setdefault(function_key(task, short), short)
    return sorted(found.values(), key=lambda rules: (canonical_size(rules), str(rules)))


def failures(task: Task, folders: Iterable[Path], most: int) -> list[tuple[RuleSet, dict[str, float]]]:
    """Return some of the sets that ran to their end in screenings and were not plausible, and what they did."""
    found = [
        (task.parse(text), metrics)
        for folder in folders
        for text, _, loss, metrics in _evaluated(folder, task.fidelities[0].name)
        if loss is not None and metrics.get("plausible") == 0.0
    ]
    return [found[place] for place in np.linspace(0, len(found) - 1, min(most, len(found))).astype(int)]


def _evaluated(folder: Path, fidelity: str) -> list[tuple[str, str, float | None, dict[str, float]]]:
    store = Store(folder / STORE, read_only=True)
    rows = store.evaluated(fidelity)
    store.close()
    return rows


def passes(outcome: Outcome) -> bool:
    """Return whether a network lived to the end and was plausible."""
    return outcome.ok and outcome.metrics["plausible"] == 1.0


def judged(bench: Bench, sets: Sequence[RuleSet], seeds: int) -> list[tuple[RuleSet, list[Outcome]]]:
    """Return the sets that are plausible on all of so many seeds, with what they did on each."""
    held = [(rules, list[Outcome]()) for rules in sets]
    for number in range(seeds):
        outcomes = bench.score([rules for rules, _ in held], number)
        held = [
            (rules, [*before, outcome])
            for (rules, before), outcome in zip(held, outcomes, strict=True)
            if passes(outcome)
        ]
        print(f"plausible on {number + 1} of {seeds} seeds: {len(held)}", flush=True)
    return held


def compared(small: Bench, full: Bench, groups: Mapping[str, Sequence[RuleSet]]) -> list[dict[str, Any]]:
    """Return what each set of groups does in the small and in the full network, on the same seed: a row each."""
    rows = []
    for group, sets in groups.items():
        both = zip(sets, small.score(sets, 0), full.score(sets, 0), strict=True)
        for rules, eighth, whole in both:
            row: dict[str, Any] = {"group": group, "rules": str(rules)}
            for name, outcome in (("eighth", eighth), ("full", whole)):
                row[f"status {name}"] = outcome.status
                row[f"plausible {name}"] = int(passes(outcome))
            for bound in BOUNDS:
                for name, outcome in (("eighth", eighth), ("full", whole)):
                    value = _metric(outcome, bound.metric, np.nan)
                    row[f"{bound.metric} {name}"] = float(f"{value:.4g}")
            rows.append(row)
        print(f"at both sizes: {len(sets)} {group} sets", flush=True)
    return rows


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979)."""
    order = np.argsort(values, kind="stable")
    steps = np.array(values)[order] * np.arange(len(values), 0, -1)
    corrected: npt.NDArray[np.float64] = np.empty(len(values))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(value) for value in corrected]


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
            "behaviour": behaviour(portraits(task.bind(rules, task.resolve()), operating_point(outcomes))),
            **{name: round(value, 4) for name, value in operating_point(outcomes).items()},
        }
        for name, found in tested.items():
            row[f"status {name}"] = found[index].status
            row[f"memory {name}"] = round(_metric(found[index], "memory_index", np.nan), 4)
            row[f"p {name}"] = float(f"{corrected[name][index]:.3g}")
        rows.append(row)
    return rows


def operating_point(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return mean rates and weights over seeds."""
    return {name: float(np.mean([outcome.metrics[name] for outcome in outcomes])) for name in _OPERATING}


def _metric(outcome: Outcome, name: str, otherwise: float) -> float:
    return outcome.metrics[name] if outcome.ok else otherwise


def counts_of(
    found: int, by_chance: int, rows: Sequence[Mapping[str, Any]], sizes: Sequence[Mapping[str, Any]], seeds: int
) -> dict[str, Any]:
    """Return the counts that the page tells."""
    counts: dict[str, Any] = {
        "sets that were plausible in a trial of a search, at either fidelity": found,
        "such sets of random searches at the same budget": by_chance,
        f"found sets that are plausible on {seeds} fresh seeds": len(rows),
        "families of these, up to constants": len({row["family"] for row in rows}),
        "size of the smallest": min((row["size"] for row in rows), default=0),
        f"of at most {NODES} nodes": sum(row["size"] <= NODES for row in rows),
        "median size": float(np.median([row["size"] for row in rows])) if rows else 0,
        f"median number of constants (of the polynomial: {CONSTANTS})": (
            float(np.median([row["constants"] for row in rows])) if rows else 0
        ),
    }
    for group in dict.fromkeys(row["group"] for row in sizes):
        own = [row for row in sizes if row["group"] == group]
        for small, told in ((1, "plausible"), (0, "not plausible")):
            here = [row for row in own if row["plausible eighth"] == small]
            counts[f"{group}: {told} at an eighth, and plausible in the full network"] = share(
                sum(row["plausible full"] for row in here), len(here)
            )
    for name in TESTS:
        telling = [row for row in rows if row[f"p {name}"] < LEVEL]
        novelty = sum(row[f"memory {name}"] > 0.0 for row in telling)
        counts[f"tell the familiar stimulus, {name} (Holm-corrected p below {LEVEL:g})"] = share(
            len(telling), len(rows)
        )
        counts[f"of these of novelty type, {name}"] = novelty
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="711-716", help="of the searches")
    parser.add_argument("--random", default="711-712", help="seeds of random searches")
    parser.add_argument("--posterior", type=Path, help="folder of a run of engine sbi, sets of which are judged too")
    parser.add_argument("--judge", type=int, default=10, help="fresh seeds on which a set must be plausible")
    parser.add_argument("--networks", type=int, default=10, help="networks of each test of memory")
    parser.add_argument("--most", type=int, default=1000, help="sets that are judged, the smallest first")
    parser.add_argument("--both", type=int, default=20, help="sets of a group that are judged at both sizes")
    parser.add_argument("--seed", type=int, default=9701, help="of all that is fresh")
    parser.add_argument("--work", type=Path, default=Path("runs"), help="folder of searches and stores")
    parser.add_argument("--out", type=Path, default=Path("results/coactive-rules"))
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    small = Bench("stability", {"neurons": float(FEWEST)}, given.seed, given.work)
    task = small.task
    sets = survivors(task, searched("stability", seeds_of(given.seeds), given.work))
    random = searched("stability", seeds_of(given.random), given.work, "random") if given.random else []
    print(f"plausible in a trial: {len(sets)}", flush=True)
    stable = judged(small, sets[: given.most], given.judge)
    bad = failures(task, random, 200)
    full = Bench("stability", {"neurons": float(NEURONS)}, given.seed, given.work)
    groups = {"found": [rules for rules, _ in stable[: given.both]], "drawn": [rules for rules, _ in bad[: given.both]]}
    if given.posterior is not None:
        groups["posterior"] = survivors(task, [given.posterior])[: given.both]
    sizes = compared(small, full, groups)
    memory = Bench(
        "spiking-familiarity", {"neurons": float(FEWEST), "networks": given.networks}, given.seed, given.work
    )
    tested = {name: memory.score([rules for rules, _ in stable], 0, at) for name, at in TESTS.items()}
    rows = rows_of(stable, tested, task)
    counts = counts_of(len(sets), len(survivors(task, random)), rows, sizes, given.judge)
    found, drawn = (
        [portraits(task.bind(rules, small.settings), at) for rules, at in group]
        for group in ([(rules, operating_point(outcomes)) for rules, outcomes in stable], bad)
    )
    command = f"python experiments/benchmarks/coactive.py --seeds {given.seeds} --random {given.random}"
    if given.posterior is not None:
        command += f" --posterior {given.posterior.name}"
    write_report(given.out, f"{command} --work runs --out {given.out}", rows, sizes, counts, found, drawn)
    for name, value in counts.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
