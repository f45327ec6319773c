"""Which drifts of a weight can be solved exactly, between any two events, at no cost."""

from __future__ import annotations

import math

import numpy as np

from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Number
from rulesearch.rules.rule import Rule

_SUMS = ("w_sum", "w_mean")


def affine_in_weight(rule: Rule, soft: bool = False) -> tuple[float, float] | None:
    """Return a and b where the drift is a + b w with constants only, which is solved exactly; else None."""
    if "drift" not in rule.slots or soft or any(name in _SUMS for name in rule.symbols):
        return None
    values = rule.constant_values()

    def leaf(node: str | Number) -> tuple[float, float] | None:
        if isinstance(node, Number):
            return node.value, 0.0
        return (0.0, 1.0) if node == "w" else (values[node], 0.0) if node in values else None

    def branch(row: Operator, *parts: tuple[float, float] | None) -> tuple[float, float] | None:
        if any(part is None for part in parts):
            return None
        known = [part for part in parts if part is not None]
        with np.errstate(all="ignore"):
            if all(slope == 0.0 for _, slope in known):
                return float(row.numpy(*(np.float64(constant) for constant, _ in known))), 0.0
            if row.name == "neg":
                return -known[0][0], -known[0][1]
            if row.name in ("add", "sub"):
                sign = 1.0 if row.name == "add" else -1.0
                return known[0][0] + sign * known[1][0], known[0][1] + sign * known[1][1]
            if row.name == "mul" and 0.0 in (known[0][1], known[1][1]):
                factor, other = (known[0][0], known[1]) if known[0][1] == 0.0 else (known[1][0], known[0])
                return factor * other[0], factor * other[1]
            if row.name == "div" and known[1][1] == 0.0:
                return float(np.float64(known[0][0]) / known[1][0]), float(np.float64(known[0][1]) / known[1][0])
        return None

    found: tuple[float, float] | None = rule.slots["drift"].fold(leaf, branch)
    return found if found is not None and all(map(math.isfinite, found)) else None
