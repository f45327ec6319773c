"""
STDP windows of known rules
===========================

What pairs of spikes do by their order and by their frequency. A pair rule weakens at high frequencies what a triplet
rule strengthens.
"""

# %%
# The additive pair rule of Song, Miller & Abbott 2000:

import rulesearch as rs

pair = rs.plot("stdp-pair")

# %%
# The triplet rule of Pfister & Gerstner 2006:

triplet = rs.plot("triplet")

# %%
# The same synapses, spike by spike: the change of sixty pairs at 1 Hz, presynaptic spikes 10 ms first.

print(rs.respond("stdp-pair", pre=[0], post=[10], repeats=60, every=1000).delta_w)
