"""The page itself: what a run's store and files hold, put into the template.

Nothing is computed here that the store does not hold, but for what follows from a rule alone: equations, trees,
windows and surfaces.
"""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path
from typing import Any

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.export.citations import cite
from rulesearch.report.family_figure import family_figure
from rulesearch.report.front_figure import front_panel
from rulesearch.report.page.card import card, short
from rulesearch.report.page.pictures import Pictures
from rulesearch.report.search_figures import deaths_figure, history_figure, lineage_figure
from rulesearch.report.style import number
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.task import Task
from rulesearch.workflow.account import Account
from rulesearch.workflow.evidence import Evidence, gather, stored_evidence
from rulesearch.workflow.families import families, found_by
from rulesearch.workflow.history import History, read_history
from rulesearch.workflow.kept_task import whole_page_command
from rulesearch.workflow.run import Run
from rulesearch.workflow.scores import conditions_on, network_of, searched_on, shown_metrics
from rulesearch.workflow.shown_losses import (
    SPREAD,
    beside_first,
    died,
    loss_columns,
    order_of_front,
    shown_loss,
    spread_column,
)
from rulesearch.writing import write_text

_HERE = Path(__file__).parent
_FAMILY_RULES = 40
_BROAD = 600


def write_report(run: Run, brief: bool = False, live: bool = False, seconds: float | None = None) -> Path:
    """Write `report.html` into the run folder, and its figures as SVG and PDF; returns the page's path.

    What the store lacks of the evidence behind the rules is simulated first.
    **Arguments:** `brief`: nothing is simulated, and no figures of single rules are drawn; `live`: the search still
    goes on; the page is brief, says so, and loads itself anew; `seconds` that simulations may take, None for no limit.
    """
    brief = brief or live
    figures = None if brief else run.folder / "figures"
    if figures is not None:
        figures.mkdir(exist_ok=True)
    evidence = stored_evidence(run) if brief else gather(run, seconds)
    path = run.folder / "report.html"
    write_text(path, report_html(run, evidence, figures, brief, live))
    return path


def report_html(
    run: Run, evidence: Evidence, figures: Path | None = None, brief: bool = False, live: bool = False
) -> str:
    """Return the page of a run.

    **Arguments:** `figures`: a folder that takes each figure as SVG and PDF; `brief` and `live` as in `write_report`.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": number,
        "safe_markup": Markup,
        "capital": _capital,
        "is_broad": _is_broad,
        "by_rule": _by_rule,
    }
    pictures = Pictures(figures)
    history = read_history(run)
    return environment.get_template("page.html.jinja").render(
        run=run,
        live=live,
        brief=brief,
        style=Markup((_HERE / "page.css").read_text("utf-8")),
        script=Markup((_HERE / "page.js").read_text("utf-8")),
        **_content(run, evidence, history, pictures, brief),
    )


def _content(run: Run, evidence: Evidence, history: History, pictures: Pictures, brief: bool) -> dict[str, Any]:
    task = _task(run)
    losses = loss_columns(run.members)
    found = {name: value for member in run.members for name, value in member.metrics.items()}
    names = list(found) if task is None else shown_metrics(run, found)
    elsewhere = {name: value for score in run.conditions for name, value in score.metrics.items()}
    links = {f"#rule-{member.rank}": f"rank {member.rank}: {short(member.rules)}" for member in run.members}
    cards = [
        card(member, evidence, task, pictures, brief) | {"beside": beside_first(run.members, run.held_out_on, place)}
        for place, member in enumerate(run.members)
    ]
    return {
        "task": task,
        "died": {member.rank for member in run.members if died(member, run.held_out_on)},
        "metrics": names,
        # What stands among the losses is not said twice.
        "front_metrics": [
            name for name in names if [each.metrics.get(name) for each in run.members] not in losses.values()
        ],
        "condition_metrics": list(elsewhere) if task is None else shown_metrics(run, elsewhere),
        "known_spread": any(each.half is not None for each in evidence.known),
        "reference_spread": spread_column(run.references),
        "conditions_on": conditions_on(run),
        "condition_spread": spread_column(run.conditions),
        "clean_up": Account(**run.clean_up) if run.clean_up else None,
        "losses": losses,
        "spread": SPREAD,
        "chosen_on": run.chosen_on,
        "held_out_on": run.held_out_on,
        "evidence": evidence,
        "required": [] if task is None else [item.metric for item in task.requirements],
        "cards": cards,
        "known": sorted(evidence.known, key=lambda each: (math.inf if each.loss is None else each.loss, each.name)),
        "order": order_of_front(run.members, [] if task is None else task.requirements),
        "front": pictures.add("front-known", lambda: front_panel(run, evidence.known), _front_label(run), links)
        if run.members
        else "",
        "history": _history(history, pictures),
        "lineage": pictures.add(
            "lineage", lambda: lineage_figure(history.ancestors, run.members[0]), "family tree of rank 1"
        )
        if history.ancestors and not brief
        else "",
        "families": "" if brief else _families(run, pictures),
        "reproduce": _reproduce(run, task, history),
        "citations": [] if brief or task is None else cite(run),
        "effort": run.effort or {},
        "searched_on": "" if task is None else searched_on(run),
        "network": [] if task is None else network_of(run),
    }


def _task(run: Run) -> Task | None:
    try:
        return run.task
    except RulesearchError:
        return None


def _front_label(run: Run) -> str:
    points = ", ".join(f"size {m.size} loss {number(shown_loss(m))}" for m in sorted(run.members, key=lambda m: m.size))
    return f"loss against size of the rules on the front: {points}"


def _history(history: History, pictures: Pictures) -> list[tuple[str, str]]:
    shown = []
    if len(history.generations) > 1:
        last = history.generations[-1]
        label = f"best loss, duplicates and diversity over {last.distinct} distinct rules"
        shown.append(("How it went", pictures.add("history", lambda: history_figure(history), label)))
    if history.deaths:
        label = "how simulations ended: " + ", ".join(f"{name} {count}" for name, count in history.deaths.items())
        shown.append(
            (
                "How simulations ended, and why rules died",
                pictures.add("deaths", lambda: deaths_figure(history.deaths), label),
            )
        )
    return shown


def _families(run: Run, pictures: Pictures) -> str:
    if not run.members:
        return ""
    try:
        found = families(found_by(run, _FAMILY_RULES))
    except RulesearchError:
        return ""
    label = f"{len(found)} families of rules, by their terms"
    return pictures.add("families", lambda: family_figure(found, "rules with the same terms are one family"), label)


def _reproduce(run: Run, task: Task | None, history: History) -> dict[str, Any]:
    experiment = run.experiment
    settings = run.folder / "experiment.toml"
    seeds = {}
    if task is not None:
        for role, count in (
            ("search", task.fidelities[-1].trials),
            ("selection", task.protocol.choosing_trials),
            ("report", task.protocol.report_trials),
        ):
            seeds[role] = ", ".join(map(str, trial_seeds(experiment.seed, role, count)))
    return {
        "command": f"rulesearch discover {shlex.quote(str(settings))} --out again",
        "again": whole_page_command(run.folder, experiment.task),
        "experiment": settings.read_text("utf-8") if settings.is_file() else "",
        "seeds": seeds,
        "hardware": history.hardware,
    }


def _is_broad(markup: str) -> bool:
    """Return whether a figure needs the whole width of a card to be read."""
    width = re.search(r"max-width:(\d+)pt", markup)
    return width is not None and int(width.group(1)) > _BROAD


def _by_rule(rules: RuleSet) -> list[str]:
    """Return rule text in lines: each rule of a set has one."""
    if len(rules.rules) == 1:
        return [str(rules)]
    return [f"{name}[{rule}]" for name, rule in rules.rules.items()]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
