"""Pairings of spikes, by their definition as pairs (Morrison et al. 2008, figure 7), in every simulator."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from rulesearch.rules import Rule, parse_rules
from rulesearch.rules.states import PAIRINGS
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import Neuron, Population, Receptor
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import SpikeTimes
from rulesearch.simulate.network.wiring import AllToAll, Pairs
from rulesearch.simulate.synapse.events import Protocols, run_protocols
from rulesearch.simulate.synapse.respond import respond
from tests.fast_neuron import bound, forced

DT = 1e-3
STEPS = 200
TAU_X, TAU_Y = 0.02, 0.03
BOTH = list(itertools.product(PAIRINGS, PAIRINGS))
# The paper's presynaptic-centred and reduced symmetric scheme.
COMPILED = [("next", "nearest"), ("immediate", "immediate")]


def rule_of(x: str, y: str) -> Rule:
    traces = f"x = trace(pre, 20 ms, {x}); y = trace(post, 30 ms, {y})"
    return parse_rules(f"on_pre: -0.3*y + 0.1*x; on_post: 0.2*x - 0.05*y; {traces}").only()


def partners(pairing: str, own: Sequence[int], other: Sequence[int], now: int, own_first: bool) -> list[int]:
    """Return the spikes of a trace's own side that one of the other side, at step `now`, is paired with.

    **Arguments:** `own_first`: whether own spikes come first in a step, as presynaptic ones do.
    """
    found = [t for t in own if t < now or (own_first and t == now)]
    if pairing in ("next", "immediate"):
        # Those that no earlier spike of the other side was paired with.
        earlier = [t for t in other if t < now]
        found = [t for t in found if not earlier or t > earlier[-1] or (t == earlier[-1] and not own_first)]
    return found[-1:] if pairing in ("nearest", "immediate") else found


def wanted(x: str, y: str, pre: Sequence[int], post: Sequence[int]) -> float:
    """Return the weight change of `rule_of(x, y)`, pair by pair."""

    def decayed(times: Sequence[int], now: int, tau: float) -> float:
        return sum(math.exp(-(now - t) * DT / tau) for t in times)

    total = 0.0
    for now in pre:
        total -= 0.3 * decayed(partners(y, post, pre, now, False), now, TAU_Y)
        total += 0.1 * decayed(_as_own(x, pre, post, now, True), now, TAU_X)
    for now in post:
        total += 0.2 * decayed(partners(x, pre, post, now, True), now, TAU_X)
        total -= 0.05 * decayed(_as_own(y, post, pre, now, False), now, TAU_Y)
    return total


def _as_own(pairing: str, own: Sequence[int], other: Sequence[int], now: int, own_first: bool) -> list[int]:
    """Return the earlier spikes of its own side that a trace still holds at one of them."""
    found = [t for t in own if t < now]
    if pairing in ("next", "immediate"):
        between = [t for t in other if t < now or (t == now and not own_first)]
        found = [t for t in found if not any(t < u or (t == u and own_first) for u in between)]
    return found[-1:] if pairing in ("nearest", "immediate") else found


def trains(seed: int, cells: int) -> tuple[list[list[int]], list[int]]:
    """Return the steps at which presynaptic cells and one neuron fire, some of them together."""
    rng = np.random.default_rng(seed)
    fires = rng.random((cells + 1, STEPS)) < 0.08
    fires[:, [40, 90, 91]] = True
    fires[:, :2] = fires[:, -2:] = False
    first, *others = (np.flatnonzero(row).tolist() for row in fires)
    return others, first


def network(rule: Rule, pre: list[list[int]], post: list[int], backend: str, delay: float = 0.0) -> Simulation:
    neuron = Neuron({"drive": Receptor(0.0), "none": Receptor(0.005, share=0.0)}, refractory=0.0)
    times = np.array([t for own in pre for t in own]) * DT - delay
    cells = np.repeat(np.arange(len(pre)), [len(own) for own in pre])
    return Simulation(
        Network(
            # A second neuron, which never fires, shares the senders.
            [Population("post", 2, neuron)],
            [
                Projection("force", "forcer", "post", "drive", Pairs(np.array([0]), np.array([0])), 1000.0),
                Projection("w", "pre", "post", "none", AllToAll(), 0.0, delay=delay, rule=rule),
            ],
            [
                SpikeTimes("forcer", 1, np.array(post) * DT - DT, np.zeros(len(post), dtype=int)),
                SpikeTimes("pre", len(pre), times, cells),
            ],
            DT,
        ),
        0,
        backend,
    )


def test_three_schemes_of_the_paper() -> None:
    spikes: Any = ([0.0, 0.04], [0.01, 0.02, 0.045])
    found = {
        pairing: respond(parse_rules(f"on_post: x; x = trace(pre, 20 ms, {pairing})").only(), *spikes).delta_w
        for pairing in PAIRINGS
    }
    late = math.exp(-0.5) + math.exp(-0.25)
    assert found["nearest"] == pytest.approx(late + math.exp(-1.0)) == pytest.approx(1.75321, abs=5e-6)
    assert found["next"] == pytest.approx(late) == pytest.approx(1.38533, abs=5e-6)
    assert found["immediate"] == pytest.approx(late)
    assert found["all"] == pytest.approx(late + math.exp(-1.0) + math.exp(-2.25))
    twice: Any = ([0.0, 0.005], [0.01, 0.02])
    rule = parse_rules("on_post: x; x = trace(pre, 20 ms, immediate)").only()
    assert respond(rule, *twice).delta_w == pytest.approx(math.exp(-0.25))


@pytest.mark.parametrize(("x", "y"), BOTH)
def test_one_synapse_pairs_spikes_by_the_definition(x: str, y: str) -> None:
    rule = rule_of(x, y)
    cases = [trains(seed, 1) for seed in range(4)]
    pairs = [([t * DT for t in pre[0]], [t * DT for t in post]) for pre, post in cases]
    expected = [wanted(x, y, pre[0], post) for pre, post in cases]
    np.testing.assert_allclose([respond(rule, *pair, weight=0.0).delta_w for pair in pairs], expected, rtol=1e-10)
    for backend in ("vm", "jit") if (x, y) in COMPILED else ("vm",):
        found = run_protocols(rule, Protocols.of(pairs), 0.0, 1.0, (-math.inf, math.inf), backend)
        np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("x", "y", "backend"), [(*pair, "vm") for pair in BOTH] + [(*pair, "jit") for pair in COMPILED]
)
def test_neurons_pair_spikes_by_the_definition(x: str, y: str, backend: str) -> None:
    pre, post = trains(7, 5)
    rule = rule_of(x, y)
    expected = [wanted(x, y, own, post) for own in pre]
    _, fast = forced(bound(rule, 1.0), pre, post, STEPS, np.zeros(5), DT, backend=backend)
    np.testing.assert_allclose(fast, expected, rtol=1e-9)
    for delay in (0.0, 2 * DT):
        simulation = network(rule, pre, post, backend, delay)
        simulation.run(STEPS * DT)
        found = simulation.weights("w").reshape(5, 2)
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-9)
        np.testing.assert_allclose(found[:, 1], [wanted(x, y, own, []) for own in pre], rtol=1e-9)


def test_what_moves_between_spikes_reads_these_traces_too() -> None:
    pre, post = trains(3, 2)
    for text in (
        "drift: 5*x*y; y = trace(post, 30 ms, nearest)",
        "on_post: m; m = lowpass(x, 40 ms)",
        "on_post: E; E = synaptic(drift: 20*x; tau = 50 ms)",
    ):
        rule = parse_rules(f"{text}; x = trace(pre, 20 ms, next)").only()
        simulation = network(rule, pre, post, "vm")
        simulation.run(STEPS * DT)
        found = simulation.weights("w").reshape(2, 2)[:, 0]
        times = [t * DT for t in post]
        exact = [respond(rule, [t * DT for t in own], times, every=(STEPS - 1) * DT, weight=0.0).weight for own in pre]
        # What is no product of traces moves by steps, of order 1.
        np.testing.assert_allclose(found, exact, rtol=1e-9 if "drift: 5" in text else 0.06)
        assert min(exact) > 0.02


def test_traces_go_on_while_weights_are_frozen() -> None:
    rule = parse_rules("on_post: x; x = trace(pre, 20 ms, next)").only()
    simulation = network(rule, [[10, 50]], [20, 60], "vm")
    simulation.run(55 * DT, learning=False)
    simulation.run(20 * DT)
    np.testing.assert_allclose(simulation.weights("w"), [math.exp(-0.5), 0.0], rtol=1e-12)
