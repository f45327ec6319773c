"""Equations of rules as MathML."""

from __future__ import annotations

from rulesearch.expression.mathml import product_mathml, symbol_mathml
from rulesearch.expression.printing import with_joined_signs
from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.states import SLOTS

_LEFT = {
    "on_pre": '<msub><mrow><mi mathvariant="normal">Δ</mi><mi>w</mi></mrow><mtext>pre</mtext></msub>',
    "on_post": '<msub><mrow><mi mathvariant="normal">Δ</mi><mi>w</mi></mrow><mtext>post</mtext></msub>',
    "drift": "<mover><mi>w</mi><mo>˙</mo></mover>",
    "on_step": '<mrow><mi mathvariant="normal">Δ</mi><mi>w</mi></mrow>',
}


def equations_mathml(rules: RuleSet, digits: int | None = 4, with_values: bool = True) -> list[tuple[str, str]]:
    """Return, for each slot, the name of its rule (empty in a set of one) and the equation as a `<math>` element."""
    found = []
    for name, rule in rules.rules.items():
        values = {key: Expression((number,)) for key, number in rule.constants.items()} if with_values else {}
        for slot in SLOTS:
            if slot in rule.slots:
                shown = with_joined_signs(rule.slots[slot].substitute(values))
                right = product_mathml(symbol_mathml("eta"), shown, digits)
                markup = f"<math><mrow>{_LEFT[slot]}<mo>=</mo>{right}</mrow></math>"
                found.append((name if len(rules.rules) > 1 else "", markup))
    return found
