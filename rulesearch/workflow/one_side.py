"""What becomes of a synapse when one of its sides is active alone: its weight must not run away."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import BoundRule
from rulesearch.rules.states import SUMS, Trace
from rulesearch.simulate.rate.network import Connection, Layer, RateNetwork
from rulesearch.simulate.rate.network_simulation import RateSimulation
from rulesearch.simulate.synapse.events import Protocols, run_protocols

Array = npt.NDArray[np.float64]

SPIKES, RATES = 10_000, (1.0, 10.0, 50.0)
"""So many regular spikes of one side, at each of these rates [Hz]."""
STEPS = 20_000
"""Presentations, of activity 1 and of random signs."""
_GROWN = 10.0
"""Factor by which a weight without an upper bound has run away."""


@dataclass(frozen=True, slots=True)
class OneSide:
    """The weight `before`, and the largest one `after`; nan where one was no number any more."""

    before: float
    after: float
    bounds: tuple[float, float]

    @property
    def runs_away(self) -> bool:
        """Whether the weight went to the bound that is farthest from 0, or where there is none grew tenfold."""
        largest = max(map(abs, self.bounds))
        limit = largest if math.isfinite(largest) else _GROWN * abs(self.before)
        return not abs(self.after) < limit


def one_side(rule: BoundRule, side: str) -> OneSide:
    """Return what activity of the side `pre` or `post` alone makes of a weight half-way between its bounds, else 1.

    **Raises:** `RulesearchError` for a rule that moves at other times, or reads what is not of these two sides.
    """
    low, high = rule.bounds
    before = (low + high) / 2.0 if math.isfinite(high - low) else min(max(1.0, low), high)
    found = _by_spikes(rule, side, before) if rule.moved_by_spikes else _by_steps(rule, side, before)
    after = float(found[np.argmax(np.abs(found))]) if np.all(np.isfinite(found)) else math.nan
    return OneSide(before, after, rule.bounds)


def _by_spikes(rule: BoundRule, side: str, before: float) -> Array:
    traces = [name for name, state in rule.states.items() if isinstance(state, Trace)]
    _check_read(rule, {"w", *SUMS, *traces})
    trains = [[k / rate for k in range(SPIKES)] for rate in RATES]
    protocols = Protocols.of([(times, []) if side == "pre" else ([], times) for times in trains])
    return run_protocols(rule, protocols, before, rule.eta, rule.bounds)


def _by_steps(rule: BoundRule, side: str, before: float) -> Array:
    if set(rule.slots) != {"on_step"}:
        raise RulesearchError("the weight also moves between spikes and presentations")
    _check_read(rule, {"x", "y", "w", "recon", *SUMS, *rule.states})
    signs = np.random.default_rng(0).choice([-1.0, 1.0], STEPS)
    active = np.stack((np.ones(STEPS), signs), axis=1)[:, :, None]
    silent = np.zeros_like(active)
    pre, post = (active, silent) if side == "pre" else (silent, active)
    network = RateNetwork(
        {"pre": 1}, [Layer("post", 1)], [Connection("synapse", "pre", "post", weight=before, rule=rule)]
    )
    simulation = RateSimulation(network, {"pre": pre}, clamps={"post": post}, norm_limit=math.inf)
    found = simulation.run(record_every=STEPS)
    weights: Array = found.weights["synapse"][-1].ravel()
    return weights if found.status == "ok" else np.full_like(weights, math.nan)


def _check_read(rule: BoundRule, known: set[str]) -> None:
    others = [name for name in rule.symbols if name not in known]
    if others:
        raise RulesearchError(f"the rule reads {', '.join(others)}, to which both sides contribute")
