"""Commands about one rule: evaluate, respond, simplify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rulesearch.cli.arguments import (
    JsonOption,
    MaybeTask,
    RuleArgument,
    SetOption,
    SetsOption,
    TaskOption,
    read_rule,
    read_settings,
    read_task,
    whole,
)
from rulesearch.cli.output import number, print_json, show_facts, show_table
from rulesearch.errors import RulesearchError
from rulesearch.measurements.numbers import as_number

if TYPE_CHECKING:
    from rulesearch.evaluation.outcome import Outcome


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        "evaluate",
        short_help="Score a rule on a task.",
        epilog='Example: rulesearch evaluate "y*(x - w*y)" --task oja --seeds 5',
    )(evaluate)
    app.command(
        "respond",
        short_help="Weight change of one synapse under given spikes.",
        epilog='Example: rulesearch respond stdp-pair --pre "0,50" --post "10,60" --repeats 60 --every 1000',
    )(respond)
    app.command(
        "simplify",
        short_help="Write a rule in its shortest equivalent form.",
        epilog='Example: rulesearch simplify "x*y - w*y*y + 0*x"',
    )(simplify)


def evaluate(
    rule: RuleArgument,
    task: TaskOption,
    seeds: Annotated[int, typer.Option(parser=whole(1), metavar="N", help="Number of seeds.")] = 1,
    first_seed: Annotated[int, typer.Option(parser=whole(0), metavar="K", help="The first seed.")] = 0,
    settings: SetOption = None,
    backend: Annotated[
        str, typer.Option(metavar="vm/jit/auto", help="auto: compiled (jit) where more than 5e7 updates follow.")
    ] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score a rule on a task, on the seeds K to K + N - 1 at full fidelity.

    A rule under which the network runs away or falls silent is a result, not an error: the status says so.
    """
    import rulesearch as rs
    from rulesearch.tasks.registry import load_task

    on = load_task(task)
    rules = read_rule(rule, on)
    outcome = rs.evaluate(rules, on, seeds, first_seed, read_settings(settings), backend)
    if as_json:
        print_json(outcome_document(on.name, str(rules), outcome))
        return
    show_facts(
        [
            ("rule", str(rules)),
            ("task", f"{on.name}: {on.title}"),
            ("status", f"{outcome.status}: {explanation(outcome)}"),
            ("loss", number(outcome.loss)),
        ]
    )
    print()
    names = list(outcome.metrics)
    rows = [
        [str(seed), trial.status, number(trial.loss), *(number(trial.metrics.get(name)) for name in names)]
        for seed, trial in zip(outcome.seeds, outcome.trials, strict=True)
    ]
    if len(rows) > 1:
        rows.append(["mean", outcome.status, number(outcome.loss), *(number(outcome.metrics[name]) for name in names)])
    show_table(["seed", "status", "loss", *names], rows)


def explanation(outcome: Outcome) -> str:
    """Return what the status of an outcome means, and when it happened where it ended early."""
    from rulesearch.simulate.codes import EXPLANATION

    meaning = EXPLANATION[outcome.status]
    return meaning if outcome.died_at >= 1.0 else f"{meaning}, after {100 * outcome.died_at:.2g} % of the simulation"


def outcome_document(task: str, rule: str, outcome: Outcome) -> dict[str, Any]:
    """Return the JSON document of an evaluation."""
    return {
        "task": task,
        "rule": rule,
        "status": outcome.status,
        "loss": outcome.loss,
        "metrics": {**outcome.metrics, **outcome.details},
        "per_seed": [
            {
                "seed": seed,
                "status": trial.status,
                "loss": trial.loss,
                "metrics": {**trial.metrics, **trial.details},
            }
            for seed, trial in zip(outcome.seeds, outcome.trials, strict=True)
        ],
    }


def respond(
    rule: RuleArgument,
    pre: Annotated[str, typer.Option(metavar="MS,MS,...", help="Presynaptic spike times [ms].")] = "",
    post: Annotated[str, typer.Option(metavar="MS,MS,...", help="Postsynaptic spike times [ms].")] = "",
    repeats: Annotated[int, typer.Option(parser=whole(), metavar="N", help="How often the spikes come.")] = 1,
    every: Annotated[float | None, typer.Option(metavar="MS", help="Time from one repeat to the next [ms].")] = None,
    w0: Annotated[float, typer.Option("--w0", metavar="W", help="Weight at the start.")] = 0.5,
    voltage: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Clamp the membrane potential: CSV of time [ms] and v [mV]; the last holds."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the weight change of one synapse under given spike times, exactly: from event to event, on no grid.

    Time ends with the last repeat; without --every with the last spike, or ten of the longest time constant after it
    where the weight moves between spikes (drift). Of two spikes at the same time the presynaptic one comes first.
    """
    import rulesearch as rs
    from rulesearch.simulate.codes import EXPLANATION

    rules = read_rule(rule)
    found = rs.respond(rules, read_times(pre, "--pre"), read_times(post, "--post"), repeats, every, w0, voltage)
    document = {
        "rule": str(rules),
        "delta_w": found.delta_w,
        "w": found.weight,
        "per_repeat": list(found.per_repeat),
        **({} if found.status == "ok" else {"status": found.status}),
    }
    if as_json:
        print_json(document)
        return
    if found.status != "ok":
        followed = found.status != "exhausted"
        why = EXPLANATION[found.status] if followed else "it could not be followed within the allowed work"
        show_facts([("rule", str(rules)), ("status", f"{found.status}: {why}")])
        return
    facts = [("rule", str(rules)), ("change of w", number(found.delta_w, 10)), ("w", number(found.weight, 10))]
    if repeats > 1:
        first, last = found.per_repeat[0], found.per_repeat[-1]
        facts.append(("per repeat", f"{number(first, 6)} in the first, {number(last, 6)} in the last of {repeats}"))
    show_facts(facts)


def read_times(text: str, option: str) -> list[float]:
    """Return the times of a list such as `0,50` [ms].

    **Raises:** `RulesearchError` where one is no number.
    """
    times = []
    for word in text.replace(",", " ").split():
        time = as_number(word)
        if time is None:
            raise RulesearchError(f"{option} takes times in ms, such as 0,50; found {word!r}")
        times.append(time)
    return times


def simplify(
    rule: RuleArgument,
    task: MaybeTask = None,
    reachable: SetsOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a rule in its shortest equivalent form.

    With --on, what is the same on those values counts as equal. With a task the rule is simulated as well: terms that
    do not matter there go, and constants keep only the digits that count.
    """
    import rulesearch as rs
    from rulesearch.symbolic import Simplification

    on = read_task(task)
    if on is None and settings:
        raise RulesearchError("--set changes the settings of a task; name the task: --task oja")
    rules = read_rule(rule, on)
    found = rs.simplify(rules, on, read_settings(settings), reachable or ())
    losses: tuple[float | None, float | None] = (None, None)
    if isinstance(found, Simplification):
        simplified = found.simplified
    else:
        simplified, losses = found.rules, (found.loss_before, found.loss_after)
    document: dict[str, Any] = {
        "rule": str(rules),
        "simplified": str(simplified),
        "size_before": found.size_before,
        "size_after": found.size_after,
        "loss_before": losses[0],
        "loss_after": losses[1],
        "steps": list(found.steps),
    }
    if as_json:
        print_json(document)
        return
    facts = [
        ("rule", str(rules)),
        ("simplified", str(simplified)),
        ("LaTeX", simplified.latex()),
        ("size", f"{found.size_before} -> {found.size_after}"),
    ]
    if on is not None:
        facts.append(("loss", f"{number(losses[0])} -> {number(losses[1])}"))
    show_facts([*facts, ("steps", "\n".join(found.steps) or "none: nothing to do")])
