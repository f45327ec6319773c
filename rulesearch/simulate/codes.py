"""How a simulation ended."""

from __future__ import annotations

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
    "exhausted": "the budget of counted work was used up",
}
"""What each result means, for people."""
