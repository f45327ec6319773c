"""Fitting the numbers of a form to measurements: least squares from many starts, and how much rows scatter.

Residuals are (model - data)/s.e.m. Where no standard errors are told, rows are single measurements: their residuals
have a Student t distribution with four degrees of freedom, which some far ones do not lead astray (Lange et al.
1989, doi:10.2307/2290063), and a size that is estimated, one for all rows or one that grows with the change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares, lsq_linear, minimize, minimize_scalar

from rulesearch.errors import RulesearchError
from rulesearch.fitting.chance import chi_square_quantile, student_t_log_density
from rulesearch.fitting.data import DEGREES, Data
from rulesearch.fitting.form import ETA, Form, Parameter
from rulesearch.fitting.lockstep import STEPS, lockstep

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]

_STARTS, _KEPT, _ROUNDS = 64, 16, 6
_FEW_STARTS, _FEW_KEPT = 24, 4
"""Where each set of numbers is followed by itself; and of fits of scatter, where no standard errors are told."""
_EXACT = 1e-9
_LARGE = 1e6
"""A residual where the rule has no number: worse than any that it has."""
_EVALUATIONS = 200
LEVEL = 0.95
"""Of intervals and of tests."""
LONG = 400
"""Steps of the last fit, and of one to what is left of the data: two traces that cancel take 300."""
_NEAR, _ALIKE = 0.1, 1e-2
"""By how many standard errors predictions differ that belong to two minima, on the way there and at the end."""
FIT = 7
"""What the random numbers of fits are drawn for."""
FAST = 40
"""Evaluations of a fit that begins near its end, or of which there are many."""
_PROBE, _SAME = 1e-5, 1e-3
_PROBE_STEP = 1.5e-8


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
class Fit:
    """A form that was fitted.

    **Fields:** `form`; `data`, with standard errors that were estimated where none were told; `numbers` that are
    fitted, `(numbers,)`; `predictions` `(rows,)`; `noise`: what was estimated, None where errors were told; `others`:
    numbers of the other minima that starts led to, `(minima, numbers)`, best first.
    """

    form: Form
    data: Data
    numbers: Array
    predictions: Array
    noise: Noise | None = None
    others: Array | None = None

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


def fit(form: Form, data: Data, rng: np.random.Generator, points: Array | None = None) -> Fit:
    """Return the least-squares fit, the best of many starts.

    **Arguments:** `points`: numbers to start from as well, `(points, numbers)`.
    **Raises:** `RulesearchError` where the rule has no number for some row at every start, or fewer rows than numbers.
    """
    if not len(data.changes):
        raise RulesearchError("the table has no rows")
    if form.size > len(data.changes):
        shared = next((each for each in form.parameters if not each.own), None)
        few = (
            "have fewer for themselves: --own"
            if shared is None
            else f"hold some: --fixed {shared.name}={_held(shared)}"
        )
        raise RulesearchError(f"{form.size} numbers cannot be fitted to {len(data.changes)} rows; {few}")
    if form.size == len(data.changes) and not data.told:
        raise RulesearchError(
            f"{form.size} numbers fit {form.size} rows whatever these are, so that their scatter cannot be told: give "
            f"their standard errors (--error), or hold some numbers: --fixed {form.parameters[0].name}="
            f"{_held(form.parameters[0])}"
        )
    drawn = [_start(form, data, rng) for _ in range((_STARTS if form.at_once else _FEW_STARTS) - 1)]
    first = np.array([_start(form, data, None), *drawn, *(() if points is None else vector_of(form, points))])
    rough = _followed(form, data, first)
    if not len(rough):
        raise RulesearchError("the rule has no number under some of the protocols, whatever its constants are")
    if form.at_once:
        rough = rough[_apart(form.many(numbers_of(form, rough)) / data.sem, _NEAR)]
    kept = rough[: _KEPT if form.at_once else _FEW_KEPT]
    every, noise = np.ones(len(data.changes), dtype=np.bool_), None
    for _ in range(1 if data.told else _ROUNDS):
        if not data.told:
            noise, data = with_noise(form, data, kept[0], every)
        if form.at_once:
            # Along a narrow valley many small steps are needed.
            kept = _followed(form, data, kept, LONG)
        else:
            solved = sorted((solve(form, data, point) for point in kept), key=lambda found: found[1])
            kept = np.array([point for point, _ in solved])
    found = numbers_of(form, kept)
    predictions = form.many(found)
    if not np.all(np.isfinite(predictions[0])):
        raise RulesearchError("the rule has no number under some of the protocols, whatever its constants are")
    apart = _apart(predictions / data.sem, _ALIKE)
    return Fit(form, data, found[0], predictions[0], noise, found[apart[1:]])


def _followed(form: Form, data: Data, starts: Array, steps: int = STEPS) -> Array:
    """Return where the better starts lead to in so many steps, `(points, numbers)`, best first."""
    low, high = limits_of(form)
    return lockstep(lambda at: rooted(form, data, at), starts, low, high, scales_of(form), steps)[0]


def _apart(predictions: Array, least: float) -> list[int]:
    """Return which of several predictions, `(points, rows)` in standard errors, differ so much from all before."""
    found: list[int] = []
    for place, each in enumerate(predictions):
        if np.all(np.isfinite(each)) and all(np.abs(each - predictions[other]).max() > least for other in found):
            found.append(place)
    return found


def without_spare_rate(form: Form) -> Form:
    """Return the form; with its learning rate held where that only scales constants that every term has."""
    rate = next((each for each in form.parameters if each.name == ETA), None)
    return form if rate is None or not follows_from_others(form, ETA) else form.holding({ETA: rate.start})


def _held(parameter: Parameter) -> str:
    """Return the value that a number has in the rule, as an option takes it."""
    return f"{1e3 * parameter.start:g}ms" if parameter.is_time else f"{parameter.start:g}"


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


def with_noise(form: Form, data: Data, point: Array, rows: Rows) -> tuple[Noise, Data]:
    """Return the most likely size of the residuals of rows, and the data with it.

    It grows with the change where that is so by more than chance (likelihood ratio, 5 %).
    """
    predictions = form.predictions(numbers_of(form, point))
    # What is told in a word has no size that could be missed.
    rows = rows & np.isfinite(data.changes)
    off, size = data.off(predictions)[rows], np.abs(predictions[rows])
    usual = float(np.median(np.abs(off))) or float(np.std(off))
    # An exact rule misses by rounding alone, which is no noise to be told.
    usual = max(usual, _EXACT * float(np.max(np.abs(data.changes[rows]), initial=0.0)), _EXACT)
    least = _EXACT * usual

    def misfit(base: float, growth: float) -> float:
        sizes = np.hypot(max(base, least), growth * size)
        return -2.0 * float(np.sum(student_t_log_density(off / sizes, DEGREES) - np.log(sizes)))

    even = minimize_scalar(lambda log: misfit(math.exp(log), 0.0), (math.log(usual), math.log(2.0 * usual)))
    base = max(math.exp(float(even.x)), least)
    grown = minimize(
        lambda at: misfit(math.exp(float(at[0])), math.exp(float(at[1]))),
        (math.log(0.5 * base), math.log(0.3)),
        method="Nelder-Mead",
        bounds=((math.log(1e-3 * base), math.log(10.0 * base)), (math.log(1e-3), math.log(10.0))),
    )
    freedom = math.sqrt(int(rows.sum()) / max(1, int(rows.sum()) - form.size))
    found = Noise(freedom * base)
    if even.fun - grown.fun > chi_square_quantile(LEVEL, 1):
        found = Noise(freedom * math.exp(grown.x[0]), freedom * math.exp(grown.x[1]))
    return found, replace(data, sem=found.sizes(predictions))


def solve(
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

    scales = scales_of(form)[free]

    def several(points: Array) -> Array:
        with np.errstate(all="ignore"):
            found = data.residuals(form.many(numbers_of(form, points), rows))
        found = found if rows is None else found[:, rows]
        return np.clip(np.where(np.isfinite(found), found, _LARGE), -_LARGE, _LARGE)

    def residuals(part: Array) -> Array:
        point = start.copy()
        point[free] = part
        found: Array = several(point[np.newaxis])[0]
        return found

    if not len(free):
        squares = residuals(start[free]) ** 2
        return start, float(np.sum(squares if data.told else _heavy(squares)[0]))
    low, high = limits_of(form)

    def slopes(part: Array) -> Array:
        steps = _PROBE_STEP * np.maximum(np.abs(part), scales)
        steps = np.where(part + steps > high[free], -steps, steps)
        points = np.tile(start, (len(free) + 1, 1))
        points[:, free] = part
        points[np.arange(len(free)), free] += steps
        found = several(points)
        differences: Array = ((found[:-1] - found[-1]) / steps[:, np.newaxis]).T
        return differences

    solved = least_squares(
        residuals,
        np.clip(start[free], low[free], high[free]),
        slopes,
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
    inner = 1.0 + squares / DEGREES
    share = (DEGREES + 1.0) / DEGREES
    return np.array([(DEGREES + 1.0) * np.log(inner), share / inner, -share / DEGREES / inner**2])


def rooted(form: Form, data: Data, points: Array) -> Array:
    """Return residuals whose squares are summed to -2 log likelihood, `(points, rows)`."""
    with np.errstate(all="ignore"):
        return data.rooted(form.many(numbers_of(form, points)))


def scales_of(form: Form) -> Array:
    """Return how large numbers are, as they are fitted."""
    return np.array([1.0 if each.is_time else abs(each.start) or 1.0 for each in form.each])


def limits_of(form: Form) -> tuple[Array, Array]:
    """Return between what numbers are fitted, time constants by their logarithms."""
    pairs = [(math.log(each.low), math.log(each.high)) if each.is_time else (each.low, each.high) for each in form.each]
    low, high = np.array(pairs).T
    return low, high


def vector_of(form: Form, numbers: Array) -> Array:
    """Return numbers as they are fitted: time constants by their logarithms."""
    times = _times(form)
    found: Array = np.where(times, np.log(np.where(times, numbers, 1.0)), numbers)
    return found


def numbers_of(form: Form, points: Array) -> Array:
    """Return numbers from how they are fitted, `(numbers,)` or `(points, numbers)`."""
    times = _times(form)
    found: Array = np.where(times, np.exp(np.where(times, points, 0.0)), points)
    return found


def _times(form: Form) -> npt.NDArray[np.bool_]:
    return np.array([each.is_time for each in form.each])


def _start(form: Form, data: Data, rng: np.random.Generator | None) -> Array:
    """Return a point to start from: that of the rule, or another one; constants that act linearly by least squares."""
    numbers = np.array([each.start for each in form.each])
    times = np.array([each.is_time for each in form.each])
    if rng is not None:
        draws = rng.uniform(math.log(5e-3), math.log(0.3), size=int(times.sum()))
        numbers[times] = np.clip(np.exp(draws), [p.low for p in form.each if p.is_time], None)
        numbers[~times] *= np.exp(rng.normal(0.0, 2.0, size=int((~times).sum())))
    linear = _linear(form, data, numbers, ~times)
    return vector_of(form, numbers if linear is None else linear)


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
    low, high = (side[places] for side in limits_of(form))
    scaled = design[known] * weights[:, np.newaxis]
    with np.errstate(all="ignore"):
        solved = lsq_linear(scaled, (data.changes - base)[known] * weights, bounds=(low, high)).x
    found = numbers.copy()
    found[places] = solved
    return found
