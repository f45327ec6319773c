"""Terms of rules side by side: coefficients by place, which terms belong together, and the angle between two rules."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SLOTS
from rulesearch.symbolic.normal_form import NormalForm
from rulesearch.symbolic.polynomial import Monomial
from rulesearch.symbolic.reachable import Reachable
from rulesearch.symbolic.shape import inner_numbers, monomial_shape

Place = tuple[str, str, str]
"""Name of the rule in its set, slot, monomial."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a rule.

    **Fields:** `coefficient`; `shape` of its monomial; `inner`: the coefficients inside its functions.
    """

    coefficient: float
    shape: str
    inner: tuple[float, ...]


Vector = dict[Place, Term]


def term_vector(rules: Iterable[tuple[str, Rule]], on: Reachable) -> Vector:
    """Return the terms of rules, by the name of the rule in its set, slot and monomial."""
    return {place: term for label, rule in rules for place, term in _terms_of(label, rule, on).items()}


def _terms_of(label: str, rule: Rule, on: Reachable) -> Vector:
    algebra = NormalForm(rule.constant_values(), on.nonnegative)
    found: Vector = {}
    for slot in SLOTS:
        if slot in rule.slots:
            terms = algebra.of(rule.slots[slot])
            for monomial in algebra.ordered(terms):
                found[(label, slot, algebra.monomial_text(monomial))] = _term(algebra, monomial, terms[monomial][0])
    return found


def _term(algebra: NormalForm, monomial: Monomial, coefficient: float) -> Term:
    return Term(coefficient, monomial_shape(algebra, monomial), tuple(inner_numbers(algebra, monomial)))


def partners_of(a: Vector, b: Vector) -> dict[Place, Place]:
    """Return which of their terms each of ours is: the same monomial, else the only one of the same shape."""
    partners = {place: place for place in a if place in b}
    ours, theirs = _by_shape(a, b), _by_shape(b, a)
    for key, place in ours.items():
        if place is not None and theirs.get(key) is not None:
            partners[place] = theirs[key] or place
    return partners


def _by_shape(vector: Vector, other: Vector) -> dict[tuple[str, str, str], Place | None]:
    """Return the terms that the other side lacks, by rule, slot and shape; None where several share one."""
    found: dict[tuple[str, str, str], Place | None] = {}
    for place, term in vector.items():
        if place not in other:
            key = (place[0], place[1], term.shape)
            found[key] = None if key in found else place
    return found


def angle_between(a: Vector, b: Vector, partners: dict[Place, Place]) -> float:
    """Return the sine of the angle between the coefficient vectors; 1 where it is 90 degrees or more."""
    ours, theirs = (max((abs(term.coefficient) for term in each.values()), default=0.0) for each in (a, b))
    if not ours or not theirs:
        return 1.0
    # In shares of the largest: squares of 1e200 are beyond double precision.
    dot = sum(a[place].coefficient / ours * (b[other].coefficient / theirs) for place, other in partners.items())
    length = math.hypot(*(t.coefficient / ours for t in a.values())) * math.hypot(
        *(t.coefficient / theirs for t in b.values())
    )
    cosine = dot / length
    return math.sqrt(max(0.0, 1.0 - max(0.0, cosine) ** 2))
