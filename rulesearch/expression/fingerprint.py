"""Numeric fingerprints: two expressions that are the same function get the same key, without algebra.

An expression is evaluated at fixed points; the values are rounded and hashed. The points of a symbol depend on its
name alone, so keys agree between programs and machines. The idea of recognising equal programs by what they compute on
fixed inputs is that of Real et al. 2020 (AutoML-Zero, arXiv:2003.03384).

Two functions are the same only where they are defined at the same points: `y*(x/x)` is not `y`. Values are rounded in
proportion to their own size, and thresholds count also where no point lies between them (`kinks.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from rulesearch.expression.kinks import KINKED, kink_keys
from rulesearch.expression.points import POINTS, points
from rulesearch.expression.rounding import computed, rounded
from rulesearch.expression.tree import Expression


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
    drawn, constants = drawn or {}, constants or {}
    digest = hashlib.sha256()
    with np.errstate(all="ignore"):
        for name in sorted(slots):
            expression = slots[name]
            values = {
                node: constants[node] if node in constants else points(drawn.get(node, node))
                for node in expression.nodes
                if isinstance(node, str)
            }
            digest.update(name.encode() + b"\0")
            digest.update(rounded(computed(expression, values, POINTS)).tobytes())
            if not KINKED.isdisjoint(expression.nodes):
                for key in kink_keys(expression, values, drawn):
                    digest.update(key)
    return digest.hexdigest()[:24]


def joined(parts: Mapping[str, str]) -> str:
    """Return one key of 24 hexadecimal digits for several by name, in any order; that of one is its own."""
    if len(parts) == 1:
        return next(iter(parts.values()))
    return hashlib.sha256("".join(f"{name}\0{parts[name]}\0" for name in sorted(parts)).encode()).hexdigest()[:24]
