"""One synapse under given spikes, exactly: its events, drifts and thresholds."""
