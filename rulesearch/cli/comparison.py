"""The command that compares a rule with others: verdicts, fixed points, and behaviour on a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    A set of rules is compared with other sets, and each of its rules with single rules and with the rule of its name in
    other sets.
    """
    import rulesearch as rs
    from rulesearch.symbolic import by_rule

    on = read_task(task)
    if on is None and settings:
        raise RulesearchError("--set changes the settings of a task; name the task: --task oja")
    if on is None and seeds is not None:
        raise RulesearchError("--seeds are those of simulations on a task; name the task: --task oja")
    rules = read_rule(rule, on)
    verdicts = rs.compare(rules, [other.strip() for other in others] if others else None, on, reachable or ())
    parts = by_rule(verdicts)
    behaviours: list[Behaviour] = []
    count = _SEEDS if seeds is None else seeds
    if on is not None and count:
        if not as_json:
            notify(f"simulating on task {on.name}")
        behaviours = rs.side_by_side(
            rules, others or _nearest(verdicts), on, read_settings(settings), count, with_baseline=not others
        )
    undrawn: RulesearchError | None = None
    if output is not None:
        from rulesearch.report import figures

        try:
            if on is None:
                figure = rs.plot([rules, *(others or figures.fitting_beside(rules, _nearest_of_each(parts)))])
            else:
                figure = figures.comparison_figure(rules, behaviours)
        except RulesearchError as error:
            # What cannot be drawn can still be said.
            undrawn = error
        else:
            figures.save_figure(figure, Path(output))
            notify(f"wrote {output}")
    points = fixed_point_texts(rules, () if on is None else on.inhibitory)
    _print(rules, verdicts, points, behaviours, as_json, show_all)
    if undrawn is not None:
        raise undrawn


def _print(
    rules: RuleSet,
    verdicts: list[Verdict],
    points: Mapping[str, list[str]],
    behaviours: list[Behaviour],
    as_json: bool,
    show_all: bool,
) -> None:
    """Print what rules are beside others, as text or as one document.

    **Arguments:** `points`: fixed points by what they are those of.
    """
    from rulesearch.symbolic import by_rule

    parts = by_rule(verdicts)
    several = any(parts)
    if as_json:
        what_it_does = {name: {each.rule: _behaviour(each) for each in part} for name, part in parts.items()}
        print_json(
            {
                "rule": str(rules),
                "verdicts": [verdict_document(verdict) for verdict in verdicts],
                "what_it_does": what_it_does.pop("", {}),
                **({"what_it_does_by_rule": what_it_does} if several else {}),
                "fixed_points": [point for found in points.values() for point in found],
                "fixed_points_of": list(points),
                "behaviour": [behaviour_document(each) for each in behaviours],
            }
        )
        return
    nearest = "\n".join(_nearest_text(name, part[0]) for name, part in parts.items())
    facts = [("rule", str(rules)), ("nearest", nearest or "there is no rule to compare with")]
    said = [line for model, found in points.items() for line in (*found, f"(of {model})")]
    show_facts([*facts, *[("fixed points", "\n".join(said))] * bool(said)])
    print()
    shown: list[Verdict] = verdicts
    if several and not show_all:
        shown = [each for part in parts.values() for each in part[:_NEAREST] if each.says_something or each is part[0]]
    elif not show_all and len(verdicts) > _ROWS + 1:
        shown = verdicts[:_ROWS]
    rows = [
        [
            *[each.name or "the set"] * several,
            *(each.title, each.verdict, _scale(each), number(each.distance, 3)),
            *(number(_behaviour(each), 2), _difference(each)),
        ]
        for each in shown
    ]
    show_table([*["of"] * several, "rule", "verdict", "scale", "distance", "what it does", "difference"], rows)
    if len(shown) < len(verdicts):
        from rulesearch.wording import counted

        print(f"and {counted(len(verdicts) - len(shown), 'more rule')}; see them with --all")
    if behaviours:
        _show_behaviours(behaviours)


def _nearest(verdicts: list[Verdict]) -> list[str]:
    """Return the names of the nearest rules of the library; a task's own known rule is none of them."""
    from rulesearch.rules import find_known

    near = [each.rule for each in verdicts if each.distance < 1.0 and not each.name]
    return [name for name in near if find_known(name) is not None][:_NEAREST]


def _nearest_of_each(parts: dict[str, list[Verdict]]) -> list[str]:
    """Return what is drawn beside a rule: the nearest known ones; of a set also the nearest to each of its rules."""
    firsts = [part[0].rule for name, part in parts.items() if name and part[0].distance < 1.0]
    return list(dict.fromkeys([*_nearest(parts.get("", [])), *firsts]))


def fixed_point_texts(rules: RuleSet, inhibitory: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the fixed points of each rule as text, by what they are those of.

    **Arguments:** `inhibitory`: names of rules whose synapses inhibit; without spikes these have none that are known.
    """
    from rulesearch.symbolic import assumed, fixed_points

    several = len(rules.rules) > 1
    found: dict[str, list[str]] = {}
    for name, rule in rules.rules.items():
        if name in inhibitory and "on_step" in rule.slots:
            continue
        model = assumed(rule) + ", each rule by itself" * several
        texts = [f"{name}: {point}" if several else str(point) for point in fixed_points(rule)]
        if texts:
            found.setdefault(model, []).extend(texts)
    return found


def _show_behaviours(behaviours: list[Behaviour]) -> None:
    names = list(dict.fromkeys(name for each in behaviours if each.fitted.ok for name in each.fitted.metrics))
    print()
    rows = [
        [
            each.label,
            each.outcome.status,
            number(each.outcome.loss),
            number(each.factor, 3),
            each.fitted.status,
            number(each.fitted.loss),
            number(each.distance, 3),
            # Means over the seeds that were left are no measure of a rule that did not run to its end.
            *(number(each.fitted.metrics.get(name) if each.fitted.ok else None) for name in names),
        ]
        for each in behaviours
    ]
    then = ["status then", "loss then", "distance"]
    show_table(["on the task", "status", "loss", "eta times", *then, *(f"{name} then" for name in names)], rows)
    seeds = max((each.outcome.seeds for each in behaviours), key=len)
    print(f"eta was fitted on selection seeds; all is of {seeds_text(seeds)}")
    found = [
        (f"{each.label}, {name}" if len(each.windows) > 1 else each.label, window)
        for each in behaviours
        for name, window in each.windows.items()
    ]
    delays = list(dict.fromkeys(delay for _, window in found for delay in window))
    if delays:
        print()
        heads = [f"{1e3 * delay:+g} ms" for delay in delays]
        windows = [[label, *(number(window.get(delay), 3) for delay in delays)] for label, window in found]
        show_table(["change by one pair, post - pre", *heads], windows)


def seeds_text(seeds: Sequence[int]) -> str:
    """Return `report seeds 2000 to 2004`, or `report seed 2000`."""
    return f"report seed {seeds[0]}" if len(seeds) == 1 else f"report seeds {seeds[0]} to {seeds[-1]}"


def _nearest_text(name: str, verdict: Verdict) -> str:
    return f"{name}: {verdict.summary}" if name else verdict.summary


def _scale(verdict: Verdict) -> str:
    from rulesearch.wording import factor

    return number(None) if verdict.scale is None else factor(verdict.scale)


def _behaviour(verdict: Verdict) -> float | None:
    return verdict.behaviour if verdict.rank > 2 else 0.0


def _difference(verdict: Verdict) -> str:
    from rulesearch.symbolic.verdict import aside, by_rule_text
    from rulesearch.wording import factor

    ratios = [f"{name} {factor(ratio)}" for name, ratio in verdict.coefficients.items()]
    said = {
        "": ratios,
        "opposite sign: ": [] if ratios else verdict.turned_terms,
        "only here: ": verdict.extra_terms,
        "only there: ": verdict.missing_terms,
    }
    return "; ".join(f"{what}{aside(by_rule_text(terms))}" for what, terms in said.items() if terms)


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return the JSON document of a verdict, with the name of the rule of a set that it is on."""
    return {
        **({"name": verdict.name} if verdict.name else {}),
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
        "fitted_status": behaviour.fitted.status,
        "fitted_loss": behaviour.fitted.loss,
        "metrics": dict(behaviour.fitted.metrics),
        "seeds": list(behaviour.outcome.seeds),
        "activity_distance": behaviour.distance,
        "trajectory": {"time": behaviour.times, "rms_weight": behaviour.weights},
        "window": _window_document(behaviour.window),
        **(
            {"windows": {name: _window_document(window) for name, window in behaviour.windows.items()}}
            if len(behaviour.windows) > 1
            else {}
        ),
    }


def _window_document(window: Mapping[float, float]) -> dict[str, list[float]]:
    return {"delay_ms": [1e3 * delay for delay in window], "change": list(window.values())}
