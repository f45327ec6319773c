"""The command that asks whether a rule holds when the experiment is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rulesearch.cli.arguments import (
    JsonOption,
    RuleArgument,
    SetOption,
    TaskOption,
    read_rule,
    read_settings,
    whole,
)
from rulesearch.cli.output import notify, number, print_json, show_facts, show_table

if TYPE_CHECKING:
    from rulesearch.workflow.stress import Standing, StressRow, StressTest


_BESIDE = 2


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "stress",
        short_help="Say whether a rule holds when the experiment is changed.",
        epilog='Example: rulesearch stress "y*(x - w*y)" --task oja',
    )(stress)


def stress(
    rule: RuleArgument,
    task: TaskOption,
    seeds: Annotated[
        int | None, typer.Option(parser=whole(1), metavar="N", help="Held-out seeds; by default those of a report.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CONDITION", help="A condition by name; may be repeated.")
    ] = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a rule holds when the experiment is changed, beside the task's known rule, on held-out seeds.

    Conditions: a halved time step, twice the network, ten times as long, other initial weights, other input rates,
    noise in the weights, one in ten synapses missing, each where the task has it; plasticity frozen, which must fail;
    and activity of one side of a synapse alone, under which weights must not run away. A rule passes where it meets the
    task's requirements, does better than frozen weights, and is as good as the known rule under the same condition.
    """
    import rulesearch as rs
    from rulesearch.tasks.registry import load_task

    on = load_task(task)
    rules = read_rule(rule, on)
    found = rs.stress(rules, on, read_settings(settings), seeds, only or (), notify)
    if as_json:
        print_json(stress_document(found))
        return
    show_facts(
        [
            ("rule", found.rule),
            ("task", f"{on.name}: {on.title}"),
            ("losses", f"on {found.on}"),
            ("verdict", found.sentence()),
        ]
    )
    print()
    required = [item.metric for item in on.requirements]
    # There is room for two metrics of each; the document has all.
    beside = required if len(required) <= _BESIDE else []
    headings = ["condition", "changed", "rule", "loss", *required, found.known_rule, "loss", *beside, "why it fails"]
    simulated = [row for row in found.rows if row.rule is not None and not row.rule.weights]
    alone = [row for row in found.rows if row.rule is not None and row.rule.weights]
    show_table(headings, [_cells(row, required, beside) for row in simulated])
    if alone:
        print()
        headings = ["condition", "changed", "rule", "weight", found.known_rule, "weight", "why it fails"]
        show_table(headings, [_cells(row, [], []) for row in alone])
    others = [row for row in found.rows if row.reason]
    if others:
        print()
        show_table(["not tried", "change", "why"], [[row.condition, row.changed or "-", row.reason] for row in others])


def _cells(row: StressRow, metrics: list[str], beside: list[str]) -> list[str]:
    why = "" if row.rule is None else row.rule.why
    return [row.condition, row.changed, *_standing(row.rule, metrics), *_standing(row.known, beside), why]


def _standing(standing: Standing | None, metrics: list[str]) -> list[str]:
    if standing is None:
        return ["-"] * (2 + len(metrics))
    if standing.weights:
        return [standing.verdict, standing.weights_text()]
    return [standing.verdict, number(standing.loss), *(number(standing.metrics.get(name)) for name in metrics)]


def stress_document(found: StressTest) -> dict[str, Any]:
    """Return the JSON document of a stress test."""
    return {
        "task": found.task,
        "rule": found.rule,
        "known_rule": found.known_rule,
        "on": found.on,
        "holds": found.holds,
        "summary": found.sentence(),
        "conditions": [
            {
                "condition": row.condition,
                "changed": row.changed,
                "changes": {name: {"before": pair[0], "after": pair[1]} for name, pair in row.changes.items()},
                "reason": row.reason or None,
                "rule": _standing_document(row.rule),
                "known": _standing_document(row.known),
            }
            for row in found.rows
        ],
    }


def _standing_document(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    return {
        "verdict": standing.verdict,
        "why": standing.why,
        "status": standing.status,
        "loss": standing.loss,
        "metrics": dict(standing.metrics),
        "weights": {name: {"before": pair[0], "after": pair[1]} for name, pair in standing.weights.items()},
    }
