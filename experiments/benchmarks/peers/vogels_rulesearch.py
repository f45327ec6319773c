"""The network of Vogels et al. 2011 (doi:10.1126/science.1211095) in rulesearch.

python vogels_rulesearch.py SECONDS SEED BACKEND

Prints a line of JSON: seconds for the whole from the rule's text to the result, and for the simulation alone. The
kernels are loaded before by another network with another rule; the rule that is timed was never seen.
"""

from __future__ import annotations

import json
import sys
import time

from rulesearch.rules import parse_rules
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import Neuron, Population, Receptor
from rulesearch.simulate.network.recording import Recording
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.wiring import FixedProbability

RULE = "on_pre: y - alpha; on_post: x; eta = 0.01; alpha = 0.12; tau_x = 20 ms; tau_y = 20 ms; bounds = [0, 10]"
OTHER = "on_pre: -w*y*c; on_post: x*w; eta = 0.01; c = 0.12; bounds = [0, 10]"


def network(rule: str, excitatory: int = 8000, inhibitory: int = 2000, probability: float = 0.02) -> Network:
    """Return the network with a rule from inhibitory to excitatory neurons."""
    cell = Neuron({"E": Receptor(0.005, 0.0), "I": Receptor(0.01, -80.0)}, current=200.0)
    wiring = FixedProbability(probability)
    return Network(
        [Population("E", excitatory, cell, (-60.0, -50.0)), Population("I", inhibitory, cell, (-60.0, -50.0))],
        [
            Projection("EE", "E", "E", "E", wiring, 0.3),
            Projection("EI", "E", "I", "E", wiring, 0.3),
            Projection("II", "I", "I", "I", wiring, 3.0),
            Projection("IE", "I", "E", "I", wiring, 0.0, rule=parse_rules(rule).only()),
        ],
        method="euler",
    )


def timed(seconds: float, seed: int, backend: str, rule: str = RULE, **sizes: int) -> tuple[float, float, Recording]:
    """Return seconds for everything and for the run alone, and what was recorded."""
    begin = time.perf_counter()
    simulation = Simulation(network(rule, **sizes), seed, backend)
    started = time.perf_counter()
    recording = simulation.run(seconds)
    done = time.perf_counter()
    return done - begin, done - started, recording


def main() -> None:
    """Load the kernels, build, run, print."""
    seconds, seed, backend = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    timed(0.1, seed, backend, OTHER, excitatory=80, inhibitory=20)
    total, run, recording = timed(seconds, seed, backend)
    result = {"total": total, "run": run, "rate_e": recording.mean_rate("E"), "rate_i": recording.mean_rate("I")}
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
