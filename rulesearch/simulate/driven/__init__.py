"""One spiking neuron driven by given spike trains, fast."""
