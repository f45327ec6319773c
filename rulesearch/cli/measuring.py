"""The commands about measurements: a form fitted to a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rulesearch.cli.arguments import JsonOption, RuleArgument, whole
from rulesearch.cli.output import number, print_json, show_facts, show_table

if TYPE_CHECKING:
    from rulesearch.workflow.fitted import Fitted

_EVERY_ROW = 60


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        "fit",
        short_help="Fit the constants of a rule to a table of measurements.",
        epilog="Example: rulesearch fit triplet protocols.csv --own A_plus,A_minus",
    )(fit)


def fit(
    rule: RuleArgument,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table of protocols, or of what changes depend on.")],
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The weight changes; of protocols: change, if none is given.")
    ] = None,
    own: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,…", help="Numbers that each preparation has for itself: A_plus,tau_x."),
    ] = None,
    fixed: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE,…", help="Numbers that are held: tau_x=16.8ms.")
    ] = None,
    error: Annotated[str | None, typer.Option(metavar="COLUMN", help="The standard errors of the changes.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="COLUMN,…", help="Columns to leave out.")] = None,
    gaps: Annotated[str | None, typer.Option(metavar="skip", help="Leave out rows that lack a value.")] = None,
    repeats: Annotated[float | None, typer.Option(metavar="N", help="How often each protocol was repeated.")] = None,
    every: Annotated[float | None, typer.Option(metavar="MS", help="Time from one repeat to the next.")] = None,
    before: Annotated[
        float | None,
        typer.Option(metavar="W", help="The weight before protocols in the rule's unit; else 1, and no bounds."),
    ] = None,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="Of the points that fits start from.")] = 1,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="A figure: predicted against measured.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the constants of a rule to a table: with intervals, what the data leave open, and how well it predicts.

    Constants that have names, time constants and, where the rule gives none, the learning rate are fitted. Intervals
    are 95 % ones by profile likelihood; a number without an end there is not determined by the data. Rows are left out
    in turn, and predicted by the rule fitted to the others.
    """
    import rulesearch as rs

    if output is not None:
        from rulesearch.report.style import check_figure_file

        check_figure_file(Path(output))
    found = rs.fit(
        rule,
        table,
        target,
        own=own or (),
        fixed=fixed or (),
        error=error,
        ignore=ignore or (),
        gaps=gaps,
        repeats=repeats,
        every=every,
        before=before,
        seed=seed,
    )
    if output is not None:
        from rulesearch.report.measured_figure import measured_figure
        from rulesearch.report.style import save_figure

        save_figure(measured_figure(found), Path(output))
    if as_json:
        print_json(found.to_json())
        return
    _show(found)
    if output is not None:
        print(f"\nwrote {output}")


def _show(found: Fitted) -> None:
    from rulesearch.workflow.fitted import shown_number

    data, fit = found.found.data, found.found
    rules = found.rules
    facts = [("rule", found.rule), ("table", f"{found.table}, {len(data.changes)} rows")]
    facts += [(f"fitted{f', {name}' if len(rules) > 1 else ''}", str(each)) for name, each in rules.items()]
    facts.append(("mean z²", number(fit.z2)))
    if fit.noise is not None:
        grows = f", and {fit.noise.growth:.2g} of the change" if fit.noise.growth else ""
        facts.append(("noise", f"not told; estimated: {fit.noise.base:.3g}{grows}, with heavy tails"))
    facts.append(("log likelihood", number(fit.log_likelihood)))
    for each in found.predictions:
        facts.append(
            (f"{each.by} left out", f"mean z² {number(each.z2)}, elpd {number(each.elpd)} ± {number(each.elpd_se)}")
        )
    show_facts(facts)
    print()
    show_table(
        ["number", "value", "95 % interval", ""],
        [
            [
                each.label,
                shown_number(each.label, each.value),
                f"{shown_number(each.label, each.low)} to {shown_number(each.label, each.high)}",
                "" if each.identifiable else "not determined by the data",
            ]
            for each in found.numbers
        ],
    )
    if len(data.changes) <= _EVERY_ROW:
        print()
        left = found.predictions[0].predictions
        words = data.words or [""] * len(data.changes)
        rows = zip(data.labels, data.changes, data.sem, fit.predictions, fit.residuals, left, words, strict=True)
        show_table(
            ["row", "measured", "s.e.m.", "fitted", "z", "left out"],
            [
                [str(label), word or number(change), number(sem), number(predicted), number(z), number(out)]
                for label, change, sem, predicted, z, out, word in rows
            ],
        )
