"""How well forms of rules predict what they were not fitted to: measurements that are left out, and other data."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from rulesearch.evaluation.seeds import generator
from rulesearch.inference.fitting import FIT, Fit, fit, without_spare_rate
from rulesearch.inference.judging import Prediction, leave_out, settled
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.task import Task
from rulesearch.workflow.losses import LEFT_OUT, OVER_EXCHANGED

Taus = Mapping[str, tuple[float, float]]
NO_TAUS: Taus = {}
_SEED = 1
"""That of `rulesearch fit` where none is given."""


def predictive_metrics(
    rules: RuleSet, task: Task, settings: Mapping[str, float], left_out: Prediction | None = None, taus: Taus = NO_TAUS
) -> dict[str, float]:
    """Return what a rule predicts beyond its measurements: `leave_one_out_error`, `over_exchanged`, `error_on_` a task.

    The first is the mean squared residual of measurements that were left out, the second by how much these are likelier
    where they belong than exchanged (`Prediction.over_exchanged`), the last the loss on each of
    `task.protocol.transfer`. Metrics that a rule has no number for, because it died there, are left out.

    **Arguments:** `left_out`: what `left_out_prediction` returns, where that is known; `taus` as there.
    """
    found: dict[str, float] = {}
    if task.protocol.refitted:
        left_out = left_out_prediction(rules, task, settings, taus) if left_out is None else left_out
        if left_out is not None:
            found[LEFT_OUT] = left_out.z2
            if math.isfinite(left_out.over_exchanged):
                found[OVER_EXCHANGED] = left_out.over_exchanged
    for name in task.protocol.transfer:
        other = load_task(name)
        values = other.resolve()
        trial = other.trial(other.complete(rules, values), 0, values, other.fidelities[-1].name)
        if trial.loss is not None:
            found[f"error_on_{name.replace('-', '_')}"] = trial.loss
    return found


def left_out_prediction(
    rules: RuleSet, task: Task, settings: Mapping[str, float], taus: Taus = NO_TAUS
) -> Prediction | None:
    """Return how each measurement is predicted by the rule fitted to others; None if one died.

    Where there are several sources a whole one is left out, else one measurement at a time. Constants, time constants
    and the learning rate are fitted anew as `rulesearch fit` does it, or, in forms that are followed for one set of
    numbers after the other, from where they are; signs stay. There is none for a measurement whose preparation has too
    few others for its own numbers.

    **Arguments:** `taus`: between what time constants are searched, by trace [s]; others are fitted as `fit` does it.
    """
    form, data = task.form_of(rules, settings)
    predictions = form.predictions(form.own_numbers)
    if not len(predictions) or not np.all(np.isfinite(predictions)):
        return None
    form = without_spare_rate(form).within(taus)
    if form.at_once and form.size <= len(predictions) - (not data.told):
        found = fit(form, data, generator(_SEED, FIT))
    else:
        found = Fit(form, data, form.own_numbers, predictions)
        if any(each.own for each in form.parameters):
            found = settled(found)
    if not np.all(np.isfinite(found.predictions)):
        return None
    # Where a source is all there is of its preparation, nobody can predict it.
    for groups in ([data.sources] if len(set(data.sources)) > 1 else []) + [range(len(predictions))]:
        prediction = leave_out(found, "row", list(groups))
        if math.isfinite(prediction.z2):
            return prediction
    return None
