r"""A reference for synapses that dendritic plateaus change, after Milstein et al. 2021.

$$\dot W = k_+ (W_{max} - W)\, q_+(z) - k_-\, W\, q_-(z), \qquad
z = \frac{S_{pre}(\tau_{ET})}{\hat x}\, \frac{1 - e^{-t/\tau_{IS}}}{\hat I}$$

under a plateau that lasts from t = 0 on, where $q_\pm(z) = (s(z) - s(0))/(s(1) - s(0))$ rises from 0 to 1 along the
logistic $s(z) = 1/(1 + e^{-2(z - a)/h})$. The weight is followed in small steps from spike to spike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rulesearch.checks.cases import Case, in_seconds
from rulesearch.checks.stepping import stepped

_LONGEST_STEP = 0.004
_PROTOCOLS: tuple[tuple[float, tuple[float, ...], float, float], ...] = (
    (0.5, tuple(range(100, 1100, 50)), 2000.0, 0.5),
    (4.5, tuple(range(100, 1100, 50)), 3000.0, 20.0),
    (2.0, tuple(range(0, 1000, 25)), 1500.0, 0.5),
    (2.0, (50.0,), 2000.0, 0.5),
    (4.5, (50.0, 400.0, 900.0), 3000.0, 0.5),
    (1.0, (0.0, 10.0, 20.0, 30.0), 1000.0, 0.5),
    (2.0, (100.0, 200.0), 1000.0, -0.5),
)
"""Weight at the start, presynaptic spikes and end [ms], and how far the dendrite is above its plateau's level [mV]."""


def plateaus(settings: Mapping[str, Any]) -> Iterator[Case]:
    """Return Milstein et al. 2021, the weight-dependent model.

    **Settings:** `k_plus`, `k_minus` [1/s]; `W_max`; `a_plus`, `h_plus`, `a_minus`, `h_minus` of the two logistic
    functions; `tau_ET`, `tau_IS` [ms]; `x_peak`, `I_peak`; `v_plateau` [mV].
    """
    for weight, pre, end, above in _PROTOCOLS:
        change = _moved(weight, pre, end, settings) - weight if above > 0.0 else 0.0
        held = {"v_dend": settings["v_plateau"] + above}
        yield Case(in_seconds(pre), (), change, 1e-3 * end, weight, held)


def _moved(weight: float, pre: tuple[float, ...], end: float, settings: Mapping[str, Any]) -> float:
    decay, rise = 1e-3 * settings["tau_ET"], 1e-3 * settings["tau_IS"]
    times = in_seconds([*pre, end])
    sum_then, last = 0.0, 0.0
    for number, time in enumerate(times):

        def speed(now: float, w: float, total: float = sum_then, since: float = last) -> float:
            z = total * math.exp(-(now - since) / decay) / settings["x_peak"]
            z *= (1.0 - math.exp(-now / rise)) / settings["I_peak"]
            growth = settings["k_plus"] * (settings["W_max"] - w) * _share(z, "plus", settings)
            return float(growth - settings["k_minus"] * w * _share(z, "minus", settings))

        weight = stepped(speed, weight, last, time - last, _LONGEST_STEP)
        sum_then, last = sum_then * math.exp(-(time - last) / decay) + float(number < len(pre)), time
    return weight


def _share(z: float, side: str, settings: Mapping[str, Any]) -> float:
    a, h = settings[f"a_{side}"], settings[f"h_{side}"]

    def logistic(value: float) -> float:
        return 1.0 / (1.0 + math.exp(-2.0 * (value - a) / h))

    return (logistic(z) - logistic(0.0)) / (logistic(1.0) - logistic(0.0))
