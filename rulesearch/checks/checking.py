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
        """Whether the rule gives the expected number and the control does not."""
        return self._meets(self.found) and not self._meets(self.control)

    def _meets(self, value: float | None) -> bool:
        return value is not None and abs(value - self.check.expected) <= self.check.tolerance


def run_check(rules: RuleSet, check: Check, seed: int = 0) -> Checked:
    """Run one check on rules and on its control.

    **Raises:** `RulesearchError` where the simulation does not exist or cannot run the rules.
    """
    simulate = load_simulation(check.simulation)
    control = parse_rules(check.control)
    found, failing = (simulate(each, check.settings, seed).get(check.measure) for each in (rules, control))
    return Checked(check, found, failing)


def check_known(known: KnownRule, seed: int = 0) -> list[Checked]:
    """Run every check of a known rule."""
    return [run_check(known.rules, check, seed) for check in known.checks]
