r"""Neurons as data: integrate-and-fire, with the parts that make it more.

Units: times [s], potentials [mV], conductances and weights of conductances [nS], currents [pA], rates [Hz]. A neuron
of membrane time constant tau_m and leak g_L obeys

$$\tau_m g_L \dot v = g_L (E_L - v) + \sum_r s_r g_r (E_r - v) + \sum_r s_r I_r + I$$

with what its `Exponential`, `Adaptation`, `AfterDepolarisation` and `Dendrite` add.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

SITES = ("soma", "dendrite")
"""Where a receptor may lie."""

CELL = (
    ("rest", "f8"),  # [mV]
    ("threshold", "f8"),  # [mV]
    ("reset", "f8"),  # [mV]
    ("resets", "i8"),  # whether a spike resets the potential
    ("refractory", "i8"),  # [steps]
    ("leak", "f8"),  # [nS]
    ("rate", "f8"),  # dt/(tau leak) [1/nS]
    ("current", "f8"),  # [pA]
    ("sharpness", "f8"),  # [mV]
    ("onset", "f8"),  # [mV]
    ("adaptation_decay", "f8"),  # per step
    ("adaptation_coupling", "f8"),  # [nS]
    ("adaptation_jump", "f8"),  # [pA]
    ("lifts", "i8"),  # whether a spike lifts the threshold
    ("lift_adds", "i8"),
    ("lift_jump", "f8"),  # [mV]
    ("lift_decay", "f8"),  # per step
    ("after_current", "f8"),  # [pA]
    ("after_decay", "f8"),  # per step
    ("escapes", "i8"),  # whether chance decides
    ("escape_rate", "f8"),  # [Hz]
    ("escape_width", "f8"),  # [mV]
    ("escape_ceiling", "f8"),  # [Hz]
    ("dendrite_rest", "f8"),  # [mV]
    ("dendrite_leak", "f8"),  # [nS]
    ("dendrite_rate", "f8"),  # dt/(tau leak) [1/nS]
    ("dendrite_forth", "f8"),  # conductance to the soma [nS]
    ("dendrite_back", "f8"),  # conductance from the soma [nS]
)
"""What the kernels know of a neuron: the fields of a record, 0 for a part that it does not have."""

CELL_STATE = np.dtype(
    [
        ("adaptation", "f8"),  # [pA]
        ("after", "f8"),  # [pA]
    ],
    align=True,
)
"""What a part remembers of each neuron; 0 at first."""


@dataclass(frozen=True, slots=True)
class Step:
    """A time step.

    **Fields:** `dt` [s]; `euler`: whether what decays does so by Euler's method.
    """

    dt: float
    euler: bool

    def decay(self, tau: float) -> float:
        """Return what is left after a step of what decays with a time constant [s]; nothing where that is 0."""
        if tau == 0.0:
            return 0.0
        return 1.0 - self.dt / tau if self.euler else math.exp(-self.dt / tau)


class Part(ABC):
    """What makes a neuron more than leaky integrate-and-fire."""

    __slots__ = ()

    @abstractmethod
    def fields(self, step: Step) -> dict[str, float]:
        """Return the fields of `CELL` that are this part's."""


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
class Exponential(Part):
    """The upstroke of a spike: the current leak * sharpness * exp((v - onset)/sharpness); both [mV]."""

    sharpness: float
    onset: float

    def fields(self, step: Step) -> dict[str, float]:
        return {"sharpness": self.sharpness, "onset": self.onset}


@dataclass(frozen=True, slots=True)
class Adaptation(Part):
    """A current u that hyperpolarises: tau du/dt = coupling (v - rest) - u; a spike adds `jump` [pA]."""

    tau: float
    coupling: float = 0.0
    jump: float = 0.0

    def fields(self, step: Step) -> dict[str, float]:
        return {
            "adaptation_decay": step.decay(self.tau),
            "adaptation_coupling": self.coupling,
            "adaptation_jump": self.jump,
        }


@dataclass(frozen=True, slots=True)
class MovingThreshold(Part):
    """A threshold (with `Exponential`: the onset) that a spike lifts by `jump` [mV] and that returns with `tau` [s].

    **Fields:** `adds`: whether spikes add up, rather than lift it to `jump` above its rest.
    """

    jump: float
    tau: float
    adds: bool = True

    def fields(self, step: Step) -> dict[str, float]:
        return {"lifts": 1, "lift_adds": self.adds, "lift_jump": self.jump, "lift_decay": step.decay(self.tau)}


@dataclass(frozen=True, slots=True)
class AfterDepolarisation(Part):
    """A current that a spike sets to `current` [pA] and that decays with `tau` [s]."""

    current: float
    tau: float

    def fields(self, step: Step) -> dict[str, float]:
        return {"after_current": self.current, "after_decay": step.decay(self.tau)}


@dataclass(frozen=True, slots=True)
class Escape(Part):
    """Spikes by chance, with hazard h/(1 + h/ceiling), h = rate exp((v - threshold)/width).

    **Fields:** `rate` at the threshold and `ceiling` [Hz]; `width` [mV].
    """

    rate: float
    width: float
    ceiling: float = math.inf

    def fields(self, step: Step) -> dict[str, float]:
        return {
            "escapes": 1,
            "escape_rate": self.rate,
            "escape_width": self.width,
            "escape_ceiling": self.ceiling,
        }


@dataclass(frozen=True, slots=True)
class Dendrite(Part):
    """A second compartment V: tau leak dV/dt = leak (rest - V) + its receptors + back_coupling (v - V).

    The soma receives the current coupling (V - v). After Urbanczik & Senn 2014, doi 10.1016/j.neuron.2013.11.030.
    """

    tau: float = 0.01
    leak: float = 10.0
    rest: float = -70.0
    coupling: float = 20.0
    back_coupling: float = 0.0

    def fields(self, step: Step) -> dict[str, float]:
        return {
            "dendrite_rest": self.rest,
            "dendrite_leak": self.leak,
            "dendrite_rate": step.dt / (self.tau * self.leak),
            "dendrite_forth": self.coupling,
            "dendrite_back": self.back_coupling,
        }


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
    def parts(self) -> dict[str, Part]:
        """What makes it more than leaky integrate-and-fire, by field."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Part)}

    @property
    def plain(self) -> bool:
        """Whether it is leaky integrate-and-fire with nothing more than a moving threshold."""
        gated = all(receptor.tau > 0.0 for receptor in self.receptors.values())
        return self.reset is not None and gated and self.parts.keys() <= {"moving_threshold"}

    def fields(self, step: Step) -> dict[str, float]:
        """Return what the kernels know of it: fields of `CELL`."""
        found: dict[str, float] = {
            "rest": self.rest,
            "threshold": self.threshold,
            "reset": 0.0 if self.reset is None else self.reset,
            "resets": self.reset is not None,
            "refractory": max(1, round(self.refractory / step.dt)) if self.refractory else 0,
            "leak": self.leak,
            "rate": step.dt / (self.tau_membrane * self.leak),
            "current": self.current,
        }
        for part in self.parts.values():
            found |= part.fields(step)
        return found


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
