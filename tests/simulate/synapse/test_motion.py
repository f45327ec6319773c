"""What moves between spikes: kinks of rules and of clamped potentials, against closed forms and quadrature."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from rulesearch.expression import parse_expression, to_text
from rulesearch.rules import known_rule, parse_rules
from rulesearch.simulate.synapse.kinks import smooth, switches
from rulesearch.simulate.synapse.respond import respond
from rulesearch.simulate.synapse.synapse import Voltage

TAU = 0.02
HALF = TAU * math.log(2.0)
"""When a trace of 20 ms has fallen to one half."""


def change(text: str, every: float, pre: Sequence[float] = (), post: Sequence[float] = (), **more: Any) -> float:
    """Return the weight change, from 0, of a rule whose traces x and y have 20 ms, as they have by custom."""
    rule = parse_rules(text, bare_slot="drift").only()
    return respond(rule, pre, post, every=every, **{"weight": 0.0, **more}).delta_w


def test_switches_are_found_and_branches_taken() -> None:
    expression = parse_expression("relu(x - abs(y)) + min(x, 2*w)*step(x - abs(y))")
    found = switches(expression)
    assert [to_text(each) for each in found] == ["y", "x - abs(y)", "x - 2*w"]
    y, gap, least = found
    assert to_text(smooth(expression, {y: -1, gap: 1, least: 1})) == "x - -y + 2*w*1"
    assert to_text(smooth(expression, {y: 1, gap: -1, least: -1})) == "0 + x*0"
    twice = parse_expression("step(sign(x - 0.5))")
    (only,) = switches(twice)
    assert [to_text(smooth(twice, {only: sign})) for sign in (1, 0, -1)] == ["1", "0", "0"]
    for sign, text in ((1, "x*1"), (0, "x*0"), (-1, "-x*-1")):
        assert to_text(smooth(parse_expression("abs(x)*sign(x)"), {parse_expression("x"): sign})) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("relu(x - 0.5)", TAU * 0.5 - 0.5 * HALF),
        ("step(x - 0.5)", HALF),
        ("sign(x - 0.5)", 2.0 * HALF - 1.0),
        ("abs(x - 0.5)", TAU * 0.5 - 0.5 * HALF + 0.5 * (1.0 - HALF) - TAU * (0.5 - math.exp(-50.0))),
        ("max(x, 0.5)", TAU * 0.5 + 0.5 * (1.0 - HALF)),
        ("min(x, 0.5)", 0.5 * HALF + TAU * (0.5 - math.exp(-50.0))),
        ("step(x - 0.5)*step(0.5001 - x)", TAU * math.log(0.5001 / 0.5)),
        # Above 1/2 it is 3/4 - x, below it x - 1/4.
        ("relu(0.25 - abs(x - 0.5))", TAU * (0.75 * math.log(1.5) - 0.25 * math.log(2.0))),
        ("step(step(x - 0.5) - 0.5)", HALF),
    ],
)
def test_a_kink_in_a_trace_is_no_error(text: str, wanted: float) -> None:
    assert change(text, 1.0, [0.0]) == pytest.approx(wanted, rel=1e-9)


def test_two_traces_cross_where_they_do() -> None:
    early = TAU * (1.0 - math.exp(-0.5))
    late = TAU * (1.0 - math.exp(-0.49 / TAU))
    spikes = {"pre": [0.0], "post": [0.01]}
    assert change("max(x, y)", 0.5, **spikes) == pytest.approx(early + late, rel=1e-10)
    assert change("min(x, y)", 0.5, **spikes) == pytest.approx(math.exp(-0.5) * late, rel=1e-10)
    assert change("abs(x - y)", 0.5, **spikes) == pytest.approx(early + (1.0 - math.exp(-0.5)) * late, rel=1e-10)
    # A fast and a slow trace of other sizes cross while both are alive.
    slow = "relu(2*x2 - 3*x); tau_x2 = 50 ms"
    begin = math.log(1.5) / (1.0 / TAU - 1.0 / 0.05)
    wanted = 0.1 * math.exp(-begin / 0.05) - 0.06 * math.exp(-begin / TAU)
    assert change(slow, 2.0, [0.0]) == pytest.approx(wanted, rel=1e-9)


def test_low_passes_and_synaptic_states_have_kinks_too() -> None:
    def low(t: float) -> float:
        return TAU / (TAU - 0.1) * (math.exp(-t / TAU) - math.exp(-t / 0.1))

    top = math.log(5.0) / (1.0 / TAU - 1.0 / 0.1)
    begin, end = brentq(lambda t: low(t) - 0.1, 0.0, top), brentq(lambda t: low(t) - 0.1, top, 1.0)
    found = change("relu(z - 0.1); z = lowpass(x, 100 ms)", 1.0, [0.0])
    assert found == pytest.approx(quad(lambda t: low(t) - 0.1, begin, end, epsrel=1e-12)[0], rel=1e-8)
    eligibility = parse_rules("on_post: E; E = synaptic(drift: step(x - 0.5)); tau_x = 20 ms").only()
    assert respond(eligibility, [0.0], [0.5]).delta_w == pytest.approx(HALF, rel=1e-9)


def test_kinks_in_the_weight() -> None:
    # It rises by 1/s up to 0.7, and from there on to 0.8 with 100 ms.
    grown = 0.8 - 0.1 * math.exp(-(1.0 - 0.2) / 0.1)
    assert 0.5 + change("1 - 10*relu(w - 0.7)", 1.0, weight=0.5) == pytest.approx(grown, rel=1e-10)
    assert change("step(0.5 - w)", 1.0) == pytest.approx(0.5, rel=1e-12)
    assert change("2 - step(w - 0.5)", 1.0) == pytest.approx(0.5 + 0.75, rel=1e-10)
    assert change("1 - abs(w - 0.5)/0.1 ; bounds = [0, 1]", 1.0, weight=0.5) == pytest.approx(
        0.1 * (1.0 - math.exp(-10.0)), rel=1e-9
    )


@pytest.mark.parametrize("start", [0.1, 0.5, 0.9])
def test_a_weight_that_both_sides_drive_to_a_threshold_stays_there(start: float) -> None:
    assert start + change("-sign(w - 0.5)", 1.0, weight=start) == pytest.approx(0.5, abs=1e-12)
    assert start + change("0.2 - step(step(w - 0.5))", 3.0, weight=start) == pytest.approx(0.5, abs=1e-12)
    assert start + change("0.2 - step(w - 0.5)", 3.0, weight=start) == pytest.approx(0.5, abs=1e-12)


def test_a_weight_leaves_a_threshold_once_one_side_drives_it_away() -> None:
    # Friction of 0.3: it moves while the trace is above, comes to rest, and is not moved again.
    assert change("y - 0.3*sign(w)", 1.0, post=[0.0]) == pytest.approx(0.0, abs=1e-10)
    # Held at 0 by a friction of 1 while 2*(1 - y) is below, that is until y = 1/2.
    free = 2.0 * (0.1 - HALF) - 2.0 * TAU * (0.5 - math.exp(-5.0)) - (0.1 - HALF)
    assert change("2*(1 - y) - sign(w)", 0.1, post=[0.0]) == pytest.approx(free, rel=1e-8)


RAMP = Voltage(np.array([0.0, 0.1]), np.array([-70.0, -20.0]))
"""500 mV/s in two samples; -45 mV is passed after 50 ms."""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("relu(v - theta)", 0.5 * 25.0 * 0.05),
        ("abs(v - theta)", 25.0 * 0.05),
        ("step(v - theta)*10", 0.5),
        ("max(v, theta) - theta", 0.5 * 25.0 * 0.05),
        ("min(v, theta) - theta", -0.5 * 25.0 * 0.05),
        ("step(v - theta)*step(theta + 0.001 mV - v)*1000", 1000 * 0.001 / 500.0),
    ],
)
def test_a_threshold_of_a_clamped_potential_is_no_error(text: str, wanted: float) -> None:
    assert change(f"{text}; theta = -45 mV", 0.1, voltage=RAMP) == pytest.approx(wanted, rel=1e-9)


def test_clopath_under_a_recorded_potential_is_its_quadrature() -> None:
    times = np.arange(0.0, 0.1001, 0.5e-3)
    potential = (
        -70.0 + 100.0 * np.exp(-(((times - 0.03) / 0.002) ** 2)) + 30.0 * np.exp(-(((times - 0.06) / 0.01) ** 2))
    )
    pre = [0.025, 0.0552]
    rule = known_rule("clopath").rules.only()
    found = respond(rule, pre, [], weight=0.5, voltage=Voltage(times, potential)).delta_w
    value = rule.constant_values()
    low = {name: potential[0] for name in ("u_minus", "u_plus")}
    tau = {name: rule.states[name].tau or 0.0 for name in ("u_minus", "u_plus", "x")}
    total, trace = 0.0, 0.0
    stops = np.unique(np.concatenate((times, pre)))
    for start, stop in itertools.pairwise(stops):
        v = float(np.interp(start, times, potential))
        slope = (float(np.interp(stop, times, potential)) - v) / (stop - start)
        if start in pre:
            total -= value["A_LTD"] * max(low["u_minus"] - value["theta_minus"], 0.0)
            trace += 1.0

        def filtered(name: str, s: float, v: float = v, slope: float = slope, low: Any = dict(low)) -> float:  # noqa: B006
            lag = slope * tau[name]
            return v + slope * s - lag + (low[name] - v + lag) * math.exp(-s / tau[name])

        def speed(
            s: float, v: float = v, slope: float = slope, trace: float = trace, low_pass: Any = filtered
        ) -> float:
            above = max(v + slope * s - value["theta_plus"], 0.0) * max(
                low_pass("u_plus", s) - value["theta_minus"], 0.0
            )
            return value["A_LTP"] * trace * math.exp(-s / tau["x"]) * above

        length = stop - start
        crossings = [(value["theta_plus"] - v) / slope] if slope else []
        points = [0.0, *sorted(s for s in crossings if 0.0 < s < length), length]
        total += sum(quad(speed, *pair, epsabs=1e-18, epsrel=1e-12)[0] for pair in itertools.pairwise(points))
        low = {name: filtered(name, length) for name in low}
        trace *= math.exp(-length / tau["x"])
    assert found == pytest.approx(total, rel=1e-8)
    assert total > 1e-3
