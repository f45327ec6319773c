"""Calibration: the constants of a cleaned rule, fitted once more at full fidelity where simulations are noisy.

A search judges constants by cheap simulations on few seeds, and these are biased: they learn faster and for a
shorter time. Here one constant after the other moves to where a parabola through the losses of many trials is lowest.
It keeps the digits that its standard error leaves. After the method of response surfaces (Box & Wilson 1951,
doi:10.1111/j.2517-6161.1951.tb00067.x).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules.rule import RuleSet
from rulesearch.symbolic import canonical_key, canonical_size
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import losses_of
from rulesearch.workflow.clean_up import CleanUp, Score, rounded_values

_WITHIN_REACH = 20.0
"""A rule whose loss is at most so many times that of the known rule may become good by its constants alone."""


_COARSE, _FINE = (0.4, 5, 3), (0.15, 7, 2)
"""Values are tried from 1 - a to 1 + a times the present one: a; how many; how often, where the lowest is at an end."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where the loss is lowest: the value of the constant, its standard error, whether it is inside of those tried."""

    value: float
    error: float
    inside: bool


def shortlist(cleaned: Iterable[CleanUp], baseline: Outcome, task: Task) -> list[CleanUp]:
    """Return the rules that are worth calibrating: small ones that may reach the known rule by their constants.

    At most `task.protocol.calibrated` constants in all; of rules that differ in their constants alone, the best one.
    """
    if baseline.loss is None or not task.protocol.calibrated:
        return []
    limit = _WITHIN_REACH * baseline.loss
    close = [
        item
        for item in cleaned
        if item.outcome.ranked_loss <= limit and item.outcome.shortfall(task.requirements) == 0.0
    ]
    close.sort(key=lambda item: (canonical_size(item.rules), item.outcome.ranked_loss, str(item.rules)))
    chosen: dict[str, CleanUp] = {}
    left = task.protocol.calibrated
    for item in close:
        constants = sum(len(rule.constants) for rule in item.rules.searched.values())
        if constants and constants <= left and chosen.setdefault(_form(item.rules), item) is item:
            left -= constants
    return list(chosen.values())


def calibrate(rules: Sequence[RuleSet], task: Task, score: Score) -> list[tuple[RuleSet, tuple[str, ...]]]:
    """Return each of the rules with its constants moved to where the loss is lowest, and what was done, in words.

    A constant stays where the losses say nothing about it. Constants are taken in turn, those of all rules at a time,
    so that the data of a seed are made once.
    """
    found: list[tuple[RuleSet, tuple[str, ...]]] = [(item, ()) for item in rules]
    places = [[(name, key) for name, rule in item.searched.items() for key in rule.constants] for item in rules]
    for turn in range(max(map(len, places), default=0)):
        indices = [index for index, row in enumerate(places) if turn < len(row)]
        moved = _move([found[index][0] for index in indices], [places[index][turn] for index in indices], task, score)
        for index, (item, steps) in zip(indices, moved, strict=True):
            found[index] = item, (*found[index][1], *steps)
    return found


def _move(
    rules: Sequence[RuleSet], places: Sequence[tuple[str, str]], task: Task, score: Score
) -> list[tuple[RuleSet, tuple[str, ...]]]:
    """Calibrate one constant of each of the rules."""
    values = [item.rules[name].constants[key].value for item, (name, key) in zip(rules, places, strict=True)]
    minima: list[Minimum | None] = [None] * len(rules)
    first, then = task.protocol.selection_trials, task.protocol.front_trials
    for (width, points, tries), trials in ((_COARSE, first), (_FINE, then)):
        factors = np.linspace(1.0 - width, 1.0 + width, points)
        left = list(range(len(rules)))
        for _ in range(tries):
            forms = [_with_value(rules[k], places[k], float(factor * values[k])) for k in left for factor in factors]
            outcomes = score(forms, trials)
            for number, k in enumerate(left):
                minimum = lowest(factors * values[k], outcomes[number * points : (number + 1) * points], task)
                if minimum is not None:
                    minima[k], values[k] = minimum, minimum.value
            left = [k for k in left if (found := minima[k]) is not None and not found.inside]
            if not left:
                break
    done: list[tuple[RuleSet, tuple[str, ...]]] = []
    for item, place, minimum in zip(rules, places, minima, strict=True):
        if minimum is None:
            done.append((item, ()))
            continue
        value, error = minimum.value, minimum.error
        short = next((digits for digits in rounded_values(value) if abs(digits - value) <= error / 2.0), value)
        step = f"calibrated {place[1]} = {short:g} (lowest loss at {value:.4g} +- {error:.2g})"
        done.append((_with_value(item, place, short), (step,)))
    return done


def lowest(values: npt.ArrayLike, outcomes: Sequence[Outcome], task: Task) -> Minimum | None:
    """Return where a parabola through the losses is lowest, inside of the values tried.

    Trials are weighted by 1/(mean loss at their value)^2, since a loss of squares scatters as it grows; the standard
    error comes from leaving one seed out at a time. Values at which the rule died or missed a requirement are left
    out. Where the losses curve down, this is the best of the values; None where fewer than three are left.
    """
    tried = np.asarray(values, dtype=np.float64)
    kept = [k for k, item in enumerate(outcomes) if item.ok and item.shortfall(task.requirements) == 0.0]
    if len(kept) < 3:
        return None
    x = tried[kept]
    if x[0] == x[-1]:
        return None
    losses = np.array([losses_of(outcomes[k].trials) for k in kept], dtype=np.float64)
    mean, seeds, gap = losses.mean(axis=1), losses.shape[1], abs(float(x[1] - x[0]))
    value = _vertex(x, mean)
    if value is None:
        value = float(x[np.argmin(mean)])
        return Minimum(value, gap, value not in (x[0], x[-1]))
    inside = bool(min(x[0], x[-1]) < value < max(x[0], x[-1]))
    value = float(np.clip(value, min(x[0], x[-1]), max(x[0], x[-1])))
    if seeds == 1:
        return Minimum(value, gap, inside)
    without = [_vertex(x, np.delete(losses, seed, axis=1).mean(axis=1)) for seed in range(seeds)]
    spread = np.array([value if item is None else item for item in without]) - value
    return Minimum(value, float(np.sqrt((seeds - 1) / seeds * np.sum(spread**2))), inside)


def _vertex(x: npt.NDArray[np.float64], mean: npt.NDArray[np.float64]) -> float | None:
    """Return the lowest point of the weighted parabola; None where it opens downwards."""
    centre, scale = float(x.mean()), float(np.ptp(x)) / 2.0
    square, slope, _ = np.polyfit((x - centre) / scale, mean, 2, w=1.0 / np.maximum(mean, 1e-12))
    return centre - scale * float(slope / (2.0 * square)) if square > 0.0 else None


def _with_value(rules: RuleSet, place: tuple[str, str], value: float) -> RuleSet:
    name, constant = place
    return rules.with_rules({name: rules.rules[name].with_constants({constant: value})})


def _form(rules: RuleSet) -> str:
    """Return a key of what rules are without the values of their constants."""
    ones = {
        name: replace(
            rule, constants={key: replace(number, value=1.0) for key, number in rule.constants.items()}, eta=1.0
        )
        for name, rule in rules.rules.items()
    }
    return canonical_key(RuleSet(ones))
