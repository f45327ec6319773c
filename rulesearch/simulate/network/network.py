"""Spiking networks as data: what there is to simulate, without a line of code of the user's.

Units: times [s], potentials [mV], weights [nS] or, of currents, [pA], rates [Hz].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.given import integer, named, real_number
from rulesearch.rules.rule import Rule
from rulesearch.simulate.damage import UNDAMAGED, Damage
from rulesearch.simulate.network.checking import check_population, check_range
from rulesearch.simulate.network.neurons import Population
from rulesearch.simulate.network.sources import Source
from rulesearch.simulate.network.wiring import FixedInDegree, Wiring

METHODS = ("exponential-euler", "euler")
"""How membranes are integrated, both of order 1: conductances held within a step, or all derivatives."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Synapses from a source or population to a population.

    **Fields:** `receptor` of the target; `weight`: one value, a range that each is drawn from, one value per pair of
    `Pairs`, or a matrix `(sources, targets)`; `delay` [s]: one value or a range that each synapse's is drawn from, in
    whole steps; `rule`: None for static synapses; `soft`: changes towards a bound are multiplied by the distance to it;
    `drift_every` [s]: step of a drift that is not solved exactly (None: the network's).
    """

    name: str
    source: str
    target: str
    receptor: str
    wiring: Wiring
    weight: float | tuple[float, float] | npt.NDArray[np.float64]
    delay: float | tuple[float, float] = 0.0
    rule: Rule | None = None
    soft: bool = False
    drift_every: float | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """Sources, populations and the projections between them.

    **Fields:** `dt`: time step [s]; `method`: one of `METHODS`; `signals`: what rules read besides spikes and
    potentials, such as a reward `R`, and its value at the start; `damage` of the synapses of all projections.
    """

    populations: Sequence[Population]
    projections: Sequence[Projection]
    sources: Sequence[Source] = ()
    dt: float = 1e-4
    method: str = "exponential-euler"
    signals: dict[str, float] = field(default_factory=dict)
    damage: Damage = UNDAMAGED

    @property
    def groups(self) -> list[Source | Population]:
        """Sources, then populations: whatever fires."""
        return [*self.sources, *self.populations]

    def __post_init__(self) -> None:
        if not (math.isfinite(real_number(self.dt, "the time step dt")) and self.dt > 0.0):
            raise RulesearchError(f"the time step dt must be above 0 s, found {self.dt:g}")
        if self.method not in METHODS:
            raise RulesearchError(f"unknown method {self.method!r}{did_you_mean(self.method, METHODS)}")
        names = [group.name for group in self.groups]
        for name in names:
            if names.count(name) > 1:
                raise RulesearchError(f"two sources or populations are called {name!r}; give each a name of its own")
        projections = [projection.name for projection in self.projections]
        for name in projections:
            if projections.count(name) > 1:
                raise RulesearchError(f"two projections are called {name!r}; give each a name of its own")
        for name, value in named(self.signals, "signals", "{'R': 0.0}").items():
            real_number(value, f"signal {name}")
        for source in self.sources:
            integer(source.size, f"source {source.name}: size", 0)
        for population in self.populations:
            check_population(population, self.dt, self.method)
        for projection in self.projections:
            self._check_projection(projection)

    def population(self, name: str) -> Population:
        """Return a population by its name.

        **Raises:** `RulesearchError` where there is none.
        """
        for population in self.populations:
            if population.name == name:
                return population
        raise RulesearchError(f"unknown population {name!r}{did_you_mean(name, [p.name for p in self.populations])}")

    def _check_projection(self, projection: Projection) -> None:
        where = f"projection {projection.name}"
        senders = [group.name for group in self.groups]
        if projection.source not in senders:
            raise RulesearchError(
                f"{where}: unknown population {projection.source!r}{did_you_mean(projection.source, senders)}"
            )
        targets = [population.name for population in self.populations]
        if projection.target not in targets:
            raise RulesearchError(
                f"{where}: unknown population {projection.target!r}{did_you_mean(projection.target, targets)}"
            )
        receptors = self.population(projection.target).neuron.receptors
        if projection.receptor not in receptors:
            raise RulesearchError(
                f"{where}: population {projection.target} has no receptor {projection.receptor!r}"
                f"{did_you_mean(projection.receptor, receptors)}"
            )
        if receptors[projection.receptor].follows:
            raise RulesearchError(
                f"{where}: the receptor {projection.receptor} follows {receptors[projection.receptor].follows}, "
                "which spikes must reach instead"
            )
        if not isinstance(projection.wiring, Wiring):
            raise RulesearchError(f"{where}: unknown wiring {shown(projection.wiring)}; type for example AllToAll()")
        if isinstance(projection.wiring, FixedInDegree):
            integer(projection.wiring.in_degree, f"{where}: in_degree", 0)
        if not isinstance(projection.rule, Rule | None):
            raise RulesearchError(f"{where}: rule must be a rule or None, found {shown(projection.rule)}")
        if isinstance(projection.weight, tuple):
            check_range(projection.weight, f"{where}: weight")
        check_range(projection.delay, f"{where}: delay", 0.0)
        every = projection.drift_every
        if every is not None and not (every >= self.dt and math.isfinite(every)):
            raise RulesearchError(f"{where}: drift_every must be at least dt ({self.dt:g} s), found {every:g}")
