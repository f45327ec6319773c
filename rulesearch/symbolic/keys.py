"""Keys of rules: equal for rules with the same normal form, or with the same terms up to coefficients."""

from __future__ import annotations

from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, SUMS, Trace
from rulesearch.symbolic.linear_states import LinearStates


def canonical_key(rules: RuleSet) -> str:
    """Return a text that is the same for rules with the same normal form.

    Slots and the states they read count, by what the states are made of; eta, bounds and the names of constants and of
    declared states do not.
    """
    return "; ".join(f"{name}[{_rule_key(rule, exact=True)}]" for name, rule in sorted(rules.rules.items()))


def family_key(rules: RuleSet, within_bounds: bool = False) -> str:
    """Return a text that is the same for rules with the same terms, whatever their coefficients and time constants.

    **Arguments:** `within_bounds`: traces, and weights whose lower bound says so, are known not to be negative.
    """
    return "; ".join(
        f"{name}[{_rule_key(rule, False, never_negative(rule) if within_bounds else frozenset())}]"
        for name, rule in sorted(rules.rules.items())
    )


def never_negative(rule: Rule) -> frozenset[str]:
    """Return what a rule reads that cannot be below 0: traces, and weights where the bounds say so."""
    traces = {name for name, state in rule.states.items() if isinstance(state, Trace)}
    weights = ("w", *SUMS) if rule.bounds is not None and rule.bounds[0] >= 0.0 else ()
    return frozenset(traces | set(weights))


def _rule_key(rule: Rule, exact: bool, nonnegative: frozenset[str] = frozenset()) -> str:
    states = LinearStates(rule, exact, nonnegative)
    pieces = ((slot, states.text(states.written(rule.slots[slot]))) for slot in SLOTS if slot in rule.slots)
    return "; ".join(f"{slot}: {text}" for slot, text in pieces if text not in ("0", ""))
