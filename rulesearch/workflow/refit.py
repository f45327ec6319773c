"""How well forms of rules predict what they were not fitted to: measurements that are left out, and other data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rulesearch.evaluation.seeds import generator
from rulesearch.inference.fitting import FIT, Fit, fit, without_spare_rate
from rulesearch.inference.judging import leave_out, settled
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.task import Task
from rulesearch.workflow.losses import LEFT_OUT

_SEED = 1
"""That of `rulesearch fit` where none is given."""
Array = npt.NDArray[np.float64]


def predictive_metrics(
    rules: RuleSet, task: Task, settings: Mapping[str, float], left_out: Array | None = None
) -> dict[str, float]:
    """Return `leave_one_out_error`, and the loss on each task of `task.protocol.transfer`, as `error_on_` and its name.

    Metrics that a rule has no number for, because it died there, are left out.

    **Arguments:** `left_out`: what `left_out_squares` returns, where that is known.
    """
    found = {}
    if task.protocol.refitted:
        squares = left_out_squares(rules, task, settings) if left_out is None else left_out
        if squares is not None:
            found[LEFT_OUT] = float(np.nanmean(squares))
    for name in task.protocol.transfer:
        other = load_task(name)
        values = other.resolve()
        trial = other.trial(other.complete(rules, values), 0, values, other.fidelities[-1].name)
        if trial.loss is not None:
            found[f"error_on_{name.replace('-', '_')}"] = trial.loss
    return found


def left_out_squares(rules: RuleSet, task: Task, settings: Mapping[str, float]) -> Array | None:
    """Return the squared residual of each measurement under the rule fitted to others; None if one died.

    Where there are several sources a whole one is left out, else one measurement at a time. Constants, time constants
    and the learning rate are fitted anew as `rulesearch fit` does it, or, in forms that are followed for one set of
    numbers after the other, from where they are; signs stay. It is nan for a measurement whose preparation has too few
    others for its own numbers.
    """
    form, data = task.form_of(rules, settings)
    predictions = form.predictions(form.own_numbers)
    if not len(predictions) or not np.all(np.isfinite(predictions)):
        return None
    form = without_spare_rate(form)
    if form.at_once and form.size <= len(predictions):
        found = fit(form, data, generator(_SEED, FIT))
    else:
        found = settled(Fit(form, data, form.own_numbers, predictions))
    rows = range(len(predictions))
    squares: Array = np.full(len(predictions), np.nan)
    # Where a source is all there is of its preparation, nobody can predict it.
    for groups in ([data.sources] if len(set(data.sources)) > 1 else []) + [rows]:
        if not np.any(np.isfinite(squares)):
            squares = leave_out(found, "row", list(groups)).residuals ** 2
    return squares if np.all(np.isfinite(found.predictions)) and np.any(np.isfinite(squares)) else None
