"""Spiking networks as data: neurons, wiring, sources, plasticity, recordings, and the kernels that run them."""
