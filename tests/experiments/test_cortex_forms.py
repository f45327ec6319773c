"""Forms of the cortex benchmark against closed forms, the library's own synapse, and what the authors' model does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from rulesearch.measurements.protocols import Measured
from rulesearch.simulate.synapse.respond import respond
from rulesearch.simulate.synapse.synapse import Voltage

RATE = {"eta": 1.0}


@pytest.fixture(scope="module")
def forms(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("cortex_forms")


def _row(pre: tuple[float, ...], post: tuple[float, ...], repeats: int = 10, every: float = 4.0) -> Measured:
    return Measured("", 0.0, 1.0, pre, post, every, repeats)


def test_calcium_moves_the_weight_by_the_time_above_thresholds(forms: ModuleType) -> None:
    values = {"C_pre": 0.6, "C_post": 2.0, "theta_p": 1.3, "gamma_p": 2.0, "gamma_d": 1.0, "tau_c": 0.02}
    rows = [_row((), (0.0,)), _row((0.01,), (0.0,)), _row((0.0,), (0.005,))]
    form = forms.CalciumForm(rows, False, fixed=RATE, delay=0.005)
    assert set(values) | {"D"} == {each.name for each in form.parameters}
    found = form.predictions(np.array([values.get(each.name, 0.005) for each in form.each]))

    def above(level: float, threshold: float) -> float:
        return 0.02 * math.log(level / threshold)

    once = 2.0 * above(2.0, 1.3) - above(2.0, 1.0)
    assert found[0] == pytest.approx(10 * once)
    # Presynaptic calcium comes 5 ms later: 15 ms behind the postsynaptic one, when calcium is at 2 exp(-3/4).
    late = 2.0 * math.exp(-0.75) + 0.6
    high = above(2.0, 1.3) + above(late, 1.3)
    assert found[1] == pytest.approx(10 * (2.0 * high - above(2.0, 1.0) - above(late, 1.0)))
    assert found[2] == pytest.approx(10 * (2.0 * above(2.6, 1.3) - above(2.6, 1.0)))


def test_calcium_with_bounds_is_that_of_the_library(forms: ModuleType) -> None:
    row = _row((0.0, 0.03), (0.01, 0.035), 2, 0.5)
    form = forms.CalciumForm([row], True, fixed=RATE, delay=0.0)
    found = respond(replace(form.rule, eta=1.0), row.pre, row.post, row.repeats, row.every, 0.5)
    assert form.predictions(form.own_numbers)[0] == pytest.approx(found.delta_w / 0.5, rel=1e-6)


@pytest.mark.slow
def test_the_voltage_based_rule_is_that_of_the_library_where_nothing_is_read_late(forms: ModuleType) -> None:
    row = _row((0.015,), (0.005, 0.02), 1, 0.5)
    times, values = forms.potential(row.post)
    found = respond(
        replace(forms.VoltageForm([row], fixed=RATE).rule, eta=1.0),
        row.pre,
        row.post,
        1,
        row.every,
        voltage=Voltage(1e-3 * times, values),
    )
    form = forms.VoltageForm([row], fixed=RATE, late=0.0)
    assert form.predictions(form.own_numbers)[0] == pytest.approx(found.delta_w, rel=1e-5)


def test_the_authors_constants_give_the_frequency_dependence_of_visual_cortex(forms: ModuleType) -> None:
    """Figure 2b of Clopath et al. 2010, weights from 0.5: no potentiation at 0.1 Hz, which grows with the frequency;
    depression up to 20 Hz and potentiation at 50 Hz where postsynaptic spikes come first."""

    def bursts(delay: float, rate: float) -> Measured:
        times = [k / rate for k in range(5)]
        pre, post = ([time + max(0.0, shift) for time in times] for shift in (-delay, delay))
        return _row(tuple(pre), tuple(post), 15, 10.0)

    rows = [_row((0.0,), (0.01,), 50, 10.0), *(bursts(0.01, rate) for rate in (10.0, 20.0, 40.0, 50.0))]
    rows += [_row((0.01,), (0.0,), 50, 10.0), *(bursts(-0.01, rate) for rate in (10.0, 20.0, 50.0))]
    form = forms.VoltageForm(rows, fixed=RATE)
    found = form.predictions(form.own_numbers) / 0.5
    assert abs(found[0]) < 0.02 and np.all(np.diff(found[:5]) > 0.0) and 0.4 < found[4] < 0.8
    assert np.all(found[5:8] < -0.2) and found[8] > 0.2
