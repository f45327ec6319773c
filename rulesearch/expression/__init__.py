"""Floor 1: operators, trees, the parser, printing and fingerprints."""

from rulesearch.expression.fingerprint import fingerprint
from rulesearch.expression.operators import OPERATORS, Operator
from rulesearch.expression.parser import parse_expression
from rulesearch.expression.printing import to_latex, to_text
from rulesearch.expression.sympy_form import to_sympy
from rulesearch.expression.tree import Expression, Node, Number

__all__ = [
    "OPERATORS",
    "Expression",
    "Node",
    "Number",
    "Operator",
    "fingerprint",
    "parse_expression",
    "to_latex",
    "to_sympy",
    "to_text",
]
