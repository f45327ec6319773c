"""The fixed points at which expressions are evaluated to tell functions apart.

They depend on a symbol's name alone. Traces start at 0 and spikes are 0 or 1, so some of the points are of that kind;
each symbol is 0 alone and with others, has both signs, and is equal or opposite to each other symbol somewhere.
"""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

POINTS = 28
FAR_POINTS = 12
_WIDE_POINTS = 48
_ALIKE = (0.0, 1.0, -1.0, 0.6180339887498949)
"""Values that all symbols have together, one a point."""
_OPPOSED = (1.0, 0.5, 1.25, 2.0)
"""Values that symbols have with one sign or the other, one a point: two symbols are equal there, or opposite."""
_SPECIAL = len(_ALIKE) + len(_OPPOSED)
_ZEROS = 4
"""At how many of the other points a symbol is 0."""
_DECADES = 13.0
"""Sizes of numbers that rules may hold, as powers of ten."""


def generator_of(text: str) -> np.random.Generator:
    """Return the generator of random numbers that a text stands for, the same on every machine."""
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "little")))


@cache
def points(symbol: str) -> npt.NDArray[np.float64]:
    """Return the `(POINTS,)` values of a symbol.

    At the first four points all symbols are 0, 1, -1 or 0.618 together; at the next four they are 1, 0.5, 1.25 or 2
    with signs of their own. At four of the other twenty a symbol is 0; the rest are pseudo-random: a third in [0, 1.5],
    a sixth beyond +-3, the others in +-1.5.
    """
    digest = hashlib.sha256(symbol.encode()).digest()
    values = generator_of(symbol).uniform(-1.5, 1.5, POINTS)
    values[::3] = np.abs(values[::3])
    # Far points tell relu(2 - x) from 2 - x.
    values[1::6] += np.copysign(3.0, values[1::6])
    values[: len(_ALIKE)] = _ALIKE
    signs = [1.0 if digest[31] >> bit & 1 else -1.0 for bit in range(len(_OPPOSED))]
    values[len(_ALIKE) : _SPECIAL] = np.multiply(_OPPOSED, signs)
    order = sorted(range(POINTS - _SPECIAL), key=lambda place: (digest[8 + place], place))
    values[[_SPECIAL + place for place in order[:_ZEROS]]] = 0.0
    values.setflags(write=False)
    return values


@cache
def far_points(symbol: str) -> npt.NDArray[np.float64]:
    """Return the `(FAR_POINTS,)` large values of a symbol: sizes from 10 to 1e13, both signs."""
    return _logarithmic(f"far {symbol}", FAR_POINTS, 1.0)


@lru_cache(maxsize=4096)
def wide_points(symbol: str) -> npt.NDArray[np.float64]:
    """Return the `(48,)` further values of a symbol: sizes from 1e-13 to 1e13, both signs."""
    return _logarithmic(f"wide {symbol}", _WIDE_POINTS, -_DECADES)


def _logarithmic(name: str, count: int, lowest: float) -> npt.NDArray[np.float64]:
    generator = generator_of(name)
    signs = np.where(generator.uniform(-1.0, 1.0, count) < 0.0, -1.0, 1.0)
    signs[::3] = 1.0
    values = signs * 10.0 ** generator.uniform(lowest, _DECADES, count)
    values.setflags(write=False)
    return values
