"""Spikes at one synapse and what a closed form says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rulesearch.simulate.synapse.synapse import Voltage


@dataclass(frozen=True, slots=True)
class Case:
    """Spikes, and the change of the weight that they must cause.

    **Fields:** `pre` and `post`: spike times [s]; `change` of the weight by the end, `seconds` after the start (and, of
    a rule of steps, by one step then); `weight` at the start; `held`: values of what spikes do not determine;
    `voltage`: a clamped membrane potential.
    """

    pre: tuple[float, ...]
    post: tuple[float, ...]
    change: float
    seconds: float
    weight: float = 0.5
    held: Mapping[str, float] = field(default_factory=dict)
    voltage: Voltage | None = None


def in_seconds(times: Sequence[float]) -> tuple[float, ...]:
    """Return times [s] that are given in ms."""
    return tuple(1e-3 * time for time in times)
