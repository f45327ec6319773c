"""The numbers of a rule by trials of a network, which tell a loss and no more: its learning rate, and its constants.

Learning rates are tried in decades, on few trials; where one of these learns anything, constants follow by CMA-ES,
the rate with them, and the rate is doubled or halved as long as that helps.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rulesearch.fitting.evolution import cma_strategy
from rulesearch.grammar.parts import ConstantPrior

_DECADES = (0, -1, -2, -3, -4, 1, 2)
"""Powers of ten that learning rates are multiplied by, in this order; the first of equals is taken."""
_POPULATION, _GENERATIONS, _STEP = 5, 5, 0.2
_DOUBLINGS = 4
"""How often a learning rate is doubled, or halved, at most."""

Values = dict[str, float]
"""Numbers by name."""
Loss = Callable[[Values], float]
"""What a rule with such numbers costs; infinity where it does not run to its end."""


def numbers_by_trials(
    rates: Mapping[str, float], priors: Mapping[str, ConstantPrior], few: Loss, many: Loss, rng: np.random.Generator
) -> Values:
    """Return the numbers that do best of those that were tried; all learning rates have one factor.

    **Arguments:** `rates` to begin with, and `priors`, within what the other numbers lie, by name; `few` and `many`:
    the loss on few trials, and on all; `rng` steers CMA-ES.
    """

    def told(loss: Loss, constants: Values) -> Callable[[float], float]:
        return lambda factor: loss(_scaled(rates, factor) | constants)

    constants = {name: prior.at(0.5) for name, prior in priors.items()}
    coarse = {factor: told(few, constants)(factor) for factor in (10.0**decade for decade in _DECADES)}
    factor = min(coarse, key=lambda each: coarse[each])
    # A rate that is small enough changes nothing: where none does better, the rule does not learn.
    if coarse[factor] < coarse[10.0 ** min(_DECADES)]:
        if priors:
            factor, constants = _evolved(few, _scaled(rates, factor), priors, factor, rng)
        factor = _doubled(told(many, constants), factor)
    return _scaled(rates, factor) | constants


def _scaled(rates: Mapping[str, float], factor: float) -> Values:
    return {name: rate * factor for name, rate in rates.items()}


def _evolved(
    loss: Loss, rates: Values, priors: Mapping[str, ConstantPrior], factor: float, rng: np.random.Generator
) -> tuple[float, Values]:
    """Return the factor of the learning rates, times a given one, and constants that CMA-ES comes to.

    It begins in the middle of the ranges, that of the rate is from a tenth to ten times.
    """

    def meant(point: Any) -> tuple[float, Values]:
        shares = zip(priors.items(), point[1:], strict=True)
        return 10.0 ** (2.0 * float(point[0]) - 1.0), {name: prior.at(float(share)) for (name, prior), share in shares}

    def of(point: Any) -> float:
        change, constants = meant(point)
        return loss(_scaled(rates, change) | constants)

    best = math.inf, np.full(len(priors) + 1, 0.5)
    strategy = cma_strategy(best[1], _STEP, _POPULATION, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(_GENERATIONS):
            points = strategy.ask()
            losses = [of(point) for point in points]
            place = int(np.argmin(losses))
            if losses[place] < best[0]:
                best = losses[place], points[place]
            # What died comes last; how far behind is not known.
            worst = max((each for each in losses if each < math.inf), default=0.0)
            strategy.tell(points, [min(each, worst + 1.0) for each in losses])
    change, constants = meant(best[1])
    return factor * change, constants


def _doubled(loss: Callable[[float], float], factor: float) -> float:
    """Return the factor with the least loss among the doublings, or halvings, of one."""
    found = {each: loss(each) for each in (factor, 2.0 * factor, 0.5 * factor)}
    best = min(found, key=lambda each: found[each])
    step = best / factor
    for _ in range(_DOUBLINGS - 1):
        if best == factor:
            break
        found[best * step] = loss(best * step)
        if found[best * step] >= found[best]:
            break
        best *= step
    return best
