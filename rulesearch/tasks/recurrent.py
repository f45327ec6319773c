"""What tasks of recurrent networks have in common: kinds of synapses, a fifth of the neurons, when trials end early."""

from __future__ import annotations

from rulesearch.errors import RulesearchError
from rulesearch.simulate.codes import Limits

KINDS = ("EE", "EI", "IE", "II")
"""Kinds of synapses: IE is from inhibitory to excitatory neurons."""

LIMITS = Limits(rate=100.0, silent=5.0)


def excitatory_and_inhibitory(neurons: float) -> tuple[int, int]:
    """Return how many neurons of a network excite and how many inhibit."""
    return round(0.8 * neurons), round(0.2 * neurons)


def check_fifth(task: str, neurons: float) -> None:
    """Refuse a setting `neurons` of which a fifth is no whole number; raises `RulesearchError`."""
    if neurons % 5:
        raise RulesearchError(f"setting neurons of task {task} must be a multiple of 5, found {neurons:g}")
