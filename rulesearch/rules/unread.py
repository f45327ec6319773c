"""Names that a rule declares but nothing reads: a slip of the pen that would change nothing without a word."""

from __future__ import annotations

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import CUSTOMARY_TRACES

_MEANT = {
    **dict.fromkeys(("lr", "learning_rate"), "eta"),
    **dict.fromkeys(("w_max", "wmax", "w_min", "wmin", "w_bounds"), "bounds = [0, 1]"),
}
"""What other programs call the two options of a rule."""

_SIDES = {"plus": "pre", "pre": "pre", "minus": "post", "post": "post"}
"""The side of the trace whose time constant other programs call tau_plus, and so on."""


def unread_reason(rule: Rule, name: str) -> str:
    """Return what to say of a name that a rule declares but does not read, with what may have been meant."""
    meant = _MEANT.get(name.lower())
    if meant is not None:
        return f"nothing reads {name}; did you mean {meant}?"
    sides = {f"tau_{each}": CUSTOMARY_TRACES[each] for each in rule.read if each in CUSTOMARY_TRACES}
    if name.startswith("tau") and sides:
        meant_side = next((side for word, side in _SIDES.items() if word in name), None)
        near = [trace for trace, side in sides.items() if side == meant_side] or list(sides)
        return f"nothing reads {name}{did_you_mean(name, near)}"
    options = ("eta", "bounds") if name in rule.constants else ()
    hint = did_you_mean(name, {*rule.read, *options} - {name})
    return f"nothing reads {name}{hint if 'did you mean' in hint else ': no slot, and no state that a slot reads'}"


def check_read(rules: RuleSet) -> None:
    """Refuse rules that declare what they do not read; raises `RulesearchError`."""
    for name, rule in rules.rules.items():
        for each in rule.unread:
            raise RulesearchError(f"rule {name}: {unread_reason(rule, each)}")
