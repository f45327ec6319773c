"""Fixed points against closed forms and against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rulesearch.rules import known_rule, parse_rules
from rulesearch.simulate.synapse.synapse import Synapse, with_customary_traces
from rulesearch.symbolic.fixed_points import FixedPoint, fixed_points


def _points(text: str) -> list[FixedPoint]:
    return fixed_points(parse_rules(text).only())


def test_oja_has_length_one_and_is_unstable_at_zero() -> None:
    found = fixed_points(known_rule("oja").rules.only())
    assert [(each.formula, each.slope) for each in found] == [("-1", -1), ("0", 1), ("1", -1)]


def test_a_decay_shortens_the_weight_vector() -> None:
    found = _points("x*y - a*w*y**2 - b*w; a = 0.5; b = 0.2")
    assert found[-1].value == pytest.approx(math.sqrt((1.0 - 0.2) / 0.5))
    assert found[-1].slope == -1


def test_a_fourth_power_uses_the_gaussian_moment() -> None:
    assert _points("x*y - w*y**4")[-1].value == pytest.approx((1.0 / 3.0) ** 0.25)


def test_vogels_fixes_the_rate() -> None:
    (found,) = fixed_points(known_rule("vogels").rules.only())
    assert (found.variable, found.formula, found.value) == ("r_post", "alpha/(tau_x + tau_y)", pytest.approx(6.25))
    assert found.slope == 1
    assert str(found) == "r_post = alpha/(tau_x + tau_y) = 6.25 Hz, stable at inhibitory synapses"


def test_guetig_has_its_closed_form() -> None:
    (found,) = _points("on_pre: -alpha*w**mu*y; on_post: (1 - w)**mu*x; alpha = 1.05; mu = 0.4; bounds = [0, 1]")
    assert found.value == pytest.approx(1.0 / (1.0 + 1.05 ** (1.0 / 0.4)), rel=1e-9)
    assert found.slope == -1


@pytest.mark.parametrize("text", ["x*tanh(y)", "on_pre: tanh(y)", "drift: v", "x*y*R", "on_pre: x*x2*x3 - w"])
def test_what_has_no_closed_average_gives_nothing(text: str) -> None:
    assert _points(text) == []


@pytest.mark.parametrize(
    "text", ["9**9**9*x", "(x + y)**1e9", "((x + y)**60)**60", "x*exp(exp(exp(20)))", "x*2**-1000"]
)
def test_what_exact_arithmetic_would_never_end_on_gives_nothing(text: str) -> None:
    assert _points(text) == []


def test_traces_that_the_other_side_resets_are_not_averaged() -> None:
    assert _points("on_pre: 0.02*y - 0.01*w; y = trace(post, 20 ms, next)") == []


def test_hebb_is_unstable_and_constant_changes_have_no_fixed_point() -> None:
    assert [each.slope for each in _points("x*y")] == [1]
    assert _points("on_pre: 1") == []


@pytest.mark.parametrize(
    "text",
    [
        "on_pre: -0.02*w*y; on_post: 0.01*x",
        "on_pre: 0.01*x*y - 0.01*w; tau_x = 30 ms",
        "on_pre: 0.02*y2 - 0.01*w; y2 = trace(post, 50 ms, nearest)",
        "on_post: 0.02*y*x - 0.01*w*x2*x; tau_x2 = 60 ms; tau_y = 40 ms",
        "on_post: 0.03*x*x2 - 0.01*w; x = trace(pre, 20 ms, nearest); x2 = trace(pre, 60 ms, nearest)",
    ],
)
def test_poisson_spikes_change_nothing_there_on_average_but_do_elsewhere(text: str) -> None:
    rule = with_customary_traces(parse_rules(text).only())
    (found,) = fixed_points(rule)
    for weight, still in ((found.value, True), (1.3 * found.value, False)):
        generator = np.random.default_rng(1)
        synapse = Synapse.resting(rule, weight)
        changes = []
        for wait, side in zip(generator.exponential(0.05, 40_000), generator.integers(0, 2, 40_000), strict=True):
            synapse.wait(float(wait))
            synapse.spike(("pre", "post")[side])
            changes.append(synapse.weight - weight)
            synapse.weight = weight
        blocks = np.array(changes).reshape(100, -1).mean(axis=1)
        deviation = abs(blocks.mean()) / (blocks.std(ddof=1) / 10.0)
        assert (deviation < 4.0) == still
