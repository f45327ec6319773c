"""The exponential function inside of kernels, many at a time."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from rulesearch.simulate.machine.vectors import fused

_LOG2_E = 1.4426950408889634
_LOG_2_HIGH = 0.6931471803691238
_LOG_2_LOW = 1.9082149292705877e-10
_MAGIC = 6755399441055744.0
_TAYLOR = tuple(1.0 / math.factorial(n) for n in range(12, -1, -1))
_FEWER = _TAYLOR[3:]
_MAGIC_BITS = int(np.float64(_MAGIC).view(np.int64))


@njit(inline="always", error_model="numpy")  # type: ignore[misc]
def exponential(x: float) -> float:
    """Return exp(x) for x from -700 to 700 within 1e-15, by plain arithmetic that becomes vector instructions."""
    x = min(max(x, -700.0), 700.0)
    shifted = x * _LOG2_E + _MAGIC
    k = shifted - _MAGIC
    r = (x - k * _LOG_2_HIGH) - k * _LOG_2_LOW
    series = _TAYLOR[0]
    for coefficient in _TAYLOR[1:]:
        series = coefficient + r * series
    power = np.float64(shifted).view(np.int64) - _MAGIC_BITS + 1023
    scale = np.int64(power << 52).view(np.float64)
    return series * scale


@njit(inline="always", error_model="numpy")  # type: ignore[misc]
def nearly_exponential(x: float) -> float:
    """Return exp(x) for x from -700 to 700 within 1e-11 of it, in half of the time."""
    x = min(max(x, -700.0), 700.0)
    shifted = fused(x, _LOG2_E, _MAGIC)
    k = shifted - _MAGIC
    r = fused(k, -_LOG_2_LOW, fused(k, -_LOG_2_HIGH, x))
    series = _FEWER[0]
    for coefficient in _FEWER[1:]:
        series = fused(r, series, coefficient)
    power = np.float64(shifted).view(np.int64) - _MAGIC_BITS + 1023
    scale = np.int64(power << 52).view(np.float64)
    return series * scale
