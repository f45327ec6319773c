"""
Inhibitory plasticity in a recurrent network
============================================

Two thousand leaky integrate-and-fire neurons, whose inhibitory synapses onto excitatory cells learn by the rule of
Vogels et al. 2011.
"""

# %%

import rulesearch as rs
from rulesearch.simulate import FixedProbability, Network, Neuron, Population, Projection, Receptor, Record, Simulation

cell = Neuron({"E": Receptor(0.005, 0.0), "I": Receptor(0.01, -80.0)}, current=200.0)
vogels = rs.rule("on_pre: y - 0.12; on_post: x; eta = 0.01; bounds = [0, 50]")
sparse = FixedProbability(0.1)
network = Network(
    [Population("E", 1600, cell, (-60.0, -50.0)), Population("I", 400, cell, (-60.0, -50.0))],
    [
        Projection("EE", "E", "E", "E", sparse, 0.3),
        Projection("EI", "E", "I", "E", sparse, 0.3),
        Projection("II", "I", "I", "I", sparse, 3.0),
        Projection("IE", "I", "E", "I", sparse, 0.0, delay=1e-3, rule=vogels),
    ],
)
simulation = Simulation(network, seed=1)
recording = simulation.run(20.0, Record(weights=["IE"], weights_every=1.0))
figure = rs.plot(recording)
print(f"{recording.status}: mean rate in the last second {recording.rates('E', 1.0)[-1]:.2f} Hz")
