"""The numbers of a given form, fitted to a table: intervals, what the data leave open, how well it predicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.evaluation.seeds import generator
from rulesearch.fitting.data import Data, protocol_data
from rulesearch.fitting.form import ETA, TAU, ColumnForm, Form, ProtocolForm
from rulesearch.given import real_number, whole_number
from rulesearch.inference.fitting import FIT, Fit, fit, without_spare_rate
from rulesearch.inference.judging import Number, Prediction, leave_out, profile
from rulesearch.measurements.columns import PREPARATION, Columns, columns_of, groups_of, standard_errors, told_apart
from rulesearch.measurements.numbers import as_number
from rulesearch.measurements.protocols import (
    CHANGE,
    as_protocols,
    check_none_of_protocols,
    check_target,
    is_protocol_table,
    read_protocols,
)
from rulesearch.measurements.sheet import SKIP, SUFFIXES, Sheet, read_table
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.tasks.registry import TASKS, load_task
from rulesearch.tasks.stdp_protocols import StdpProtocols
from rulesearch.tasks.task import Task
from rulesearch.workflow.resolve import RuleLike, as_rules, task_of

_TASKS = ("stdp-frequency", "stdp-triplets")
"""Those whose data are measurements under protocols."""
_SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A rule that was fitted to a table.

    **Fields:** `rule`: its text as it was given; `table`; `found`: the fit; `numbers` with their intervals;
    `predictions`: of rows, preparations or sources that were left out.
    """

    rule: str
    table: str
    found: Fit
    numbers: tuple[Number, ...]
    predictions: tuple[Prediction, ...]

    @property
    def rules(self) -> dict[str, RuleSet]:
        """The rule with its fitted numbers, for each preparation; one for all where these share all numbers."""
        form = self.found.form
        several = any(parameter.own for parameter in form.parameters)
        names = form.preparations if several else form.preparations[:1]
        return {
            name: RuleSet({"w": form.with_numbers(form.of_group(self.found.numbers, group))})
            for group, name in enumerate(names)
        }

    def to_json(self) -> dict[str, Any]:
        """Return the fit as a document; time constants in ms."""
        data, found = self.found.data, self.found
        first = self.predictions[0] if self.predictions else None
        rows = zip(data.labels, data.changes, data.sem, found.predictions, found.residuals, strict=True)
        return {
            "rule": self.rule,
            "fitted": {name: str(rules) for name, rules in self.rules.items()},
            "constants": {number.label: _number_json(number) for number in self.numbers},
            "z2": found.z2,
            "log_likelihood": found.log_likelihood,
            "noise": None if found.noise is None else {"base": found.noise.base, "growth": found.noise.growth},
            "elpd": None if first is None else _finite(first.elpd),
            "elpd_se": None if first is None else _finite(first.elpd_se),
            "left_out": {
                each.by: {"z2": _finite(each.z2), "elpd": _finite(each.elpd), "elpd_se": _finite(each.elpd_se)}
                for each in self.predictions
            },
            "rows": [
                {"id": label, "measured": _finite(change), "sem": sem, "predicted": predicted, "z": z}
                for label, change, sem, predicted, z in rows
            ],
        }


def fit_rule(
    rule: RuleLike,
    table: object,
    target: str | None = None,
    *,
    own: str | Iterable[str] = (),
    fixed: str | Iterable[str] | Mapping[str, float | str] = (),
    error: str | None = None,
    ignore: str | Sequence[str] = (),
    gaps: str | None = None,
    repeats: float | None = None,
    every: float | None = None,
    group: str | None = None,
    before: float | None = None,
    seed: int = 1,
) -> Fitted:
    """Fit the constants, time constants and, where it gives none, the learning rate of a rule to a table.

    The learning rate is 1 where every term has a constant of its own.

    **Arguments:** `table`: as of `distil`, or the name of a task whose data are measurements, such as `stdp-frequency`;
    `own`: names of numbers that each preparation has for itself; `fixed`: numbers that are held, such as
    `tau_x=16.8 ms`; `before`: the weight before each protocol, to which changes are relative, in the rule's own unit;
    where it is not given it is 1, and bounds of the weight are left out; `seed` of the points that fits start from;
    others as of `distil`.
    **Raises:** `RulesearchError` for whatever is wrong with rule, table or names.
    """
    columns = columns_of(target or CHANGE, error, None, ignore, gaps, repeats, every, group=group)
    rules, table_name, found = fit_form(rule, table, columns, target, own, fixed, before, seed)
    form, data = found.form, found.data
    predictions = [leave_out(found, "row", list(range(len(data.changes))))]
    if len(form.preparations) > 1 and not any(parameter.own for parameter in form.parameters):
        predictions.append(leave_out(found, PREPARATION, form.groups.tolist()))
    if len(set(data.sources)) > 1:
        predictions.append(leave_out(found, _SOURCE, data.sources))
    return Fitted(str(rules), table_name, found, tuple(profile(found)), tuple(predictions))


def fit_form(
    rule: RuleLike,
    table: object,
    columns: Columns,
    target: str | None = None,
    own: str | Iterable[str] = (),
    fixed: str | Iterable[str] | Mapping[str, float | str] = (),
    before: float | None = None,
    seed: int = 1,
) -> tuple[RuleSet, str, Fit]:
    """Return the rules, the name of the table, and the fit; arguments and errors as of `fit_rule`."""
    whole_number(seed, "seed", 0)
    source = measurements_of(table)
    if isinstance(source, Sheet):
        check_target(source, columns, target)
    symbols = None
    if isinstance(source, Sheet) and not _is_of_protocols(source, columns):
        check_none_of_protocols(source.where, columns, before)
        symbols = set(source.names)
    rules = as_rules(rule, None, symbols)
    form_rule = rules.only() if before is not None else replace(rules.only(), bounds=None)
    if isinstance(rule, str) and (of_run := task_of(rule)) is not None and of_run[0].protocol.fits_numbers:
        # Its learning rate was fitted, as its other numbers were.
        form_rule = replace(form_rule, eta=None)
    if not form_rule.constants and not form_rule.states:
        # Then the learning rate is all that there is to fit.
        form_rule = replace(form_rule, eta=None)
    weight = _weight_before(form_rule, before)
    own_names = _words(own)
    held = _held(fixed)
    form, data = _measured(form_rule, source, columns, own_names, held, weight)
    _check_held(form_rule, held)
    if own_names and len(form.preparations) == 1:
        raise RulesearchError(
            "own: there is one preparation, which has all numbers for itself; a column preparation tells rows apart, "
            "or the one that --group names"
        )
    name = source.name if isinstance(source, StdpProtocols) else source.where
    return rules, name, fit(without_spare_rate(form), data, generator(seed, FIT))


def shown_number(label: str, value: float) -> str:
    """Return a fitted number as text, a time constant in ms."""
    if not math.isfinite(value):
        return "no end"
    if label.startswith(TAU):
        return f"{1e3 * value:.4g} ms"
    return f"{value:.4g}"


def measurements_of(table: object) -> Sheet | StdpProtocols:
    """Return the table, or the shipped task whose data are measurements.

    **Raises:** `RulesearchError` for what is neither.
    """
    task = load_task(table) if isinstance(table, str) and table in TASKS else table
    if isinstance(task, Task) and not isinstance(task, StdpProtocols):
        raise RulesearchError(f"the data of task {task.name} are no measurements under protocols; give a table")
    if isinstance(task, str) and not Path(task).suffix:
        raise RulesearchError(
            f"{shown(task)} is neither a table, which ends in {', '.join(SUFFIXES)}, nor a task on measurements"
            f"{did_you_mean(task, _TASKS)}"
        )
    return task if isinstance(task, StdpProtocols) else read_table(table)


def _is_of_protocols(sheet: Sheet, columns: Columns) -> bool:
    return is_protocol_table(as_protocols(sheet), columns)


def _measured(
    rule: Rule,
    source: Sheet | StdpProtocols,
    columns: Columns,
    own: Sequence[str],
    fixed: Mapping[str, float],
    weight: float,
) -> tuple[Form, Data]:
    if isinstance(source, StdpProtocols):
        _check_spikes(rule)
        return ProtocolForm(rule, source.measured(), own, fixed, weight), protocol_data(
            source.measured(), source.errors_told
        )
    sheet = source
    if _is_of_protocols(sheet, columns):
        sheet = as_protocols(sheet)
        rows = read_protocols(sheet, columns)
        told, _ = told_apart(sheet, columns)
        _check_spikes(rule)
        # Words alone say nothing of how much measurements scatter.
        words = all(row.sign is not None for row in rows)
        return ProtocolForm(rule, rows, own, fixed, weight), protocol_data(rows, bool(told.error) or words)
    told, _ = told_apart(sheet, columns)
    if set(rule.slots) != {"on_step"}:
        raise RulesearchError(
            f"{sheet.where} has no spikes (pre_ms, post_ms or dt_ms); give a rule of its columns, as x*y"
        )
    shadowed = next((name for name in rule.constants if name in sheet.names), None)
    if shadowed is not None:
        raise RulesearchError(f"{sheet.where} has a column {shadowed}; give the constant of the rule another name")
    read = [name for name in rule.symbols if name not in rule.constants]
    for name in read:
        sheet.column(name)
    if told.gaps == SKIP:
        sheet = sheet.without_gaps([told.target, *filter(None, (told.error, told.group)), *read])
    others = {
        told.target: "has the weight changes, which the rule should give",
        told.error: "has their standard errors",
        told.group: "cannot tell preparations apart then",
        **dict.fromkeys(told.ignore, "is to be ignored"),
    }
    for name in read:
        if name in others:
            raise RulesearchError(f"{sheet.where}: the rule reads column {name}; it {others[name]}")
    labels = [""] * len(sheet.cells) if PREPARATION in read and not told.group else groups_of(sheet, told)
    values = {name: sheet.values(name) for name in read}
    changes = sheet.values(told.target)
    if told.error:
        sem = standard_errors(sheet, told.error)
    else:
        sem = np.full(len(changes), float(np.std(changes)) or 1.0) if len(changes) else np.zeros(0)
    data = Data([f"row {number}" for number in sheet.numbers], changes, sem, bool(told.error))
    return ColumnForm(rule, values, labels, own, fixed), data


def _weight_before(rule: Rule, before: float | None) -> float:
    """Return the weight before protocols; raises `RulesearchError` where the rule does not allow it."""
    if before is None:
        return 1.0
    weight = real_number(before, "before")
    low, high = rule.bounds or (-math.inf, math.inf)
    if not (low <= weight <= high and weight > 0.0 and math.isfinite(weight)):
        raise RulesearchError(
            f"before: the weight before protocols must be above 0 and within the bounds of the rule, {low:g} to "
            f"{high:g}; found {weight:g}"
        )
    return weight


def _check_spikes(rule: Rule) -> None:
    if "on_step" in rule.slots:
        raise RulesearchError(
            "the rows of the table are spikes; say when the weight changes: on_pre: ...; on_post: ... or drift: ... "
            "(found an expression without a slot, or on_step)"
        )


def _words(given: str | Iterable[str]) -> list[str]:
    """Return what is given with commas between, or one by one, or both."""
    several = [given] if isinstance(given, str) else list(given)
    return [word.strip() for each in several for word in str(each).split(",") if word.strip()]


def _held(fixed: str | Iterable[str] | Mapping[str, float | str]) -> dict[str, float]:
    """Return numbers that are held by name, in base units.

    **Raises:** `RulesearchError` for what is no number, or a name that is given twice.
    """
    pairs = list(fixed.items()) if isinstance(fixed, Mapping) else [part.split("=", 1) for part in _words(fixed)]
    found: dict[str, float] = {}
    for pair in pairs:
        if len(pair) != 2:
            raise RulesearchError(f"fixed: expected NAME=VALUE, such as tau_x=16.8ms, found {shown(pair[0])}")
        name, value = str(pair[0]).strip(), pair[1]
        if name in found:
            raise RulesearchError(f"fixed: {name} is given twice; give it once")
        found[name] = _quantity(name, value) if isinstance(value, str) else real_number(value, f"fixed: {name}")
    return found


def _check_held(rule: Rule, held: Mapping[str, float]) -> None:
    """Refuse values that no fit of the rule would come to; raises `RulesearchError`."""
    constants = rule.constant_values()
    for name, value in held.items():
        if not math.isfinite(value):
            raise RulesearchError(f"fixed: {name} must be finite, found {value}")
        if value <= 0.0 and (name == ETA or (name.startswith(TAU) and name not in constants)):
            raise RulesearchError(f"fixed: {name} must be above 0, found {shown_number(name, value)}")
        start = constants.get(name, 0.0)
        if value * start < 0.0:
            raise RulesearchError(
                f"fixed: {name} is {start:g} in the rule, and constants keep their signs, found {value:g}; change the "
                f"sign in the rule, or hold {-value:g}"
            )


def _quantity(name: str, text: str) -> float:
    """Return a number in base units, read as rule text has it: a time constant has a unit, others have none."""
    example = "a time above 0 with its unit, such as 16.8 ms" if name.startswith(TAU) else "a number, such as 0.3"
    try:
        if name.startswith(TAU):
            state = parse_rules(f"on_pre: y; y = trace(post, {text.strip()})").only().states["y"]
            return float(state.tau or 0.0)
        found = as_number(text)
    except RulesearchError:
        found = None
    if found is None:
        raise RulesearchError(f"fixed: {name} = {shown(text.strip())}: expected {example}")
    return found


def _number_json(number: Number) -> dict[str, Any]:
    scale = 1e3 if number.label.startswith(TAU) else 1.0
    return {
        "value": scale * number.value,
        "interval": [_finite(scale * number.low), _finite(scale * number.high)],
        "own": number.own,
        "identifiable": number.identifiable,
        **({"unit": "ms"} if number.label.startswith(TAU) else {}),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
