r"""Closed forms of rules that depend on a potential, or whose weight moves between spikes: integrals.

All time constants are given in ms, potentials in mV, conductances in nS. $\int_0^T e^{-t/\tau} dt$ is
$\tau (1 - e^{-T/\tau})$.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from rulesearch.checks.cases import Case
from rulesearch.simulate.synapse import Voltage

_RAMP = 1e-9
"""How long a step of the clamped potential takes [s]."""


def _area(tau: float, time: float) -> float:
    return tau * (1.0 - math.exp(-time / tau))


def _clamped(before: float, after: float, when: float) -> Voltage:
    return Voltage(np.array([when - _RAMP, when]), np.array([before, after]))


def two_thresholds(settings: Mapping[str, Any]) -> Iterator[Case]:
    """Return Artola et al. 1990: nothing, depression, potentiation by a spike, below, between, above two thresholds."""
    low, high = settings["theta_minus"], settings["theta_plus"]
    for potential, change in (
        (low - 20.0, 0.0),
        (low - 0.5, 0.0),
        (low + 0.5, -settings["A_minus"]),
        (high - 0.5, -settings["A_minus"]),
        (high + 0.5, settings["A_plus"]),
        (high + 40.0, settings["A_plus"]),
    ):
        yield Case((0.0,), (), change, 0.0, voltage=_clamped(potential, potential, 0.0))


def voltage_dependent(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return Clopath et al. 2010 for one presynaptic spike `delay` after a step of the potential.

    $\bar u(t) = v_2 + (v_1 - v_2) e^{-t/\tau}$ after the step; the trace of the spike is $\bar x(t) = e^{-t/\tau_x}/
    \tau_x$, so that the amplitude of potentiation is per ms there.
    """
    low, high, tau_x = settings["theta_minus"], settings["theta_plus"], settings["tau_x"]
    bottom, top = settings["bounds"]
    together = 1.0 / (1.0 / tau_x + 1.0 / settings["tau_plus"])
    time = 20.0
    for weight, before, after, delay in (
        (0.5, -75.0, -75.0, 0.0),
        (0.5, -60.0, -60.0, 0.0),
        (0.5, -40.0, -40.0, 0.0),
        (0.5, -80.0, -65.0, 8.0),
        (0.5, -65.0, -20.0, 4.0),
        (0.5, -50.0, -30.0, 12.0),
        (bottom, -60.0, -60.0, 0.0),
        (top, -20.0, -20.0, 0.0),
    ):
        average = after + (before - after) * math.exp(-delay / settings["tau_minus"])
        depressed = max(weight - settings["A_LTD"] * max(average - low, 0.0), bottom)
        # Potentials above the second threshold start above the first one, so that no rectification cuts the integral.
        area = (after - low) * _area(tau_x, time)
        area += (before - after) * math.exp(-delay / settings["tau_plus"]) * _area(together, time)
        grown = settings["A_LTP"] / tau_x * max(after - high, 0.0) * area
        voltage = _clamped(before, after, 0.01)
        start = 0.01 + 1e-3 * delay
        yield Case((start,), (), min(depressed + grown, top) - weight, start + 1e-3 * time, weight, voltage=voltage)


def dopamine(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return Izhikevich 2007: pairs under reward that is held, from a first value 0 of dopamine.

    $$\Delta w = \int R\, (1 - e^{-t/\tau_d})\, C e^{-(t - t_C)/\tau_c}\, dt$$

    with the jump C of the eligibility at the second spike.
    """
    eligibility, level = settings["tau_c"], settings["tau_d"]
    together = 1.0 / (1.0 / eligibility + 1.0 / level)
    top = settings["bounds"][1]
    for weight, gap, time in (
        (2.0, 10.0, 200.0),
        (2.0, 40.0, 1000.0),
        (2.0, -10.0, 200.0),
        (2.0, -40.0, 1000.0),
        (top, 10.0, 200.0),
        (0.0, -10.0, 200.0),
    ):
        side = "plus" if gap > 0.0 else "minus"
        jump = math.copysign(settings[f"A_{side}"], gap) * math.exp(-abs(gap) / settings[f"tau_{side}"])
        rest = time - abs(gap)
        area = _area(eligibility, rest) - math.exp(-abs(gap) / level) * _area(together, rest)
        end = min(max(weight + settings["R"] * jump * 1e-3 * area, 0.0), top)
        yield Case(*_pair(gap), end - weight, 1e-3 * time, weight, {"R": settings["R"]})


def reward_prediction(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return Fremaux et al. 2010: $(R - \bar R)\, C e^{-t/\tau_e}$, some time t after a pair."""
    for gap in (-40.0, -10.0, 10.0, 40.0):
        for time in (100.0, 700.0):
            side = "plus" if gap > 0.0 else "minus"
            jump = math.copysign(settings[f"A_{side}"], gap) * math.exp(-abs(gap) / settings[f"tau_{side}"])
            held = {"R": settings["R"], "R_bar": settings["R_bar"]}
            change = (held["R"] - held["R_bar"]) * jump * math.exp(-time / settings["tau_e"])
            yield Case(*_pair(gap), change, 1e-3 * (abs(gap) + time), held=held)


def _pair(gap: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return spikes [s], the postsynaptic one `gap` [ms] after the presynaptic one."""
    return ((0.0,), (1e-3 * gap,)) if gap > 0.0 else ((-1e-3 * gap,), (0.0,))


def dendritic(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return Urbanczik & Senn 2014, as in NEST: a presynaptic spike, with or without a somatic one after it.

    $$\dot P = -P/\tau_\Delta + (S - \phi(V^*))\, h(V^*)\, psp(t), \qquad \dot w = \eta P/\tau_\Delta$$

    under a dendritic potential V that is held, with $V^* = (g_L E_L + g_D V)/(g_L + g_D)$, $\phi(u) = \phi_{max}/(1 +
    k e^{\beta(\theta - u)})$, $h = \phi'/\phi = \beta/(1 + e^{-\beta(\theta - u)}/k)$ and the psp of a synapse of
    $\tau_s$ on a membrane of $\tau_m$.
    """
    synapse, membrane, home = settings["tau_s"], settings["tau_m"], settings["tau_delta"]
    scale = synapse / (synapse - membrane)
    leak, coupling = settings["g_L"], settings["g_D"]
    for potential in (-66.0, -57.0, -50.0):
        soma = (leak * settings["E_L"] + coupling * potential) / (leak + coupling)
        beyond = settings["k"] * math.exp(settings["beta"] * (settings["theta"] - soma))
        expected, gain = 1e-3 * settings["phi_max"] / (1.0 + beyond), settings["beta"] / (1.0 + 1.0 / beyond)
        for spike, time in ((None, 60.0), (4.0, 60.0), (12.0, 200.0)):
            area = 0.0
            for tau, sign in ((synapse, scale), (membrane, -scale)):
                through = tau * home / (tau - home) * (math.exp(-time / tau) - math.exp(-time / home))
                area -= expected * sign * home * (_area(tau, time) - through)
                if spike is not None:
                    area += sign * math.exp(-spike / tau) * _area(home, time - spike)
            change = settings["eta"] * gain * area / home
            post = () if spike is None else (1e-3 * spike,)
            yield Case((0.0,), post, change, 1e-3 * time, 0.5, {"v_dend": potential})


MOVING: dict[str, Callable[[Mapping[str, Any]], Iterator[Case]]] = {
    "two-thresholds": two_thresholds,
    "voltage-dependent": voltage_dependent,
    "dopamine": dopamine,
    "reward-prediction": reward_prediction,
    "dendritic": dendritic,
}
"""Closed forms by name."""
