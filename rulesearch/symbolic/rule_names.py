"""Rules of two sets that belong together although they have other names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rulesearch.rules.rule import Rule

Distance = Callable[[Rule, Rule], float]
"""How far two rules are apart: 0 for equal ones, 1 where they have nothing in common."""

_POSITION = 1e-9
"""What a place further away costs: rules that are alike go by their order."""


def partners_by_name(ours: Mapping[str, Rule], theirs: Mapping[str, Rule], distance: Distance) -> dict[str, str]:
    """Return the names of theirs by ours: the same name where both have it, of the others those that fit best.

    Others go together only where none is left over that could: else names say that the sets are of other things.
    """
    found = {name: name for name in ours if name in theirs}
    left = {name: rule for name, rule in ours.items() if name not in found}
    open_to = {name: rule for name, rule in theirs.items() if name not in found}
    fitting = best_partners(left, open_to, distance)
    return found | fitting if len(fitting) == min(len(left), len(open_to)) else found


def best_partners(ours: Mapping[str, Rule], theirs: Mapping[str, Rule], distance: Distance) -> dict[str, str]:
    """Return the names of theirs by ours so that the distances sum to the least; without those that share nothing."""
    if not ours or not theirs:
        return {}
    from scipy.optimize import linear_sum_assignment

    apart = np.array([[distance(first, second) for second in theirs.values()] for first in ours.values()])
    steps = np.abs(np.subtract.outer(np.arange(len(ours)), np.arange(len(theirs))))
    names, others = list(ours), list(theirs)
    pairs = zip(*linear_sum_assignment(apart + _POSITION * steps), strict=True)
    return {names[row]: others[column] for row, column in pairs if apart[row, column] < 1.0}


def renaming(partners: Mapping[str, str]) -> str:
    """Return `ff is its feedforward, lat is its lateral`, of those whose names differ."""
    return ", ".join(f"{ours} is its {theirs}" for ours, theirs in partners.items() if ours != theirs)
