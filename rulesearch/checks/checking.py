"""Running the checks of known rules."""

from __future__ import annotations

from dataclasses import dataclass

from rulesearch.checks.simulations import load_simulation
from rulesearch.rules import Check, KnownRule, RuleSet, parse_rules


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check gave.

    **Fields:** `check`; `found` by the rule and by the check's `control` (None where the simulation ended early).
    """

    check: Check
    found: float | None
    control: float | None

    @property
    def passed(self) -> bool:
        """Whether the rule gives the expected number and the control another one."""
        return self.check.meets(self.found) and self.control is not None and not self.check.meets(self.control)


def measure(rules: RuleSet, check: Check, seed: int = 0) -> float | None:
    """Return the number that a check looks at; None where the simulation ended early.

    **Raises:** `RulesearchError` where the simulation does not exist or cannot run the rules.
    """
    return load_simulation(check.simulation)(rules, check.settings, seed).get(check.measure)


def run_check(rules: RuleSet, check: Check, seed: int = 0) -> Checked:
    """Run one check on rules and on its control.

    **Raises:** `RulesearchError` where the simulation does not exist or cannot run the rules.
    """
    return Checked(check, measure(rules, check, seed), measure(parse_rules(check.control), check, seed))


def check_known(known: KnownRule, seed: int = 0) -> list[Checked]:
    """Run every check of a known rule."""
    return [run_check(known.rules, check, seed) for check in known.checks]
