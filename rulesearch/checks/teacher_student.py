r"""Students that learn the membrane potential of a teacher under the same input.

The error-driven task of Jordan et al. 2021 (doi 10.7554/eLife.66273) and of its public code. Student and teacher have
exponential synaptic currents and no reset; every 5 ms the student is told the teacher's potential, which it keeps until
the next time. The weight [pA] follows the rule through a low-pass of 100 ms. psp is the potential [mV] of one synapse
per pA, v and v_target are absolute, from the rest of -70 mV.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rulesearch.checks.simulations import Measures
from rulesearch.expression.parser import parse_expression
from rulesearch.expression.tree import Expression
from rulesearch.rules import Lowpass, Rule, RuleSet, Synaptic, Trace
from rulesearch.simulate import AllToAll, Network, Neuron, Poisson, Population, Projection, Receptor, Record
from rulesearch.simulate import Simulation as NetworkSimulation

_DT = 1e-4
_REST = -70.0
_SYNAPSE, _MEMBRANE, _LEAK = 0.002, 0.01, 25.0
_INDUCTION = 0.1
"""Time constant of the low-pass between rule and weight [s]."""
_INPUTS, _RATES = 5, (150.0, 850.0)
_TEACHER, _FIRST = (-5.0, 35.0), 5.0
"""Range of the teacher's weights: -20 to 20 shifted by 15, always upwards; the student's first weight [pA]."""
_TOLD, _SAMPLED = 0.005, 0.001
"""How often the student is told the target, and how often potentials are compared [s]."""
_SKIPPED = 0.1
"""Share of the time before potentials count."""
_ETA = 1700.0
"""Learning rate of a rule that gives none [pA/s]: 1.7 per ms."""


def teacher_student(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Let students learn from teachers, one pair per experiment.

    **Settings:** `experiments`; `seconds` (default 10).
    **Returns:** `fitness`: minus the root of the summed squares of the differences of potentials [mV], a mean over
    experiments; `rms_mV`: the root of their mean square instead.
    """
    found = _errors(rules.only(), settings, seed)
    if found is None:
        return {}
    error = float(np.mean(found))
    samples = (1.0 - _SKIPPED) * settings.get("seconds", 10.0) / _SAMPLED
    return {"fitness": -error, "rms_mV": error / math.sqrt(samples)}


def _errors(rule: Rule, settings: Mapping[str, Any], seed: int) -> list[float] | None:
    """Return the error of each experiment, None where the simulation ended early."""
    experiments, seconds = int(settings["experiments"]), settings.get("seconds", 10.0)
    network_seed, task_seed = np.random.SeedSequence([seed, 304]).spawn(2)
    network = _network(_through_induction(rule), experiments, np.random.default_rng(task_seed))
    simulation = NetworkSimulation(network, network_seed)
    record = Record(
        [],
        potentials={f"{kind} {n}": [0] for n in range(experiments) for kind in ("student", "teacher")},
        potentials_every=_SAMPLED,
    )
    squares = np.zeros(experiments)
    for told in range(round(seconds / _TOLD)):
        targets = [float(simulation.potentials(f"teacher {n}")[0]) for n in range(experiments)]
        simulation.signal(**{f"v_target_{n}": target for n, target in enumerate(targets)})
        recording = simulation.run(_TOLD, record)
        if recording.status != "ok":
            return None
        if told * _TOLD < _SKIPPED * seconds - 0.5 * _TOLD:
            continue
        for n in range(experiments):
            difference = recording.potentials[f"student {n}"] - recording.potentials[f"teacher {n}"]
            squares[n] += float(np.sum(difference**2))
    return [math.sqrt(square) for square in squares] if np.all(np.isfinite(squares)) else None


def _through_induction(rule: Rule) -> Rule:
    """Return the rule as a drift: the weight follows a low-pass of what `on_step` gives."""
    induced = Expression.apply("div", rule.slots["on_step"], Expression.number(_INDUCTION))
    return Rule(
        {"drift": Expression.symbol("induction")},
        _ETA if rule.eta is None else rule.eta,
        {
            "x": Trace("pre", _SYNAPSE),
            "psp": Lowpass(parse_expression(f"x/{_LEAK}"), _MEMBRANE),
            "induction": Synaptic({"drift": induced}, _INDUCTION),
        },
        rule.constants,
        rule.bounds,
    )


def _network(rule: Rule, experiments: int, generator: np.random.Generator) -> Network:
    cell = Neuron(
        {"current": Receptor(_SYNAPSE)},
        rest=_REST,
        threshold=math.inf,
        reset=None,
        tau_membrane=_MEMBRANE,
        leak=_LEAK,
        refractory=0.0,
    )
    numbers = range(experiments)
    projections = []
    for n in numbers:
        wanted = generator.uniform(*_TEACHER, (_INPUTS, 1))
        own = rule.renamed({"v_target": f"v_target_{n}"})
        projections += [
            Projection(f"taught {n}", f"input {n}", f"teacher {n}", "current", AllToAll(), wanted),
            Projection(f"learnt {n}", f"input {n}", f"student {n}", "current", AllToAll(), _FIRST, rule=own),
        ]
    return Network(
        [Population(f"{kind} {n}", 1, cell) for n in numbers for kind in ("student", "teacher")],
        projections,
        [Poisson(f"input {n}", _INPUTS, generator.uniform(*_RATES, _INPUTS)) for n in numbers],
        _DT,
        signals={f"v_target_{n}": _REST for n in numbers},
    )
