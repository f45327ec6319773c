"""The fast loop of one driven neuron and the network of one neuron are the same neuron: same spikes, same weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from rulesearch.rules import Rule, parse_rules
from rulesearch.simulate import (
    AllToAll,
    Network,
    Neuron,
    Population,
    Projection,
    Receptor,
    Record,
    Simulation,
    SpikeTimes,
)
from rulesearch.simulate.driven.inputs import SpikeTrain
from rulesearch.simulate.driven.neuron import DrivenNeuron, simulate_spiking

DT, SECONDS = 1e-4, 3.0
EXCITATORY, PLASTIC = 200, 50
STEPS = round(SECONDS / DT)
CELL = DrivenNeuron()


def spike_steps(afferents: int, rate: float, rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    return [np.flatnonzero(rng.random(STEPS) < rate * DT) for _ in range(afferents)]


def source(name: str, steps: list[npt.NDArray[np.int64]]) -> SpikeTimes:
    afferents = np.repeat(np.arange(len(steps)), [len(each) for each in steps])
    return SpikeTimes(name, len(steps), np.concatenate(steps) * DT, afferents)


def driven(
    rule: Rule, excitatory: list[npt.NDArray[np.int64]], plastic: list[npt.NDArray[np.int64]], backend: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the steps at which the driven neuron fires, and its weights at the end."""
    counts = np.bincount(np.concatenate(excitatory), minlength=STEPS).astype(np.float32)
    train = SpikeTrain.from_times(plastic, STEPS)
    assert rule.eta is not None and rule.bounds is not None
    start = np.full(PLASTIC, 1.0)
    found = simulate_spiking(rule, counts, train, start, rule.eta, DT, SECONDS, rule.bounds, CELL, backend=backend)
    return found.spikes, found.weights


def networked(
    rule: Rule, excitatory: list[npt.NDArray[np.int64]], plastic: list[npt.NDArray[np.int64]], backend: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the same of a network of that neuron alone.

    Weights of a network are conductances; gains are put into the receptors' shares, so that rules read the same w.
    """
    cell = Neuron(
        {
            "E": Receptor(CELL.static_tau, CELL.static_reversal, share=CELL.static_gain),
            "P": Receptor(CELL.plastic_tau, CELL.plastic_reversal, share=CELL.plastic_gain),
        },
        rest=CELL.rest,
        threshold=CELL.threshold,
        reset=CELL.rest,
        tau_membrane=CELL.tau_membrane,
        leak=1.0,
        refractory=CELL.refractory,
    )
    network = Network(
        [Population("cell", 1, cell)],
        [
            Projection("static", "E", "cell", "E", AllToAll(), 1.0),
            Projection("plastic", "P", "cell", "P", AllToAll(), (1.0, 1.0), rule=rule),
        ],
        [source("E", excitatory), source("P", plastic)],
        dt=DT,
    )
    simulation = Simulation(network, 0, backend)
    times, _ = simulation.run(SECONDS, Record(["cell"])).spikes["cell"]
    return np.rint(times / DT).astype(np.int64), simulation.weights("plastic")


def both(
    text: str, backend: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the spikes of the driven neuron and of the network, and the weights of either."""
    rng = np.random.default_rng(3)
    excitatory, plastic = spike_steps(EXCITATORY, 40.0, rng), spike_steps(PLASTIC, 15.0, rng)
    rule = parse_rules(text).only()
    spikes, weights = driven(rule, excitatory, plastic, backend)
    others, theirs = networked(rule, excitatory, plastic, backend)
    assert spikes.size > 50
    return spikes, others, weights, theirs


@pytest.mark.parametrize("backend", ["vm", pytest.param("jit", marks=pytest.mark.slow)])
def test_the_network_fires_as_the_driven_neuron_does_one_step_later(backend: str) -> None:
    spikes, others, weights, theirs = both("on_pre: 0*w; eta = 1; bounds = [0, 5]", backend)
    np.testing.assert_array_equal(others, spikes + 1)
    assert np.all(weights == 1.0) and np.all(theirs == 1.0)


PAIR = "eta = 0.02; bounds = [0, 5]; tau_x = 20 ms; tau_y = 20 ms"


@pytest.mark.parametrize(
    "text",
    [
        f"on_pre: y - 0.2; on_post: x; {PAIR}",
        f"on_pre: (3 - w)*y - 0.2*w; on_post: (3 - w)*x; {PAIR}",
        f"on_pre: y - 0.2 + w_mean - w; on_post: x; {PAIR}",
    ],
    ids=["pairs", "with the weight", "with the mean weight"],
)
def test_weights_are_those_of_a_network_of_one_neuron(text: str) -> None:
    """A network passes a spike on at the end of its step, so that a pair counts for exp(-dt/tau) more or less.

    All these rules pair symmetrically: a pair within one step does not change its sign by that.
    """
    spikes, others, weights, theirs = both(text, "vm")
    # Weights act on spikes in turn: they stay within a millisecond of each other, and none is lost.
    assert np.abs(others - spikes).max() * DT < 1e-3
    assert np.abs(weights - 1.0).max() > 0.2
    np.testing.assert_allclose(theirs, weights, rtol=DT / 0.02)
