"""How far apart rules are by what they do: closed forms over independent normal values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rulesearch.rules import parse_rules
from rulesearch.symbolic import compare, parse_reachable
from rulesearch.symbolic.likeness import apart, behaviour_distance


def distance(ours: str, theirs: str, *on: str) -> float | None:
    return behaviour_distance([(parse_rules(ours).only(), parse_rules(theirs).only())], parse_reachable(on))


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("2*x*y", "x*y", 0.0),
        ("-x*y", "x*y", 1.0),
        ("x", "y", 1.0),
        # E[(f g)]^2 = 1/2 of E[f^2] E[g^2]: half of the time relu(x) is x, else 0.
        ("relu(x)", "x", math.sqrt(0.5)),
        ("x + y", "x", math.sqrt(0.5)),
        # A low-pass stands where its target stood at another time: the covariance rule has four terms of variance 1.
        ("x*y", "(x - x_bar)*(y - y_bar); x_bar = lowpass(x, 100); y_bar = lowpass(y, 100)", math.sqrt(0.75)),
        ("x", "x*t; t = lowpass(y**2, 100)", math.sqrt(1.0 - 1.0 / 3.0)),
        # Traces are absolute values, of mean sqrt(2/pi) and mean square 1; rates have mean 0.
        ("on_post: x", "on_post: 0.1", math.sqrt(1.0 - 2.0 / math.pi)),
        ("x", "0.1", 1.0),
        ("on_pre: y - w", "on_pre: y", math.sqrt(1.0 - (1.0 - 2.0 / math.pi) / 2.0)),
        ("on_pre: -y; on_post: x", "on_post: x", math.sqrt(0.5)),
        # Potentials are -55 mV +- 15 mV.
        ("drift: v + 55 mV", "drift: v", math.sqrt(1.0 - 15.0**2 / (55.0**2 + 15.0**2))),
    ],
)
def test_the_distance_is_what_the_best_multiple_leaves(ours: str, theirs: str, expected: float) -> None:
    assert distance(ours, theirs) == pytest.approx(expected, abs=0.02)
    assert distance(theirs, ours) == pytest.approx(distance(ours, theirs))


def test_a_saturating_oja_is_near_oja() -> None:
    """Over normal values the best multiple leaves 0.282, by quadrature."""
    assert distance("tanh(y)*(x - w*y)", "y*(x - w*y)") == pytest.approx(0.282, abs=0.01)
    nearest, *others = compare(parse_rules("tanh(y)*(x - w*y)"))
    assert (nearest.rule, nearest.verdict) == ("oja", "different")
    assert nearest.relation == "different; nearest by what it does: Oja 1982 (0.28)"
    assert nearest.summary == "no term in common with Oja 1982; by what it does 0.28 from it"
    assert all(each.distance == 1.0 for each in others)


def test_rules_that_differ_are_ordered_by_what_they_do() -> None:
    verdicts = compare(parse_rules("x*y + 0.1*w"), [parse_rules(text) for text in ("w", "x*y + w", "x*y - w", "x*y")])
    assert [each.rule for each in verdicts if each.verdict == "different"] == ["x*y", "w"]
    assert verdicts[0].verdict == "same-terms"


def test_what_says_nothing_of_a_rule_is_not_near_it() -> None:
    assert compare(parse_rules("-0.002"))[0].distance == 1.0
    assert distance("x*y", "on_pre: y") == 1.0


def test_points_lie_where_symbols_can_be() -> None:
    assert distance("relu(x)", "x", "x in [0, 1]") == 0.0


def test_a_rule_that_is_finite_almost_nowhere_has_no_distance() -> None:
    assert distance("log(x - 3)", "x") is None
    assert distance("0*x", "x") is None


def test_the_sine_between_changes_looks_at_what_is_finite_alone() -> None:
    assert apart(np.array([1.0, np.nan, 1.0]), np.array([2.0, 5.0, 2.0])) == 0.0
    assert apart(np.array([1e300, 0.0]), np.array([1e300, 1e300])) == pytest.approx(math.sqrt(0.5))
    assert apart(np.zeros(3), np.ones(3)) is None
