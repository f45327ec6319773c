"""Numbers of distinct functions: by hand, against brute force with algebra, and bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesearch.expression import Expression, parse_expression, to_sympy, to_text
from rulesearch.grammar import FunctionTable, Grammar, count, load_grammar, parse_grammar, sample_up_to
from rulesearch.grammar.derivations import derivation_table
from rulesearch.grammar.membership import function_key
from tests.places import ON_STEP


def all_derivations(grammar: Grammar, name: str, size: int) -> list[Expression]:
    """Every derivation, the slow way."""
    found = []
    for production in grammar.expanded(name):
        rest = size - production.own_size
        if not production.children and rest == 0:
            found.append(production.template)
        elif len(production.children) == 1 and rest > 0:
            found += [production.fill([a]) for a in all_derivations(grammar, production.children[0], rest)]
        elif len(production.children) == 2:
            left, right = production.children
            for share in range(1, rest):
                seconds = all_derivations(grammar, right, rest - share)
                found += [production.fill([a, b]) for a in all_derivations(grammar, left, share) for b in seconds]
    return found


def test_sums_and_products_by_hand(sums_and_products: Grammar) -> None:
    counts = count(sums_and_products, 3)
    # x + x, x + y, y + y, x x, x y, y y
    assert (counts.derivations_exactly, counts.functions_exactly) == (8, 6)
    assert (counts.derivations_up_to, counts.functions_up_to, counts.complete) == (10, 8, True)


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_polynomials_agree_with_algebra(sums_and_products: Grammar, size: int) -> None:
    grammar = sums_and_products
    smaller = {
        sympy.expand(to_sympy(expression))
        for nodes in range(1, size)
        for expression in all_derivations(grammar, "a", nodes)
    }
    derivations = all_derivations(grammar, "a", size)
    functions = {sympy.expand(to_sympy(expression)) for expression in derivations} - smaller
    counts = count(grammar, size)
    assert counts.derivations_exactly == len(derivations)
    assert counts.functions_exactly == len(functions)
    assert counts.functions_up_to == len(functions | smaller)


def test_quotients_agree_with_algebra_and_are_told_apart_where_they_are_not_defined(
    little_grammar: Callable[..., Grammar],
) -> None:
    grammar = little_grammar({"a": ["x", "y", "a - a", "a / a", "a**2"]})
    x, y = np.meshgrid(np.arange(-3.0, 3.5, 0.5), np.arange(-3.0, 3.5, 0.5))
    forms = set()
    for size in range(1, 6):
        for expression in all_derivations(grammar, "a", size):
            if not _divides_by_zero(expression):
                defined = np.isfinite(expression.evaluate({"x": x, "y": y}))
                forms.add((sympy.cancel(to_sympy(expression)), np.broadcast_to(defined, x.shape).tobytes()))
    # Of these, 55 are different as rational functions: x/x is 1, but not at 0.
    assert count(grammar, 5).functions_up_to == len(forms) == 68
    assert len({form for form, _ in forms}) == 55


def _divides_by_zero(expression: Expression) -> bool:
    head, arguments = expression.head, expression.arguments
    if any(_divides_by_zero(argument) for argument in arguments):
        return True
    return getattr(head, "name", "") == "div" and sympy.simplify(to_sympy(arguments[1])) == 0


def test_min_and_max_commute_and_nonlinear_functions_are_idempotent(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["x", "y", "min(a, a)", "max(a, a)", "relu(a)"]})
    # 2 nodes: relu x, relu y. 3 nodes: min(x, y), max(x, y); min(x, x) = x and relu(relu x) = relu x.
    assert [count(grammar, size).functions_exactly for size in (1, 2, 3)] == [2, 2, 2]


def test_operators_on_constants_alone_make_nothing_new(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["x", "c", "a + a", "tanh(a)"]}, symbols="x", constants="c")
    # 1: x, c. 2: tanh x. 3: x + x, x + c, tanh tanh x; not c + c, not tanh c.
    assert [count(grammar, size).functions_exactly for size in (1, 2, 3)] == [2, 1, 3]


def test_a_constant_that_only_an_operator_makes_counts_once(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["x * b", "a + a"], "b": ["k * k", "b / b"]}, symbols="x", constants="k")
    # b is one constant, of 3 nodes; a: x b of 5 nodes.
    assert [count(grammar, size).functions_exactly for size in (3, 5, 7, 9)] == [0, 1, 0, 0]
    assert count(grammar, 11).functions_exactly == 1


def test_two_kinds_are_two_constants(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["c", "k", "x", "a * a"]}, symbols="x", constants="c k")
    # x c, x k, x x
    assert [count(grammar, size).functions_exactly for size in (1, 3)] == [3, 3]


def test_what_is_finite_nowhere_is_no_function(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["x", "b / z", "tanh(a)"], "b": ["x"], "z": ["x - x"]}, symbols="x")
    assert count(grammar, 6).functions_up_to == 6  # x and its tanh chains; x / 0 and tanh(x / 0) are none


def test_tuples_of_slots_are_products_of_functions(little_grammar: Callable[..., Grammar]) -> None:
    rows = {"start": ["", "a"], "a": ["x", "y", "a + a"]}
    grammar = little_grammar(rows, slots={"on_pre": "start", "on_post": "start"})
    # One slot: 1, 2, 0, 3 (x + x, x + y, y + y) for 0 to 3 nodes, squared.
    assert [count(grammar, size).functions_exactly for size in (1, 2, 3, 4)] == [4, 4, 6, 12]


def test_expressions_of_functions_are_distinct_and_smallest(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["x", "y", "c", "a - a", "a * a", "abs(a)"]}, constants="c")
    table = FunctionTable(grammar, 5, expressions=True)
    table.fill_to(5)
    seen: set[str] = set()
    for size in range(1, 6):
        expressions = list(table.functions("a", size))
        assert len(expressions) == table.number("a", size)
        assert all(expression.size == size for expression in expressions)
        seen |= {to_text(expression) for expression in expressions}
    assert len(seen) == count(grammar, 5).functions_up_to
    assert "x - x" in seen and "y*x" not in seen


def test_the_table_agrees_with_keys_of_single_expressions(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["x", "y", "a - a", "a / a", "a**2", "tanh(a)", "relu(a)"]})
    keys = {function_key(e) for size in range(1, 6) for e in all_derivations(grammar, "a", size)}
    table = FunctionTable(grammar, 5, expressions=True)
    table.fill_to(5)
    found = {function_key(e) for size in range(1, 6) for e in table.functions("a", size)}
    assert len(found) == count(grammar, 5).functions_up_to
    assert found <= keys


def test_the_cap_cuts_to_a_lower_bound_that_is_the_same_every_time() -> None:
    grammar = load_grammar("rate")
    whole = count(grammar, 6)
    cut = count(grammar, 6, cap=20_000)
    assert whole.complete and not cut.complete
    assert cut.work <= 20_000
    assert 0 < cut.functions_up_to < whole.functions_up_to
    assert cut == count(grammar, 6, cap=20_000)
    assert cut.derivations_up_to == whole.derivations_up_to


def test_the_bound_on_stored_functions_cuts() -> None:
    table = FunctionTable(load_grammar("rate"), 6, most_stored=100)
    table.fill_to(6)
    assert not table.complete
    # 121: among them x/x, y/y, w/w and two more, each 1 where it is defined.
    assert [table.number("rate", size) for size in (1, 2, 3, 4)] == [6, 15, 121, 0]


def test_the_rate_grammar_has_more_than_a_hundred_thousand_functions_of_seven_nodes() -> None:
    counts = count(load_grammar("rate"), 7)
    assert counts.complete and counts.derivations_exactly == 1_604_238
    assert counts.functions_exactly >= 100_000


@pytest.mark.slow
def test_the_rate_grammar_at_nine_nodes() -> None:
    counts = count(load_grammar("rate"), 9)
    assert counts.complete
    assert counts.derivations_exactly == 185_468_172
    # Numeric: more points tell a few more functions apart. Quotients count where they are defined: x/x is not w/w.
    assert 15_000_000 < counts.functions_exactly < 15_400_000


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32))
def test_equal_functions_have_equal_keys(little_grammar: Callable[..., Grammar], seed: int) -> None:
    grammar = little_grammar({"a": ["x", "y", "w", "a + a", "a * a", "tanh(a)"]}, symbols="x y w")
    expression = sample_up_to(grammar, np.random.default_rng(seed), 9)[ON_STEP]
    text = to_text(expression)
    for other in (f"({text})*1", f"0 + ({text})", f"(({text}) + x) - x", f"-(-({text}))"):
        assert function_key(parse_expression(other)) == function_key(expression)
    assert function_key(parse_expression(f"({text}) + 0.001*x")) != function_key(expression)


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("1e-9*tanh(x)", "1e-9*x", False),
        ("1e-9*x", "0*x", False),
        ("1e-9*(x + y)", "1e-9*x + 1e-9*y", True),
        ("(x + y)*w - x*w - y*w", "0", True),
        ("x/0", "log(-1)", True),
        ("x/x*y", "y", False),
    ],
)
def test_functions_are_told_apart_in_proportion_to_their_size_and_where_they_are_defined(
    text: str, other: str, same: bool
) -> None:
    assert (function_key(parse_expression(text)) == function_key(parse_expression(other))) == same


def test_counting_walks_every_derivation() -> None:
    grammar = load_grammar("spiking")
    for size in range(1, 5):
        assert derivation_table(grammar).count("value", size) == len(all_derivations(grammar, "value", size))


def test_fixed_numbers_count_as_the_functions_that_they_make() -> None:
    text = (
        'name = "g"\n[symbols]\nx = {meaning = "", unit = ""}\n[constants]\n'
        'c = {range = [1, 2], prior = "uniform", unit = ""}\nk = {values = [2, 3]}\n[slots]\non_step = "a"\n'
        '[productions]\na = ["x", "2*a", "a**k"]\n[limits]\nsize = 9\ndepth = 9\n'
    )
    grammar = parse_grammar(text)
    # Five nodes: 4 x, 2 x**2, (2 x)**2, x**4, x**6 twice, x**9, 2 x**3, (2 x)**3.
    assert [count(grammar, size).derivations_exactly for size in (1, 2, 3, 5)] == [1, 0, 3, 9]
    assert [count(grammar, size).functions_exactly for size in (1, 3, 5)] == [1, 3, 8]
    # A constant stays one whatever it is multiplied by; its powers are constants too.
    free = parse_grammar(text.replace('"x", "2*a"', '"x", "c", "2*a"'))
    assert count(free, 3).functions_up_to == 2 + 3


def test_a_number_alone_is_a_rule() -> None:
    grammar = parse_grammar(
        'name = "g"\n[symbols]\nx = {meaning = "", unit = ""}\n[slots]\non_step = "a"\n'
        '[productions]\na = ["x", "1", "0.5", "a + a"]\n[limits]\nsize = 9\ndepth = 9\n'
    )
    # Three nodes: 2 x, x + 1, x + 0.5, 2, 1.5; 1 = 0.5 + 0.5 is there.
    assert [count(grammar, size).functions_exactly for size in (1, 3)] == [3, 5]
