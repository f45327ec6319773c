"""Expressions as flat prefix tuples: `y*(x - w*y)` is `(mul, y, sub, x, mul, w, y)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.expression.operators import OPERATORS, Operator
from rulesearch.given import real_number

MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Number:
    """A number written in a rule, in base units (s, mV, nS, pA, Hz), with the unit it was written in."""

    value: float
    unit: str = ""


Node = Operator | str | Number
"""An operator, the name of a symbol or constant, or a number."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A tree of operators, symbols and numbers; immutable, hashable, compared node by node.

    **Fields:** `nodes` in prefix order, every operator followed by its arguments.
    """

    nodes: tuple[Node, ...]

    @staticmethod
    def symbol(name: str) -> Expression:
        """Return the expression that is one symbol; raises `RulesearchError` where that is no text."""
        if not isinstance(name, str):
            raise RulesearchError(f"a symbol is a text, such as 'x', found {shown(name)}")
        return Expression((name,))

    @staticmethod
    def number(value: float, unit: str = "") -> Expression:
        """Return the expression that is one number; raises `RulesearchError` where it is none."""
        return Expression((Number(real_number(value, "a number in an expression"), unit),))

    @staticmethod
    def apply(name: str, *arguments: Expression) -> Expression:
        """Return the operator `name` applied to expressions.

        **Raises:** `RulesearchError` where there is no such operator, or it takes another number of them.
        """
        row = OPERATORS.get(name)
        if row is None:
            raise RulesearchError(f"unknown operator {name!r}{did_you_mean(name, OPERATORS)}")
        nodes: tuple[Node, ...] = (row,)
        for argument in arguments:
            if not isinstance(argument, Expression):
                raise RulesearchError(
                    f"{name} is applied to expressions, found {shown(argument)}; see parse_expression"
                )
            nodes += argument.nodes
        if len(arguments) != row.arity:
            raise RulesearchError(f"{name} takes {row.arity} argument{'s' * (row.arity > 1)}, found {len(arguments)}")
        return Expression(nodes)

    @property
    def size(self) -> int:
        """Number of nodes; a constant counts 1."""
        return len(self.nodes)

    @property
    def depth(self) -> int:
        """Number of levels: 1 for a symbol."""
        levels: int = self.fold(lambda _: 1, lambda _, *below: 1 + max(below))
        return levels

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names read by the expression (symbols and constants), each once, in order of appearance."""
        return tuple(dict.fromkeys([node for node in self.nodes if isinstance(node, str)]))

    @property
    def head(self) -> Node:
        """The outermost node."""
        return self.nodes[0]

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """The arguments of the outermost operator; empty for a symbol or number."""
        head = self.nodes[0]
        if not isinstance(head, Operator):
            return ()
        parts, start = [], 1
        for _ in range(head.arity):
            end = self.subtree_end(start)
            parts.append(Expression(self.nodes[start:end]))
            start = end
        return tuple(parts)

    def subtree_end(self, start: int) -> int:
        """Return the index behind the sub-expression that begins at `start`."""
        wanted = 1
        while wanted:
            node = self.nodes[start]
            wanted += (node.arity if isinstance(node, Operator) else 0) - 1
            start += 1
        return start

    def fold(self, leaf: Callable[[Any], Any], branch: Callable[..., Any]) -> Any:
        """Compute a value bottom up: `leaf(node)` for leaves, `branch(operator, *values)` for operators."""
        stack: list[Any] = []
        for node in reversed(self.nodes):
            if isinstance(node, Operator):
                values = [stack.pop() for _ in range(node.arity)]
                stack.append(branch(node, *values))
            else:
                stack.append(leaf(node))
        return stack[0]

    def substitute(self, replacements: Mapping[str, Expression]) -> Expression:
        """Return the expression with the named symbols replaced."""
        nodes: list[Node] = []
        for node in self.nodes:
            if isinstance(node, str) and node in replacements:
                nodes.extend(replacements[node].nodes)
            else:
                nodes.append(node)
        return Expression(tuple(nodes))

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Evaluate with NumPy; `values` gives a number or an array for every symbol.

        Overflow and undefined points come out as inf and nan without a warning.
        """
        with np.errstate(all="ignore"):
            return self.compute(values)

    def compute(self, values: Mapping[str, Any]) -> Any:
        """Evaluate as `evaluate` does, for who says what becomes of warnings."""
        stack: list[Any] = []
        for node in reversed(self.nodes):
            if isinstance(node, str):
                stack.append(values[node])
            elif isinstance(node, Number):
                stack.append(node.value)
            elif node.arity == 1:
                stack[-1] = node.numpy(stack[-1])
            else:
                first, second = stack.pop(), stack.pop()
                if node.name == "pow" and np.ndim(second) == 0 and second == 2.0:
                    stack.append(np.multiply(first, first))
                else:
                    stack.append(node.numpy(first, second))
        return stack[0]
