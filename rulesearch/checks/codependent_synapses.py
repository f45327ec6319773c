r"""Closed forms of synapses that other synapses' currents change, after Agnes & Vogels 2024.

$$E(t) = E_\infty (1 - e^{-t/\tau_E}), \qquad I(t) = I_\infty (1 - e^{-t/\tau_I})$$

are the filtered currents of a neuron whose currents are held from t = 0 on, in units of the leak conductance times 1 mV
(`I_unit`). Sums over spikes as in `spike_sums`; all time constants are given in ms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rulesearch.checks.cases import Case, in_seconds
from rulesearch.checks.spike_sums import Ages, exponentials

_PROTOCOLS: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = (
    ((20.0,), (30.0,)),
    ((30.0,), (20.0,)),
    ((100.0, 130.0), (110.0, 160.0)),
    ((140.0, 400.0), (100.0, 110.0, 120.0)),
    ((), (200.0, 210.0, 220.0)),
    ((200.0, 220.0), ()),
)
"""Presynaptic and postsynaptic spikes [ms]."""

Change = Callable[[float, float, float, Ages, Ages], float]
"""Weight change at a spike: of the weight, E, I, and the ages [ms] of earlier presynaptic and postsynaptic spikes."""


def excitatory(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return the excitatory rule, whose every term inhibition weakens by $e^{-I/I^*}$.

    $$\Delta w_{post} = A_{LTP} S_{pre}(\tau_+) E - A_{het} S_{post}(\tau_{het}) E^2, \qquad
    \Delta w_{pre} = -A_{LTD}\, w\, S_{post}(\tau_-)$$

    **Settings:** `A_LTP`, `A_LTD`, `A_het`, `I_star`; `tau_plus`, `tau_minus`, `tau_het`, `tau_E`, `tau_I`; `I_unit`
    [pA]; `bounds`.
    """

    def on_pre(w: float, e: float, i: float, pre: Ages, post: Ages) -> float:
        gate = math.exp(-i / settings["I_star"])
        return float(-settings["A_LTD"] * w * exponentials(post, settings["tau_minus"]) * gate)

    def on_post(w: float, e: float, i: float, pre: Ages, post: Ages) -> float:
        growth = settings["A_LTP"] * exponentials(pre, settings["tau_plus"]) * e
        growth -= settings["A_het"] * exponentials(post, settings["tau_het"]) * e * e
        return float(growth * math.exp(-i / settings["I_star"]))

    low, high = settings["bounds"]
    currents = ((0.0, 0.0), (40.0, 0.0), (300.0, 0.0), (40.0, -80.0), (5000.0, -30.0))
    return _cases(on_pre, on_post, (low, 0.3, high), currents, settings)


def inhibitory(settings: Mapping[str, Any]) -> Iterator[Case]:
    r"""Return the inhibitory rule: $\eta\,E\,(E - \alpha I)$ times the trace of the other side, at spikes of both.

    **Settings:** `eta`, `alpha`; `tau_plus`, `tau_minus`, `tau_E`, `tau_I`; `I_unit` [pA]; `bounds`.
    """

    def change(tau: str, e: float, i: float, ages: Ages) -> float:
        return float(settings["eta"] * e * (e - settings["alpha"] * i) * exponentials(ages, settings[tau]))

    low, high = settings["bounds"]
    currents = ((0.0, -500.0), (500.0, 0.0), (500.0, -200.0), (500.0, -2000.0), (9000.0, -500.0))
    return _cases(
        lambda w, e, i, pre, post: change("tau_minus", e, i, post),
        lambda w, e, i, pre, post: change("tau_plus", e, i, pre),
        (low, 0.7, high),
        currents,
        settings,
    )


def _cases(
    on_pre: Change,
    on_post: Change,
    weights: tuple[float, ...],
    currents: tuple[tuple[float, float], ...],
    settings: Mapping[str, Any],
) -> Iterator[Case]:
    """Iterate over cases; `currents`: excitatory and inhibitory [pA], the latter outward and so negative."""
    low, high = settings["bounds"]
    for start in weights:
        for current, opposed in currents:
            for pre, post in _PROTOCOLS:
                weight = start
                for time, own in sorted([(time, on_pre) for time in pre] + [(time, on_post) for time in post]):
                    e = current / settings["I_unit"] * (1.0 - math.exp(-time / settings["tau_E"]))
                    i = -opposed / settings["I_unit"] * (1.0 - math.exp(-time / settings["tau_I"]))
                    ages = [[time - other for other in side if other < time] for side in (pre, post)]
                    weight = min(max(weight + own(weight, e, i, *ages), low), high)
                held = {"I_E": current, "I_I": opposed}
                end = 1e-3 * max(pre + post)
                yield Case(in_seconds(pre), in_seconds(post), weight - start, end, start, held)
