r"""A leaky integrate-and-fire neuron with static excitatory and one plastic projection, driven by given spikes.

$$\tau_m \dot V = V_{rest} - V + g_E (E_E - V) + g_P (E_P - V), \qquad \dot g = -g/\tau_g$$

with conductances in units of the leak. V is integrated exactly for conductances that are constant within a
step. A presynaptic spike of synapse i adds `gain` times w_i, as it stands before the spike changes it, to g_P.
Order in a step: presynaptic spikes (slot `on_pre`, then the trace), the membrane, a postsynaptic spike (slot
`on_post`, then the trace). All presynaptic spikes of a step are one event: `w_mean` is what it was before any of them.
After Vogels et al. 2011, doi 10.1126/science.1211095 (ModelDB 143751).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Trace
from rulesearch.simulate.driven.inputs import SpikeTrain
from rulesearch.simulate.driven.kernel import WEIGHT, integrate
from rulesearch.simulate.machine.compiling import announce
from rulesearch.simulate.machine.program import Program, encode

SYMBOLS = ("w", "w_mean")
"""Registers that the simulator itself fills: weight and mean weight of the projection; the traces follow."""

_SLOTS = ("on_pre", "on_post")


@dataclass(frozen=True, slots=True)
class DrivenNeuron:
    """A conductance-based leaky integrate-and-fire neuron; potentials [mV], times [s], gains in units of the leak."""

    rest: float = -60.0
    threshold: float = -50.0
    tau_membrane: float = 0.02
    refractory: float = 0.005
    static_reversal: float = 0.0
    static_tau: float = 0.005
    static_gain: float = 0.014
    plastic_reversal: float = -80.0
    plastic_tau: float = 0.01
    plastic_gain: float = 0.035


@dataclass(frozen=True, slots=True)
class Limits:
    """When a simulation ends early.

    **Fields:** `silent` [s]: so long without a spike while learning; `rate` [Hz]: over one second (with a
    refractory time of 5 ms at most 200 are possible, and 120 to 130 without inhibition); `weight`: mean
    size of the weights; `stuck` [s]: so long with all weights at one bound; `work`: counted work, that is steps,
    plastic presynaptic spikes, and synapses times postsynaptic spikes.
    """

    silent: float = 10.0
    rate: float = 195.0
    weight: float = 1e4
    stuck: float = 10.0
    work: int = 10**15


@dataclass(frozen=True, slots=True)
class SpikingResult:
    """What a simulation left.

    **Fields:** `code` (see `codes`); `steps` done; `dt` [s]; `spikes`: the steps of the postsynaptic spikes;
    `weights` `(afferents,)` at the end; `records` `(records, afferents)`: the weights after every `record_every`
    steps; `work`: counted work.
    """

    code: int
    steps: int
    dt: float
    spikes: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    records: npt.NDArray[np.float64]
    work: int

    def rate(self, start: float, stop: float) -> float:
        """Return the mean firing rate [Hz] between two times [s]."""
        first, last = np.searchsorted(self.spikes, [round(start / self.dt), round(stop / self.dt)])
        return float(last - first) / (stop - start)

    def rates(self, window: float) -> npt.NDArray[np.float64]:
        """Return the firing rate [Hz] in consecutive windows of so many seconds."""
        width = round(window / self.dt)
        windows = self.steps // width
        inside = self.spikes[self.spikes < windows * width]
        return np.bincount(inside // width, minlength=windows) / window

    def interval_cv(self, start: float, stop: float) -> float:
        """Return the coefficient of variation of the intervals between spikes in a stretch [s]; nan below three."""
        inside = self.spikes[(self.spikes >= round(start / self.dt)) & (self.spikes < round(stop / self.dt))]
        intervals = np.diff(inside)
        return float(intervals.std() / intervals.mean()) if intervals.size > 1 else float("nan")


def spiking_program(rule: Rule) -> tuple[Program, npt.NDArray[np.float64]]:
    """Encode a rule for the plastic projection: segment 0 is `on_pre`, segment 1 `on_post`.

    **Returns:** the program and the traces, `(traces, 6)`: side (0 presynaptic, 1 postsynaptic), tau [s], 1 where
    it is nearest-spike, 1 where spikes of the other side reset it, 1 where `on_pre` reads it, 1 where `on_post` does.
    **Raises:** `RulesearchError` for slots and states that this simulator does not have.
    """
    for slot in rule.slots:
        if slot not in _SLOTS:
            raise RulesearchError(
                f"weights change at spikes only, in the slots on_pre and on_post; found {slot}: write on_pre: ..."
            )
    rows = []
    for name, state in rule.states.items():
        if not isinstance(state, Trace):
            raise RulesearchError(
                f"the state {name} is no trace; this simulator has traces only: {name} = trace(pre, 20 ms)"
            )
        reads = [float(slot in rule.slots and name in rule.slots[slot].symbols) for slot in _SLOTS]
        rows.append((float(state.side == "post"), state.tau, float(state.nearest), float(state.resets), *reads))
    program = encode([rule.slots.get(slot) for slot in _SLOTS], (*SYMBOLS, *rule.states), rule.constant_values())
    return program, np.array(rows, dtype=np.float64).reshape(-1, 6)


def simulate_spiking(
    rule: Rule,
    excitation: npt.NDArray[np.float32],
    plastic: SpikeTrain,
    initial: npt.NDArray[np.float64],
    eta: float,
    dt: float,
    learning: float,
    bounds: tuple[float, float],
    neuron: DrivenNeuron | None = None,
    limits: Limits | None = None,
    settling: float = 0.0,
    record_every: float = 0.0,
    backend: str = "vm",
) -> SpikingResult:
    """Simulate the neuron; weights learn at first and are then frozen.

    **Arguments:** `excitation` `(steps,)`: sum of the static weights that fire in each step; `plastic`: spikes of
    the plastic afferents, as many steps; `initial` `(afferents,)`; `dt` [s]; `learning` [s]: after it the weights
    stay; `settling` [s]: in this last part of learning the learning rate falls linearly to 0, so that what is frozen is
    not one moment of weights that fluctuate; `record_every` [s]: 0 for no record of weights; `backend`: `vm` or `jit`.
    **Returns:** code `silent` also where no spike falls after learning, `saturated` where the weights are all
    at one bound at the end of learning.
    """
    neuron = neuron or DrivenNeuron()
    limits = limits or Limits()
    program, traces = spiking_program(rule)
    afferents, steps = plastic.afferents, plastic.steps
    if excitation.size != steps or initial.size != afferents:
        raise RulesearchError(
            f"found {excitation.size} steps of excitation and {initial.size} weights for {steps} steps of "
            f"{afferents} plastic afferents; both must agree"
        )
    # Registers of the two slots: presynaptic updates wait in the first lanes, a postsynaptic spike reaches all lanes.
    pre, post = program.workspace(afferents), program.workspace(afferents)
    post[WEIGHT, :afferents] = initial
    every = max(1, round(record_every / dt)) if record_every else steps + 1
    records = np.zeros((steps // every, afferents))
    refractory = max(1, round(neuron.refractory / dt))
    spikes = np.zeros(steps // refractory + 1, dtype=np.int64)
    announce(integrate, "the simulator of the spiking neuron", backend)
    code, done, count, work = integrate(
        program.compiled() if backend == "jit" else program.bytecode,
        pre,
        post,
        np.ascontiguousarray(program.segments[:, 2]),
        np.array([slot in rule.slots and "w_mean" in rule.slots[slot].symbols for slot in _SLOTS]),
        traces,
        excitation,
        plastic.offsets,
        plastic.indices,
        _physics(neuron, dt),
        (float(eta), float(bounds[0]), float(bounds[1])),
        (dt, min(steps, round(learning / dt)), round(settling / dt), refractory, max(1, round(1.0 / dt)), every),
        (round(limits.silent / dt), limits.rate, limits.weight, round(limits.stuck), limits.work),
        records,
        spikes,
    )
    return SpikingResult(
        code, done, dt, spikes[:count].copy(), post[WEIGHT, :afferents].copy(), records[: done // every], int(work)
    )


def _physics(neuron: DrivenNeuron, dt: float) -> tuple[float, ...]:
    return (
        neuron.rest,
        neuron.threshold,
        dt / neuron.tau_membrane,
        neuron.static_reversal,
        math.exp(-dt / neuron.static_tau),
        neuron.static_gain,
        neuron.plastic_reversal,
        math.exp(-dt / neuron.plastic_tau),
        neuron.plastic_gain,
    )
