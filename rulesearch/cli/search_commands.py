"""Commands that search: discover, resume."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rulesearch.cli.arguments import ErrorOption, GapsOption, GroupOption, IgnoreOption, JsonOption, TargetOption, whole
from rulesearch.cli.output import notify, number, print_json, show_facts
from rulesearch.cli.search_options import takes_search_options
from rulesearch.errors import RulesearchError
from rulesearch.interruption import CODE, asked_between_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from rulesearch.workflow.run import Run

WorkersOption = Annotated[
    int,
    typer.Option(
        parser=whole(1),
        metavar="N",
        help="Processes that simulate beside the one that searches; 1: none, but two threads.",
    ),
]
LiveOption = Annotated[bool, typer.Option("--live", help="Keep report.html up to date while it goes on.")]
ReportOption = Annotated[
    bool,
    typer.Option(
        "--report/--no-report",
        help="Write report.html at the end, or leave it to report RUN (of a task that is a Python file: resume RUN "
        "--report).",
    ),
]
OutOption = Annotated[str | None, typer.Option(metavar="DIR", help="The run folder (default: one in results/).")]
SchedulerOption = Annotated[str | None, typer.Option(metavar="ADDR", help="Address of a Dask scheduler.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        "discover",
        short_help="Search for rules that solve a task.",
        epilog="Example: rulesearch discover oja --budget 2000 --seed 3",
    )(discover)
    app.command(
        "distil",
        short_help="Find the rule behind a table of weight changes.",
        epilog="Example: rulesearch distil changes.csv --target dw",
    )(distil)
    app.command("resume", short_help="Go on where a run stopped.", epilog="Example: rulesearch resume results/my-run")(
        resume
    )


def _no_task(task: str | None) -> None:
    """Tell where the search of a task is described."""
    if task is None:
        return
    from rulesearch.workflow.experiment import experiment_names, load_experiment

    shipped = [name for name in experiment_names() if load_experiment(name).task == task]
    there = f"; there is: rulesearch discover {shipped[0]}" if shipped else ""
    raise RulesearchError(
        f"discover takes an experiment, which says the task, the grammar and the engine{there}; "
        f"write one of your own: rulesearch new experiment my-search --task {task}"
    )


@takes_search_options()
def discover(
    experiment: Annotated[
        str, typer.Argument(metavar="EXPERIMENT", help="A shipped experiment's name, or a TOML file.")
    ],
    changes: Mapping[str, Any],
    task: Annotated[str | None, typer.Option("--task", hidden=True, is_eager=True, callback=_no_task)] = None,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
    out: OutOption = None,
    live: LiveOption = False,
    report: ReportOption = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only predict how long it would take.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Search for rules that solve a task; write everything into a run folder.

    Ctrl-C ends the search with what was found; resume goes on from there.
    """
    from rulesearch import discover as search
    from rulesearch.workflow.discover import predict

    if dry_run:
        if scheduler is not None or workers != 1:
            other = "--workers" if scheduler is None else "--scheduler"
            raise RulesearchError(f"--dry-run predicts what this process alone takes; leave out {other}")
        _show_prediction(predict(experiment, **changes), as_json)
        return
    going = partial(search, experiment, workers=workers, scheduler=scheduler, out=out, **changes)
    _follow(going, Path(experiment).stem, live, report, as_json)


@takes_search_options({"grammar": "A grammar of your own over the columns, a TOML file."}, defaults=True)
def distil(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table with a header: .csv, .tsv, .txt or .dat.")],
    changes: Mapping[str, Any],
    target: TargetOption = None,
    error: ErrorOption = None,
    weight: Annotated[str | None, typer.Option(metavar="COLUMN", help="How much each row weighs.")] = None,
    ignore: IgnoreOption = None,
    gaps: GapsOption = None,
    repeats: Annotated[float | None, typer.Option(metavar="N", help="How often each protocol was repeated.")] = None,
    every: Annotated[float | None, typer.Option(metavar="MS", help="Time from one repeat to the next.")] = None,
    own: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,…", help="What each preparation has for itself: eta, or a kind of constants."),
    ] = None,
    group: GroupOption = None,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
    out: OutOption = None,
    live: LiveOption = False,
    report: ReportOption = True,
    as_json: JsonOption = False,
) -> None:
    """Find the rule behind a table of measured weight changes.

    With columns pre_ms and post_ms (spike times in ms, blanks between) or dt_ms its rows are protocols, and rules of
    spikes are searched. Else the other columns are what changes may be a function of: a fifth of the rows is then held
    out, and the learning rate fitted to each rule. Columns may be separated by commas,
    semicolons, tabs, bars or spaces; a column that is called sem has the standard errors.
    """
    from rulesearch import distil as search

    columns: dict[str, Any] = {"error": error, "weight": weight, "ignore": ignore or (), "gaps": gaps}
    columns |= {"repeats": repeats, "every": every, "own": own or (), "group": group}
    going = partial(search, table, target, workers=workers, scheduler=scheduler, out=out, **columns, **changes)
    _follow(going, Path(table).stem, live, report, as_json)


def resume(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="The run folder.")],
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the task file that the run brings along, wherever it comes from.")
    ] = False,
    live: LiveOption = False,
    report: Annotated[
        bool | None,
        typer.Option("--report/--no-report", help="Write report.html at the end; else as the run was begun."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Go on where a run stopped, to the same result as without the stop.

    A run keeps the files of its task, so that it can go on in any place. A Python file that was not run here before is
    named, and run with --trust only.
    """
    from rulesearch import resume as go_on

    going = partial(go_on, folder, workers=workers, scheduler=scheduler, trust=trust)
    _follow(going, Path(folder).name, live, report, as_json)


def _show_prediction(predicted: dict[str, object], as_json: bool) -> None:
    from rulesearch.cli.live import duration

    if as_json:
        print_json(predicted)
        return
    each, whole = predicted["seconds_per_evaluation"], predicted["predicted_seconds"]
    assert isinstance(each, float) and isinstance(whole, float | int)
    facts = [(name, str(predicted[name])) for name in ("experiment", "task", "engine", "budget")]
    names = {"search": "search", "clean_up": "clean-up", "permuted": "searches on permuted targets", "report": "report"}
    parts = {name: predicted[f"{part}_seconds"] for part, name in names.items()}
    shown = [f"{part} {duration(seconds)}" for part, seconds in parts.items() if isinstance(seconds, float) and seconds]
    show_facts(
        [
            *facts,
            ("seconds per evaluation", number(each, 2)),
            ("predicted time", f"about {duration(whole)}"),
            ("of which", ", ".join(shown)),
        ]
    )


def _follow(search: Callable[..., Run], title: str, live: bool, report: bool | None, as_json: bool) -> None:
    """Run a search with its progress on the screen; show the front as soon as it stands, and what is to be said last.

    **Raises:** `typer.Exit` with the code of an interruption where Ctrl-C ended it.
    """
    from rulesearch.cli.live import LiveView

    with asked_between_steps(), LiveView(title, quiet=as_json) as view:

        def show(run: Run) -> None:
            view.close()
            if as_json:
                print_json(run.to_json())
            else:
                from rulesearch.cli.run_view import show_run

                show_run(run)

        run = search(live=live, report=report, watch=view.watch, notify=view.notify, found=show, failed=notify)
    if not as_json:
        from rulesearch.cli.run_view import show_demands

        show_demands(run)
    if run.status == "interrupted":
        notify(f"interrupted; go on with: rulesearch resume {run.folder}")
        raise typer.Exit(CODE)
