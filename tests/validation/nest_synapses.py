"""Runs plastic synapses of NEST under given spikes; a program of its own, for an environment where NEST is installed.

Reads {"pre": [ms], "post": [ms], "dendritic_delay": ms, "synapses": {name: {"model", "synapse", "post"}}} as JSON from
standard input and prints {name: weight after the last presynaptic spike}. Spike times are those of the two neurons.
"""

from __future__ import annotations

import json
import sys

import nest

GENERATOR_DELAY = 1.0


def main() -> None:
    """Simulate each synapse in a network of two neurons that repeat what generators tell them."""
    task = json.load(sys.stdin)
    weights = {}
    for name, synapse in task["synapses"].items():
        nest.ResetKernel()
        nest.set_verbosity("M_ERROR")
        nest.resolution = 0.1
        pre, post = nest.Create("parrot_neuron"), nest.Create("parrot_neuron", params=synapse["post"])
        for neuron, times in ((pre, task["pre"]), (post, task["post"])):
            generator = nest.Create("spike_generator", params={"spike_times": [t - GENERATOR_DELAY for t in times]})
            nest.Connect(generator, neuron, syn_spec={"delay": GENERATOR_DELAY})
        settings = {
            "synapse_model": synapse["model"],
            "delay": task["dendritic_delay"],
            "receptor_type": 1,
            **synapse["synapse"],
        }
        if synapse.get("common"):
            nest.SetDefaults(synapse["model"], synapse["common"])
        nest.Connect(pre, post, syn_spec=settings)
        nest.Simulate(max(task["pre"]) + 10.0)
        weights[name] = nest.GetConnections(pre, post, synapse["model"]).weight
    print("RESULT " + json.dumps(weights))


if __name__ == "__main__":
    main()
