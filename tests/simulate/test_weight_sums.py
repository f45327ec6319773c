"""Rules that read sums of weights: every simulator against a plain loop over steps, synapses and neurons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rulesearch.rules import parse_rules
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass, Synaptic, Trace
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import Neuron, Population, Receptor
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import SpikeTimes
from rulesearch.simulate.network.tables import LANES
from rulesearch.simulate.network.wiring import AllToAll, Pairs
from rulesearch.simulate.synapse.synapse import with_customary_traces
from tests.fast_neuron import bound, fired_at, forced

DT = 1e-3
STEPS = 60
Matrix = npt.NDArray[np.float64]


def rule_of(text: str) -> Rule:
    return with_customary_traces(parse_rules(text).only())


def network(
    rule: Rule, pre: npt.NDArray[np.bool_], post: npt.NDArray[np.bool_], weights: Matrix, backend: str, **more: Any
) -> Simulation:
    """Return a simulation in which `pre` and `post`, `(steps, cells)`, say who fires when."""
    neuron = Neuron({"drive": Receptor(0.0), "none": Receptor(0.005, share=0.0)}, refractory=0.0)
    own = Pairs(np.arange(post.shape[1]), np.arange(post.shape[1]))
    # A jump moves the membrane one step after its spike.
    at, forced = np.nonzero(np.roll(post, -1, axis=0))
    steps, senders = np.nonzero(pre)
    return Simulation(
        Network(
            [Population("post", post.shape[1], neuron)],
            [
                Projection("force", "forcer", "post", "drive", own, 1000.0),
                Projection("w", "pre", "post", "none", AllToAll(), weights, rule=rule, **more),
            ],
            [
                SpikeTimes("forcer", post.shape[1], at * DT, forced),
                SpikeTimes("pre", pre.shape[1], steps * DT, senders),
            ],
            DT,
        ),
        0,
        backend,
    )


def reference(rule: Rule, pre: npt.NDArray[np.bool_], post: npt.NDArray[np.bool_], weights: Matrix) -> Matrix:
    """Return the weights `(senders, neurons)` after all steps and one `on_step`, as the definitions say it.

    Everything that an event reads is what stood before it, but synaptic states move before the weight.
    """
    w = weights.copy()
    eta, (low, high) = rule.eta or 1.0, rule.bounds or (-math.inf, math.inf)
    states: dict[str, Matrix] = {name: np.zeros_like(w) for name in rule.states}

    def read() -> dict[str, Any]:
        sums = np.broadcast_to(w.sum(axis=0), w.shape).copy()
        return {**rule.constant_values(), **states, "w": w, "w_sum": sums, "w_mean": sums / len(w)}

    def event(slot: str, reached: Matrix, seconds: float = 1.0) -> None:
        nonlocal w
        before = read()
        moved = {}
        for name, state in rule.states.items():
            if isinstance(state, Synaptic) and slot in state.slots:
                moved[name] = states[name] + seconds * reached * state.slots[slot].evaluate(before)
        states.update(moved)
        if slot in rule.slots:
            change = rule.slots[slot].evaluate({**before, **moved})
            w = np.where(reached > 0.0, np.clip(w + eta * seconds * change, low, high), w)

    for name, state in rule.states.items():
        if isinstance(state, Lowpass):
            states[name] = np.broadcast_to(state.expression.evaluate(read()), w.shape).copy()
    everywhere = np.ones_like(w)
    for now in range(len(pre)):
        event("drift", everywhere, DT)
        values = read()
        for name, state in rule.states.items():
            if isinstance(state, Lowpass):
                states[name] = states[name] - math.expm1(-DT / state.tau) * (
                    state.expression.evaluate(values) - states[name]
                )
        for name, state in rule.states.items():
            if not isinstance(state, Lowpass) and state.tau is not None and now > 0:
                states[name] = states[name] * math.exp(-DT / state.tau)
        for slot, side, fired in (("on_pre", "pre", pre[now][:, None]), ("on_post", "post", post[now][None, :])):
            reached = fired * everywhere
            if reached.any():
                event(slot, reached)
            for name, state in rule.states.items():
                if isinstance(state, Trace) and state.side == side:
                    states[name] = np.where(reached > 0.0, 1.0 + (0.0 if state.nearest else states[name]), states[name])
    event("on_step", everywhere)
    return w


RULES = (
    "on_pre: -0.2*w_mean; eta = 0.5",
    "on_post: -w_mean; eta = 0.5",
    "on_pre: y - w_mean; on_post: 0.001*w_sum - w*x; eta = 0.1; bounds = [0, 2]",
    "on_step: 0.3*w_mean - w; on_post: x - w_mean; eta = 0.2",
    "drift: 20*(0.5 - w_mean) + x; on_pre: y*w_mean; eta = 0.3",
    "on_post: m - w; m = lowpass(w_mean, 20 ms); eta = 0.3",
    "on_pre: E*w_mean; on_post: -E; E = synaptic(on_pre: w_mean - E; on_post: w_sum/700; tau = 50 ms); eta = 0.1",
    "on_pre: A - B; on_post: B; A = synaptic(on_pre: 1 + B; on_post: B - w_mean; tau = 30 ms); "
    "B = synaptic(on_pre: 2*A - w; on_post: 0.1*A; tau = 80 ms); eta = 0.01",
)


def spikes(seed: int, cells: int, chance: float) -> npt.NDArray[np.bool_]:
    found = np.random.default_rng(seed).random((STEPS, cells)) < chance
    found[:2] = found[-2:] = False
    found[20] = True
    return found


@pytest.mark.parametrize(
    ("text", "backend"), [(text, "vm") for text in RULES] + [(text, "jit") for text in RULES[2::4]]
)
def test_a_network_reads_sums_as_they_stood_before_the_event(text: str, backend: str) -> None:
    rule = rule_of(text)
    pre, post = spikes(1, 300, 0.05), spikes(2, 3, 0.1)
    start = np.random.default_rng(3).uniform(0.2, 0.8, (300, 3))
    assert start.size > LANES and pre[20].all() and post[20].all()
    simulation = network(rule, pre, post, start, backend)
    simulation.run(STEPS * DT)
    simulation.step_rules()
    found = simulation.weights("w").reshape(300, 3)
    np.testing.assert_allclose(found, reference(rule, pre, post, start), rtol=1e-9, atol=1e-12)
    assert np.abs(found - start).max() > 1e-3


@pytest.mark.parametrize("backend", ["vm", "jit"])
@pytest.mark.parametrize("slot", ["on_pre", "on_post", "on_step", "drift"])
def test_all_synapses_of_an_event_move_alike_however_many_lanes_they_fill(slot: str, backend: str) -> None:
    cells = LANES + 1
    once = np.zeros((4, cells), dtype=bool)
    once[2] = True
    speed = 1.0 / (4 * DT) if slot == "drift" else 1.0
    rule = rule_of(f"{slot}: -w_mean; eta = {0.5 * speed!r}")
    simulation = network(rule, once, once[:, :1], np.ones((cells, 1)), backend)
    simulation.run(4 * DT)
    simulation.step_rules()
    # A drift moves in each of the four steps by an eighth of what stands then.
    np.testing.assert_allclose(simulation.weights("w"), 0.875**4 if slot == "drift" else 0.5, rtol=1e-12)


@pytest.mark.parametrize("backend", ["vm", "jit"])
def test_arrivals_of_several_delays_in_a_step_are_one_event(backend: str) -> None:
    pre = np.zeros((20, 2), dtype=bool)
    pre[10:12] = True
    rule = rule_of("on_pre: -0.2*w_mean")
    simulation = network(rule, pre, np.zeros((20, 300), dtype=bool), np.ones((2, 300)), backend, delay=(DT, 2 * DT))
    simulation.run(12 * DT)
    first = simulation.weights("w").copy()
    simulation.run(DT)
    _, neuron = simulation.synapses("w")
    mean = np.bincount(neuron, first) / 2.0
    assert set(np.round(first, 12)) == {0.8, 1.0}
    np.testing.assert_allclose(simulation.weights("w"), first - 0.2 * mean[neuron], rtol=1e-12)


def products(symbols: tuple[str, ...], seed: int) -> str:
    """Return a sum of three products of two symbols each, drawn with their coefficients."""
    rng = np.random.default_rng(seed)
    terms = [f"{rng.uniform(-0.3, 0.3):.3f}*{'*'.join(rng.choice(symbols, 2))}" for _ in range(3)]
    return " + ".join(terms).replace("+ -", "- ")


@pytest.mark.parametrize(("seed", "backend"), [*((seed, "vm") for seed in range(6)), (2, "jit")])
def test_the_fast_neuron_and_the_network_move_weights_alike(seed: int, backend: str) -> None:
    names = ("w", "w_mean", "x", "y", "x2", "y2")
    text = (
        f"on_pre: {products(names, seed)}; on_post: {products(names, 100 + seed)} + w_mean; bounds = [-1, 2]; eta = 0.1"
    )
    traces = {"x2": "trace(pre, 9 ms, nearest)", "y2": "trace(post, 7 ms, nearest)"}
    rule = rule_of("; ".join([text, *(f"{name} = {trace}" for name, trace in traces.items() if name in text)]))
    pre, post = spikes(seed, 600, 0.1), spikes(50 + seed, 1, 0.2)
    start = np.random.default_rng(seed).uniform(0.2, 0.8, (600, 1))
    own, given = [np.flatnonzero(pre[:, i]) for i in range(600)], np.flatnonzero(post[:, 0])
    recording, fast = forced(bound(rule, 0.1, (-1.0, 2.0)), own, given, STEPS, start[:, 0], DT, backend=backend)
    assert fired_at(recording, DT) == given.tolist()
    simulation = network(rule, pre, post, start, backend)
    simulation.run(STEPS * DT)
    wanted = reference(rule, pre, post, start)[:, 0]
    np.testing.assert_allclose(fast, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(simulation.weights("w"), wanted, rtol=1e-9, atol=1e-12)
    assert np.abs(wanted - start[:, 0]).max() > 1e-2
