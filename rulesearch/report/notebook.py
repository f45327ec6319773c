"""How results show themselves in a notebook: tables, equations and one plot, bounded in size."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rulesearch.evaluation.outcome import Outcome
from rulesearch.report.front_figure import front_panel
from rulesearch.report.page.equations import equations_mathml
from rulesearch.report.page.inline_svg import inline_svg, svg_text
from rulesearch.report.style import number
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import short_rule
from rulesearch.symbolic import Comparison, Verdict, by_rule
from rulesearch.workflow.run import Run
from rulesearch.workflow.shown_losses import SPREAD, loss_columns

_ROWS = 12
_METRICS = 8
_NEAREST = 3
_LONGEST = 160


def result_html(result: Run | Outcome | Comparison) -> str:
    """Return what a result of the package shows in a notebook."""
    if isinstance(result, Run):
        return run_html(result)
    return outcome_html(result) if isinstance(result, Outcome) else verdicts_html(result)


def run_html(run: Run) -> str:
    """Return the conclusion of a run, its best equation, also as rule text, its front as a table and as a plot."""
    parts = [
        f"<p><strong>{escape(run.experiment.name)}</strong>, seed {run.experiment.seed}: {escape(run.conclusion)}</p>"
    ]
    if run.members:
        parts += [rules_html(run.members[0].rules), f"<p><code>{_cut(str(run.members[0].rules))}</code></p>"]
        losses = loss_columns(run.members)
        rows = [
            [
                str(each.rank),
                str(each.size),
                *(number(column[place], 2 if heading == SPREAD else 4) for heading, column in losses.items()),
                _cut(short_rule(each.rules)),
                _cut(each.compared),
            ]
            for place, each in enumerate(run.members)
        ]
        parts.append(table_html(["rank", "size", *losses, "rule", "compared"], rows))
        parts.append(inline_svg(svg_text(front_panel(run)), f"run-{run.experiment.seed}", "loss against size"))
    parts.append(f"<p>{escape(str(run.folder))}</p>")
    return "".join(parts)


def rules_html(rules: RuleSet) -> str:
    """Return the equations of rules as MathML."""
    lines = equations_mathml(rules)
    return "".join(f"<p>{f'{escape(name)}: ' if name else ''}{markup}</p>" for name, markup in lines)


def outcome_html(outcome: Outcome) -> str:
    """Return status, loss and metrics of an outcome, and a row for each of its first seeds."""
    names = list(outcome.metrics)[:_METRICS]
    rows = [["all", outcome.status, number(outcome.loss), *(number(outcome.metrics.get(name)) for name in names)]]
    for seed, trial in zip(outcome.seeds, outcome.trials, strict=True):
        rows.append(
            [
                str(seed),
                trial.status,
                number(trial.loss),
                *(number(trial.metrics.get(name)) for name in names),
            ]
        )
    return table_html(["seed", "status", "loss", *map(escape, names)], rows)


def verdicts_html(verdicts: Sequence[Verdict]) -> str:
    """Return what a rule is beside known ones, the nearest first; of a set, by rule."""
    parts = by_rule(verdicts)
    several = any(parts)
    shown = [each for part in parts.values() for each in (part[:_NEAREST] if several else part)]
    rows = [
        [
            *[escape(each.name or "the set")] * several,
            escape(each.title),
            each.verdict,
            number(each.scale) if each.scale is not None else "",
            f"{each.distance:.3g}",
            _cut(each.summary),
        ]
        for each in shown
    ]
    return table_html([*["rule"] * several, "known rule", "verdict", "scale", "distance", "what differs"], rows)


def table_html(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of its first rows, and how many more there are; cells are markup."""
    head = "".join(f"<th>{each}</th>" for each in headings)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows[:_ROWS])
    more = f"<p>and {len(rows) - _ROWS} more</p>" if len(rows) > _ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cut(text: str) -> str:
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}...")
