"""The set on which two rules are compared: which values a symbol can take at all.

On a finite set every function of a symbol is a polynomial in it (Lagrange), of degree below the number of values: with
R in {-1, 1}, `(E - R*E)/R` is `(R - 1)*E`. On an interval that holds no negative number `relu(w)` and `abs(w)` are w.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from rulesearch.errors import ParseError, RulesearchError, did_you_mean, shown
from rulesearch.expression.parser import parse_expression
from rulesearch.expression.printing import to_text
from rulesearch.expression.rounding import Values
from rulesearch.expression.tree import Expression
from rulesearch.given import several
from rulesearch.rules.rule import Rule
from rulesearch.symbolic.normal_form import Terms, normal_form

_SET = re.compile(r"\s*([A-Za-z_]\w*)\s+in\s+([{\[])(.*)([}\]])\s*", re.DOTALL)
_MOST_VALUES = 8
_LARGEST = 4096
_EXAMPLE = 'type for example "R in {-1, 1}" or "w in [0, 1]"'


@dataclass(frozen=True, slots=True)
class Reachable:
    """Values that symbols can take; a symbol that is not named may be any real number.

    **Fields:** `values`: finite sets; `ranges`: intervals, ends included.
    """

    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.ranges)

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols that cannot be any real number."""
        return (*self.values, *self.ranges)

    @property
    def nonnegative(self) -> frozenset[str]:
        """The symbols that are never negative."""
        sets = {name for name, values in self.values.items() if min(values) >= 0.0}
        return frozenset(sets | {name for name, (low, _) in self.ranges.items() if low >= 0.0})

    def check_read(self, rules: Iterable[Rule]) -> None:
        """Refuse sets of symbols that none of the rules reads.

        **Raises:** `RulesearchError`.
        """
        read = {name for rule in rules for name in rule.symbols}
        for name in self.names:
            if name not in read:
                raise RulesearchError(f"no rule reads {name!r}{did_you_mean(name, read)}")

    def reduced(self, rule: Rule) -> Rule:
        """Return a rule that does the same on the set, as a polynomial in each symbol with finitely many values.

        **Raises:** `RulesearchError` where the sets have too many values for that, or the rule is not finite at one.
        """
        slots = {slot: self._interpolated(expression, rule) for slot, expression in rule.slots.items()}
        return replace(rule, slots=slots)

    def _interpolated(self, written: Expression, rule: Rule) -> Expression:
        expression = written
        for name, values in self.values.items():
            if name not in expression.symbols:
                continue
            if expression.size * len(values) ** 2 > _LARGEST:
                raise RulesearchError(f"the rule is too long to be compared on {len(values)} values of {name}")
            total = Expression.number(0.0)
            for value in values:
                terms = normal_form(_at(expression, {name: value}), rule.constant_values())
                if not _finite(terms):
                    raise RulesearchError(self._why_not_finite(written, rule, {name: value}))
                piece = _at(expression, {name: value}) if terms.polynomial else Expression.number(0.0)
                for other in values:
                    if other != value:
                        distance = Expression.apply("sub", Expression.symbol(name), Expression.number(other))
                        share = Expression.apply("div", distance, Expression.number(value - other))
                        piece = Expression.apply("mul", piece, share)
                total = Expression.apply("add", total, piece)
            expression = total
        return expression

    def _why_not_finite(self, written: Expression, rule: Rule, found: Mapping[str, float]) -> str:
        """Say at which of the values an expression is not finite: at as few as show it, else at those that were met."""
        names = [name for name in self.values if name in written.symbols]
        choices = (
            dict(zip(some, numbers, strict=True))
            for count in range(1, len(names) + 1)
            for some in itertools.combinations(names, count)
            for numbers in itertools.product(*(self.values[name] for name in some))
        )
        constants = rule.constant_values()
        shown = next((each for each in choices if not _finite(normal_form(_at(written, each), constants))), found)
        at = " and ".join(f"{name} = {value:g}" for name, value in shown.items())
        rest = "leave that value out of the set" if len(shown) == 1 else "leave one of these values out of its set"
        return f"{to_text(written)} has no finite value at {at}; {rest}"

    def inside(self, points: Mapping[str, Values]) -> dict[str, Values]:
        """Return points moved into the set, evenly over finite intervals."""
        found = dict(points)
        for name, (low, high) in self.ranges.items():
            if name in found:
                rank = np.argsort(np.argsort(found[name], kind="stable"), kind="stable") / max(len(found[name]) - 1, 1)
                if math.isfinite(low) and math.isfinite(high):
                    found[name] = low + (high - low) * rank
                elif math.isfinite(low):
                    found[name] = low + np.abs(found[name])
                elif math.isfinite(high):
                    found[name] = high - np.abs(found[name])
        for name, values in self.values.items():
            if name in found:
                found[name] = np.resize(np.array(values, dtype=np.float64), len(found[name]))
        return found

    def holds(self, points: Mapping[str, Values]) -> npt.NDArray[np.bool_]:
        """Return which of the points lie in the set."""
        result = np.ones(max((len(values) for values in points.values()), default=0), dtype=bool)
        for name, (low, high) in self.ranges.items():
            if name in points:
                result &= (points[name] >= low) & (points[name] <= high)
        for name, allowed in self.values.items():
            if name in points:
                result &= np.isin(points[name], allowed)
        return result


EVERYWHERE = Reachable()
"""All real numbers."""


def _at(expression: Expression, values: Mapping[str, float]) -> Expression:
    return expression.substitute({name: Expression.number(value) for name, value in values.items()})


def _finite(terms: Terms) -> bool:
    return all(atom.kind != "opaque" for atom in terms.algebra.atoms.values())


def parse_reachable(texts: str | Iterable[str]) -> Reachable:
    """Read sets such as `R in {-1, 1}` and `w in [0, 1]`, one text or several; in a text `;` separates them.

    **Raises:** `ParseError` or `RulesearchError`.
    """
    values: dict[str, tuple[float, ...]] = {}
    ranges: dict[str, tuple[float, float]] = {}
    for text in several(texts, str, "a set of values"):
        if not isinstance(text, str):
            raise RulesearchError(f"a set of values is a text, found {shown(text)}; {_EXAMPLE}")
        for piece in text.split(";"):
            if not piece.strip():
                continue
            match = _SET.fullmatch(piece)
            if match is None or (match.group(2) + match.group(4)) not in ("{}", "[]"):
                raise RulesearchError(f"a set of values cannot be read from {piece.strip()!r}; {_EXAMPLE}")
            name, opening, inside = match.group(1), match.group(2), match.group(3)
            if name in values or name in ranges:
                raise RulesearchError(f"the values of {name} are given twice; give them once")
            numbers = tuple(_number(word, piece) for word in inside.split(","))
            if opening == "{":
                distinct = tuple(dict.fromkeys(numbers))
                if len(distinct) > _MOST_VALUES or not all(map(math.isfinite, distinct)):
                    raise RulesearchError(
                        f"a set holds 1 to {_MOST_VALUES} finite values, found {piece.strip()!r}; give an interval"
                    )
                values[name] = distinct
            elif len(numbers) != 2 or not numbers[0] < numbers[1]:
                raise RulesearchError(f"an interval goes from a number to a larger one, found {piece.strip()!r}")
            else:
                ranges[name] = (numbers[0], numbers[1])
    return Reachable(values, ranges)


def _number(word: str, piece: str) -> float:
    if word.strip() in ("inf", "-inf"):
        return float(word)
    try:
        value = normal_form(parse_expression(word)).coefficients if word.strip() else None
    except ParseError:
        value = None
    if value is None or not set(value) <= {"1"}:
        raise RulesearchError(f"{word.strip()!r} in {piece.strip()!r} is no number; {_EXAMPLE}")
    return value.get("1", 0.0)
