"""A finished run on the screen: the front, the recommended rule, references, conditions, conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rulesearch.cli.output import number, show_facts, show_table
from rulesearch.evaluation.outcome import ended
from rulesearch.rules.text import short_rule
from rulesearch.wording import counted
from rulesearch.workflow.account import Account
from rulesearch.workflow.evidence import stored_evidence
from rulesearch.workflow.scores import conditions_on, network_of, own_score, searched_on, shown_metrics
from rulesearch.workflow.shown_losses import (
    HELD_OUT,
    SPREAD,
    beside_first,
    died,
    loss_columns,
    order_of_front,
    shown_loss,
    spread_column,
)

if TYPE_CHECKING:
    from rulesearch.workflow.front import ReferenceScore
    from rulesearch.workflow.run import Run


def show_run(run: Run) -> None:
    """Print what a run found."""
    if run.members:
        losses = loss_columns(run.members)
        rows = [
            [
                str(each.rank),
                str(each.size),
                *(
                    ended("died", each.failed_on)
                    if heading == HELD_OUT and died(each, run.held_out_on)
                    else number(column[place], 2 if heading == SPREAD else 4)
                    for heading, column in losses.items()
                ),
                short_rule(each.rules),
                each.compared,
            ]
            for place, each in enumerate(run.members)
        ]
        show_table(["rank", "size", *losses, "rule", "compared"], rows)
        print()
        best = run.members[0]
        order = order_of_front(run.members, run.task.requirements)
        show_facts([("order", order)] if order else [])
        show_facts(_given(run))
        show_facts([("rank 1", str(best.rules)), ("LaTeX", best.rules.latex(digits=6)), *_edges(run)])
        print()
        _show_scores(run)
    basis = (run.certificate or {}).get("basis", {})
    show_facts(
        [
            ("conclusion", run.conclusion),
            *basis.items(),
            *_beside(run),
            *_effort(run),
            *network_of(run),
            *_clean_up(run),
            *_deaths(run),
            ("run", f"{run.folder} ({run.status})"),
        ]
    )


def show_demands(run: Run) -> None:
    """Print which numbers of rank 1 must be held exactly, where the report found that out."""
    evidence = stored_evidence(run).of(run.members[0].rules) if run.members else None
    by_demand: dict[str, list[str]] = {}
    for each in () if evidence is None else evidence.ranges:
        by_demand.setdefault(each.demand, []).append(each.name)
    for demand, names in by_demand.items():
        if demand:
            print(f"of rank 1, {', '.join(names)} {demand}")


def _given(run: Run) -> list[tuple[str, str]]:
    return [("given", run.given_in_words)] if run.given else []


def _edges(run: Run) -> list[tuple[str, str]]:
    edges = [f"{name} is at the edge of its range {span}" for name, span in run.members[0].at_edge.items()]
    return [("constants", "; ".join(edges))] if edges else []


def _show_scores(run: Run) -> None:
    if run.references:
        names = shown_metrics(run, run.members[0].metrics)
        _show_table(f"on {run.held_out_on or run.chosen_on}", [own_score(run), *run.references], names)
    if run.conditions:
        names = shown_metrics(run, run.conditions[0].metrics)
        _show_table(f"rank 1, on {conditions_on(run)}, where", run.conditions, names)


def _show_table(title: str, scores: Sequence[ReferenceScore], names: list[str]) -> None:
    halves = spread_column(scores)
    rows = [
        [
            score.label,
            score.ended,
            number(shown_loss(score)),
            *([number(halves[place], 2)] if halves else []),
            *(number(score.metric(name)) for name in names),
        ]
        for place, score in enumerate(scores)
    ]
    show_table([title, "status", "loss", *([SPREAD] if halves else []), *names], rows)
    print()


def _beside(run: Run) -> list[tuple[str, str]]:
    text = beside_first(run.members, run.held_out_on)
    return [("rank 2 - rank 1", text)] if text else []


def _clean_up(run: Run) -> list[tuple[str, str]]:
    done = run.clean_up
    return [("clean-up", Account(**done).sentence()), ("best of the search", done["best"])] if done else []


def _effort(run: Run) -> list[tuple[str, str]]:
    effort = run.effort
    if not effort:
        return []
    parts = [counted(effort["evaluations"], "evaluation"), f"{counted(effort['duplicates'], 'duplicate')} left out"]
    if effort["simulated"]:
        parts.append(f"{effort['simulated']:.3g} {effort['clock']} simulated")
    if "seconds" in effort:
        parts.append(f"{effort['seconds']:.3g} s of wall time")
    hit = effort["first_hit"]
    on = searched_on(run)
    parts.append(f"no hit on {on}" if hit is None else f"first hit on {on} after {counted(hit, 'distinct rule')}")
    return [("the search took", ", ".join(parts))]


def _deaths(run: Run) -> list[tuple[str, str]]:
    ended = {status: count for status, count in (run.deaths or {}).items() if status != "ok"}
    total = sum((run.deaths or {}).values())
    if not ended:
        return []
    shares = ", ".join(f"{status} {100 * count / total:.2g} %" for status, count in sorted(ended.items()))
    return [("why rules died", shares)]
