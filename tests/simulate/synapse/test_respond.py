"""The response of one synapse to given spikes, against closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import Rule, Trace, known_rule, parse_rules
from rulesearch.simulate.synapse.respond import far_apart_change, pair_change, respond
from rulesearch.simulate.synapse.synapse import Voltage, read_voltage, with_customary_traces

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


def test_synaptic_states_move_by_what_they_were_before_in_whatever_order_they_are_declared() -> None:
    first, second = "A = synaptic(on_pre: 1 + B)", "B = synaptic(on_pre: 2 + 3*A)"
    for states in (f"{first}; {second}", f"{second}; {first}"):
        # (A, B): (0, 0), then (1, 2), then (1 + 1 + 2, 2 + 2 + 3); the weight reads them as moved.
        assert respond(rule(f"on_pre: A + 10*B; {states}"), [0.0, 0.01], [], weight=0.0).weight == 21.0 + 74.0


def test_what_spikes_do_not_determine_must_be_given() -> None:
    rule = parse_rules("on_pre: R*w_mean*w_sum").only()
    with pytest.raises(RulesearchError, match=r"reads R, which the spikes of one synapse do not determine.*R = 1"):
        respond(rule, [0.0], [])
    assert respond(rule, [0.0], [], weight=0.5, held={"R": 2.0}).delta_w == 0.5
    assert respond(parse_rules("on_pre: R*w_mean; R = 2").only(), [0.0], [], weight=0.5).delta_w == 1.0
    with pytest.raises(RulesearchError, match="clamp it: --voltage FILE"):
        respond(parse_rules("on_pre: v").only(), [0.0], [])


def test_undeclared_traces_are_those_of_20_ms() -> None:
    rule = with_customary_traces(parse_rules("on_post: x*y2; tau_x = 10 ms").only())
    assert rule.states == {"x": Trace("pre", 0.01), "y2": Trace("post", 0.02)}


def rule(text: str) -> Rule:
    return parse_rules(text).only()


def test_all_pairs_of_two_trains_add_up() -> None:
    rng = np.random.default_rng(0)
    pre, post = (np.sort(rng.uniform(0.0, 2.0, 40)) for _ in range(2))
    found = respond(rule("on_pre: -0.3*y; on_post: 0.2*x; tau_x = 17 ms; tau_y = 34 ms"), pre, post)
    lags = post[:, None] - pre[None, :]
    later = 0.2 * np.exp(-lags[lags > 0] / 0.017).sum() - 0.3 * np.exp(lags[lags < 0] / 0.034).sum()
    assert found.delta_w == pytest.approx(later, rel=1e-12)


def test_a_nearest_trace_reads_the_latest_spike_alone() -> None:
    pre = [0.0, 0.013, 0.02]
    found = respond(rule("on_post: x; x = trace(pre, 20 ms, nearest)"), pre, [0.05])
    assert found.delta_w == pytest.approx(math.exp(-0.03 / 0.02), rel=1e-13)


def test_a_presynaptic_spike_comes_first_at_the_same_time() -> None:
    assert respond(rule("on_pre: -y; on_post: x"), [0.01], [0.01]).delta_w == 1.0


def test_repeats_carry_traces_over_and_are_told_apart() -> None:
    found = respond(rule("on_pre: x; tau_x = 20 ms"), [0.0], [], repeats=3, every=0.05, weight=0.0)
    once = math.exp(-0.05 / 0.02)
    assert found.per_repeat == pytest.approx((0.0, once, once + once**2), rel=1e-12)
    assert found.delta_w == pytest.approx(sum(found.per_repeat))
    assert found.weight == found.delta_w


def test_bounds_hold_at_every_spike() -> None:
    up_and_down = rule("on_pre: 1; on_post: -0.3; bounds = [0, 1]")
    assert respond(up_and_down, [0.0, 0.01], [0.02]).weight == pytest.approx(0.7)


def test_a_drift_that_is_linear_in_the_weight_decays_as_it_must() -> None:
    found = respond(rule("drift: -w/T; T = 40 ms"), [], [], every=0.1, weight=0.8)
    assert found.weight == pytest.approx(0.8 * math.exp(-0.1 / 0.04), rel=1e-10)
    scaled = respond(rule("drift: -w/T; T = 40 ms; eta = 0.5"), [], [], every=0.1, weight=0.8)
    assert scaled.weight == pytest.approx(0.8 * math.exp(-0.05 / 0.04), rel=1e-10)


def test_a_drift_adds_up_the_product_of_two_traces() -> None:
    # After both spikes the product decays with 1/(1/20 + 1/30) ms = 12 ms.
    found = respond(rule("drift: x*y; tau_x = 20 ms; tau_y = 30 ms"), [0.0], [0.01], every=0.5, weight=0.0)
    assert found.delta_w == pytest.approx(math.exp(-0.01 / 0.02) * 0.012 * (1.0 - math.exp(-0.49 / 0.012)), rel=1e-10)


def test_without_a_period_a_drift_is_followed_for_ten_time_constants() -> None:
    found = respond(rule("drift: x; tau_x = 20 ms"), [0.0], [], weight=0.0)
    assert found.delta_w == pytest.approx(0.02 * (1.0 - math.exp(-10.0)), rel=1e-10)


def test_a_weight_that_is_driven_against_a_bound_stays_there() -> None:
    drive = "drift: c*x - d; c = 20; d = 2; tau_x = 50 ms; bounds = [0, 1]"
    found = respond(rule(drive), [0.0], [], every=0.4, weight=0.9)
    # x falls below 0.1 at 50 ms * ln 10; from there on the weight leaves the upper bound.
    turn = 0.05 * math.log(10.0)
    rest = 20.0 * 0.05 * (math.exp(-turn / 0.05) - math.exp(-0.4 / 0.05)) - 2.0 * (0.4 - turn)
    assert found.weight == pytest.approx(1.0 + rest, abs=1e-11)


def test_a_low_pass_of_a_trace_is_the_difference_of_two_exponentials() -> None:
    slow = rule("on_post: z; z = lowpass(x, 100 ms); tau_x = 20 ms")
    t = 0.07
    exact = 0.02 / (0.02 - 0.1) * (math.exp(-t / 0.02) - math.exp(-t / 0.1))
    assert respond(slow, [0.0], [t]).delta_w == pytest.approx(exact, rel=1e-9)


def test_an_eligibility_with_a_drift_of_its_own() -> None:
    # E' = -E/tau + y, from a postsynaptic spike at 0; read at a presynaptic spike.
    found = respond(rule("on_pre: E; E = synaptic(drift: y; tau = 200 ms); tau_y = 50 ms"), [0.1], [0.0])
    exact = (math.exp(-0.1 / 0.05) - math.exp(-0.1 / 0.2)) / (1.0 / 0.2 - 1.0 / 0.05)
    assert found.delta_w == pytest.approx(exact, rel=1e-9)


def test_a_clamped_potential_is_read_and_low_passed() -> None:
    ramp = Voltage(np.linspace(0.0, 0.1, 1001), np.linspace(-70.0, -20.0, 1001))
    assert respond(rule("on_pre: v + 70 mV"), [0.02], [], voltage=ramp).delta_w == pytest.approx(10.0)
    # A ramp of 500 mV/s behind a low-pass of 10 ms lags by 5 mV once the start is forgotten.
    slow = rule("on_pre: v - u; u = lowpass(v, 10 ms)")
    lag = 5.0 * (1.0 - math.exp(-0.09 / 0.01))
    assert respond(slow, [0.09], [], voltage=ramp).delta_w == pytest.approx(lag, rel=1e-9)


def test_a_potential_is_read_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("time,v\n# recorded\n0,-70\n10;-50\n20\t-70\n")
    found = read_voltage(path)
    np.testing.assert_allclose(found.times, [0.0, 0.01, 0.02])
    np.testing.assert_allclose(found.values, [-70.0, -50.0, -70.0])


@pytest.mark.parametrize("heading", ["v,t", "v [mV],t [ms]", "potential;time_ms", "# recorded\nv,Time"])
def test_the_heading_says_which_column_is_the_time(tmp_path: Path, heading: str) -> None:
    path = tmp_path / "v.csv"
    path.write_text(f"{heading}\n-70,0\n-50,50\n")
    found = read_voltage(path)
    np.testing.assert_allclose(found.times, [0.0, 0.05])
    np.testing.assert_allclose(found.values, [-70.0, -50.0])
    # -70 + 20*10/50
    assert respond(rule("on_post: v"), [], [0.01], voltage=found).delta_w == pytest.approx(-66.0)


def test_a_clamped_potential_is_held_behind_its_last_sample() -> None:
    ramp = Voltage(np.array([0.0, 0.02]), np.array([-70.0, -50.0]))
    assert respond(rule("on_post: v"), [], [0.5], voltage=ramp).delta_w == -50.0


@pytest.mark.parametrize("text", ["on_post: x", "on_post: v; v = trace(pre, 20 ms)", "on_post: v; v = 1"])
def test_a_clamp_that_the_rule_does_not_read_is_refused(text: str) -> None:
    ramp = Voltage(np.array([0.0, 0.02]), np.array([-70.0, -50.0]))
    with pytest.raises(RulesearchError, match=r"^the rule does not read v, the membrane potential"):
        respond(rule(text), [0.0], [0.01], voltage=ramp)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("0,-70\nten,-60\n", r"line 2: expected a time \[ms\] and a potential \[mV\]"),
        ("0,-70\n1,-60,3\n", "line 2: expected a time"),
        ("0,-70\n5,-60\n5,-50\n", "line 3: times must ascend, found 5 after 5 ms"),
        ("0,nan\n", "line 1: the numbers must be finite"),
        ("t,v\n", "holds no samples"),
        ("-1,-70\n0,-60\n", "line 1: times must be at least 0 ms, found -1"),
        ("zero,-70\n1,-60\n", "line 1: expected a time"),
    ],
)
def test_a_table_that_is_no_potential_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "v.csv"
    path.write_text(content)
    with pytest.raises(RulesearchError, match=said):
        read_voltage(path)
    with pytest.raises(RulesearchError, match="cannot be read"):
        read_voltage(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("x*y", {}, "spikes have no steps"),
        ("on_pre: z; z = lowpass(x, 100)", {}, "the low-pass z counts steps"),
        ("on_pre: y", {"pre": [-0.001]}, "spike times must be at least 0 ms, found -1 ms in --pre"),
        ("on_pre: y", {"post": [math.nan]}, "spike times must be at least 0 ms"),
        ("on_pre: y", {"repeats": 2}, "repeats need the time from one to the next"),
        ("on_pre: y", {"repeats": 0}, "repeats must be at least 1"),
        ("on_pre: y", {"repeats": 10**12, "every": 1.0}, "spikes that are followed; type --repeats 333333 or fewer"),
        ("on_pre: y", {"repeats": 2, "every": 0.05}, "before the last spike at 100 ms; type --every 100 or more"),
        ("on_pre: y; bounds = [0, 1]", {"weight": 2.0}, "outside the bounds"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(text: str, options: dict[str, object], said: str) -> None:
    arguments = {"pre": [0.0, 0.1], "post": [0.05], **options}
    with pytest.raises(RulesearchError, match=said):
        respond(rule(text), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("drift: -1e12*w", "exhausted"),
        ("drift: sin(1e9*w)", "exhausted"),
        ("on_pre: theta; theta = lowpass(x**20, 1e-12 s)", "exhausted"),
        ("drift: exp(w)", "nonfinite"),
        ("drift: 1e300*exp(w)", "nonfinite"),
        ("drift: 1/(x - x)", "nonfinite"),
        ("on_pre: 1/(x - x)", "nonfinite"),
        ("drift: log(w - 1)", "nonfinite"),
        ("drift: w*sign(0/(x - x))", "nonfinite"),
        ("drift: max(1, log(w - 1))", "nonfinite"),
    ],
)
def test_what_cannot_be_followed_ends_with_its_cause(text: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesearch.simulate.synapse.synapse._WORK", 20_000)
    found = respond(rule(text), [0.0, 0.01], [], repeats=3, every=1.0)
    assert (found.status, math.isfinite(found.weight)) == (status, False)
    assert len(found.per_repeat) < 3


def test_a_weight_that_bounds_catch_is_finite() -> None:
    found = respond(rule("drift: exp(w); bounds = [0, 2]"), [0.0], [], repeats=2, every=1.0)
    assert (found.status, found.weight) == ("ok", 2.0)
