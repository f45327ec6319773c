"""The commands about measurements: a form fitted to a table, what rules predict, and which experiment decides."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rulesearch.cli.arguments import (
    ErrorOption,
    GapsOption,
    GroupOption,
    IgnoreOption,
    JsonOption,
    RuleArgument,
    TargetOption,
    whole,
)
from rulesearch.cli.output import number, print_json, show_facts, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rulesearch.workflow.decided import Choice
    from rulesearch.workflow.fitted import Fitted

_EVERY_ROW = 60


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        "fit",
        short_help="Fit the constants of a rule to a table of measurements.",
        epilog="Example: rulesearch fit triplet protocols.csv --own A_plus,A_minus",
    )(fit)
    app.command(
        "predict",
        short_help="Predict the change under another protocol, with an interval.",
        epilog="Example: rulesearch predict triplet --table protocols.csv --pre 0 --post 10 --repeats 60 --every 50",
    )(predict)
    app.command(
        "decide",
        short_help="Rank protocols by what they would tell of which rule it is.",
        epilog="Example: rulesearch decide triplet stdp-pair --table protocols.csv",
    )(decide)


_RulesArgument = Annotated[
    list[str], typer.Argument(metavar="RULE…", help="Rules, or the folder of a run on measurements, for its front.")
]
_TableOption = Annotated[
    str | None,
    typer.Option("--table", metavar="TABLE", help="What rules are fitted to; of a run, its own if not given."),
]
_OwnOption = Annotated[
    list[str] | None, typer.Option("--own", metavar="NAME,…", help="Numbers that each preparation has for itself.")
]
_FixedOption = Annotated[
    list[str] | None, typer.Option("--fixed", metavar="NAME=VALUE,…", help="Numbers that are held: tau_x=16.8ms.")
]
_TableRepeats = Annotated[
    float | None, typer.Option("--table-repeats", metavar="N", help="Repeats of rows of the table that tell none.")
]
_TableEvery = Annotated[
    float | None, typer.Option("--table-every", metavar="MS", help="Time between repeats of rows that tell none.")
]
_BeforeOption = Annotated[
    float | None,
    typer.Option("--before", metavar="W", help="Weight before protocols in the rule's unit; else 1, no bounds."),
]
_PreparationOption = Annotated[
    str, typer.Option("--preparation", metavar="NAME", help="The preparation whose own numbers count.")
]


def fit(
    rule: RuleArgument,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table of protocols, or of what changes depend on.")],
    target: TargetOption = None,
    own: _OwnOption = None,
    fixed: _FixedOption = None,
    error: ErrorOption = None,
    ignore: IgnoreOption = None,
    gaps: GapsOption = None,
    group: GroupOption = None,
    repeats: Annotated[float | None, typer.Option(metavar="N", help="How often each protocol was repeated.")] = None,
    every: Annotated[float | None, typer.Option(metavar="MS", help="Time from one repeat to the next.")] = None,
    before: _BeforeOption = None,
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
        group=group,
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
    from rulesearch.wording import counted
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
        judged = f"mean z² {number(each.z2)}, elpd {number(each.elpd)} ± {number(each.elpd_se)}"
        if count := int(each.open.sum()):
            judged += f"; {counted(count, 'row')} left open by the others, counted as no change"
        facts.append((f"{each.by} left out", judged if math.isfinite(each.elpd) else "none: too few others"))
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
        first = found.predictions[0]
        left = ["open" if free else number(out) for out, free in zip(first.predictions, first.open, strict=True)]
        words = data.words or [""] * len(data.changes)
        rows = zip(data.labels, data.changes, data.sem, fit.predictions, fit.residuals, left, words, strict=True)
        show_table(
            ["row", "measured", "s.e.m.", "fitted", "z", "left out"],
            [
                [str(label), word or number(change), number(sem), number(predicted), number(z), out]
                for label, change, sem, predicted, z, out, word in rows
            ],
        )


def predict(
    rules: _RulesArgument,
    table: _TableOption = None,
    pre: Annotated[str, typer.Option(metavar="MS,MS,…", help="Presynaptic spike times of one repeat [ms].")] = "",
    post: Annotated[str, typer.Option(metavar="MS,MS,…", help="Postsynaptic spike times of one repeat [ms].")] = "",
    repeats: Annotated[int, typer.Option(parser=whole(), metavar="N", help="How often the spikes come.")] = 1,
    every: Annotated[float | None, typer.Option(metavar="MS", help="Time from one repeat to the next [ms].")] = None,
    protocols: Annotated[
        str | None, typer.Option(metavar="FILE", help="A table of protocols to predict, in place of one.")
    ] = None,
    target: TargetOption = None,
    own: _OwnOption = None,
    fixed: _FixedOption = None,
    error: ErrorOption = None,
    ignore: IgnoreOption = None,
    gaps: GapsOption = None,
    group: GroupOption = None,
    before: _BeforeOption = None,
    table_repeats: _TableRepeats = None,
    table_every: _TableEvery = None,
    preparation: _PreparationOption = "",
    level: Annotated[float, typer.Option(metavar="SHARE", help="Of draws that intervals hold.")] = 0.9,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="Of starts and draws.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Predict the change under a protocol that was not measured, by rules that are fitted to a table.

    Within a rule the draws from its posterior count, between rules weights under which they predict left-out rows best
    together. Intervals are of the true change: a new measurement scatters about it besides.
    """
    import rulesearch as rs
    from rulesearch.cli.rule_commands import read_times

    found = rs.predict(
        rules,
        table,
        pre=read_times(pre, "--pre"),
        post=read_times(post, "--post"),
        repeats=repeats,
        every=every,
        protocols=protocols,
        preparation=preparation,
        level=level,
        seed=seed,
        target=target,
        own=own or (),
        fixed=fixed or (),
        error=error,
        ignore=ignore or (),
        gaps=gaps,
        group=group,
        before=before,
        table_repeats=table_repeats,
        table_every=table_every,
    )
    if as_json:
        print_json(found.to_json())
        return
    show_facts([("table", found.table)])
    print()
    show_table(
        ["rule", "weight", "elpd", "± s.e."],
        [
            [
                each.name,
                "refuted" if each.refuted else number(each.weight),
                number(each.left_out.elpd),
                number(each.left_out.elpd_se),
            ]
            for each in found.survivors
        ],
    )
    print()
    several = sum(not each.refuted for each in found.survivors) > 1
    share = f"{100.0 * level:g} % interval"
    rows = []
    for row in found.rows:
        rows.append([row.label, "all rules" if several else "", number(row.mean), f"{row.low:.3g} to {row.high:.3g}"])
        if several:
            rows += [
                ["", name, number(mean), f"{low:.3g} to {high:.3g}"] for name, (mean, low, high) in row.by_rule.items()
            ]
    show_table(["protocol", "rule", "change", share], rows)
    if found.warning:
        print(f"\n{found.warning}")


def decide(
    rules: _RulesArgument,
    table: _TableOption = None,
    candidates: Annotated[
        str | None, typer.Option(metavar="FILE", help="A table of protocols that can be done; else many usual ones.")
    ] = None,
    pairs: Annotated[
        int, typer.Option(parser=whole(), metavar="N", help="How often pairs and triplets come in the usual ones.")
    ] = 60,
    repeats: Annotated[
        float | None, typer.Option(metavar="N", help="Repeats of rows of --candidates that tell none.")
    ] = None,
    every: Annotated[
        float | None, typer.Option(metavar="MS", help="Time between repeats of rows of --candidates that tell none.")
    ] = None,
    target: TargetOption = None,
    own: _OwnOption = None,
    fixed: _FixedOption = None,
    error: ErrorOption = None,
    ignore: IgnoreOption = None,
    gaps: GapsOption = None,
    group: GroupOption = None,
    before: _BeforeOption = None,
    table_repeats: _TableRepeats = None,
    table_every: _TableEvery = None,
    preparation: _PreparationOption = "",
    most: Annotated[int, typer.Option(parser=whole(1), metavar="N", help="Protocols that are shown.")] = 10,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="Of starts and draws.")] = 1,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="A table of all protocols, as CSV.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rank protocols by what measuring them would tell of which family of rules it is.

    Rules that the table refutes are left out; those that no protocol tells apart with a hundred cells are one family.
    Information is that of as many cells as a row of the table has, in bits; cells are how many make the true family
    95 % probable in the mean.
    """
    import rulesearch as rs
    from rulesearch.errors import RulesearchError

    if output is not None:
        if not Path(output).parent.is_dir():
            raise RulesearchError(f"there is no folder {Path(output).parent}; make it first, or choose another place")
        if Path(output).is_dir():
            raise RulesearchError(f"{output} is a folder; give the name of a file in it")
    found = rs.decide(
        rules,
        table,
        candidates=candidates,
        pairs=pairs,
        repeats=repeats,
        every=every,
        preparation=preparation,
        seed=seed,
        target=target,
        own=own or (),
        fixed=fixed or (),
        error=error,
        ignore=ignore or (),
        gaps=gaps,
        group=group,
        before=before,
        table_repeats=table_repeats,
        table_every=table_every,
    )
    if output is not None:
        found.write(Path(output))
    if as_json:
        print_json(found.to_json())
        return
    show_facts(
        [("table", found.table), ("a cell scatters by", f"{number(found.single)}; a row has {found.n:g} of them")]
    )
    print()
    letters = {each.name: chr(ord("A") + place % 26) for place, each in enumerate(found.families)}
    rows = [
        [letters[each.name] if place == 0 else "", rule, number(each.weight) if place == 0 else ""]
        for each in found.families
        for place, rule in enumerate(each.rules)
    ]
    rows += [["refuted", each.name, ""] for each in found.survivors if each.refuted]
    show_table(["family", "rules", "weight"], rows)
    print()
    if found.warning:
        print(f"{found.warning}\n")
    if len(found.families) == 1 and len(found.families[0].rules) == 1:
        print("one rule is left: the table refutes all others")
    elif len(found.families) == 1:
        print("no protocol of these tells the rules apart that are left, not with a hundred cells: they are one family")
    else:
        _show_choices(found.choices[:most], letters)
    if output is not None:
        print(f"\nwrote {output}")


def _show_choices(choices: Sequence[Choice], letters: Mapping[str, str]) -> None:
    show_table(
        ["protocol", "bits", "cells", *letters.values()],
        [
            [
                each.protocol.label,
                number(each.information),
                "more than 1,000" if each.cells is None else str(each.cells),
                *(f"{each.predictions[name][0]:.2g}" for name in letters),
            ]
            for each in choices
        ],
    )
