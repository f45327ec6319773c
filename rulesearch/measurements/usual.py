"""Protocols that laboratories usually can do, for asking which of them would tell most."""

from __future__ import annotations

import math

import numpy as np

from rulesearch.measurements.protocols import Measured

_DELAYS = (-50, -25, -10, -5, 5, 10, 25, 50)
_RATES_HZ = (1, 10, 20, 40)
_TRIPLETS = ((5, 5), (10, 10), (5, 15), (15, 5))
_BURST, _BURST_HZ = 5, (20, 50, 100)
_TRAIN_S, _TRAIN_HZ, _TRAIN_SEED = 1.0, ((10, 10), (10, 40), (40, 10), (40, 40)), 20261127
_SLOW = 1.0


def usual_protocols(pairs: int) -> list[Measured]:
    """Return pairs at several rates, triplets, bursts, trains of one side alone, and Poisson trains.

    **Arguments:** `pairs`: how many pairs, or triplets, there are; bursts and trains come a tenth as often.
    """
    found = []
    for rate in _RATES_HZ:
        for delay in _DELAYS:
            if abs(delay) * 1e-3 < 1.0 / rate:
                name = f"pairs, {delay:+d} ms, {rate} Hz"
                found.append(_protocol(name, [max(0, -delay)], [max(0, delay)], 1.0 / rate, pairs))
    for first, second in _TRIPLETS:
        outer, inner = [0, first + second], [first]
        found.append(_protocol(f"pre-post-pre, {first} and {second} ms", outer, inner, _SLOW, pairs))
        found.append(_protocol(f"post-pre-post, {first} and {second} ms", inner, outer, _SLOW, pairs))
    tenth = max(1, pairs // 10)
    for rate in _BURST_HZ:
        times = [1e3 * k / rate for k in range(_BURST)]
        for delay in (-10, 10):
            if abs(delay) * 1e-3 < 1.0 / rate:
                shift = [time + abs(delay) for time in times]
                pre, post = (times, shift) if delay > 0 else (shift, times)
                name = f"bursts of {_BURST} at {rate} Hz, {delay:+d} ms"
                found.append(_protocol(name, pre, post, 5.0 * _SLOW, tenth))
    for rate in _RATES_HZ:
        found.append(_protocol(f"pre alone, {rate} Hz", [0], [], 1.0 / rate, pairs))
        found.append(_protocol(f"post alone, {rate} Hz", [], [0], 1.0 / rate, pairs))
    rng = np.random.default_rng(_TRAIN_SEED)
    for rates in _TRAIN_HZ:
        pre, post = (sorted((1e3 * _TRAIN_S * rng.random(rng.poisson(rate * _TRAIN_S))).tolist()) for rate in rates)
        name = f"Poisson trains of 1 s, {rates[0]} and {rates[1]} Hz"
        found.append(_protocol(name, pre, post, 2.0 * _TRAIN_S, tenth))
    return found


def _protocol(
    label: str, pre: list[float] | list[int], post: list[float] | list[int], every: float, repeats: int
) -> Measured:
    times = [1e-3 * time for time in pre], [1e-3 * time for time in post]
    return Measured(label, math.nan, math.nan, tuple(times[0]), tuple(times[1]), every, repeats)
