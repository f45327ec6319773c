"""The command that lists runs, and sums them up over seeds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rulesearch.cli.arguments import JsonOption, OutputOption
from rulesearch.cli.output import named_numbers, notify, number, print_json, show_table
from rulesearch.errors import RulesearchError

if TYPE_CHECKING:
    from rulesearch.workflow.compared_runs import Middle, RunGroup

_RESULTS = "results"


def runs(
    folders: Annotated[
        list[str] | None, typer.Argument(metavar="[DIR]...", help="Folders that hold run folders, or run folders.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Sum up runs by experiment and engine, over their seeds.")
    ] = False,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs in a folder (by default results/), with the best rule of each.

    With --compare, a row for each experiment and engine instead: median and quartiles over its runs of the loss of rank
    1, how many solved their task, and distinct rules up to the first that did as well as the known one on the seeds of
    the search; -o draws it.
    """
    if compare:
        _compare_runs(folders or [_RESULTS], output, as_json)
        return
    if output is not None:
        raise RulesearchError("-o draws runs beside each other; type --compare as well")
    from rulesearch.workflow.run import list_runs

    found = []
    for folder in folders or [_RESULTS]:
        if folder != _RESULTS and not os.path.isdir(folder):
            raise RulesearchError(f"there is no folder {folder}")
        found += list_runs(folder)
    if as_json:
        print_json({"runs": found})
    elif not found:
        print(f"no runs in {', '.join(folders or [_RESULTS])}; start one with: rulesearch discover oja")
    else:
        show_table(list(found[0]), [[_cell(value) for value in row.values()] for row in found])


def _compare_runs(places: list[str], output: str | None, as_json: bool) -> None:
    import rulesearch as rs
    from rulesearch.wording import counted
    from rulesearch.workflow.compared_runs import middle, open_runs

    opened, unfinished, damaged = open_runs(places)
    groups = rs.compare_runs(*opened)
    if unfinished:
        notify(f"left out, since they are not concluded: {', '.join(unfinished)}")
    if damaged:
        notify(f"left out, since they are damaged: {', '.join(damaged)}")
    if output is not None:
        from rulesearch.report.figures import runs_figure, save_figure

        save_figure(runs_figure(groups), Path(output))
        notify(f"wrote {output}")
    if as_json:
        print_json({"groups": [_group_document(each) for each in groups], "unfinished": unfinished, "damaged": damaged})
        return
    rows = [
        [
            each.experiment,
            each.engine,
            each.variant,
            str(len(each.runs)),
            _middle(each.loss),
            _middle(each.held_out_loss),
            f"{each.solved} of {len(each.runs)}",
            _middle(middle(each.hits), whole=True),
            f"{len(each.hits)} of {len(each.runs)}",
        ]
        for each in groups
    ]
    heads = ["experiment", "engine", "told", "runs", "loss", "held out", "solved", "first hit", "hit"]
    empty = {"told": "", "held out": _middle(None)}
    shown = [place for place, head in enumerate(heads) if any(row[place] != empty.get(head) for row in rows)]
    show_table([heads[place] for place in shown], [[row[place] for place in shown] for row in rows])
    print("losses are of rank 1, first hits in distinct rules; median (lower to upper quartile)")
    print("a hit is a rule that does as well as the known one by the losses of the search, before any clean-up")
    for each in groups:
        if each.died:
            print(f"{each.label}: rank 1 of {counted(each.died, 'run')} did not run to its end on what was held out")


def _group_document(group: RunGroup) -> dict[str, Any]:
    from rulesearch.workflow.compared_runs import middle

    hits = middle(group.hits)
    spread = {"loss": group.loss, "held_out_loss": group.held_out_loss, "first_hit": hits}
    return {
        "experiment": group.experiment,
        "engine": group.engine,
        "told": group.variant,
        "runs": [str(run.folder) for run in group.runs],
        "seeds": [run.experiment.seed for run in group.runs],
        **{name: None if each is None else each._asdict() for name, each in spread.items()},
        "solved": group.solved,
        "hits": len(group.hits),
    }


def _middle(found: Middle | None, whole: bool = False) -> str:
    if found is None:
        return "-"
    median, low, high = (f"{each:,.0f}" if whole else number(each, 3) for each in found)
    return median if low == high else f"{median} ({low} to {high})"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return number(value)
    return named_numbers(value) if isinstance(value, dict) else "-" if value is None else str(value)
