"""Spiking networks: neurons against closed forms, plastic synapses against the event-driven synapse."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import parse_rules
from rulesearch.rules.rule import Rule
from rulesearch.simulate.codes import Limits
from rulesearch.simulate.machine.compiling import announce
from rulesearch.simulate.network import tables
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import (
    CELL,
    Adaptation,
    AfterDepolarisation,
    Dendrite,
    Escape,
    Exponential,
    MovingThreshold,
    Neuron,
    Part,
    Population,
    Receptor,
    Step,
)
from rulesearch.simulate.network.recording import Record
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import Poisson, SpikeTimes
from rulesearch.simulate.network.wiring import AllToAll, FixedInDegree, FixedProbability, Pairs
from rulesearch.simulate.synapse.drift import since_last_event
from rulesearch.simulate.synapse.synapse import Synapse, with_customary_traces

DT = 1e-4


def rule_of(text: str) -> Rule:
    return parse_rules(text, bare_slot="drift").only()


def alone(neuron: Neuron, seconds: float, dt: float = DT, method: str = "exponential-euler", **population: Any) -> Any:
    """Run one neuron and return its recording, with the potential of every step."""
    network = Network([Population("n", 1, neuron, **population)], [], dt=dt, method=method)
    return Simulation(network, 1).run(seconds, Record(potentials={"n": [0]}, potentials_every=dt))


def driven(
    rule: Rule, pre: Any, post: Any, seconds: float, backend: str = "vm", delay: float = 0.0, **projection: Any
) -> Simulation:
    """Run one plastic synapse whose neurons fire at given times [s]; it does not move the membrane."""
    neuron = Neuron({"drive": Receptor(0.0), "none": Receptor(0.005, share=0.0)}, refractory=0.0)
    given = {"weight": 0.5, **projection}
    network = Network(
        [Population("post", 1, neuron)],
        [
            Projection("force", "forcer", "post", "drive", AllToAll(), 1000.0),
            Projection("w", "pre", "post", "none", AllToAll(), rule=rule, delay=delay, **given),
        ],
        # A jump moves the membrane one step after its spike.
        [
            SpikeTimes("forcer", 1, np.array(post) - DT, np.zeros(len(post), dtype=int)),
            SpikeTimes("pre", 1, np.array(pre) - delay, np.zeros(len(pre), dtype=int)),
        ],
        DT,
    )
    simulation = Simulation(network, 0, backend)
    recording = simulation.run(seconds)
    np.testing.assert_allclose(recording.spikes["post"][0], post)
    return simulation


def by_events(rule: Rule, pre: Any, post: Any, seconds: float) -> float:
    synapse = Synapse.resting(with_customary_traces(rule), 0.5)
    for time, _, side in sorted([(t, 0, "pre") for t in pre] + [(t, 1, "post") for t in post]):
        synapse.wait(time - synapse.now)
        synapse.now = time
        synapse.spike(side)
    synapse.wait(seconds - synapse.now)
    return synapse.weight


def random_times(seed: int, number: int, seconds: float) -> Any:
    steps = np.random.default_rng(seed).integers(200, round(seconds / DT) - 200, number)
    return np.unique(steps) * DT


EXACT = {
    "vogels": "on_pre: y - a; on_post: x; a = 0.12; eta = 0.01; bounds = [0, 10]",
    "triplet": "on_pre: -y*(0.007 + 0.00023*x2); on_post: x*(0.005 + 0.0062*y2); tau_x = 16.8 ms; tau_y = 33.7 ms; "
    "tau_x2 = 101 ms; tau_y2 = 125 ms; bounds = [0, 1]",
    "nearest": "on_pre: -w*y; on_post: (1 - w)*x; x = trace(pre, 17 ms, nearest); y = trace(post, 30 ms, nearest); "
    "eta = 0.1; bounds = [0, 1]",
    "decay to a fixed point": "on_pre: y; on_post: 0.5*x; drift: 0.2 - 3*w; eta = 0.03; bounds = [0, 5]",
    "decay": "on_pre: y; drift: -0.5*w; eta = 0.1; bounds = [0, 5]",
    "constant drift": "on_pre: -y; drift: 0.5; eta = 0.1; bounds = [0, 1]",
    "growth": "on_pre: -y; drift: 2*w; eta = 0.05; bounds = [0, 1]",
    "eligibility": "on_post: E; E = synaptic(on_pre: y; on_post: -x; tau = 300 ms); eta = 0.02; bounds = [0, 1]",
}
PUT_OFF = {
    "product of traces": "drift: 0.5*x*y; eta = 0.5; bounds = [0, 5]",
    "eligibility": "drift: c*E; E = synaptic(on_pre: -0.2*y; on_post: x; tau = 300 ms); eta = 0.01; c = 2",
    "several products": "on_pre: 0.1*w; drift: a*x*y - y**2/3 + 0.2*(x - E) - 0.1; "
    "E = synaptic(on_post: x; tau = 0.1 s); a = 0.7; eta = 0.1",
    "a state that stays": "drift: 0.1*E; E = synaptic(on_post: x); eta = 0.1",
    "at a bound": "on_post: -x; drift: 2*x; eta = 0.2; bounds = [0, 0.6]",
}
STEPPED = {
    "drift beyond products": "drift: tanh(x)*y; eta = 0.5",
    "drift of a product and the weight": "drift: x*y*(2 - w); eta = 0.2",
    "low-pass": "on_pre: m; m = lowpass(y, 200 ms); eta = 0.05",
    "low-pass of both": "on_pre: m; m = lowpass(x*y, 200 ms); eta = 0.05",
}


@pytest.mark.parametrize("backend", ["vm", "jit"])
@pytest.mark.parametrize("delay", [0.0, 0.003])
@pytest.mark.parametrize("name", EXACT)
def test_driven_synapse_is_the_event_driven_one(name: str, delay: float, backend: str) -> None:
    pre, post = random_times(3, 60, 4.0), random_times(4, 50, 4.0)
    rule = rule_of(EXACT[name])
    found = driven(rule, pre, post, 4.0, backend, delay).weights("w")[0]
    assert found == pytest.approx(by_events(rule, pre, post, 4.0 - DT), rel=1e-11)
    assert abs(found - 0.5) > 1e-3


@pytest.mark.parametrize("backend", ["vm", "jit"])
@pytest.mark.parametrize("delay", [0.0, 0.003])
@pytest.mark.parametrize("name", PUT_OFF)
def test_drift_by_products_is_solved_between_events(name: str, delay: float, backend: str) -> None:
    pre, post = random_times(3, 60, 4.0), random_times(4, 50, 4.0)
    rule = rule_of(PUT_OFF[name])
    simulation = driven(rule, pre, post, 4.0, backend, delay)
    found = simulation.weights("w")[0]
    wanted = by_events(rule, pre, post, 4.0 - DT)
    assert found - 0.5 == pytest.approx(wanted - 0.5, rel=1e-7 if "bound" in name else 1e-9)
    assert abs(found - 0.5) > 1e-3
    # It is worked out at spikes alone, and once at the end of every second.
    assert simulation.run(1.0).updates == 0


def test_low_passes_begin_where_they_rest() -> None:
    rule = rule_of("on_pre: u + m; u = lowpass(v, 1 s); m = lowpass(u - 3 mV*y, 2 s); eta = 0.1")
    network = Network(
        [Population("post", 1, Neuron({"g": Receptor(0.005)}, rest=-65.0))],
        [Projection("w", "pre", "post", "g", AllToAll(), 0.0, rule=rule)],
        [SpikeTimes("pre", 1, np.array([0.0]), np.array([0]))],
    )
    simulation = Simulation(network)
    simulation.run(0.01)
    np.testing.assert_allclose(simulation.weights("w"), -13.0, rtol=1e-9)


def test_what_is_read_between_events_does_not_wait() -> None:
    # The sum of weights and a low-pass of the weight see a drift that no event at their synapses brings up to date.
    for text in ("on_pre: w_sum; drift: y; eta = 0.1", "on_pre: m; drift: y; m = lowpass(w, 50 ms); eta = 0.1"):
        rule = rule_of(text)
        assert since_last_event(rule, ()) is None
        neuron = Neuron({"drive": Receptor(0.0), "none": Receptor(0.005, share=0.0)}, refractory=0.0)
        network = Network(
            [Population("post", 1, neuron)],
            [
                Projection("force", "clock", "post", "drive", AllToAll(), 1000.0),
                Projection("w", "pre", "post", "none", AllToAll(), 0.5, rule=rule),
            ],
            [
                SpikeTimes("clock", 1, np.array([0.01]), np.array([0])),
                SpikeTimes("pre", 2, np.array([0.3]), np.array([0])),
            ],
        )
        simulation = Simulation(network)
        simulation.run(0.5)
        # Both weights grew by eta tau = 2e-3 before the spike at one of them reads the sum, 1.004, or their mean.
        read = 1.004 if "w_sum" in text else 0.502
        np.testing.assert_allclose(simulation.weights("w"), [0.502 + 0.1 * read, 0.502], rtol=5e-3)


def test_fast_products_wait_no_longer_than_their_numbers_last() -> None:
    rule = rule_of("drift: x**2*x*y; eta = 5; tau_x = 2 ms; tau_y = 2 ms")
    put_off = since_last_event(with_customary_traces(rule), ())
    assert put_off is not None and put_off[1] == pytest.approx(300.0 / (4 / 0.002))
    pre, post = [0.1, 0.5], [0.101, 0.501]
    found = driven(rule, pre, post, 3.0).weights("w")[0]
    assert found - 0.5 == pytest.approx(by_events(rule, pre, post, 3.0 - DT) - 0.5, rel=1e-9)
    assert found - 0.5 > 1e-4


def test_drift_that_waits_stops_while_frozen_and_follows_signals() -> None:
    neuron = Neuron({"g": Receptor(0.005)})
    network = Network(
        [Population("post", 1, neuron)],
        [Projection("w", "pre", "post", "g", AllToAll(), 0.5, rule=rule_of("drift: R*c; c = 2; eta = 0.1"))],
        [SpikeTimes("pre", 1, np.array([0.25]), np.array([0]))],
        signals={"R": 1.0},
    )
    simulation = Simulation(network)
    simulation.run(1.0)
    np.testing.assert_allclose(simulation.weights("w"), 0.5 + 0.2 * (1.0 - DT), rtol=1e-12)
    simulation.run(0.3, learning=False)
    np.testing.assert_allclose(simulation.weights("w"), 0.5 + 0.2 * (1.0 - DT), rtol=1e-12)
    simulation.signal(R=-2.0)
    simulation.run(0.5, learning=True)
    np.testing.assert_allclose(simulation.weights("w"), 0.5 + 0.2 * (1.0 - DT) - 0.2, rtol=1e-12)


@pytest.mark.parametrize("name", STEPPED)
def test_other_drifts_move_by_steps(name: str) -> None:
    rule = rule_of(STEPPED[name])
    pre, post = random_times(3, 60, 4.0), random_times(4, 50, 4.0)
    wanted = by_events(rule, pre, post, 4.0 - DT) - 0.5
    found = driven(rule, pre, post, 4.0).weights("w")[0] - 0.5
    # Of order 1 in the step, which is 0.5 % of the fastest time constant.
    assert found == pytest.approx(wanted, rel=0.01) and wanted > 0.01
    coarse = driven(rule, pre, post, 4.0, drift_every=1e-3).weights("w")[0] - 0.5
    assert coarse == pytest.approx(wanted, rel=0.1)


def test_window_of_pairs_is_its_closed_form() -> None:
    rule = rule_of("on_pre: -1.05*y; on_post: x; eta = 0.01; tau_x = 17 ms; tau_y = 34 ms")
    for gap in (0.001, 0.01, 0.05):
        after = driven(rule, [0.1], [0.1 + gap], 0.3).weights("w")[0] - 0.5
        before = driven(rule, [0.1 + gap], [0.1], 0.3).weights("w")[0] - 0.5
        assert after == pytest.approx(0.01 * math.exp(-gap / 0.017), rel=1e-12)
        assert before == pytest.approx(-0.0105 * math.exp(-gap / 0.034), rel=1e-12)


def test_spikes_of_one_step_are_ordered_presynaptic_first() -> None:
    rule = rule_of("on_pre: -y; on_post: x; eta = 0.01")
    assert driven(rule, [0.1], [0.1], 0.2).weights("w")[0] == pytest.approx(0.51)


def test_soft_bounds_scale_changes_by_the_distance() -> None:
    rule = rule_of("on_pre: -y; on_post: x; eta = 0.1; bounds = [0, 2]")
    moved = driven(rule, [0.1], [0.11], 0.2, soft=True).weights("w")[0]
    assert moved == pytest.approx(0.5 + 0.1 * math.exp(-0.5) * 1.5, rel=1e-12)


def test_sum_and_mean_are_those_of_the_neuron() -> None:
    neuron = Neuron({"g": Receptor(0.005)})
    weights = np.array([1.0, 2.0, 4.0])
    for text, wanted in (("on_pre: w_sum", 7.0), ("on_pre: w_mean", 7.0 / 3.0)):
        network = Network(
            [Population("post", 1, neuron)],
            [
                Projection(
                    "w",
                    "pre",
                    "post",
                    "g",
                    Pairs(np.arange(3), np.zeros(3, dtype=int)),
                    weights,
                    rule=rule_of(f"{text}; eta = 0.5"),
                )
            ],
            [SpikeTimes("pre", 3, np.array([0.01, 0.01]), np.array([0, 1]))],
        )
        simulation = Simulation(network)
        simulation.run(0.02)
        # Both spikes of the step see the sum as it was before either.
        np.testing.assert_allclose(simulation.weights("w") - weights, [0.5 * wanted, 0.5 * wanted, 0.0], rtol=1e-12)


def test_currents_reach_the_rule() -> None:
    network = Network(
        [Population("post", 1, Neuron({"E": Receptor(1e6, 0.0), "I": Receptor(1e6, -80.0)}, threshold=math.inf))],
        [
            Projection("E", "pre", "post", "E", AllToAll(), 2.0),
            Projection("I", "pre", "post", "I", AllToAll(), 3.0),
            Projection("w", "late", "post", "E", AllToAll(), 0.0, rule=rule_of("on_pre: I_E - 10*I_I")),
        ],
        [
            SpikeTimes("pre", 1, np.array([0.0]), np.array([0])),
            SpikeTimes("late", 1, np.array([1.0]), np.array([0])),
        ],
    )
    simulation = Simulation(network)
    simulation.run(1.1)
    v = (10.0 * -60.0 + 3.0 * -80.0) / 15.0
    assert simulation.weights("w")[0] == pytest.approx(2.0 * (0.0 - v) - 30.0 * (-80.0 - v), rel=1e-5)


@pytest.mark.slow
def test_halving_the_step_changes_rates_by_half_as_much() -> None:
    # Adaptive exponential neurons have no closed form; spikes lie on the grid, so many currents are averaged over.
    neuron = Neuron(threshold=-30.0, exponential=Exponential(2.0, -50.0), adaptation=Adaptation(0.1, 2.0, 20.0))
    populations = [
        Population(str(current), 1, dataclasses.replace(neuron, current=current))
        for current in np.linspace(300, 500, 300)
    ]

    def mean_interval(dt: float) -> float:
        spikes = Simulation(Network(populations, [], dt=dt)).run(3.0).spikes
        return float(np.mean([times[30] - times[10] for times, _ in spikes.values()])) / 20.0

    found = [mean_interval(dt) for dt in (1e-4, 0.5e-4, 0.25e-4)]
    first, second = -np.diff(found)
    assert 1.6 < first / second < 2.4


def test_signals_and_steps_reach_the_rule() -> None:
    rule = rule_of("on_step: R*E; E = synaptic(on_post: x; tau = 1 s); tau_x = 20 ms; eta = 0.1")
    neuron = Neuron({"drive": Receptor(0.0), "none": Receptor(0.005, share=0.0)}, refractory=0.0)
    network = Network(
        [Population("post", 1, neuron)],
        [
            Projection("force", "pre", "post", "drive", AllToAll(), 1000.0, delay=0.01),
            Projection("w", "pre", "post", "none", AllToAll(), 0.5, rule=rule),
        ],
        [SpikeTimes("pre", 1, np.array([0.1]), np.array([0]))],
        signals={"R": 1.0},
    )
    simulation = Simulation(network)
    simulation.run(0.5)
    simulation.signal(R=-2.0)
    simulation.step_rules()
    fired = 0.1 + 0.01 + DT
    eligibility = math.exp(-(fired - 0.1) / 0.02) * math.exp(-(0.5 - DT - fired) / 1.0)
    assert simulation.weights("w")[0] == pytest.approx(0.5 - 0.2 * eligibility, rel=1e-12)
    with pytest.raises(RulesearchError, match="no signal 'S'"):
        simulation.signal(S=1.0)


def test_period_under_a_constant_current_is_its_closed_form() -> None:
    neuron = Neuron(current=200.0, refractory=0.002)
    times = alone(neuron, 1.0).spikes["n"][0]
    wanted = 0.002 + 0.02 * math.log(20.0 / (20.0 - 10.0))
    assert np.ptp(np.diff(times)) < 1e-9
    assert abs(np.diff(times)[0] - wanted) <= DT


@pytest.mark.parametrize("method", ["euler", "exponential-euler"])
def test_halving_the_step_halves_the_error(method: str) -> None:
    def potential(dt: float) -> float:
        neuron = Neuron({"g": Receptor(0.005, 0.0)}, threshold=math.inf, reset=-60.0)
        network = Network(
            [Population("n", 1, neuron)],
            [Projection("p", "s", "n", "g", AllToAll(), 5.0)],
            [SpikeTimes("s", 1, np.array([0.0, 0.004]), np.array([0, 0]))],
            dt,
            method,
        )
        simulation = Simulation(network)
        simulation.run(0.0201)
        return float(simulation.potentials("n")[0])

    # Step k holds the time (k + 1) dt: the end is the same time for all steps of 0.1 ms / 2^n.
    exact = potential(1e-4 / 256)
    errors = [abs(potential(1e-4 / 2**n) - exact) for n in range(3)]
    for coarse, fine in itertools.pairwise(errors):
        assert 1.6 < coarse / fine < 2.4


def test_gate_that_follows_another_is_its_closed_form() -> None:
    dt = 1e-5
    neuron = Neuron(
        {"ampa": Receptor(0.005, 0.0, share=0.0), "nmda": Receptor(0.1, 0.0, follows="ampa")},
        threshold=math.inf,
        tau_membrane=1e-4,
    )
    network = Network(
        [Population("n", 1, neuron)],
        [Projection("p", "s", "n", "ampa", AllToAll(), 1.0)],
        [SpikeTimes("s", 1, np.array([0.0]), np.array([0]))],
        dt,
    )
    simulation = Simulation(network)
    simulation.run(0.05)
    gate = 0.005 / (0.1 - 0.005) * (math.exp(-0.05 / 0.1) - math.exp(-0.05 / 0.005))
    # The membrane is fast: it stands where leak and gate balance.
    assert simulation.potentials("n")[0] == pytest.approx(10.0 * -60.0 / (10.0 + gate), abs=1e-3)


def test_adaptation_lengthens_intervals_and_exponential_fires_early() -> None:
    adapting = alone(Neuron(current=300.0, adaptation=Adaptation(0.1, 0.0, 40.0)), 1.0).spikes["n"][0]
    gaps = np.diff(adapting)
    assert gaps[0] < gaps[1] < gaps[4]
    plain = alone(Neuron(current=150.0, threshold=-45.0), 1.0)
    assert len(plain.spikes["n"][0]) == 0
    upstroke = alone(Neuron(current=150.0, threshold=-30.0, exponential=Exponential(2.0, -48.0)), 1.0)
    assert len(upstroke.spikes["n"][0]) > 5


def test_adaptive_current_at_rest_is_its_fixed_point() -> None:
    neuron = Neuron(current=100.0, threshold=math.inf, adaptation=Adaptation(0.05, 10.0, 0.0))
    recording = alone(neuron, 2.0)
    # leak (E - v) + I - a (v - E) = 0
    assert recording.potentials["n"][-1, 0] == pytest.approx(-60.0 + 100.0 / 20.0, abs=1e-6)


def test_moving_threshold_lengthens_intervals_by_its_height() -> None:
    still = alone(Neuron(current=300.0, refractory=0.0), 0.5).spikes["n"][0]
    lifted = alone(Neuron(current=300.0, refractory=0.0, moving_threshold=MovingThreshold(5.0, 1e6)), 0.5).spikes["n"][
        0
    ]
    assert np.diff(still)[0] == pytest.approx(0.02 * math.log(30.0 / 20.0), abs=2 * DT)
    assert np.diff(lifted)[0] == pytest.approx(0.02 * math.log(30.0 / 15.0), abs=2 * DT)
    assert np.diff(lifted)[1] == pytest.approx(0.02 * math.log(30.0 / 10.0), abs=2 * DT)
    once = MovingThreshold(5.0, 1e6, adds=False)
    set_once = alone(Neuron(current=300.0, refractory=0.0, moving_threshold=once), 0.5).spikes["n"][0]
    assert np.ptp(np.diff(set_once)) <= 2 * DT


@pytest.mark.parametrize(
    "receptors", [{}, {"a": Receptor(0.005, 0.0), "b": Receptor(0.1, 0.0, follows="a"), "c": Receptor(0.01, -80.0)}]
)
def test_a_neuron_whose_threshold_moves_relaxes_exactly(receptors: dict[str, Receptor]) -> None:
    lifted = MovingThreshold(20.0, 0.005, False)
    neuron = Neuron(receptors, current=100.0, refractory=0.0, moving_threshold=lifted)
    recording = alone(neuron, 0.1)
    # From rest at -60 mV it goes 100/10 mV further; a potential is that at the end of its step.
    expected = -60.0 + 10.0 * -np.expm1(-(recording.potential_times + DT) / 0.02)
    assert np.abs(recording.potentials["n"][:, 0] - expected).max() < 1e-10


@pytest.mark.parametrize("weight", [1e2, 1e4, 1e6])
def test_no_potential_goes_beyond_what_it_relaxes_to(weight: float) -> None:
    lifted = MovingThreshold(20.0, 0.005, False)
    neuron = Neuron({"fast": Receptor(0.005, -52.0)}, threshold=-50.0, refractory=0.0, moving_threshold=lifted)
    network = Network(
        [Population("n", 1, neuron)],
        [Projection("input", "s", "n", "fast", AllToAll(), weight)],
        [SpikeTimes("s", 1, np.arange(0.001, 0.02, 0.001), np.zeros(19, dtype=int))],
        DT,
    )
    record = Record(potentials={"n": [0]}, potentials_every=DT)
    potentials = Simulation(network, 1).run(0.02, record).potentials["n"][:, 0]
    assert -53.0 < potentials[-1] < potentials.max() <= -52.0


@pytest.mark.parametrize("method", ["exponential-euler", "euler"])
@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize("order", ["slow fast GABA", "fast slow GABA"])
def test_the_loop_of_leaky_neurons_does_what_that_of_any_neurons_does(method: str, adds: bool, order: str) -> None:
    offered = {
        "slow": Receptor(0.1, 0.0, share=0.7, follows="fast"),
        "fast": Receptor(0.005, 0.0, share=0.3),
        "GABA": Receptor(0.01, -80.0),
    }
    receptors = {name: offered[name] for name in order.split()}
    lifted = MovingThreshold(20.0, 0.005, adds)
    plain = Neuron(receptors, rest=-70.0, reset=-70.0, leak=1.0, refractory=0.0003, moving_threshold=lifted)
    assert plain.plain
    # A part that does nothing sends a neuron to the general loop.
    general = dataclasses.replace(plain, after_depolarisation=AfterDepolarisation(0.0, 0.01))

    def spikes(neuron: Neuron) -> Any:
        network = Network(
            [Population("n", 150, neuron)],
            [
                Projection("input", "s", "n", "fast", FixedProbability(0.5), 0.15),
                Projection("recurrent", "n", "n", "GABA", FixedProbability(0.1), 0.2),
            ],
            [Poisson("s", 100, 50.0)],
            DT,
            method,
        )
        return Simulation(network, 5).run(0.5, Record(["n"])).spikes["n"]

    (times, units), (expected_times, expected_units) = spikes(plain), spikes(general)
    assert len(times) > 500
    assert np.array_equal(times, expected_times)
    assert np.array_equal(units, expected_units)


def test_after_depolarisation_lifts_the_membrane() -> None:
    neuron = Neuron(current=210.0, after_depolarisation=AfterDepolarisation(400.0, 0.04), refractory=0.0)
    gaps = np.diff(alone(neuron, 0.5).spikes["n"][0])
    assert gaps[0] < 0.02 * math.log(21.0 / 11.0)


def test_escape_fires_at_its_hazard() -> None:
    neuron = Neuron(threshold=-60.0, reset=None, refractory=0.0, escape=Escape(20.0, 1.0))
    network = Network([Population("n", 500, neuron)], [], dt=1e-3)
    recording = Simulation(network, 3).run(4.0)
    # 40,000 spikes are expected: three standard deviations are 1.5 %.
    assert recording.mean_rate("n") == pytest.approx((1.0 - math.exp(-0.02)) / 1e-3, rel=0.015)
    ceiling = Neuron(threshold=-70.0, reset=None, refractory=0.0, escape=Escape(20.0, 1.0, 30.0))
    found = Simulation(Network([Population("n", 500, ceiling)], [], dt=1e-3), 3).run(4.0).mean_rate("n")
    assert found == pytest.approx((1.0 - math.exp(-0.03 / (1.0 + 30.0 / (20.0 * math.exp(10.0))))) / 1e-3, rel=0.015)


def test_dendrite_and_soma_settle_where_their_currents_balance() -> None:
    neuron = Neuron(
        {"g": Receptor(0.005, 0.0, site="dendrite")},
        rest=-70.0,
        threshold=math.inf,
        leak=10.0,
        dendrite=Dendrite(0.01, 10.0, -70.0, 20.0, 5.0),
        current=50.0,
    )
    v = alone(neuron, 1.0).potentials["n"][-1, 0]
    # leak (E - v) + I + c (V - v) = 0 and leak_d (E - V) + b (v - V) = 0
    matrix = np.array([[30.0, -20.0], [-5.0, 15.0]])
    soma, _ = np.linalg.solve(matrix, np.array([10.0 * -70.0 + 50.0, 10.0 * -70.0]))
    assert v == pytest.approx(soma, abs=1e-6)


def test_clamped_neuron_follows_its_potential_and_fires_where_it_rises() -> None:
    potential = np.full((1000, 1), -70.0)
    potential[100:120] = 0.0
    potential[500:] = 10.0
    recording = alone(Neuron(threshold=-50.0), 0.2, clamp=potential)
    np.testing.assert_array_equal(np.rint(recording.spikes["n"][0] / DT), [100, 500])
    np.testing.assert_array_equal(recording.potentials["n"][:1000], potential)
    assert recording.potentials["n"][-1, 0] == 10.0


def test_delays_are_kept_to_the_step() -> None:
    neuron = Neuron({"jump": Receptor(0.0)}, threshold=math.inf)
    network = Network(
        [Population("n", 400, neuron)],
        [Projection("p", "s", "n", "jump", AllToAll(), 3.0, delay=(1e-3, 3e-3))],
        [SpikeTimes("s", 1, np.array([0.01]), np.array([0]))],
    )
    recording = Simulation(network, 2).run(0.02, Record(potentials={"n": range(400)}, potentials_every=DT))
    first = np.argmax(recording.potentials["n"] > -59.0, axis=0) - 1 - 100
    assert set(first) == set(range(10, 31))


def small(rule: str = EXACT["vogels"], **options: Any) -> Network:
    neuron = Neuron({"E": Receptor(0.005, 0.0), "I": Receptor(0.01, -80.0)})
    return Network(
        [Population("E", 80, neuron, (-60.0, -50.0)), Population("I", 20, neuron)],
        [
            Projection("in", "input", "E", "E", FixedProbability(0.3), (1.0, 2.0), delay=(5e-4, 2e-3)),
            Projection("EI", "E", "I", "E", FixedInDegree(10), 1.5),
            Projection("IE", "I", "E", "I", FixedProbability(0.5), 1.0, 1e-3, rule_of(rule)),
        ],
        [Poisson("input", 200, 15.0)],
        **options,
    )


def test_weights_are_permuted_and_their_sums_with_them() -> None:
    rule = rule_of("on_pre: 0.01*(w_sum - w); eta = 1; bounds = [0, 100]")
    neuron = Neuron({"g": Receptor(0.005, share=0.0)}, threshold=math.inf)
    wiring = FixedProbability(0.5)
    network = Network(
        [Population("n", 30, neuron)],
        [Projection("p", "s", "n", "g", wiring, (0.0, 1.0), rule=rule), Projection("q", "s", "n", "g", wiring, 1.0)],
        [Poisson("s", 40, 20.0)],
        1e-3,
    )
    simulation = Simulation(network, 6)
    simulation.run(0.5)
    before, (_, target) = simulation.weights("p"), simulation.synapses("p")
    simulation.shuffle_weights("p", np.random.Generator(np.random.PCG64(1)))
    after = simulation.weights("p")
    assert np.array_equal(np.sort(before), np.sort(after)) and not np.array_equal(before, after)
    sums = simulation._plastics.values[simulation._plastics.table["sum"][0] :][:30]
    assert sums == pytest.approx(np.bincount(target, after, 30))
    with pytest.raises(RulesearchError, match="the projection q is static"):
        simulation.shuffle_weights("q", np.random.default_rng(1))


def test_rates_of_afferents_can_be_set_on_the_way() -> None:
    neuron = Neuron({"g": Receptor(0.005, share=0.0)}, threshold=math.inf)
    given = SpikeTimes("given", 1, np.array([0.5]), np.array([0]))
    network = Network([Population("n", 1, neuron)], [], [Poisson("s", 200, 20.0), given], 1e-3)
    simulation = Simulation(network, 4)
    record = Record(["s"])
    before = simulation.run(1.0, record).mean_rate("s")
    rates = np.zeros(200)
    rates[:50] = 40.0
    state = simulation.state()
    simulation.set_rates("s", rates)
    shown = simulation.run(1.0, record)
    assert shown.mean_rate("s") == pytest.approx(10.0, rel=0.1)
    assert shown.spikes["s"][1].max() < 50
    # The condition goes back, what was set stays: the same spikes come again.
    simulation.restore(state)
    again = simulation.run(1.0, record)
    assert np.array_equal(again.spikes["s"][0], shown.spikes["s"][0])
    simulation.set_rates("s", 20.0)
    assert simulation.run(1.0, record).mean_rate("s") == pytest.approx(before, rel=0.1)
    with pytest.raises(RulesearchError, match="no source 'S'; there is: given, s"):
        simulation.set_rates("S", 1.0)
    with pytest.raises(RulesearchError, match="source given has no rates"):
        simulation.set_rates("given", 1.0)
    with pytest.raises(RulesearchError, match=r"rates of shape \(3,\) do not fit 200 afferents"):
        simulation.set_rates("s", np.ones(3))


def test_state_is_kept_and_brought_back(tmp_path: Path) -> None:
    whole = Simulation(small(), 5)
    once = whole.run(1.5)
    parts = Simulation(small(), 5)
    parts.run(0.7)
    parts.save(tmp_path / "state.npz")
    after = parts.run(0.8)
    other = Simulation(small(), 5)
    other.load(tmp_path / "state.npz")
    again = other.run(0.8)
    assert other.time == pytest.approx(1.5)
    for name in ("E", "I"):
        np.testing.assert_array_equal(again.spikes[name][0], after.spikes[name][0])
        np.testing.assert_array_equal(again.spikes[name][1], after.spikes[name][1])
    np.testing.assert_array_equal(other.weights("IE"), parts.weights("IE"))
    assert once.status == after.status == "ok" and len(after.spikes["E"][0]) > 100
    with pytest.raises(RulesearchError, match="another network"):
        Simulation(Network([Population("E", 3, Neuron())], [])).load(tmp_path / "state.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]
    whole_file = (tmp_path / "state.npz").read_bytes()
    for content in (b"PK nothing", b"", whole_file[: len(whole_file) // 2]):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(RulesearchError, match="no saved state"):
            other.load(tmp_path / "bad.npz")


def test_tiers_agree_and_a_seed_repeats() -> None:
    runs = [Simulation(small(), 7, backend) for backend in ("vm", "jit", "vm")]
    spikes = [run.run(1.0).spikes["E"][0] for run in runs]
    np.testing.assert_array_equal(spikes[0], spikes[2])
    np.testing.assert_array_equal(spikes[0], spikes[1])
    np.testing.assert_allclose(runs[0].weights("IE"), runs[1].weights("IE"), rtol=1e-12)
    assert not np.array_equal(spikes[0], Simulation(small(), 8).run(1.0).spikes["E"][0])


def test_several_plastic_projections_each_follow_their_own_rule() -> None:
    rules = {
        "a": "on_pre: y - a; on_post: x; a = 0.3; eta = 0.01",
        "b": "on_pre: -y*a; on_post: x*y2; a = 0.5; eta = 0.02; tau_x = 10 ms; tau_y2 = 80 ms",
    }
    neuron = Neuron({"drive": Receptor(0.0), "none": Receptor(0.005, share=0.0)}, refractory=0.0)
    sources = [Poisson("pre", 30, 20.0), Poisson("clock", 10, 15.0)]

    def run(names: str) -> dict[str, Any]:
        force = Projection("force", "clock", "post", "drive", Pairs(np.arange(10), np.arange(10)), 1000.0)
        network = Network(
            [Population("post", 10, neuron)],
            [force] + [Projection(n, "pre", "post", "none", AllToAll(), 0.5, 1e-3, rule_of(rules[n])) for n in names],
            sources,
        )
        simulation = Simulation(network, 4)
        simulation.run(2.0)
        return {name: simulation.weights(name) for name in names}

    both = run("ab")
    for name in "ab":
        np.testing.assert_array_equal(both[name], run(name)[name])
        assert np.ptp(both[name]) > 0.01
    assert np.abs(both["a"] - both["b"]).max() > 0.05


def test_frozen_weights_stay_and_thaw() -> None:
    simulation = Simulation(small(), 5)
    start = simulation.weights("IE")
    simulation.run(0.5, learning=False)
    np.testing.assert_array_equal(simulation.weights("IE"), start)
    simulation.run(0.5, learning={"IE": True})
    assert not np.array_equal(simulation.weights("IE"), start)


def test_what_is_recorded() -> None:
    simulation = Simulation(small(), 5)
    record = Record(["E", "input"], {"I": [0, 3]}, 1e-3, ["IE"], 0.25, synapses=50)
    recording = simulation.run(1.0, record)
    assert set(recording.spikes) == {"E", "input"}
    assert recording.counts["E"] == len(recording.spikes["E"][0])
    assert recording.mean_rate("input") == pytest.approx(15.0, rel=0.1)
    assert recording.rates("E", 0.1).mean() == pytest.approx(recording.mean_rate("E"))
    assert recording.potentials["I"].shape == (1000, 2)
    np.testing.assert_allclose(recording.potential_times[:2], [0.0, 1e-3])
    np.testing.assert_allclose(recording.weight_times, [0.0, 0.25, 0.5, 0.75, 1.0])
    assert recording.weights["IE"].shape == (5, 50)
    assert np.nanmean(recording.interval_cv("E")) > 0.2
    assert recording.events > 0 and recording.updates > 0 and recording.work > recording.events
    with pytest.raises(RulesearchError, match="not recorded"):
        recording.rates("I", 0.1)


def test_early_ends() -> None:
    nothing = Network([Population("n", 2, Neuron())], [])
    assert Simulation(nothing).run(5.0, limits=Limits(silent=2.0)).status == "silent"
    busy = Network([Population("n", 2, Neuron(current=1000.0))], [])
    ended = Simulation(busy).run(5.0, limits=Limits(rate=50.0))
    # More than 50 spikes of each in the first second: it ends with the spike that is one too many.
    assert ended.status == "runaway" and ended.counts["n"] == 102
    assert ended.stop == pytest.approx(ended.spikes["n"][0].max() + busy.dt) and ended.stop < 1.0
    assert Simulation(busy).run(5.0, limits=Limits(rate=1000.0)).status == "ok"
    assert Simulation(busy).run(5.0, limits=Limits(work=25_000)).status == "exhausted"
    bad = small("on_pre: 1/(y - y); eta = 1")
    assert Simulation(bad, 1).run(2.0).status == "nonfinite"
    grows = small("on_pre: 10; eta = 1")
    assert Simulation(grows, 1).run(3.0, limits=Limits(weight=20.0)).status == "runaway"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dt": -1.0}, "dt must be above 0"),
        ({"dt": 0.03}, "unstable for tau_membrane"),
        ({"method": "rk4"}, "unknown method"),
    ],
)
def test_wrong_networks_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        small(**change)


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        (Neuron(tau_membrane=-0.01), "tau_membrane must be above 0"),
        (Neuron({"g": Receptor(-0.005)}), "tau of receptor g must be above 0"),
        (Neuron(reset=-40.0), "must lie below the threshold"),
        (Neuron(leak=0.0), "leak must be above 0"),
        (Neuron({"g": Receptor(0.005, site="dendrite")}), "no dendrite"),
        (Neuron({"g": Receptor(0.1, follows="h")}), "unknown receptor 'h'"),
        (Neuron(adaptation=Adaptation(0.0)), "tau of adaptation must be above 0"),
    ],
)
def test_wrong_neurons_are_refused(neuron: Neuron, message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        Network([Population("n", 2, neuron)], [])


def projection(**change: Any) -> Projection:
    given: dict[str, Any] = {
        "name": "p",
        "source": "n",
        "target": "n",
        "receptor": "g",
        "wiring": AllToAll(),
        "weight": 1.0,
        **change,
    }
    return Projection(**given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "m"}, "unknown population 'm'"),
        ({"target": "m"}, "unknown population 'm'"),
        ({"receptor": "h"}, "no receptor 'h'"),
        ({"delay": -1.0}, "delay must be a finite number of at least 0, or a range that ascends, found -1"),
        ({"delay": (0.002, 0.001)}, "delay must be a finite number of at least 0, or a range that ascends"),
        ({"weight": (1.0, 0.0)}, "weight must be a finite number, or a range that ascends"),
        ({"weight": "one"}, "weights must be real numbers, found 'one'"),
        ({"wiring": "all"}, "unknown wiring 'all'"),
        ({"wiring": FixedInDegree(1.5)}, "in_degree must be a whole number, found 1.5"),  # type: ignore[arg-type]
        ({"rule": "on_pre: y"}, "rule must be a rule or None, found 'on_pre: y'"),
        ({"wiring": FixedProbability(1.5)}, "probability must lie in 0 to 1"),
        ({"wiring": FixedInDegree(9)}, "in_degree must lie in 0 to 2"),
        ({"wiring": Pairs(np.array([0]), np.array([7]))}, "targets must lie in 0 to 2"),
        ({"wiring": Pairs(np.array([0, 0]), np.array([1, 1]))}, "given twice"),
        ({"weight": np.ones(5)}, "fit neither"),
        ({"weight": math.nan}, "must be finite"),
        ({"rule": rule_of("on_pre: R*y")}, "reads 'R', which its synapses do not have"),
        ({"rule": rule_of("on_pre: y; bounds = [2, 3]")}, "leave the rule's bounds"),
        ({"rule": rule_of("on_pre: y"), "soft": True}, "soft bounds need both bounds"),
        ({"rule": rule_of("on_pre: y"), "drift_every": 1e-6}, "drift_every must be at least dt"),
    ],
)
def test_wrong_projections_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        Simulation(Network([Population("n", 3, Neuron({"g": Receptor(0.005)}))], [projection(**change)]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 2.5}, "population n: size must be a whole number, found 2.5"),
        ({"initial": (1.0, 0.0)}, "initial must be a finite number, or a range that ascends"),
        ({"clamp": np.zeros((0, 3))}, r"clamp must have the shape .* found \(0, 3\)"),
        ({"clamp": np.full((2, 1), math.nan)}, "clamp must be finite"),
    ],
)
def test_wrong_populations_are_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"name": "n", "size": 3, "neuron": Neuron({"g": Receptor(0.005)}), **change}
    with pytest.raises(RulesearchError, match=message):
        Network([Population(**given)], [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"potentials_every": -1.0}, "potentials_every must be at least 0 s, found -1"),
        ({"weights_every": math.nan}, "weights_every must be at least 0 s, found nan"),
        ({"synapses": -1}, "synapses that are written down must be at least 1, found -1"),
    ],
)
def test_wrong_records_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        Record(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backend": "cuda"}, "unknown backend 'cuda'; there are vm, jit"),
        ({"seed": -1}, "a seed is a whole number of at least 0, found -1"),
        ({"seed": "one"}, "a seed is a whole number of at least 0, found 'one'"),
    ],
)
def test_wrong_simulations_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        Simulation(Network([Population("n", 3, Neuron({"g": Receptor(0.005)}))], [projection()]), **change)


def test_a_plastic_synapse_takes_at_most_24_bytes() -> None:
    neuron = Neuron({"g": Receptor(0.005)})
    network = Network(
        [Population("n", 1000, neuron)],
        [projection(wiring=FixedProbability(0.1), rule=rule_of("on_pre: y; on_post: x"))],
    )
    assert Simulation(network).bytes_per_synapse("p") <= 24.0


def test_a_kernel_that_must_be_compiled_is_announced_once(capsys: pytest.CaptureFixture[str]) -> None:
    class Kernel:
        signatures: ClassVar[list[object]] = ["UniTuple(array(int64, 2d, C), 2)"]

    announce(Kernel(), "a thing that has one tier", "vm")
    assert capsys.readouterr().err == ""
    announce(Kernel(), "a thing that has one tier", "jit")
    announce(Kernel(), "a thing that has one tier", "jit")
    assert capsys.readouterr().err.splitlines() == [
        "compiling a thing that has one tier (jit) once, 10 to 30 s; later runs load it"
    ]


def test_the_public_names_are_those_of_their_modules() -> None:
    import rulesearch.simulate as simulate

    for name in simulate.__all__:
        place = f"rulesearch.simulate.{simulate._PLACES[name]}"
        assert getattr(getattr(simulate, name), "__module__", place) == place
    with pytest.raises(AttributeError, match="no attribute 'Netwerk'"):
        _ = simulate.Netwerk


def test_every_field_that_a_part_of_a_neuron_gives_is_in_its_record_with_its_unit() -> None:
    parts = (
        Exponential(2.0, -50.0),
        Adaptation(0.1, 2.0, 3.0),
        MovingThreshold(4.0, 0.05),
        AfterDepolarisation(5.0, 0.04),
        Escape(6.0, 7.0, 8.0),
        Dendrite(),
    )
    assert {type(part).__name__ for part in parts} == {kind.__name__ for kind in Part.__subclasses__()}
    given = [name for part in (*parts, Neuron()) for name in part.fields(Step(1e-4, True))]
    assert len(given) == len(set(given))
    assert set(given) == {name for name, _ in CELL}


def test_records_hold_what_rows_give_and_0_else() -> None:
    table = tables.records(tables.RECEPTOR, [{"gate": 3, "decay": 0.5}, {"follows": -1}])
    assert table.tolist() == [(3, 0, 0, 0, 0.5, 0.0, 0.0, 0.0), (0, -1, 0, 0, 0.0, 0.0, 0.0, 0.0)]
