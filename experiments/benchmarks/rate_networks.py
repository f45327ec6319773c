"""How long a presentation takes in a rate network with two rules, beside the single neuron of task `oja`.

    python experiments/benchmarks/rate_networks.py --data-sets 4,8,12

Oja's rule with anti-Hebbian lateral weights in the network of task `pca-network` (18 synapses), the same where lateral
weights run both ways (21 synapses) and outputs settle in each presentation, and Oja's rule in the single neuron of 2
and of 5 inputs on 10 data sets. Prints, for each, the time of the processor per presentation with all its data sets
[ns], per data set, and per synapse and step: the least of several repeats. The last lines are how many times as long a
presentation takes that settles, and the speed of the network per synapse and step as a share of the neuron's, at the
number of data sets that is nearest to its 10.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

_REPEATS = 9
_TOGETHER = 5
_SETTLES = "pca-network that settles"


def least(run: Callable[[], Any]) -> float:
    """Return the least time of the processor [s] that a call takes."""
    run()
    found = []
    for _ in range(_REPEATS):
        begin = time.process_time()
        run()
        found.append(time.process_time() - begin)
    return min(found)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", default="4,8,12")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    from rulesearch.rules import known_rule
    from rulesearch.simulate.rate.neuron import RateInputs, simulate_rates
    from rulesearch.tasks.pca_network import PcaNetwork, pca_data

    rows: list[dict[str, Any]] = []

    def note(what: str, seconds: float, data_sets: int, synapses: int) -> None:
        each = seconds / (_TOGETHER * options.steps) * 1e9
        rows.append(
            {
                "what": what,
                "data_sets": data_sets,
                "ns_per_presentation": round(each, 1),
                "ns_per_data_set": round(each / data_sets, 1),
                "ns_per_synapse_step": round(each / data_sets / synapses, 3),
            }
        )

    task = PcaNetwork()
    rules = task.bind(task.baseline(task.resolve()), task.resolve())
    for number in map(int, options.data_sets.split(",")):
        for what, symmetric, synapses in (("pca-network", False, 18), (_SETTLES, True, 21)):
            simulation = pca_data(0, number, options.steps, symmetric).simulation
            seconds = least(partial(simulation.run_each, [rules] * _TOGETHER, options.steps))
            note(what, seconds, number, synapses)
    oja = known_rule("oja").rules.only()
    generator = np.random.default_rng(0)
    for inputs in (2, 5):
        shown = RateInputs.of(generator.normal(size=(options.steps, 10, inputs)))
        start = generator.normal(size=(10, inputs)) / np.sqrt(inputs)
        eta = [0.005] * _TOGETHER
        seconds = least(partial(simulate_rates, [oja] * _TOGETHER, shown, start, eta, options.steps))
        note(f"neuron of {inputs} inputs", seconds, 10, inputs)
    network, settling = (
        min((row for row in rows if row["what"] == what), key=lambda row: abs(row["data_sets"] - 10))
        for what in ("pca-network", _SETTLES)
    )
    longer = round(settling["ns_per_presentation"] / network["ns_per_presentation"], 1)
    neuron = rows[-2]
    share = round(neuron["ns_per_synapse_step"] / network["ns_per_synapse_step"], 2)
    if options.json:
        print(json.dumps({"rows": rows, "settling_takes_times": longer, "share_of_the_neurons_speed": share}))
        return
    for row in rows:
        print(row)
    print(f"a presentation that settles takes {longer} times as long")
    print(f"{share} of the speed of the single neuron of 2 inputs per synapse and step")


if __name__ == "__main__":
    main()
