"""Numeric agreement: do two expressions compute the same at fixed points, to rounding?

A point counts as the same where the difference is below 1e-9 of the largest intermediate value met there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.expression.fingerprint import points
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression

TOLERANCE = 1e-9
"""Difference that counts as rounding, as a share of the largest intermediate value."""

Values = npt.NDArray[np.float64]
_WIDE = 48
_MANY = 16_384


@lru_cache(maxsize=4096)
def wide_points(symbol: str) -> Values:
    """Return the `(48,)` further values of a symbol: sizes from 0.001 to 10,000 on a logarithmic scale, both signs."""
    seed = int.from_bytes(hashlib.sha256(b"wide\0" + symbol.encode()).digest()[:8], "little")
    generator = np.random.Generator(np.random.PCG64(seed))
    values: Values = generator.choice([-1.0, 1.0], _WIDE) * 10.0 ** generator.uniform(-3.0, 4.0, _WIDE)
    values[::3] = np.abs(values[::3])
    values.setflags(write=False)
    return values


def sample(symbols: Sequence[str]) -> dict[str, Values]:
    """Return points of all symbols: those of the fingerprint, wide ones, and points where one symbol is 0."""
    names = sorted(symbols)
    found = {}
    for name in names:
        zeros = points(name)[: len(names)].copy() if len(names) <= 24 else points(name).copy()
        place = names.index(name)
        if place < len(zeros):
            zeros[place] = 0.0
        found[name] = np.concatenate([points(name), wide_points(name), zeros])
    return found


@lru_cache(maxsize=256)
def _many_points(symbol: str) -> Values:
    seed = int.from_bytes(hashlib.sha256(b"many\0" + symbol.encode()).digest()[:8], "little")
    generator = np.random.Generator(np.random.PCG64(seed))
    near = generator.uniform(-2.5, 2.5, _MANY)
    far = generator.choice([-1.0, 1.0], _MANY) * 10.0 ** generator.uniform(-3.0, 3.0, _MANY)
    values: Values = np.where(generator.random(_MANY) < 0.6, near, far)
    values[generator.random(_MANY) < 0.05] = 0.0
    values.setflags(write=False)
    return values


def many_points(symbols: Sequence[str]) -> dict[str, Values]:
    """Return 16,384 points of all symbols: a difference in a small region of their space shows at some of them."""
    return {name: _many_points(name) for name in sorted(symbols)}


def traced(expression: Expression, values: Mapping[str, Any]) -> tuple[Values, Values]:
    """Return the values of an expression and the size of the largest intermediate value, at every point."""
    count = max((np.size(value) for value in values.values()), default=1)

    def leaf(node: Any) -> tuple[Any, Any]:
        value = values[node] if isinstance(node, str) else node.value
        return value, np.abs(value)

    def branch(node: Operator, *arguments: tuple[Any, Any]) -> tuple[Any, Any]:
        numbers = [np.asarray(value, dtype=np.float64) for value, _ in arguments]
        value = node.numpy(*numbers)
        size = np.abs(value)
        for _, other in arguments:
            size = np.fmax(size, other)
        return value, size

    with np.errstate(all="ignore"):
        value, size = expression.fold(leaf, branch)
    shape = (count,)
    return (
        np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), shape)),
        np.array(np.broadcast_to(np.asarray(size, dtype=np.float64), shape)),
    )


def agrees(original: Expression, other: Expression, constants: Mapping[str, float]) -> bool:
    """Say whether `other` may stand for `original`: the same, to rounding, wherever the original is finite.

    **Arguments:** `constants`: values of the named constants of both.
    """
    symbols = [name for name in dict.fromkeys(original.symbols + other.symbols) if name not in constants]
    # Rare points are where rounding alone makes the difference: just beside a jump, or where exp underflows.
    return _agrees_at(sample(symbols), original, other, constants) and (
        original == other or _agrees_at(many_points(symbols), original, other, constants)
    )


def _agrees_at(
    points: Mapping[str, Values], original: Expression, other: Expression, constants: Mapping[str, float]
) -> bool:
    values: dict[str, Any] = {**constants, **points}
    expected, size = traced(original, values)
    found, _ = traced(other, values)
    valid = np.isfinite(expected) & np.isfinite(size)
    if not valid.any():
        return False
    with np.errstate(all="ignore"):
        near = np.abs(found - expected) <= TOLERANCE * size
    return bool(np.all(near[valid]))
