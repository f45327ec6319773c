"""The fast driven neuron as tests use it: of the usual kind, or made to fire at given steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.rules.bound import FREE, BoundRule
from rulesearch.rules.rule import Rule
from rulesearch.simulate.driven.inputs import SpikeTrain
from rulesearch.simulate.driven.neuron import CELL, simulate_spiking
from rulesearch.simulate.network.neurons import Neuron, Receptor
from rulesearch.simulate.network.recording import Recording

Weights = npt.NDArray[np.float64]

USUAL = Neuron({"E": Receptor(0.005, 0.0, share=0.014), "I": Receptor(0.01, -80.0, share=0.035)}, leak=1.0)


def bound(rule: Rule, eta: float = 0.1, bounds: tuple[float, float] = FREE) -> BoundRule:
    """Return a rule with this learning rate and these bounds."""
    return BoundRule(rule.slots, eta, rule.states, rule.constants, bounds)


def forced(
    rule: BoundRule,
    pre: Sequence[npt.ArrayLike],
    post: npt.ArrayLike,
    steps: int,
    initial: npt.ArrayLike,
    dt: float,
    **options: Any,
) -> tuple[Recording, Weights]:
    """Simulate a neuron that fires in exactly the steps `post`, whatever its plastic synapses do."""
    silent = Receptor(0.01, -80.0, share=0.0)
    neuron = Neuron({"E": Receptor(1e-6, 0.0, share=0.014), "I": silent}, leak=1.0, refractory=dt)
    excitation = np.zeros(steps, dtype=np.float32)
    excitation[np.asarray(post, dtype=np.int64)] = 1e5
    train = SpikeTrain.from_times([np.asarray(each, dtype=np.int64) for each in pre], steps)
    start = np.asarray(initial, dtype=np.float64)
    return simulate_spiking(neuron, rule, excitation, train, start, dt, **{"learning": steps * dt, **options})


def fired_at(recording: Recording, dt: float) -> list[int]:
    """Return the steps in which the neuron fired."""
    steps: list[int] = np.rint(recording.spikes[CELL][0] / dt).astype(np.int64).tolist()
    return steps
