"""Python for other people's simulators: a module of plain NumPy functions, one per slot.

Nothing but NumPy is needed to run it. The functions take numbers or arrays and give what the virtual machine
gives, learning rate included: a division by zero is inf, a logarithm of a negative number nan.
"""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Mapping

from rulesearch.expression.operators import FUNCTION, NEGATION, POWER, PRODUCT, Operator
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import time_text
from rulesearch.rules.library import KnownRule, known_rule
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, VOCABULARY, Lowpass, State, Synaptic, Trace

_ATOM = 6
_WHEN = {
    "on_pre": "added to w at a presynaptic spike",
    "on_post": "added to w at a postsynaptic spike",
    "drift": "dw/dt in 1/s, at all times",
    "on_step": "added to w once per step",
}
_FLOATS = [
    "",
    "",
    "def _floats(*values):",
    "    return tuple(np.asarray(value, dtype=float) for value in values)",
]
_TAKEN = {"np", "eta", "_floats"}


def rules_python(rules: RuleSet, note: str = "", inhibition: str = "") -> str:
    """Return the text of a Python module.

    **Arguments:** `note`: what is to be said of its learning rate and bounds; `inhibition`: which synapses inhibit, in
    a sentence.
    """
    lines = ['"""' + _docstring(rules, note, inhibition) + '"""', "", "import numpy as np", *_FLOATS]
    for name, rule in rules.rules.items():
        prefix = "" if len(rules.rules) == 1 else f"{_name(name)}_"
        if rule.bounds is not None:
            low, high = (
                f'float("{bound!r}")' if bound in (float("inf"), -float("inf")) else repr(bound)
                for bound in rule.bounds
            )
            lines += ["", "", f"{prefix.upper()}BOUNDS = ({low}, {high})", '"""Bounds of w."""']
        eta = 1.0 if rule.eta is None else rule.eta
        for slot in SLOTS:
            if slot in rule.slots:
                text = f"Return what the rule gives in its slot {slot}: {_WHEN[slot]}."
                lines += _function(f"{prefix}{slot}", rule.slots[slot], rule, text, eta)
        for state_name, state in rule.states.items():
            lines += _state_functions(prefix, state_name, state, rule)
    return "\n".join([*lines, ""])


def titled(rules: RuleSet, place: str = "", note: str = "") -> str:
    """Return `Plasticity rule vogels in Brian2, with learning rate 1 (it gives none).`, for the head of a file."""
    return f"Plasticity rule{f' {rules.name}' * bool(rules.name)}{place}{f', with {note}' * bool(note)}."


def _docstring(rules: RuleSet, note: str, inhibition: str) -> str:
    parts = [str(rules), *citations(rules), *[inhibition] * bool(inhibition)]
    read = [name for rule in rules.rules.values() for name in rule.symbols]
    states = {name: state for rule in rules.rules.values() for name, state in rule.states.items()}
    meanings = [
        f"- {_name(name)}: {_meaning(name, states)}"
        for name in dict.fromkeys(["w", *read])
        if name in {*VOCABULARY, *states}
    ]
    head = [_plain(titled(rules, note=note)), *(textwrap.fill(_plain(part), 100) for part in parts)]
    body = "\n\n".join([*head, "\n".join(map(_plain, meanings))])
    return f"{body}\n"


def _plain(text: str) -> str:
    """Return text that may stand inside a docstring."""
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")


def citations(rules: RuleSet) -> list[str]:
    """Return a sentence with the paper of the known rule that a rule is equal to, if any.

    Of a set that is equal to no known one, a sentence for each of its rules that is.
    """
    found = equal_known(rules)
    if found is not None:
        return [_cited(*found)]
    several = rules.rules.items() if len(rules.rules) > 1 else ()
    members = {name: equal_known(RuleSet.single(rule)) for name, rule in several}
    return [f"{name}: {_cited(*each)}" for name, each in members.items() if each is not None]


def _cited(verdict: str, known: KnownRule) -> str:
    words = {"identical": "Identical to", "equal": "Equal to", "equal-up-to-scale": "Up to a factor the rule of"}
    return f"{words[verdict]} {known.title}: {known.reference}{f' doi:{known.doi}' * bool(known.doi)}"


def equal_known(rules: RuleSet) -> tuple[str, KnownRule] | None:
    """Return the nearest known rule and the verdict, where rules are as a whole equal to it or a multiple of it."""
    from rulesearch.symbolic import compare

    first = next((each for each in compare(rules) if each.rank <= 2 and not each.name), None)
    return None if first is None else (first.verdict, known_rule(first.rule))


def _meaning(name: str, states: Mapping[str, State]) -> str:
    state = states.get(name)
    if isinstance(state, Trace):
        jump = "is set to 1" if state.nearest else "grows by 1"
        text = f"trace that decays with {time_text(state.tau)} and {jump} at each {state.side}synaptic spike"
        other = "post" if state.side == "pre" else "pre"
        return f"{text}; behind each {other}synaptic spike it is 0" if state.resets else text
    if isinstance(state, Lowpass):
        tau = f"{state.tau:g} steps" if state.in_steps else time_text(state.tau)
        return f"low-pass of {to_text(state.expression)} over {tau}"
    if isinstance(state, Synaptic):
        decay = "does not decay" if state.tau is None else f"decays with {time_text(state.tau)}"
        return f"state of the synapse that {decay}; its changes are functions below"
    meaning, unit = VOCABULARY[name]
    return f"{meaning} [{unit}]" if unit else meaning


def _state_functions(prefix: str, name: str, state: State, rule: Rule) -> list[str]:
    lines: list[str] = []
    if isinstance(state, Lowpass):
        lines += _function(
            f"{prefix}{_name(name)}_target",
            state.expression,
            rule,
            f"Return what {name} moves to: {_meaning(name, {name: state})}.",
        )
    elif isinstance(state, Synaptic):
        for slot in SLOTS:
            if slot in state.slots:
                when = _WHEN[slot].replace("w ", f"{name} ").replace("dw/dt", f"d{name}/dt")
                lines += _function(f"{prefix}{_name(name)}_{slot}", state.slots[slot], rule, f"Return what is {when}.")
    return lines


def _function(name: str, expression: Expression, rule: Rule, text: str, eta: float | None = None) -> list[str]:
    symbols = sorted((each for each in expression.symbols if each not in rule.constants), key=_place)
    constants = {key: number for key, number in rule.constants.items() if key in expression.symbols}
    keywords = [f"{_name(key)}={number.value!r}" for key, number in constants.items()]
    keywords += [f"eta={eta!r}"] if eta is not None else []
    body, precedence = python_expression(expression)
    equation = _plain(to_text(expression))
    if eta is not None:
        is_product = precedence >= PRODUCT and not body.startswith("-")
        body, equation = (f"eta * {each}" if is_product else f"eta * ({each})" for each in (body, equation))
    lines = [
        "",
        "",
        f"def {name}({', '.join([*map(_name, symbols), *keywords])}):",
        *_explained(text, equation, constants),
    ]
    read = [_name(key) for key in (*symbols, *constants)]
    if read:
        lines.append(f"    {', '.join(read)}{',' * (len(read) == 1)} = _floats({', '.join(read)})")
    return [*lines, '    with np.errstate(all="ignore"):', f"        return {body}"]


def _place(symbol: str) -> tuple[bool, int]:
    """Return where a symbol stands among arguments: as in the vocabulary, the weight last."""
    order = list(VOCABULARY)
    return symbol == "w", order.index(symbol) if symbol in VOCABULARY else len(order)


def _explained(text: str, equation: str, constants: Mapping[str, Number]) -> list[str]:
    lines = [f'    """{_plain(text)}', "", f"    {equation}"]
    units = [f"{_name(name)} [{number.unit}]" for name, number in constants.items() if number.unit]
    if units:
        lines += ["", f"    Constants are in s, mV, nS, pA and Hz; written in: {', '.join(units)}."]
    return [*lines, '    """']


def _name(name: str) -> str:
    """Return a name that Python allows; one that differs only by underscores at its end moves on: none clash."""
    bare = name.rstrip("_")
    taken = keyword.iskeyword(bare) or keyword.issoftkeyword(bare) or bare in _TAKEN
    return f"{name}_" if taken else name


def python_expression(expression: Expression) -> tuple[str, int]:
    """Return Python source of an expression and how tightly its outermost operator binds.

    Division and powers of plain numbers alone go through NumPy, since Python raises an error where IEEE gives inf.
    """

    def leaf(node: str | Number) -> tuple[str, int, bool]:
        if isinstance(node, str):
            return _name(node), _ATOM, False
        return repr(node.value), NEGATION if repr(node.value).startswith("-") else _ATOM, True

    def branch(row: Operator, *parts: tuple[str, int, bool]) -> tuple[str, int, bool]:
        texts, plain = [part[0] for part in parts], all(part[2] for part in parts)
        if row.precedence == FUNCTION:
            return row.written["numpy"].format(*texts), _ATOM, False
        if row.name == "pow":
            return _power(row, parts, plain)
        if plain and row.name == "div":
            return f"np.divide({texts[0]}, {texts[1]})", _ATOM, False
        if row.arity == 1:
            return f"-{_bracketed(parts[0], NEGATION)}", NEGATION, plain
        right = _bracketed(parts[1], row.precedence + 1)
        return f"{_bracketed(parts[0], row.precedence)} {row.infix} {right}", row.precedence, plain

    text, precedence, _ = expression.fold(leaf, branch)
    return text, precedence


def _power(row: Operator, parts: tuple[tuple[str, int, bool], ...], plain: bool) -> tuple[str, int, bool]:
    base, exponent = parts
    if exponent[0] == "2.0":
        return f"np.square({base[0]})", _ATOM, False
    if plain:
        return f"np.power({base[0]}, {exponent[0]})", _ATOM, False
    return f"{_bracketed(base, POWER + 1)} {row.infix} {_bracketed(exponent, NEGATION)}", POWER, False


def _bracketed(part: tuple[str, int, bool], lowest: int) -> str:
    return part[0] if part[1] >= lowest else f"({part[0]})"
