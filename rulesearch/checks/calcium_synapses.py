r"""Closed forms of a synapse that calcium moves while it is above thresholds, after Graupner & Brunel 2012.

$$\tau\,\dot\rho = -\rho\,(1 - \rho)(\tfrac{1}{2} - \rho) + \gamma_p (1 - \rho)\,\Theta(c - \theta_p)
- \gamma_d\,\rho\,\Theta(c - \theta_d)$$

Calcium jumps by $C_{pre}$, a delay D after a presynaptic spike, and by $C_{post}$; from c on it is above a threshold
for $\tau_{Ca} \log(c/\theta)$ more, in which $\rho$ relaxes exponentially. The double well is left out there, where the
other terms are several thousand times as large; below both thresholds it is alone, and $z = 1 - 2\rho$ follows
$z^2/(1 - z^2) \propto e^{t/2\tau}$.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from rulesearch.checks.cases import Case, in_seconds

_PROTOCOLS: tuple[tuple[float, tuple[float, ...], tuple[float, ...], float], ...] = (
    (0.3, (), (), 200e3),
    (0.7, (), (), 200e3),
    (0.2, (0.0,), (), 100.0),
    (0.0, (), (0.0,), 100.0),
    (1.0, (), (0.0,), 100.0),
    (0.2, (0.0,), (30.0,), 200.0),
    (0.8, (20.0,), (0.0,), 200.0),
    (0.8, (0.0,), (5.0,), 200.0),
    (0.0, (0.0, 15.0, 30.0), (), 200.0),
    (1.0, (0.0, 10.0), (), 200.0),
    (0.2, (0.0, 20.0, 40.0), (25.0, 45.0, 65.0), 300.0),
    (0.9, (5.0, 55.0), (0.0, 10.0, 50.0, 60.0), 300.0),
)
"""Weight at the start, presynaptic and postsynaptic spikes [ms], and the end [ms]."""


def calcium(settings: Mapping[str, Any]) -> Iterator[Case]:
    """Return Graupner & Brunel 2012 without noise; a presynaptic spike is given when its calcium comes.

    **Settings:** `C_pre`, `C_post`, `theta_d`, `theta_p`, `gamma_d`, `gamma_p`; `tau_Ca` and `D` [ms]; `tau` [s].
    """
    for weight, pre, post, end in _PROTOCOLS:
        acting = tuple(time + settings["D"] for time in pre)
        events = [(time, settings["C_pre"]) for time in acting] + [(time, settings["C_post"]) for time in post]
        change = _moved(weight, events, end, settings) - weight
        yield Case(in_seconds(acting), in_seconds(post), change, 1e-3 * end, weight)


def _moved(weight: float, events: list[tuple[float, float]], end: float, settings: Mapping[str, Any]) -> float:
    level, now = 0.0, 0.0
    rates = [(settings[f"theta_{kind}"], settings[f"gamma_{kind}"]) for kind in "pd"]
    for time, jump in [*sorted(events), (end, 0.0)]:
        falls = [now + settings["tau_Ca"] * math.log(level / theta) for theta, _ in rates if level > theta]
        for start, stop in pairwise([now, *sorted(fall for fall in falls if fall < time), time]):
            middle = level * math.exp(-(0.5 * (start + stop) - now) / settings["tau_Ca"])
            up, down = (gamma if middle > theta else 0.0 for theta, gamma in rates)
            weight = _relaxed(weight, up, down, 1e-3 * (stop - start) / settings["tau"])
        level, now = level * math.exp(-(time - now) / settings["tau_Ca"]) + jump, time
    return weight


def _relaxed(weight: float, up: float, down: float, time: float) -> float:
    """Return the weight after a time in units of its time constant, by rates that do not change."""
    if up + down > 0.0:
        fixed = up / (up + down)
        return fixed + (weight - fixed) * math.exp(-(up + down) * time)
    z = 1.0 - 2.0 * weight
    if abs(z) == 1.0:
        return weight
    odds = z * z / (1.0 - z * z) * math.exp(0.5 * time)
    return 0.5 - 0.5 * math.copysign(math.sqrt(odds / (1.0 + odds)), z)
