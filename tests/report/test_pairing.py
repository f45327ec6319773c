"""One pair of spikes, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.report.pairing import Synapse, far_apart_change, pair_change
from rulesearch.report.rule_figures import with_customary_traces
from rulesearch.rules import Trace, known_rule, parse_rules

TIMES = np.array([0.001, 0.01, 0.02, 0.05, 0.3])


def test_pair_stdp_gives_its_two_exponentials() -> None:
    rule = known_rule("stdp-pair").rules.only()
    for t in TIMES:
        assert pair_change(rule, t, 0.5) == pytest.approx(0.005 * math.exp(-t / 0.02), abs=1e-15)
        assert pair_change(rule, -t, 0.5) == pytest.approx(-0.00525 * math.exp(-t / 0.02), abs=1e-15)


def test_the_window_of_vogels_is_even_and_has_its_offset() -> None:
    rule = known_rule("vogels").rules.only()
    for t in TIMES:
        assert pair_change(rule, t, 0.5) == pytest.approx(math.exp(-t / 0.02) - 0.25, abs=1e-14)
        assert pair_change(rule, -t, 0.5) == pytest.approx(math.exp(-t / 0.02) - 0.25, abs=1e-14)
    assert far_apart_change(rule, 0.5) == pytest.approx(-0.25)


def test_the_learning_rate_scales_and_bounds_cut() -> None:
    rule = parse_rules("on_post: x; eta = 0.1; tau_x = 20 ms; bounds = [0, 0.55]").only()
    assert pair_change(rule, 0.02, 0.5) == pytest.approx(min(0.1 * math.exp(-1.0), 0.05))
    assert pair_change(rule, 0.0001, 0.5) == pytest.approx(0.05)
    with pytest.raises(RulesearchError, match=r"outside the bounds 0 to 0\.55"):
        pair_change(rule, 0.01, 2.0)


def test_slots_read_traces_as_they_stand_before_their_own_spike() -> None:
    rule = parse_rules("on_pre: x; on_post: y; tau_x = 20 ms; tau_y = 20 ms").only()
    assert pair_change(rule, 0.01, 0.5) == 0.0


def test_the_second_spike_reads_the_weight_that_the_first_one_left() -> None:
    rule = parse_rules("on_pre: 0.1; on_post: w").only()
    assert pair_change(rule, 0.01, 0.5) == pytest.approx(0.1 + 0.6)
    assert pair_change(rule, -0.01, 0.5) == pytest.approx(0.5 + 0.1)


def test_a_synaptic_state_changes_before_the_weight_and_decays() -> None:
    rule = parse_rules("on_pre: E; on_post: E; E = synaptic(on_pre: 1; on_post: 2; tau = 50 ms)").only()
    assert pair_change(rule, 0.05, 0.0) == pytest.approx(1.0 + (math.exp(-1.0) + 2.0))
    assert pair_change(rule, -0.05, 0.0) == pytest.approx(2.0 + (2.0 * math.exp(-1.0) + 1.0))


def test_what_the_network_would_give_is_held() -> None:
    rule = parse_rules("on_pre: R*w_mean*v").only()
    assert Synapse.resting(rule, 0.7).held == {"R": 1.0, "w_mean": 0.7, "v": 0.0}


def test_undeclared_traces_are_those_of_20_ms() -> None:
    rule = with_customary_traces(parse_rules("on_post: x*y2; tau_x = 10 ms").only())
    assert rule.states == {"x": Trace("pre", 0.01), "y2": Trace("post", 0.02)}
