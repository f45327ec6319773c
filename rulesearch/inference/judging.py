"""How sure fitted numbers are, and how well a form predicts.

An interval is that of the profile: the least misfit for each value of one number, the others fitted anew; a number
whose interval has no end is not determined by the data. Prediction is judged by leaving rows out and fitting anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from rulesearch.fitting.chance import chi_square_quantile, student_t_quantile
from rulesearch.fitting.data import Data
from rulesearch.fitting.form import Form
from rulesearch.fitting.lockstep import descend
from rulesearch.inference.fitting import (
    FAST,
    LEVEL,
    LONG,
    Fit,
    limits_of,
    numbers_of,
    rooted,
    scales_of,
    solve,
    vector_of,
    with_noise,
)
from rulesearch.inference.usual import usual_sizes

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]

_STEPS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
_WIDEST = 100.0
_PROBE, _OPEN = 1e-6, 1e3
"""How far numbers are moved for slopes; standard errors of a change by which a prediction that is open may be off."""
_FLAT, _PART = 1e-5, 1e-3
"""Length of a slope, beside those of numbers alone, that is none; share of a direction that counts as part of it."""
_LEAST_FACTOR = 1e-9
_NOTHING = 1e-6
"""Share of its usual size to which a number is as good as 0."""
_HALVINGS, _FINE = 50, 0.004
"""Most halvings of where an end may be, and how far from it they lead, as a share of its distance."""


@dataclass(frozen=True, slots=True)
class Number:
    """A fitted number.

    **Fields:** `label`; `value`; `low` and `high`: its 95 % interval by profile likelihood, infinite where it has no
    end; `own`: it is that of one preparation; `usual`: size at which it makes changes as large as the measured ones;
    `traded`: other numbers make up for any small change of it, so that the data tell something of them together alone.
    """

    label: str
    value: float
    low: float
    high: float
    own: bool
    usual: float = math.inf
    traded: bool = False

    @property
    def identifiable(self) -> bool:
        """Whether the data keep the number within an interval, of two orders of magnitude at most, or not beyond a
        hundred times its usual size where 0 is in it; one that is traded for others they do not."""
        if self.traded or not (math.isfinite(self.low) and math.isfinite(self.high)):
            return False
        near, far = sorted((abs(self.low), abs(self.high)))
        return far <= _WIDEST * (self.usual if self.low * self.high <= 0.0 else near)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was predicted of rows that were left out.

    **Fields:** `by`: what was left out at a time; `predictions` and `residuals` `(rows,)`, nan where a row could not be
    predicted, as its preparation has too few others; `open` `(rows,)`: where the others leave open what would be
    predicted, and no change is; `elpd`: summed log predictive density, and its standard error `elpd_se`; `log_density`
    `(rows,)`; `tells` `(rows,)`: by how much each change is likelier where it belongs than in any row, a log factor.
    """

    by: str
    predictions: Array
    residuals: Array
    elpd: float
    elpd_se: float
    log_density: Array = field(default_factory=lambda: np.empty(0), compare=False)
    tells: Array = field(default_factory=lambda: np.empty(0), compare=False)
    open: Rows = field(default_factory=lambda: np.empty(0, dtype=np.bool_), compare=False)

    @property
    def over_exchanged(self) -> float:
        """By how much changes are likelier where they belong than exchanged among rows, as a log factor.

        It is sum_i [log p(change i | prediction i) - log mean_j p(change i | prediction j)], at most n log n of n rows.
        If changes were drawn alike whatever the row, and predictions fixed before, it would be above log k with a
        probability of at most 1/k: its exponential is a product of factors whose expectations have mean 1, so that its
        own is at most 1 (inequality of means; Markov).
        """
        return float(np.nansum(self.tells)) if np.any(np.isfinite(self.tells)) else math.nan

    @property
    def z2(self) -> float:
        """The mean of squared residuals of predicted rows."""
        return float(np.nanmean(self.residuals**2)) if np.any(np.isfinite(self.residuals)) else math.nan


def profile(found: Fit) -> list[Number]:
    """Return the numbers of a fit with their 95 % intervals by profile likelihood.

    An end is where the squared residuals, the other numbers fitted anew, are larger than at the fit by the 95 % point
    of chi squared with one degree of freedom, or, where standard errors are estimated from the same rows, of the square
    of Student's t with as many degrees as rows are left; there is none where they do not become so
    before the number leaves its range. A number that keeps its sign has an end at 0.
    """
    best = vector_of(found.form, found.numbers)
    limit = chi_square_quantile(LEVEL, 1)
    if not found.data.told:
        freedom = int(np.isfinite(found.data.changes).sum()) - found.form.size
        limit = student_t_quantile(0.5 + 0.5 * LEVEL, max(1, freedom)) ** 2
    _, least = solve(found.form, found.data, best)
    sizes, traded = usual_sizes(found), _traded(found.form, found.data, best)
    numbers = []
    for place, (label, parameter) in enumerate(zip(found.form.labels, found.form.each, strict=True)):
        ends = [_end(found, best, place, sign, least + limit, float(sizes[place])) for sign in (-1.0, 1.0)]
        low, high = (_natural(parameter.is_time, end) for end in ends)
        usual = math.inf if parameter.is_time else float(sizes[place])
        value = float(found.numbers[place])
        numbers.append(Number(label, value, float(low), float(high), parameter.own, usual, bool(traded[place])))
    return numbers


def leave_out(found: Fit, by: str, groups: Sequence[object]) -> Prediction:
    """Return how well rows are predicted by the form when it is fitted to all other groups.

    What the others do not determine is no prediction: were it left where the fit to all rows has it, that would be what
    the row itself told. Such a row counts as if no change was predicted.

    **Arguments:** `by`: what a group is called; `groups` `(rows,)`: the group of each row.
    """
    form, data = found.form, found.data
    predictions, sem = np.full(len(data.changes), np.nan), data.sem.copy()
    left_open = np.zeros(len(data.changes), dtype=np.bool_)
    outs = [np.array([each == group for each in groups]) for group in dict.fromkeys(groups)]
    outs = [out for out in outs if _determined(found, ~out, out)]
    for out, point in zip(outs, _without(found, outs), strict=True):
        if form.of_changes:
            left_open |= _left_open(form, data, point, out)
        predictions[out] = np.where(left_open, 0.0, form.predictions(numbers_of(form, point), out))[out]
        if not data.told:
            noise, _ = with_noise(form, data, point, ~out)
            sem[out] = noise.sizes(predictions[out])
    known = np.isfinite(predictions)
    full = np.where(known, predictions, 0.0)
    judged = replace(data, sem=sem)
    residuals = np.where(known, judged.residuals(full), np.nan)
    densities = np.where(known, judged.log_density(full), np.nan)
    density = densities[known]
    error = math.sqrt(len(density)) * float(np.std(density, ddof=1)) if len(density) > 1 else math.nan
    total = float(np.sum(density)) if len(density) else math.nan
    tells = _told_apart(judged, predictions) if form.of_changes else densities * math.nan
    return Prediction(by, predictions, residuals, total, error, densities, tells, left_open)


def _told_apart(data: Data, predictions: Array) -> Array:
    """Return by how much each change is likelier where it belongs than in any row, as a log factor, `(rows,)`.

    Where errors are known in proportion alone, they are as large as these predictions make them.
    """
    known = np.isfinite(predictions)
    found: Array = np.full(len(predictions), np.nan)
    if not known.any():
        return found
    log_factor = 0.0
    if data.in_proportion:
        off = data.residuals(np.where(known, predictions, 0.0))[known]
        log_factor = math.log(max(math.sqrt(float(np.mean(off**2))), _LEAST_FACTOR))
    each = np.tile(predictions[known], (len(predictions), 1)).T
    exchanged = logsumexp(data.log_density(each, log_factor), axis=0) - math.log(len(each))
    own = data.log_density(np.where(known, predictions, 0.0), log_factor)
    found[known] = (own - exchanged)[known]
    return found


def _left_open(form: Form, data: Data, point: Array, out: Rows) -> Rows:
    """Return which rows are left open by all but some: numbers that these hardly tell move the prediction by far.

    The variance of a prediction is g (J^T J)^-1 g, with J the slopes of residuals of the other rows and g its own.
    """
    slopes = _slopes(form, data, point, out)
    _, sizes, turned = np.linalg.svd(slopes[~out], full_matrices=True)
    told = np.zeros(len(point))
    told[: len(sizes)] = sizes
    spread = (slopes @ turned.T) / np.maximum(told, _PROBE)
    found_open: Rows = out & (np.linalg.norm(spread, axis=1) > _OPEN)
    return found_open


def _traded(form: Form, data: Data, point: Array) -> Rows:
    """Return for which numbers others make up: those of directions in which no residual changes, `(numbers,)`."""
    slopes = _slopes(form, data, point, np.zeros(len(data.changes), dtype=np.bool_))
    acts = np.linalg.norm(slopes, axis=0) > 0.0
    _, sizes, turned = np.linalg.svd(slopes[:, acts], full_matrices=True)
    told = np.zeros(int(acts.sum()))
    told[: len(sizes)] = sizes
    traded = np.zeros(len(point), dtype=np.bool_)
    traded[acts] = np.any(np.abs(turned[told < _FLAT]) > _PART, axis=0)
    return traded


def _slopes(form: Form, data: Data, point: Array, plain: Rows) -> Array:
    """Return slopes of residuals by each number, each of length 1 or 0, `(rows, numbers)`; of rows that are `plain`
    those of predictions over their standard errors."""
    probes = np.tile(point, (len(point) + 1, 1))
    steps = _PROBE * np.maximum(np.abs(point), scales_of(form))
    steps = np.where(point + steps > limits_of(form)[1], -steps, steps)
    probes[1:] += np.diag(steps)
    with np.errstate(all="ignore"):
        predicted = form.many(numbers_of(form, probes))
        # What is told in a word may hold nothing where it is met.
        found = np.where(plain, predicted / data.sem, data.residuals(predicted))
        slopes = ((found[1:] - found[0]) / steps[:, np.newaxis]).T
    slopes = np.where(np.isfinite(slopes), slopes, 0.0)
    lengths = np.linalg.norm(slopes, axis=0)
    of_one_length: Array = slopes / np.where(lengths > 0.0, lengths, 1.0)
    return of_one_length


def settled(found: Fit) -> Fit:
    """Return a fit whose numbers are the best ones near where they are."""
    (point,) = _without(found, [np.zeros(len(found.predictions), dtype=np.bool_)])
    numbers = numbers_of(found.form, point)
    return replace(found, numbers=numbers, predictions=found.form.predictions(numbers))


def _without(found: Fit, outs: Sequence[Rows]) -> Array:
    """Return the point with the least misfit to all rows but some, for each of several lots of these.

    What fits begins at the fit and at the other minima that were found: without a row another one may be the least.
    """
    form, data = found.form, found.data
    minima = found.numbers[np.newaxis] if found.others is None else np.vstack((found.numbers, found.others))
    starts = vector_of(form, minima)
    if not len(outs):
        return np.empty((0, form.size))
    if not form.at_once:
        solved = [[solve(form, data, start, ~out) for start in starts] for out in outs]
        return np.array([min(each, key=lambda one: one[1])[0] for each in solved])
    low, high = limits_of(form)
    lots = np.array(outs, dtype=np.float64).reshape(len(outs), -1)
    points, squares = descend(
        lambda at: rooted(form, data, at),
        np.tile(starts, (len(outs), 1)),
        low,
        high,
        scales_of(form),
        LONG,
        weights=1.0 - np.repeat(lots, len(starts), axis=0),
    )
    best = np.argmin(squares.reshape(len(outs), -1), axis=1)
    chosen: Array = points.reshape(len(outs), len(starts), -1)[np.arange(len(outs)), best]
    return chosen


def _determined(found: Fit, kept: Rows, out: Rows) -> bool:
    """Return whether rows that are kept can say what the others need: of each preparation as many as own numbers, and
    more than numbers where they must tell their own scatter."""
    form = found.form
    own = sum(parameter.own for parameter in form.parameters)
    counts = [int(np.sum(form.groups[kept] == group)) for group in set(form.groups[out].tolist())]
    enough = found.data.told or int(kept.sum()) > form.size
    return bool(kept.any()) and enough and (not own or min(counts) >= own)


def _end(found: Fit, best: Array, place: int, sign: float, limit: float, usual: float) -> float:
    """Return where the profile of a number reaches a limit, going one way; infinite where it does not.

    **Arguments:** `usual`: size of the number beside which it may be as good as 0.
    """
    form = found.form
    low, high = limits_of(form)
    edge = low[place] if sign < 0.0 else high[place]
    inner, point = best[place], best.copy()
    nothing = abs(best[place]) <= _NOTHING * usual
    unit = 1.0 if form.each[place].is_time else usual if nothing else abs(best[place])
    # A constant that keeps its sign goes by factors: where only a product counts, another one makes up for it.
    keeps = 0.0 in (low[place], high[place]) and not form.each[place].is_time and not nothing
    away = sign if best[place] > 0.0 else -sign
    falls = edge == 0.0 and not form.each[place].is_time
    for step in _STEPS:
        outer = best[place] * math.exp(away * step) if keeps else best[place] + sign * step * unit
        outer = float(np.clip(outer, low[place], high[place]))
        point[place] = outer
        point, misfit = solve(form, found.data, point, held=place, evaluations=FAST)
        if misfit > limit:
            return _crossing(found, point, place, (best[place], inner, outer), limit)
        inner = outer
        if outer == edge:
            break
    if falls:
        point[place] = 0.0
        if solve(form, found.data, point, held=place, evaluations=FAST)[1] <= limit:
            return 0.0
    return sign * math.inf


def _crossing(found: Fit, point: Array, place: int, ends: tuple[float, float, float], limit: float) -> float:
    """Return where the profile crosses a limit, by halving, to a share of how far that is from the best value.

    **Arguments:** `ends`: the best value, and two between which it is.
    """
    best, inner, outer = ends
    for _ in range(_HALVINGS):
        if abs(outer - inner) <= _FINE * abs(outer - best):
            break
        middle = 0.5 * (inner + outer)
        point = point.copy()
        point[place] = middle
        point, misfit = solve(found.form, found.data, point, held=place, evaluations=FAST)
        if misfit > limit:
            outer = middle
        else:
            inner = middle
    return 0.5 * (inner + outer)


def _natural(is_time: bool, value: float) -> float:
    if not is_time:
        return value
    return math.exp(value) if math.isfinite(value) else (math.inf if value > 0.0 else -math.inf)
