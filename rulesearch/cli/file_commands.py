"""Commands that write files: export, report, cite, plot."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rulesearch.cli.arguments import (
    JsonOption,
    MaybeTask,
    OutputOption,
    SetOption,
    read_rule,
    read_settings,
    read_task,
    whole,
)
from rulesearch.cli.output import notify, print_json
from rulesearch.errors import RulesearchError

if TYPE_CHECKING:
    from rulesearch.rules import RuleSet
    from rulesearch.tasks.task import Task
    from rulesearch.workflow.run import Run

RuleOrRun = Annotated[
    str, typer.Argument(metavar="RULE", help="Rule text, a known rule's name, rule.json, RUN:RANK, or a run folder.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        "export",
        short_help="Write a rule or a run for papers and programs.",
        epilog="Example: rulesearch export oja --format python -o oja_rule.py",
    )(export)
    app.command(
        "report",
        short_help="Write the page of a run.",
        epilog="Example: rulesearch report results/oja --open",
    )(report)
    app.command("cite", short_help="BibTeX for a rule or a run.", epilog="Example: rulesearch cite oja")(cite)
    app.command(
        "plot",
        short_help="Draw rules, what one does on a task, or a run.",
        epilog="Example: rulesearch plot stdp-pair vogels -o windows.png",
    )(plot)


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run folder.")],
    open_page: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write report.html into a run folder: one page with what was found, why to believe it, and how to cite it.

    What the page tells of each rule (without its parts, with other constants, over time) is simulated on held-out seeds
    the first time and kept in the run's store. Figures go into figures/ as SVG and PDF.
    """
    import rulesearch as rs
    from rulesearch.workflow.evidence import can_be_gathered
    from rulesearch.workflow.run import Run

    opened = Run.open(run.strip())
    path = rs.write_report(opened)
    if as_json:
        print_json({"run": run, "file": str(path)})
    else:
        print(f"wrote {path}")
    if not can_be_gathered(opened):
        notify(f"what each part of a rule does is not on the page: rulesearch resume {run} adds that")
    if open_page:
        import webbrowser

        if not webbrowser.open(path.resolve().as_uri()):
            notify(f"there is no browser here that could show it; open {path.resolve()}")


def read_rules_or_run(argument: str, task: Task | None = None) -> RuleSet | Run:
    """Return the run where the argument is a folder, else the rules that it stands for; raises `RulesearchError`."""
    run = _run_of(argument)
    return read_rule(argument, task) if run is None else run


def _run_of(argument: str) -> Run | None:
    """Return the run where the argument is a folder and no known rule is called so."""
    if not os.path.isdir(argument.strip()):
        return None
    from rulesearch.rules import find_known
    from rulesearch.workflow.run import Run

    return Run.open(argument.strip()) if find_known(argument) is None else None


def export(
    rule: RuleOrRun,
    format: Annotated[
        str,
        typer.Option(
            metavar="FORMAT", help="Of a rule: latex, json, python, sympy, brian2, nestml; of a run: latex, csv."
        ),
    ] = "latex",
    output: OutputOption = None,
    task: MaybeTask = None,
    settings: SetOption = None,
    eta: Annotated[float | None, typer.Option(metavar="RATE", help="The learning rate.")] = None,
    bounds: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH", help="Bounds of the weight, such as 0,1 or 0,inf.")
    ] = None,
    inhibitory: Annotated[bool | None, typer.Option("--inhibitory/--excitatory", help="What the synapses do.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a rule, or the front of a run, for papers and programs; without a file to standard output.

    A rule of a run goes out with the learning rate and the bounds of its task, any other with those of --task, --eta
    and --bounds. A script of a simulator needs both: its first line says where neither the rule nor you gave them. Of a
    known rule it takes those of the task that the rule solves.
    """
    import rulesearch as rs
    from rulesearch.writing import write_text

    on = read_task(task)
    if on is None and settings:
        raise RulesearchError("--set changes the settings of a task; name the task: --task oja")
    run = _run_of(rule)
    text = rs.export(
        # The text says which run a rule is from.
        rule.strip() if run is None else run,
        format,
        on,
        read_settings(settings),
        eta=eta,
        bounds=None if bounds is None else read_bounds(bounds),
        inhibitory=inhibitory,
        notify=notify,
    )
    if output is not None:
        write_text(Path(output), text)
    if as_json:
        print_json({"format": format, "file": output, "text": text})
    elif output is None:
        sys.stdout.write(text)
    else:
        notify(f"wrote {output}")


def read_bounds(text: str) -> tuple[float, float]:
    """Return the numbers of `0,1` or `[0, inf]`; raises `RulesearchError`."""
    words = text.strip().removeprefix("[").removesuffix("]").split(",")
    try:
        low, high = (float(word) for word in words)
    except ValueError:
        raise RulesearchError(f"--bounds takes two numbers, such as 0,1 or 0,inf; found {text!r}") from None
    return low, high


def cite(rule: RuleOrRun, as_json: JsonOption = False) -> None:
    """Print BibTeX: for the known rules that a rule is, or has the terms of; for a run also its task and tools."""
    import rulesearch as rs

    found = rs.cite(read_rules_or_run(rule))
    if as_json:
        print_json({"entries": [{"key": each.key, "why": each.why, "bibtex": each.bibtex} for each in found]})
        return
    if len(found) == 1:
        notify("the rule has the terms of no known rule")
    for each in found:
        print(f"% {each.why}\n{each.bibtex}\n")


def plot(
    rules: Annotated[
        list[str],
        typer.Argument(metavar="RULE...", help="One rule, or several to draw side by side; or a run folder."),
    ],
    task: MaybeTask = None,
    output: OutputOption = None,
    settings: SetOption = None,
    first_seed: Annotated[
        int | None, typer.Option(parser=whole(0), metavar="K", help="The seed that is simulated with a task; 0.")
    ] = None,
    weight: Annotated[
        float, typer.Option("--w0", metavar="W", help="The weight before the spikes of an STDP window.")
    ] = 0.5,
    as_json: JsonOption = False,
) -> None:
    """Draw a rule: its STDP window or its weight change over x and y; with a task, what the simulation did.

    Several rules stand side by side on the same axes. A run folder gives its front: loss against size, with the
    equations. The suffix of the file (png, svg, pdf) chooses the format; without -o the file is figure.png, and
    figures/front.png in a run folder.
    """
    import rulesearch as rs
    from rulesearch.report.style import save_figure

    on = read_task(task)
    if on is None and settings:
        raise RulesearchError("--set changes the settings of a task; name the task: --task oja")
    if on is None and first_seed is not None:
        raise RulesearchError("--first-seed is simulated on a task; name the task: --task oja")
    found = [read_rules_or_run(each, on) for each in rules]
    drawn: list[RuleSet | Run] = [each for each in found if not _is_rules(each)]
    if drawn and (len(found) > 1 or on is not None):
        raise RulesearchError("a run folder is drawn by itself, without a task; a rule of it is given as RUN:1")
    texts = [rule.strip() for rule in rules]
    figure = rs.plot(drawn or texts, on, read_settings(settings), first_seed=first_seed or 0, weight=weight)
    target = Path("figure.png" if output is None else output)
    if drawn and output is None:
        target = Path(rules[0].strip()) / "figures" / "front.png"
        _make_folder(target.parent)
    save_figure(figure, target)
    if as_json:
        print_json({"file": str(target)})
    else:
        print(f"wrote {target}")


def _is_rules(found: object) -> bool:
    from rulesearch.rules import RuleSet

    return isinstance(found, RuleSet)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RulesearchError(f"the folder {folder} cannot be made: {error.strerror}") from None
