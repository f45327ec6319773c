"""The numerical mean field of the benchmarks against closed forms, and what it calls the shared property."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import pytest
from scipy.special import expi

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import BoundRule
from rulesearch.symbolic import fixed_points
from rulesearch.tasks import load_task


@pytest.fixture(scope="module")
def field(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("mean_field")


def _rule(text: str) -> BoundRule:
    task = load_task("inhibitory-rate")
    return task.bind(task.parse(text), task.resolve()).only()


@pytest.mark.parametrize(
    "text",
    [
        "on_pre: y - 0.25; on_post: x",
        "on_pre: y2 - 0.4",
        "on_pre: -1.411 + 1.081*y; on_post: 0.0155 + 0.716*x; tau_x = 54.3 ms; tau_y = 97.5 ms",
        "on_pre: -0.5; on_post: x*x2",
        "on_pre: -0.4; on_post: y*y2 + x2**2",
        "on_pre: -0.4; on_post: y + x*y2",
        "on_pre: y - 0.1; y = trace(post, 50 ms, nearest)",
    ],
)
def test_fixed_points_are_those_of_the_closed_form(field: ModuleType, text: str) -> None:
    rule = _rule(text)
    (wanted,) = fixed_points(rule)
    ((found, slope),) = field.PoissonAverage(rule, 10.0, 1.0).fixed_points()
    assert found == pytest.approx(wanted.value, rel=1e-4)
    assert math.copysign(1, slope) == wanted.slope


@pytest.mark.parametrize("tau", [0.02, 0.1])
@pytest.mark.parametrize("rate", [0.5, 5.0, 40.0])
def test_a_function_of_shot_noise_has_the_mean_that_its_laplace_transform_gives(
    field: ModuleType, tau: float, rate: float
) -> None:
    # <exp(-y)> = exp(-r tau Ein(1)), Ein(1) = gamma - Ei(-1).
    rule = _rule(f"on_pre: exp(-y); y = trace(post, {1e3 * tau:g} ms)")
    exact = math.exp(-rate * tau * (0.5772156649015329 - expi(-1.0)))
    assert field.PoissonAverage(rule, 2.0, 1.0).drift(rate) / 2.0 == pytest.approx(exact, rel=0.03, abs=1e-3)


def test_both_sides_are_silent_at_rates_of_zero(field: ModuleType) -> None:
    average = field.PoissonAverage(_rule("on_pre: y - w; on_post: x + 3"), 10.0, 0.5)
    assert average.drift(0.0) == pytest.approx(-5.0)
    assert field.PoissonAverage(_rule("on_pre: y - w; on_post: x + 3"), 0.0, 0.5).drift(2.0) == pytest.approx(6.0)


def test_a_neuron_that_starts_high_comes_to_the_highest_rate_at_which_the_drift_rises(field: ModuleType) -> None:
    # With m = r_post tau the mean of y2**2 is m**2 + m/2, so that D/r_pre = -m**2 + 4.5 m - 4.
    rule = _rule("on_pre: (y2 - 1)*(4 - y2)")
    low, high = 5.0 * (4.5 - math.sqrt(4.25)), 5.0 * (4.5 + math.sqrt(4.25))
    (first, rises), (second, falls) = field.PoissonAverage(rule, 10.0, 1.0).fixed_points()
    assert [first, second] == pytest.approx([low, high], rel=1e-3)
    assert rises > 0.0 > falls
    assert field.portrait(rule, 10.0, 1.0).rate == pytest.approx(low, rel=1e-3)
    assert math.isnan(field.portrait(_rule("on_pre: w - 1"), 10.0, 0.7).rate)


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("on_pre: y - 0.25; on_post: x", True),
        ("on_pre: 0.25 - y; on_post: -x", False),
        ("on_pre: -0.05; on_post: 0.5", True),
        ("on_pre: y - x; on_post: x", False),
        ("on_pre: y - w; on_post: x", True),
        ("on_post: x - w", False),
    ],
)
def test_the_shared_property_is_told_from_the_rule(field: ModuleType, text: str, shared: bool) -> None:
    assert field.portrait(_rule(text), 10.0, 0.25).shared == shared


def test_a_quotient_that_has_no_mean_has_no_fixed_point(field: ModuleType) -> None:
    found = field.portrait(_rule("on_pre: 1/y2 - 40"), 10.0, 1.0)
    assert math.isnan(found.rate)
    assert math.isnan(found.alone)
    assert not found.shared


def test_a_constant_is_solved_for_a_rate(field: ModuleType) -> None:
    solved = field.solved_constant(_rule("on_pre: y - alpha; on_post: x; alpha = 1.7"), "alpha", 43.0, 1.0, 5.0)
    assert solved.constant_values()["alpha"] == pytest.approx(0.2, rel=1e-4)
    assert field.solved_constant(_rule("on_pre: y + alpha; on_post: x; alpha = 1.7"), "alpha", 43.0, 1.0, 5.0) is None


def test_traces_that_the_other_side_resets_are_refused(field: ModuleType) -> None:
    with pytest.raises(RulesearchError, match="resets, found the state y"):
        field.PoissonAverage(_rule("on_pre: y; y = trace(post, 20 ms, next)"), 10.0, 1.0)
