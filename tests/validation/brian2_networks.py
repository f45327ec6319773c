"""Runs a network in Brian2 as a JSON task describes it; prints spikes and final weights.

Only NumPy code is generated: no compiler reorders its sums.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    Synapses,
    defaultclock,
    mV,
    nS,
    pA,
    pF,
    prefs,
    second,
    seed,
)

prefs.codegen.target = "numpy"

CELLS = """
dv/dt = (leak*(rest - v) + g_E*(0*mV - v) + g_I*(-80*mV - v) + current)/capacitance : volt (unless refractory)
dg_E/dt = -g_E/tau_E : siemens
dg_I/dt = -g_I/tau_I : siemens
"""
SLOW = """
du_minus/dt = (v - u_minus)/(10*ms) : volt
du_plus/dt = (v - u_plus)/(7*ms) : volt
dx/dt = -x/(15*ms) : 1
"""


def main() -> None:
    """Read the task, run the network, print the result."""
    task = json.load(sys.stdin)
    seed(0)
    defaultclock.dt = task["dt"] * second
    names = {
        "leak": 10 * nS,
        "capacitance": 200 * pF,
        "rest": -60 * mV,
        "current": task["current"] * pA,
        "tau_E": 0.005 * second,
        "tau_I": 0.01 * second,
    }
    parts, cells = {}, {}
    for name, size in task["populations"].items():
        cells[name] = NeuronGroup(
            size,
            CELLS + (SLOW if task["slow"] else ""),
            threshold="v > -50*mV",
            reset="v = -60*mV" + ("; x += 1" if task["slow"] else ""),
            refractory=0.005 * second,
            method=task["method"],
            namespace=names,
            name=f"cells_{name}",
        )
        cells[name].v = np.array(task["initial"][name]) * mV
        if task["slow"]:
            cells[name].u_minus = -60 * mV
            cells[name].u_plus = -60 * mV
    source = SpikeGeneratorGroup(
        task["source"]["size"], task["source"]["units"], np.array(task["source"]["times"]) * second, name="input"
    )
    senders = {**cells, "input": source}
    for projection in task["projections"]:
        plastic = projection.get("plastic")
        model = plastic["model"] if plastic else "w : 1"
        synapses = Synapses(
            senders[projection["source"]],
            cells[projection["target"]],
            model,
            on_pre=f"g_{projection['receptor']}_post += w*nS\n" + (plastic["on_pre"] if plastic else ""),
            on_post=plastic["on_post"] if plastic and plastic["on_post"] else None,
            delay=projection["delay"] * second,
            method="euler",
            name=f"synapses_{projection['name']}",
        )
        synapses.connect(i=projection["i"], j=projection["j"])
        synapses.w = projection["w"]
        if plastic and plastic["on_post"]:
            synapses.post.order = 1
        if synapses.state_updater is not None and plastic and plastic["drift"]:
            synapses.state_updater.order = -1
        parts[projection["name"]] = synapses
    monitors = {name: SpikeMonitor(group) for name, group in cells.items()}
    network = Network(*cells.values(), source, *parts.values(), *monitors.values())
    network.run(task["seconds"] * second)
    result = {
        "spikes": {
            name: [[round(float(t / second) / task["dt"]) for t in found.t], [int(i) for i in found.i]]
            for name, found in monitors.items()
        },
        "weights": {name: [float(w) for w in parts[name].w[:]] for name in task["weights"]},
    }
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
