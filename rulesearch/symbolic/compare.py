"""Comparison of rules with known ones: terms against terms, checked by numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from rulesearch.expression.kinks import KINKED
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression
from rulesearch.expression.units import format_number
from rulesearch.rules.library import KnownRule, known_rules
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, Synaptic, Trace
from rulesearch.symbolic.agreement import TOLERANCE
from rulesearch.symbolic.holes import Holes
from rulesearch.symbolic.likeness import behaviour_distance
from rulesearch.symbolic.linear_states import LinearStates
from rulesearch.symbolic.normal_form import NormalForm
from rulesearch.symbolic.numeric_scale import numeric_scale
from rulesearch.symbolic.reachable import EVERYWHERE, Reachable
from rulesearch.symbolic.rule_names import Distance, best_partners, partners_by_name, renaming
from rulesearch.symbolic.spelling import spelled
from rulesearch.symbolic.state_match import StateMatch, matched, renamed
from rulesearch.symbolic.term_vectors import Place, Vector, angle_between, partners_of, term_vector
from rulesearch.symbolic.verdict import LIKE, VERDICTS, Verdict, behaviour_rank, different_summary, same_terms_summary
from rulesearch.wording import factor

Pair = tuple[str, Rule, Rule]
"""Name, our rule, their rule."""

_ZERO = Expression.number(0)
_EMPTY = Rule({})
_SCALED = VERDICTS.index("equal-up-to-scale")


def compare(
    rules: RuleSet, others: Sequence[KnownRule | RuleSet] | None = None, on: Reachable = EVERYWHERE
) -> list[Verdict]:
    """Compare rules with others (by default all known rules), nearest first.

    Of a set there are verdicts on the whole, against other sets, and behind them those on each of its rules in turn:
    against single rules (of the known ones: those that change at spikes if it does, and only those), and against the
    rule of its name in other sets. Where two sets name their rules otherwise, those that fit best belong together. A
    single rule is compared with that rule of a set, where one is given, that is nearest to it.

    **Arguments:** `on`: the values that symbols can take; rules that differ nowhere else count as equal.
    **Raises:** `RulesearchError` where none of the rules reads such a symbol, or is not finite there.
    """
    against = list(known_rules().values()) if others is None else list(others)
    sets = [rules, *(other.rules if isinstance(other, KnownRule) else other for other in against)]
    on.check_read(rule for each in sets for rule in each.rules.values())
    if len(rules.rules) == 1:
        one = _nearest if others is None else _nearest_member
        return sorted((one(rules, other, on) for other in against), key=_nearness)
    found = _all(rules, [other for other in against if len(_rules_of(other)) > 1], on)
    for name, rule in rules.rules.items():
        partners = [_partners(rules, other, on).get(name, "") for other in against]
        pairs = zip(partners, against, strict=True)
        beside = [each for at, other in pairs if (each := _beside(at, rule, other, others is None)) is not None]
        found += [replace(verdict, name=name) for verdict in _all(RuleSet.single(rule), beside, on)]
    return found


def _all(rules: RuleSet, others: Sequence[KnownRule | RuleSet], on: Reachable) -> list[Verdict]:
    return sorted((_nearest(rules, other, on) for other in others), key=_nearness)


def _rules_of(other: KnownRule | RuleSet) -> Mapping[str, Rule]:
    return other.rules.rules if isinstance(other, KnownRule) else other.rules


def _partners(rules: RuleSet, other: KnownRule | RuleSet, on: Reachable) -> dict[str, str]:
    """Return the names of the rules of another set by those of ours that they belong to."""
    if len(_rules_of(other)) == 1:
        return {}
    return partners_by_name(rules.rules, _rules_of(other), _distance(on))


def _distance(on: Reachable) -> Distance:
    return lambda ours, theirs: _verdict(RuleSet.single(ours), RuleSet.single(theirs), on).distance


def _beside(name: str, rule: Rule, other: KnownRule | RuleSet, of_its_kind: bool) -> KnownRule | RuleSet | None:
    """Return what a rule of a set is compared with: a single rule, or the one of that name in another set."""
    theirs = _rules_of(other)
    if len(theirs) == 1:
        alike = rule.moved_by_spikes == next(iter(theirs.values())).moved_by_spikes
        return other if alike or not of_its_kind else None
    return _member(name, other) if name in theirs else None


def _member(name: str, other: KnownRule | RuleSet) -> KnownRule | RuleSet:
    """Return one rule of a set, by itself."""
    rule = _rules_of(other)[name]
    if isinstance(other, RuleSet):
        return RuleSet({"w": rule}, f"{other.name}[{name}]" if other.name else f"{name}[{rule}]")
    # Variants of a set keep the names of its rules.
    member = RuleSet({"w": rule}, other.name)
    variants = tuple(replace(each, rules=RuleSet({"w": each.rules.rules[name]}, each.name)) for each in other.variants)
    return replace(other, title=f"{name} of {other.title}", rules=member, variants=variants)


def _nearness(verdict: Verdict) -> tuple[bool, float, float, int, str]:
    behaviour = 1.0 if verdict.behaviour is None else verdict.behaviour
    return verdict.rank > 2, verdict.distance, behaviour, verdict.rank, verdict.rule


def _nearest_member(rules: RuleSet, other: KnownRule | RuleSet, on: Reachable) -> Verdict:
    """Return the verdict of a single rule against another, or against that rule of a set which is nearest to it."""
    names = _rules_of(other)
    each = [other] if len(names) == 1 else [_member(name, other) for name in names]
    return min((_nearest(rules, one, on) for one in each), key=lambda verdict: _nearness(verdict)[:4])


def _nearest(rules: RuleSet, other: KnownRule | RuleSet, on: Reachable) -> Verdict:
    """Return the verdict against a rule or, where it has variants, against the nearest of them."""
    if isinstance(other, RuleSet):
        return _verdict(rules, other, on)
    return min((_verdict(rules, each, on) for each in other.family()), key=lambda verdict: _nearness(verdict)[:4])


def _verdict(rules: RuleSet, other: KnownRule | RuleSet, on: Reachable) -> Verdict:
    """Return the verdict, which says where the rules of two sets have other names, or have changed places."""
    theirs = _rules_of(other)
    if len(rules.rules) == 1 or len(theirs) == 1:
        return _verdict_as(rules, other, on, {name: name for name in theirs})
    partners = partners_by_name(rules.rules, theirs, _distance(on))
    found = _verdict_as(rules, other, on, partners)
    if names := renaming(partners):
        return replace(found, summary=f"{found.summary}, with other rule names: {names}")
    if found.rank > _SCALED and (swapped := _swapped(rules, other, on)):
        return replace(found, summary=f"{found.summary}; {swapped}")
    return found


def _swapped(rules: RuleSet, other: KnownRule | RuleSet, on: Reachable) -> str:
    """Return `identical where a is its b, b is its a` for rules that have only changed places; else empty text."""
    theirs = _rules_of(other)
    partners = best_partners(rules.rules, theirs, _distance(on))
    names = renaming(partners)
    if not names or not len(partners) == len(rules.rules) == len(theirs):
        return ""
    found = _verdict_as(rules, other, on, partners)
    return f"{found.verdict} where {names}" if found.rank <= _SCALED else ""


def _verdict_as(rules: RuleSet, other: KnownRule | RuleSet, on: Reachable, partners: Mapping[str, str]) -> Verdict:
    """Return the verdict where our rules are those of theirs that `partners` names."""
    theirs = other.rules if isinstance(other, KnownRule) else other
    name = other.name or str(theirs)
    title = other.title if isinstance(other, KnownRule) else name
    pairs = _aligned(rules, theirs, partners)
    states = [matched(ours, known) for _, ours, known in pairs]
    equal = all(state.equal for state in states)
    if equal and _same_tree(pairs):
        return Verdict(name, title, "identical", 1.0, summary=f"identical to {title}")
    pairs = [(label, on.reduced(ours), on.reduced(known)) for label, ours, known in pairs] if on else pairs
    a = term_vector(((label, ours) for label, ours, _ in pairs), on)
    b = term_vector(((label, known) for label, _, known in pairs), on)
    if equal:
        scale = _common_scale(pairs, a, b, on)
        if scale is not None:
            return _scaled(name, title, scale)
    scale = _scale_of_linear(pairs, on) if any(ours.states or known.states for _, ours, known in pairs) else None
    if scale is not None:
        return _scaled(name, title, scale)
    behaviour = behaviour_distance([(ours, known) for _, ours, known in pairs], on)
    return replace(_by_terms(name, title, pairs, states, a, b, behaviour), behaviour=behaviour)


def _scaled(name: str, title: str, scale: float) -> Verdict:
    if scale == 1.0:
        return Verdict(name, title, "equal", 1.0, summary=f"equal to {title}")
    return Verdict(name, title, "equal-up-to-scale", scale, summary=f"{title} times {factor(scale, 6)}")


def _scale_of_linear(pairs: list[Pair], on: Reachable) -> float | None:
    """Return the factor ours/theirs once states are taken for what they are made of; None where there is none."""
    made = [
        (label, _of_what_states_are(ours, known, on), _of_what_states_are(known, ours, on))
        for label, ours, known in pairs
    ]
    a = term_vector(((label, ours) for label, ours, _ in made), on)
    b = term_vector(((label, known) for label, _, known in made), on)
    return _common_scale(made, a, b, on)


def _of_what_states_are(rule: Rule, other: Rule, on: Reachable) -> Rule:
    """Return a rule without states of its own; what the other reads without declaring it keeps its name."""
    plain = [name for name in rule.states if name in other.symbols and name not in other.states]
    return LinearStates(rule, nonnegative=on.nonnegative, plain=plain).rewritten()


def _by_terms(
    name: str,
    title: str,
    pairs: list[Pair],
    states: list[StateMatch],
    a: Vector,
    b: Vector,
    behaviour: float | None,
) -> Verdict:
    """Return the verdict where no factor relates the rules: `same-terms` or `different`."""
    partners = partners_of(a, b)
    extra = [_term_text(place, a, pairs, 1) for place in a if place not in partners]
    missing = [_term_text(place, b, pairs, 2) for place in b if place not in partners.values()]
    ours, theirs = (
        [_in_set(pair[0], text, pairs) for pair, state in zip(pairs, states, strict=True) for text in texts(state)]
        for texts in (attrgetter("extra"), attrgetter("missing"))
    )
    angle = angle_between(a, b, partners)
    turned = [
        _place_text(partner, pairs, 2)
        for place, partner in partners.items()
        if a[place].coefficient * b[partner].coefficient < 0.0
    ]
    if extra or missing or ours or not partners:
        distance = 1.0
        if behaviour is not None and (partners or behaviour <= LIKE):
            distance = behaviour_rank(behaviour)
        elif partners:
            share = (len(extra) + len(missing)) / (len(partners) + len(extra) + len(missing) or 1)
            distance = 0.5 + 0.25 * (share + angle)
        alike = behaviour if distance < 1.0 else None
        summary = different_summary(title, len(partners), extra, missing, ours, alike, turned)
        found = Verdict(name, title, "different", None, {}, distance, extra + ours, missing + theirs, summary)
        return replace(found, turned_terms=turned)
    coefficients, spread = _ratios(pairs, states, a, b, partners)
    distance = min(0.499, max(1e-6, 0.45 * math.hypot(angle, spread / (1.0 + spread))))
    elsewhere = ""
    if all(state.equal for state in states) and _single_ratio(list(coefficients.values())) is not None:
        nodes = {node for _, *both in pairs for rule in both for part in rule.slots.values() for node in part.nodes}
        # Rules without thresholds of the same terms can differ in where they are defined only.
        elsewhere = "not defined at the same points" if nodes.isdisjoint(KINKED) else "not the same at every point"
    summary = same_terms_summary(title, coefficients, elsewhere)
    return Verdict(name, title, "same-terms", None, coefficients, distance, [], [], summary, turned_terms=turned)


def _ratios(
    pairs: list[Pair], states: list[StateMatch], a: Vector, b: Vector, partners: dict[Place, Place]
) -> tuple[dict[str, float], float]:
    """Return ratios ours/theirs of all coefficients, and how far apart constants inside functions and states are."""
    coefficients: dict[str, float] = {}
    inner: list[float] = []
    for place, partner in partners.items():
        text = _place_text(partner, pairs, 2)
        coefficients[text] = a[place].coefficient / b[partner].coefficient
        for number, (ours, theirs) in enumerate(zip(a[place].inner, b[partner].inner, strict=False), start=1):
            if theirs and not math.isclose(ours, theirs, rel_tol=TOLERANCE):
                coefficients[f"{text}, constant {number}"] = ours / theirs
                inner.append(ours / theirs)
    for (label, _, _), state in zip(pairs, states, strict=True):
        coefficients |= {_in_set(label, tau, pairs): ratio for tau, ratio in state.ratios.items()}
        inner += state.ratios.values()
        inner += [0.0] * len(state.other_units)
    return coefficients, max((abs(math.log(ratio)) if ratio > 0 else 1.0 for ratio in inner), default=0.0)


def _aligned(ours: RuleSet, theirs: RuleSet, partners: Mapping[str, str]) -> list[Pair]:
    """Return rules that belong together, ours with states under their names; an empty rule where a side has none.

    A pair goes by the name of ours.
    """
    if len(ours.rules) == 1 and len(theirs.rules) == 1:
        first, second = _same_kind(ours.only(), theirs.only())
        return [("w", renamed(first, second), second)]
    called = {their: our for our, their in partners.items()}
    names = {called.get(name, name): name for name in theirs.rules} | {
        name: "" for name in ours.rules if name not in partners
    }
    pairs = [
        (name, *_same_kind(ours.rules.get(name, _EMPTY), theirs.rules.get(their, _EMPTY)))
        for name, their in names.items()
    ]
    return [(name, renamed(first, second), second) for name, first, second in pairs]


def _same_kind(ours: Rule, theirs: Rule) -> tuple[Rule, Rule]:
    """Read a rule with only drift and one with only on_step as the same kind, unless spikes drive one of them alone."""
    alike = _driven_by_spikes(ours) == _driven_by_spikes(theirs)
    if alike and {tuple(ours.slots), tuple(theirs.slots)} == {("drift",), ("on_step",)}:
        (slot,) = theirs.slots
        return replace(ours, slots={slot: next(iter(ours.slots.values()))}), theirs
    return ours, theirs


def _driven_by_spikes(rule: Rule) -> bool:
    """Return whether a rule reads a state that spikes move."""
    read = [state for name, state in rule.states.items() if name in rule.read]
    return any(
        isinstance(state, Trace) or (isinstance(state, Synaptic) and not {"on_pre", "on_post"}.isdisjoint(state.slots))
        for state in read
    )


def _term_text(place: Place, vector: Vector, pairs: list[Pair], side: int) -> str:
    """Return a term with its coefficient: `-w*y**2`, `on_pre: -0.25`."""
    label, slot, monomial = place
    value = vector[place].coefficient
    number = format_number(float(f"{abs(value):.4g}"))
    body = number if monomial == "1" else monomial if number == "1" else f"{number}*{monomial}"
    if number != "1" and monomial.startswith("1/"):
        body = number + monomial[1:]
    return _place_text((label, slot, f"-{body}" if value < 0 else body), pairs, side)


def _place_text(place: Place, pairs: list[Pair], side: int) -> str:
    """Return `w*y**2`, or `on_pre: y` where a rule has other slots than on_step, with the rule's name in sets."""
    label, slot, monomial = place
    rule = next(pair for pair in pairs if pair[0] == label)[side]
    bare = isinstance(rule, Rule) and tuple(rule.slots) in (("on_step",), ("drift",))
    return _in_set(label, monomial if bare else f"{slot}: {monomial}", pairs)


def _in_set(label: str, text: str, pairs: list[Pair]) -> str:
    # A rule that stands alone has no name that anybody gave it.
    return f"{label}, {text}" if len(pairs) > 1 and label != "w" else text


def _same_tree(pairs: list[Pair]) -> bool:
    return all(_trees(ours) == _trees(theirs) for _, ours, theirs in pairs)


def _trees(rule: Rule) -> dict[str, str]:
    leaves = {name: Expression((number,)) for name, number in rule.constants.items()}
    return {slot: to_text(spelled(expression.substitute(leaves))) for slot, expression in rule.slots.items()}


def _common_scale(pairs: list[Pair], a: Vector, b: Vector, on: Reachable) -> float | None:
    """Return the positive factor ours/theirs, exactly 1.0 for equal rules; None where there is none.

    Terms and numbers must not contradict each other: numbers decide where they can be had.
    """
    ratios = [a[place].coefficient / b[place].coefficient for place in a if place in b]
    by_terms = None
    if len(ratios) == len(a) == len(b):
        by_terms = _single_ratio(ratios) if ratios else 1.0
    if by_terms is None and len(ratios) == len(a) == len(b) and all("(" not in place[2] for place in a):
        return None
    if by_terms is not None and any(_other_holes(ours, theirs, on) for _, ours, theirs in pairs):
        return None
    by_numbers, decided = numeric_scale([(ours, theirs) for _, ours, theirs in pairs], by_terms, on)
    if decided:
        return by_numbers if by_terms is None or by_numbers is None else by_terms
    return by_terms


def _other_holes(ours: Rule, theirs: Rule, on: Reachable) -> bool:
    """Say whether algebra cancelled other conditions in one rule than in the other.

    Conditions on one symbol are left to the numbers: every symbol is 0, and has both signs, at some points.
    """
    readers = [(rule, Holes(NormalForm(rule.constant_values(), on.nonnegative), on.names)) for rule in (ours, theirs)]
    for slot in SLOTS:
        first, second = (
            {text for text in reader.of(rule.slots.get(slot, _ZERO)) if not text.removesuffix(" >= 0").isidentifier()}
            for rule, reader in readers
        )
        if first != second:
            return True
    return False


def _single_ratio(ratios: list[float]) -> float | None:
    first = ratios[0]
    if first <= 0 or any(abs(ratio - first) > TOLERANCE * first for ratio in ratios):
        return None
    return 1.0 if abs(first - 1.0) <= TOLERANCE else first
