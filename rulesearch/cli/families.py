"""The command that shows families of rules over one or many runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rulesearch.cli.arguments import JsonOption, OutputOption, whole
from rulesearch.cli.output import notify, number, print_json, show_table

if TYPE_CHECKING:
    from rulesearch.workflow.families import Family

_SHOWN = 30


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "families",
        short_help="Rules of runs that are the same up to constants.",
        epilog="Example: rulesearch families results/oja -o families.png",
    )(families)


def families(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run folders.")],
    count: Annotated[
        int, typer.Option("-n", parser=whole(0), metavar="N", help="Best rules of each search besides its front.")
    ] = 100,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Group the rules that searches found by their terms: what is the same up to constants, and what is one term away.

    With -o, draw the graph of neighbours.
    """
    import rulesearch as rs
    from rulesearch.workflow.families import neighbours

    opened = [rs.Run.open(folder.strip()) for folder in runs]
    found = rs.families(*opened, count=count)
    shown = found[:_SHOWN]
    graph = neighbours(shown)
    if output is not None:
        from rulesearch.report import figures

        tasks = ", ".join(dict.fromkeys(run.experiment.task for run in opened))
        title = f"{len(found)} families of rules found on {tasks} in {len(opened)} run{'s' * (len(opened) > 1)}"
        title += f"; the best {_SHOWN}" if len(found) > _SHOWN else ""
        figures.save_figure(figures.family_figure(shown, title), Path(output))
        notify(f"wrote {output}")
    near = [sorted(graph.neighbors(place)) for place in range(len(shown))]
    if as_json:
        listed = [
            {
                "family": place + 1,
                "terms": family.text,
                "known": family.known,
                "loss": family.loss,
                "size": family.size,
                "rules": len(family.members),
                "runs": family.runs,
                "best": str(family.members[0].rules),
                "neighbours": [each + 1 for each in near[place]],
                **_by_rule(family, [graph.edges[place, each]["rule"] for each in near[place]]),
            }
            for place, family in enumerate(shown)
        ]
        print_json({"families": listed, "number": len(found)})
        return
    rows = [
        [
            str(place + 1),
            family.text,
            number(family.loss),
            str(family.size),
            str(len(family.members)),
            str(family.runs),
            " ".join(_neighbour(each + 1, graph.edges[place, each]["rule"]) for each in near[place]),
            family.known_as,
        ]
        for place, family in enumerate(shown)
    ]
    show_table(["", "terms", "best loss", "size", "rules", "runs", "one term away", "known as"], rows)
    if len(found) > _SHOWN:
        print(f"and {len(found) - _SHOWN} more families")


def _by_rule(family: Family, differ_in: list[str]) -> dict[str, Any]:
    """Return what is said of the rules of a set: in which one each neighbour differs, and what each is known as."""
    if len(family.members[0].rules.rules) == 1:
        return {}
    return {"differ_in": differ_in, "known_by_rule": dict(family.known_by_rule)}


def _neighbour(number: int, rule: str) -> str:
    return f"{number} ({rule})" if rule else str(number)
