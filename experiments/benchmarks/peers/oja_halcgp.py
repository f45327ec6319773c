"""Oja's task with hal-cgp (GPL, used as it is installed): primitives - and *, settings of Mettler et al. 2021.

Of their settings a tournament of 2 cannot be had with one parent in hal-cgp 0.3.0: it is 1.

python oja_halcgp.py DATA.npz SEED COLUMNS SECONDS THRESHOLD numpy|ask

`numpy`: the objective is a loop over time in NumPy, over all data sets at once, as users of hal-cgp write it. `ask`:
each expression is printed as `ASK expression`, and its loss is read from standard input. Every function is evaluated
once, as by hal-cgp's own cache: functions are told apart by their values at eight points. Prints `RESULT` and a line of
JSON.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import Any

import numpy as np

# hal-cgp 0.3.0 uses a name that NumPy 1.24 took away.
np.float = float  # type: ignore[attr-defined]  # noqa: NPY001

import cgp  # noqa: E402

ETA, MUTATION, OFFSPRINGS, TOURNAMENT = 0.01, 0.05, 4, 1
FAILED = -1e6


class _TimeIsUp(Exception):
    pass


def main() -> None:
    """Evolve, print."""
    path, seed, columns, seconds, threshold, how = sys.argv[1:]
    data = np.load(path)
    begin = time.perf_counter()
    known: dict[bytes, float] = {}
    points = np.random.default_rng(1).uniform(0.1, 2.0, (3, 8))
    best = [FAILED]

    def objective(individual: Any) -> Any:
        if not individual.fitness_is_None():
            return individual
        if time.perf_counter() - begin > float(seconds):
            raise _TimeIsUp
        rule = individual.to_numpy()
        with np.errstate(all="ignore"):
            key = np.round(np.broadcast_to(rule(*points), points[0].shape), 9).tobytes()
        if key not in known:
            text = "" if how == "numpy" else str(individual.to_sympy(simplify=False))
            loss = _asked(text) if text else _simulated(rule, data)
            known[key] = -loss if np.isfinite(loss) else FAILED
        individual.fitness = known[key]
        best[0] = max(best[0], individual.fitness)
        return individual

    population = cgp.Population(
        n_parents=1,
        seed=int(seed),
        genome_params={
            "n_inputs": 3,
            "n_outputs": 1,
            "n_columns": int(columns),
            "n_rows": 1,
            "levels_back": None,
            "primitives": (cgp.Sub, cgp.Mul),
        },
    )
    ea = cgp.ea.MuPlusLambda(n_offsprings=OFFSPRINGS, mutation_rate=MUTATION, tournament_size=TOURNAMENT)
    with contextlib.suppress(_TimeIsUp):
        cgp.evolve(population, objective, ea, termination_fitness=-float(threshold), max_generations=10**9)
    spent = time.perf_counter() - begin
    hit = best[0] >= -float(threshold)
    print("RESULT " + json.dumps({"hit": bool(hit), "evaluations": len(known), "seconds": spent}), flush=True)


def _asked(expression: str) -> float:
    print(f"ASK {expression}", flush=True)
    return float(sys.stdin.readline())


def _simulated(rule: Any, data: Any) -> float:
    inputs, weights, components, penalty = data["inputs"], data["initial"].copy(), data["components"], data["penalty"]
    every, records = int(data["every"]), []
    with np.errstate(all="ignore"):
        for step, x in enumerate(inputs, 1):
            y = np.broadcast_to(np.sum(weights * x, axis=1, keepdims=True), x.shape)
            change = rule(x.ravel(), weights.ravel(), y.ravel())
            weights = weights + ETA * np.reshape(change, x.shape)
            if step % every == 0:
                if not np.all(np.abs(weights) < 1e6):
                    return float("inf")
                records.append(weights)
    half = np.array(records[len(records) // 2 :])
    norms = np.sqrt((half**2).sum(axis=2))
    if not norms[-1].min() > 1e-6:
        return float("inf")
    cosines = np.abs((half * components).sum(axis=2)) / norms
    return float((1.0 - cosines).mean(axis=0).mean() + (penalty * (norms - 1.0) ** 2).mean(axis=0).mean())


if __name__ == "__main__":
    main()
