r"""The layer of HebbFF, Tyulmankov, Yang & Abbott 2022 (doi 10.1016/j.neuron.2021.11.009), and what it is shown.

Hidden units $h = \sigma((W_1 + A) x + b_1)$ see stimuli x of components 1 or -1; A, which starts at 0, follows the rule
once per stimulus, and a stimulus is called familiar where $w_2 \sum_i h_i + b_2 > 0$. The fixed numbers are $W_1$,
$b_1$, $w_2$ and $b_2$: one bias and one weight of the readout for all units, as in the networks whose capacity the
paper measures.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.rules.bound import BoundSet
from rulesearch.simulate.damage import UNDAMAGED, Damage, generators_of
from rulesearch.simulate.rate.network import Connection, Layer, RateNetwork
from rulesearch.simulate.rate.network_simulation import RateSimulation
from rulesearch.tasks.declaration import Settings, damage_of

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

RULE = "w"
"""Name of the rule, as `BoundSet` has it."""
SEQUENCES = 307
"""What the seeds of sequences are drawn with: the first child is that of the readout's, the second of the fresh one."""
SELECTIVITY = 5.0
"""Weights of a unit from each component of its address: -d eta of the trained networks lies in 4.7 to 7.6."""
EXCESSES = np.array([-3.0, -2.0, -1.0, 0.0, *np.linspace(1.0, 4.0, 13)])
"""Input of a unit from a novel stimulus of its address, that are tried."""
TOGETHER = 8
"""Candidates that run in one call: what all units answer is kept for each."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What does not change while stimuli are shown.

    **Fields:** `weights` $W_1$ `(units, components)`; `bias` $b_1$; `gain` $w_2$ and `offset` $b_2$ of the readout.
    """

    weights: Array
    bias: float
    gain: float
    offset: float

    def familiar(self, responses: Array) -> Flags:
        """Return which stimuli are called familiar, of summed responses of the units."""
        found: Flags = self.gain * responses + self.offset > 0.0
        return found


@dataclass(frozen=True, slots=True)
class Synapses:
    """What of the synapses a stress test changes: weights at the start, what is missing, noise in fixed weights."""

    start: float = 0.0
    damage: Damage = UNDAMAGED
    seed: int = 0

    @classmethod
    def of(cls, settings: Settings, seed: int) -> Synapses:
        """Return what the settings of the task say."""
        return cls(settings["w_start"], damage_of(settings), seed)


def stimuli_of(interval: int) -> int:
    """Return how many stimuli a sequence of the paper's training has."""
    return max(200, 20 * interval)


def sequence(components: int, interval: int, steps: int, generator: np.random.Generator) -> tuple[Array, Flags]:
    """Return stimuli `(steps, components)` and which of them are familiar `(steps,)`.

    With probability 1/2 a stimulus repeats the one `interval` steps before, where that one was novel: no stimulus is
    shown more than twice, and a third of them are familiar.
    """
    stimuli = generator.choice([-1.0, 1.0], (steps, components))
    familiar = np.zeros(steps, dtype=np.bool_)
    repeats = generator.random(steps) < 0.5
    for step in range(interval, steps):
        if repeats[step] and not familiar[step - interval]:
            stimuli[step] = stimuli[step - interval]
            familiar[step] = True
    return stimuli, familiar


def addresses(components: int, units: int) -> Array:
    """Return the weights $W_1$ of the idealised solution: unit by unit one of all patterns of the first components."""
    bits = round(math.log2(units))
    weights = np.zeros((units, components))
    weights[:, :bits] = SELECTIVITY * np.array(list(itertools.product((-1.0, 1.0), repeat=bits)))
    return weights


def network(weights: Array, bias: float, synapses: Synapses) -> RateNetwork:
    """Return the hidden layer; an input `excess` is added to the bias of all units."""
    damage, shape = synapses.damage, weights.shape
    units, components = shape
    wiring: str | Flags = "all"
    start: float | Array = synapses.start
    if damage:
        missing, noise = generators_of(np.random.SeedSequence([synapses.seed, SEQUENCES], n_children_spawned=2))
        wiring = damage.there(units * components, missing).reshape(shape)
        weights = weights * damage.factors(units * components, noise).reshape(shape)
        start = start * damage.factors(units * components, noise).reshape(shape)
    return RateNetwork(
        {"stimulus": components, "excess": 1},
        [Layer("hidden", units, "sigmoid", bias)],
        [
            Connection("fixed", "stimulus", "hidden", weight=weights),
            Connection("excess", "excess", "hidden", weight=1.0),
            Connection("kept", "stimulus", "hidden", wiring, start, RULE),
        ],
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a layer gave to a sequence of stimuli.

    **Fields:** `status` (see `simulate.codes.STATUS`); `steps` done; `responses` summed over units `(steps, excesses)`.
    """

    status: str
    steps: int
    responses: Array


def answers(
    candidates: Sequence[BoundSet], layer: RateNetwork, stimuli: Array, excesses: Array, backend: str
) -> list[Answer]:
    """Show the same stimuli to a layer under each of several rules, once for each excess."""
    shown = {
        "stimulus": stimuli[:, None, :],
        "excess": np.broadcast_to(excesses[None, :, None], (len(stimuli), excesses.size, 1)),
    }
    simulation = RateSimulation(layer, shown, norm_limit=math.inf)
    found = []
    for first in range(0, len(candidates), TOGETHER):
        for each in simulation.run_each(candidates[first : first + TOGETHER], backend=backend, connections=[]):
            responses = each.outputs["hidden"].sum(axis=2)
            ended = "nonfinite" if each.status == "ok" and not np.all(np.isfinite(responses)) else each.status
            found.append(Answer(ended, each.steps, responses))
    return found


def best_readout(responses: Array, familiar: Flags) -> tuple[int, float, float, int]:
    """Return the excess, the sign and the threshold by which most answers are right, and how many are wrong.

    **Arguments:** `responses` `(steps, excesses)`.
    **Returns:** index of the excess; sign: -1 where familiar stimuli are those that excite less than the threshold;
    the threshold, midway between two responses; wrong answers. Of several that do equally well it is the first, with
    the lower responses called familiar.
    """
    order = np.argsort(responses, axis=0, kind="stable")
    levels = np.take_along_axis(responses, order, axis=0)
    below = np.cumsum(familiar[order], axis=0)
    steps, known = len(familiar), int(np.sum(familiar))
    # Wrong where the first k of the order are called familiar: those of them that are novel, and the familiar others.
    wrong = np.arange(1, steps + 1)[:, None] - below + known - below
    wrong = np.concatenate((np.full((1, responses.shape[1]), known), wrong))
    cut = np.concatenate((np.ones((1, responses.shape[1]), dtype=np.bool_), levels[1:] > levels[:-1]))
    possible = np.concatenate((cut, np.ones((1, responses.shape[1]), dtype=np.bool_)))
    both = np.stack((np.where(possible, wrong, steps + 1), np.where(possible, steps - wrong, steps + 1)))
    side, k, excess = np.unravel_index(int(np.argmin(both)), both.shape)
    column = levels[:, excess]
    if k in (0, steps):
        threshold = column[0] - 1.0 if k == 0 else column[-1] + 1.0
    else:
        threshold = (column[k - 1] + column[k]) / 2.0
    return int(excess), -1.0 if side == 0 else 1.0, float(threshold), int(both[side, k, excess])
