"""The network of Vogels et al. 2011 (doi:10.1126/science.1211095) in NEST, on one thread.

python vogels_nest.py SECONDS SEED

Prints a line of JSON: seconds for the whole from description to result, and for the simulation alone.
"""

from __future__ import annotations

import json
import sys
import time

import nest
import numpy as np

CELL = {
    "V_th": -50.0,
    "V_reset": -60.0,
    "E_L": -60.0,
    "t_ref": 5.0,
    "g_L": 10.0,
    "C_m": 200.0,
    "E_ex": 0.0,
    "E_in": -80.0,
    "tau_syn_ex": 5.0,
    "tau_syn_in": 10.0,
    "I_e": 200.0,
    "tau_minus": 20.0,
}


def main() -> None:
    """Build, run, print."""
    seconds, chance = float(sys.argv[1]), int(sys.argv[2])
    nest.set_verbosity("M_ERROR")
    begin = time.perf_counter()
    nest.ResetKernel()
    nest.SetKernelStatus({"local_num_threads": 1, "resolution": 0.1, "rng_seed": chance})
    excitatory, inhibitory = nest.Create("iaf_cond_exp", 8000, CELL), nest.Create("iaf_cond_exp", 2000, CELL)
    generator = np.random.default_rng(chance)
    for cells in (excitatory, inhibitory):
        cells.V_m = generator.uniform(-60.0, -50.0, len(cells))
    rule = {"rule": "pairwise_bernoulli", "p": 0.02, "allow_autapses": False}
    static = {"synapse_model": "static_synapse", "delay": 0.1}
    nest.Connect(excitatory, excitatory + inhibitory, rule, {**static, "weight": 0.3})
    nest.Connect(inhibitory, inhibitory, rule, {**static, "weight": -3.0})
    plastic = {
        "synapse_model": "vogels_sprekeler_synapse",
        "delay": 0.1,
        "weight": -1e-6,
        "Wmax": -10.0,
        "eta": 0.01,
        "alpha": 0.12,
        "tau": 20.0,
    }
    nest.Connect(inhibitory, excitatory, rule, plastic)
    recorders = [nest.Create("spike_recorder") for _ in range(2)]
    nest.Connect(excitatory, recorders[0])
    nest.Connect(inhibitory, recorders[1])
    started = time.perf_counter()
    nest.Simulate(1000.0 * seconds)
    done = time.perf_counter()
    result = {
        "total": done - begin,
        "run": done - started,
        "rate_e": recorders[0].n_events / 8000 / seconds,
        "rate_i": recorders[1].n_events / 2000 / seconds,
    }
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
