"""The fast loop of one driven neuron and the network of one neuron are the same neuron: same spikes, same weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from rulesearch.rules import parse_rules
from rulesearch.rules.bound import BoundRule
from rulesearch.simulate import AllToAll, Network, Population, Projection, Record, Recording, Simulation, SpikeTimes
from rulesearch.simulate.driven.inputs import SpikeTrain
from rulesearch.simulate.driven.neuron import simulate_spiking
from rulesearch.simulate.network.neurons import Neuron, Receptor
from tests.fast_neuron import USUAL, Weights, bound, fired_at

DT, SECONDS = 1e-4, 3.0
EXCITATORY, PLASTIC = 200, 50
STEPS = round(SECONDS / DT)
SpikeSteps = list[npt.NDArray[np.int64]]


def spike_steps(afferents: int, rate: float, rng: np.random.Generator) -> SpikeSteps:
    return [np.flatnonzero(rng.random(STEPS) < rate * DT) for _ in range(afferents)]


def source(name: str, steps: SpikeSteps) -> SpikeTimes:
    afferents = np.repeat(np.arange(len(steps)), [len(each) for each in steps])
    return SpikeTimes(name, len(steps), np.concatenate(steps) * DT, afferents)


def driven(rule: BoundRule, excitatory: SpikeSteps, plastic: SpikeSteps, backend: str) -> tuple[Recording, Weights]:
    """Return what the driven neuron does, and its weights at the end."""
    counts = np.bincount(np.concatenate(excitatory), minlength=STEPS).astype(np.float32)
    train = SpikeTrain.from_times(plastic, STEPS)
    return simulate_spiking(USUAL, rule, counts, train, np.full(PLASTIC, 1.0), DT, SECONDS, backend=backend)


def networked(rule: BoundRule, excitatory: SpikeSteps, plastic: SpikeSteps, backend: str) -> tuple[Recording, Weights]:
    """Return the same of a network of that neuron alone."""
    network = Network(
        [Population("cell", 1, USUAL)],
        [
            Projection("static", "E", "cell", "E", AllToAll(), 1.0),
            Projection("plastic", "I", "cell", "I", AllToAll(), (1.0, 1.0), rule=rule),
        ],
        [source("E", excitatory), source("I", plastic)],
        dt=DT,
    )
    simulation = Simulation(network, 0, backend)
    return simulation.run(SECONDS, Record(["cell"])), simulation.weights("plastic")


def both(text: str, backend: str) -> tuple[tuple[Recording, Weights], tuple[Recording, Weights]]:
    """Return what the driven neuron and the network do, and the weights of either."""
    rng = np.random.default_rng(3)
    given = spike_steps(EXCITATORY, 40.0, rng), spike_steps(PLASTIC, 15.0, rng)
    rule = bound(parse_rules(text).only(), 0.02, (0.0, 5.0))
    ours, theirs = driven(rule, *given, backend), networked(rule, *given, backend)
    assert ours[0].counts["cell"] > 50
    return ours, theirs


@pytest.mark.parametrize("backend", ["vm", pytest.param("jit", marks=pytest.mark.slow)])
def test_the_network_fires_as_the_driven_neuron_does_one_step_later(backend: str) -> None:
    (ours, weights), (theirs, others) = both("on_pre: 0*w", backend)
    assert fired_at(theirs, DT) == [step + 1 for step in fired_at(ours, DT)]
    assert np.all(weights == 1.0) and np.all(others == 1.0)


TIMES = "tau_x = 20 ms; tau_y = 20 ms"


@pytest.mark.parametrize(
    "text",
    [
        f"on_pre: y - 0.2; on_post: x; {TIMES}",
        f"on_pre: (3 - w)*y - 0.2*w; on_post: (3 - w)*x; {TIMES}",
        f"on_pre: y - 0.2 + w_mean - w; on_post: x; {TIMES}",
    ],
    ids=["pairs", "with the weight", "with the mean weight"],
)
def test_weights_are_those_of_a_network_of_one_neuron(text: str) -> None:
    """A network passes a spike on at the end of its step, so that a pair counts for exp(-dt/tau) more or less.

    All these rules pair symmetrically: a pair within one step does not change its sign by that.
    """
    (ours, weights), (theirs, others) = both(text, "vm")
    # Weights act on spikes in turn: they stay within a millisecond of each other, and none is lost.
    assert np.abs(np.array(fired_at(theirs, DT)) - fired_at(ours, DT)).max() * DT < 1e-3
    assert np.abs(weights - 1.0).max() > 0.2
    np.testing.assert_allclose(others, weights, rtol=DT / 0.02)


JUMPING = Neuron(
    {"jump": Receptor(0.0, share=4.0)}, rest=0.0, threshold=20.0, reset=0.0, tau_membrane=0.018, refractory=0.0
)


@pytest.mark.parametrize("text", ["on_pre: 0*w", f"on_pre: 0.2*(y - w); on_post: 0.2*(x - w); {TIMES}"])
def test_a_neuron_whose_potential_jumps_is_that_of_the_network_as_well(text: str) -> None:
    rule = bound(parse_rules(text).only(), 0.02, (0.0, 5.0))
    plastic = spike_steps(PLASTIC, 40.0, np.random.default_rng(4))
    nothing = np.zeros(STEPS, dtype=np.float32)
    train = SpikeTrain.from_times(plastic, STEPS)
    ours, weights = simulate_spiking(JUMPING, rule, nothing, train, np.full(PLASTIC, 1.0), DT, SECONDS)
    network = Network(
        [Population("cell", 1, JUMPING)],
        [Projection("plastic", "I", "cell", "jump", AllToAll(), (1.0, 1.0), rule=rule)],
        [source("I", plastic)],
        dt=DT,
    )
    simulation = Simulation(network, 0)
    theirs = simulation.run(SECONDS, Record(["cell"]))
    assert ours.counts["cell"] > 50
    if "y" in text:
        # A pair counts for exp(-dt/tau) more or less, and a spike comes earlier or later by a whole jump.
        assert theirs.counts["cell"] == pytest.approx(ours.counts["cell"], rel=0.03)
        assert np.abs(weights - 1.0).max() > 0.2
        np.testing.assert_allclose(simulation.weights("plastic"), weights, rtol=0.05)
    else:
        assert fired_at(theirs, DT) == [step + 1 for step in fired_at(ours, DT)]


def test_a_spike_takes_a_while_to_the_membrane_and_back_to_the_synapse() -> None:
    neuron = Neuron({"jump": Receptor(0.0)}, rest=0.0, threshold=20.0, reset=0.0, tau_membrane=0.018, refractory=0.0)
    rule = bound(parse_rules("on_pre: -y; on_post: x; tau_x = 20 ms; tau_y = 10 ms").only(), 0.5)
    train = SpikeTrain.from_times([np.array([100, 150]), np.array([], dtype=np.int64)], 400)
    nothing = np.zeros(400, dtype=np.float32)
    found, weights = simulate_spiking(
        neuron, rule, nothing, train, np.array([30.0, 1.0]), DT, 400 * DT, delays=(10 * DT, 25 * DT)
    )
    assert fired_at(found, DT) == [110, 160]
    # At the synapse: spikes at 100 and 150, those of the neuron at 135 and 185.
    pre, post = np.array([100, 150]), np.array([135, 185])
    lags = (post[:, None] - pre) * DT
    grown = np.exp(-lags[lags > 0] / 0.02).sum()
    shrunk = np.exp(lags[lags < 0] / 0.01).sum()
    assert weights[0] == pytest.approx(30.0 + 0.5 * (grown - shrunk), rel=1e-12)
    assert weights[1] == 1.0


def test_both_say_what_they_did_by_the_same_names() -> None:
    (ours, _), (theirs, _) = both(f"on_pre: y - 0.2; on_post: x; {TIMES}", "vm")
    for name in ("status", "start", "stop", "updates"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert (ours.counts["cell"], ours.sizes["cell"]) == (theirs.counts["cell"], theirs.sizes["cell"])
    np.testing.assert_array_equal(ours.rates("cell", 1.0), theirs.rates("cell", 1.0))
