"""Floor 2: rules, rule sets, their states, their texts, and the library of known rules."""

from rulesearch.rules.json_format import rules_from_json, rules_to_json
from rulesearch.rules.library import Check, KnownRule, find_known, known_rule, known_rules
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, VOCABULARY, Lowpass, State, Synaptic, Trace
from rulesearch.rules.text import parse_rules

__all__ = [
    "SLOTS",
    "VOCABULARY",
    "Check",
    "KnownRule",
    "Lowpass",
    "Rule",
    "RuleSet",
    "State",
    "Synaptic",
    "Trace",
    "find_known",
    "known_rule",
    "known_rules",
    "parse_rules",
    "rules_from_json",
    "rules_to_json",
]
