"""Verdicts: what a rule is in relation to another one, and the sentence that says so."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rulesearch.display import html
from rulesearch.wording import factor

VERDICTS = ("identical", "equal", "equal-up-to-scale", "same-terms", "different")
"""From the strongest to the weakest. `identical`: the same tree up to the order of summands and factors, the same
constants; `equal`: the same function, defined at the same points; `equal-up-to-scale`: one positive factor over all
slots; `same-terms`: other coefficients or time constants, or defined at other points; `different`."""

LIKE = math.sqrt(0.5)
"""The distance by what rules do up to which a multiple of one explains at least half of the other, in squares."""

_LISTED = 4
_OF_RULE = re.compile(r"([A-Za-z_]\w*), (.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule is in relation to a known one; eta and bounds are left out.

    **Fields:** `rule` and `title` of the known one; `verdict`, one of `VERDICTS`; `scale`: ours over theirs, None
    where no single positive factor relates them; `coefficients`: ratio ours/theirs by term (`w*y**2`, in rules with
    spike slots `on_pre: y`) and time constant (`tau_x`) for `same-terms`; `distance` in [0, 1]; terms and states
    only ours (`extra_terms`) and only theirs (`missing_terms`); `summary`: one sentence; `behaviour`: how far apart the
    two are by what they do (see `likeness`), None where that cannot be said or the two are equal; `name`: which rule of
    a set this is said of, empty where it is said of the whole; `turned_terms`: those of theirs that ours has with the
    opposite sign. In a set a term begins with the name of its rule: `lateral, x*y`.
    """

    rule: str
    title: str
    verdict: str
    scale: float | None
    coefficients: dict[str, float] = field(default_factory=dict)
    distance: float = 0.0
    extra_terms: list[str] = field(default_factory=list)
    missing_terms: list[str] = field(default_factory=list)
    summary: str = ""
    behaviour: float | None = None
    name: str = ""
    turned_terms: list[str] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        """Whether the two have anything in common, by their terms or by what they do."""
        return self.verdict != "different" or self.distance < 1.0

    @property
    def rank(self) -> int:
        """Place of the verdict among `VERDICTS`; 0 is the strongest."""
        return VERDICTS.index(self.verdict)

    @property
    def relation(self) -> str:
        """What a rule is beside this one: `equal: Oja 1982`, `different; nearest by what it does: Oja 1982 (0.28)`."""
        if self.verdict != "different":
            return f"{self.verdict}: {self.title}"
        if self.behaviour is None or self.behaviour > LIKE:
            return f"different; nearest: {self.title}"
        return f"different; nearest by what it does: {self.title} ({self.behaviour:.2g})"


def by_rule(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Return verdicts by the rule of a set that they are on, in their order; those on the whole under an empty name."""
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.name, []).append(verdict)
    return found


def behaviour_rank(behaviour: float) -> float:
    """Return where a different rule stands among all by what it does: from 0.5 on, behind rules of the same terms."""
    return 0.5 + 0.5 * behaviour


class Comparison(list[Verdict]):
    """The verdicts on a rule against others, nearest first: a list that shows itself as a table in a notebook."""

    def _repr_html_(self) -> str | None:
        return html(self)


def listed(names: list[str]) -> str:
    """Return names for a sentence, the first few of many; terms of a set by rule, as `by_rule_text` has them."""
    shown = by_rule_text(names[:_LISTED])
    return f"{shown} and {len(names) - _LISTED} more" if len(names) > _LISTED else shown


def by_rule_text(terms: list[str]) -> str:
    """Return `feedforward: -w*y, x*y; lateral: x*y` of the terms of a set; those of a single rule in one row."""
    found: dict[str, list[str]] = {}
    for term in terms:
        match = _OF_RULE.fullmatch(term)
        name, text = match.groups() if match else ("", term)
        found.setdefault(name, []).append(text)
    return "; ".join(f"{name}{': ' * bool(name)}{', '.join(texts)}" for name, texts in found.items())


def aside(text: str) -> str:
    """Return text in brackets where it has several parts, so that what follows is not taken for one of them."""
    return f"({text})" if "; " in text else text


def same_terms_summary(title: str, coefficients: dict[str, float], elsewhere: str = "") -> str:
    """Return `Oja 1982 with other coefficients: w*y**2 times 0.93`.

    **Arguments:** `elsewhere`: one factor relates all terms, and yet the rules differ in this.
    """
    if elsewhere:
        return f"{title} in its terms, but {elsewhere}"
    changed = [f"{name} times {factor(ratio)}" for name, ratio in coefficients.items() if abs(ratio - 1.0) > 1e-9]
    return f"{title} with other coefficients: {listed(changed)}" if changed else f"{title} with other time constants"


def different_summary(
    title: str,
    shared: int,
    extra: list[str],
    missing: list[str],
    states: list[str],
    alike: float | None = None,
    turned: Sequence[str] = (),
) -> str:
    """Return `Vogels et al. 2011 without on_post: x`, or that nothing is shared.

    **Arguments:** `states`: declarations of ours that theirs contradicts; `alike`: how far apart the two are by what
    they do, where that is what relates them; `turned`: terms of theirs that ours has with the opposite sign.
    """
    if not shared:
        return f"no term in common with {title}{'' if alike is None else f'; by what it does {alike:.2g} from it'}"
    parts = [f"without {aside(listed(missing))}"] * bool(missing)
    parts += [f"with {aside(listed(extra))} added"] * bool(extra)
    parts += [f"with the opposite sign of {aside(listed(list(turned)))}"] * bool(turned)
    terms = " and ".join(parts)
    return ", ".join([f"{title} {terms}".strip()] + [f"where {listed(states)}"] * bool(states))
