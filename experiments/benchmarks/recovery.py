"""Is the rule found that made the data? Teachers hidden behind noisy protocols, and tables with nothing to find.

    python experiments/benchmarks/recovery.py --out results/recovery

Teachers are known rules of spikes and traces, and rules drawn from grammar `stdp`; each is scaled so that its largest
change is 0.6, and makes a table of so many protocols, drawn from usual ones, with Gaussian noise of its standard error.
A search on the table recommends a rule. It is `found` where it has the teacher's structure, numbers left out;
`as good` where it has another one, but predicts 50 protocols that no table has to within the table's noise; `not told
apart` where it does not, but predicts left-out rows of the table no worse than the teacher's own form, fitted, does,
up to chance: then the table cannot tell; and else `missed`. Beside that, a search says whether its table is solved:
whether the recommended rule predicts left-out changes better than exchanged ones by more than chance makes of as many
structures (`gain`, as a log factor). Permuted tables have no rule: of them none should be said to be solved. Rows of
`searches.csv` that are there already are not made again.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from foretold import BEFORE, RULES, scaled

import rulesearch
from rulesearch.evaluation.seeds import generator
from rulesearch.expression.printing import to_text
from rulesearch.fitting.data import protocol_data
from rulesearch.fitting.form import ETA, ProtocolForm
from rulesearch.grammar import load_grammar
from rulesearch.grammar.derivations import sample_up_to
from rulesearch.inference.fitting import fit, follows_from_others
from rulesearch.inference.judging import leave_out
from rulesearch.measurements.protocols import Measured
from rulesearch.measurements.usual import usual_protocols
from rulesearch.report.style import BLUE, GREY, RED, SKY, new_figure, panel, save_figure
from rulesearch.rules.rule import Rule
from rulesearch.symbolic.keys import family_key
from rulesearch.tasks.registry import load_task
from rulesearch.workflow.losses import OVER_EXCHANGED
from rulesearch.workflow.resolve import as_rules
from rulesearch.writing import write_text

Array = npt.NDArray[np.float64]

ROWS, ERRORS = (20, 50, 100), (0.02, 0.05, 0.1)
VERDICTS = ("found", "as good", "not told apart", "missed")
FIELDS = ("teacher", "rows", "error", "permuted", "verdict", "size", "z2", "unseen", "solved", "gain", "rule", "truth")
_DRAWN, _LARGEST_DRAWN = 8, 7
_PAIRS, _UNSEEN_PAIRS = (60, 30), 45
_CLOSE = 4.0


def teachers(seed: int) -> list[str]:
    """Return known rules, and rules drawn from the grammar that read both sides."""
    grammar, rng = load_grammar("stdp"), generator(seed, 1)
    found: list[str] = []
    while len(found) < _DRAWN:
        slots = sample_up_to(grammar, rng, _LARGEST_DRAWN)
        text = "; ".join(f"{slot.slot}: {to_text(part)}" for slot, part in slots.items())
        names = [name for name in ("x", "y", "x2", "y2") if any(name in part.symbols for part in slots.values())]
        if {name[0] for name in names} < {"x", "y"} or "c" in text:
            continue
        taus = "".join(f"; tau_{name} = {np.exp(rng.uniform(np.log(10), np.log(120))):.3g} ms" for name in names)
        changes = scaled(as_rules(text + taus, None).only())[1]
        # What moves by less than a tenth of its largest change nearly everywhere tells nothing.
        if np.all(np.isfinite(changes)) and np.median(np.abs(changes)) > 0.03 and text + taus not in found:
            found.append(text + taus)
    return [*RULES, *found]


def table_of(
    teacher: str, number: int, rows: int, error: float, permuted: bool, seed: int
) -> tuple[Rule, list[Measured]]:
    """Return a teacher as it is scaled, and the table that it makes."""
    rng = generator(seed, 2, number, rows, round(1000 * error), int(permuted))
    protocols = [replace(row, label=f"{row.label}, {pairs}") for pairs in _PAIRS for row in usual_protocols(pairs)]
    rule, _ = scaled(as_rules(teacher, None).only())
    shown = rng.permutation(len(protocols))[:rows]
    changes = _predicted(rule, protocols, BEFORE)[shown] + error * rng.normal(size=rows)
    changes = rng.permutation(changes) if permuted else changes
    return rule, [
        replace(protocols[place], change=float(change), sem=error) for place, change in zip(shown, changes, strict=True)
    ]


def searched(
    teacher: str, number: int, rows: int, error: float, permuted: bool, budget: int, seed: int
) -> dict[str, object]:
    """Return what a search comes to on a table that a teacher made."""
    rule, table = table_of(teacher, number, rows, error, permuted, seed)
    with tempfile.TemporaryDirectory() as folder:
        run = rulesearch.distil(
            _columns(table), budget=budget, seed=1, permutations=0, report=False, out=Path(folder) / "run"
        )
    best = run.members[0]
    found = best.rules.only()
    off = off_by(rule, found)
    return {
        "teacher": teacher,
        "rows": rows,
        "error": error,
        "permuted": int(permuted),
        "verdict": "" if permuted else verdict_on(rule, found, table, off, error),
        "size": best.size,
        "z2": round(best.loss, 3),
        "unseen": round(off / error, 3),
        "solved": int(run.solved and run.recommended),
        "gain": round(best.metrics[OVER_EXCHANGED], 3),
        "rule": str(best.rules),
        "truth": str(rule),
    }


def off_by(truth: Rule, found: Rule) -> float:
    """Return the root mean square of what a rule is wrong by in protocols that no table has."""
    unseen = usual_protocols(_UNSEEN_PAIRS)
    return float(np.sqrt(np.mean((_predicted(found, unseen, 1.0) - _predicted(truth, unseen, BEFORE)) ** 2)))


def _form(rule: Rule, rows: list[Measured], before: float) -> ProtocolForm:
    """Return a rule with its numbers free, for a weight before protocols; the learning rate where it does something."""
    free = replace(rule, eta=None)
    rate = 1.0 if rule.eta is None else rule.eta
    form = ProtocolForm(free, rows, weight=before, rate=rate)
    if follows_from_others(form, ETA):
        form = ProtocolForm(free, rows, fixed={ETA: rate}, weight=before)
    return form


def _predicted(rule: Rule, rows: list[Measured], before: float) -> Array:
    form = ProtocolForm(replace(rule, eta=None), rows, weight=before, rate=1.0 if rule.eta is None else rule.eta)
    return form.predictions(form.own_numbers)


def verdict_on(truth: Rule, found: Rule, table: list[Measured], off: float, error: float) -> str:
    """Return what is to be said of a rule that was found on a table of another one."""
    task = load_task("stdp-frequency")
    keys = []
    for rule in (truth, found):
        whole = task.parse(str(replace(rule, bounds=None)))
        keys.append(family_key(task.spelled_out(whole, task.resolve()), within_bounds=True))
    if keys[0] == keys[1]:
        return "found"
    if off <= error:
        return "as good"
    data, rng = protocol_data(table, True), np.random.default_rng(1)
    densities = []
    for rule, before in ((truth, BEFORE), (found, 1.0)):
        best = fit(_form(rule, table, before), data, rng)
        densities.append(leave_out(best, "row", list(range(len(table)))).log_density)
    lead = densities[0] - densities[1]
    told = float(np.nansum(lead)) > max(_CLOSE, 2.0 * len(lead) ** 0.5 * float(np.nanstd(lead)))
    return "missed" if told else "not told apart"


def _columns(table: list[Measured]) -> dict[str, list[object]]:
    return {
        "id": [row.label.replace(",", " ") for row in table],
        "pre_ms": [" ".join(f"{1e3 * time:g}" for time in row.pre) for row in table],
        "post_ms": [" ".join(f"{1e3 * time:g}" for time in row.post) for row in table],
        "repeats": [row.repeats for row in table],
        "every_ms": [1e3 * row.every for row in table],
        "change": [row.change for row in table],
        "sem": [row.sem for row in table],
    }


def write_page(rows: list[dict[str, str]], out: Path, command: str) -> None:
    """Write the table and the figure of verdicts."""
    own = [row for row in rows if row["permuted"] == "0"]
    nothing = [row for row in rows if row["permuted"] == "1"]
    page = ["# Is the rule found that made the data?", "", f"`{command}`", ""]
    page += ["| rows | noise | searches | " + " | ".join(VERDICTS) + " | solved |"]
    page += ["|---" * (4 + len(VERDICTS)) + "|"]
    figure = new_figure(9.0, 2.8)
    axes = figure.subplots(1, len(ROWS), sharey=True)
    for axis, count in zip(axes, ROWS, strict=True):
        shares = np.zeros((len(VERDICTS), len(ERRORS)))
        for place, error in enumerate(ERRORS):
            here = [row for row in own if int(row["rows"]) == count and float(row["error"]) == error]
            numbers = [sum(row["verdict"] == verdict for row in here) for verdict in VERDICTS]
            page.append(
                f"| {count} | {error:g} | {len(here)} | " + " | ".join(map(str, numbers)) + f" | {solved(here)} |"
            )
            shares[:, place] = np.array(numbers) / max(1, len(here))
        bottom = np.zeros(len(ERRORS))
        for verdict, share, colour in zip(VERDICTS, shares, (BLUE, SKY, GREY, RED), strict=True):
            axis.bar([f"{error:g}" for error in ERRORS], share, bottom=bottom, label=verdict, color=colour)
            bottom += share
        shown = "share of teachers" if axis is axes[0] else ""
        panel(axis, "standard error of a change", shown, f"{count} protocols")
    axes[-1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    save_figure(figure, out / "recovery.png")
    gains = ", ".join(f"{float(row['gain']):g}" for row in sorted(nothing, key=lambda row: -float(row["gain"]))[:3])
    told = f"Permuted tables: {solved(nothing)} of {len(nothing)} searches say that they solved one"
    page += ["", f"{told}. Largest gains: {gains}."]
    write_text(out / "README.md", "\n".join(page) + "\n")
    print("\n".join(page))


def solved(rows: list[dict[str, str]]) -> int:
    """Return how many searches say that they solved their table."""
    return sum(row["solved"] == "1" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=400)
    parser.add_argument("--permuted", type=int, default=100, help="permuted tables, of 20 rows")
    parser.add_argument("--seed", type=int, default=9921)
    parser.add_argument("--out", type=Path, default=Path("results/recovery"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / "searches.csv"
    done: list[dict[str, str]] = []
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            done = list(csv.DictReader(file))
        if done and tuple(done[0]) != FIELDS:
            parser.error(f"{path} has other columns than {', '.join(FIELDS)}; move it away to search anew")
    names = teachers(given.seed)
    jobs = [(number, rows, error, False) for rows in ROWS for error in ERRORS for number in range(len(names))]
    jobs += [(number, ROWS[0], ERRORS[1], True) for number in range(given.permuted)]
    for number, rows, error, permuted in jobs[len(done) :]:
        row = searched(names[number % len(names)], number, rows, error, permuted, given.budget, given.seed)
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            if not done:
                writer.writeheader()
            writer.writerow(row)
        done.append({name: str(value) for name, value in row.items()})
        print(row, flush=True)
    options = f"--budget {given.budget} --seed {given.seed} --out {given.out}"
    write_page(done, given.out, f"python experiments/benchmarks/recovery.py {options}")


if __name__ == "__main__":
    main()
