"""The card of one rule on the page: equations, verdicts, constants and figures; of a set, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

from rulesearch.export.exporting import export
from rulesearch.expression.mathml import symbol_mathml
from rulesearch.report.card_figures import ablation_figure, course_figure, fit_figure, tree_figure
from rulesearch.report.changes import is_drawn
from rulesearch.report.page.equations import equations_mathml
from rulesearch.report.page.pictures import Pictures
from rulesearch.report.rule_figures import rule_figure
from rulesearch.report.style import number
from rulesearch.rules import RuleSet, find_known
from rulesearch.rules.text import short_rule
from rulesearch.symbolic import Verdict
from rulesearch.tasks.task import Task
from rulesearch.workflow.constants import numbers_of
from rulesearch.workflow.evidence import Evidence, RuleEvidence
from rulesearch.workflow.front import FrontMember
from rulesearch.workflow.shown_losses import shown_loss

_MOST_CARDS = 12
_VERDICTS = 3
_NO_RANGE = {"low": "", "high": "", "note": ""}

Shown = list[tuple[str, str]]
"""Titles and markup of figures."""


def card(member: FrontMember, whole: Evidence, task: Task | None, pictures: Pictures, brief: bool) -> dict[str, Any]:
    """Return what the template shows of a rule of the front.

    **Arguments:** `whole`: the evidence of the run; `brief`: without figures.
    """
    evidence = whole.of(member.rules)
    name = f"rule-{member.rank}"
    detailed = not brief and member.rank <= _MOST_CARDS
    several = len(member.rules.rules) > 1
    shown: Shown = []
    if detailed and not several:
        shown += _changes(member, "", pictures)
    if detailed and evidence is not None:
        shown += _evidence(member, evidence, whole.on, task, pictures)
    if detailed and not several:
        shown.append(_tree(member, "", pictures))
    constants = _constants(member, evidence)
    return {
        "member": member,
        "name": name,
        "equations": equations_mathml(member.rules),
        "lines": _lines(member),
        "whole": member.relations.get("", ""),
        "latex": export(member.rules, "latex"),
        "figures": shown,
        "parts": [_part(member, part, pictures, detailed) for part in member.rules.rules] if several else [],
        "evidence": evidence,
        "constants": constants,
        "notes": any(row["note"] for row in constants),
        "verdicts": _shown_verdicts(member, ""),
        "loss": shown_loss(member),
    }


def short(rules: RuleSet, width: int = 60) -> str:
    """Return rule text for a cell of a table."""
    text = short_rule(rules)
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _lines(member: FrontMember) -> list[tuple[str, str]]:
    """Return the lines of a cell that names a rule, each rule of a set on one of its own, and what that rule is."""
    if len(member.rules.rules) == 1:
        return [(short(member.rules), "")]
    alone = {name: short(RuleSet({"w": rule})) for name, rule in member.rules.rules.items()}
    return [(f"{name}: {text}", member.relations.get(name, "")) for name, text in alone.items()]


def _part(member: FrontMember, part: str, pictures: Pictures, detailed: bool) -> dict[str, Any]:
    """Return what is shown of one rule of a set."""
    figures = [*_changes(member, part, pictures), _tree(member, part, pictures)] if detailed else []
    given = part in member.rules.given
    return {"name": part, "given": given, "verdicts": _shown_verdicts(member, part), "figures": figures}


def _shown_verdicts(member: FrontMember, part: str) -> list[Verdict]:
    """Return the nearest verdicts; of a set and its rules only those that say anything."""
    nearest = member.verdicts_on(part)[:_VERDICTS]
    return [each for each in nearest if each.says_something or len(member.rules.rules) == 1]


def _of(member: FrontMember, part: str) -> tuple[RuleSet, str, str]:
    """Return a rule of a set (all of the rules where `part` is empty), its name in files, and its title."""
    name, title = f"rule-{member.rank}", f"rank {member.rank}"
    if not part:
        return member.rules, name, title
    return RuleSet({part: member.rules.rules[part]}), f"{name}-{part}", f"{title}, {part}"


def _changes(member: FrontMember, part: str, pictures: Pictures) -> Shown:
    """Return what a rule does to a weight, and the nearest known one beside it.

    Where the known one has no learning rate, both are drawn without.
    """
    rules, name, title = _of(member, part)
    named = bool(part)
    nearest = member.nearest_by_rule.get(part) if part else member.nearest
    known = None if nearest is None else find_known(nearest.rule)
    beside = None if known is None else _beside(known.rules, part)
    drawn = beside is not None and any(map(is_drawn, beside.rules.values()))
    if drawn and beside is not None and all(rule.eta is None for rule in beside.rules.values()):
        rules = RuleSet({each: replace(rule, eta=None) for each, rule in rules.rules.items()})
    draw = lambda: rule_figure(rules, named=named)  # noqa: E731
    caption = f"What {part or 'it'} does to a weight"
    shown: Shown = []
    if any(map(is_drawn, rules.rules.values())):
        shown.append((caption, pictures.add(f"{name}-change", draw, f"{title}: weight change")))
    if nearest is not None and known is not None and beside is not None and drawn:
        whole = len(beside.rules) == len(known.rules.rules)
        file = f"known-{known.name}" if whole else f"known-{known.name}-{next(iter(beside.rules))}"
        draw = lambda: rule_figure(beside, named=len(known.rules.rules) > 1)  # noqa: E731
        label = f"nearest known rule, {nearest.title}: weight change"
        caption = f"The same for the nearest known rule: {nearest.title}"
        shown.append((caption, pictures.add(f"{file}-change", draw, label)))
    return shown


def _beside(known: RuleSet, part: str) -> RuleSet | None:
    """Return what of known rules stands beside a rule of that name; None where a set has none of that name."""
    if not part or len(known.rules) == 1:
        return known
    return RuleSet({part: known.rules[part]}) if part in known.rules else None


def _tree(member: FrontMember, part: str, pictures: Pictures) -> tuple[str, str]:
    rules, name, title = _of(member, part)
    tree = pictures.add(f"{name}-tree", lambda: tree_figure(rules), f"{title}: expression tree")
    return f"Expression tree{' of ' * bool(part)}{part}", tree


def _evidence(member: FrontMember, found: RuleEvidence, on: str, task: Task | None, pictures: Pictures) -> Shown:
    """Return how weights went, fits to measured data, and what each part does."""
    name, title = f"rule-{member.rank}", f"rank {member.rank}"
    shown: Shown = []
    if found.courses:
        clock = task.clock if task is not None else "s"
        label = f"{title}: {', '.join(course.name for course in found.courses)} on {on}"
        draw = lambda: course_figure(found.courses, clock, found.seeds)  # noqa: E731
        shown.append((f"On {on}", pictures.add(f"{name}-course", draw, label)))
    if found.fits:
        fit = pictures.add(f"{name}-fit", lambda: fit_figure(found), f"{title}: fit")
        shown.append(("Measured and predicted", fit))
    ablations, own = found.ablations, found.loss
    if ablations and own is not None:
        label = f"{title}: loss without each part"
        names = tuple(member.rules.rules) if len(member.rules.rules) > 1 else ()
        parts = pictures.add(f"{name}-parts", lambda: ablation_figure(ablations, own, on, names), label)
        shown.append(("Without each of its parts", parts))
    return shown


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
            {
                **_NO_RANGE,
                "name": _name(label),
                "value": number(each.value),
                "unit": each.unit,
                "note": _edge(member, label),
            }
            for each in numbers_of(member.rules)
            for label in (each.label(member.rules),)
        ]
    return rows + [
        {**_NO_RANGE, "name": _name(name), "value": f"{number(low)} to {number(high)}", "unit": "", "note": "bounds"}
        for name, (low, high) in _bounds(member.rules).items()
    ]


def _bounds(rules: RuleSet) -> dict[str, tuple[float, float]]:
    """Return the bounds of weights by name: `w`, of a set `lateral: w`."""
    given = {name: rule.bounds for name, rule in rules.rules.items() if rule.bounds is not None}
    return {f"{name}: w" if len(rules.rules) > 1 else "w": bounds for name, bounds in given.items()}


def _edge(member: FrontMember, name: str) -> str:
    return f"at the edge of its range {member.at_edge[name]}" if name in member.at_edge else ""


def _name(name: str) -> str:
    projection, _, constant = name.rpartition(": ")
    label = f"{escape(projection)}: " if projection else ""
    return f"{label}<math>{symbol_mathml(constant)}</math>"
