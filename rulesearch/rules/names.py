"""Names that have a meaning of their own wherever rules are written, so that nothing else can be called so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rulesearch.errors import did_you_mean
from rulesearch.expression.operators import FUNCTIONS
from rulesearch.expression.units import UNITS
from rulesearch.rules.states import SLOTS

UNNAMED = "w"
"""What a rule is called that is given without a name."""

_TAKEN = {
    **dict.fromkeys(FUNCTIONS, "a function"),
    **dict.fromkeys(UNITS, "a unit"),
    **dict.fromkeys(SLOTS, "a slot"),
    **dict.fromkeys(("eta", "bounds"), "an option"),
}


def taken_by(name: str) -> str | None:
    """Return what has a name already, such as `a function`; None where it is free."""
    return _TAKEN.get(name)


def other_rules(found: Iterable[str], wanted: Sequence[str], any_of_them: bool = False) -> str:
    """Return in words that the names of rules are not those that are wanted: what those are, and what to type.

    **Arguments:** `any_of_them`: not all that are wanted need be there.
    """
    names = list(found)
    told = "a rule without a name" if names == [UNNAMED] else ", ".join(names)
    if list(wanted) == [UNNAMED]:
        return f"one rule without a name, found {told}; type its expression alone"
    strange = next((name for name in names if name not in wanted), UNNAMED)
    hint = "" if strange == UNNAMED else did_you_mean(strange, wanted)
    if "did you mean" not in hint:
        hint = f"; type {(' or ' if any_of_them else '; ').join(f'{name}[...]' for name in wanted)}"
    return f"the rules {', '.join(wanted)}; found {told}{hint}"
