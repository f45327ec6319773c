r"""Neurons as data: integrate-and-fire, with the parts that make it more.

Units: times [s], potentials [mV], conductances and weights of conductances [nS], currents [pA], rates [Hz]. A neuron
of membrane time constant tau_m and leak g_L obeys

$$\tau_m g_L \dot v = g_L (E_L - v) + \sum_r s_r g_r (E_r - v) + \sum_r s_r I_r + I$$

with what its `Exponential`, `Adaptation`, `AfterDepolarisation` and `Dendrite` add.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError

SITES = ("soma", "dendrite")
"""Where a receptor may lie."""


@dataclass(frozen=True, slots=True)
class Receptor:
    """What arriving spikes open: a gate g with dg/dt = -g/tau, to which a spike adds the weight of its synapse.

    **Fields:** `tau` [s], 0 where a spike moves the membrane potential itself by the weight [mV]; `reversal` [mV], None
    for a current; `sign`: what multiplies a current or a jump, -1 for an inhibitory one; `share` of the gate that acts;
    `follows`: a slow gate (NMDA) is driven by another one's, dg/dt = (g_other - g)/tau, not by spikes; `site`: `soma`
    or `dendrite`.
    """

    tau: float
    reversal: float | None = None
    sign: float = 1.0
    share: float = 1.0
    follows: str = ""
    site: str = "soma"


@dataclass(frozen=True, slots=True)
class Exponential:
    """The upstroke of a spike: the current leak * sharpness * exp((v - onset)/sharpness); both [mV]."""

    sharpness: float
    onset: float


@dataclass(frozen=True, slots=True)
class Adaptation:
    """A current u that hyperpolarises: tau du/dt = coupling (v - rest) - u; a spike adds `jump` [pA]."""

    tau: float
    coupling: float = 0.0
    jump: float = 0.0


@dataclass(frozen=True, slots=True)
class MovingThreshold:
    """A threshold (with `Exponential`: the onset) that a spike lifts by `jump` [mV] and that returns with `tau` [s].

    **Fields:** `adds`: whether spikes add up, rather than lift it to `jump` above its rest.
    """

    jump: float
    tau: float
    adds: bool = True


@dataclass(frozen=True, slots=True)
class AfterDepolarisation:
    """A current that a spike sets to `current` [pA] and that decays with `tau` [s]."""

    current: float
    tau: float


@dataclass(frozen=True, slots=True)
class Escape:
    """Spikes by chance, with hazard h/(1 + h/ceiling), h = rate exp((v - threshold)/width).

    **Fields:** `rate` at the threshold and `ceiling` [Hz]; `width` [mV].
    """

    rate: float
    width: float
    ceiling: float = math.inf


@dataclass(frozen=True, slots=True)
class Dendrite:
    """A second compartment V: tau leak dV/dt = leak (rest - V) + its receptors + back_coupling (v - V).

    The soma receives the current coupling (V - v). After Urbanczik & Senn 2014, doi 10.1016/j.neuron.2013.11.030.
    """

    tau: float = 0.01
    leak: float = 10.0
    rest: float = -70.0
    coupling: float = 20.0
    back_coupling: float = 0.0


@dataclass(frozen=True, slots=True)
class Neuron:
    """An integrate-and-fire neuron, leaky unless its parts say more.

    **Fields:** `threshold` [mV], inf for none; `reset` [mV], None where a spike leaves the membrane alone; `refractory`
    [s]: the membrane rests so long after a spike; `current` [pA]: constant; `receptors` by name.
    """

    receptors: dict[str, Receptor] = field(default_factory=dict)
    rest: float = -60.0
    threshold: float = -50.0
    reset: float | None = -60.0
    tau_membrane: float = 0.02
    leak: float = 10.0
    refractory: float = 0.005
    current: float = 0.0
    exponential: Exponential | None = None
    adaptation: Adaptation | None = None
    moving_threshold: MovingThreshold | None = None
    after_depolarisation: AfterDepolarisation | None = None
    escape: Escape | None = None
    dendrite: Dendrite | None = None

    @property
    def plain(self) -> bool:
        """Whether it is leaky integrate-and-fire with nothing more."""
        parts = (
            self.exponential,
            self.adaptation,
            self.moving_threshold,
            self.after_depolarisation,
            self.escape,
            self.dendrite,
        )
        simple = all(receptor.tau > 0.0 and not receptor.follows for receptor in self.receptors.values())
        return all(part is None for part in parts) and simple and self.reset is not None


@dataclass(frozen=True, slots=True)
class Population:
    """Neurons of one kind.

    **Fields:** `initial`: membrane potential at the start [mV], one value or a range that it is drawn from; None: at
    rest; `clamp` `(samples, 1 or size)`: a given membrane potential [mV], one sample per time step from the start of
    the simulation on, the last one held; such a neuron fires where it rises above the threshold.
    """

    name: str
    size: int
    neuron: Neuron
    initial: float | tuple[float, float] | None = None
    clamp: npt.NDArray[np.float64] | None = None


def check_population(population: Population, dt: float, method: str) -> None:
    """Refuse values that mean nothing or cannot be integrated with this step [s], in one clear line.

    **Raises:** `RulesearchError`.
    """
    where, neuron = f"population {population.name}", population.neuron
    if population.size < 1:
        raise RulesearchError(f"{where}: size must be at least 1, found {population.size}")
    times = {"tau_membrane": neuron.tau_membrane}
    for label, part in (
        ("adaptation", neuron.adaptation),
        ("moving_threshold", neuron.moving_threshold),
        ("after_depolarisation", neuron.after_depolarisation),
        ("dendrite", neuron.dendrite),
    ):
        if part is not None:
            times[f"tau of {label}"] = part.tau
    for name, receptor in neuron.receptors.items():
        if receptor.tau != 0.0 or receptor.follows:
            times[f"tau of receptor {name}"] = receptor.tau
        _check_receptor(f"{where}, receptor {name}", receptor, neuron)
    for label, tau in times.items():
        if not (math.isfinite(tau) and tau > 0.0):
            raise RulesearchError(f"{where}: {label} must be above 0 s, found {tau:g}")
        if dt > tau and (method == "euler" or label == "tau_membrane"):
            raise RulesearchError(
                f"{where}: a step of dt = {dt:g} s is unstable for {label} = {tau:g} s; choose dt of {tau / 10:g} s "
                "or below"
            )
    for label, value in (("leak", neuron.leak), *((("width", neuron.escape.width),) if neuron.escape else ())):
        if not (math.isfinite(value) and value > 0.0):
            raise RulesearchError(f"{where}: {label} must be above 0, found {value:g}")
    if neuron.exponential and not neuron.exponential.sharpness > 0.0:
        raise RulesearchError(f"{where}: sharpness must be above 0 mV, found {neuron.exponential.sharpness:g}")
    if not (math.isfinite(neuron.refractory) and neuron.refractory >= 0.0):
        raise RulesearchError(f"{where}: refractory must be at least 0 s, found {neuron.refractory:g}")
    if neuron.reset is not None and neuron.escape is None and not neuron.reset < neuron.threshold:
        raise RulesearchError(
            f"{where}: the reset ({neuron.reset:g} mV) must lie below the threshold ({neuron.threshold:g} mV)"
        )
    if population.clamp is not None and population.clamp.shape[1:] not in ((1,), (population.size,)):
        raise RulesearchError(
            f"{where}: clamp must have the shape (samples, 1) or (samples, {population.size}), "
            f"found {population.clamp.shape}"
        )


def _check_receptor(where: str, receptor: Receptor, neuron: Neuron) -> None:
    if receptor.follows and receptor.follows not in neuron.receptors:
        raise RulesearchError(f"{where}: unknown receptor {receptor.follows!r} to follow")
    if receptor.follows and neuron.receptors[receptor.follows].follows:
        raise RulesearchError(f"{where}: {receptor.follows} itself follows a receptor; only one step is possible")
    if receptor.site not in SITES:
        raise RulesearchError(f"{where}: unknown site {receptor.site!r}; there are {', '.join(SITES)}")
    if receptor.site == "dendrite" and neuron.dendrite is None:
        raise RulesearchError(f"{where}: the neuron has no dendrite; give it dendrite=Dendrite(...)")
    if receptor.tau == 0.0 and receptor.reversal is not None:
        raise RulesearchError(f"{where}: a jump of the potential (tau = 0) has no reversal potential")
