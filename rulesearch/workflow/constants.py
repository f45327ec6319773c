"""The numbers of a rule: constants, time constants, learning rates; which of them stand at an edge of their range."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rulesearch.expression.units import from_base
from rulesearch.grammar import ConstantPrior, Grammar
from rulesearch.rules.rule import Rule, RuleSet

_EDGE = 1e-3
"""Share of a range that is its edge."""


@dataclass(frozen=True, slots=True)
class RuleNumber:
    """A number of one rule of a set: the rule's name, its own, and its value in `unit`."""

    rule: str
    name: str
    value: float
    unit: str

    def label(self, rules: RuleSet) -> str:
        """Return the name, with the rule's name before it where there are several rules."""
        return f"{self.rule}: {self.name}" if len(rules.rules) > 1 else self.name


def numbers_of(rules: RuleSet) -> list[RuleNumber]:
    """Return every number that may be moved, those of given rules left out; what is 0 has no scale to be moved on."""
    return [RuleNumber(name, *item) for name, rule in rules.searched.items() for item in _numbers(rule)]


def _numbers(rule: Rule) -> list[tuple[str, float, str]]:
    found = [
        (name, float(from_base(number.value, number.unit)), number.unit)
        for name, number in rule.constants.items()
        if number.value
    ]
    for name, state in rule.states.items():
        tau = state.tau
        if tau is None:
            continue
        steps = getattr(state, "in_steps", False)
        found.append((f"tau_{name}", tau if steps else 1e3 * tau, "steps" if steps else "ms"))
    if rule.eta:
        found.append(("eta", rule.eta, ""))
    return found


def moved(rules: RuleSet, number: RuleNumber, factor: float) -> RuleSet:
    """Return the rules with one of their numbers multiplied."""
    rule, name = rules.rules[number.rule], number.name
    if name == "eta":
        changed = replace(rule, eta=factor * number.value)
    elif name in rule.constants:
        changed = rule.with_constants({name: factor * rule.constants[name].value})
    else:
        symbol = name.removeprefix("tau_")
        state = rule.states[symbol]
        slower = state if state.tau is None else replace(state, tau=factor * state.tau)
        changed = replace(rule, states={**rule.states, symbol: slower})
    return rules.with_rules({number.rule: changed})


def at_edge(rules: RuleSet, grammar: Grammar) -> dict[str, str]:
    """Return the range of each constant and searched time constant that stands at an edge of it, by its name.

    A better value may lie beyond.
    """
    found = {}
    for number in numbers_of(rules):
        rule = rules.rules[number.rule]
        if number.name in rule.constants:
            constant = rule.constants[number.name]
            value, priors = constant.value, [each for each in grammar.constants.values() if each.unit == constant.unit]
        else:
            symbol = number.name.removeprefix("tau_")
            kind = grammar.time_constants.get(symbol)
            tau = getattr(rule.states.get(symbol), "tau", None)
            if kind is None or tau is None:
                continue
            value, priors = tau, [grammar.constants[kind]]
        for prior in priors:
            if _is_edge(value, prior):
                low, high = (from_base(end, prior.unit) for end in (prior.low, prior.high))
                found[number.label(rules)] = f"[{low}, {high}]{' ' * bool(prior.unit)}{prior.unit}"
                break
    return found


def _is_edge(value: float, prior: ConstantPrior) -> bool:
    if prior.prior == "log-uniform" and value <= 0.0:
        return False
    share = prior.share(value)
    return min(abs(share), abs(share - 1.0)) <= _EDGE
