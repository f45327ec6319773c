"""Task `oja`: a linear rate neuron must find the first principal component of its input and normalise itself.

The set-up is that of Mettler, Schmidt, Senn, Petrovici & Jordan, GECCO 2021 (arXiv:2102.04312).
"""

from __future__ import annotations

import math
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
from rulesearch.simulate.codes import OK, STATUS
from rulesearch.simulate.machine.kernel import compiled
from rulesearch.simulate.rate.gradient import rate_gradient
from rulesearch.simulate.rate.neuron import RateInputs, simulate_rate, simulate_rates
from rulesearch.simulate.rate.programs import lowpasses_of
from rulesearch.tasks.conditions import Stress, Times
from rulesearch.tasks.declaration import (
    PERMUTATION,
    WEIGHT_NOISE,
    Fidelity,
    Setting,
    Settings,
    TaskSymbol,
    damage_of,
    permuted_order,
)
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Activity, TimeCourse, Trial

Array = npt.NDArray[np.float64]

_TRAINING_SHARE = 0.9
_RECORDS = 180
_SHOWN = 100
_SILENT_NORM = 1e-6


@dataclass(frozen=True, slots=True)
class OjaData:
    """The data sets of one seed.

    **Fields:** `inputs` `(points, data sets, dims)`; `covariances` `(data sets, dims, dims)`; `components`
    `(data sets, dims)`, their first eigenvectors; `initial` `(data sets, dims)`, unit weight vectors; `penalty`
    `(data sets,)`, what a squared deviation of the length from 1 costs: dims times the largest variance.
    """

    inputs: Array
    covariances: Array
    components: Array
    initial: Array
    penalty: Array


def random_spd(dims: int, rng: np.random.Generator) -> Array:
    """Return a random symmetric positive definite matrix `(dims, dims)`, scaled to a largest element of 1.

    The construction is that of scikit-learn's `make_spd_matrix`: U (1 + diag(u)) V^T from the singular vectors
    of A^T A, with A and u uniform in [0, 1] and 1 the matrix of ones.
    """
    a = rng.uniform(size=(dims, dims))
    u, _, vt = np.linalg.svd(a.T @ a)
    matrix = u @ (1.0 + np.diag(rng.uniform(size=dims))) @ vt
    matrix = (matrix + matrix.T) / 2.0
    return np.asarray(matrix / np.max(np.abs(matrix)))


def separated_spectrum(dims: int, minor: float, rng: np.random.Generator) -> Array:
    """Return a covariance `(dims, dims)` with eigenvalues (1, minor, ..., minor) and random axes."""
    q, r = np.linalg.qr(rng.normal(size=(dims, dims)))
    axes = q * np.sign(np.diag(r))
    return np.asarray((axes * np.array([1.0] + [minor] * (dims - 1))) @ axes.T)


@lru_cache(maxsize=8)
def oja_data(seed: int, data_sets: int, dims: int, points: int, minor: float) -> OjaData:
    """Return the data sets of a seed; `minor` 0 asks for random covariances."""
    inputs = np.empty((points, data_sets, dims))
    covariances = np.empty((data_sets, dims, dims))
    components = np.empty((data_sets, dims))
    initial = np.empty((data_sets, dims))
    for index, child in enumerate(np.random.SeedSequence(seed).spawn(data_sets)):
        rng = np.random.Generator(np.random.PCG64(child))
        covariance = separated_spectrum(dims, minor, rng) if minor > 0 else random_spd(dims, rng)
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(values)
        inputs[:, index, :] = rng.normal(size=(points, dims)) @ root.T
        start = rng.uniform(-1.0, 1.0, size=dims)
        covariances[index] = covariance
        components[index] = vectors[:, -1]
        initial[index] = start / np.linalg.norm(start)
    penalty = dims * np.max(np.diagonal(covariances, axis1=1, axis2=2), axis=1)
    return OjaData(inputs, covariances, components, initial, penalty)


class Oja(Task):
    """Find the first principal component of the input, with weights of length 1.

    The loss is 1 - F/data_sets, with the fitness F = sum over data sets of the mean, over the second half of
    training, of |cos(w, PC1)| - a (|w| - 1)^2, a = dims times the largest variance (Mettler et al. 2021, fitness
    "angle"; they average over the whole of training, where the neuron is still on its way).
    """

    name = "oja"
    title = "first principal component in a rate neuron"
    summary = (
        "A linear rate neuron y = w x learns online from correlated Gaussian input; its weight vector must turn to "
        "the first principal component and reach length 1."
    )
    reference = (
        "Mettler, H. D., Schmidt, M., Senn, W., Petrovici, M. A. & Jordan, J. (2021). Evolving neuronal plasticity "
        "rules using Cartesian genetic programming. arXiv:2102.04312."
    )
    doi = "10.48550/arXiv.2102.04312"
    bibtex = """@misc{mettler2021,
  author = {Mettler, Henrik D. and Schmidt, Maximilian and Senn, Walter and Petrovici, Mihai A. and Jordan, Jakob},
  title = {Evolving Neuronal Plasticity Rules using Cartesian Genetic Programming},
  year = {2021},
  eprint = {2102.04312},
  archivePrefix = {arXiv}
}"""
    slots = ("on_step",)
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        "x": TaskSymbol("activity of the presynaptic neuron"),
        "y": TaskSymbol("activity of the postsynaptic neuron, the sum of w x over its synapses"),
        "w": TaskSymbol("weight of the synapse; it may be negative"),
        "x_bar": TaskSymbol("running mean of x", state=Lowpass(parse_expression("x"), 100.0, in_steps=True)),
        "y_bar": TaskSymbol("running mean of y", state=Lowpass(parse_expression("y"), 100.0, in_steps=True)),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "dims": Setting(2, "number of inputs; above 2: eigenvalues (1, 0.3, ..., 0.3)", 2, 200, whole=True),
        "eta": Setting(0.01, "learning rate of rules that give none (above 2 inputs: 0.005)", 1e-9, 10.0),
        "points": Setting(
            2000, "points of each data set, 90 % of them for training (above 2 inputs: 20000)", 100, 1e7, True
        ),
        "data_sets": Setting(10, "number of data sets of a seed", 1, 1000, whole=True),
        "permutation": PERMUTATION,
        "minor": Setting(0, "eigenvalue of the minor components; 0: random covariance (above 2 inputs: 0.3)", 0, 0.999),
        "w_start": Setting(1.0, "length of the weight vector at the start", 1e-3, 100.0),
        "weight_noise": WEIGHT_NOISE,
    }
    fidelities = (Fidelity("full", 1, "all data sets of one seed"),)
    reached = "20 of 20 searches"
    paper_took = "Mettler et al. 2021: up to 2,000 generations of 4 candidates, 10 data sets of 2,000 points each"
    clock = "steps"
    # One start in a few thousand is nearly orthogonal to the component: it alone can decide a mean of five seeds.
    protocol = Protocol(aims=("direction_loss", "length_loss"), front_trials=20)
    stress = Stress(
        step="it counts presentations",
        start=({"w_start": Times(0.1)}, {"w_start": Times(3.0)}),
        inputs=({"minor": 0.1}, {"minor": 0.6}),
        missing="without a synapse an input is gone, and the task is the one with fewer inputs",
    )
    bounds = (-np.inf, np.inf)
    grammar = "rate"
    known_rule = "oja"

    def check(self, rules: RuleSet) -> None:
        """Refuse rules that this task cannot run, also those with states that a rate neuron does not have.

        **Raises:** `RulesearchError`.
        """
        super().check(rules)
        for rule in rules.rules.values():
            lowpasses_of(rule)

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        if values["dims"] > 2:
            for name, value in (("eta", 0.005), ("points", 20000.0), ("minor", 0.3)):
                if name not in given:
                    values[name] = value
        return values

    def network(self, settings: Settings) -> str:
        """Return the size of the neuron and of its data."""
        data = f"{settings['data_sets']:g} data sets of {settings['points']:,.0f} points"
        return f"one linear neuron of {settings['dims']:g} inputs, {data} a candidate"

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the number of presentations, over all data sets."""
        return settings["data_sets"] * int(settings["points"] * _TRAINING_SHARE)

    def baseline(self, settings: Settings) -> RuleSet:
        return known_rule("oja").rules

    def control(self, settings: Settings) -> RuleSet:
        """Return Hebb's rule, which runs away."""
        return parse_rules("x*y")

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        return self.trials([rules], seed, settings, fidelity, backend)[0]

    def trials(
        self, candidates: Sequence[BoundSet], seed: int, settings: Settings, fidelity: str, backend: str = "vm"
    ) -> list[Trial]:
        dims, data_sets = int(settings["dims"]), int(settings["data_sets"])
        data = _data(seed, settings)
        training = _training(*_key(seed, settings))
        steps = len(training.lanes)
        every = max(1, steps // _RECORDS)
        single = [rules.only() for rules in candidates]
        results = simulate_rates(
            single,
            training,
            data.initial,
            [rule.eta for rule in single],
            every,
            bounds=[rule.bounds for rule in single],
            backend=backend,
        )
        found = []
        for result in results:
            work = result.steps * data_sets * dims
            if result.code == OK:
                found.append(_score(result.weights, data, work))
            else:
                found.append(Trial(STATUS[result.code], None, work=work, died_at=result.steps / steps))
        return found

    def activity(self, rules: BoundSet, seed: int, settings: Settings) -> Activity:
        """Return input, output and weight of every synapse at every presentation of the training."""
        rule = rules.only()
        dims, data_sets = int(settings["dims"]), int(settings["data_sets"])
        data = _data(seed, settings)
        inputs = data.inputs[: int(len(data.inputs) * _TRAINING_SHARE)]
        result = simulate_rate(rule, inputs, data.initial, rule.eta, 1, bounds=rule.bounds)
        before = np.concatenate([data.initial[None], result.weights[: result.steps]])
        seen = inputs[: len(before) - 1]
        output = np.einsum("tdi,tdi->td", seen, before[:-1])
        width = data_sets * dims
        series = {
            "x": seen.reshape(-1, width),
            "y": np.repeat(output, dims, axis=1),
            "w": before[:-1].reshape(-1, width),
        }
        every = max(1, len(before) // _SHOWN)
        times = np.arange(0, len(before), every, dtype=np.float64)
        return Activity(series, times=times, weights=before[::every].reshape(-1, width))

    def courses(self, rules: BoundSet, seed: int, settings: Settings) -> tuple[TimeCourse, ...]:
        """Return the length of the weight vector and its angle to the first component, medians over the data sets."""
        activity = self.activity(rules, seed, settings)
        data = _data(seed, settings)
        weights = activity.weights.reshape(len(activity.times), *data.initial.shape)
        with np.errstate(all="ignore"):
            norms = np.linalg.norm(weights, axis=2)
            cosines = np.abs(np.einsum("tdi,di->td", weights, data.components)) / norms
            angles = np.degrees(np.arccos(np.clip(cosines, 0.0, 1.0)))
        return (
            TimeCourse("length of the weight vector", activity.times, np.median(norms, axis=1), 1.0),
            TimeCourse("angle to PC 1 [degrees]", activity.times, np.median(angles, axis=1), 0.0),
        )

    def gradient(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str) -> tuple[float, Array]:
        """Differentiate the loss through every presentation; bounds of the weight are left out."""
        rule = rules.only()
        data = _data(seed, settings)
        steps = int(len(data.inputs) * _TRAINING_SHARE)
        every = max(1, steps // _RECORDS)
        judged = (data.components, data.penalty)
        return rate_gradient(rule, data.inputs[:steps], data.initial, rule.eta, every, _loss, judged)


def _loss(xp: Any, weights: Any, data: Any) -> Any:
    """Return the loss of recorded weights as `_score` does, in the functions of `xp`, which may differentiate."""
    components, penalty = data
    half = weights[weights.shape[0] // 2 :]
    norms = xp.sqrt(xp.sum(half**2, axis=-1))
    cosines = xp.abs(xp.sum(half * components, axis=-1)) / norms
    return xp.mean(1.0 - cosines + penalty * (norms - 1.0) ** 2)


def _key(seed: int, settings: Settings) -> tuple[int, int, int, int, float]:
    return seed, int(settings["data_sets"]), int(settings["dims"]), int(settings["points"]), settings["minor"]


@lru_cache(maxsize=8)
def _training(seed: int, data_sets: int, dims: int, points: int, minor: float) -> RateInputs:
    """Return the inputs of the training of a seed."""
    inputs = oja_data(seed, data_sets, dims, points, minor).inputs
    return RateInputs.of(inputs[: int(len(inputs) * _TRAINING_SHARE)])


def _data(seed: int, settings: Settings) -> OjaData:
    """Return the data sets of a seed under the settings; permuted, each is judged by another one's component."""
    data = oja_data(*_key(seed, settings))
    damage, start = damage_of(settings), data.initial * settings["w_start"]
    if damage:
        noise = np.random.SeedSequence(seed).spawn(len(start) + 1)[-1]
        start = start * damage.factors(start.size, np.random.Generator(np.random.PCG64(noise))).reshape(start.shape)
    data = replace(data, initial=start)
    order = permuted_order(len(data.components), settings["permutation"])
    return data if settings["permutation"] == 0.0 else replace(data, components=data.components[order])


def _score(weights: Array, data: OjaData, work: int) -> Trial:
    direction, length, cosine, norm, least = _direction_and_length(weights, data.components, data.penalty)
    if least < _SILENT_NORM:
        return Trial("silent", None, {"norm": norm}, work=work)
    directions, lengths = direction.tolist(), length.tolist()
    direction_loss, length_loss = sum(directions) / len(directions), sum(lengths) / len(lengths)
    loss = direction_loss + length_loss
    metrics = {
        "angle_deg": math.degrees(math.acos(min(cosine, 1.0))),
        "norm": norm,
        "fitness": 10.0 * (1.0 - loss),
        "direction_loss": direction_loss,
        "length_loss": length_loss,
    }
    cases = tuple(2.0 * value for value in directions + lengths)
    return Trial("ok", loss, metrics, cases, work)


@compiled(error_model="numpy")
def _direction_and_length(weights: Any, components: Any, penalty: Any) -> Any:
    """Return, per data set, the means over the second half of 1 - |cos| and penalty (|w| - 1)^2.

    Then, at the end: the median |cos|, the mean |w| and the smallest |w|.

    **Arguments:** `weights` `(records, data sets, inputs)`; `components` `(data sets, inputs)`, unit vectors;
    `penalty` `(data sets,)`.
    """
    records, data_sets, width = weights.shape
    direction, length = np.zeros(data_sets), np.zeros(data_sets)
    cosines, norms = np.zeros(data_sets), np.zeros(data_sets)
    first = records // 2
    for record in range(first, records):
        for k in range(data_sets):
            along, square = 0.0, 0.0
            for i in range(width):
                value = weights[record, k, i]
                along += value * components[k, i]
                square += value * value
            norms[k] = np.sqrt(square)
            cosines[k] = abs(along) / norms[k] if norms[k] > 0.0 else 0.0
            direction[k] += 1.0 - cosines[k]
            length[k] += penalty[k] * (norms[k] - 1.0) ** 2
    done = records - first
    return direction / done, length / done, np.median(cosines), norms.mean(), norms.min()
