"""Numeric fingerprints: two expressions that are the same function get the same key, without algebra.

An expression is evaluated at fixed pseudo-random points; the values are rounded and hashed. The points of a
symbol depend on its name alone, so keys agree between programs and machines. The idea of recognising equal
programs by what they compute on fixed inputs is that of Real et al. 2020 (AutoML-Zero, arXiv:2003.03384).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache

import numpy as np
import numpy.typing as npt

from rulesearch.expression.tree import Expression

POINTS = 24
_DIGITS = 30
_LARGE = 2.0**900
_EXPONENT = np.int64(0x7FF0000000000000)
"""The bits of a number that hold its power of two."""


@cache
def points(symbol: str) -> npt.NDArray[np.float64]:
    """Return the `(POINTS,)` values of a symbol: a third in [0, 1.5], a sixth beyond +-3, the rest in +-1.5."""
    seed = int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:8], "little")
    values = np.random.Generator(np.random.PCG64(seed)).uniform(-1.5, 1.5, POINTS)
    values[::3] = np.abs(values[::3])
    # Far points tell relu(2 - x) from 2 - x.
    values[1::6] += np.copysign(3.0, values[1::6])
    values.setflags(write=False)
    return values


def rounded(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return values rounded to 30 binary digits (below 1: to multiples of 2^-30); every nan becomes the same nan.

    Powers of two alone are involved, so that every machine rounds alike; -0 becomes 0.
    """
    with np.errstate(all="ignore"):
        return _rounded(values)


def _rounded(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (POINTS,):
        found = np.full(POINTS, found)
    size = np.abs(found)
    if not np.maximum.reduce(size) < _LARGE:
        return _rounded_one_by_one(found)
    # A large number that is added and taken away again rounds to the multiples that it stands among.
    power = (np.maximum(size, 0.75).view(np.int64) & _EXPONENT).view(np.float64)
    large = power * (1.5 * 2.0 ** (53 - _DIGITS))
    result: npt.NDArray[np.float64] = (found + large) - large
    return result


def _rounded_one_by_one(found: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Round as `rounded` does where some values are infinite, undefined or very large."""
    finite = np.isfinite(found)
    _, exponents = np.frexp(np.maximum(np.abs(found), 0.75))
    quantum = np.ldexp(1.0, exponents - _DIGITS)
    result = np.where(finite, np.rint(found / quantum) * quantum + 0.0, found)
    result[np.isnan(found)] = np.nan
    return result


def fingerprint(
    slots: Mapping[str, Expression],
    constants: Mapping[str, float] | None = None,
    drawn: Mapping[str, str] | None = None,
) -> str:
    """Return a key of 24 hexadecimal digits for the function that the slots compute.

    **Arguments:** `slots`: expression by slot name; `constants`: values of named constants (a name without a
    value is a symbol, with points of its own); `drawn`: another name whose points a symbol takes, where what it
    stands for is not said by its own.
    """
    drawn = drawn or {}
    digest = hashlib.sha256()
    with np.errstate(all="ignore"):
        for name in sorted(slots):
            expression = slots[name]
            values = {
                node: constants[node] if constants and node in constants else points(drawn.get(node, node))
                for node in expression.nodes
                if isinstance(node, str)
            }
            digest.update(name.encode() + b"\0")
            digest.update(_rounded(expression.compute(values)).tobytes())
    return digest.hexdigest()[:24]
