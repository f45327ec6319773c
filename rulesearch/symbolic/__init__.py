"""Floor 6: canonical form, plain simplification, comparison with known rules."""

from rulesearch.symbolic.compare import compare
from rulesearch.symbolic.fixed_points import FixedPoint, assumed, fixed_points
from rulesearch.symbolic.keys import canonical_key, family_key
from rulesearch.symbolic.normal_form import NormalForm, Terms, normal_form, terms
from rulesearch.symbolic.reachable import EVERYWHERE, Reachable, parse_reachable
from rulesearch.symbolic.shortest import (
    Simplification,
    canonical_size,
    rule_from_terms,
    rule_terms,
    simplify,
    simplify_rule,
)
from rulesearch.symbolic.verdict import VERDICTS, Comparison, Verdict, by_rule

__all__ = [
    "EVERYWHERE",
    "VERDICTS",
    "Comparison",
    "FixedPoint",
    "NormalForm",
    "Reachable",
    "Simplification",
    "Terms",
    "Verdict",
    "assumed",
    "by_rule",
    "canonical_key",
    "canonical_size",
    "compare",
    "family_key",
    "fixed_points",
    "normal_form",
    "parse_reachable",
    "rule_from_terms",
    "rule_terms",
    "simplify",
    "simplify_rule",
    "terms",
]
