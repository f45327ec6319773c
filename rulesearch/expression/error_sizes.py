"""What a rounding error of an operator's value is a share of, by its value, its arguments and their sizes.

Sums keep the largest size that was added up (so that x + 1e8 - 1e8 has the size 1e8), products and functions pass sizes
on by their derivatives: the size of a b is max(|a| size(b), |b| size(a)), that of f(a) is |f'(a)| size(a).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

NOISE = 2.0**-44
"""Below this share of what was added up, a difference is rounding."""

ErrorSize = Callable[..., Any]
"""Takes a value, then each argument followed by its size; returns the size of the value."""


def of_sum(value: Any, a: Any, of_a: Any, b: Any, of_b: Any) -> Any:
    """Return the size of a + b and a - b."""
    return np.fmax(of_a, of_b)


def of_product(value: Any, a: Any, of_a: Any, b: Any, of_b: Any) -> Any:
    """Return the size of a b."""
    return np.fmax(np.abs(a) * of_b, np.abs(b) * of_a)


def of_quotient(value: Any, a: Any, of_a: Any, b: Any, of_b: Any) -> Any:
    """Return the size of a/b."""
    return np.fmax(of_a, np.abs(value) * of_b) / np.abs(b)


def of_power(value: Any, a: Any, of_a: Any, b: Any, of_b: Any) -> Any:
    """Return the size of a**b."""
    return np.abs(value) * np.fmax(np.abs(b) * _share(a, of_a), np.abs(np.log(np.abs(a))) * of_b)


def of_choice(value: Any, a: Any, of_a: Any, b: Any, of_b: Any) -> Any:
    """Return the size of what is one of its arguments."""
    return np.where(value == a, of_a, of_b)


def of_argument(value: Any, a: Any, of_a: Any, *others: Any) -> Any:
    """Return the size of the first argument, which is that of a function that is nowhere steeper than 1."""
    return of_a


def of_exponential(value: Any, a: Any, of_a: Any) -> Any:
    """Return the size of exp(a)."""
    return np.abs(value) * of_a


def of_logarithm(value: Any, a: Any, of_a: Any) -> Any:
    """Return the size of log(a)."""
    return _share(a, of_a)


def of_root(value: Any, a: Any, of_a: Any) -> Any:
    """Return the size of sqrt(a)."""
    return np.abs(value) * _share(a, of_a)


def of_tanh(value: Any, a: Any, of_a: Any) -> Any:
    """Return the size of tanh(a)."""
    return (1.0 - value * value) * of_a


def of_ramp(value: Any, a: Any, of_a: Any) -> Any:
    """Return the size of what is a above 0, and 0 below."""
    return np.where(a > -NOISE * of_a, of_a, 0.0)


def of_jump(value: Any, a: Any, of_a: Any) -> Any:
    """Return the size of what jumps where a is 0: so near to the jump nothing is known."""
    return np.where((a != 0.0) & (np.abs(a) < NOISE * of_a), np.inf, 0.0)


def _share(value: Any, size: Any) -> Any:
    return np.where(value == 0.0, 1.0, size / np.abs(value))
