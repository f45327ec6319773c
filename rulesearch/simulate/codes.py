"""How a simulation ends, and when it does so early."""

from __future__ import annotations

import math
from dataclasses import dataclass

OK = 0
NONFINITE = 1
SILENT = 2
RUNAWAY = 3
SATURATED = 4
EXHAUSTED = 5

STATUS = ("ok", "nonfinite", "silent", "runaway", "saturated", "exhausted")
"""Name of each result code."""

EXPLANATION: dict[str, str] = {
    "ok": "ran to the end",
    "nonfinite": "a weight became infinite or undefined",
    "silent": "the neuron fell silent",
    "runaway": "activity or weights grew beyond the task's limit",
    "saturated": "the weights ended at their bounds",
    "exhausted": "outputs did not settle in the rounds they had, or the budget of counted work was used up",
}
"""What each result means, for people."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a simulation of spiking neurons ends early.

    **Fields:** `rate` [Hz]: mean over a population and a second; `silent` [s]: so long without any spike of a
    population; `weight`: mean size of the weights of a plastic projection; `work`: counted work: neuron steps, arrivals
    at synapses, and evaluations of rules.
    """

    rate: float = math.inf
    silent: float = math.inf
    weight: float = 1e6
    work: int = 10**18


NetworkLimits = Limits
"""The same by the name that it has in scripts."""
