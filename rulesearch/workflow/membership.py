"""Whether a grammar holds a rule, modulo algebra."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rulesearch.errors import RulesearchError
from rulesearch.expression.fingerprint import fingerprint
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Node, Number
from rulesearch.grammar import Grammar, RuleSlot, derived_slots, find_function, states_agree
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.symbolic import rule_from_terms, rule_terms, simplify_rule
from rulesearch.symbolic.agreement import agrees

_LARGEST = 9


def accepts(grammar: Grammar, rules: RuleSet) -> dict[str, object]:
    """Say whether a grammar derives a rule, or each rule of a set, and how.

    A rule is tried as it is written, in its shortest form, and rebuilt from its terms; at last a derivation of
    at most nine nodes per slot that computes the same function is looked for.
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
    if not states_agree(grammar, rule):
        return _refused("the rule defines a state in another way than the grammar")
    forms = (
        ("as written", rule),
        ("in its shortest form", simplify_rule(rule)),
        ("rebuilt from its terms", rule_from_terms(rule, rule_terms(rule))),
    )
    for how, form in forms:
        made = derived_slots(grammar, form.slots, form.constants, name)
        if made is not None and _same(rule, form):
            values = {name: Expression((number,)) for name, number in form.constants.items()}
            moved = any(_parts(made[slot]) != _parts(part.substitute(values)) for slot, part in form.slots.items())
            return {"accepted": True, "how": f"{how}{', signs moved' * moved}", "derivation": _text(made)}
    found = find_function(grammar, rule, _LARGEST, name=name)
    if found is not None and fingerprint(found) == _key(rule):
        return {"accepted": True, "how": "a derivation computes the same function", "derivation": _text(found)}
    return _refused(f"not as written, not in shorter forms, and no derivation of at most {_LARGEST} nodes computes it")


def _same(rule: Rule, form: Rule) -> bool:
    """Return whether a form of a rule is defined wherever the rule is: its terms alone do not say so."""
    constants = {**rule.constant_values(), **form.constant_values()}
    zero = Expression.number(0)
    pairs = ((rule.slots.get(slot, zero), form.slots.get(slot, zero)) for slot in {**rule.slots, **form.slots})
    return form is rule or all(agrees(ours, other, constants) for ours, other in pairs)


def _key(rule: Rule) -> str:
    return fingerprint(rule.slots, rule.constant_values())


def _parts(expression: Expression) -> Counter[Node | float]:
    """Return what an expression is made of, in any order; numbers without their units."""
    return Counter(node.value if isinstance(node, Number) else node for node in expression.nodes)


def _text(slots: Mapping[str, Expression]) -> str:
    return "; ".join(f"{slot}: {to_text(expression)}" for slot, expression in slots.items())
