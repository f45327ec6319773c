"""Fitting the numbers of a form to measurements: least squares from many starts, intervals, and prediction.

Residuals are (model - data)/s.e.m. Where no standard errors are told, rows are single measurements: their residuals
have a Student t distribution with four degrees of freedom, which some far ones do not lead astray (Lange et al.
1989, doi:10.2307/2290063), and a size that is estimated, one for all rows or one that grows with the change. Numbers
that the data do not determine are found by their profile: the least misfit for each value of one number, the others
fitted anew. Prediction is judged by leaving rows out and fitting anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares, lsq_linear, minimize, minimize_scalar
from scipy.stats import chi2
from scipy.stats import t as student_t

from rulesearch.errors import RulesearchError
from rulesearch.inference.form import Form

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]
Misses = Callable[[Array], Array]
"""How far predictions are from data, `(rows,)`."""

_STARTS, _KEPT, _ROUNDS = 24, 4, 6
_DEGREES = 4.0
_LARGE = 1e6
"""A residual where the rule has no number: worse than any that it has."""
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
_EVALUATIONS = 200
_LEVEL = 0.95
_PROBE, _SAME = 1e-5, 1e-3
_WIDEST = 100.0
_FAST = 40


@dataclass(frozen=True, slots=True)
class Data:
    """What was measured.

    **Fields:** `labels`; `changes` `(rows,)`, nan where only a sign is known; `sem` `(rows,)`; `told`: whether standard
    errors were told, else their size is estimated, and residuals have heavy tails; `sources` of rows; `words`
    in which changes are told that are no numbers; `misses`: how far predictions are from changes.
    """

    labels: Sequence[str]
    changes: Array
    sem: Array
    told: bool
    sources: Sequence[str] = ()
    words: Sequence[str] = ()
    misses: Misses | None = field(default=None, compare=False)

    def off(self, predictions: Array) -> Array:
        """Return how far predictions are from changes, `(rows,)`."""
        return predictions - self.changes if self.misses is None else self.misses(predictions)

    def residuals(self, predictions: Array) -> Array:
        """Return (model - data)/s.e.m. of each row."""
        return self.off(predictions) / self.sem

    def log_density(self, predictions: Array) -> Array:
        """Return the log density of each row; of those with a sign alone up to a constant."""
        residuals, sizes = self.residuals(predictions), np.log(self.sem)
        if self.told:
            return -0.5 * residuals**2 - sizes - 0.5 * math.log(2.0 * math.pi)
        found: Array = student_t.logpdf(residuals, _DEGREES) - sizes
        return found


@dataclass(frozen=True, slots=True)
class Noise:
    """The size of residuals where no standard errors are told: sqrt(base^2 + (growth prediction)^2)."""

    base: float
    growth: float = 0.0

    def sizes(self, predictions: Array) -> Array:
        """Return the size for each prediction, `(rows,)`."""
        found: Array = np.hypot(self.base, self.growth * predictions)
        return found


@dataclass(frozen=True, slots=True)
class Number:
    """A fitted number.

    **Fields:** `label`; `value`; `low` and `high`: its 95 % interval by profile likelihood, infinite where it has no
    end; `own`: it is that of one preparation.
    """

    label: str
    value: float
    low: float
    high: float
    own: bool

    @property
    def identifiable(self) -> bool:
        """Whether the data keep the number within an interval, of two orders of magnitude at most if 0 is not in it."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return False
        near, far = sorted((abs(self.low), abs(self.high)))
        return self.low * self.high <= 0.0 or far <= _WIDEST * near


@dataclass(frozen=True, slots=True)
class Fit:
    """A form that was fitted.

    **Fields:** `form`; `data`, with standard errors that were estimated where none were told; `numbers` that are
    fitted, `(numbers,)`; `predictions` `(rows,)`; `noise`: what was estimated, None where errors were told.
    """

    form: Form
    data: Data
    numbers: Array
    predictions: Array
    noise: Noise | None = None

    @property
    def residuals(self) -> Array:
        """(model - data)/s.e.m. of each row, `(rows,)`."""
        return self.data.residuals(self.predictions)

    @property
    def z2(self) -> float:
        """The mean of squared residuals."""
        return float(np.mean(self.residuals**2))

    @property
    def log_likelihood(self) -> float:
        """The log likelihood of all rows; of those with a sign alone up to a constant."""
        return float(np.sum(self.data.log_density(self.predictions)))


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was predicted of rows that were left out.

    **Fields:** `by`: what was left out at a time; `predictions` and `residuals` `(rows,)`, nan where a row could not be
    predicted; `elpd`: summed log predictive density, and its standard error `elpd_se`.
    """

    by: str
    predictions: Array
    residuals: Array
    elpd: float
    elpd_se: float

    @property
    def z2(self) -> float:
        """The mean of squared residuals of predicted rows."""
        return float(np.nanmean(self.residuals**2)) if np.any(np.isfinite(self.residuals)) else math.nan


def fit(form: Form, data: Data, rng: np.random.Generator, starts: int = _STARTS) -> Fit:
    """Return the least-squares fit, the best of many starts.

    **Raises:** `RulesearchError` where the rule has no number for some row at every start, or fewer rows than numbers.
    """
    if not len(data.changes):
        raise RulesearchError("the table has no rows")
    if form.size > len(data.changes):
        raise RulesearchError(
            f"{form.size} numbers cannot be fitted to {len(data.changes)} rows; hold some: --fixed "
            f"{form.parameters[0].name}={form.parameters[0].start:g}"
        )
    first = [_start(form, data, None), *(_start(form, data, rng) for _ in range(starts - 1))]
    rough = sorted((_solve(form, data, start, evaluations=_FAST) for start in first), key=lambda found: found[1])
    kept = [point for point, _ in rough[:_KEPT]]
    every, noise = np.ones(len(data.changes), dtype=np.bool_), None
    for _ in range(1 if data.told else _ROUNDS):
        if not data.told:
            noise, data = _with_noise(form, data, kept[0], every)
        solved = sorted((_solve(form, data, point) for point in kept), key=lambda found: found[1])
        kept = [point for point, _ in solved]
    numbers = _numbers(form, kept[0])
    predictions = form.predictions(numbers)
    if not np.all(np.isfinite(predictions)):
        raise RulesearchError("the rule has no number under some of the protocols, whatever its constants are")
    return Fit(form, data, numbers, predictions, noise)


def follows_from_others(form: Form, name: str) -> bool:
    """Return whether a small change of a number does nothing that small changes of the others do not do as well."""
    start = np.array([each.start for each in form.each])
    base = form.predictions(start)
    columns = []
    for place, each in enumerate(form.each):
        moved = start.copy()
        moved[place] += _PROBE * (abs(each.start) or 1.0)
        columns.append((form.predictions(moved) - base) / _PROBE)
    design = np.column_stack(columns)
    own = np.array([each.name == name for each in form.each])
    if not np.all(np.isfinite(design)) or own.all():
        return False
    design = design / np.where(np.any(design, axis=0), np.linalg.norm(design, axis=0), 1.0)
    left = design[:, own] - design[:, ~own] @ np.linalg.lstsq(design[:, ~own], design[:, own], rcond=1e-9)[0]
    return bool(np.abs(left).max() < _SAME)


def profile(found: Fit) -> list[Number]:
    """Return the numbers of a fit with their 95 % intervals by profile likelihood.

    An end is where the squared residuals, the other numbers fitted anew, are larger than at the fit by the 95 % point
    of chi squared with one degree of freedom; there is none where they do not become so
    before the number leaves its range.
    """
    best = _vector(found.form, found.numbers)
    limit = float(chi2.ppf(_LEVEL, 1))
    _, least = _solve(found.form, found.data, best)
    numbers = []
    for place, (label, parameter) in enumerate(zip(found.form.labels, found.form.each, strict=True)):
        ends = [_end(found, best, place, sign, least + limit) for sign in (-1.0, 1.0)]
        low, high = (_natural(parameter.is_time, end) for end in ends)
        numbers.append(Number(label, float(found.numbers[place]), float(low), float(high), parameter.own))
    return numbers


def leave_out(found: Fit, by: str, groups: Sequence[object]) -> Prediction:
    """Return how well rows are predicted by the form when it is fitted to all other groups.

    **Arguments:** `by`: what a group is called; `groups` `(rows,)`: the group of each row.
    """
    form, data = found.form, found.data
    best = _vector(form, found.numbers)
    predictions, sem = np.full(len(data.changes), np.nan), data.sem.copy()
    for group in dict.fromkeys(groups):
        out = np.array([each == group for each in groups])
        if not _determined(form, ~out, out):
            continue
        point, _ = _solve(form, data, best, ~out)
        predictions[out] = form.predictions(_numbers(form, point), out)[out]
        if not data.told:
            noise, _ = _with_noise(form, data, point, ~out)
            sem[out] = noise.sizes(predictions[out])
    known = np.isfinite(predictions)
    full = np.where(known, predictions, 0.0)
    judged = replace(data, sem=sem)
    residuals = np.where(known, judged.residuals(full), np.nan)
    density = judged.log_density(full)[known]
    error = math.sqrt(len(density)) * float(np.std(density, ddof=1)) if len(density) > 1 else math.nan
    return Prediction(by, predictions, residuals, float(np.sum(density)) if len(density) else math.nan, error)


def _determined(form: Form, kept: Rows, out: Rows) -> bool:
    """Return whether rows that are kept can say what the others need: of each preparation as many as own numbers."""
    own = sum(parameter.own for parameter in form.parameters)
    counts = [int(np.sum(form.groups[kept] == group)) for group in set(form.groups[out].tolist())]
    return bool(kept.any()) and (not own or min(counts) >= own)


def _with_noise(form: Form, data: Data, point: Array, rows: Rows) -> tuple[Noise, Data]:
    """Return the most likely size of the residuals of rows, and the data with it.

    It grows with the change where that is so by more than chance (likelihood ratio, 5 %).
    """
    predictions = form.predictions(_numbers(form, point))
    # What is told in a word has no size that could be missed.
    rows = rows & np.isfinite(data.changes)
    off, size = data.off(predictions)[rows], np.abs(predictions[rows])
    usual = float(np.median(np.abs(off))) or float(np.std(off)) or 1.0

    def misfit(base: float, growth: float) -> float:
        sizes = np.hypot(base, growth * size)
        return -2.0 * float(np.sum(student_t.logpdf(off / sizes, _DEGREES) - np.log(sizes)))

    even = minimize_scalar(lambda log: misfit(math.exp(log), 0.0), (math.log(usual), math.log(2.0 * usual)))
    base = math.exp(float(even.x))
    grown = minimize(
        lambda at: misfit(math.exp(float(at[0])), math.exp(float(at[1]))),
        (math.log(0.5 * base), math.log(0.3)),
        method="Nelder-Mead",
        bounds=((math.log(1e-3 * base), math.log(10.0 * base)), (math.log(1e-3), math.log(10.0))),
    )
    freedom = math.sqrt(int(rows.sum()) / max(1, int(rows.sum()) - form.size))
    found = Noise(freedom * base)
    if even.fun - grown.fun > float(chi2.ppf(_LEVEL, 1)):
        found = Noise(freedom * math.exp(grown.x[0]), freedom * math.exp(grown.x[1]))
    return found, replace(data, sem=found.sizes(predictions))


def _solve(
    form: Form,
    data: Data,
    start: Array,
    rows: Rows | None = None,
    held: int | None = None,
    evaluations: int = _EVALUATIONS,
) -> tuple[Array, float]:
    """Return the point with the least misfit near a start, and that misfit: -2 log likelihood at these errors, up to a
    constant.

    **Arguments:** `rows` that count, all where not given; `held`: a number that stays where it is.
    """
    free = np.array([place for place in range(len(start)) if place != held], dtype=np.intp)

    def residuals(part: Array) -> Array:
        point = start.copy()
        point[free] = part
        with np.errstate(all="ignore"):
            found = data.residuals(form.predictions(_numbers(form, point), rows))
        found = found if rows is None else found[rows]
        return np.clip(np.where(np.isfinite(found), found, _LARGE), -_LARGE, _LARGE)

    if not len(free):
        squares = residuals(start[free]) ** 2
        return start, float(np.sum(squares if data.told else _heavy(squares)[0]))
    low, high = _limits(form)
    solved = least_squares(
        residuals,
        np.clip(start[free], low[free], high[free]),
        bounds=(low[free], high[free]),
        x_scale="jac",
        loss="linear" if data.told else _heavy,
        max_nfev=evaluations,
    )
    point = start.copy()
    point[free] = solved.x
    return point, 2.0 * float(solved.cost)


def _heavy(squares: Array) -> Array:
    """Return -2 log likelihood of a Student t by squared residuals, and its first two derivatives."""
    inner = 1.0 + squares / _DEGREES
    share = (_DEGREES + 1.0) / _DEGREES
    return np.array([(_DEGREES + 1.0) * np.log(inner), share / inner, -share / _DEGREES / inner**2])


def _end(found: Fit, best: Array, place: int, sign: float, limit: float) -> float:
    """Return where the profile of a number reaches a limit, going one way; infinite where it does not."""
    form = found.form
    low, high = _limits(form)
    edge = low[place] if sign < 0.0 else high[place]
    inner, point = best[place], best.copy()
    unit = 1.0 if form.each[place].is_time else abs(best[place]) or abs(form.each[place].start) or 1.0
    # A constant that keeps its sign goes by factors: where only a product counts, another one makes up for it.
    keeps = 0.0 in (low[place], high[place]) and not form.each[place].is_time and best[place] != 0.0
    away = sign if best[place] > 0.0 else -sign
    falls = keeps and edge == 0.0
    for step in _STEPS:
        outer = best[place] * math.exp(away * step) if keeps else best[place] + sign * step * unit
        outer = float(np.clip(outer, low[place], high[place]))
        point[place] = outer
        point, misfit = _solve(form, found.data, point, held=place, evaluations=_FAST)
        if misfit > limit:
            return _crossing(found, point, place, inner, outer, limit)
        inner = outer
        if outer == edge:
            break
    if falls:
        point[place] = 0.0
        if _solve(form, found.data, point, held=place, evaluations=_FAST)[1] <= limit:
            return 0.0
    return sign * math.inf


def _crossing(found: Fit, point: Array, place: int, inner: float, outer: float, limit: float) -> float:
    """Return where the profile crosses a limit between two values, by halving."""
    for _ in range(8):
        middle = 0.5 * (inner + outer)
        point = point.copy()
        point[place] = middle
        point, misfit = _solve(found.form, found.data, point, held=place, evaluations=_FAST)
        if misfit > limit:
            outer = middle
        else:
            inner = middle
    return 0.5 * (inner + outer)


def _natural(is_time: bool, value: float) -> float:
    if not is_time:
        return value
    return math.exp(value) if math.isfinite(value) else (math.inf if value > 0.0 else -math.inf)


def _limits(form: Form) -> tuple[Array, Array]:
    pairs = [(math.log(each.low), math.log(each.high)) if each.is_time else (each.low, each.high) for each in form.each]
    low, high = np.array(pairs).T
    return low, high


def _vector(form: Form, numbers: Array) -> Array:
    """Return numbers as they are fitted: time constants by their logarithms."""
    return np.array(
        [math.log(value) if each.is_time else value for each, value in zip(form.each, numbers, strict=True)]
    )


def _numbers(form: Form, point: Array) -> Array:
    return np.array([math.exp(value) if each.is_time else value for each, value in zip(form.each, point, strict=True)])


def _start(form: Form, data: Data, rng: np.random.Generator | None) -> Array:
    """Return a point to start from: that of the rule, or another one; constants that act linearly by least squares."""
    numbers = np.array([each.start for each in form.each])
    times = np.array([each.is_time for each in form.each])
    if rng is not None:
        draws = rng.uniform(math.log(5e-3), math.log(0.3), size=int(times.sum()))
        numbers[times] = np.clip(np.exp(draws), [p.low for p in form.each if p.is_time], None)
        numbers[~times] *= np.exp(rng.normal(0.0, 2.0, size=int((~times).sum())))
    linear = _linear(form, data, numbers, ~times)
    return _vector(form, numbers if linear is None else linear)


def _linear(form: Form, data: Data, numbers: Array, amplitudes: npt.NDArray[np.bool_]) -> Array | None:
    """Return numbers whose amplitudes are those of least squares; None where predictions are not linear in them."""
    places = np.flatnonzero(amplitudes)
    known = np.isfinite(data.changes)
    if not len(places) or int(known.sum()) < len(places):
        return None
    nothing = numbers.copy()
    nothing[places] = 0.0
    with np.errstate(all="ignore"):
        base = form.predictions(nothing)
        columns = []
        for place in places:
            alone = nothing.copy()
            alone[place] = 1.0
            columns.append(form.predictions(alone) - base)
        design = np.column_stack(columns)
        whole = form.predictions(numbers)
        guess = base + design @ numbers[places]
    if not (np.all(np.isfinite(design)) and np.all(np.isfinite(whole)) and np.any(design)):
        return None
    if not np.allclose(guess, whole, rtol=1e-6, atol=1e-9 * float(np.abs(whole).max() + 1e-300)):
        return None
    weights = 1.0 / data.sem[known]
    low, high = (side[places] for side in _limits(form))
    scaled = design[known] * weights[:, np.newaxis]
    with np.errstate(all="ignore"):
        solved = lsq_linear(scaled, (data.changes - base)[known] * weights, bounds=(low, high)).x
    found = numbers.copy()
    found[places] = solved
    return found
