r"""Students that learn the membrane potential of a teacher under the same input.

The error-driven task of Jordan et al. 2021 (doi 10.7554/eLife.66273) and of its public code. Student and teacher have
exponential synaptic currents and no reset; every 5 ms the student is told the teacher's potential, which it keeps until
the next time. The weight [pA] follows the rule through a low-pass of 100 ms. psp is the potential [mV] of one synapse
per pA, v and v_target are absolute, from the rest of -70 mV.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from rulesearch.expression.parser import parse_expression
from rulesearch.expression.tree import Expression
from rulesearch.rules.bound import FREE, BoundRule, BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import Lowpass, Synaptic, Trace
from rulesearch.simulate.network.network import Network, Projection
from rulesearch.simulate.network.neurons import Neuron, Population, Receptor
from rulesearch.simulate.network.recording import Record
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.network.sources import Poisson
from rulesearch.simulate.network.wiring import AllToAll
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Setting, Settings, TaskSymbol, damage_of, screened
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial

_REST = -70.0
_SYNAPSE, _MEMBRANE, _LEAK = 0.002, 0.01, 25.0
_INDUCTION = 0.1
"""Time constant of the low-pass between rule and weight [s]."""
_RATES = (0.3, 1.7)
"""Range of the rates of inputs, in units of their mean."""
_TEACHER = (-5.0, 35.0)
"""Range of the teacher's weights [pA]: -20 to 20 shifted by 15, always upwards."""
_TOLD, _SAMPLED = 0.005, 0.001
"""How often the student is told the target, and how often potentials are compared [s]."""
_SKIPPED = 0.1
"""Share of the time before potentials count."""
_PAPER = known_rule("e2l-error")
_SCREENED = 0.2


class ErrorDriven(Task):
    """Follow the potential of a teacher, told every 5 ms.

    The loss is the root of the mean square of the difference of potentials [mV], over what is left of the time when
    the first tenth is skipped, as a mean over experiments. Each experiment is a case.
    """

    name = "error-driven"
    title = "membrane potential of a teacher"
    summary = (
        "A student neuron is told the membrane potential of a teacher under the same Poisson input, and must bring its "
        "own to it."
    )
    reference = _PAPER.reference
    doi = _PAPER.doi
    bibtex = _PAPER.bibtex
    slots = ("on_step",)
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        "psp": TaskSymbol("postsynaptic potential of the synapse in mV per pA, taken as a pure number"),
        "v": TaskSymbol("membrane potential of the student", "mV"),
        "v_target": TaskSymbol("membrane potential of the teacher when it was last told", "mV"),
        "w": TaskSymbol("weight of the synapse in pA; it may be negative"),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(1700.0, "learning rate of rules that give none, 1.7 per ms", 1e-6, 1e9),
        "experiments": Setting(15, "teachers of a seed, with a student each", 1, 1000, whole=True),
        "seconds": Setting(10.0, "time of learning; potentials count after its first tenth", 0.1, 3600.0, unit="s"),
        "inputs": Setting(5, "inputs of a student and its teacher", 1, 1000, whole=True),
        "rate": Setting(500.0, "mean rate of inputs, whose rates are 0.3 to 1.7 of it", 1.0, 5000.0, unit="Hz"),
        "w_start": Setting(5.0, "weights of students at the start", -1000.0, 1000.0, unit="pA"),
        "dt": Setting(0.1, "time step", 0.01, 0.5, unit="ms"),
        **DAMAGE,
    }
    fidelities = (
        Fidelity("screen", 1, "one seed, a fifth of the experiments"),
        Fidelity("full", 1, "all experiments of one seed"),
    )
    stateless = True
    bounds = FREE
    grammar = ""
    known_rule = "e2l-error"
    stress = Stress(
        start=({"w_start": 0.0}, {"w_start": 20.0}), alone="its rules read potentials, to which both sides contribute"
    )

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time of learning [s]; the experiments go on side by side."""
        return settings["seconds"]

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the best rule of the paper."""
        return _PAPER.rules

    def control(self, settings: Settings) -> RuleSet:
        """Return the rule of the paper's poorest run."""
        return self.parse("v*(v - v_target)/(2*(k*v_target*psp + v**2)); k = 1 mV")

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the best rule of the paper, the plain delta rule, and the control."""
        known = {self.known_rule: self.baseline(settings), "(v_target - v)*psp": self.parse("(v_target - v)*psp")}
        return {**known, "control": self.control(settings)}

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let students learn from teachers, one pair per experiment.

        **Returns:** metrics, each a mean over experiments: `fitness`: minus the root of the summed squares of the
        differences of potentials [mV] at every ms; `rms_mV`: the root of their mean square instead.
        """
        experiments = screened(settings["experiments"], _SCREENED, fidelity)
        seconds = settings["seconds"]
        network_seed, task_seed = np.random.SeedSequence([seed, 304]).spawn(2)
        network = _network(_through_induction(rules.only()), experiments, settings, np.random.default_rng(task_seed))
        simulation = Simulation(network, network_seed, backend)
        record = Record(
            [],
            potentials={f"{kind} {n}": [0] for n in range(experiments) for kind in ("student", "teacher")},
            potentials_every=_SAMPLED,
        )
        squares, work = np.zeros(experiments), 0
        for told in range(round(seconds / _TOLD)):
            targets = [float(simulation.potentials(f"teacher {n}")[0]) for n in range(experiments)]
            simulation.signal(**{f"v_target_{n}": target for n, target in enumerate(targets)})
            recording = simulation.run(_TOLD, record)
            work = recording.work
            if recording.status != "ok":
                return Trial(recording.status, None, work=work, died_at=min(1.0, recording.stop / seconds))
            if told * _TOLD < _SKIPPED * seconds - 0.5 * _TOLD:
                continue
            for n in range(experiments):
                difference = recording.potentials[f"student {n}"] - recording.potentials[f"teacher {n}"]
                squares[n] += float(np.sum(difference**2))
        if not np.all(np.isfinite(squares)):
            return Trial("nonfinite", None, work=work)
        errors = np.sqrt(squares)
        samples = (1.0 - _SKIPPED) * seconds / _SAMPLED
        cases = tuple(float(error) for error in errors / math.sqrt(samples))
        error = float(np.mean(errors))
        metrics = {"fitness": -error, "rms_mV": error / math.sqrt(samples)}
        return Trial("ok", sum(cases) / len(cases), metrics, cases, work)


def _through_induction(rule: BoundRule) -> Rule:
    """Return the rule as a drift: the weight follows a low-pass of what `on_step` gives."""
    induced = Expression.apply("div", rule.slots["on_step"], Expression.number(_INDUCTION))
    return Rule(
        {"drift": Expression.symbol("induction")},
        rule.eta,
        {
            "x": Trace("pre", _SYNAPSE),
            "psp": Lowpass(parse_expression(f"x/{_LEAK}"), _MEMBRANE),
            "induction": Synaptic({"drift": induced}, _INDUCTION),
        },
        rule.constants,
        rule.bounds,
    )


def _network(rule: Rule, experiments: int, settings: Settings, generator: np.random.Generator) -> Network:
    cell = Neuron(
        {"current": Receptor(_SYNAPSE)},
        rest=_REST,
        threshold=math.inf,
        reset=None,
        tau_membrane=_MEMBRANE,
        leak=_LEAK,
        refractory=0.0,
    )
    numbers, inputs, start = range(experiments), int(settings["inputs"]), settings["w_start"]
    low, high = (share * settings["rate"] for share in _RATES)
    projections = []
    for n in numbers:
        wanted = generator.uniform(*_TEACHER, (inputs, 1))
        own = rule.renamed({"v_target": f"v_target_{n}"})
        projections += [
            Projection(f"taught {n}", f"input {n}", f"teacher {n}", "current", AllToAll(), wanted),
            Projection(f"learnt {n}", f"input {n}", f"student {n}", "current", AllToAll(), start, rule=own),
        ]
    return Network(
        [Population(f"{kind} {n}", 1, cell) for n in numbers for kind in ("student", "teacher")],
        projections,
        [Poisson(f"input {n}", inputs, generator.uniform(low, high, inputs)) for n in numbers],
        settings["dt"] * 1e-3,
        signals={f"v_target_{n}": _REST for n in numbers},
        damage=damage_of(settings),
    )
