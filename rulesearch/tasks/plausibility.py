"""When activity and weights of a recurrent network are plausible: quantities, their bounds, in which order they count.

Definitions and bounds of Confavreux et al. 2023 (NeurIPS 36) and of their public code (VogelsLab/fSBI). Each bound is a
setting of the tasks that ask for plausible networks, `least_cv_isi` or `most_cv_isi`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.simulate.network.recording import Recording
from rulesearch.tasks.declaration import Requirement, Setting, Settings

STAGES = ("rates", "weights", "irregular")
"""In which order quantities count: what fails a stage is not asked about the next ones."""

_RECORDED = 1000
"""Excitatory neurons that irregularity is looked at in, at most; the variance of their mean falls with their number."""
_FINE, _MEDIUM, _COARSE = 0.001, 0.01, 0.1
"""Bins [s] of the rate over time, of autocovariances, and of the counts whose variance is compared with their mean."""
_LAG = 0.5
_LEAST_DEVIATION = 0.05
"""S.d. of the spikes in a medium bin below which a neuron hardly fires, and its autocovariance counts as 1."""
_FEW = 3
_NO_BOUND = 1e9
"""The largest that a bound may be set to: nothing is beyond it."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Between which values a quantity is plausible.

    **Fields:** `metric`; `stage`: one of `STAGES`; `least`, `most`; `meaning` with unit; `otherwise`: what another
    source says of `most`.
    """

    metric: str
    stage: str
    least: float
    most: float
    meaning: str
    otherwise: str = ""


BOUNDS = (
    Bound("rate_e_hz", "rates", 1.0, 50.0, "mean rate of excitatory neurons [Hz]"),
    Bound("rate_i_hz", "rates", 1.0, 50.0, "mean rate of inhibitory neurons [Hz]"),
    Bound("at_bounds", "weights", 0.0, 0.1, "share of weights at their bounds, a mean over kinds"),
    Bound("creep", "weights", 0.0, 0.05, "largest relative change of a mean weight in scoring"),
    Bound("w_EE", "weights", 0.0, 0.5, "mean EE weight"),
    Bound("w_EI", "weights", 0.0, 0.5, "mean EI weight"),
    Bound("w_IE", "weights", 0.0, 5.0, "mean IE weight"),
    Bound("w_II", "weights", 0.0, 5.0, "mean II weight"),
    Bound("cv_isi", "irregular", 0.7, 2.7, "mean coefficient of variation of intervals"),
    Bound("spatial_fano", "irregular", 0.5, 2.5, "variance over mean of spikes in 0.1 s, over neurons"),
    Bound("temporal_fano", "irregular", 0.5, 2.5, "variance over mean of spikes in 0.1 s, over time"),
    Bound("autocovariance", "irregular", 0.0, 0.1, "mean size of autocorrelations up to 0.5 s, in bins of 10 ms"),
    Bound("fourier", "irregular", 0.0, 1.0, "sum of the amplitudes of the mean spikes per ms"),
    Bound("std_rate_spatial", "irregular", 0.0, 5.0, "s.d. of rates over neurons [Hz]"),
    Bound(
        "std_rate_temporal",
        "irregular",
        0.0,
        0.05,
        "s.d. over time of the mean spikes per ms",
        "0.05 in the paper's code, 0.5 in its notebooks",
    ),
    Bound("std_cv", "irregular", 0.0, 0.2, "s.d. over neurons of the coefficient of variation"),
)
"""All quantities; each metric is at least 0."""


def bound_settings() -> dict[str, Setting]:
    """Return the bounds as settings; `least` only of quantities that may be too small."""
    found: dict[str, Setting] = {}
    for bound in BOUNDS:
        if bound.least > 0.0:
            found[f"least_{bound.metric}"] = Setting(
                bound.least, f"at least so much may be the {bound.meaning}", 0.0, _NO_BOUND
            )
        otherwise = f"; {bound.otherwise}" if bound.otherwise else ""
        found[f"most_{bound.metric}"] = Setting(
            bound.most, f"at most so much may be the {bound.meaning}{otherwise}", 0.0, _NO_BOUND
        )
    return found


def bounds_of(bound: Bound, settings: Settings) -> tuple[float, float]:
    """Return the bounds of a quantity under settings."""
    return settings.get(f"least_{bound.metric}", bound.least), settings[f"most_{bound.metric}"]


def plausible_filters(settings: Settings) -> tuple[tuple[Requirement, ...], ...]:
    """Return the stages as filters of a search for plausible networks."""
    stages = ([bound for bound in BOUNDS if bound.stage == stage] for stage in STAGES)
    return tuple(tuple(Requirement(each.metric, *bounds_of(each, settings)) for each in stage) for stage in stages)


def check_bounds(task: str, settings: Settings) -> None:
    """Refuse bounds between which there is nothing; raises `RulesearchError`."""
    for bound in BOUNDS:
        least, most = bounds_of(bound, settings)
        if least > most:
            raise RulesearchError(
                f"settings of task {task}: least_{bound.metric} is {least:g} and most_{bound.metric} {most:g}; nothing "
                "lies between them"
            )


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a network is from being plausible.

    **Fields:** `cases`: for each stage 0 where it is passed, 1 where one before it is not, else the mean over its
    quantities of how far they are out; `violated`: the metrics that are out of their bounds, or are not there.
    """

    cases: tuple[float, ...]
    violated: tuple[str, ...]


def verdict(metrics: Mapping[str, float], settings: Settings) -> Verdict:
    """Return how far metrics are out of the bounds that settings give."""
    cases: list[float] = []
    violated: list[str] = []
    for stage in STAGES:
        out = {
            bound.metric: _outside(metrics.get(bound.metric), *bounds_of(bound, settings))
            for bound in BOUNDS
            if bound.stage == stage
        }
        violated += [name for name, distance in out.items() if distance > 0.0]
        cases.append(1.0 if cases and cases[-1] > 0.0 else sum(out.values()) / len(out))
    return Verdict(tuple(cases), tuple(violated))


def _outside(value: float | None, least: float, most: float) -> float:
    """Return d/(d + width), d being how far a quantity is out of its bounds; 1 where there is none."""
    if value is None:
        return 1.0
    distance = max(0.0, least - value, value - most)
    width = most - least if most > least else max(least, 1.0)
    return distance / (distance + width)


def activity_metrics(recording: Recording) -> dict[str, float]:
    """Return the metrics of rates and of irregularity of a recording of populations `E` and `I`."""
    times, units = recording.spikes["E"]
    size = min(_RECORDED, recording.sizes["E"])
    seconds = recording.stop - recording.start
    kept = units < size
    times, units = times[kept] - recording.start, units[kept]
    coarse = _counts(times, units, size, seconds, _COARSE)
    medium = _counts(times, units, size, seconds, _MEDIUM)
    mean = _counts(times, np.zeros_like(units), 1, seconds, _FINE)[0] / size
    cv = np.nan_to_num(recording.interval_cv("E")[:size])
    return {
        "rate_e_hz": recording.mean_rate("E"),
        "rate_i_hz": recording.mean_rate("I"),
        "cv_isi": float(cv.mean()),
        "std_cv": float(cv.std()),
        "spatial_fano": _fano(coarse.T),
        "temporal_fano": _fano(coarse),
        "autocovariance": _autocovariance(medium),
        "fourier": float(np.abs(np.fft.rfft(mean))[1 : len(mean) // 2].sum() * 2.0 / len(mean)),
        "std_rate_spatial": float((coarse.sum(axis=1) / seconds).std()),
        "std_rate_temporal": float(mean.std()),
    }


def _counts(
    times: npt.NDArray[np.float64], units: npt.NDArray[np.int64], size: int, seconds: float, width: float
) -> npt.NDArray[np.float64]:
    """Return the spikes of each unit in each bin, `(size, bins)`."""
    bins = max(1, round(seconds / width))
    # A spike on an edge must not fall before it because of how its time is rounded.
    at = np.minimum(((times / width) * (1.0 + 1e-12) + 1e-9).astype(np.int64), bins - 1)
    return np.bincount(units * bins + at, minlength=size * bins).reshape(size, bins).astype(np.float64)


def _fano(counts: npt.NDArray[np.float64]) -> float:
    """Return the mean over rows of the variance over the mean, 0 for a row of at most 3 spikes."""
    means = counts.mean(axis=1)
    enough = counts.sum(axis=1) > _FEW
    return float(np.mean(np.where(enough, counts.var(axis=1) / np.where(enough, means, 1.0), 0.0)))


def _autocovariance(counts: npt.NDArray[np.float64]) -> float:
    """Return the mean over rows of the mean size of the autocorrelation up to the largest lag, 1 for hardly a spike."""
    lags, bins = round(_LAG / _MEDIUM), counts.shape[1]
    around = counts - counts.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(around, bins + lags, axis=1)) ** 2
    found = np.abs(np.fft.irfft(power, bins + lags, axis=1)[:, : lags + 1])
    fires = counts.std(axis=1) > _LEAST_DEVIATION
    sizes = (found[:, 0] + 2.0 * found[:, 1:].sum(axis=1)) / np.where(fires, found[:, 0], 1.0) / (2 * lags + 1)
    return float(np.mean(np.where(fires, sizes, 1.0)))
