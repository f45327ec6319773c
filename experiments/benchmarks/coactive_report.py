"""What `coactive.py` writes: a table of sets, counts, a page, and figures of what the sets agree on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from coactive_portraits import DELAYS, FACTORS, QUANTITIES, Portrait, behaviour, correlations
from scipy.stats import binomtest
from tables import csv_of

from rulesearch.report.style import BLUE, GREY, ORANGE, new_figure, panel, save_figure
from rulesearch.tasks.recurrent import KINDS
from rulesearch.writing import write_text

RULES, SIZES, COUNTS, PAGE = "rules.csv", "sizes.csv", "counts.json", "README.md"
SHARED, CORRELATIONS = "shared.png", "correlations.png"
_LISTED = 40
_BANDS = ((0.1, 0.9, 0.2), (0.25, 0.75, 0.35))
"""Quantiles over sets between which bands are drawn, and how dark these are."""
Portraits = Sequence[Mapping[str, Portrait]]
Row = Mapping[str, Any]


def share(number: int, of: int) -> str:
    """Return a count with its exact 95 % interval (Clopper & Pearson 1934)."""
    if not of:
        return "none"
    interval = binomtest(number, of).proportion_ci(0.95, "exact")
    return f"{number} of {of} ({number / of:.0%}, 95 % interval {interval.low:.0%} to {interval.high:.0%})"


def write_report(
    out: Path,
    command: str,
    rows: Sequence[Row],
    sizes: Sequence[Row],
    counts: Mapping[str, Any],
    found: Portraits,
    drawn: Portraits,
) -> None:
    """Write all that came out.

    **Arguments:** `rows`: of each stable set; `sizes`: of each set that was tried at both sizes; `found` and `drawn`:
    portraits of stable sets, and of random sets that were not plausible.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / RULES, _table(rows))
    write_text(out / SIZES, _table(sizes))
    write_text(out / COUNTS, json.dumps(counts, indent=1) + "\n")
    signs = [*_sign_lines(found, drawn)] if found else []
    write_text(out / PAGE, _page(command, rows, counts, signs, Counter(map(behaviour, found))))
    if found:
        _draw_shared(found, drawn, out / SHARED)
        _draw_correlations(found, out / CORRELATIONS)


def _table(rows: Sequence[Row]) -> str:
    return csv_of(rows, list(rows[0]) if rows else ["rules"])


def _page(
    command: str, rows: Sequence[Row], counts: Mapping[str, Any], signs: Sequence[str], behaviours: Counter[str]
) -> str:
    lines = [
        "# Sets of four rules",
        "",
        "Rules for all four kinds of synapses of a recurrent network that keep it plausible, and what they remember.",
        "Written by",
        "",
        "```sh",
        command,
        "```",
        "",
        "| what | how many |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in counts.items()),
        "",
        "## What they agree on",
        "",
        "How the mean drift of each kind, between independent Poisson spikes, changes where the network is, and the",
        "area of the window of a pair: how many sets have it below, at and above 0. `drawn`: random sets of the same",
        "grammar that ran to their end and were not plausible.",
        "",
        "| kind | quantity | found: below, at, above 0 | median | drawn: below, at, above 0 |",
        "|---|---|---|---|---|",
        *signs,
        "",
        f"![windows and drifts]({SHARED})",
        f"![correlations]({CORRELATIONS})",
        "",
        "## What they do",
        "",
        f"By these signs there are {len(behaviours)} behaviours, of {behaviours.total()} sets:",
        "",
        "| behaviour: drift of each kind with pre, post and weight | sets |",
        "|---|---|",
        *(f"| {name} | {number} |" for name, number in behaviours.most_common(_LISTED)),
        "",
        "## The smallest",
        "",
        "| size | memory after 10 s | p (Holm) | set |",
        "|---|---|---|---|",
        *(f"| {row['size']} | {row['memory 10 s']} | {row['p 10 s']} | `{row['rules']}` |" for row in rows[:_LISTED]),
    ]
    return "\n".join(lines) + "\n"


def _sign_lines(found: Portraits, drawn: Portraits) -> list[str]:
    lines = []
    for kind in KINDS:
        for name, meaning in QUANTITIES.items():
            counted = [Counter(each[kind].signs[name] for each in group) for group in (found, drawn)]
            told = [", ".join(str(count[sign]) for sign in (-1, 0, 1)) for count in counted]
            median = float(np.median([each[kind].sizes[name] for each in found]))
            lines.append(f"| {kind} | {meaning} | {told[0]} | {median:.2g} | {told[1]} |")
    return lines


def _draw_shared(found: Portraits, drawn: Portraits, path: Path) -> None:
    """Draw the window and the drift of each kind: medians and bands over sets."""
    figure = new_figure(2.9 * len(KINDS), 5.4)
    panels = figure.subplots(2, len(KINDS), sharey="row")
    for column, kind in enumerate(KINDS):
        window, drift = panels[0, column], panels[1, column]
        for group, colour, label in ((drawn, GREY, "drawn"), (found, BLUE, "found")):
            if group:
                _bands(window, 1e3 * DELAYS, np.array([each[kind].window for each in group]), colour, label, split=True)
                _bands(drift, FACTORS, np.array([each[kind].drift for each in group]), colour, label)
        first = column == 0
        panel(
            window, r"$t_{\mathrm{post}} - t_{\mathrm{pre}}$ [ms]", "change of a pair / largest" if first else "", kind
        )
        panel(drift, "postsynaptic rate / its own", "mean drift D/S" if first else "", "")
        drift.set_xscale("log", base=2)
        drift.set_ylim(-2.0, 2.0)
        drift.axvline(1.0, color=GREY, linewidth=0.6)
        for axes in (window, drift):
            axes.axhline(0.0, color=GREY, linewidth=0.6)
    panels[0, 0].legend(fontsize=7, frameon=False)
    figure.suptitle(
        f"{len(found)} found sets, {len(drawn)} drawn ones that are not plausible: medians, and bands with 50 and 80 % "
        "of the sets",
        fontsize=8,
    )
    save_figure(figure, path)


def _bands(
    axes: Any,
    at: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    colour: str,
    label: str,
    split: bool = False,
) -> None:
    """Draw medians and bands of `values` `(sets, places)`; `split`: nothing is drawn across 0."""
    for part in (at < 0.0, at > 0.0) if split else (np.ones(len(at), bool),):
        here = values[:, part]
        for low, high, dark in _BANDS:
            edges = np.quantile(here, (low, high), axis=0)
            axes.fill_between(at[part], *edges, color=colour, alpha=dark, linewidth=0)
        axes.plot(at[part], np.median(here, axis=0), color=colour, linewidth=1.6, label=label)
        label = "_"


def _draw_correlations(found: Portraits, path: Path) -> None:
    """Draw the rank correlation over sets of each two quantities; small ones are left white."""
    names, values = correlations(found)
    noise = 2.0 / np.sqrt(len(found))
    figure = new_figure(7.2, 6.4)
    axes = panel(figure.subplots(), "", "", f"rank correlations over {len(found)} sets, above {noise:.2g} in size")
    image = axes.imshow(np.where(np.abs(values) > noise, values, 0.0), cmap="PuOr", vmin=-1.0, vmax=1.0)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    for edge in range(len(QUANTITIES), len(names), len(QUANTITIES)):
        axes.axhline(edge - 0.5, color=ORANGE, linewidth=0.8)
        axes.axvline(edge - 0.5, color=ORANGE, linewidth=0.8)
    figure.colorbar(image, ax=axes, shrink=0.7)
    save_figure(figure, path)
