"""Are intervals of `predict` as wide as they must be? Tables simulated from known rules, and protocols they lack.

    python experiments/benchmarks/foretold.py --tables 5 --out results/foretold

Each known rule of spikes and traces, scaled so that its largest change is 0.6, makes tables of `--rows` protocols
drawn from the usual ones, with standard errors of 0.03 to 0.12; its form, all numbers free, is fitted to each, and
predicts the usual protocols that the table lacks. The share of true changes that lie in the 90 % interval should be
0.9. Protocols of which no rule says anything (all draws are 0) are not counted. What one table leads astray it leads
astray as a whole: standard errors of shares are from table to table. Writes `coverage.csv` and `README.md`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tables import write_results

from rulesearch.evaluation.seeds import generator
from rulesearch.fitting.data import protocol_data
from rulesearch.fitting.form import ETA, ProtocolForm
from rulesearch.inference.fitting import Fit, fit, follows_from_others
from rulesearch.inference.sampling import sample
from rulesearch.measurements.protocols import Measured
from rulesearch.measurements.usual import usual_protocols
from rulesearch.rules.rule import Rule
from rulesearch.workflow.resolve import as_rules

RULES = (
    "stdp-pair",
    "stdp-multiplicative",
    "stdp-guetig",
    "stdp-power-law",
    "stdp-van-rossum",
    "triplet",
    "on_pre: -A_minus*y; on_post: A_plus*x*y2; A_minus = 0.0071; A_plus = 0.0065; tau_x = 16.8 ms; tau_y = 33.7 ms; "
    "tau_y2 = 114 ms",
    "vogels",
    "confavreux",
    "heterosynaptic",
    "zenke-homeostatic",
    "on_pre: y*(x - c*y2); c = 1; tau_x = 100 ms; tau_y = 100 ms; tau_y2 = 70 ms",
)
"""Known rules, the minimal triplet model, and one of searches."""
BEFORE = 0.5
_LARGEST, _ERRORS = 0.6, (0.03, 0.12)
_LEVEL, _PAIRS = 0.9, 60
FIELDS = ("rule", "tables", "predicted", "within", "share", "error", "settled")


def scaled(rule: Rule) -> tuple[Rule, np.ndarray]:
    """Return a rule whose largest change under the usual protocols is 0.6, and these changes."""
    rows = usual_protocols(_PAIRS)
    form = ProtocolForm(replace(rule, eta=None), rows, weight=BEFORE)
    numbers = form.own_numbers
    place = [each.name for each in form.each].index(ETA)
    low, high = 1e-8, 1e4
    for _ in range(80):
        numbers[place] = (low * high) ** 0.5
        changes = form.predictions(numbers)
        large = not np.all(np.isfinite(changes)) or np.max(np.abs(changes)) > _LARGEST
        low, high = (low, numbers[place]) if large else (numbers[place], high)
    numbers[place] = low
    return replace(rule, eta=float(low)), form.predictions(numbers)


def fitted(name: str, number: int, rows: int, seed: int) -> tuple[Fit, list[Measured], np.ndarray]:
    """Return the fit of a known rule's form to a table of its own, the protocols not in it, and their true changes."""
    rng = generator(seed, number)
    protocols = usual_protocols(_PAIRS)
    rule, truth = scaled(as_rules(name, None).only())
    order = rng.permutation(len(protocols))
    shown, hidden = order[:rows], order[rows:]
    errors = rng.uniform(*_ERRORS, size=rows)
    measured = truth[shown] + errors * rng.normal(size=rows)
    table = [
        replace(protocols[place], change=float(change), sem=float(error))
        for place, change, error in zip(shown, measured, errors, strict=True)
    ]
    form = ProtocolForm(replace(rule, eta=None), table, weight=BEFORE)
    if follows_from_others(form, ETA):
        form = ProtocolForm(replace(rule, eta=None), table, fixed={ETA: rule.eta or 1.0}, weight=BEFORE)
    return fit(form, protocol_data(table, True), rng), [protocols[place] for place in hidden], truth[hidden]


def judged(name: str, number: int, rows: int, seed: int) -> tuple[int, int, bool]:
    """Return of how many unseen protocols the true change was within its interval, of how many, and a long chain."""
    found, hidden, truth = fitted(name, number, rows, seed)
    draws = sample(found, generator(seed, number, 1), 1000)
    assert isinstance(found.form, ProtocolForm)
    predicted = found.form.elsewhere(hidden, draws.flat)
    low, high = np.quantile(predicted, [0.5 * (1.0 - _LEVEL), 0.5 * (1.0 + _LEVEL)], axis=0)
    told = np.max(np.abs(predicted), axis=0) > 0.0
    within = (low <= truth) & (truth <= high)
    return int(np.sum(within & told)), int(np.sum(told)), draws.settled


def share_of(counts: Sequence[tuple[int, int, bool]]) -> tuple[int, int, float, float]:
    """Return how many were within, of how many, the share, and its standard error from table to table."""
    within, told = np.array([each[:2] for each in counts], dtype=np.float64).T
    share = float(within.sum() / told.sum())
    error = float(np.sqrt(np.sum((within - share * told) ** 2)) / told.sum())
    return int(within.sum()), int(told.sum()), share, error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=5, help="of each rule")
    parser.add_argument("--rows", type=int, default=20, help="of each table")
    parser.add_argument("--seed", type=int, default=9901)
    parser.add_argument("--out", type=Path, default=Path("results/foretold"))
    given = parser.parse_args()
    lines: list[dict[str, object]] = []
    every: list[tuple[int, int, bool]] = []
    for number, name in enumerate(RULES):
        found = [judged(name, 1000 * number + table, given.rows, given.seed) for table in range(given.tables)]
        every += found
        within, told, share, error = share_of(found)
        settled = sum(each[2] for each in found)
        row = (name, given.tables, told, within, round(share, 3), round(error, 3), settled)
        lines.append(dict(zip(FIELDS, row, strict=True)))
        print(lines[-1], flush=True)
    within, told, share, error = share_of(every)
    page = [
        "# How often true changes lie in 90 % intervals",
        "",
        f"`python experiments/benchmarks/foretold.py --tables {given.tables} --rows {given.rows} --seed {given.seed}`",
        "",
        f"Over all rules {within} of {told} ({100.0 * share:.1f} ± {100.0 * error:.1f} %; the standard error is from "
        f"table to table); {sum(each[2] for each in every)} of {len(every)} chains are as long as they must be.",
        "",
        "| rule | unseen protocols | within | standard error | chains long enough |",
        "|---|---|---|---|---|",
        *(
            f"| {line['rule']} | {line['predicted']} | {100.0 * float(str(line['share'])):.1f} % | "
            f"{100.0 * float(str(line['error'])):.1f} % | {line['settled']} of {line['tables']} |"
            for line in lines
        ),
    ]
    write_results(given.out, "coverage.csv", lines, FIELDS, page)


if __name__ == "__main__":
    main()
