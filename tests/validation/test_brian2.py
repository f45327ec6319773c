"""Networks of 1,000 neurons against Brian2 2.9: the same connections, input spikes, time step and method.

Brian2 runs NumPy code. Both programs add the same numbers in another order, so that in a recurrent network a spike
may at some time move by a step; the tests say from where on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from validation.peers import make_environment, run_peer

from rulesearch.rules import parse_rules
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import Neuron, Population, Receptor
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import SpikeTimes
from rulesearch.simulate.network.wiring import Pairs

DT, SECONDS = 1e-4, 1.0
SIZES = {"E": 800, "I": 200, "input": 400}

RULES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "inhibition": (
        "IE",
        "on_pre: y - a; on_post: x; a = 0.2; eta = 0.05; tau_x = 20 ms; tau_y = 20 ms; bounds = [0, 30]",
        {
            "model": "w : 1\ndx/dt = -x/(20*ms) : 1 (event-driven)\ndy/dt = -y/(20*ms) : 1 (event-driven)",
            "on_pre": "w = clip(w + 0.05*(y - 0.2), 0, 30)\nx += 1",
            "on_post": "w = clip(w + 0.05*x, 0, 30)\ny += 1",
            "drift": False,
        },
    ),
    "triplet": (
        "EE",
        "on_pre: -y*(a + b*x2); on_post: x*(c + d*y2); a = 0.007; b = 0.00023; c = 0.005; d = 0.0062; eta = 0.0005; "
        "tau_x = 16.8 ms; tau_y = 33.7 ms; tau_x2 = 101 ms; tau_y2 = 125 ms; bounds = [0, 2]",
        {
            "model": "w : 1\ndx/dt = -x/(16.8*ms) : 1 (event-driven)\ndy/dt = -y/(33.7*ms) : 1 (event-driven)\n"
            "dx2/dt = -x2/(101*ms) : 1 (event-driven)\ndy2/dt = -y2/(125*ms) : 1 (event-driven)",
            "on_pre": "w = clip(w - 0.0005*y*(0.007 + 0.00023*x2), 0, 2)\nx += 1\nx2 += 1",
            "on_post": "w = clip(w + 0.0005*x*(0.005 + 0.0062*y2), 0, 2)\ny += 1\ny2 += 1",
            "drift": False,
        },
    ),
    "voltage": (
        "EE",
        "on_pre: -a*relu(u_minus + 59 mV); drift: b*x*relu(v + 53 mV)*relu(u_plus + 59 mV); "
        "u_minus = lowpass(v, 10 ms); u_plus = lowpass(v, 7 ms); tau_x = 15 ms; a = 0.001; b = 0.05; eta = 1; "
        "bounds = [0, 2]",
        {
            "model": "dw/dt = 0.05*x_pre*clip(v_post/mV + 53, 0, inf)*clip(u_plus_post/mV + 59, 0, inf)/second : 1 "
            "(clock-driven)",
            "on_pre": "w = clip(w - 0.001*clip(u_minus_post/mV + 59, 0, inf), 0, 2)",
            "on_post": "",
            "drift": True,
        },
    ),
}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with Brian2."""
    return make_environment(tmp_path_factory.mktemp("brian2"), "brian2==2.9.0", "numpy<2", "setuptools")


def network(plastic: str, rule: str, recurrent: bool, method: str) -> tuple[Network, dict[str, Any]]:
    """Return the same network for both programs; with `recurrent` the neurons excite each other."""
    generator = np.random.default_rng(5)
    sources = {"EE": ("E", "E"), "EI": ("E", "I"), "IE": ("I", "E"), "in": ("input", "E"), "ini": ("input", "I")}
    weights = {"EE": 0.3, "EI": 0.3, "IE": 1.0, "in": 2.5, "ini": 0.8}
    if not recurrent:
        weights |= {"EE": 1e-9, "EI": 1e-9, "IE": 1e-9}
    projections, described = [], []
    for name, (source, target) in sources.items():
        pairs = np.nonzero(generator.random((SIZES[source], SIZES[target])) < 0.1)
        receptor = source if source in "EI" else "E"
        delay = 1.5e-3 if name == plastic and "drift" not in rule else 0.0
        projections.append(
            Projection(
                name,
                source,
                target,
                receptor,
                Pairs(*pairs),
                weights[name],
                delay,
                parse_rules(rule).only() if name == plastic else None,
            )
        )
        described.append(
            {
                "name": name,
                "source": source,
                "target": target,
                "receptor": receptor,
                "delay": delay,
                "i": pairs[0].tolist(),
                "j": pairs[1].tolist(),
                "w": weights[name],
            }
        )
    fired = np.nonzero(generator.random((round(SECONDS / DT), SIZES["input"])) < 25.0 * DT)
    cell = Neuron({"E": Receptor(0.005, 0.0), "I": Receptor(0.01, -80.0)}, current=60.0)
    initial = {name: generator.uniform(-60.0, -51.0, SIZES[name]) for name in "EI"}
    ours = Network(
        [Population(name, SIZES[name], cell) for name in "EI"],
        projections,
        [SpikeTimes("input", SIZES["input"], fired[0] * DT, fired[1])],
        DT,
        method,
    )
    task = {
        "dt": DT,
        "seconds": SECONDS,
        "method": method.replace("-", "_"),
        "current": 60.0,
        "populations": {name: SIZES[name] for name in "EI"},
        "projections": described,
        "initial": {name: values.tolist() for name, values in initial.items()},
        "source": {"size": SIZES["input"], "times": (fired[0] * DT).tolist(), "units": fired[1].tolist()},
        "weights": [plastic],
    }
    return ours, task


def run_both(python: Path, case: str, recurrent: bool, method: str) -> tuple[Any, Any, Any, Any]:
    """Return spikes and weights of ours, and of Brian2."""
    plastic, rule, theirs = RULES[case]
    ours, task = network(plastic, rule, recurrent, method)
    task["slow"] = case == "voltage"
    for projection in task["projections"]:
        if projection["name"] == plastic:
            projection["plastic"] = theirs
    simulation = Simulation(ours, 0)
    for name in "EI":
        simulation.set_potentials(name, np.array(task["initial"][name]))
    recording = simulation.run(SECONDS)
    found = run_peer(python, "brian2_networks.py", task)
    spikes = {
        name: [np.rint(recording.spikes[name][0] / DT).astype(int).tolist(), recording.spikes[name][1].tolist()]
        for name in "EI"
    }
    return spikes, simulation.weights(plastic), found["spikes"], np.array(found["weights"][plastic])


def first_move(ours: list[list[int]], theirs: list[list[int]]) -> tuple[int, int] | None:
    """Return step and neuron of the first spike that is not the same; None where all are."""
    differ = set(zip(*ours, strict=True)) ^ set(zip(*theirs, strict=True))
    return min(differ) if differ else None


@pytest.mark.slow
@pytest.mark.parametrize("recurrent", [False, True], ids=["driven", "recurrent"])
@pytest.mark.parametrize(
    ("case", "method"),
    [
        ("inhibition", "euler"),
        ("inhibition", "exponential-euler"),
        ("triplet", "euler"),
        ("triplet", "exponential-euler"),
        ("voltage", "exponential-euler"),
    ],
)
def test_spikes_and_weights_are_those_of_brian2(python: Path, case: str, method: str, recurrent: bool) -> None:
    ours, w, theirs, their_w = run_both(python, case, recurrent, method)
    assert len(theirs["E"][0]) > 1000 and len(theirs["I"][0]) > 1000
    assert np.ptp(their_w) > 1e-4
    for name in "EI":
        moved = first_move(ours[name], theirs[name])
        if moved is None:
            continue
        # Rounding moved a spike by one step: all before it are the same.
        assert recurrent, f"neuron {moved[1]} of {name} spikes differently at step {moved[0]}"
        assert moved[0] > 0.2 * SECONDS / DT
        near = [
            step for step, unit in zip(*theirs[name], strict=True) if unit == moved[1] and abs(step - moved[0]) <= 1
        ]
        assert near, f"neuron {moved[1]} of {name} spikes differently at step {moved[0]}"
        pytest.skip(f"a spike of neuron {moved[1]} of {name} moves by one step at step {moved[0]}: rounding")
    # Weights that rounding cannot be told from in a sum of the largest are compared to the largest.
    np.testing.assert_allclose(w, their_w, rtol=1e-9, atol=1e-12 * np.abs(their_w).max())
