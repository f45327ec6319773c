"""Families of rules: rules that are the same up to constants, and which families are neighbours.

Searches find many rules that do equally well. Rules with the same terms, whatever their coefficients and time
constants, are one family; two families are neighbours where one has a term more, or one term stands in place of
another. What cannot be negative (traces, weights within bounds) is known: relu(y) is y.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rulesearch.evaluation.records import as_damage, reading
from rulesearch.rules import KnownRule, known_rules
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS
from rulesearch.symbolic import NormalForm, Terms, Verdict, canonical_size, compare
from rulesearch.symbolic.holes import Holes, hole_text
from rulesearch.symbolic.keys import family_key, never_negative
from rulesearch.symbolic.shape import monomial_shape
from rulesearch.symbolic.verdict import listed
from rulesearch.workflow.run import Run

_OF_NO_TERM = re.compile(r"\btau_|, constant \d+$")
"""What else a verdict has ratios of: time constants, and constants inside functions."""

Term = tuple[str, str, str]
"""Name of the rule in its set, slot, and shape of the term."""


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that a run found: rules, loss, the run's folder, and its rank on the front (None: not on it)."""

    rules: RuleSet
    loss: float
    run: str
    rank: int | None = None


@dataclass(slots=True)
class Family:
    """Rules with the same terms.

    **Fields:** `terms` as sets show them; `text`: the terms with their signs, constants left out; `members`, the best
    first; `known`: title of a known rule of the family, and what tells it apart where no member is a multiple of
    it: `Oja 1982 with other constants`, `HebbFF with the opposite sign of x*y`; `known_by_rule`: of a set, the same of
    its rules by themselves, by name.
    """

    terms: frozenset[Term]
    text: str
    members: list[Found] = field(default_factory=list)
    known: str = ""
    known_by_rule: dict[str, str] = field(default_factory=dict)

    @property
    def known_as(self) -> str:
        """The known rule of the family; of a set that is none, those that its rules are, by name."""
        return self.known or "; ".join(f"{name}: {title}" for name, title in self.known_by_rule.items())

    @property
    def loss(self) -> float:
        """The least loss of a member."""
        return self.members[0].loss

    @property
    def runs(self) -> int:
        """In how many runs the family was found."""
        return len({member.run for member in self.members})

    @property
    def size(self) -> int:
        """The least size of a member."""
        return min(canonical_size(member.rules) for member in self.members)


def found_by(run: Run, count: int = 100) -> list[Found]:
    """Return the front of a run and the best rules of its search at full fidelity.

    **Raises:** `RulesearchError` where the run does not tell what its task is.
    """
    task = run.task
    found = [Found(each.rules, each.loss, str(run.folder), each.rank) for each in run.members]
    with reading(run.folder) as records:
        rows = records.best(task.fidelities[-1].name, count)
    settings = task.resolve(run.experiment.settings)
    given = run.given
    with as_damage(run.folder):
        return found + [
            Found(replace(task.spelled_out(task.parse(text), settings), given=given), loss, str(run.folder))
            for text, loss in rows
        ]


def families(rules: Iterable[Found]) -> list[Family]:
    """Return the families of rules, by least loss; a rule that a run found twice counts once."""
    groups: dict[str, Family] = {}
    seen: set[tuple[str, str]] = set()
    for each in rules:
        place = (each.run, str(each.rules))
        if place not in seen:
            seen.add(place)
            key = family_key(each.rules, within_bounds=True)
            if key not in groups:
                groups[key] = Family(_terms(each.rules), _text(each.rules))
            groups[key].members.append(each)
    known: dict[str, list[KnownRule]] = {}
    for rule in known_rules().values():
        known.setdefault(family_key(rule.rules, within_bounds=True), []).append(rule)
    for key, family in groups.items():
        family.members.sort(key=lambda member: (member.loss, member.rank or 10**6, str(member.rules)))
        family.text = _text(family.members[0].rules)
        best = family.members[0].rules
        if key in known:
            family.known = _known_as([member.rules for member in family.members], known[key])
        for name, part in best.rules.items() if len(best.rules) > 1 else ():
            alike = known.get(family_key(RuleSet.single(part), within_bounds=True))
            if alike is not None:
                alone = [RuleSet.single(member.rules.rules[name]) for member in family.members]
                family.known_by_rule[name] = _known_as(alone, alike)
    return sorted(groups.values(), key=lambda family: (family.loss, family.text))


def _known_as(rules: Sequence[RuleSet], known: Sequence[KnownRule]) -> str:
    """Return the title of the nearest of known rules with the same terms, and in what all of ours differ from it."""
    verdicts = [compare(each, known)[0] for each in rules]
    for verdict in verdicts:
        if verdict.verdict not in ("same-terms", "different"):
            return verdict.title
    nearest = min(verdicts, key=lambda verdict: (verdict.rank, len(_turned(verdict))))
    if nearest.verdict == "different":
        return f"{nearest.title} where nothing is below 0"
    turned = _turned(nearest)
    if not turned:
        return f"{nearest.title} with other constants"
    terms = [name for name in nearest.coefficients if not _OF_NO_TERM.search(name)]
    return f"{nearest.title} with the opposite sign{'' if turned == terms else f' of {listed(turned)}'}"


def _turned(verdict: Verdict) -> list[str]:
    return [name for name, ratio in verdict.coefficients.items() if ratio < 0.0]


def neighbours(found: Sequence[Family]) -> Any:
    """Return the graph of families (`networkx.Graph`): nodes are places in `found`, edges say what changes.

    Edge attributes: `change`: `more` where one family has a term that the other lacks, `other` where one term of each
    stands in place of the other's, in one rule of a set; `rule`: the name of that rule, empty for single rules.
    """
    import networkx

    graph = networkx.Graph()
    for place, family in enumerate(found):
        graph.add_node(place, text=family.text, loss=family.loss, rules=len(family.members), known=family.known)
    for a in range(len(found)):
        for b in range(a):
            extra, missing = found[a].terms - found[b].terms, found[b].terms - found[a].terms
            names = {name for name, _, _ in extra | missing}
            single = all(len(family.members[0].rules.rules) == 1 for family in (found[a], found[b]))
            if len(extra) + len(missing) == 1 or (len(extra) == len(missing) == 1 and (single or len(names) == 1)):
                change = "more" if len(extra) + len(missing) == 1 else "other"
                graph.add_edge(b, a, change=change, rule="" if single else next(iter(names)))
    return graph


def _terms(rules: RuleSet) -> frozenset[Term]:
    return frozenset(
        (name, slot, monomial_shape(terms.algebra, monomial))
        for name, rule in rules.rules.items()
        for slot, terms in _slot_terms(rule).items()
        for monomial in terms.polynomial
    )


def _slot_terms(rule: Rule) -> dict[str, Terms]:
    algebra = NormalForm(rule.constant_values(), never_negative(rule))
    return {slot: Terms(algebra, algebra.of(rule.slots[slot])) for slot in SLOTS if slot in rule.slots}


def _text(rules: RuleSet) -> str:
    """Return `x*y - w*y**2`: terms with their signs, coefficients left out, and what was cancelled to get there."""
    parts = []
    for name, rule in rules.rules.items():
        for slot, terms in _slot_terms(rule).items():
            pieces = [
                f"{'-' if value < 0 else '+'} {monomial if monomial != '1' else 'constant'}"
                for monomial, value in terms.coefficients.items()
            ]
            text = " ".join(pieces).removeprefix("+ ") or "0"
            text = f"-{text[2:]}" if text.startswith("- ") else text
            text += hole_text(Holes(terms.algebra).of(rule.slots[slot]))
            label = ", ".join([name] * (len(rules.rules) > 1) + [slot] * (set(rule.slots) != {"on_step"}))
            parts.append(f"{label}: {text}" if label else text)
    return "; ".join(parts)
