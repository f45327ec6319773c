r"""References for a synapse whose weight follows spikes and is drawn to a slow state, after Zenke et al. 2015.

Triplets of spikes, transmitter-induced growth, and heterosynaptic change towards the slow state $\tilde w$, which
consolidates the weight where it stays near 0 or near $w_P$:

$$\Delta w_{pre} = \delta - A_- S_{post}(\tau_-), \qquad
\Delta w_{post} = A_+ S_{pre}(\tau_+)\, S_{post}(\tau_{slow}) - \beta\,(w - \tilde w)\, S_{post}(\tau_-)^3$$
$$\tau_{cons}\,\dot{\tilde w} = w - \tilde w - P\,\tilde w\,(w_P/2 - \tilde w)(w_P - \tilde w)$$

S are sums over earlier spikes, as in `spike_sums`. The weight rests between spikes, and $\tilde w$ is followed there in
small steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rulesearch.checks.cases import Case, in_seconds
from rulesearch.checks.spike_sums import exponentials
from rulesearch.checks.stepping import stepped

_LONGEST_STEP = 2.0
_PROTOCOLS: tuple[tuple[float, float, tuple[float, ...], tuple[float, ...]], ...] = (
    (0.5, 0.0, (0.0, 10.0), ()),
    (0.5, 0.0, (0.0,), (15.0,)),
    (0.5, 0.0, (15.0, 40.0), (0.0,)),
    (0.0, 0.0, (5.0,), (0.0, 10.0)),
    (0.0, 0.0, (5.0, 30.0), (0.0, 10.0, 35.0)),
    (0.4, 0.0, (), (0.0, 10.0, 20.0)),
    (0.3, 600.0, (), (0.0, 8.0)),
    (0.2, 3000.0, (), (0.0, 8.0)),
    (0.6, 3000.0, (), (0.0, 8.0)),
    (1.5, 3000.0, (), (0.0, 8.0)),
    (4.99999, 0.0, (0.0,), ()),
    (1e-5, 0.0, (5.0,), (0.0,)),
)
"""Weight at the start, for how long it rests first [s], then presynaptic and postsynaptic spikes [ms]."""


def orchestrated(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return Zenke, Agnes & Gerstner 2015, with $\tilde w$ = 0 at the start.

    **Settings:** `A_plus`, `A_minus`, `beta`, `delta`, `P`, `w_P`; `tau_plus`, `tau_minus`, `tau_slow` [ms]; `tau_cons`
    [s]; `bounds`.
    """
    for weight, rest, pre, post in _PROTOCOLS:
        change = _moved(weight, rest, pre, post, settings) - weight
        first, second = (in_seconds([1e3 * rest + time for time in side]) for side in (pre, post))
        yield Case(first, second, change, max(first + second), weight)


def _moved(
    weight: float, rest: float, pre: tuple[float, ...], post: tuple[float, ...], settings: Mapping[str, Any]
) -> float:
    low, high = settings["bounds"]
    slow, now = _consolidated(0.0, weight, rest, settings), 0.0
    for time, side in sorted([(time, "pre") for time in pre] + [(time, "post") for time in post]):
        slow, now = _consolidated(slow, weight, 1e-3 * (time - now), settings), time
        causes, effects = ([time - other for other in times if other < time] for times in (pre, post))
        recent = exponentials(effects, settings["tau_minus"])
        if side == "pre":
            change = settings["delta"] - settings["A_minus"] * recent
        else:
            change = settings["A_plus"] * exponentials(causes, settings["tau_plus"])
            change *= exponentials(effects, settings["tau_slow"])
            change -= settings["beta"] * (weight - slow) * recent**3
        weight = min(max(weight + change, low), high)
    return weight


def _consolidated(slow: float, weight: float, seconds: float, settings: Mapping[str, Any]) -> float:
    """Return the slow state after some time at one weight."""
    top = settings["w_P"]

    def speed(_: float, z: float) -> float:
        return float((weight - z - settings["P"] * z * (0.5 * top - z) * (top - z)) / settings["tau_cons"])

    return stepped(speed, slow, 0.0, seconds, _LONGEST_STEP)
