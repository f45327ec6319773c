"""Comparison on the values that symbols can take."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesearch.errors import RulesearchError
from rulesearch.rules import parse_rules
from rulesearch.symbolic import compare, parse_reachable
from rulesearch.symbolic.verdict import Verdict


def _on(ours: str, theirs: str, *sets: str) -> Verdict:
    return compare(parse_rules(ours), [parse_rules(theirs)], parse_reachable(sets))[0]


@pytest.mark.parametrize(
    ("ours", "theirs", "sets"),
    [
        ("(E - R*E)/R", "(R - 1)*E", ["R in {-1, 1}"]),
        ("R**2*x", "x", ["R in {-1,1}"]),
        ("abs(R)*x*tanh(R)**2/tanh(1)**2", "x", ["R in {-1,1}"]),
        ("relu(w)*x", "w*x", ["w in [0, 1]"]),
        ("min(w, 1)*x", "w*x", ["w in [0, 1]"]),
        ("sqrt(w**2)*R**3", "w*R", ["w in [0, inf]; R in {-1, 0, 1}"]),
        ("max(x, w)", "x", ["x in [2, 3]", "w in [0, 1]"]),
        ("y*y/y", "y", ["y in [0.1, 2]"]),
        ("exp(log(y))*x", "x*y", ["y in [0.1, inf]"]),
        ("x*(y + w)/(y + w)", "x", ["y in [0.1, 2]", "w in [0, 1]"]),
        ("relu(w - 2)*x + y", "y", ["w in [0, 1]"]),
    ],
)
def test_rules_are_equal_where_the_symbols_can_be_but_not_elsewhere(ours: str, theirs: str, sets: list[str]) -> None:
    assert _on(ours, theirs, *sets).verdict == "equal"
    assert _on(ours, theirs).verdict != "equal"


def test_a_factor_on_the_set_is_a_scale() -> None:
    found = _on("3*(R - 1)*E/R", "(1 - R)*E", "R in {-1, 1}")
    assert (found.verdict, found.scale) == ("equal-up-to-scale", pytest.approx(3.0))


def test_rules_that_differ_on_the_set_are_told_apart_and_their_terms_named() -> None:
    found = _on("(R**2 + 0.5*R)*E", "(R - 1)*E", "R in {-1, 1}")
    assert found.verdict == "same-terms"
    assert found.coefficients == pytest.approx({"E": -1.0, "E*R": 0.5})
    assert _on("relu(w)*x", "w*x", "w in [-1, 1]").verdict == "different"
    assert _on("relu(w - 0.9999)*x + y", "y", "w in [0, 1]").verdict == "different"
    assert _on("y*y/y", "y", "y in [0, 2]").verdict == "same-terms"


@given(
    numbers=st.lists(st.floats(-3, 3).map(lambda value: round(value, 3)), min_size=1, max_size=5, unique=True),
    power=st.integers(0, 6),
)
def test_interpolation_gives_the_values_of_the_rule(numbers: list[float], power: int) -> None:
    on = parse_reachable([f"R in {{{', '.join(map(str, numbers))}}}"])
    rule = parse_rules(f"exp(0.3*R)*x + R**{power}*w - x").only()
    reduced = on.reduced(rule).slots["on_step"]
    for value in numbers:
        at = {"R": np.float64(value), "x": np.float64(0.7), "w": np.float64(-1.3)}
        assert float(reduced.evaluate(at)) == pytest.approx(float(rule.slots["on_step"].evaluate(at)), abs=1e-7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("R = 1", "a set of values cannot be read"),
        ("R in {}", "is no number"),
        ("R in {1, a}", "'a' in"),
        ("R in [1, 0]", "an interval goes from a number to a larger one"),
        ("R in [0, 1}", "a set of values cannot be read"),
        ("R in {1,2,3,4,5,6,7,8,9}", "a set holds 1 to 8"),
        ("R in {1}; R in [0, 1]", "given twice"),
    ],
)
def test_wrong_sets_are_refused(text: str, message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        parse_reachable([text])


def test_a_set_of_a_symbol_that_nothing_reads_is_refused() -> None:
    with pytest.raises(RulesearchError, match="no rule reads 'r'"):
        _on("R*x", "x", "r in {0, 1}")


def test_a_rule_that_is_not_finite_on_the_set_is_refused() -> None:
    with pytest.raises(RulesearchError, match=r"^x/R has no finite value at R = 0; leave that value out of the set$"):
        _on("x/R", "x*R", "R in {0, 1}")
    written = r"\(x\*\*2 - y\*\*2\)/\(x - y\) has no finite value at x = 1 and y = 1; leave one of these values"
    with pytest.raises(RulesearchError, match=f"^{written}"):
        _on("(x**2 - y**2)/(x - y)", "x + y", "x in {0, 1}", "y in {1, 3}")
    with pytest.raises(RulesearchError, match=r"^w\*y/R \+ x/w has no finite value at R = 0; leave that value"):
        _on("w*y/R + x/w", "x*R", "w in {1, 2}; R in {0, 1}")
