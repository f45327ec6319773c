"""Names that have a meaning of their own wherever rules are written, so that nothing else can be called so."""

from __future__ import annotations

from rulesearch.expression.operators import FUNCTIONS
from rulesearch.expression.units import UNITS
from rulesearch.rules.states import SLOTS

_TAKEN = {
    **dict.fromkeys(FUNCTIONS, "a function"),
    **dict.fromkeys(UNITS, "a unit"),
    **dict.fromkeys(SLOTS, "a slot"),
    **dict.fromkeys(("eta", "bounds"), "an option"),
}


def taken_by(name: str) -> str | None:
    """Return what has a name already, such as `a function`; None where it is free."""
    return _TAKEN.get(name)
