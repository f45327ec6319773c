"""Task `pca-network`: neurons with lateral connections must find the principal components of their input, in order.

The network is that of Rubner & Tavan 1989 (doi:10.1209/0295-5075/10/7/015): y_i = w_i x + sum over j < i of l_ij y_j.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.expression.parser import parse_expression
from rulesearch.rules.bound import BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.states import Lowpass
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.damage import UNDAMAGED, Damage
from rulesearch.simulate.rate.network import Connection, Layer, RateNetwork
from rulesearch.simulate.rate.network_gradient import network_gradient
from rulesearch.simulate.rate.network_simulation import RateRecording, RateSimulation
from rulesearch.tasks.conditions import Stress, Times
from rulesearch.tasks.declaration import (
    PERMUTATION,
    WEIGHT_NOISE,
    Fidelity,
    Requirement,
    Setting,
    Settings,
    TaskSymbol,
    damage_of,
    permuted_order,
)
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import TimeCourse, Trial

Array = npt.NDArray[np.float64]

OUTPUTS = 3
SPECTRUM = np.array([1.0, 0.6, 0.35, 0.15, 0.05])
"""Eigenvalues of the covariance of the input, descending."""

_RECORDS = 100
_SILENT_NORM = 1e-6
_ANGLE = 6.0
_CORRELATION = 0.1
_NORM = (0.9, 1.1)
_LONGEST = 10.0
"""Length of a weight vector from which on it has run away: it should be 1."""


@dataclass(frozen=True, slots=True)
class PcaData:
    """The data sets of one seed.

    **Fields:** `simulation` of the network on them; `covariances` `(data sets, inputs, inputs)`; `components`
    `(data sets, inputs, inputs)`: row i is the i-th component.
    """

    simulation: RateSimulation
    covariances: Array
    components: Array


@lru_cache(maxsize=16)
def pca_data(
    seed: int,
    data_sets: int,
    presentations: int,
    symmetric: bool,
    input_sd: float = 1.0,
    start_length: float = 1.0,
    damage: Damage = UNDAMAGED,
) -> PcaData:
    """Return the data sets of a seed: Gaussian input, its axes turned at random, and random weights to start from.

    **Arguments:** `input_sd` along the first component; `start_length`: root mean square length of the weight vectors.
    """
    inputs, root = SPECTRUM.size, np.random.SeedSequence(seed)
    spectrum = SPECTRUM * input_sd**2
    shown = np.empty((presentations, data_sets, inputs))
    start = np.empty((data_sets, OUTPUTS, inputs))
    components = np.empty((data_sets, inputs, inputs))
    for index, child in enumerate(root.spawn(data_sets)):
        rng = np.random.Generator(np.random.PCG64(child))
        q, r = np.linalg.qr(rng.normal(size=(inputs, inputs)))
        components[index] = (q * np.sign(np.diag(r))).T
        start[index] = rng.normal(size=(OUTPUTS, inputs)) / np.sqrt(inputs) * start_length
        shown[:, index] = rng.normal(size=(presentations, inputs)) * np.sqrt(spectrum) @ components[index]
    if damage:
        noise = np.random.Generator(np.random.PCG64(root.spawn(1)[0]))
        start *= damage.factors(start.size, noise).reshape(start.shape)
    network = RateNetwork(
        {"input": inputs},
        [Layer("output", OUTPUTS)],
        [
            Connection("feedforward", "input", "output", weight=start, rule="feedforward"),
            Connection("lateral", "output", "output", "off-diagonal" if symmetric else "lower", rule="lateral"),
        ],
    )
    covariances = np.einsum("dki,k,dkj->dij", components, spectrum, components)
    return PcaData(RateSimulation(network, {"input": shown}, norm_limit=_LONGEST), covariances, components)


class PcaNetwork(Task):
    """Turn the weights of three neurons to the first three principal components, in order, with length 1.

    The loss is the sum of three parts, each a mean over data sets: of 1 - |cos(w_i, PC_i)| over neurons, of
    (|w_i| - 1)^2 over neurons, both also over the second half of training, and of the squared correlations of the
    outputs over that half. One output after the other can be won: neuron 1 by a feedforward rule alone; each further
    one once what it shares with those before it is taken out. Each part of each neuron is a case.

    With symmetric lateral weights no neuron comes before another, and only the subspace of the first three components
    is asked for: the cosines are then those of the principal angles between it and the weights.
    """

    name = "pca-network"
    title = "principal components in order, by two rules"
    summary = (
        "Three linear neurons with lateral weights learn online from correlated Gaussian input; neuron i must turn to "
        "the i-th principal component. A feedforward and a lateral rule are sought together."
    )
    reference = (
        "Rubner, J. & Tavan, P. (1989). A self-organizing network for principal-component analysis. Europhysics "
        "Letters 10, 693-698."
    )
    doi = "10.1209/0295-5075/10/7/015"
    bibtex = known_rule("rubner-tavan").bibtex.strip()
    slots = ("on_step",)
    rule_names = ("feedforward", "lateral")
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        "x": TaskSymbol("activity of the presynaptic neuron: an input, or another output"),
        "y": TaskSymbol("activity of the postsynaptic neuron"),
        "w": TaskSymbol("weight of the synapse; it may be negative"),
        "recon": TaskSymbol("Sanger's reconstruction, the sum over j <= i of y_j w_j"),
        "x_bar": TaskSymbol("running mean of x", state=Lowpass(parse_expression("x"), 100.0, in_steps=True)),
        "y_bar": TaskSymbol("running mean of y", state=Lowpass(parse_expression("y"), 100.0, in_steps=True)),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(0.005, "learning rate of a feedforward rule that gives none", 1e-9, 10.0),
        "lateral_eta": Setting(0.02, "learning rate of a lateral rule that gives none", 1e-9, 10.0),
        "presentations": Setting(40000, "presentations of each data set", 200, 1e7, True),
        "data_sets": Setting(4, "number of data sets of a seed", 1, 1000, whole=True),
        "symmetric": Setting(0, "1: lateral weights between all outputs, scored by the subspace", 0, 1, whole=True),
        "permutation": PERMUTATION,
        "input_sd": Setting(1.0, "s.d. of the input along its first component", 0.01, 100.0),
        "w_start": Setting(1.0, "root mean square length of the weight vectors at the start", 1e-3, 10.0),
        "weight_noise": WEIGHT_NOISE,
    }
    fidelities = (
        Fidelity("screen", 1, "one seed, an eighth of the presentations"),
        Fidelity("full", 1, "all data sets of one seed"),
    )
    requirements = (
        *(Requirement(f"angle_{i + 1}_deg", most=_ANGLE) for i in range(OUTPUTS)),
        Requirement("output_correlation", most=_CORRELATION),
        Requirement("norm", *_NORM),
    )
    reached = "18 of 20 searches; 0 of 20 random ones"
    clock = "steps"
    bounds = (-np.inf, np.inf)
    grammar = "pca-network"
    known_rule = "rubner-tavan"
    protocol = Protocol(aims=("direction_loss", "length_loss", "correlation_loss"))
    stress = Stress(
        step="it counts presentations",
        size="it asks for the components that three neurons find",
        inputs=({"input_sd": Times(0.5)}, {"input_sd": Times(1.5)}),
        missing="a neuron that lacks a synapse cannot turn to a component",
    )

    def default_eta_of(self, name: str, settings: Settings) -> float:
        """Return the setting `eta` for the feedforward rule, `lateral_eta` for the lateral one."""
        return settings["lateral_eta" if name == "lateral" else "eta"]

    def network(self, settings: Settings) -> str:
        """Return the size of the network and of its data."""
        data = f"{settings['data_sets']:g} data sets of {_presentations(settings, 'full'):,} presentations"
        return f"{OUTPUTS} linear neurons of {SPECTRUM.size} inputs, {data} a candidate"

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the number of presentations, over all data sets."""
        return settings["data_sets"] * _presentations(settings, fidelity)

    def baseline(self, settings: Settings) -> RuleSet:
        return known_rule("rubner-tavan").rules

    def control(self, settings: Settings) -> RuleSet:
        """Return Oja's rule without lateral weights, by which every neuron finds the first component."""
        return parse_rules("feedforward[y*(x - w*y)]; lateral[0*x]")

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the known set, Sanger's rule, which reads the weights of other neurons, and the control."""
        sanger = parse_rules("feedforward[y*(x - recon)]; lateral[0*x]")
        known = {self.known_rule: self.baseline(settings), "sanger": sanger}
        return {**known, "control": self.control(settings)}

    def report_conditions(self) -> tuple[Mapping[str, float], ...]:
        """Return the setting under which lateral weights are symmetric."""
        return ({"symmetric": 1.0},)

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        return self.trials([rules], seed, settings, fidelity, backend)[0]

    def trials(
        self, candidates: Sequence[BoundSet], seed: int, settings: Settings, fidelity: str, backend: str = "vm"
    ) -> list[Trial]:
        data = _data(seed, settings, fidelity)
        steps = data.simulation.steps
        found = data.simulation.run_each(candidates, *_recorded(steps), backend)
        return [_trial(each, data, steps, bool(settings["symmetric"])) for each in found]

    def gradient(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str) -> tuple[float, Array]:
        """Differentiate the loss through every presentation; lateral weights must not be symmetric."""
        data = _data(seed, settings, fidelity)
        judged = (data.covariances, data.components)
        loss, slopes = network_gradient(data.simulation, rules, *_recorded(data.simulation.steps), _loss, judged)
        return loss, np.concatenate([slopes[name] for name in rules.rules])

    def courses(self, rules: BoundSet, seed: int, settings: Settings) -> tuple[TimeCourse, ...]:
        """Return the angle of each neuron's weights to its component and their lengths, medians over the data sets."""
        data = _data(seed, settings, self.fidelities[-1].name)
        found = data.simulation.run(rules, max(1, data.simulation.steps // _RECORDS))
        weights = found.weights["feedforward"]
        with np.errstate(all="ignore"):
            angles = np.median(_angles(_cosines(np, weights, data.components, bool(settings["symmetric"]))), axis=1)
            lengths = np.median(np.linalg.norm(weights, axis=3), axis=1)
        times: Array = found.at + np.float64(1.0)
        what = "principal angle" if settings["symmetric"] else "angle to PC"
        return (
            *(TimeCourse(f"{what} {i + 1} [degrees]", times, angles[:, i], 0.0) for i in range(OUTPUTS)),
            *(TimeCourse(f"length of weight vector {i + 1}", times, lengths[:, i], 1.0) for i in range(OUTPUTS)),
        )


def _presentations(settings: Settings, fidelity: str) -> int:
    share = 8 if fidelity == "screen" else 1
    return max(_RECORDS, int(settings["presentations"]) // share)


def _recorded(steps: int) -> tuple[int, int]:
    """Return every how many steps weights are written down, and from which step on: the second half."""
    return max(1, (steps - steps // 2) // _RECORDS), steps // 2


def _data(seed: int, settings: Settings, fidelity: str) -> PcaData:
    """Return the data sets of a seed under the settings; permuted, each is judged by another one's components."""
    counted = int(settings["data_sets"]), _presentations(settings, fidelity), bool(settings["symmetric"])
    data = pca_data(seed, *counted, settings["input_sd"], settings["w_start"], damage_of(settings))
    order = permuted_order(len(data.components), settings["permutation"])
    return data if settings["permutation"] == 0.0 else replace(data, components=data.components[order])


def _trial(found: RateRecording, data: PcaData, steps: int, symmetric: bool) -> Trial:
    data_sets = data.simulation.data_sets
    synapses = OUTPUTS * SPECTRUM.size + OUTPUTS * (OUTPUTS - 1) // (1 if symmetric else 2)
    work = found.steps * data_sets * synapses
    if found.status != "ok":
        return Trial(found.status, None, work=work, died_at=found.steps / steps)
    weights = found.weights["feedforward"]
    lengths = np.linalg.norm(weights, axis=3)
    try:
        with np.errstate(all="ignore"):
            cosines = _cosines(np, weights, data.components, symmetric)
            pairs = _pairs(np, weights, found.weights["lateral"], data.covariances)
    except np.linalg.LinAlgError:  # symmetric weights that the last step made ones with which nothing settles
        return Trial("exhausted", None, work=work)
    # Lateral weights may cancel all that a neuron gets: it is silent as well.
    if lengths[-1].min() < _SILENT_NORM or not np.all(np.isfinite(pairs)):
        return Trial("silent", None, {"norm": float(lengths.mean())}, work=work)
    direction, length, shared = _parts(np, cosines, lengths, pairs)
    angles = np.median(_angles(cosines), axis=(0, 1)).tolist()
    metrics = {
        **{f"angle_{i + 1}_deg": angle for i, angle in enumerate(angles)},
        "output_correlation": float(np.median(np.abs(pairs).max(axis=1))),
        "norm": float(lengths.mean()),
        "direction_loss": float(direction.mean()),
        "length_loss": float(length.mean()),
        "correlation_loss": float(shared.mean()),
    }
    parts = np.concatenate((direction, length, shared))
    cases = tuple(float(part) for part in 3.0 * parts)
    details = {"angles_deg": tuple(angles), "norms": tuple(lengths.mean(axis=(0, 1)).tolist())}
    return Trial("ok", sum(cases) / len(cases), metrics, cases, work, details=details)


def _loss(xp: Any, recorded: Mapping[str, Any], data: tuple[Any, Any]) -> Any:
    """Return the loss of recorded weights as `_trial` does, in the functions of `xp`, which may differentiate."""
    covariances, components = data
    weights = recorded["feedforward"]
    lengths = xp.sqrt(xp.sum(weights**2, axis=3))
    pairs = _pairs(xp, weights, recorded["lateral"], covariances)
    parts = _parts(xp, _cosines(xp, weights, components, False), lengths, pairs)
    return sum(xp.mean(part) for part in parts)


def _parts(xp: Any, cosines: Any, lengths: Any, pairs: Any) -> tuple[Any, Any, Any]:
    """Return what directions, lengths (by neuron) and correlations (by pair) cost."""
    direction, length = xp.mean(1.0 - cosines, axis=(0, 1)), xp.mean((lengths - 1.0) ** 2, axis=(0, 1))
    return direction, length, xp.mean(pairs**2, axis=0)


def _pairs(xp: Any, weights: Any, lateral: Any, covariances: Any) -> Any:
    """Return the correlation of each pair of outputs `(data sets, pairs)`."""
    return output_correlations(xp, weights, lateral, covariances)[:, *np.tril_indices(OUTPUTS, -1)]


def _cosines(xp: Any, weights: Any, components: Any, symmetric: bool) -> Any:
    """Return |cos| of the angles that are asked for `(records, data sets, neurons)`: to components, or principal ones.

    **Arguments:** `weights` `(records, data sets, neurons, inputs)`; `components` as in `PcaData`.
    """
    wanted = components[:, :OUTPUTS]
    if symmetric:
        axes = xp.linalg.qr(xp.swapaxes(weights, 2, 3))[0]
        return xp.linalg.svd(wanted @ axes, compute_uv=False)
    return xp.abs(xp.einsum("rdki,dki->rdk", weights, wanted)) / xp.sqrt(xp.sum(weights**2, axis=3))


def _angles(cosines: Array) -> Array:
    angles: Array = np.degrees(np.arccos(np.clip(cosines, 0.0, 1.0)))
    return angles


def output_correlations(xp: Any, weights: Any, lateral: Any, covariances: Any) -> Any:
    """Return the correlations of the outputs over all records `(data sets, neurons, neurons)`.

    Each record stands for a stretch with these weights, in which y = M x with M = (1 - L)^-1 W has the covariance
    M C M^T.

    **Arguments:** `xp`: NumPy or what works like it; `weights` `(records, data sets, neurons, inputs)`; `lateral`
    `(records, data sets, neurons, neurons)`; `covariances` `(data sets, inputs, inputs)`.
    """
    whole = xp.linalg.solve(xp.eye(lateral.shape[-1]) - lateral, weights)
    joint = xp.einsum("rdij,djk,rdlk->dil", whole, covariances, whole)
    deviation = xp.sqrt(xp.einsum("dii->di", joint))
    return joint / (deviation[:, :, None] * deviation[:, None, :])
