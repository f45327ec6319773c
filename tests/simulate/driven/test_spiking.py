"""The spiking neuron: closed forms of its membrane, an independent reference of its plasticity, and its endings."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import FREE
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Trace
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.codes import Limits
from rulesearch.simulate.driven.inputs import SpikeTrain, draw_conductance, draw_spikes, fluctuating_rates
from rulesearch.simulate.driven.neuron import CELL, PLASTIC, simulate_spiking
from rulesearch.simulate.network.neurons import Adaptation, Escape, Neuron, Receptor
from rulesearch.simulate.network.recording import Recording
from tests.fast_neuron import USUAL, Weights, bound, fired_at, forced

DT = 1e-3


def rule_of(text: str) -> Rule:
    return parse_rules(text).only()


def driven(
    rule: Rule,
    pre: list[list[int]],
    post: list[int],
    steps: int,
    initial: list[float],
    bounds: tuple[float, float] = FREE,
    eta: float = 0.1,
    **options: Any,
) -> tuple[Recording, Weights]:
    return forced(bound(rule, eta, bounds), pre, post, steps, initial, DT, **options)


def reference(
    rule: Rule,
    pre: list[list[int]],
    post: list[int],
    steps: int,
    w: list[float],
    eta: float,
    bounds: tuple[float, float],
) -> npt.NDArray[np.float64]:
    """Event by event: every trace from its definition, a sum over all earlier spikes."""
    weights = list(w)

    def trace(state: Trace, own: list[int], now: int, same_step: bool) -> float:
        earlier = [t for t in own if t < now or (same_step and t == now)]
        if state.nearest:
            earlier = earlier[-1:]
        return sum(math.exp(-(now - t) * DT / state.tau) for t in earlier)

    def update(slot: str, i: int, now: int, mean: float, pre_counts: bool) -> float:
        values: dict[str, float] = {"w": weights[i], "w_mean": mean, **rule.constant_values()}
        for name, state in rule.states.items():
            assert isinstance(state, Trace)
            own, same = (sorted(pre[i]), pre_counts) if state.side == "pre" else (post, False)
            values[name] = trace(state, own, now, same)
        value = weights[i] + eta * float(rule.slots[slot].evaluate(values))
        return min(max(value, bounds[0]), bounds[1])

    for now in range(steps):
        mean = sum(weights) / len(weights)
        for i in range(len(pre)):
            if now in pre[i] and "on_pre" in rule.slots:
                weights[i] = update("on_pre", i, now, mean, False)
        if now in post and "on_post" in rule.slots:
            mean = sum(weights) / len(weights)
            weights = [update("on_post", i, now, mean, True) for i in range(len(pre))]
    return np.array(weights)


def test_rate_under_constant_excitation_is_that_of_the_closed_form() -> None:
    dt, drive_per_step, steps = 1e-4, 0.6, 50_000
    tau, reversal, share = 0.005, 0.0, 0.014
    neuron = replace(USUAL, receptors={"E": Receptor(tau, reversal, share=share), "I": Receptor(0.01, -80.0)})
    g = share * drive_per_step / (1.0 - math.exp(-dt / tau))
    v = (neuron.rest + g * reversal) / (1.0 + g)
    climb = neuron.tau_membrane / (1.0 + g) * math.log((v - neuron.rest) / (v - neuron.threshold))
    recording = constant(neuron, drive_per_step, [np.array([0])], [0.0], steps, dt)
    intervals = np.unique(np.diff(fired_at(recording, dt))[5:])
    # The first step after the refractory time is the first in which the membrane moves.
    assert intervals.tolist() == [round(neuron.refractory / dt) + math.ceil(climb / dt) - 1]


def constant(
    neuron: Neuron, drive: float, pre: list[npt.NDArray[np.int64]], weights: list[float], steps: int, dt: float
) -> Recording:
    """Return what a neuron with frozen weights does under a constant excitation."""
    train = SpikeTrain.from_times(pre, steps)
    rule = bound(rule_of("on_pre: w"), bounds=(0.0, 1.0))
    given = np.full(steps, drive, dtype=np.float32)
    return simulate_spiking(neuron, rule, given, train, np.array(weights), dt, 0.0)[0]


def test_a_weight_acts_through_the_share_time_constant_and_reversal_of_its_receptor() -> None:
    excitatory = replace(USUAL, receptors={"static": Receptor(0.01, 0.0), "plastic": Receptor(0.005, 0.0, share=0.014)})
    steps, dt = 20_000, 1e-4
    through_weights = constant(excitatory, 0.0, [np.arange(steps), np.arange(steps)], [0.5, 0.125], steps, dt)
    static = constant(USUAL, 0.625, [np.array([0])], [0.0], steps, dt)
    assert fired_at(through_weights, dt) == fired_at(static, dt)
    assert static.counts[CELL] > 50


def test_conductances_act_relative_to_the_leak() -> None:
    larger = {name: replace(each, share=10.0 * each.share) for name, each in USUAL.receptors.items()}
    pre, steps, dt = [np.arange(0, 20_000, 70)], 20_000, 1e-4
    found, other = (
        constant(neuron, 0.625, pre, [1.0], steps, dt)
        for neuron in (USUAL, replace(USUAL, leak=10.0, receptors=larger))
    )
    assert fired_at(found, dt) == fired_at(other, dt)
    assert found.counts[CELL] > 50


def test_one_pair_changes_the_weight_by_the_stdp_window() -> None:
    rule = rule_of("on_pre: -y; on_post: x; tau_x = 17 ms; tau_y = 34 ms")
    _, after = driven(rule, [[100]], [110], 200, [0.5])
    assert after[0] == pytest.approx(0.5 + 0.1 * math.exp(-10 / 17), rel=1e-12)
    _, before = driven(rule, [[110]], [100], 200, [0.5])
    assert before[0] == pytest.approx(0.5 - 0.1 * math.exp(-10 / 34), rel=1e-12)


def test_presynaptic_spikes_of_a_step_come_before_postsynaptic_ones() -> None:
    _, weights = driven(rule_of("on_pre: -y; on_post: x; tau_x = 20 ms; tau_y = 20 ms"), [[50]], [50], 100, [0.5])
    assert weights[0] == pytest.approx(0.6, rel=1e-12)


def test_nearest_traces_forget_earlier_spikes() -> None:
    text = "on_post: x; x = trace(pre, 20 ms{})"
    pre, post = [[10, 20, 30]], [40]
    _, nearest = driven(rule_of(text.format(", nearest")), pre, post, 100, [0.0])
    _, everything = driven(rule_of(text.format("")), pre, post, 100, [0.0])
    assert nearest[0] == pytest.approx(0.1 * math.exp(-0.5), rel=1e-12)
    assert everything[0] == pytest.approx(0.1 * sum(math.exp(-k / 20) for k in (10, 20, 30)), rel=1e-12)


RULES = (
    "on_pre: y - 0.3; on_post: x",
    "on_pre: -y*(0.5 + x2)*w; on_post: x*(1 + y2)*(1 - w)",
    "on_pre: w_mean - w + y; on_post: x - w_mean",
    "on_post: x*y - 0.1*w",
    "on_pre: -a*y3 + tanh(x); on_post: b*x3; a = 0.4; b = 0.7; "
    "x3 = trace(pre, 5 ms, nearest); y3 = trace(post, 7 ms, nearest)",
    "on_pre: exp(-w)*y2 - 0.2*x",
)
TAUS = {"x": 20, "y": 15, "x2": 100, "y2": 40}
"""Time constants of traces [ms]."""
STEPS = 120
SPIKE_TIMES = st.lists(st.integers(0, STEPS - 1), unique=True, max_size=25).map(sorted)


def declared(text: str) -> Rule:
    """Return a rule with time constants for the traces that it reads."""
    read = [name for name in TAUS if re.search(rf"\b{name}\b", text)]
    return rule_of("; ".join([text, *(f"tau_{name} = {TAUS[name]} ms" for name in read)]))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(RULES),
    st.lists(SPIKE_TIMES, min_size=3, max_size=3),
    SPIKE_TIMES,
    st.sampled_from([(-np.inf, np.inf), (0.0, 0.6)]),
)
def test_plasticity_agrees_with_the_definition(
    text: str, pre: list[list[int]], post: list[int], bounds: tuple[float, float]
) -> None:
    rule, initial = declared(text), [0.1, 0.3, 0.55]
    recording, weights = driven(rule, pre, post, STEPS, initial, bounds)
    assert fired_at(recording, DT) == post
    expected = reference(rule, pre, post, STEPS, initial, 0.1, bounds)
    np.testing.assert_allclose(weights, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("text", RULES)
def test_both_tiers_agree_on_a_driven_run(text: str) -> None:
    random = np.random.default_rng(5)
    steps = 20_000
    pre = [np.flatnonzero(random.random(steps) < 0.02).tolist() for _ in range(40)]
    post = np.flatnonzero(random.random(steps) < 0.01).tolist()
    given = declared(text), pre, post, steps, [0.3] * 40, (-5.0, 5.0), 0.01
    (vm, ended), (jit, other) = (driven(*given, weights_every=1.0, backend=tier) for tier in ("vm", "jit"))
    assert fired_at(vm, DT) == fired_at(jit, DT)
    np.testing.assert_allclose(ended, other, rtol=1e-12)
    np.testing.assert_allclose(vm.weights[PLASTIC], jit.weights[PLASTIC], rtol=1e-12)
    assert (vm.work, vm.updates) == (jit.work, jit.updates)
    assert np.ptp(vm.weights[PLASTIC]) > 0.01


def test_long_silence_does_not_spoil_a_trace() -> None:
    rule = rule_of("on_post: x; tau_x = 2 ms")
    _, weights = driven(rule, [[10, 9_000]], [9_003], 9_100, [0.0])
    assert weights[0] == pytest.approx(0.1 * math.exp(-1.5), rel=1e-10)


def test_a_trace_much_faster_than_a_step_is_gone_at_the_next() -> None:
    _, weights = driven(rule_of("on_post: x; x = trace(pre, 0.0001 ms)"), [[10, 20]], [11, 20], 30, [0.0])
    assert weights[0] == pytest.approx(0.1, rel=1e-12)


def test_frozen_weights_stay_and_still_act() -> None:
    steps = 4000
    pre = [list(range(5, steps, 10))]
    recording, weights = driven(rule_of("on_pre: 1"), pre, [3500], steps, [0.0], learning=2.0, weights_every=0.5)
    assert weights[0] == pytest.approx(0.1 * 200)
    np.testing.assert_allclose(recording.weight_times, np.arange(9) / 2)
    np.testing.assert_allclose(recording.weights[PLASTIC][:, 0], [0, 5, 10, 15, 20, 20, 20, 20, 20])
    assert (recording.events, recording.updates) == (400, 200)


def test_the_learning_rate_falls_linearly_while_settling() -> None:
    pre = [list(range(5, 8000, 10))]
    _, weights = driven(rule_of("on_pre: 1"), pre, [7500], 8000, [0.0], learning=8.0, settling=4.0)
    # 4 s at the full rate, then seconds at 1, 3/4, 1/2 and 1/4 of it; 100 spikes of 0.1 in each.
    assert weights[0] == pytest.approx(10.0 * (4.0 + 2.5))


def test_recorded_weights_and_rates() -> None:
    post = [100, 200, 300, 1500, 2999]
    recording, _ = driven(rule_of("on_post: 1"), [[0], [1]], post, 3000, [0.0, 1.0], weights_every=1.0)
    np.testing.assert_allclose(recording.weights[PLASTIC], [[0.0, 1.0], [0.3, 1.3], [0.4, 1.4], [0.5, 1.5]])
    assert recording.rates(CELL, 1.0).tolist() == [3.0, 1.0, 1.0]
    assert recording.mean_rate(CELL) == pytest.approx(5.0 / 3.0)


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [
        ("on_pre: 1/w", {}, "nonfinite"),
        ("on_pre: 1/w", {"bounds": (0.0, 2.0)}, "saturated"),
        ("on_pre: log(-1 - y); tau_y = 20 ms", {"bounds": (0.0, 2.0)}, "nonfinite"),
        ("on_post: sqrt(-1 - w)", {"bounds": (0.0, 2.0)}, "nonfinite"),
        ("on_pre: 1e6", {}, "runaway"),
        ("on_post: w", {"limits": Limits(rate=1.5)}, "runaway"),
        ("on_pre: 0.001", {"limits": Limits(silent=0.5)}, "silent"),
        ("on_pre: 0.001", {"learning": 3.0}, "silent"),
        ("on_pre: -1", {"bounds": (0.0, 2.0)}, "saturated"),
        ("on_pre: 1", {"bounds": (0.0, 2.0), "stuck": 1.0}, "saturated"),
        ("on_pre: 0.001", {"limits": Limits(work=2000)}, "exhausted"),
        ("on_pre: 0.001", {}, "ok"),
    ],
)
def test_a_simulation_ends_with_the_code_of_its_cause(text: str, options: dict[str, Any], status: str) -> None:
    pre = [list(range(5, 4000, 10)), list(range(8, 4000, 10))]
    post = [100, 150, 1400, 1800, 2500]
    recording, _ = driven(rule_of(text), pre, post, 4000, [0.0, 0.0], **options)
    assert recording.status == status
    if {"limits", "stuck"} & set(options) or "log" in text:
        assert recording.stop < 4.0


def test_counted_work_is_steps_and_plastic_updates() -> None:
    recording, _ = driven(rule_of("on_post: w"), [[5, 9], [7], []], [20, 30], 100, [0.1, 0.2, 0.3])
    assert recording.work == 100 + 3 + 2 * 3
    assert (recording.events, recording.updates) == (3, 2 * 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on_pre: y_bar; y_bar = lowpass(y, 1 s); tau_y = 20 ms", "y_bar is no trace"),
        ("on_pre: E; E = synaptic(on_pre: 1; tau = 1 s)", "E is no trace"),
        ("drift: -w", "write on_pre"),
        ("on_pre: v", "unknown symbol 'v'"),
    ],
)
def test_what_the_simulator_lacks_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(RulesearchError, match=message) as caught:
        driven(rule_of(text), [[1]], [], 10, [0.1])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adaptation": Adaptation(0.1), "escape": Escape(10.0, 2.0)}, "found adaptation, escape: "),
        ({"current": 100.0}, "found a current of 100 pA: "),
        ({"reset": -65.0}, "found a reset to -65 mV: "),
        ({"reset": None}, "found no reset: "),
        ({"receptors": {"E": Receptor(0.005, 0.0)}}, "found 1 receptor: "),
        (
            {"receptors": {**USUAL.receptors, "NMDA": Receptor(0.1, 0.0, follows="E")}},
            "the receptor NMDA, 3 receptors: ",
        ),
        ({"receptors": {**USUAL.receptors, "I": Receptor(0.005)}}, "found the receptor I: "),
        ({"tau_membrane": 0.0}, "tau_membrane must be above 0 s"),
    ],
)
def test_a_neuron_of_another_kind_is_left_to_a_network(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesearchError, match=message) as caught:
        constant(replace(USUAL, **changes), 0.0, [np.array([1])], [0.1], 10, DT)
    assert "\n" not in str(caught.value)


def test_input_of_different_lengths_is_refused() -> None:
    train = SpikeTrain.from_times([np.array([1])], 10)
    with pytest.raises(RulesearchError, match="both must agree"):
        simulate_spiking(
            USUAL, bound(rule_of("on_pre: w")), np.zeros(9, dtype=np.float32), train, np.array([0.1]), DT, 1.0
        )


def test_both_tiers_agree_where_spikes_depend_on_the_weights() -> None:
    generator = np.random.default_rng(11)
    rates = fluctuating_rates(generator, 8, 20.0, 200.0, 5.0)
    group = np.repeat(np.arange(8), 100)
    excitation = draw_conductance(generator, rates, group, generator.uniform(0.3, 1.2, 800), 200_000, 1e-4)
    plastic = draw_spikes(generator, rates, np.repeat(np.arange(8), 25), 200_000, 1e-4)
    text = "on_pre: y - alpha*w_mean; on_post: x; alpha = 0.2; tau_x = 20 ms; tau_y = 20 ms"
    given = USUAL, bound(rule_of(text), 0.01, (0.0, 5.0)), excitation, plastic, np.full(200, 0.1), 1e-4, 15.0
    (vm, ended), (jit, other) = (simulate_spiking(*given, backend=tier) for tier in ("vm", "jit"))
    assert fired_at(vm, 1e-4) == fired_at(jit, 1e-4)
    np.testing.assert_allclose(ended, other, rtol=1e-12)
    assert 100 < vm.counts[CELL] < 2000
