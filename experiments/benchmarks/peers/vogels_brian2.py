"""The network of Vogels et al. 2011 (doi:10.1126/science.1211095) in Brian2's C++ standalone mode.

python vogels_brian2.py SECONDS SEED

Prints a line of JSON: seconds for the whole from description to result, and for the simulation alone, as Brian2's own
program reports it.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time

from brian2 import (
    Network,
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    defaultclock,
    device,
    ms,
    second,
    seed,
    set_device,
)

EQUATIONS = """
dv/dt = (10*nS*(-60*mV - v) + g_E*(0*mV - v) + g_I*(-80*mV - v) + 200*pA)/(200*pF) : volt (unless refractory)
dg_E/dt = -g_E/(5*ms) : siemens
dg_I/dt = -g_I/(10*ms) : siemens
"""
PLASTIC = """
w : 1
dx/dt = -x/(20*ms) : 1 (event-driven)
dy/dt = -y/(20*ms) : 1 (event-driven)
"""


def main() -> None:
    """Build, run, print."""
    seconds, chance = float(sys.argv[1]), int(sys.argv[2])
    folder = tempfile.mkdtemp()
    begin = time.perf_counter()
    set_device("cpp_standalone", directory=folder, build_on_run=False)
    seed(chance)
    defaultclock.dt = 0.1 * ms
    cells = NeuronGroup(10000, EQUATIONS, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="euler")
    cells.v = "-60*mV + rand()*10*mV"
    excitatory, inhibitory = cells[:8000], cells[8000:]
    parts = [
        Synapses(excitatory, cells, on_pre="g_E_post += 0.3*nS"),
        Synapses(inhibitory, inhibitory, on_pre="g_I_post += 3*nS"),
        Synapses(
            inhibitory,
            excitatory,
            PLASTIC,
            on_pre="g_I_post += w*nS\nw = clip(w + 0.01*(y - 0.12), 0, 10)\nx += 1",
            on_post="w = clip(w + 0.01*x, 0, 10)\ny += 1",
        ),
    ]
    parts[0].connect(p=0.02)
    parts[1].connect(p=0.02)
    parts[2].connect(p=0.02)
    parts[2].post.order = 1
    spikes = SpikeMonitor(cells)
    Network(cells, spikes, *parts).run(seconds * second)
    device.build(directory=folder, compile=True, run=True, debug=False)
    result = {
        "total": time.perf_counter() - begin,
        "run": float(device._last_run_time),
        "rate_e": float((spikes.i[:] < 8000).sum() / 8000 / seconds),
        "rate_i": float((spikes.i[:] >= 8000).sum() / 2000 / seconds),
        "weight": float(parts[2].w[:].mean()),
    }
    shutil.rmtree(folder, ignore_errors=True)
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
