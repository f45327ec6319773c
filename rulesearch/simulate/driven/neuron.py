r"""A leaky integrate-and-fire neuron with static excitatory and one plastic projection, driven by given spikes.

$$\tau_m \dot V = V_{rest} - V + g_E (E_E - V) + g_P (E_P - V), \qquad \dot g = -g/\tau_g$$

with conductances in units of the leak: a `Neuron` of a network alone, in a loop of its own for its speed. V is
integrated exactly for conductances that are constant within a step. A presynaptic spike of synapse i adds w_i, as it
stands before the spike changes it, to g_P (times the receptor's share, in units of the leak). Or a neuron with one
receptor whose spikes move the potential itself (tau = 0), by w_i times its share.
Order in a step: presynaptic spikes (slot `on_pre`, then the trace), the membrane, a postsynaptic spike (slot
`on_post`, then the trace). All presynaptic spikes of a step are one event: `w_mean` is what it was before any of them.
After Vogels et al. 2011, doi 10.1126/science.1211095 (ModelDB 143751).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import BoundRule
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Trace
from rulesearch.simulate.codes import STATUS, Limits
from rulesearch.simulate.driven.inputs import SpikeTrain
from rulesearch.simulate.driven.kernel import WEIGHT, integrate
from rulesearch.simulate.machine.compiling import announce
from rulesearch.simulate.machine.program import Program, encode
from rulesearch.simulate.network.checking import check_population
from rulesearch.simulate.network.neurons import Neuron, Population
from rulesearch.simulate.network.recording import Recording
from rulesearch.wording import counted

CELL, PLASTIC = "cell", "plastic"
"""Names in a recording: of the neuron, and of its plastic projection."""

SYMBOLS = ("w", "w_mean")
"""Registers that the simulator itself fills: weight and mean weight of the projection; the traces follow."""

_SLOTS = ("on_pre", "on_post")
_FOREVER = 2**62
"""More steps than any simulation has."""


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
    neuron: Neuron,
    rule: BoundRule,
    excitation: npt.NDArray[np.float32],
    plastic: SpikeTrain,
    initial: npt.NDArray[np.float64],
    dt: float,
    learning: float,
    limits: Limits | None = None,
    stuck: float = math.inf,
    settling: float = 0.0,
    weights_every: float = 0.0,
    backend: str = "vm",
    delays: tuple[float, float] = (0.0, 0.0),
) -> tuple[Recording, npt.NDArray[np.float64]]:
    """Simulate the neuron; weights learn at first and are then frozen.

    **Arguments:** `neuron`: leaky integrate-and-fire with two conductances, of which static afferents open the first
    and plastic ones the second, or with a jump, for plastic ones alone; `excitation` `(steps,)`: sum of the static
    weights that fire in each step; `plastic`: spikes of the plastic afferents, as many steps; `initial`
    `(afferents,)`; `dt` [s]; `learning` [s]: after it the weights stay; `limits`, of which `silent` holds while
    learning; `stuck` [s]: so long with all weights at one bound ends a simulation; `settling` [s]: in this last part of
    learning the learning rate falls linearly to 0, so that what is frozen is not one moment of weights that fluctuate;
    `weights_every` [s]: 0 for no record of weights; `backend`: `vm` or `jit`; `delays` [s]: from a presynaptic spike,
    at which `on_pre` acts, to the membrane, and from the neuron's spike back to the synapse, where `on_post` acts.
    **Returns:** what a network's run returns of the population `cell` and the projection `plastic`, and the weights at
    the end, `(afferents,)`. Counted work is steps, presynaptic spikes, and synapses times postsynaptic spikes. The
    status is `silent` also where no spike falls after learning, `saturated` where the weights are all at one bound at
    the end of learning.
    **Raises:** `RulesearchError` for neurons, slots and states that this simulator does not have.
    """
    limits = limits or Limits()
    physics = _physics(neuron, dt)
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
    every = max(1, round(weights_every / dt)) if weights_every else steps + 1
    records = np.zeros((steps // every, afferents))
    refractory = max(1, round(neuron.refractory / dt))
    spikes = np.zeros(steps // refractory + 1, dtype=np.int64)
    learns = min(steps, round(learning / dt))
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
        physics,
        (float(rule.eta), float(rule.bounds[0]), float(rule.bounds[1])),
        (
            dt,
            learns,
            round(settling / dt),
            refractory,
            max(1, round(1.0 / dt)),
            every,
            *(round(d / dt) for d in delays),
        ),
        (_whole(limits.silent / dt), limits.rate, limits.weight, _whole(stuck), limits.work),
        records,
        spikes,
    )
    learned, arrivals = int(plastic.offsets[min(done, learns)]), int(plastic.offsets[done])
    kept = np.concatenate((initial[None], records[: done // every])) if weights_every else records[:0]
    recording = Recording(
        status=STATUS[code],
        start=0.0,
        stop=done * dt,
        spikes={CELL: (spikes[:count].astype(np.float64) * dt, np.zeros(count, dtype=np.int64))},
        sizes={CELL: 1},
        potential_times=np.zeros(0),
        potentials={},
        weight_times=np.arange(len(kept), dtype=np.float64) * (every * dt),
        weights={PLASTIC: kept},
        counts={CELL: count},
        work=int(work),
        events=arrivals,
        updates=int(work) - done - arrivals + (learned if "on_pre" in rule.slots else 0),
    )
    return recording, post[WEIGHT, :afferents].copy()


def _whole(number: float) -> int:
    return round(min(number, _FOREVER))


def _physics(neuron: Neuron, dt: float) -> tuple[float, ...]:
    """Return what the kernel knows of a neuron, conductances in units of the leak.

    **Raises:** `RulesearchError` for what it does not have.
    """
    check_population(Population(CELL, 1, neuron), dt, "exponential-euler")
    found = list(neuron.parts)
    if neuron.current:
        found.append(f"a current of {neuron.current:g} pA")
    if neuron.reset != neuron.rest:
        found.append("no reset" if neuron.reset is None else f"a reset to {neuron.reset:g} mV")
    receptors = list(neuron.receptors.items())
    jumps = len(receptors) == 1 and receptors[0][1].tau == 0.0
    gates: list[float] = [0.0, 0.0, 0.0] if jumps else []
    for name, each in receptors:
        if each.follows or (each.reversal is None) != jumps:
            found.append(f"the receptor {name}")
        elif jumps:
            gates += [0.0, 0.0, each.share]
        elif each.reversal is not None:
            gates += [each.reversal, math.exp(-dt / each.tau), each.share / neuron.leak]
    if len(receptors) != 2 and not jumps:
        found.append(counted(len(receptors), "receptor"))
    if found:
        raise RulesearchError(
            "the fast neuron is leaky integrate-and-fire, has two conductances that spikes open, or one jump, and is "
            f"reset to its rest; found {', '.join(found)}: simulate a Network instead"
        )
    return tuple(map(float, (neuron.rest, neuron.threshold, dt / neuron.tau_membrane, jumps, *gates)))
