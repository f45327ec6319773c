"""How far each number of a rule may be moved alone until the rule does worse, and which may hardly be moved at all.

A number that 1 % more or less makes useless is known by luck: two terms cancel, say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.task import AS_GOOD
from rulesearch.tasks.trial import losses_of
from rulesearch.workflow.constants import moved, numbers_of
from rulesearch.workflow.losses import difference
from rulesearch.workflow.scorer import Scorer

_FACTORS = (1.01, 1.03, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0)
_FINER = (1.003, 1.001)
_DOUBLES = "doubles the loss"

Place = tuple[int, int]
"""Number and direction of one move."""


@dataclass(frozen=True, slots=True)
class ConstantRange:
    """Values of one constant, the others fixed, between which a rule does as well as with the one it has.

    **Fields:** `value`, `low` and `high` in `unit`; None where even a factor of ten changes nothing; `within`: the
    least relative change that doubles the loss, and not by chance, or keeps a seed from its end, where 1 % does; None
    where that does not; `harm`: which of the two it does, in words.
    """

    name: str
    value: float
    unit: str
    low: float | None
    high: float | None
    within: float | None = None
    harm: str = _DOUBLES

    @property
    def demand(self) -> str:
        """How exact the value must be, in words; empty where 1 % more or less does no such harm."""
        if self.within is None:
            return ""
        return f"must hold to within {100.0 * self.within:.2g} %: that change {self.harm}"


def constant_ranges(rules: RuleSet, own: Outcome, scorer: Scorer, seeds: int) -> list[ConstantRange]:
    """Return how far each constant, time constant and learning rate may go, each direction until it does harm.

    **Arguments:** `own`: the outcome of the rules on the report seeds; nothing may move where they failed there.
    """
    task = scorer.task
    if own.loss is None:
        return []
    # What is enough for a task may be less than this rule reaches.
    enough = max(task.enough(own.loss), AS_GOOD * own.loss)
    shortfall = own.shortfall(task.requirements)
    movable = numbers_of(rules)

    def score(places: Sequence[Place], factor: float) -> dict[Place, Outcome]:
        forms = [moved(rules, movable[k], factor**direction) for k, direction in places]
        return dict(zip(places, scorer.score(forms, "report", seeds), strict=True))

    def holds(outcome: Outcome) -> bool:
        return outcome.ranked_loss <= enough and outcome.shortfall(task.requirements) <= shortfall

    held = {(k, direction): 1.0 for k in range(len(movable)) for direction in (1, -1)}
    going = list(held)
    within: dict[int, float] = {}
    harm: dict[int, str] = {}

    def ruined(outcomes: Mapping[Place, Outcome], factor: float) -> list[Place]:
        places = [place for place, outcome in outcomes.items() if _ruins(outcome, own, enough)]
        within.update(dict.fromkeys((k for k, _ in places), factor - 1.0))
        harm.update((place[0], _harm(outcomes[place])) for place in places)
        return places

    for factor in _FACTORS:
        outcomes = score(going, factor)
        if factor == _FACTORS[0]:
            tight = ruined(outcomes, factor)
            for finer in _FINER:
                tight = ruined(score(tight, finer), finer)
        going = [place for place, outcome in outcomes.items() if holds(outcome)]
        held.update(dict.fromkeys(going, factor))
        if not going:
            break
    found = []
    for k, number in enumerate(movable):
        ends = [
            None if held[k, direction] == _FACTORS[-1] else number.value * held[k, direction] ** direction
            for direction in (-1, 1)
        ]
        low, high = ends if number.value > 0.0 else ends[::-1]
        needed = round(within[k], 6) if k in within else None
        told = harm.get(k, _DOUBLES)
        found.append(ConstantRange(number.label(rules), number.value, number.unit, low, high, needed, told))
    return found


def _harm(outcome: Outcome) -> str:
    """Return what a change does that ruins a rule, in words."""
    if outcome.loss is not None:
        return _DOUBLES
    where = f" on {outcome.failed_on}" if outcome.failed_on else ""
    return f"keeps the rule from running to its end{where}"


def _ruins(outcome: Outcome, own: Outcome, enough: float) -> bool:
    """Return whether a change doubles the loss on the same seeds to more than is enough, and not by chance."""
    if outcome.loss is None or own.loss is None:
        return True
    worse = difference(losses_of(outcome.trials), losses_of(own.trials))
    return outcome.loss > max(2.0 * own.loss, enough) and (worse is None or worse.low > 0.0)
