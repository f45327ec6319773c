r"""Closed forms of rules whose weight moves at spikes alone: sums over all earlier spikes.

$$S_j(\tau) = \sum_{t_j < t} e^{-(t - t_j)/\tau}$$

over the earlier spikes of one side, of the last one alone where only nearest spikes interact. All time constants are
given in ms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rulesearch.checks.cases import Case, in_seconds

_PROTOCOLS: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = (
    *(((0.0,), (gap,)) for gap in (5.0, 20.0, 60.0)),
    *(((gap,), (0.0,)) for gap in (5.0, 20.0, 60.0)),
    ((0.0, 10.0), (5.0,)),
    ((0.0, 25.0), (10.0,)),
    ((5.0,), (0.0, 10.0)),
    ((15.0,), (0.0, 25.0)),
    ((5.0, 25.0), (0.0, 30.0)),
    ((0.0, 30.0), (5.0, 25.0)),
    ((40.0,), (0.0, 10.0, 25.0)),
    ((0.0, 10.0, 25.0), (40.0,)),
    ((0.0, 10.0), ()),
    ((), (0.0, 10.0)),
    ((0.0, 20.0, 40.0, 60.0, 80.0), (7.0, 27.0, 47.0, 67.0, 87.0)),
)
"""Presynaptic and postsynaptic spikes [ms]: pairs, triplets, quadruplets, spikes of one side, pairs at 50 Hz."""

Ages = Sequence[float]
Change = Callable[[float, Ages, Ages], float]
"""Weight change at a spike: of the weight and the ages [ms] of earlier presynaptic and postsynaptic spikes."""


def exponentials(ages: Ages, tau: float, nearest: bool = False) -> float:
    """Return the sum of exp(-age/tau) over earlier spikes, or that of the last one alone."""
    if nearest:
        return math.exp(-min(ages) / tau) if ages else 0.0
    return sum(math.exp(-age / tau) for age in ages)


def pairs(settings: Mapping[str, Any]) -> tuple[Change, Change]:
    r"""Return pair STDP after Guetig et al. 2003: $\lambda (1-w)^{\mu_+}$, $-\lambda\alpha w^{\mu_-}$."""
    rate, alpha = settings["lambda"], settings["alpha"]

    def on_pre(w: float, pre: Ages, post: Ages) -> float:
        return float(-rate * alpha * w ** settings["mu_minus"] * exponentials(post, settings["tau_minus"]))

    def on_post(w: float, pre: Ages, post: Ages) -> float:
        return float(rate * (1.0 - w) ** settings["mu_plus"] * exponentials(pre, settings["tau_plus"]))

    return on_pre, on_post


def power_law(settings: Mapping[str, Any]) -> tuple[Change, Change]:
    r"""Return Morrison et al. 2007: $\lambda w^\mu$ and $-\lambda\alpha w$."""
    rate = settings["lambda"]

    def on_pre(w: float, pre: Ages, post: Ages) -> float:
        return float(-rate * settings["alpha"] * w * exponentials(post, settings["tau_minus"]))

    def on_post(w: float, pre: Ages, post: Ages) -> float:
        return float(rate * w ** settings["mu"] * exponentials(pre, settings["tau_plus"]))

    return on_pre, on_post


def triplets(settings: Mapping[str, Any]) -> tuple[Change, Change]:
    """Return Pfister & Gerstner 2006, eq. 3 and 4; absent amplitudes are 0."""
    nearest = bool(settings.get("nearest", False))

    def part(side: str, tau: str, pairs_of: Ages, triplets_of: Ages) -> float:
        pair = settings.get(f"A2_{side}", 0.0)
        triple = (
            settings[f"A3_{side}"] * exponentials(triplets_of, settings[tau], nearest)
            if f"A3_{side}" in settings
            else 0.0
        )
        return float(exponentials(pairs_of, settings[f"tau_{side}"], nearest) * (pair + triple))

    return (
        lambda w, pre, post: -part("minus", "tau_x", post, pre),
        lambda w, pre, post: part("plus", "tau_y", pre, post),
    )


def single_spikes_and_pairs(settings: Mapping[str, Any]) -> tuple[Change, Change]:
    r"""Return Confavreux et al. 2023: $\eta(\alpha + \kappa S_{post})$ and $\eta(\beta + \gamma S_{pre})$."""
    eta = settings["eta"]
    return (
        lambda w, pre, post: eta * (settings["alpha"] + settings["kappa"] * exponentials(post, settings["tau_post"])),
        lambda w, pre, post: eta * (settings["beta"] + settings["gamma"] * exponentials(pre, settings["tau_pre"])),
    )


def homeostatic(settings: Mapping[str, Any]) -> tuple[Change, Change]:
    r"""Return Zenke et al. 2013: minimal triplets whose depression has the amplitude of a target rate.

    $$A_- = A_+\, \frac{\tau_+ \tau_{slow}}{\tau_- \kappa}\, \bar\nu^2, \qquad
    \bar\nu = \frac{1}{\tau_{hom}} S_{post}(\tau_{hom})$$

    with the target $\kappa$ in Hz and all time constants in ms.
    """
    tau_plus, tau_minus, slow, home = (settings[f"tau_{name}"] for name in ("plus", "minus", "slow", "hom"))

    def on_pre(w: float, pre: Ages, post: Ages) -> float:
        rate = 1e3 * exponentials(post, home) / home
        amplitude = settings["A_plus"] * 1e-3 * tau_plus * slow / (tau_minus * settings["kappa"]) * rate**2
        return float(-amplitude * exponentials(post, tau_minus))

    def on_post(w: float, pre: Ages, post: Ages) -> float:
        return float(settings["A_plus"] * exponentials(pre, tau_plus) * exponentials(post, slow))

    return on_pre, on_post


def heterosynaptic(settings: Mapping[str, Any]) -> tuple[Change, Change]:
    """Return pairs, and a step towards w_eq at a postsynaptic spike of a burst: where S_post(tau_burst) > theta."""
    pre_change, post_change = pairs(settings)
    pull, level = settings["c_het"], settings["w_eq"]

    def on_post(w: float, pre: Ages, post: Ages) -> float:
        bursts = exponentials(post, settings["tau_burst"]) > settings["theta"]
        return post_change(w, pre, post) + (pull * (level - w) if bursts else 0.0)

    return pre_change, on_post


def evolved(settings: Mapping[str, Any]) -> tuple[Change, Change]:
    r"""Return the rules of Jordan et al. 2021 for the saved `run`: $\eta(h_{pre} - f_{dep})$, $\eta f_{fac}$.

    The functions are those of the authors' code, in which constant changes per spike are part of them.
    """
    eta, tau = settings["eta"], settings["tau"]
    depression: dict[int, Callable[[float, float], float]] = {
        18: lambda w, e: -w + e / w,
        9: lambda w, e: w * e - w - e,
        3: lambda w, e: 0.1 - w,
    }
    facilitation: dict[int, Callable[[float, float], float]] = {
        18: lambda w, e: (w * e) ** w - 1.0,
        9: lambda w, e: -w + e,
        3: lambda w, e: e * e - w,
    }
    run = settings["run"]
    return (
        lambda w, pre, post: -eta * depression[run](w, exponentials(post, tau)),
        lambda w, pre, post: eta * facilitation[run](w, exponentials(pre, tau)),
    )


def _cases(
    model: Callable[[Mapping[str, Any]], tuple[Change, Change]],
) -> Callable[[Mapping[str, Any]], Iterator[Case]]:
    def cases(settings: Mapping[str, Any]) -> Iterator[Case]:
        """**Settings:** those of the model; `weights` at the start (default 0); `bounds` (default none)."""
        low, high = settings.get("bounds", (-math.inf, math.inf))
        on_pre, on_post = model(settings)
        for start in settings.get("weights", [0.0]):
            for pre, post in _PROTOCOLS:
                weight = start
                for time, own in sorted([(time, on_pre) for time in pre] + [(time, on_post) for time in post]):
                    ages = [[time - other for other in side if other < time] for side in (pre, post)]
                    weight = min(max(weight + own(weight, *ages), low), high)
                first, second = in_seconds(pre), in_seconds(post)
                yield Case(first, second, weight - start, max(first + second), start)

    return cases


SPIKE_SUMS: dict[str, Callable[[Mapping[str, Any]], Iterator[Case]]] = {
    "pairs": _cases(pairs),
    "power-law": _cases(power_law),
    "triplets": _cases(triplets),
    "single-spikes-and-pairs": _cases(single_spikes_and_pairs),
    "homeostatic": _cases(homeostatic),
    "heterosynaptic": _cases(heterosynaptic),
    "evolved": _cases(evolved),
}
"""Closed forms by name."""
