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
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (POINTS,):
        found = np.full(POINTS, found)
    with np.errstate(all="ignore"):
        _, exponents = np.frexp(np.maximum(np.abs(found), 0.75))
        quantum = np.ldexp(1.0, exponents - _DIGITS)
        result: npt.NDArray[np.float64] = np.rint(found / quantum) * quantum + 0.0
        finite = np.isfinite(found)
    if not finite.all():
        result = np.where(finite, result, found)
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
    for name in sorted(slots):
        expression = slots[name]
        values = {
            node: constants[node] if constants and node in constants else points(drawn.get(node, node))
            for node in expression.nodes
            if isinstance(node, str)
        }
        digest.update(name.encode() + b"\0")
        digest.update(rounded(expression.evaluate(values)).tobytes())
    return digest.hexdigest()[:24]
