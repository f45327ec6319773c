"""The contest: how often, after how many evaluations and seconds, a search solves task `oja`.

    python experiments/benchmarks/search.py --environments peers --out results/contest

Our engines and hal-cgp get the same data, inputs x, y, w and primitives - and *; a run is solved at a loss within 5 %
of that of Oja's rule on the same data. Every run is a process of its own on one core; evaluations are of distinct
functions. hal-cgp runs with the 1,000 columns of Mettler et al. 2021 and with 20, both times with a NumPy objective, as
its users write it, and with 20 also with our compiled simulation as its objective. Success fractions come with 95 %
Wilson intervals. The environment of hal-cgp is made where it is missing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
OURS = ("deap", "enumerate", "random")
PEERS = {
    "hal-cgp, 1,000 columns, NumPy objective": ("numpy", 1000),
    "hal-cgp, 20 columns, NumPy objective": ("numpy", 20),
    "hal-cgp, 20 columns, our objective": ("ask", 20),
}
"""By name, what computes the objective, and the columns."""
GRAMMAR = "mettler"
_SHARES = (0.5, 0.85)


def threshold_and_data(seed: int, folder: Path) -> tuple[float, Path]:
    """Return the loss that solves the task on the search data of a seed, and these data as a file."""
    from rulesearch.evaluation.evaluator import evaluate_rules
    from rulesearch.evaluation.seeds import trial_seeds
    from rulesearch.tasks import load_task
    from rulesearch.tasks.oja import oja_data

    task = load_task("oja")
    settings = task.resolve({})
    (trial_seed,) = trial_seeds(seed, "search", 1)
    outcome = evaluate_rules(task, task.baseline(settings), (trial_seed,), settings)
    assert outcome.loss is not None
    data = oja_data(trial_seed, 10, 2, 2000, 0.0)
    steps = int(0.9 * len(data.inputs))
    penalty = data.initial.shape[1] * np.max(np.diagonal(data.covariances, axis1=1, axis2=2), axis=1)
    path = folder / f"data_{seed}.npz"
    np.savez(
        path,
        inputs=data.inputs[:steps],
        initial=data.initial,
        components=data.components,
        penalty=penalty,
        every=max(1, steps // 180),
    )
    return task.enough(outcome.loss), path


def run_ours(engine: str, seed: int, seconds: float, budget: int) -> dict[str, Any]:
    """Return whether an engine of ours solves the task, with evaluations and seconds up to then."""
    from rulesearch.evaluation.evaluator import Evaluator
    from rulesearch.grammar import load_grammar
    from rulesearch.search.engine import load_engine
    from rulesearch.search.problem import Problem
    from rulesearch.tasks import load_task

    with Evaluator("oja", load_task("oja").resolve({})) as evaluator:
        warm = Problem(evaluator, load_grammar(GRAMMAR), seed + 10**6, 50)
        load_engine("random").search(warm)
        problem = Problem(evaluator, load_grammar(GRAMMAR), seed, budget, time_limit=seconds)
        problem.stop_loss = problem.threshold()
        begin = time.perf_counter()
        load_engine(engine).run(problem)
        spent = time.perf_counter() - begin
    return {"hit": problem.stopped_by == "stop-loss", "evaluations": problem.progress.evaluations, "seconds": spent}


def run_peer(python: str, how: str, columns: int, seed: int, seconds: float) -> dict[str, Any]:
    """Return the same for hal-cgp."""
    from rulesearch.errors import RulesearchError
    from rulesearch.evaluation.evaluator import run_jobs, search_job
    from rulesearch.evaluation.seeds import trial_seeds
    from rulesearch.tasks import load_task

    task = load_task("oja")
    settings = task.resolve({})
    seeds = trial_seeds(seed, "search", 1)
    with tempfile.TemporaryDirectory() as folder:
        threshold, path = threshold_and_data(seed, Path(folder))
        words = [python, str(HERE / "peers" / "oja_halcgp.py"), str(path), str(seed), str(columns), str(seconds)]
        peer = subprocess.Popen(
            [*words, repr(threshold), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert peer.stdin is not None and peer.stdout is not None
        for line in peer.stdout:
            if line.startswith("ASK "):
                text = line.removeprefix("ASK ").strip()
                for place, name in enumerate(("x", "w", "y")):
                    text = text.replace(f"x_{place}", name)
                try:
                    job = search_job(task, task.parse(text), seeds, task.fidelities[-1])
                    loss = run_jobs(task, settings, "vm", [job])[0].loss
                except RulesearchError:  # expressions longer than our parser reads
                    loss = None
                peer.stdin.write(f"{math.inf if loss is None else loss!r}\n")
                peer.stdin.flush()
            elif line.startswith("RESULT "):
                found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
                return found
    raise SystemExit(f"hal-cgp ended without a result, exit code {peer.wait()}")


def wilson(hits: int, runs: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, hits / runs
    centre = (share + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z * math.sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs)) / (1 + z * z / runs)
    return max(0.0, centre - half), min(1.0, centre + half)


def table(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line per contestant."""
    lines = []
    for name in dict.fromkeys(row["contestant"] for row in rows):
        own = [row for row in rows if row["contestant"] == name]
        hits = [row for row in own if row["hit"]]
        low, high = wilson(len(hits), len(own))
        lines.append(
            {
                "contestant": name,
                "solved": f"{len(hits)} of {len(own)}",
                "interval": f"{low:.2f} to {high:.2f}",
                **{
                    f"{key}_to_{share:.0%}": _reached(own, key, share)
                    for share in _SHARES
                    for key in ("evaluations", "seconds")
                },
                "total_seconds": round(sum(row["seconds"] for row in own), 1),
            }
        )
    return lines


def _reached(rows: Sequence[dict[str, Any]], key: str, share: float) -> float | None:
    """Return after how much of something this share of the runs is solved, None where it never is."""
    places = sorted(row[key] for row in rows if row["hit"])
    needed = math.ceil(share * len(rows) - 1e-9)
    return round(places[needed - 1], 3) if len(places) >= needed else None


def figure(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the share of solved runs against evaluations and seconds, with its 95 % interval."""
    import matplotlib.pyplot as plt

    drawing, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    colours = ("#0072b2", "#e69f00", "#999999", "#009e73", "#d55e00", "#cc79a7")
    for name, colour in zip(dict.fromkeys(row["contestant"] for row in rows), colours, strict=False):
        own = [row for row in rows if row["contestant"] == name]
        for axis, key in zip(axes, ("evaluations", "seconds"), strict=True):
            places = sorted(row[key] for row in own if row["hit"])
            last = max(row[key] for row in own)
            steps = [0, *range(1, len(places) + 1), len(places)]
            x = [min(row[key] for row in rows) / 2, *places, max(last, *places) if places else last]
            bands = [wilson(step, len(own)) for step in steps]
            axis.step(x, [step / len(own) for step in steps], where="post", color=colour, label=name)
            axis.fill_between(x, *zip(*bands, strict=True), step="post", color=colour, alpha=0.12, linewidth=0)
    for axis, label in zip(axes, ("distinct evaluations", "seconds on one core"), strict=True):
        axis.set_xscale("log")
        axis.set_xlabel(label)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("share of seeds solved")
    drawing.legend(*axes[0].get_legend_handles_labels(), frameon=False, fontsize=8, loc="outside lower center", ncols=3)
    drawing.savefig(path, dpi=150)


def main() -> None:
    """Run the contest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1-20", help="first-last")
    parser.add_argument("--seconds", type=float, default=60.0, help="limit of a run")
    parser.add_argument("--budget", type=int, default=100_000, help="limit of a run of ours, in evaluations")
    parser.add_argument("--environments", default="", metavar="DIR", help="where hal-cgp is installed")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="runs at the same time")
    parser.add_argument("--out", default="", metavar="DIR", help="folder of the table and the figure")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("CONTESTANT", "SEED"), help=argparse.SUPPRESS)
    parser.add_argument("--peer", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, seed = options.one[0], int(options.one[1])
        if name in OURS:
            found = run_ours(name, seed, options.seconds, options.budget)
        else:
            found = run_peer(options.peer, *PEERS[name], seed, options.seconds)
        print("RESULT " + json.dumps(found))
        return
    sys.path.insert(0, str(HERE))
    from simulator import environment

    folder = Path(options.environments or tempfile.mkdtemp(prefix="peers-"))
    peer = str(environment(folder / "halcgp", "numpy<2", "sympy", "--no-deps", "hal-cgp==0.3.0", "mpmath"))
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    cores: Queue[int] = Queue()
    for core in sorted(os.sched_getaffinity(0))[: options.cores]:
        cores.put(core)

    def run(task: tuple[str, int]) -> dict[str, Any]:
        name, seed = task
        core = cores.get()
        words = [sys.executable, __file__, "--one", name, str(seed), "--peer", peer, "--seconds", str(options.seconds)]
        words += ["--budget", str(options.budget)]
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {core})
            )
        finally:
            cores.put(core)
        line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), "")
        if not line:
            raise SystemExit(f"{name}, seed {seed}: {done.stderr[-2000:]}")
        row = {"contestant": name, "seed": seed, **json.loads(line.removeprefix("RESULT "))}
        if not options.json:
            print(row, flush=True)
        return row

    with ThreadPoolExecutor(options.cores) as pool:
        rows = list(pool.map(run, [(name, seed) for seed in seeds for name in (*OURS, *PEERS)]))
    rows.sort(key=lambda row: ((*OURS, *PEERS).index(row["contestant"]), row["seed"]))
    lines = table(rows)
    if options.out:
        write(rows, lines, Path(options.out), f"--seeds {options.seeds} --seconds {options.seconds:g}")
    if options.json:
        print(json.dumps({"rows": rows, "table": lines}))
    else:
        for line in lines:
            print(line)


def write(rows: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]], folder: Path, words: str) -> None:
    """Write every run, the table and the figure."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ["contestant", "seed", "hit", "evaluations", "seconds"]
    text = "\n".join([",".join(names), *(",".join(json.dumps(row[name]) for name in names) for row in rows)])
    (folder / "runs.csv").write_text(text + "\n", "utf-8")
    keys = list(lines[0])
    body = ["| " + " | ".join(key.replace("_", " ") for key in keys) + " |", "|" + " --- |" * len(keys)]
    body += ["| " + " | ".join("-" if line[key] is None else str(line[key]) for key in keys) + " |" for line in lines]
    command = f"python experiments/benchmarks/search.py {words} --out {folder}"
    head = f"Made by `{command}`; evaluations and seconds until a share of the runs is solved."
    (folder / "table.md").write_text("\n".join(["# The contest on task oja", "", head, "", *body, ""]), "utf-8")
    figure(rows, folder / "contest.png")


if __name__ == "__main__":
    main()
