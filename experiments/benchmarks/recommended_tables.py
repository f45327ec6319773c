"""How often is a rule recommended for a table of noise, and for a table of a simple law?

    python experiments/benchmarks/recommended_tables.py --noise 40 --laws 20 --budget 200

Tables of noise have 12 to 60 rows, uniform and normal in turn; those of laws 10 to 50 rows, half of them with errors of
10 % of the standard deviation. Prints the recommended rules and their numbers: none is expected of noise but by chance
(at most one in twenty).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

import rulesearch

Column = npt.NDArray[np.float64]
LAWS: tuple[Callable[[Column, Column], Column], ...] = (
    lambda x, y: x * y,
    lambda x, y: x * y - y**2,
    lambda x, y: y * (x - 0.5),
    lambda x, y: x - y,
    lambda x, y: 0.3 * x * x,
)


def noise(number: int, count: int) -> tuple[Column, ...]:
    """Return the columns x, y and dw of a table in which nothing depends on anything."""
    rng = np.random.default_rng(7000 + number)
    rows = int(np.linspace(12, 60, count)[number])
    return tuple(rng.normal(size=rows) if number % 2 else rng.uniform(-1, 1, rows) for _ in range(3))


def law(number: int, count: int) -> tuple[Column, ...]:
    """Return the columns x, y and dw of a table of a law, every other one with errors."""
    rng = np.random.default_rng(9000 + number)
    x, y = rng.uniform(-1, 1, (2, (10, 15, 25, 50)[number % 4]))
    dw = LAWS[number // 4 % len(LAWS)](x, y)
    if number % 2 == number // 4 % 2:
        dw = dw + 0.1 * dw.std() * rng.normal(size=len(dw))
    return x, y, dw


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noise", type=int, default=40)
    parser.add_argument("--laws", type=int, default=20)
    parser.add_argument("--budget", type=int, default=200)
    options = parser.parse_args()
    for kind, columns, count in (("noise", noise, options.noise), ("laws", law, options.laws)):
        recommended = 0
        for number in range(count):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "table.csv"
                rows = np.column_stack(columns(number, count))
                np.savetxt(path, rows, delimiter=",", header="x,y,dw", comments="", fmt="%.17g")
                out = Path(folder) / "run"
                run = rulesearch.distil(path, "dw", budget=options.budget, permutations=0, report=False, out=out)
                recommended += run.recommended
                if run.recommended:
                    print(f"{kind} {number}, {len(rows)} rows: {run.members[0].rules}", flush=True)
        print(f"recommended for {recommended} of {count} tables of {kind}", flush=True)


if __name__ == "__main__":
    main()
