"""The command that compares a rule with others: verdicts, fixed points, and behaviour on a task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rulesearch.cli.arguments import (
    JsonOption,
    MaybeTask,
    OutputOption,
    RuleArgument,
    SetOption,
    SetsOption,
    read_rule,
    read_settings,
    read_task,
    whole,
)
from rulesearch.cli.output import notify, number, print_json, show_facts, show_table
from rulesearch.errors import RulesearchError

if TYPE_CHECKING:
    from rulesearch.rules import RuleSet
    from rulesearch.symbolic import Verdict
    from rulesearch.workflow.side_by_side import Behaviour

_NEAREST = 3
_SEEDS = 5
_ROWS = 5


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "compare",
        short_help="Say how a rule relates to known rules.",
        epilog='Example: rulesearch compare "x*y - w*y**2" --with hebb --with oja',
    )(compare)


def compare(
    rule: RuleArgument,
    others: Annotated[
        list[str] | None, typer.Option("--with", metavar="RULE", help="A rule to compare with; may be repeated.")
    ] = None,
    task: MaybeTask = None,
    reachable: SetsOption = None,
    settings: SetOption = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            parser=whole(0), metavar="N", help="With a task: seeds of the simulations, 5 (0: simulate nothing)."
        ),
    ] = None,
    output: OutputOption = None,
    show_all: Annotated[bool, typer.Option("--all", help="Show every rule, not the nearest five.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say how a rule relates to known rules, nearest first: identical, equal, the same terms, or different.

    The learning rate is left out. Rules that differ are ordered by what they do: how far apart their changes are, 0 for
    multiples of each other and at most 1, over independent normal values of what they read. With --on, rules that are
    the same on those values count as equal. With a task, rule text is read with its symbols and its default slot, and
    the rule is simulated beside those given by --with, or the task's own known rule and the nearest ones: losses at
    fitted learning rates, the distance over the activity that the task produces, STDP windows. -o draws this, and
    without a task the rules side by side on the same axes.
    """
    import rulesearch as rs

    on = read_task(task)
    if on is None and settings:
        raise RulesearchError("--set changes the settings of a task; name the task: --task oja")
    if on is None and seeds is not None:
        raise RulesearchError("--seeds are those of simulations on a task; name the task: --task oja")
    rules = read_rule(rule, on)
    verdicts = rs.compare(rules, [other.strip() for other in others] if others else None, on, reachable or ())
    points = fixed_point_texts(rules)
    behaviours: list[Behaviour] = []
    count = _SEEDS if seeds is None else seeds
    if on is not None and count:
        if not as_json:
            notify(f"simulating on task {on.name}")
        behaviours = rs.side_by_side(
            rules, others or _nearest(verdicts), on, read_settings(settings), count, with_baseline=not others
        )
    if output is not None:
        from rulesearch.report import figures

        if on is None:
            near = [each for each in _nearest(verdicts) if figures.same_kind(rules, each)]
            figure = rs.plot([rules, *(others or near)])
        else:
            figure = figures.comparison_figure(rules, behaviours)
        figures.save_figure(figure, Path(output))
        notify(f"wrote {output}")
    if as_json:
        print_json(
            {
                "rule": str(rules),
                "verdicts": [verdict_document(verdict) for verdict in verdicts],
                "what_it_does": {each.rule: each.behaviour if each.rank > 2 else 0.0 for each in verdicts},
                "fixed_points": points,
                "behaviour": [behaviour_document(each) for each in behaviours],
            }
        )
        return
    facts = [("rule", str(rules)), ("nearest", verdicts[0].summary if verdicts else "there is no rule to compare with")]
    show_facts([*facts, *[("fixed points", "\n".join(points))] * bool(points)])
    print()
    shown = verdicts if show_all or len(verdicts) <= _ROWS + 1 else verdicts[:_ROWS]
    rows = [
        [each.title, each.verdict, _scale(each), number(each.distance, 3), _behaviour(each), _difference(each)]
        for each in shown
    ]
    show_table(["rule", "verdict", "scale", "distance", "what it does", "difference"], rows)
    if len(shown) < len(verdicts):
        print(f"and {len(verdicts) - len(shown)} more rules; see them with --all")
    if behaviours:
        _show_behaviours(behaviours)


def _nearest(verdicts: list[Verdict]) -> list[str]:
    return [each.rule for each in verdicts if each.distance < 1.0][:_NEAREST]


def fixed_point_texts(rules: RuleSet) -> list[str]:
    """Return the fixed points of each rule as text."""
    from rulesearch.symbolic import fixed_points

    label = "" if len(rules.rules) == 1 else "{}: "
    return [f"{label.format(name)}{point}" for name, rule in rules.rules.items() for point in fixed_points(rule)]


def _show_behaviours(behaviours: list[Behaviour]) -> None:
    names = list(dict.fromkeys(name for each in behaviours for name in each.fitted.metrics))
    print()
    rows = [
        [
            each.label,
            each.outcome.status,
            number(each.outcome.loss),
            number(each.factor, 3),
            number(each.fitted.loss),
            number(each.distance, 3),
            *(number(each.fitted.metrics.get(name)) for name in names),
        ]
        for each in behaviours
    ]
    show_table(["on the task", "status", "loss", "eta times", "loss then", "distance", *names], rows)
    delays = list(dict.fromkeys(delay for each in behaviours for delay in each.window))
    if delays:
        print()
        heads = [f"{1e3 * delay:+g} ms" for delay in delays]
        windows = [[each.label, *(number(each.window.get(delay), 3) for delay in delays)] for each in behaviours]
        show_table(["change by one pair, post - pre", *heads], windows)


def _scale(verdict: Verdict) -> str:
    from rulesearch.wording import factor

    return number(None) if verdict.scale is None else factor(verdict.scale)


def _behaviour(verdict: Verdict) -> str:
    return number(verdict.behaviour, 2) if verdict.rank > 2 else "0"


def _difference(verdict: Verdict) -> str:
    from rulesearch.wording import factor

    parts = []
    if verdict.coefficients:
        parts.append(", ".join(f"{name} {factor(ratio)}" for name, ratio in verdict.coefficients.items()))
    if verdict.extra_terms:
        parts.append(f"only here: {', '.join(verdict.extra_terms)}")
    if verdict.missing_terms:
        parts.append(f"only there: {', '.join(verdict.missing_terms)}")
    return "; ".join(parts)


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return the JSON document of a verdict."""
    return {
        "rule": verdict.rule,
        "verdict": verdict.verdict,
        "scale": verdict.scale,
        "coefficients": dict(verdict.coefficients),
        "distance": verdict.distance,
        "extra_terms": list(verdict.extra_terms),
        "missing_terms": list(verdict.missing_terms),
    }


def behaviour_document(behaviour: Behaviour) -> dict[str, Any]:
    """Return the JSON document of what a rule does on a task."""
    return {
        "rule": behaviour.label,
        "status": behaviour.outcome.status,
        "loss": behaviour.outcome.loss,
        "eta_factor": behaviour.factor,
        "fitted_loss": behaviour.fitted.loss,
        "metrics": dict(behaviour.fitted.metrics),
        "activity_distance": behaviour.distance,
        "trajectory": {"time": behaviour.times, "rms_weight": behaviour.weights},
        "window": {"delay_ms": [1e3 * each for each in behaviour.window], "change": list(behaviour.window.values())},
    }
