"""Points where several conditions hold at once."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.expression import parse_expression
from rulesearch.rules import parse_rules
from rulesearch.symbolic import canonical_key, compare, parse_reachable
from rulesearch.symbolic.reachable import EVERYWHERE
from rulesearch.symbolic.regions import conditions, within

ISLANDS = [
    ("relu(2 - abs(x - 40))*relu(2 - abs(y - 30))", {"x": 40.0, "y": 30.0}, 4.0),
    ("step(x - 100)*step(110 - x)*step(y - 200)*step(210 - y)", {"x": 105.0, "y": 205.0}, 1.0),
    ("relu(1 - (x - 5)**2 - (y - 8)**2)", {"x": 5.0, "y": 8.0}, 1.0),
    ("relu(0.5 - abs(x - 7.3) - abs(y - 3.1) - abs(w + 2.3))", {"x": 7.3, "y": 3.1, "w": -2.3}, 0.5),
    ("relu(0.01 - (x - 0.5)**2 - (y - 0.7)**2 - (w - 0.3)**2)", {"x": 0.5, "y": 0.7, "w": 0.3}, 0.01),
    ("relu(sin(x)*sin(y) - 0.999999)", {"x": np.pi / 2, "y": np.pi / 2}, 1e-6),
    ("step(1e-4 - (x - 0.37)**2 - (y - 0.61)**2)", {"x": 0.37, "y": 0.61}, 1.0),
    ("max(0, min(0.00138 - abs(x - (-0.242)), 28.7 - abs(w - (-874))))", {"x": -0.242, "w": -874.0}, 0.00138),
    ("step(x - y - 9)*step(11 - x + y)*step(2 - abs(max(x, y) - 130))", {"x": 130.0, "y": 120.0}, 1.0),
    ("relu(3 - abs(relu(x - y) - 10))*relu(20 - abs(y + 140))", {"x": -130.0, "y": -140.0}, 60.0),
    ("relu(80 - abs(relu(x - y) - 5200))*relu(90 - abs(y - 0.5*x - 800))", {"x": 12000.0, "y": 6800.0}, 7200.0),
    ("relu(2 - abs(x - 2*y))*relu(10 - abs(x - 10*y - 335))", {"x": -83.75, "y": -41.875}, 20.0),
    ("relu(1e-3 - abs(x - y - 50))*relu(1 - abs(x + y - 300))", {"x": 175.0, "y": 125.0}, 1e-3),
    ("relu(tanh(100*(x - 40)) - tanh(100*(x - 40.1)) - 1.9)", {"x": 40.05}, 0.0998),
    ("exp(-(1e5*(x - 0.37))**2)", {"x": 0.37}, 1.0),
    ("exp(-(10*(x - 9))**2 - (10*(y - 7))**2)", {"x": 9.0, "y": 7.0}, 1.0),
    ("relu(abs(x) - 1e15)", {"x": 1e17}, 9.9e16),
    ("0.1*relu(v + 45)*relu(-35 - v)*relu(y - 20)*relu(25 - y)", {"v": -40.0, "y": 22.0}, 15.0),
]
"""Terms that are 0 but in a region, a point there, and their value at it."""


@pytest.mark.parametrize(("island", "point", "value"), ISLANDS)
def test_a_term_that_is_0_but_in_a_region_makes_another_rule(
    island: str, point: dict[str, float], value: float
) -> None:
    assert parse_expression(island).evaluate(point) == pytest.approx(value, rel=1e-3)
    first, second = parse_rules(f"y*(x - w*y) + {island}"), parse_rules("y*(x - w*y)")
    assert compare(first, [second])[0].rank > 2
    assert compare(second, [first])[0].rank > 2
    assert canonical_key(first) != canonical_key(second)


def test_a_region_is_found_beside_many_other_thresholds() -> None:
    base = "-5*y*step(y + 8*x) - 6*w*sign(w - 0.5*x) + 9*w*w*step(w - 7*y)"
    box = "4*step(1 - (y + 3.6)/1.4)*step(1 + (y + 3.6)/1.4)*step(1 - (w + 68)/2.7)*step(1 + (w + 68)/2.7)"
    box += "*step(1 - (x - 0.05)/0.0006)*step(1 + (x - 0.05)/0.0006)"
    assert parse_expression(box).evaluate({"y": -3.6, "w": -68.0, "x": 0.05}) == 4.0
    assert compare(parse_rules(f"{base} + {box}"), [parse_rules(base)])[0].rank > 2


def test_regions_lie_in_the_set_that_is_asked_about() -> None:
    first, second = parse_rules("x*y + step(0.005 - abs(x - 0.6))*step(0.005 - abs(y - 0.7))"), parse_rules("x*y")
    for sets, equal in (
        (["x in [0, 1]", "y in [0, 1]"], False),
        (["x in [0, 1]", "y in [0, 0.69]"], True),
        (["y in {0.25, 0.75}"], True),
        (["y in {0.25, 0.699}"], False),
    ):
        assert (compare(first, [second], parse_reachable(sets))[0].rank <= 2) == equal, sets


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("x*y + relu(-1 - x**2)", "x*y"),
        ("relu(relu(y - 0.3) - 0.2)", "relu(y - 0.5)"),
        ("step(x - 1)*step(y - 1)*x", "step(min(x, y) - 1)*x"),
        ("sign(x)*abs(x)*relu(y - 2)*step(x)", "relu(x)*relu(y - 2)"),
        ("max(x, y) + min(x, y)", "x + y"),
    ],
)
def test_rules_written_with_other_thresholds_stay_equal(ours: str, theirs: str) -> None:
    assert compare(parse_rules(ours), [parse_rules(theirs)])[0].rank <= 2


def test_a_term_that_is_0_wherever_it_was_looked_at_is_not_taken_for_nothing() -> None:
    never_seen = "step(x - 20)*step(10 - x)"
    assert compare(parse_rules(f"y*(x - w*y) + {never_seen}"), [parse_rules("y*(x - w*y)")])[0].rank > 2
    assert compare(parse_rules(never_seen), [parse_rules("0")])[0].rank > 2


def test_points_are_found_for_every_combination_of_signs_that_there_is() -> None:
    read = conditions([parse_expression("relu(x - 3)*step(y - x)*abs(y + 70)")], {})
    points = within(read, ["x", "y"], {}, EVERYWHERE)
    signs = {tuple(row) for row in np.sign(np.array([each.evaluate(points) for each in read.read])).T}
    # y < -70 leaves y above no x over 3.
    assert signs >= {(a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1)} - {(1, 1, -1)}
