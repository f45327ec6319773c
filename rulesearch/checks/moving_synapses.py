r"""Closed forms of rules that depend on a potential, or whose weight moves between spikes: integrals.

All time constants are given in ms, potentials in mV, conductances in nS. $\int_0^T e^{-t/\tau} dt$ is
$\tau (1 - e^{-T/\tau})$.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from rulesearch.checks.cases import Case, in_seconds
from rulesearch.checks.spike_sums import Ages, exponentials
from rulesearch.simulate.synapse.synapse import Voltage

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
    r"""Return Clopath et al. 2010 for presynaptic spikes, each some `delay` after a step of the potential.

    $\bar u(t) = v_2 + (v_1 - v_2) e^{-t/\tau}$ after the step; the trace of a spike is $\bar x(t) = e^{-t/\tau_x}/
    \tau_x$, so that the amplitude of potentiation is per ms there.
    """
    low, high, tau_x = settings["theta_minus"], settings["theta_plus"], settings["tau_x"]
    bottom, top = settings["bounds"]
    together = 1.0 / (1.0 / tau_x + 1.0 / settings["tau_plus"])
    time = 30.0
    for weight, before, after, delays in (
        (0.5, -75.0, -75.0, (0.0,)),
        (0.5, -60.0, -60.0, (0.0,)),
        (0.5, -40.0, -40.0, (0.0,)),
        (0.5, -80.0, -65.0, (8.0,)),
        (0.5, -65.0, -20.0, (4.0, 11.0)),
        (0.5, -50.0, -30.0, (12.0,)),
        (bottom, -60.0, -60.0, (0.0,)),
        (top, -20.0, -20.0, (0.0,)),
    ):
        depressed, grown = weight, 0.0
        for delay in delays:
            average = after + (before - after) * math.exp(-delay / settings["tau_minus"])
            depressed = max(depressed - settings["A_LTD"] * max(average - low, 0.0), bottom)
            # Where the potential is above the second threshold, its average starts above the first one, so that no
            # rectification cuts the integral.
            area = (after - low) * _area(tau_x, time - delay)
            area += (before - after) * math.exp(-delay / settings["tau_plus"]) * _area(together, time - delay)
            grown += settings["A_LTP"] / tau_x * max(after - high, 0.0) * area
        spikes = tuple(0.01 + 1e-3 * delay for delay in delays)
        change = min(depressed + grown, top) - weight
        yield Case(spikes, (), change, 0.01 + 1e-3 * time, weight, voltage=_clamped(before, after, 0.01))


_EARLY_AND_LATE: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = (
    ((0.0,), (10.0,)),
    ((10.0,), (0.0,)),
    ((0.0, 15.0), (40.0,)),
    ((40.0,), (0.0, 15.0)),
)
"""Presynaptic and postsynaptic spikes [ms]."""


def _jumps(settings: Mapping[str, Any], pre: Ages, post: Ages) -> Iterator[tuple[float, float]]:
    """Iterate over the jumps that pairs of spikes cause in an eligibility: time [ms] and size."""
    for side, own, others, sign in (("plus", post, pre, 1.0), ("minus", pre, post, -1.0)):
        for time in own:
            ages = [time - other for other in others if other < time]
            yield time, sign * settings[f"A_{side}"] * exponentials(ages, settings[f"tau_{side}"])


def dopamine(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return Izhikevich 2007: spikes under reward that is held, from a first value 0 of dopamine.

    $$\Delta w = \sum \int R\, (1 - e^{-t/\tau_d})\, C e^{-(t - t_C)/\tau_c}\, dt$$

    over the jumps C of the eligibility.
    """
    eligibility, level = settings["tau_c"], settings["tau_d"]
    together = 1.0 / (1.0 / eligibility + 1.0 / level)
    top = settings["bounds"][1]
    for weight, time, trains in (
        *((2.0, 200.0, trains) for trains in _EARLY_AND_LATE),
        (2.0, 1000.0, _EARLY_AND_LATE[0]),
        (top, 200.0, _EARLY_AND_LATE[0]),
        (0.0, 200.0, _EARLY_AND_LATE[1]),
    ):
        change = 0.0
        for when, size in _jumps(settings, *trains):
            area = _area(eligibility, time - when) - math.exp(-when / level) * _area(together, time - when)
            change += settings["R"] * size * 1e-3 * area
        end = min(max(weight + change, 0.0), top)
        pre, post = map(in_seconds, trains)
        yield Case(pre, post, end - weight, 1e-3 * time, weight, {"R": settings["R"]})


def reward_prediction(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return Fremaux et al. 2010: $(R - \bar R) \sum C e^{-(t - t_C)/\tau_e}$ over the jumps of the eligibility."""
    held = {"R": settings["R"], "R_bar": settings["R_bar"]}
    for trains in _EARLY_AND_LATE:
        for time in (100.0, 700.0):
            jumps = _jumps(settings, *trains)
            left = sum(size * math.exp(-(time - when) / settings["tau_e"]) for when, size in jumps)
            pre, post = map(in_seconds, trains)
            yield Case(pre, post, (held["R"] - held["R_bar"]) * left, 1e-3 * time, held=held)


def dendritic(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return Urbanczik & Senn 2014, as in NEST: presynaptic spikes, with or without a somatic one after them.

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
        for pre, post, end in (((0.0,), (), 60.0), ((0.0,), (4.0,), 60.0), ((0.0, 2.0), (12.0,), 200.0)):
            area = 0.0
            for spike in pre:
                time = end - spike
                for tau, sign in ((synapse, scale), (membrane, -scale)):
                    through = tau * home / (tau - home) * (math.exp(-time / tau) - math.exp(-time / home))
                    area -= expected * sign * home * (_area(tau, time) - through)
                    area += sum(sign * math.exp(-(later - spike) / tau) * _area(home, end - later) for later in post)
            change = settings["eta"] * gain * area / home
            yield Case(in_seconds(pre), in_seconds(post), change, 1e-3 * end, 0.5, {"v_dend": potential})


MOVING: dict[str, Callable[[Mapping[str, Any]], Iterator[Case]]] = {
    "two-thresholds": two_thresholds,
    "voltage-dependent": voltage_dependent,
    "dopamine": dopamine,
    "reward-prediction": reward_prediction,
    "dendritic": dendritic,
}
"""Closed forms by name."""
