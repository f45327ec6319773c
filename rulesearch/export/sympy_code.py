"""SymPy for other people's algebra: a file that builds the expressions of a rule by constructor calls."""

from __future__ import annotations

import keyword
import math
from collections.abc import Mapping

from rulesearch.expression.operators import FUNCTION, Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import time_text
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, Lowpass, Synaptic, Trace

_TAKEN = {"sympy", "rules", "learning_rates", "bounds", "constants", "states"}


def rules_sympy(rules: RuleSet, inhibition: str = "") -> str:
    """Return the text of a Python file with dictionaries `rules`, `learning_rates`, `bounds`, `constants`, `states`.

    `rules` holds an expression by rule and slot, learning rate left out; `learning_rates` and `bounds` of the weight
    stand by rule, None where it gives none; `constants` holds values by rule and name, in s, mV, nS, pA and Hz;
    `states` what each state is, in words, with the expressions of low-passes and synaptic states. The text at the head
    says which synapses inhibit.

    **Arguments:** `inhibition`: that, in a sentence; empty where none does.
    """
    names = dict.fromkeys(name for rule in rules.rules.values() for each in rule.expressions() for name in each.symbols)
    lines = [f'"""Plasticity rule {_plain(rules.name)}:'.rstrip(" :") + ":", "", _plain(str(rules))]
    lines += [*["", inhibition] * bool(inhibition), '"""', ""]
    lines += ["import sympy", ""]
    lines += [f'{_name(name)} = sympy.Symbol("{name}", real=True)' for name in names]
    lines += ["", "rules = {"]
    for name, rule in rules.rules.items():
        slots = [f'        "{slot}": {_source(rule.slots[slot])},' for slot in SLOTS if slot in rule.slots]
        lines += [f'    "{name}": {{', *slots, "    },"]
    lines += ["}", '"""Expression by rule and slot; the learning rate is left out."""', "", "learning_rates = {"]
    lines += [f'    "{name}": {rule.eta!r},' for name, rule in rules.rules.items()]
    lines += ["}", '"""By rule; None where the rule gives none."""', "", "bounds = {"]
    lines += [f'    "{name}": {_bounds(rule)},' for name, rule in rules.rules.items()]
    lines += ["}", '"""Lowest and highest weight by rule; None where the rule gives none."""', "", "constants = {"]
    for name, rule in rules.rules.items():
        values = [f"        {_name(key)}: {each.value!r},{_unit(each)}" for key, each in rule.constants.items()]
        lines += [f'    "{name}": {{', *values, "    },"]
    lines += ["}", '"""Values of constants in s, mV, nS, pA and Hz; for `subs`."""', "", "states = {"]
    for name, rule in rules.rules.items():
        lines += [f'    "{name}": {{', *_states(rule), "    },"]
    lines += ["}", '"""What each state is: kind, and the expressions that it follows."""', ""]
    return "\n".join(lines)


def _states(rule: Rule) -> list[str]:
    lines = []
    for name, state in rule.states.items():
        tau = "no decay" if state.tau is None else time_text(state.tau)
        parts: Mapping[str, Expression] = {}
        if isinstance(state, Trace):
            scheme = "all-to-all" if state.pairing == "all" else state.pairing
            kind = f"trace of {state.side}synaptic spikes, {scheme}, {tau}"
        elif isinstance(state, Lowpass):
            kind = f"low-pass, {f'{state.tau:g} steps' if state.in_steps else tau}"
            parts = {"target": state.expression}
        else:
            assert isinstance(state, Synaptic)
            kind, parts = f"state of the synapse, {tau}", state.slots
        inside = "".join(f', "{slot}": {_source(each)}' for slot, each in parts.items())
        lines.append(f'        {_name(name)}: {{"kind": "{kind}"{inside}}},')
    return lines


def _bounds(rule: Rule) -> str:
    if rule.bounds is None:
        return "None"
    ends = (repr(end) if math.isfinite(end) else "sympy.oo" if end > 0 else "-sympy.oo" for end in rule.bounds)
    return f"({', '.join(ends)})"


def _unit(number: Number) -> str:
    return f"  # written in {number.unit}" if number.unit else ""


def _source(expression: Expression) -> str:
    def leaf(node: str | Number) -> str:
        if isinstance(node, str):
            return _name(node)
        whole = node.value == int(node.value) if abs(node.value) < 1e15 else False
        return f"sympy.Integer({int(node.value)})" if whole else f"sympy.Float({node.value!r})"

    def branch(row: Operator, *parts: str) -> str:
        if row.precedence == FUNCTION:
            return row.written["sympy"].format(*parts)
        if row.arity == 1:
            return f"(-{parts[0]})"
        return f"({parts[0]} {row.infix} {parts[1]})"

    text: str = expression.fold(leaf, branch)
    return text[1:-1] if text.startswith("(") and _matches(text) else text


def _matches(text: str) -> bool:
    """Return whether the bracket at the start is closed by the one at the end."""
    level = 0
    for place, character in enumerate(text):
        level += (character == "(") - (character == ")")
        if level == 0:
            return place == len(text) - 1
    return False


def _name(name: str) -> str:
    """Return a name that Python allows; one that differs only by underscores at its end moves on: none clash."""
    bare = name.rstrip("_")
    taken = keyword.iskeyword(bare) or keyword.issoftkeyword(bare) or bare in _TAKEN
    return f"{name}_" if taken else name


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")
