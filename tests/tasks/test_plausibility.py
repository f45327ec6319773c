"""Which networks are plausible: metrics of spikes against closed forms and plain loops, stages, bounds as settings."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.simulate.network.recording import Recording
from rulesearch.tasks import load_task
from rulesearch.tasks.plausibility import BOUNDS, activity_metrics, verdict

FITTING = {bound.metric: 0.5 * (bound.least + bound.most) for bound in BOUNDS}
SETTINGS = load_task("stability").resolve()


def recording(trains: list[npt.NDArray[np.float64]], seconds: float) -> Recording:
    """A recording, from 5 s on, of excitatory neurons that fire at given times and of one inhibitory neuron at 3 Hz."""
    times = np.concatenate(trains)
    units = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
    order = np.argsort(times, kind="stable")
    empty = np.zeros(0)
    counts = {"E": len(times), "I": round(3 * seconds)}
    spikes = {"E": (5.0 + times[order], units[order])}
    sizes = {"E": len(trains), "I": 1}
    return Recording("ok", 5.0, 5.0 + seconds, spikes, sizes, empty, {}, empty, {}, counts, 0, 0, 0)


def poisson(neurons: int, rate: float, seconds: float) -> list[npt.NDArray[np.float64]]:
    rng = np.random.Generator(np.random.PCG64(3))
    return [np.sort(rng.uniform(0.0, seconds, rng.poisson(rate * seconds))) for _ in range(neurons)]


def test_poisson_spikes_are_as_irregular_as_chance() -> None:
    rate, seconds, neurons = 20.0, 50.0, 400
    found = activity_metrics(recording(poisson(neurons, rate, seconds), seconds))
    assert found["rate_e_hz"] == pytest.approx(rate, rel=0.03)
    assert found["rate_i_hz"] == 3.0
    assert found["cv_isi"] == pytest.approx(1.0, abs=0.01)
    assert found["spatial_fano"] == pytest.approx(1.0, abs=0.02)
    assert found["temporal_fano"] == pytest.approx(1.0, abs=0.02)
    # Independent spikes: the variance of the mean over neurons is rate * bin / neurons.
    fine = math.sqrt(rate * 1e-3 / neurons)
    assert found["std_rate_temporal"] == pytest.approx(fine, rel=0.02)
    assert found["std_rate_spatial"] == pytest.approx(math.sqrt(rate / seconds), rel=0.1)
    # Amplitudes of white noise are Rayleigh distributed: bins/2 of them, of mean sqrt(pi/bins) fine.
    bins = seconds / 1e-3
    assert found["fourier"] == pytest.approx(0.5 * bins * math.sqrt(math.pi / bins) * fine, rel=0.02)
    # Correlations at 50 lags of either side are of size sqrt(2/(pi bins)) by chance; lag 0 is 1.
    by_chance = (1.0 + 100.0 * math.sqrt(2.0 / math.pi / (seconds / 0.01))) / 101.0
    assert found["autocovariance"] == pytest.approx(by_chance, rel=0.03)


def test_regular_spikes_are_not_irregular() -> None:
    trains = [np.arange(0.001 * neuron + 0.0005, 10.0, 0.1) for neuron in range(50)]
    found = activity_metrics(recording(trains, 10.0))
    assert found["cv_isi"] == pytest.approx(0.0, abs=1e-6)
    assert found["std_cv"] == pytest.approx(0.0, abs=1e-6)
    assert found["temporal_fano"] == found["spatial_fano"] == 0.0
    assert found["std_rate_spatial"] == 0.0
    # Half of the time one of 50 neurons fires in a millisecond.
    assert found["std_rate_temporal"] == pytest.approx(0.5 / 50)


def test_metrics_are_those_of_plain_loops() -> None:
    seconds, neurons = 4.0, 6
    trains = poisson(neurons, 8.0, seconds)
    trains[5] = np.array([1.0])
    found = activity_metrics(recording(trains, seconds))
    cvs, sizes = [], []
    for train in trains:
        gaps = np.diff(train)
        cvs.append(np.std(gaps) / np.mean(gaps) if len(gaps) > 1 else 0.0)
        counts = np.histogram(train, np.linspace(0.0, seconds, 401))[0]
        if np.std(counts) <= 0.05:
            sizes.append(1.0)
            continue
        around = counts - counts.mean()
        full = np.correlate(around, around, "full")
        sizes.append(float(np.mean(np.abs(full[399 - 50 : 399 + 51]) / full.max())))
    assert sizes[5] == 1.0
    assert found["cv_isi"] == pytest.approx(np.mean(cvs))
    assert found["std_cv"] == pytest.approx(np.std(cvs))
    assert found["autocovariance"] == pytest.approx(np.mean(sizes))


def test_a_stage_is_asked_about_only_where_those_before_it_are_passed() -> None:
    assert verdict(FITTING, SETTINGS) == verdict({**FITTING, "rate_e_hz": 50.0}, SETTINGS)
    assert verdict(FITTING, SETTINGS).cases == (0.0, 0.0, 0.0)
    fast = verdict({**FITTING, "rate_e_hz": 99.0, "cv_isi": 0.0}, SETTINGS)
    assert fast.cases == (0.25, 1.0, 1.0)
    assert fast.violated == ("rate_e_hz", "cv_isi")
    heavy = verdict({**FITTING, "w_EE": 1.0, "cv_isi": 0.0}, SETTINGS)
    assert heavy.cases == pytest.approx((0.0, 0.5 / 6, 1.0))
    missing = {name: value for name, value in FITTING.items() if name != "cv_isi"}
    assert verdict(missing, SETTINGS).cases == pytest.approx((0.0, 0.0, 1.0 / 8))


def test_bounds_between_which_there_is_nothing_are_refused() -> None:
    with pytest.raises(RulesearchError, match=r"least_cv_isi is 3 and most_cv_isi 2\.7; nothing"):
        load_task("stability").resolve({"least_cv_isi": 3})
    load_task("stability").resolve({"least_cv_isi": 2.7})


def test_bounds_are_settings() -> None:
    strict = load_task("stability").resolve({"most_rate_e_hz": 20.0})
    assert verdict(FITTING, strict).violated == ("rate_e_hz",)
    without = load_task("stability").resolve({"most_std_cv": 1e9})
    assert verdict({**FITTING, "std_cv": 9.0}, without).violated == ()
    assert {name for name in SETTINGS if name.startswith("least_")} == {
        "least_rate_e_hz",
        "least_rate_i_hz",
        "least_cv_isi",
        "least_spatial_fano",
        "least_temporal_fano",
    }
