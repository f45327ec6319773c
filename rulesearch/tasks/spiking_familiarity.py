"""A recurrent network whose synapses all learn must respond to a stimulus that it was shown otherwise than to another.

The network of `coactive_network` under the protocol of Confavreux et al. 2025 (doi:10.1101/2025.05.28.656584) and its
public code: afferents on a grid, of which each excitatory neuron sees a circle; a stimulus is some rows of the grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.rules.bound import BoundSet
from rulesearch.rules.rule import RuleSet
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.recording import Record
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import Poisson
from rulesearch.simulate.network.wiring import Pairs
from rulesearch.tasks.coactive_network import (
    INPUT,
    NEURONS,
    CoactiveTask,
    mean_weights,
    network_settings,
    networks_of,
    neurons_at,
    populations,
    recurrent_projections,
    weight_metrics,
)
from rulesearch.tasks.conditions import Stress, Times
from rulesearch.tasks.declaration import Fidelity, Requirement, Setting, Settings, damage_of
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.recurrent import KINDS, LIMITS, excitatory_and_inhibitory
from rulesearch.tasks.trial import Trial

_SIDE, _RADIUS = 100, 8
"""Afferents along each side of the grid; circles of afferents have a smaller radius."""
_ACTIVE = 500
_STIMULI = (2000, 7500)
"""The first afferent of each stimulus, of `_ACTIVE` each."""
_SHOWN = 60.0
"""Rate of the afferents of a stimulus while it is shown [Hz]."""
_ON = 1.0
"""How long a stimulus is shown in a test [s]."""
_WAITS, _TESTS = 2, 4
"""Numbers of the phases of a trial: the break begins, the tests begin."""
_HALF = 0.1
"""Memory index at which half of the loss is left."""


class SpikingFamiliarity(CoactiveTask):
    """Tell a stimulus that was shown from one that was not, by the rate of the excitatory neurons.

    After training and a break, the state of the network is kept; from it the novel stimulus is shown, and from it again
    the familiar one. The memory index is $2 (r_n - r_f)/(r_n + r_f + 0.01)$: above 0, the novel stimulus excites
    more (novelty type), below 0 the familiar one does. A trial has several networks, and chance decides in each which
    of the two stimuli is shown in training, since more neurons see the one than the other; loss: $h/(h + |m|)$ with the
    mean index m and h = 0.1.
    """

    name = "spiking-familiarity"
    title = "four rules that make a recurrent network remember a stimulus"
    summary = (
        "All synapses of a recurrent network learn, each of the four kinds by a rule of its own; after a break it must "
        "respond to a stimulus that was shown otherwise than to one that was not."
    )
    reference = (
        "Confavreux, B., Vogels, T. P. and others (2025). Memory by a thousand rules. bioRxiv 2025.05.28.656584. "
        "https://doi.org/10.1101/2025.05.28.656584"
    )
    doi = "10.1101/2025.05.28.656584"
    bibtex = """@article{confavreux2025memory,
  author = {Confavreux, Basile and Vogels, Tim P. and others},
  title = {Memory by a thousand rules},
  journal = {bioRxiv},
  year = {2025},
  doi = {10.1101/2025.05.28.656584}
}
"""
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(0.01, "learning rate of rules that give none", 1e-6, 1.0),
        "settling": Setting(30.0, "time before training", 1.0, 3600.0, unit="s"),
        "training": Setting(10.0, "time in which the familiar stimulus is shown", 0.0, 3600.0, unit="s"),
        "interval": Setting(10.0, "break between training and the test", 1.0, 36_000.0, unit="s"),
        "background": Setting(10.0, "rate of afferents that show nothing", 0.1, 60.0, unit="Hz"),
        "frozen": Setting(0, "1: weights stay as they are from the training on, as a control", 0, 1, True),
        "shuffled": Setting(0, "1: weights of each kind are permuted after the training, as a control", 0, 1, True),
        "networks": Setting(5, "networks of a trial", 2, 1000, True),
        **network_settings(),
    }
    fidelities = (
        Fidelity("screen", 1, "one seed, an eighth of the neurons, but 640 at least, each with as many synapses"),
        Fidelity("full", 1, "one seed, as set"),
    )
    requirements = (Requirement("p_value", most=0.05),)
    grammar = "coactive-static"
    known_rule = "vogels"
    paper_took = (
        "Confavreux et al. 2025: 5,120 neurons; 2,850 sets of rules that earlier rounds found, up to four hours each"
    )
    protocol = Protocol(finalists=6, selection_trials=2, report_trials=4, evidence_rules=1, evidence_seeds=1)
    stress = Stress(duration=({"interval": Times(10.0)},), inputs=({"background": 5.0}, {"background": 15.0}))
    known_title = "the rule of Vogels et al. 2011 at IE synapses alone"

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the rule of Vogels et al. 2011 for IE synapses, the others static.

        Inhibition grows on what fires together with it, so that the familiar stimulus excites less, after Schulz et al.
        2021 (doi:10.7554/eLife.65309).
        """
        return self.parse(
            "EE[on_pre: 0]; EI[on_pre: 0]; IE[on_pre: y - 0.1; on_post: x; tau_x = 20 ms; tau_y = 20 ms]; II[on_pre: 0]"
        )

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the known rule, the published quartet and the control."""
        return {**super().references(settings), "confavreux-quartet": super().baseline(settings)}

    def control(self, settings: Settings) -> RuleSet:
        """Return rules under which all weights stay as they are."""
        return self.parse("; ".join(f"{kind}[on_pre: 0]" for kind in KINDS))

    def network(self, settings: Settings) -> str:
        """Return the number of neurons, and the time that a candidate takes at full fidelity."""
        networks = _networks(settings, "full")
        return networks_of(settings, networks, self.duration(settings, "full") / networks)

    def report_conditions(self) -> tuple[Mapping[str, float], ...]:
        """Return the size of the paper's network: searches are in smaller ones."""
        return ({"neurons": NEURONS},)

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time that is simulated [s]."""
        each = settings["settling"] + settings["training"] + settings["interval"] + 2.0 * _ON
        return each * _networks(settings, fidelity)

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Train networks, wait, and test them.

        **Returns:** metrics: `memory_index`, a mean over networks; `p_value` of a t-test that the indices of networks
        are 0 in the mean; `rate_novel_hz` and `rate_familiar_hz` of excitatory neurons while a stimulus is shown;
        `rate_e_hz` and `rate_i_hz` in the last second of the break; mean weights, `at_bounds` and `creep` over the
        break as in task `stability`.
        """
        count, neurons = _networks(settings, fidelity), neurons_at(settings, fidelity)
        found: list[dict[str, float]] = []
        work = 0
        for number in range(count):
            tested = _tested(rules, settings, np.random.SeedSequence([seed, 508, number]), neurons, backend)
            work += tested.work
            if tested.metrics is None:
                return Trial(tested.status, None, work=work, died_at=(number + tested.share) / count)
            found.append(tested.metrics)
        metrics = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
        indices = np.array([each["memory_index"] for each in found])
        metrics["p_value"] = _p_value(indices)
        loss = _HALF / (_HALF + abs(metrics["memory_index"]))
        return Trial("ok", loss, metrics, (loss,), work, details={"memory_indices": tuple(indices.tolist())})


@dataclass(frozen=True, slots=True)
class _Tested:
    """What one network did: its metrics, None where it did not live to the end; which share of the time it ran."""

    status: str
    metrics: dict[str, float] | None
    work: int
    share: float


def _tested(rules: BoundSet, settings: Settings, seed: np.random.SeedSequence, neurons: int, backend: str) -> _Tested:
    """Train one network, wait, and show it both stimuli from the same state."""
    drawn, seeds = seed.spawn(2)
    rng = np.random.Generator(np.random.PCG64(drawn))
    familiar, novel = rng.permutation(_STIMULI)
    simulation = Simulation(_network(rules, settings, rng, neurons), seeds, backend)
    before: dict[str, float] = {}
    state, rates, ran = None, [], 0.0
    phases = (
        (settings["settling"], None),
        (settings["training"], familiar),
        (settings["interval"] - 1.0, None),
        (1.0, None),
        (_ON, novel),
        (_ON, familiar),
    )
    weights: dict[str, float] = {}
    for number, (seconds, stimulus) in enumerate(phases):
        if number == _WAITS:
            before = mean_weights(simulation)
            if settings["shuffled"]:
                for kind in KINDS:
                    simulation.shuffle_weights(kind, rng)
        if number == _TESTS:
            state, weights = simulation.state(), weight_metrics(simulation, rules, before)
        if state is not None:
            simulation.restore(state)
        afferents = np.full(_SIDE * _SIDE, settings["background"])
        if stimulus is not None:
            afferents[stimulus : stimulus + _ACTIVE] = _SHOWN
        simulation.set_rates("input E", afferents)
        recording = simulation.run(seconds, Record([]), not (number and settings["frozen"]), LIMITS)
        ran += recording.stop - recording.start
        if recording.status != "ok":
            total = sum(seconds for seconds, _ in phases)
            return _Tested(recording.status, None, recording.work, min(1.0, ran / total))
        rates.append((recording.mean_rate("E"), recording.mean_rate("I")))
    (resting, inhibitory), (on_novel, _), (on_familiar, _) = rates[-3:]
    metrics = {
        "memory_index": 2.0 * (on_novel - on_familiar) / (on_novel + on_familiar + 0.01),
        "rate_novel_hz": on_novel,
        "rate_familiar_hz": on_familiar,
        "rate_e_hz": resting,
        "rate_i_hz": inhibitory,
        **weights,
    }
    return _Tested("ok", metrics, recording.work, 1.0)


def _networks(settings: Settings, fidelity: str) -> int:
    """Return how many networks a trial has: two at `screen`."""
    return min(2, int(settings["networks"])) if fidelity == "screen" else int(settings["networks"])


def _p_value(indices: npt.NDArray[np.float64]) -> float:
    """Return p of a t-test that indices are 0 in the mean; 1 where they are all the same, so that nothing is known."""
    # It takes longer to import than all the rest, and every command imports every task.
    from scipy.stats import ttest_1samp

    return 1.0 if np.ptp(indices) == 0.0 else float(ttest_1samp(indices, 0.0).pvalue)


def _receptive_fields(neurons: int, rng: np.random.Generator) -> Pairs:
    """Return which afferents each neuron sees: those of a circle around a place of the grid that is drawn."""
    row, column = np.divmod(np.arange(_SIDE * _SIDE), _SIDE)
    centres = rng.integers(0, _SIDE, (neurons, 2))
    near = [np.flatnonzero((row - r) ** 2 + (column - c) ** 2 < _RADIUS**2) for r, c in centres]
    return Pairs(np.concatenate(near), np.repeat(np.arange(neurons), [len(each) for each in near]))


def _network(rules: BoundSet, settings: Settings, rng: np.random.Generator, neurons: int) -> Network:
    """Return a network of so many neurons; stimuli reach the excitatory ones alone."""
    sizes = dict(zip("EI", excitatory_and_inhibitory(neurons), strict=True))
    inputs = [
        Projection(f"from input {target}", f"input {target}", target, "AMPA", _receptive_fields(size, rng), INPUT)
        for target, size in sizes.items()
    ]
    return Network(
        populations(neurons),
        [*inputs, *recurrent_projections(rules, settings["w_start"], neurons)],
        [Poisson(f"input {target}", _SIDE * _SIDE, settings["background"]) for target in sizes],
        settings["dt"] * 1e-3,
        damage=damage_of(settings),
    )
