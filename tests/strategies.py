"""Hypothesis strategies for random expressions, states and rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from rulesearch.expression.operators import OPERATORS
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import UNITS
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, VOCABULARY, Lowpass, State, Synaptic, Trace

FINITE = st.floats(allow_nan=False, allow_infinity=False)
MODERATE = st.floats(-1e300, 1e300)
"""Numbers that stay finite when they are written in ms."""

PURE_SYMBOLS = ("w", "x", "y", "x_bar", "w_mean", "R")
"""Names of the common vocabulary that have no unit."""


def expressions(
    symbols: Sequence[str] = PURE_SYMBOLS,
    operators: Sequence[str] = tuple(OPERATORS),
    numbers: st.SearchStrategy[float] = MODERATE,
    units: Sequence[str] = ("",),
    max_leaves: int = 15,
) -> st.SearchStrategy[Expression]:
    """Random trees, shallow and short enough to be read back."""
    leaves = st.one_of(
        st.sampled_from(symbols).map(Expression.symbol),
        st.builds(Expression.number, numbers, st.sampled_from(units)),
    )

    def extend(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        unary = [name for name in operators if OPERATORS[name].arity == 1]
        binary = [name for name in operators if OPERATORS[name].arity == 2]
        options = [st.builds(Expression.apply, st.sampled_from(binary), inner, inner)]
        if unary:
            options.append(st.builds(Expression.apply, st.sampled_from(unary), inner))
        return st.one_of(options)

    return st.recursive(leaves, extend, max_leaves=max_leaves).filter(lambda tree: tree.depth <= 40)


def expressions_with_units() -> st.SearchStrategy[Expression]:
    """Random trees whose numbers may carry any unit, meaningful or not."""
    return expressions(units=("", *UNITS))


_TAUS = st.floats(1e-5, 1e5)
_CONSTANTS = ("alpha", "beta", "c1", "A_plus")


def _states(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[dict[str, State]]:
    traces = st.builds(Trace, st.sampled_from(("pre", "post")), _TAUS, st.booleans(), st.booleans())
    lowpasses = st.one_of(
        st.builds(Lowpass, inner, _TAUS, st.just(False)),
        st.builds(Lowpass, inner, st.floats(1, 1e6), st.just(True)),
    )
    slots = st.dictionaries(st.sampled_from(SLOTS), inner, min_size=1, max_size=2)
    synaptic = st.builds(Synaptic, slots, st.none() | _TAUS)
    any_state = st.one_of(traces, lowpasses, synaptic)
    states = st.dictionaries(st.sampled_from(("x", "y2", "z", "theta", "E")), any_state, max_size=3)
    # A name of the vocabulary may be given to a state, but not to a low-pass of what that name stands for.
    return states.filter(
        lambda named: (
            not any(
                isinstance(state, Lowpass) and name in VOCABULARY and name in state.expression.symbols
                for name, state in named.items()
            )
        )
    )


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Random rules: any slots, states, constants (one with a unit), eta and bounds; all that they declare is read."""
    numbers = draw(st.dictionaries(st.sampled_from(_CONSTANTS), MODERATE, max_size=3))
    constants = {name: Number(value) for name, value in numbers.items()}
    names = (*PURE_SYMBOLS, *numbers)
    states = draw(_states(expressions(names, max_leaves=4)))
    inner = expressions((*names, *states), max_leaves=8)
    slots = draw(st.dictionaries(st.sampled_from(SLOTS), inner, min_size=1, max_size=3))
    if draw(st.booleans()):
        constants["v_rest"] = Number(draw(MODERATE), draw(st.sampled_from(sorted(UNITS))))
        above = Expression.apply("step", Expression.symbol("v_rest"))
        slots = {slot: Expression.apply("mul", above, part) for slot, part in slots.items()}
    limit = st.one_of(FINITE, st.sampled_from((float("inf"), float("-inf"))))
    low, high = draw(st.none() | st.tuples(limit, limit).filter(lambda pair: pair[0] < pair[1])) or (None, None)
    bounds = None if low is None or high is None else (low, high)
    return Rule(slots, draw(st.none() | FINITE), states, constants, bounds).without_unread()


def rule_sets() -> st.SearchStrategy[RuleSet]:
    """Sets of one to three rules."""
    names = st.sampled_from(("w", "feedforward", "lateral", "EE"))
    return st.dictionaries(names, rules(), min_size=1, max_size=3).map(RuleSet)


def random_tree(leaves: int, names: Sequence[str], generator: np.random.Generator) -> Expression:
    """Return a tree of so many leaves, with any operators and numbers of any size, for slow tests."""
    if leaves == 1:
        if generator.random() < 0.3:
            return Expression.number(float(generator.normal() * 10.0 ** generator.integers(-8, 8)))
        return Expression.symbol(str(generator.choice(names)))
    left = int(generator.integers(1, leaves))
    binary, unary = ([name for name, row in OPERATORS.items() if row.arity == arity] for arity in (2, 1))
    tree = Expression.apply(
        str(generator.choice(binary)),
        random_tree(left, names, generator),
        random_tree(leaves - left, names, generator),
    )
    return Expression.apply(str(generator.choice(unary)), tree) if generator.random() < 0.3 else tree
