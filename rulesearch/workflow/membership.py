"""Whether a grammar holds a rule, modulo algebra."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from rulesearch.errors import RulesearchError
from rulesearch.expression.operators import OPERATORS
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Node, Number
from rulesearch.grammar import Grammar, RuleSlot, derive, find_functions, states_agree
from rulesearch.grammar.membership import SEARCH_CAP
from rulesearch.grammar.variants import with_numbers
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.symbolic import rule_from_terms, rule_terms, simplify_rule
from rulesearch.symbolic.agreement import agrees

_LARGEST = 9
_MOST_WITH_NUMBERS = 4_000_000
"""Combinations that are evaluated at most where constants stand for the numbers of a rule: each has several values."""
_SHORTEST = "in its shortest form"
_ZERO = Expression.number(0)

Found = dict[str, tuple[str, Expression | None]]
"""How each slot was derived, and as what; None where it is 0 and stays empty."""


def accepts(grammar: Grammar, rules: RuleSet) -> dict[str, object]:
    """Say whether a grammar derives a rule, or each rule of a set, and how.

    Each slot is tried as it is written, in its shortest form, and rebuilt from its terms; at last a derivation of
    at most nine nodes that computes the same function is looked for. Every constant of a derivation has a value of
    its own, so that slots do not depend on each other.
    **Returns:** `accepted`, `how`, and `derivation` (None where there is none).
    """
    try:
        named = grammar.named(rules)
    except RulesearchError as error:
        return _refused(str(error))
    missing = [name for name in grammar.rules if name not in named]
    if missing:
        return _refused(f"the grammar has the rules {', '.join(grammar.rules)}; there is no {', '.join(missing)}")
    answers = {name: _accepts(grammar, name, rule) for name, rule in named.items()}
    if len(answers) == 1:
        return next(iter(answers.values()))
    refused = {name: answer for name, answer in answers.items() if not answer["accepted"]}
    how = "; ".join(f"{name}: {answer['how']}" for name, answer in (refused or answers).items())
    if refused:
        return _refused(how)
    derivation = "; ".join(f"{name}[{answer['derivation']}]" for name, answer in answers.items())
    return {"accepted": True, "how": how, "derivation": derivation}


def _refused(how: str) -> dict[str, object]:
    return {"accepted": False, "how": how, "derivation": None}


def _accepts(grammar: Grammar, name: str, rule: Rule) -> dict[str, object]:
    """Say whether a grammar derives a rule, by its name there."""
    for slot in rule.slots:
        if RuleSlot(name, slot) not in grammar.slots:
            return _refused(f"the grammar has no slot {slot}")
    for place in grammar.slots_of(name):
        if place.slot not in rule.slots and place not in grammar.optional_slots:
            return _refused(f"the rule leaves the slot {place.slot} empty, which the grammar fills")
    if not states_agree(grammar, rule):
        return _refused("the rule defines a state in another way than the grammar")
    forms = {
        "as written": rule,
        _SHORTEST: simplify_rule(rule),
        "rebuilt from its terms": rule_from_terms(rule, rule_terms(rule)),
    }
    found = _derived(grammar, name, rule, forms)
    missing = [slot for slot in rule.slots if slot not in found]
    for slot in missing:
        for symbol in _with_values(forms[_SHORTEST], slot).symbols:
            if symbol not in grammar.symbols:
                return _refused(f"the grammar has no symbol {symbol}")
    if missing:
        computed, tried = _computed(grammar, name, rule, missing, forms)
        found |= computed
        missing = [slot for slot in missing if slot not in found]
    if missing:
        where = f"{missing[0]}: " if len(rule.slots) > 1 else ""
        return _refused(f"{where}not as written, not in shorter forms, and {tried} computes it")
    made = {slot: part for slot in rule.slots if (part := found[slot][1]) is not None}
    if not made:
        return _refused("the rule is 0 in all slots")
    hows = {slot: found[slot][0] for slot in rule.slots}
    same = len(set(hows.values())) == 1
    how = next(iter(hows.values())) if same else "; ".join(f"{slot}: {each}" for slot, each in hows.items())
    derivation = "; ".join(f"{slot}: {to_text(expression)}" for slot, expression in made.items())
    return {"accepted": True, "how": how, "derivation": derivation}


def _derived(grammar: Grammar, name: str, rule: Rule, forms: Mapping[str, Rule]) -> Found:
    """Return the slots that are derived node by node, each in the first of the forms that is."""
    found: Found = {}
    for how, form in forms.items():
        for slot in rule.slots:
            if slot in found:
                continue
            part = form.slots.get(slot)
            if part is None:
                if RuleSlot(name, slot) in grammar.optional_slots and _same(rule, form, slot):
                    found[slot] = how, None
                continue
            derived = derive(grammar, grammar.slots[RuleSlot(name, slot)], part, form.constants)
            if derived is not None and _same(rule, form, slot):
                made = derived.expression(grammar)
                moved = _parts(made) != _parts(_with_values(form, slot))
                found[slot] = f"{how}{', signs moved' * moved}", made
    return found


def _computed(
    grammar: Grammar, name: str, rule: Rule, missing: Iterable[str], forms: Mapping[str, Rule]
) -> tuple[Found, str]:
    """Return the slots whose function a small derivation computes, and in words what was tried for the others.

    A derivation whose constants have any values is no single function, so that they are given the rule's numbers.
    """
    shortest = forms[_SHORTEST]
    # The shortest form adds up least, so that rounding does least to its values.
    wanted = {slot: _with_values(shortest if _same(rule, shortest, slot) else rule, slot) for slot in missing}
    numbers = _numbers(grammar, [_with_values(form, slot) for form in forms.values() for slot in wanted])
    found: Found = {}
    tried = ""
    ways = ((grammar, SEARCH_CAP, ""), (with_numbers(grammar, numbers), _MOST_WITH_NUMBERS, " with its numbers"))
    for each, cap, with_its in ways:
        if with_its and each.productions == grammar.productions:
            break
        left = {slot: part for slot, part in wanted.items() if slot not in found}
        computed, size = find_functions(each, left, _LARGEST, cap, name)
        for slot, made in computed.items():
            if agrees(wanted[slot], made, {}):
                found[slot] = "a derivation computes the same function", made
        if len(found) == len(wanted):
            break
        tried = f"no derivation of at most {size} nodes{with_its}"
    return found, tried


def _numbers(grammar: Grammar, parts: Iterable[Expression]) -> list[Number]:
    """Return what constants may have to be: 1 and the numbers of a rule, over what numbers of the grammar leave."""
    own = dict.fromkeys([*(number for part in parts for number in _folded(part)), Number(1.0)])
    templates = [each.template.nodes for made in grammar.productions.values() for each in made]
    factors = dict.fromkeys(
        node.value
        for nodes in templates
        for node in nodes
        if isinstance(node, Number) and node.value and nodes[0] is not OPERATORS["pow"]
    )
    return [
        Number(sign * number.value / factor, number.unit)
        for factor in (1.0, *factors)
        for number in own
        for sign in (1.0, -1.0)
    ]


def _folded(expression: Expression) -> Iterator[Number]:
    """Yield the numbers in an expression, and what its parts of numbers alone come to."""
    if isinstance(expression.head, Number):
        yield expression.head
    elif expression.size > 1:
        if not expression.symbols:
            yield Number(float(expression.evaluate({})))
        for part in expression.arguments:
            yield from _folded(part)


def _with_values(form: Rule, slot: str) -> Expression:
    """Return the expression of a slot with the values of its constants; 0 where it is empty."""
    values = {name: Expression((number,)) for name, number in form.constants.items()}
    return form.slots.get(slot, _ZERO).substitute(values)


def _same(rule: Rule, form: Rule, slot: str) -> bool:
    """Return whether a slot of a form is defined wherever that of the rule is: its terms alone do not say so."""
    constants = {**rule.constant_values(), **form.constant_values()}
    return form is rule or agrees(rule.slots[slot], form.slots.get(slot, _ZERO), constants)


def _parts(expression: Expression) -> Counter[Node | float]:
    """Return what an expression is made of, in any order; numbers without their units."""
    return Counter(node.value if isinstance(node, Number) else node for node in expression.nodes)
