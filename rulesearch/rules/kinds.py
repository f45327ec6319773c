"""What rules and sets are made of: anything else is refused in a sentence that says what to write in its place."""

from __future__ import annotations

import math

from rulesearch.errors import RulesearchError, shown
from rulesearch.expression.tree import Expression, Number
from rulesearch.given import BY_NAME, named, real_number
from rulesearch.rules.states import Lowpass, Synaptic, Trace

_STATES = (Trace, Lowpass, Synaptic)


def check_parts(slots: object, eta: object, states: object, constants: object, bounds: object) -> None:
    """Refuse the parts of a rule that are not of the kinds that they must have.

    **Raises:** `RulesearchError`.
    """
    if not isinstance(slots, BY_NAME):
        raise RulesearchError(f"the slots of a rule are expressions by slot, found {shown(slots)}; {_read(slots)}")
    for slot, part in slots.items():
        if not isinstance(part, Expression):
            text = f"{slot}: {part}" if isinstance(part, str) else part
            raise RulesearchError(f"the slot {slot} takes an expression, found {shown(part)}; {_read(text)}")
    if eta is not None:
        real_number(eta, "eta")
    for name, state in named(states, "states", "{'y_bar': Lowpass(...)}").items():
        if not isinstance(state, _STATES):
            text = f"on_step: x*{name}; {name} = {state}" if isinstance(state, str) else state
            raise RulesearchError(
                f"the state {name} is no trace, low-pass or synaptic state, found {shown(state)}; {_read(text)}"
            )
    for name, number in named(constants, "constants", "{'c': Number(0.5)}").items():
        if not isinstance(number, Number):
            raise RulesearchError(
                f"the constant {name} must be a number with its unit, Number({number!r}), found {shown(number)}"
            )
    if bounds is not None:
        check_bounds(bounds)


def check_members(rules: object, kind: type) -> None:
    """Refuse what are no rules by their names.

    **Raises:** `RulesearchError`.
    """
    if not isinstance(rules, BY_NAME):
        raise RulesearchError(
            f"a set has rules by their names, such as {{'w': rule}}, found {shown(rules)}; {_read(rules)}"
        )
    for name, rule in rules.items():
        if not isinstance(rule, kind):
            raise RulesearchError(f"the rule {name} of a set must be a rule, found {shown(rule)}; {_read(rule)}")


def check_bounds(bounds: object, where: str = "") -> None:
    """Refuse what are no bounds of a weight; `where` they stand begins the message.

    **Raises:** `RulesearchError`.
    """
    try:
        low, high = (real_number(each, "a bound of w") for each in bounds)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        low = high = math.nan
    if not low < high:
        raise RulesearchError(
            f"{where}bounds must be two numbers, the lower one first, such as (0.0, 1.0), found {shown(bounds)}"
        )


def _read(text: object) -> str:
    """Return how a rule is read from text."""
    return f"a rule is read from text by rulesearch.rule({shown(text if isinstance(text, str) else 'on_step: x*y')})"
