"""Small steps: how a number moves where there is no closed form."""

from __future__ import annotations

import math
from collections.abc import Callable


def stepped(
    speed: Callable[[float, float], float], value: float, start: float, seconds: float, longest: float
) -> float:
    """Return a number after some seconds, by the classical Runge-Kutta method.

    **Arguments:** `speed` of time and number; `longest` step [s].
    """
    steps = max(1, math.ceil(seconds / longest))
    step = seconds / steps
    for number in range(steps):
        time = start + number * step
        first = speed(time, value)
        second = speed(time + 0.5 * step, value + 0.5 * step * first)
        third = speed(time + 0.5 * step, value + 0.5 * step * second)
        fourth = speed(time + step, value + step * third)
        value += step / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)
    return value
