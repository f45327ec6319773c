"""The page itself: what a run's store and files hold, put into the template.

Nothing is computed here that the store does not hold, but for what follows from a rule alone: equations, trees,
windows and surfaces.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.export.citations import cite
from rulesearch.export.exporting import export
from rulesearch.expression.mathml import symbol_mathml
from rulesearch.interruption import check
from rulesearch.report.card_figures import ablation_figure, course_figure, fit_figure, tree_figure
from rulesearch.report.family_figure import family_figure
from rulesearch.report.front_figure import front_panel
from rulesearch.report.page.equations import equations_mathml
from rulesearch.report.page.inline_svg import inline_svg, svg_text
from rulesearch.report.rule_figures import rule_figure
from rulesearch.report.search_figures import deaths_figure, history_figure, lineage_figure
from rulesearch.report.style import number, save_figure
from rulesearch.rules import find_known
from rulesearch.rules.text import short_rule
from rulesearch.tasks.task import Task
from rulesearch.workflow.account import Account
from rulesearch.workflow.constants import numbers_of
from rulesearch.workflow.evidence import Evidence, RuleEvidence, gather, stored_evidence
from rulesearch.workflow.families import families, found_by
from rulesearch.workflow.front import FrontMember
from rulesearch.workflow.history import History, read_history
from rulesearch.workflow.run import Run
from rulesearch.workflow.scores import shown_metrics
from rulesearch.workflow.shown_losses import SPREAD, beside_first, loss_columns, shown_loss, spread_column
from rulesearch.writing import write_text

_HERE = Path(__file__).parent
_MOST_CARDS = 12
_FAMILY_RULES = 40
_VERDICTS = 3
_BROAD = 600
_NO_RANGE = {"low": "", "high": "", "note": ""}


@dataclass(slots=True)
class _Pictures:
    """Figures of a page, each as inline SVG; where there is a folder, also kept there as SVG and PDF for papers."""

    folder: Path | None
    made: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, draw: Callable[[], Figure], label: str, links: Mapping[str, str] | None = None) -> str:
        """Return a figure as an element of the page; what was drawn before under this name is drawn once."""
        if name not in self.made:
            check()
            figure = draw()
            self.made[name] = svg_text(figure)
            if self.folder is not None:
                # The layout stands; making it anew takes half of the time.
                figure.set_layout_engine("none")
                write_text(self.folder / f"{name}.svg", self.made[name])
                save_figure(figure, self.folder / f"{name}.pdf")
        return inline_svg(self.made[name], f"p{len(self.made)}-{name}", label, links)


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
    }
    pictures = _Pictures(figures)
    history = read_history(run)
    return environment.get_template("page.html.jinja").render(
        run=run,
        live=live,
        brief=brief,
        style=Markup((_HERE / "page.css").read_text("utf-8")),
        script=Markup((_HERE / "page.js").read_text("utf-8")),
        **_content(run, evidence, history, pictures, brief),
    )


def _content(run: Run, evidence: Evidence, history: History, pictures: _Pictures, brief: bool) -> dict[str, Any]:
    task = _task(run)
    losses = loss_columns(run.members)
    found = {name: value for member in run.members for name, value in member.metrics.items()}
    names = list(found) if task is None else shown_metrics(run, found)
    links = {f"#rule-{member.rank}": f"rank {member.rank}: {_short_rule(member)}" for member in run.members}
    cards = [
        _card(run, member, evidence, task, pictures, brief)
        | {"beside": beside_first(run.members, run.held_out_on, place)}
        for place, member in enumerate(run.members)
    ]
    return {
        "task": task,
        "metrics": names,
        # What stands among the losses is not said twice.
        "front_metrics": [
            name for name in names if [each.metrics.get(name) for each in run.members] not in losses.values()
        ],
        "known_spread": any(each.half is not None for each in evidence.known),
        "reference_spread": spread_column(run.references),
        "condition_spread": spread_column(run.conditions),
        "clean_up": Account(**run.clean_up) if run.clean_up else None,
        "losses": losses,
        "spread": SPREAD,
        "chosen_on": run.chosen_on,
        "held_out_on": run.held_out_on,
        "evidence": evidence,
        "cards": cards,
        "known": sorted(evidence.known, key=lambda each: (math.inf if each.loss is None else each.loss, each.name)),
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
    }


def _task(run: Run) -> Task | None:
    try:
        return run.task
    except RulesearchError:
        return None


def _short_rule(member: FrontMember, width: int = 60) -> str:
    text = short_rule(member.rules)
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _front_label(run: Run) -> str:
    points = ", ".join(f"size {m.size} loss {number(shown_loss(m))}" for m in sorted(run.members, key=lambda m: m.size))
    return f"loss against size of the rules on the front: {points}"


def _card(
    run: Run, member: FrontMember, whole: Evidence, task: Task | None, pictures: _Pictures, brief: bool
) -> dict[str, Any]:
    evidence = whole.of(member.rules)
    name = f"rule-{member.rank}"
    nearest = None if member.nearest is None else find_known(member.nearest.rule)
    title = f"rank {member.rank}"
    shown: list[tuple[str, str]] = []
    detailed = not brief and member.rank <= _MOST_CARDS
    if detailed:
        rules = member.rules
        shown.append(
            (
                "What it does to a weight",
                pictures.add(f"{name}-change", lambda: rule_figure(rules), f"{title}: weight change"),
            )
        )
        if nearest is not None:
            known, label = nearest, f"nearest known rule, {nearest.title}: weight change"
            shown.append(
                (
                    f"The same for the nearest known rule: {nearest.title}",
                    pictures.add(f"known-{nearest.name}-change", lambda: rule_figure(known.rules), label),
                )
            )
    if detailed and evidence is not None:
        clock = task.clock if task is not None else "s"
        found = evidence
        if found.courses:
            label = f"{title}: {', '.join(course.name for course in found.courses)} on {whole.on}"
            draw = lambda: course_figure(found.courses, clock, found.seeds)  # noqa: E731
            shown.append((f"On {whole.on}", pictures.add(f"{name}-course", draw, label)))
        if found.fits:
            shown.append(
                ("Measured and predicted", pictures.add(f"{name}-fit", lambda: fit_figure(found), f"{title}: fit"))
            )
        if found.ablations and found.loss is not None:
            label = f"{title}: loss without each part"
            parts = pictures.add(f"{name}-parts", lambda: ablation_figure(found, whole.on), label)
            shown.append(("Without each of its parts", parts))
    if detailed:
        tree = pictures.add(f"{name}-tree", lambda: tree_figure(member.rules), f"{title}: expression tree")
        shown.append(("Expression tree", tree))
    constants = _constants(member, evidence)
    return {
        "member": member,
        "name": name,
        "equations": equations_mathml(member.rules),
        "short": _short_rule(member),
        "latex": export(member.rules, "latex"),
        "figures": shown,
        "evidence": evidence,
        "constants": constants,
        "notes": any(row["note"] for row in constants),
        "verdicts": member.verdicts[:_VERDICTS],
        "loss": shown_loss(member),
    }


def _constants(member: FrontMember, evidence: RuleEvidence | None) -> list[dict[str, Any]]:
    """Return name, value, unit, range and what is to be noted of every number of a rule; bounds of the weight last."""
    if evidence is not None and evidence.ranges:
        rows = [
            {
                "name": _name(each.name),
                "value": number(each.value),
                "unit": each.unit,
                "low": "any smaller" if each.low is None else number(each.low),
                "high": "any larger" if each.high is None else number(each.high),
                "note": "; ".join(filter(None, (_edge(member, each.name), each.demand))),
            }
            for each in evidence.ranges
        ]
    else:
        rows = [
            {"name": _name(label), "value": number(each.value), "unit": each.unit, "note": _edge(member, label)}
            for each in numbers_of(member.rules)
            for label in (each.label(member.rules),)
        ]
    bounds = dict.fromkeys(rule.bounds for rule in member.rules.rules.values() if rule.bounds is not None)
    return rows + [
        {"name": _name("w"), "value": f"{number(low)} to {number(high)}", "unit": "bounds", **_NO_RANGE}
        for low, high in bounds
    ]


def _edge(member: FrontMember, name: str) -> str:
    return f"at the edge of its range {member.at_edge[name]}" if name in member.at_edge else ""


def _name(name: str) -> str:
    projection, _, constant = name.rpartition(": ")
    label = f"{escape(projection)}: " if projection else ""
    return f"{label}<math>{symbol_mathml(constant)}</math>"


def _history(history: History, pictures: _Pictures) -> list[tuple[str, str]]:
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


def _families(run: Run, pictures: _Pictures) -> str:
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
        "again": f"rulesearch report {shlex.quote(str(run.folder))}",
        "experiment": settings.read_text("utf-8") if settings.is_file() else "",
        "seeds": seeds,
        "hardware": history.hardware,
    }


def _is_broad(markup: str) -> bool:
    """Return whether a figure needs the whole width of a card to be read."""
    width = re.search(r"max-width:(\d+)pt", markup)
    return width is not None and int(width.group(1)) > _BROAD


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
