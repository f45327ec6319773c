"""Simulators: programs of rules, single synapses, rate networks, and spiking networks described as data.

```
from rulesearch.simulate import Network, Neuron, Population, Projection, Receptor, Simulation
from rulesearch.simulate import Connection, Layer, RateNetwork, RateSimulation
```

Each name is loaded when it is first used, since most need compiled kernels.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rulesearch.simulate.codes import STATUS, Limits, NetworkLimits
    from rulesearch.simulate.damage import Damage
    from rulesearch.simulate.network.network import Network, Projection
    from rulesearch.simulate.network.neurons import (
        Adaptation,
        AfterDepolarisation,
        Dendrite,
        Escape,
        Exponential,
        MovingThreshold,
        Neuron,
        Population,
        Receptor,
    )
    from rulesearch.simulate.network.recording import Record, Recording
    from rulesearch.simulate.network.simulation import Simulation
    from rulesearch.simulate.network.sources import FluctuatingGroups, FrozenPatterns, Poisson, SpikeTimes
    from rulesearch.simulate.network.wiring import AllToAll, FixedInDegree, FixedProbability, Pairs
    from rulesearch.simulate.rate.network import Connection, Layer, RateNetwork, Signal
    from rulesearch.simulate.rate.network_simulation import RateRecording, RateSimulation
    from rulesearch.simulate.rate.neuron import simulate_rate

__all__ = [
    "STATUS",
    "Adaptation",
    "AfterDepolarisation",
    "AllToAll",
    "Connection",
    "Damage",
    "Dendrite",
    "Escape",
    "Exponential",
    "FixedInDegree",
    "FixedProbability",
    "FluctuatingGroups",
    "FrozenPatterns",
    "Layer",
    "Limits",
    "MovingThreshold",
    "Network",
    "NetworkLimits",
    "Neuron",
    "Pairs",
    "Poisson",
    "Population",
    "Projection",
    "RateNetwork",
    "RateRecording",
    "RateSimulation",
    "Receptor",
    "Record",
    "Recording",
    "Signal",
    "Simulation",
    "SpikeTimes",
    "simulate_rate",
]

_MODULES: dict[str, tuple[str, ...]] = {
    "codes": ("STATUS", "Limits", "NetworkLimits"),
    "damage": ("Damage",),
    "network.network": ("Network", "Projection"),
    "network.neurons": (
        "Adaptation",
        "AfterDepolarisation",
        "Dendrite",
        "Escape",
        "Exponential",
        "MovingThreshold",
        "Neuron",
        "Population",
        "Receptor",
    ),
    "network.recording": ("Record", "Recording"),
    "network.simulation": ("Simulation",),
    "network.sources": ("FluctuatingGroups", "FrozenPatterns", "Poisson", "SpikeTimes"),
    "network.wiring": ("AllToAll", "FixedInDegree", "FixedProbability", "Pairs"),
    "rate.network": ("Connection", "Layer", "RateNetwork", "Signal"),
    "rate.network_simulation": ("RateRecording", "RateSimulation"),
    "rate.neuron": ("simulate_rate",),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'rulesearch.simulate' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"rulesearch.simulate.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
