"""One form for seven preparations of cortex: 39 protocols of seven papers, and how well forms predict a whole paper.

    python experiments/benchmarks/cortex.py --out results/cortex

The table is `results/cortex/protocols.csv`. Forms that are known, and what a search on the table recommends, are
fitted alike: with all numbers shared, and with a learning rate that each preparation has for itself. Rows and whole
sources are left out in turn. Writes `forms.csv` and `README.md`; the search is `--work`/cortex, run if it is not there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tables import write_results

import rulesearch
from rulesearch.evaluation.records import SUMMARY
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.workflow.run import Run

FORMS = {
    "pairs": "on_pre: -c*y; on_post: x; c = 1; tau_x = 20 ms; tau_y = 20 ms",
    "minimal triplet": "on_pre: -c*y; on_post: x*y2; c = 1; tau_x = 17 ms; tau_y = 34 ms; tau_y2 = 100 ms",
    "triplet": "on_pre: -y*(a + b*x2); on_post: x*(c + y2); a = 1; b = 0.1; c = 0.1; tau_x = 17 ms; tau_y = 34 ms; "
    "tau_x2 = 100 ms; tau_y2 = 125 ms",
    "pairs, nearest spikes": "on_pre: -c*y; on_post: x; c = 1; x = trace(pre, 20 ms, nearest); "
    "y = trace(post, 20 ms, nearest)",
}
FIELDS = ("form", "own", "numbers", "z2", "row left out", "source left out", "rows of these", "not determined", "rule")


def searched(table: Path, work: Path) -> str:
    """Return the rule that a search on the table recommends, with numbers but no learning rate."""
    folder = work / "cortex"
    done = (folder / SUMMARY).is_file()
    run = Run.open(folder) if done else rulesearch.distil(str(table), out=folder, permutations=0, report=False)
    rule = run.members[0].rules.only()
    return str(RuleSet.single(Rule(rule.slots, None, rule.states, rule.constants)))


def row_of(name: str, text: str, table: Path, own: str) -> dict[str, object]:
    """Return what there is to say of a form."""
    found = rulesearch.fit(text, str(table), own=own)
    left = {each.by: each for each in found.predictions}
    source = left.get("source")
    return {
        "form": name,
        "own": own,
        "numbers": found.found.form.size,
        "z2": round(found.found.z2, 3),
        "row left out": round(left["row"].z2, 3),
        "source left out": "" if source is None else round(source.z2, 3),
        "rows of these": "" if source is None else int((source.residuals == source.residuals).sum()),
        "not determined": sum(not number.identifiable for number in found.numbers),
        "rule": "; ".join(f"{key}: {rules}" if key else str(rules) for key, rules in found.rules.items()),
    }


def _shown(value: object) -> str:
    return f"{float(str(value)):.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/cortex"))
    parser.add_argument("--work", type=Path, default=Path("runs"))
    given = parser.parse_args()
    table = given.out / "protocols.csv"
    forms = {**FORMS, "found by search": searched(table, given.work)}
    rows = []
    for name, text in forms.items():
        for own in ("", "eta"):
            rows.append(row_of(name, text, table, own))
            print(rows[-1], flush=True)
    told = rulesearch.fit(FORMS["pairs"], str(table)).to_json()["rows"]
    nothing = sum((row["measured"] / row["sem"]) ** 2 for row in told) / len(told)
    page = [
        "# One form for the cortex",
        "",
        "`python experiments/benchmarks/cortex.py --out results/cortex`",
        "",
        "Mean changes of the EPSP under 39 protocols of seven papers and seven kinds of synapse (`protocols.csv`;",
        "digitised in BlueBrain/plastyfire, biodata/paired_recordings.csv, Apache-2.0; each row names its paper).",
        "Numbers are mean z², and 1 is what noise alone makes: none of these forms explains the table. The search saw",
        "all rows, so that for its form left-out rows were left out of the fit of numbers alone.",
        "",
        "| form | own | numbers | fitted | rows left out | papers left out (rows) | not determined |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row['form']} | {row['own']} | {row['numbers']} | {_shown(row['z2'])} | "
            f"{_shown(row['row left out'])} | "
            f"{_shown(row['source left out'])} ({row['rows of these']}) | {row['not determined']} |"
            for row in rows
        ),
        "",
        f"No change at all: {nothing:.3g}. Found by search: `{forms['found by search']}`",
    ]
    write_results(given.out, "forms.csv", rows, FIELDS, page)


if __name__ == "__main__":
    main()
