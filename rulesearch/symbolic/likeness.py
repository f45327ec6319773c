r"""How far apart two rules are by what they do, whatever their terms.

Both give their changes at the same 16,384 points, and the distance is the relative root mean square of what the best
positive factor leaves between them, $\min_{s > 0} \mathrm{rms}(f - s\,g)/\mathrm{rms}(f) = \sqrt{1 - \max(0, c)^2}$
with c the cosine between f and g: 0 for multiples of each other, 1 where one says nothing of the other.

At the points symbols are independent and normal, of mean 0 and variance 1. What cannot be negative (traces, and weights
where spikes change them) is their absolute value; membrane potentials are -55 mV +- 15 mV; a low-pass stands where its
target stood at another time. Time constants and the pairing of spikes are not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from statistics import NormalDist

import numpy as np

from rulesearch.expression.points import generator_of
from rulesearch.expression.rounding import Values
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import CUSTOMARY_TRACES, SLOTS, VOCABULARY, Lowpass, Trace
from rulesearch.symbolic.agreement import TOLERANCE
from rulesearch.symbolic.reachable import EVERYWHERE, Reachable

_POINTS = 16_384
_ENOUGH = _POINTS // 8
_NOISE = 3.0
"""Standard errors of a cosine over the points, up to which it counts as 0."""
_REST, _SPREAD = -55.0, 15.0
_ZERO = Expression.number(0)


def apart(first: Values, second: Values) -> float | None:
    """Return the sine of the angle between two rows of changes, 1 from 90 degrees on; None where one is 0 throughout.

    Only where both are finite.
    """
    with np.errstate(all="ignore"):
        valid = np.isfinite(first) & np.isfinite(second)
        a, b = (side[valid] / (np.max(np.abs(side[valid]), initial=0.0) or 1.0) for side in (first, second))
        lengths = _length(a), _length(b)
    if not min(lengths) or not math.isfinite(max(lengths)):
        return None
    a, b = a / lengths[0], b / lengths[1]
    left = _length(a - max(0.0, float(np.sum(a * b))) * b)
    return 0.0 if left <= TOLERANCE else min(1.0, left)


def _length(row: Values) -> float:
    # A sum of our own: that of a library of linear algebra differs in its last digits from machine to machine.
    return math.sqrt(float(np.sum(row * row)))


def behaviour_distance(pairs: Sequence[tuple[Rule, Rule]], on: Reachable = EVERYWHERE) -> float | None:
    """Return how far apart rules are over all slots, None where too few points are finite, or one never changes.

    **Arguments:** `pairs` of rules that belong together, states under the same names; `on`: the set that the points
    lie in.
    """
    if not any(set(first.slots) & set(second.slots) for first, second in pairs):
        return 1.0 if pairs else None
    ours: list[Values] = []
    theirs: list[Values] = []
    for first, second in pairs:
        magnitudes = _magnitudes(first) | _magnitudes(second)
        for slot in SLOTS:
            if slot in first.slots or slot in second.slots:
                for rule, found in ((first, ours), (second, theirs)):
                    found.append(_changes(rule, rule.slots.get(slot, _ZERO), magnitudes, on))
    a, b = np.concatenate(ours), np.concatenate(theirs)
    if np.count_nonzero(np.isfinite(a) & np.isfinite(b)) < _ENOUGH:
        return None
    distance = apart(a, b)
    return 1.0 if distance is not None and 1.0 - distance * distance <= _NOISE**2 / _POINTS else distance


def _magnitudes(rule: Rule) -> frozenset[str]:
    """Return what a rule reads that is never negative."""
    traces = {name for name, state in rule.states.items() if isinstance(state, Trace)}
    customary = {name for name in (*CUSTOMARY_TRACES, "w") if rule.moved_by_spikes and name not in rule.states}
    return frozenset(traces | customary)


def _changes(rule: Rule, expression: Expression, magnitudes: frozenset[str], on: Reachable) -> Values:
    def value(name: str, time: int) -> Values:
        state = rule.states.get(name)
        if isinstance(state, Lowpass) and name not in on.names and time < _EARLIEST:
            return evaluated(state.expression, lambda other: value(other, time + 1))
        drawn = _normal(name, time)
        if VOCABULARY.get(name, ("", ""))[1] == "mV" and state is None:
            drawn = _REST + _SPREAD * drawn
        return on.inside({name: np.abs(drawn) if name in magnitudes else drawn})[name]

    def evaluated(part: Expression, draw: Callable[[str], Values]) -> Values:
        constants = rule.constant_values()
        values = {name: constants[name] if name in constants else draw(name) for name in part.symbols}
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(part.evaluate(values), dtype=np.float64), (_POINTS,))

    return evaluated(expression, lambda name: value(name, 0))


_EARLIEST = 3
"""Low-passes of low-passes that are followed back; one that reads itself is drawn from there on."""


@cache
def _quantiles() -> Values:
    normal = NormalDist()
    return np.array([normal.inv_cdf((number + 0.5) / _POINTS) for number in range(_POINTS)])


@lru_cache(maxsize=512)
def _normal(symbol: str, time: int) -> Values:
    """Return the values of a symbol, others at another time: the quantiles of the standard normal, in random order."""
    values: Values = generator_of(f"normal\0{symbol}\0{time}").permutation(_quantiles())
    values.setflags(write=False)
    return values
