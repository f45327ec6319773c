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
_DIGITS = 9


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
    """Return values rounded to nine digits (below 1: nine decimals); every nan becomes the same nan, -0 becomes 0."""
    found = np.array(np.broadcast_to(np.asarray(values, dtype=np.float64), (POINTS,)))
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(found), 1.0)
        quantum = 10.0 ** (np.ceil(np.log10(size)) - _DIGITS)
        result = np.where(np.isfinite(found), np.rint(found / quantum) * quantum, found)
    result[np.isnan(result)] = np.nan
    return result + 0.0


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
    for name in sorted(slots):
        expression = slots[name]
        values = {
            symbol: constants[symbol] if constants and symbol in constants else points(drawn.get(symbol, symbol))
            for symbol in expression.symbols
        }
        digest.update(name.encode() + b"\0")
        digest.update(rounded(expression.evaluate(values)).tobytes())
    return digest.hexdigest()[:24]
