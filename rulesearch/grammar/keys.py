"""Keys of functions for enumeration: 64 bits from values at fixed points, for many functions at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import starmap

import numpy as np
import numpy.typing as npt

from rulesearch.expression.points import POINTS, points
from rulesearch.expression.tree import Number
from rulesearch.grammar.parts import ConstantPrior

Keys = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.int64]

_KEPT_BITS = 26
_SHIFT = 52 - _KEPT_BITS
_OFFSET = np.int64(0.337 * (1 << _SHIFT))
"""As in `expression.rounding`, no short number lies where rounding turns."""
_NOTHING = 2.0**-40
_UNDEFINED = np.int64(0x5DEECE66D)
_FACTORS = 2 * np.random.Generator(np.random.PCG64(20030)).integers(2**62, size=POINTS, dtype=np.int64) + 1


def constant_value(kind: str, prior: ConstantPrior) -> float:
    """Return the one generic value that stands for a constant kind: in [0.4, 1.6], negative where the range is."""
    digest = hashlib.sha256(b"constant " + kind.encode()).digest()
    size = 0.4 + 1.2 * int.from_bytes(digest[:6], "little") / 2**48
    return -size if prior.high <= 0 else size


def leaf_values(name: str | Number, constants: dict[str, ConstantPrior]) -> npt.NDArray[np.float64]:
    """Return the `(POINTS, 1)` values of a symbol, constant kind or fixed number."""
    if isinstance(name, Number):
        return np.full((POINTS, 1), name.value)
    found = np.full(POINTS, constant_value(name, constants[name])) if name in constants else points(name)
    return found[:, None]


def function_keys(rows: Iterable[npt.NDArray[np.float64]]) -> tuple[Keys, npt.NDArray[np.bool_]]:
    """Return a key for each function, and whether it is finite at any point.

    **Arguments:** `rows`: for each point the contiguous `(functions,)` values there.

    A value is rounded to 26 bits, that is to 1.5e-8 of its own size; below 2^-40 it is 0, for there rounding errors are
    not far. That is far above these elsewhere, and far below what tells two functions apart at all points together.
    What is infinite or undefined is one value. The whole numbers q_p are then hashed to the sum of q_p K_p modulo
    2**64 with fixed odd factors K_p.
    """
    with np.errstate(all="ignore"):
        terms = starmap(_term, zip(rows, _FACTORS, strict=True))
        keys, finite = next(terms)
        for term, defined in terms:
            keys += term
            finite |= defined
    return keys, finite


def _term(row: npt.NDArray[np.float64], factor: np.int64) -> tuple[Keys, npt.NDArray[np.bool_]]:
    """Return what the values at one point add to the keys, and where they are finite."""
    whole = row.view(np.int64) + _OFFSET
    whole >>= _SHIFT
    np.copyto(whole, 0, where=np.abs(row) < _NOTHING)
    defined = np.isfinite(row)
    np.copyto(whole, _UNDEFINED, where=~defined)
    whole *= factor
    return whole.view(np.uint64), defined


class KeySet:
    """A growing sorted set of keys, fed in bulk; each new key comes with the code of its first arrival."""

    def __init__(self) -> None:
        self.keys: Keys = np.empty(0, np.uint64)
        self._pending: list[tuple[Keys, Codes | None]] = []
        self._waiting = 0

    def add(self, keys: Keys, codes: Codes | None) -> bool:
        """Put keys in the queue; return whether it is long enough for `merge`."""
        self._pending.append((keys, codes))
        self._waiting += len(keys)
        return self._waiting >= max(1 << 21, len(self.keys) // 4)

    def merge(self) -> tuple[Keys, Codes | None]:
        """Take in the queue; return the new keys in order and their codes (None where codes were not given)."""
        keys = np.concatenate([keys for keys, _ in self._pending] or [np.empty(0, np.uint64)])
        codes = [codes for _, codes in self._pending if codes is not None]
        self._pending, self._waiting = [], 0
        arrived: Codes | None = None
        if codes:
            keys, index = np.unique(keys, return_index=True)
            arrived = np.concatenate(codes)[index]
        else:
            keys = np.sort(keys)
            keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
        if len(self.keys):
            place = np.searchsorted(self.keys, keys)
            place[place == len(self.keys)] = 0
            new = self.keys[place] != keys
            keys, arrived = keys[new], None if arrived is None else arrived[new]
        # Two sorted runs: the stable sort merges them in linear time.
        self.keys = np.sort(np.concatenate([self.keys, keys]), kind="stable")
        return keys, arrived
