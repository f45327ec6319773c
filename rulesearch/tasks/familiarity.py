r"""A layer that tells familiar stimuli from novel ones by what its synapses have kept of them.

The network of Tyulmankov, Yang & Abbott 2022 (doi 10.1016/j.neuron.2021.11.009) with the fixed weights of their
idealised solution instead of trained ones: hidden units $h = \sigma((W_1 + A) x + b)$, each with an address of its own
in the first components of the stimulus, so that one unit answers to a stimulus, and A, which starts at 0, follows the
rule once per stimulus. A stimulus is called novel where the summed response is above a threshold. The two numbers of
the readout that the paper trains by gradient descent, b and the threshold, are the best on a sequence of their own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import FREE, BoundRule, BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.simulate.damage import generators_of
from rulesearch.simulate.rate.network import Connection, Layer, RateNetwork
from rulesearch.simulate.rate.network_simulation import RateRecording, RateSimulation
from rulesearch.simulate.rate.programs import lowpasses_of
from rulesearch.tasks.conditions import Stress, Times
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Setting, Settings, TaskSymbol, damage_of
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial

Array = npt.NDArray[np.float64]

_SELECTIVITY = 5.0
"""First weights of a unit from each component of its address."""
_EXCESSES = np.linspace(1.0, 4.0, 13)
"""Input of a unit from a novel stimulus of its address."""
_THRESHOLDS = np.linspace(0.1, 0.9, 33)
_TRAINING, _FRESH = 3000, 10000
_PAPER = known_rule("hebbff")


class Familiarity(Task):
    """Tell stimuli that were there `interval` steps before from novel ones.

    The loss is the share of wrong answers over 10,000 fresh stimuli; a third of them are familiar. Noise
    is in fixed weights too; a synapse that is missing does not learn.
    """

    name = "familiarity"
    title = "familiar stimuli told from novel ones"
    summary = (
        "A layer of rate units sees random stimuli half of which, where the one some steps before was novel, repeat "
        "that one; what its synapses keep of each must change the response to the same one later."
    )
    reference = _PAPER.reference
    doi = _PAPER.doi
    bibtex = _PAPER.bibtex
    slots = ("on_step",)
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        "x": TaskSymbol("component of the stimulus, 1 or -1"),
        "y": TaskSymbol("activity of the hidden unit, from 0 to 1"),
        "w": TaskSymbol("weight that the synapse has learnt, besides its fixed one; it may be negative"),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(1.0, "learning rate of rules that give none", 1e-9, 1e6),
        "components": Setting(50, "components of a stimulus", 1, 10_000, whole=True),
        "units": Setting(32, "hidden units, a power of 2", 1, 1024, whole=True),
        "interval": Setting(28, "steps after which a stimulus is repeated", 1, 1000, whole=True),
        "stimuli": Setting(_FRESH, "fresh stimuli that are scored", 100, 1e6, whole=True),
        "w_start": Setting(0.0, "weights that the synapses have learnt before the first stimulus", -10.0, 10.0),
        **DAMAGE,
    }
    fidelities = (Fidelity("full", 1, "one sequence for the readout, one that is scored"),)
    clock = "steps"
    bounds = FREE
    grammar = ""
    known_rule = "hebbff"
    stress = Stress(
        step="it counts stimuli",
        start=({"w_start": -0.1}, {"w_start": 0.1}),
        inputs=({"interval": Times(0.5)},),
    )

    def check(self, rules: RuleSet) -> None:
        """Refuse rules that this task cannot run, also those with states that a rate network does not have.

        **Raises:** `RulesearchError`.
        """
        super().check(rules)
        for rule in rules.rules.values():
            lowpasses_of(rule)

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check that units have addresses that a stimulus can hold.

        **Raises:** `RulesearchError`.
        """
        units, components = int(values["units"]), int(values["components"])
        if units & (units - 1):
            raise RulesearchError(f"setting units of task {self.name} must be a power of 2, found {units}")
        if units > 2**components:
            raise RulesearchError(
                f"settings of task {self.name}: {components} components hold no addresses of {units} units; take at "
                f"least {units.bit_length() - 1}"
            )
        return values

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the number of stimuli."""
        return _TRAINING + settings["stimuli"]

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the published rule, with its constants for the default sizes."""
        return _PAPER.rules

    def control(self, settings: Settings) -> RuleSet:
        """Return the Hebbian rule with the same constants, by which a stimulus that was seen excites more."""
        return self.parse("-decay*w + gain*x*y; decay = 0.012; gain = 0.135")

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Fit the readout on one sequence of stimuli and answer to another.

        **Returns:** metrics `accuracy`: the share of right answers; `p_true_positive` and `p_false_positive`: the
        shares of familiar and of novel stimuli that are called familiar.
        """
        components, units, interval, fresh_stimuli = (
            int(settings[name]) for name in ("components", "units", "interval", "stimuli")
        )
        rule, root = rules.only(), np.random.SeedSequence([seed, 307])
        generators = [np.random.default_rng(child) for child in root.spawn(2)]
        network = _network(rule, components, units, settings, root)
        synapses = int(np.sum(network.mask(network.plastic[0])))
        stimuli, novel = _sequence(components, interval, _TRAINING, generators[0])
        training = _run(network, stimuli, _EXCESSES, backend)
        work, whole = training.steps * synapses * _EXCESSES.size, _TRAINING + fresh_stimuli
        if training.status != "ok":
            return Trial(training.status, None, work=work, died_at=training.steps / whole)
        responses = _responses(training)
        correct = np.array([np.mean((responses > each) == novel[:, None], axis=0) for each in _THRESHOLDS])
        threshold, excess = np.unravel_index(int(np.argmax(correct)), correct.shape)
        stimuli, novel = _sequence(components, interval, fresh_stimuli, generators[1])
        fresh = _run(network, stimuli, _EXCESSES[excess : excess + 1], backend)
        work += fresh.steps * synapses
        if fresh.status != "ok":
            return Trial(fresh.status, None, work=work, died_at=(_TRAINING + fresh.steps) / whole)
        responses = _responses(fresh)[:, 0]
        if not np.all(np.isfinite(responses)):
            return Trial("nonfinite", None, work=work)
        called = responses > _THRESHOLDS[threshold]
        metrics = {
            "accuracy": float(np.mean(called == novel)),
            "p_true_positive": float(np.mean(~called[~novel])),
            "p_false_positive": float(np.mean(~called[novel])),
        }
        loss = float(np.mean(called != novel))
        return Trial("ok", loss, metrics, (loss,), work)


def _sequence(
    components: int, interval: int, steps: int, generator: np.random.Generator
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return stimuli `(steps, components)` and which of them are novel."""
    stimuli = generator.choice([-1.0, 1.0], (steps, components))
    novel = np.ones(steps, dtype=np.bool_)
    repeats = generator.random(steps) < 0.5
    for step in range(interval, steps):
        if repeats[step] and novel[step - interval]:
            stimuli[step] = stimuli[step - interval]
            novel[step] = False
    return stimuli, novel


def _network(
    rule: BoundRule, components: int, units: int, settings: Settings, seeds: np.random.SeedSequence
) -> RateNetwork:
    """Return the layer; what is wrong with its synapses is drawn from a child of the seeds."""
    bits, damage, shape = round(math.log2(units)), damage_of(settings), (units, components)
    fixed = np.zeros(shape)
    fixed[:, :bits] = _SELECTIVITY * np.array(list(itertools.product((-1.0, 1.0), repeat=bits)))
    wiring: str | npt.NDArray[np.bool_] = "all"
    weight: float | Array = settings["w_start"]
    if damage:
        missing, noise = generators_of(seeds)
        wiring = damage.there(units * components, missing).reshape(shape)
        fixed = fixed * damage.factors(units * components, noise).reshape(shape)
        weight = weight * damage.factors(units * components, noise).reshape(shape)
    return RateNetwork(
        {"stimulus": components, "excess": 1},
        [Layer("hidden", units, "sigmoid", -_SELECTIVITY * bits)],
        [
            Connection("fixed", "stimulus", "hidden", weight=fixed),
            Connection("excess", "excess", "hidden", weight=1.0),
            Connection("kept", "stimulus", "hidden", wiring, weight, rule),
        ],
    )


def _run(network: RateNetwork, stimuli: Array, excesses: Array, backend: str) -> RateRecording:
    """Show stimuli to a network for each excess."""
    shown = {
        "stimulus": stimuli[:, None, :],
        "excess": np.broadcast_to(excesses[None, :, None], (len(stimuli), excesses.size, 1)),
    }
    return RateSimulation(network, shown, norm_limit=math.inf).run(backend=backend, connections=[])


def _responses(recording: RateRecording) -> Array:
    """Return the summed responses `(steps, excesses)` of the networks."""
    found: Array = recording.outputs["hidden"].sum(axis=2)
    return found
