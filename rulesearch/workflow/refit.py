"""How well a form of rule predicts what it was not fitted to: one measurement left out at a time, and other data.

The constants, time constants and the learning rate of a rule are fitted anew, by Levenberg-Marquardt on the task's
residuals, in logarithms: signs stay.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rulesearch.rules.bound import BoundRule, BoundSet
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.states import Synaptic
from rulesearch.search.least_squares import RESIDUALS, damped_step
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.task import Task
from rulesearch.workflow.losses import LEFT_OUT

_STEPS = 20
_PROBE = 1e-4
_FACTORS = (1e-4, 1e-2, 1.0, 1e2)
_LARGEST_MOVE = math.log(30.0)
_TAUS = (5e-3, 150e-3)

Errors = npt.NDArray[np.float64]


def predictive_metrics(rules: RuleSet, task: Task, settings: Mapping[str, float]) -> dict[str, float]:
    """Return `leave_one_out_error`, and the loss on each task of `task.protocol.transfer`, as `error_on_` and its name.

    Metrics that a rule has no number for, because it died there, are left out.
    """
    found = {}
    if task.protocol.refitted:
        error = leave_one_out(rules, task, settings)
        if error is not None:
            found[LEFT_OUT] = error
    for name in task.protocol.transfer:
        other = load_task(name)
        values = other.resolve()
        trial = other.trial(other.complete(rules, values), 0, values, other.fidelities[-1].name)
        if trial.loss is not None:
            found[f"error_on_{name.replace('-', '_')}"] = trial.loss
    return found


def leave_one_out(rules: RuleSet, task: Task, settings: Mapping[str, float]) -> float | None:
    """Return the mean squared residual of each measurement under the rule fitted to all others; None if one died."""
    form = _Form(rules, task, settings)
    start = form.errors(form.start)
    if start is None:
        return None
    squares = []
    for place in range(len(start)):
        errors = form.errors(form.fit(np.arange(len(start)) != place, start))
        if errors is None:
            return None
        squares.append(float(errors[place] ** 2))
    return sum(squares) / len(squares)


class _Form:
    """Rules with their numbers as a vector of logarithms; given rules keep theirs."""

    def __init__(self, rules: RuleSet, task: Task, settings: Mapping[str, float]) -> None:
        self.rules = task.bind(rules, settings)
        self.searched = {name: rule for name, rule in self.rules.rules.items() if name not in rules.given}
        self.task = task
        self.settings = settings
        numbers: list[float] = []
        self.timed: list[bool] = []
        for rule in self.searched.values():
            taus = [state.tau for state in rule.states.values() if not isinstance(state, Synaptic)]
            numbers += [rule.eta, *(abs(value) for value in rule.constant_values().values() if value != 0.0), *taus]
            self.timed += [place >= len(numbers) - len(taus) for place in range(len(self.timed), len(numbers))]
        self.start: Errors = np.log(np.array(numbers))
        self.low, self.high = self.start - _LARGEST_MOVE, self.start + _LARGEST_MOVE
        self.low[self.timed] = np.minimum(np.log(_TAUS[0]), self.start[self.timed])
        self.high[self.timed] = np.maximum(np.log(_TAUS[1]), self.start[self.timed])

    def _made(self, point: Errors) -> BoundSet:
        numbers = iter(np.exp(point).tolist())
        made = {name: _with_numbers(rule, numbers) for name, rule in self.searched.items()}
        return BoundSet.of(self.rules, {**self.rules.rules, **made})

    def errors(self, point: Errors) -> Errors | None:
        """Return the residuals at a point; None where the rule died."""
        rules = self._made(point)
        trial = self.task.trial(rules, 0, self.settings, self.task.fidelities[-1].name)
        if trial.loss is None or RESIDUALS not in trial.details:
            return None
        return np.array(trial.details[RESIDUALS])

    def fit(self, kept: npt.NDArray[np.bool_], errors: Errors) -> Errors:
        """Return the point at which the residuals that are kept have the least sum of squares, from the start.

        **Arguments:** `errors`: the residuals there.
        """
        point = self.start
        for _ in range(_STEPS):
            slopes = self._slopes(point, errors)[kept]
            tried = [self._step(point, slopes, errors[kept], factor) for factor in _FACTORS]
            best, least = None, float(np.sum(errors[kept] ** 2))
            for other in tried:
                there = self.errors(other)
                if there is not None and float(np.sum(there[kept] ** 2)) < least:
                    best, least = (other, there), float(np.sum(there[kept] ** 2))
            if best is None:
                break
            gained = least < 0.999 * float(np.sum(errors[kept] ** 2))
            point, errors = best
            if not gained:
                break
        return point

    def _slopes(self, point: Errors, errors: Errors) -> Errors:
        columns = []
        for place in range(len(point)):
            moved = point.copy()
            moved[place] += _PROBE
            there = self.errors(moved)
            columns.append(np.zeros_like(errors) if there is None else (there - errors) / _PROBE)
        return np.array(columns).T

    def _step(self, point: Errors, slopes: Errors, errors: Errors, factor: float) -> Errors:
        moved: Errors = np.clip(point + damped_step(slopes, errors, factor, 1e-12), self.low, self.high)
        return moved


def _with_numbers(rule: BoundRule, numbers: Iterator[float]) -> BoundRule:
    """Return a rule with the next numbers for its learning rate, constants and time constants; signs stay."""
    eta = next(numbers)
    values = {name: value for name, value in rule.constant_values().items() if value != 0.0}
    constants = {name: math.copysign(next(numbers), value) for name, value in values.items()}
    states = {
        name: state if isinstance(state, Synaptic) else replace(state, tau=next(numbers))
        for name, state in rule.states.items()
    }
    return replace(rule.with_constants(constants), eta=eta, states=states)
