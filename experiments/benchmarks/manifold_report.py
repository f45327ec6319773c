"""What `manifold.py` writes: a table of rules, counts, and the figure of mean-field rates against simulated ones."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from tables import csv_of

from rulesearch.evaluation.outcome import Outcome
from rulesearch.report.style import BLACK, BLUE, GREY, ORANGE, new_figure, panel, save_figure
from rulesearch.writing import write_text

RULES, COUNTS, PAGE, FIGURE = "rules.csv", "counts.json", "README.md", "manifold.png"
TARGETS = {"inhibitory-rate": 5.0, "inhibitory-network": 10.0}
COMMANDS = {
    "inhibitory-rate": "python experiments/benchmarks/manifold.py --task inhibitory-rate --seeds 601-604 --work runs",
    "inhibitory-network": "python experiments/benchmarks/manifold.py --task inhibitory-network --draws 140 --work runs",
}
CLOSE = 0.1
_FAR_HZ = 1.5
_PUBLISHED_LOSS = 0.01
_LISTED = 15


@dataclass(slots=True)
class Row:
    """A rule that was judged: means over seeds, the scatter of the rate from seed to seed, and its mean field.

    **Fields:** `solves`: the mean rate is within 0.5 Hz of the target (of each network within 1 Hz), and the task's
    requirements are met; `as_good`: and the loss is enough beside the known rule's on the same seeds; `off_hz`: how far
    the rate is from the target at most on other inputs, nan where that was not tried; `mean_field_hz`, `alone` and
    `slope` as of `mean_field.Portrait`.
    """

    task: str
    rule: str
    size: int
    family: str
    solves: bool
    as_good: bool
    rate_hz: float
    scatter_hz: float
    loss: float
    tuning_r: float
    w_mean: float
    mean_field_hz: float
    alone: float
    slope: float
    off_hz: float = math.nan

    @property
    def shared(self) -> bool:
        """Whether a presynaptic spike alone weakens the synapse, and the drift grows with the rate."""
        return self.alone < 0.0 and self.slope > 0.0

    @property
    def close(self) -> bool:
        """Whether the mean-field rate is within 10 % of the simulated one."""
        return abs(self.mean_field_hz - self.rate_hz) <= CLOSE * self.rate_hz


def read_rows(out: Path) -> list[Row]:
    """Return the rules of a folder; none where it has none yet."""
    if not (out / RULES).exists():
        return []
    kinds = {field.name: field.type for field in fields(Row)}
    convert: Mapping[str, Callable[[str], Any]] = {"float": float, "int": int, "bool": lambda text: text == "True"}
    with (out / RULES).open(newline="", encoding="utf-8") as file:
        return [
            Row(**{name: convert.get(str(kinds[name]), str)(value) for name, value in line.items()})
            for line in csv.DictReader(file)
        ]


def write_report(
    out: Path,
    task: str,
    rows: Sequence[Row],
    test: Sequence[Mapping[str, Any]],
    shares: Mapping[bool, Sequence[int]] | None,
    candidates: int,
    known: Outcome,
    pre: float,
) -> None:
    """Write what is known of a task beside what the folder has of others.

    **Arguments:** `test`: lines of the test of drawn rules; `shares`: of a sample of screened rules with and without
    the property, how many did well and how many there are; `pre`: rate of the inhibitory afferents [Hz].
    """
    out.mkdir(parents=True, exist_ok=True)
    every = [*(row for row in read_rows(out) if row.task != task), *sorted(rows, key=lambda row: (row.loss, row.rule))]
    every.sort(key=lambda row: row.task != "inhibitory-rate")
    table = [{name: _short(value) for name, value in asdict(row).items()} for row in every]
    write_text(out / RULES, csv_of(table, [field.name for field in fields(Row)]))
    place = out / COUNTS
    counts = json.loads(place.read_text("utf-8")) if place.exists() else {}
    counts[task] = {
        "counts": _counts(task, rows, candidates, known, pre),
        "exceptions": _exceptions(rows),
        "test": list(test),
        "screened": None if shares is None else [[shared, *numbers] for shared, numbers in shares.items()],
    }
    write_text(place, json.dumps(counts, indent=1) + "\n")
    write_text(out / PAGE, _page(counts))
    _draw(every, out / FIGURE)
    print(_page({task: counts[task]}))


def _short(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _counts(task: str, rows: Sequence[Row], candidates: int, known: Outcome, pre: float) -> list[tuple[str, Any]]:
    solving = [row for row in rows if row.solves]
    having = [row for row in solving if math.isfinite(row.mean_field_hz)]
    seeds = f"{len(known.seeds)} fresh seeds"
    found: list[tuple[str, Any]] = [
        ("candidates", candidates),
        ("minimal forms that were judged", len(rows)),
        (f"distinct minimal rules that solve the task on {seeds}", len(solving)),
        ("of these with a loss that is enough beside the known rule's", sum(row.as_good for row in solving)),
        ("families of those that solve it, up to constants", len({row.family for row in solving})),
        ("sizes", f"{min(row.size for row in solving)} to {max(row.size for row in solving)}" if solving else ""),
        ("of these with a mean-field rate", len(having)),
        ("mean-field rate within 10 % of the simulated one", sum(row.close for row in having)),
        ("median of mean-field rate / simulated rate", _median([row.mean_field_hz / row.rate_hz for row in having])),
        ("solving rules with the shared property", sum(row.shared for row in solving)),
        ("families with a rule that has it", len({row.family for row in solving if row.shared})),
        ("judged rules with it, and how many of them solve", _both([row for row in rows if row.shared])),
        ("judged rules without it, and how many of them solve", _both([row for row in rows if not row.shared])),
        ("known rule: loss, rate [Hz]", f"{known.loss:.4f}, {known.metrics['rate_hz']:.2f}"),
        ("rate of the inhibitory afferents under the known rule [Hz]", f"{pre:.1f}"),
    ]
    if task == "inhibitory-network":
        found.append(("solving rules with a loss of at most 0.01", sum(row.loss <= _PUBLISHED_LOSS for row in solving)))
    for name, chosen in (("with", True), ("without", False)):
        tried = [row for row in solving if row.shared == chosen and row.off_hz == row.off_hz]
        if tried:
            far = sum(row.off_hz <= _FAR_HZ for row in tried)
            found.append(
                (
                    f"solving rules {name} it within {_FAR_HZ} Hz on each of four other inputs (a seed each)",
                    f"{far} of {len(tried)}",
                )
            )
    return found


def _both(rows: Sequence[Row]) -> str:
    return f"{len(rows)}, {sum(row.solves for row in rows)}"


def _median(values: Sequence[float]) -> str:
    return f"{np.median(values):.2f}" if values else ""


def _exceptions(rows: Sequence[Row]) -> list[tuple[str, int, str]]:
    """Return the families of solving rules without the property, how many rules each has, and what they lack."""
    without = [row for row in rows if row.solves and not row.shared]
    lacks = {row.family: _lacking(row) for row in without}
    return [(family, count, lacks[family]) for family, count in Counter(row.family for row in without).most_common()]


def _lacking(row: Row) -> str:
    what = []
    if not row.alone < 0.0:
        what.append(
            "no value for a presynaptic spike alone"
            if math.isnan(row.alone)
            else "a presynaptic spike alone changes nothing"
            if row.alone == 0.0
            else "a presynaptic spike alone strengthens"
        )
    if not row.slope > 0.0:
        what.append("no fixed point in the rate" if math.isnan(row.slope) else "drift falls with the rate")
    return ", ".join(what)


def _page(counts: Mapping[str, Any]) -> str:
    lines = [
        "# The manifold of solutions",
        "",
        "Rules that bring inhibition to its target rate, each in a form of which nothing can be left out. Written by",
        "",
        "```sh",
        *(COMMANDS[task] for task in counts),
        "```",
        "",
        "A rule solves `inhibitory-rate` where its mean rate over fresh seeds is within 0.5 Hz of the target and",
        "tuning_r is at least 0.95, and `inhibitory-network` where the rate of each judged network is within 1 Hz.",
        "`rules.csv` has every rule that was judged; traces that it does not declare have 20 ms. The shared property:",
        "a presynaptic spike alone (all traces 0) weakens the synapse, and the mean-field drift grows with the",
        "postsynaptic rate at its fixed point. Intervals are exact 95 % ones of Clopper and Pearson.",
    ]
    for task, found in counts.items():
        lines += ["", f"## {task}", "", "| what | count |", "|---|---|"]
        lines += [f"| {what} | {value} |" for what, value in found["counts"]]
        if found["screened"]:
            lines += [
                "",
                "Of a sample of all rules that the searches screened:",
                "",
                "| property | did well there | of |",
            ]
            lines += [
                "|---|---|---|",
                *(f"| {_named(shared)} | {hits} | {of} |" for shared, hits, of in found["screened"]),
            ]
        if found["test"]:
            lines += ["", "Six-parameter polynomials drawn with and without the property, the mean field of all at the"]
            lines += ["target:", "", "| drawn | property | of them | count | 95 % |", "|---|---|---|---|---|"]
            for line in found["test"]:
                share = f"{line['low']:.2f} to {line['high']:.2f}"
                count = f"{line['hits']} of {line['of']}"
                lines.append(f"| {line['how']} | {_named(line['with'])} | {line['what']} | {count} | {share} |")
        if found["exceptions"]:
            lines += [
                "",
                "Families that solve the task without the property:",
                "",
                "| family | rules | why |",
                "|---|---|---|",
            ]
            lines += [f"| `{family}` | {count} | {why} |" for family, count, why in found["exceptions"][:_LISTED]]
            if len(found["exceptions"]) > _LISTED:
                lines.append(f"| and {len(found['exceptions']) - _LISTED} more | | |")
    return "\n".join(lines) + "\n"


def _named(shared: bool) -> str:
    return "with" if shared else "without"


def _draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the simulated rate of every judged rule over its mean-field rate, a panel for each task."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    figure = new_figure(2.8 + 4.6 * len(tasks), 5.0)
    for axes, task in zip(figure.subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
        target = TARGETS[task]
        own = [row for row in rows if row.task == task and row.rate_hz > 0.0]
        low, high = 0.5 * target, 2.5 * target
        line = np.array([low, high])
        axes.fill_between(line, line * (1.0 - CLOSE), line * (1.0 + CLOSE), color=GREY, alpha=0.2, linewidth=0)
        axes.plot(line, line, color=BLACK, linewidth=0.8)
        axes.axhline(target, color=GREY, linewidth=0.6, linestyle="dotted")
        solving = [row for row in own if row.solves]
        groups = (
            ("do not solve the task", [row for row in own if not row.solves], GREY, "x"),
            ("solve it, without the property", [row for row in solving if not row.shared], ORANGE, "s"),
            ("solve it, with the property", [row for row in solving if row.shared], BLUE, "o"),
        )
        for label, chosen, colour, marker in groups:
            drawn = [row for row in chosen if row.mean_field_hz == row.mean_field_hz]
            axes.errorbar(
                np.clip([row.mean_field_hz for row in drawn], low, high),
                np.clip([row.rate_hz for row in drawn], low, high),
                [row.scatter_hz for row in drawn],
                fmt=marker,
                markersize=3.0,
                linewidth=0.4,
                alpha=0.6,
                color=colour,
                label=f"{label}: {len(drawn)}, and {len(chosen) - len(drawn)} without a mean field",
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        ticks = [target * factor for factor in (0.5, 0.75, 1.0, 1.5, 2.0)]
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.set_ticks([], minor=True)
        panel(axes, "mean-field rate [Hz]", "simulated rate [Hz]", task)
        axes.legend(fontsize=6.5, frameon=False, loc="upper left")
    figure.suptitle(
        "Minimal rules: simulated mean rate (bars: standard deviation from seed to seed) over the fixed point of the "
        "mean field.\nAssumed: independent Poisson spikes, presynaptic ones at the simulated rate, all weights at "
        "their simulated mean.\nLine: equal; grey: within 10 %; dotted: target. What lies beyond the axes is drawn at "
        "their ends.",
        fontsize=7,
    )
    save_figure(figure, path)
