"""How much of a computed value is rounding: running error analysis, and rounding that forgets it.

Beside every value goes its size: what a rounding error of it is a share of, which is the value itself or what its
operator says (`error_sizes`), whichever is larger. So the size of 1e-9*tanh(x) is its own, and not 1. Wilkinson's
method; Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.3 (doi:10.1137/1.9780898718027).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.expression.error_sizes import NOISE
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number

Values = npt.NDArray[np.float64]

_DROPPED_BITS = 23
_OFFSET = np.int64(0x2B1D4F)
"""A third of the last digit kept: short numbers, which lie halfway now and then, are never where rounding turns."""
_KEPT = ~np.int64((1 << _DROPPED_BITS) - 1)
_SIZE = np.int64(0x7FFFFFFFFFFFFFFF)
_LOST = 2.0**-20
_SMALL = np.float64(_LOST).view(np.uint64)


def length(values: Mapping[str, Any]) -> int:
    """Return how many points the values of symbols are for."""
    sizes = [np.size(value) for value in values.values()]
    return 0 if 0 in sizes else max(sizes, default=1)


def traced(expression: Expression, values: Mapping[str, Any]) -> tuple[Values, Values]:
    """Return the values of an expression and their sizes, at every point.

    **Arguments:** `values`: a number or an array `(points,)` for every symbol.
    """
    count = length(values)

    def leaf(node: str | Number) -> tuple[Any, Any]:
        value = np.asarray(values[node] if isinstance(node, str) else node.value, dtype=np.float64)
        return value, np.abs(value)

    with np.errstate(all="ignore"):
        value, size = expression.fold(leaf, _branch)
    return np.array(np.broadcast_to(value, (count,))), np.array(np.broadcast_to(size, (count,)))


def _branch(row: Operator, *arguments: tuple[Any, Any]) -> tuple[Any, Any]:
    value = np.asarray(row.numpy(*(each for each, _ in arguments)), dtype=np.float64)
    size = row.error(value, *(part for argument in arguments for part in argument))
    return value, np.fmax(np.abs(value), size)


def computed(expression: Expression, values: Mapping[str, Any], count: int) -> Values:
    """Return the `(count,)` values of an expression, 0 where rounding alone was left of a difference.

    Arithmetic warnings are up to the caller.
    """
    found = np.asarray(expression.compute(values), dtype=np.float64)
    if found.shape != (count,):
        found = np.full(count, found)
    sizes = found.view(np.int64) & _SIZE
    # A value below 1e-6 may be rounding; then it is looked at closely.
    if not ((sizes - 1).view(np.uint64) < _SMALL).any():
        return found
    exact, size = traced(expression, values)
    quantum = np.exp2(np.floor(np.log2(size))) * NOISE
    coarse = np.rint(exact / quantum) * quantum
    cleaned = np.where((np.abs(exact) < _LOST * size) & np.isfinite(coarse), coarse, exact)
    return np.array(np.broadcast_to(cleaned, (count,)))


def rounded(values: Values) -> Values:
    """Return values cut to 30 binary digits; what is infinite or undefined becomes the same nan, -0 becomes 0.

    The last digit turns up at two thirds. Bits alone are involved, so that every machine rounds alike.
    """
    bits = (values + 0.0).view(np.int64)
    bits += _OFFSET
    bits &= _KEPT
    result = bits.view(np.float64)
    finite = np.isfinite(result)
    if not finite.all():
        result[~finite] = np.nan
    return result
