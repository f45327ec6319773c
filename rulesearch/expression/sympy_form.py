"""SymPy forms, built node by node from our trees (text is never given to SymPy). Never used in a search loop."""

from __future__ import annotations

from typing import Any

from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number


def to_sympy(expression: Expression) -> Any:
    """Return the SymPy expression; symbols are real, numbers are exact where they are whole."""
    import sympy

    def leaf(node: str | Number) -> Any:
        if isinstance(node, str):
            return sympy.Symbol(node, real=True)
        return sympy.Integer(int(node.value)) if node.value == int(node.value) else sympy.Float(node.value)

    def branch(row: Operator, *arguments: Any) -> Any:
        return row.sympy(sympy, *arguments)

    return expression.fold(leaf, branch)
