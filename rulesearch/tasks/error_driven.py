r"""Students that learn the membrane potential of a teacher under the same input.

The error-driven task of Jordan et al. 2021 (doi 10.7554/eLife.66273) and of its public code. Student and teacher have
exponential synaptic currents and no reset; every 5 ms the student is told the teacher's potential, which it keeps until
the next time. The weight [pA] follows the rule through a low-pass of 100 ms. psp is the potential [mV] of one synapse
per pA, v and v_target are absolute, from the rest of -70 mV.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import FREE, BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.simulate.codes import OK, STATUS, Limits
from rulesearch.simulate.damage import generators_of
from rulesearch.simulate.driven.membrane import Membrane
from rulesearch.simulate.driven.taught import SYMBOLS, Pairs, follow
from rulesearch.simulate.machine.compiling import announce
from rulesearch.simulate.machine.program import encode
from rulesearch.simulate.network.sources import Poisson
from rulesearch.tasks.conditions import Stress
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Setting, Settings, TaskSymbol, damage_of, screened
from rulesearch.tasks.kept_inputs import KeptInputs
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial

Array = npt.NDArray[np.float64]

_REST = -70.0
_MEMBRANE = Membrane(tau=0.01, tau_synapse=0.002, leak=25.0)
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
_PAPER = known_rule("e2l-error-3")
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
    paper_took = "Jordan et al. 2021: 1,000 to 10,000 networks; a few searches at once, 24 to 48 hours of a node"
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
        "swapped": Setting(0, "1: students are told the target of another student: a control", 0, 1, whole=True),
        "dt": Setting(0.1, "time step", 0.01, 0.5, unit="ms"),
        **DAMAGE,
    }
    fidelities = (
        Fidelity("screen", 1, "one seed, a fifth of the experiments"),
        Fidelity("full", 1, "all experiments of one seed"),
    )
    stateless = True
    bounds = FREE
    grammar = "error-driven"
    protocol = Protocol(fits_numbers=True, by_trials=True)
    known_rule = "e2l-error-3"
    stress = Stress(
        start=({"w_start": 0.0}, {"w_start": 20.0}), alone="its rules read potentials, to which both sides contribute"
    )

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check that there is another student where targets are swapped.

        **Raises:** `RulesearchError`.
        """
        if values["swapped"] and screened(values["experiments"], _SCREENED, self.fidelities[0].name) < 2:
            raise RulesearchError(
                f"setting swapped of task {self.name} needs 8 experiments at least, of which screening takes 2; found "
                f"{values['experiments']:g}"
            )
        return values

    def network(self, settings: Settings) -> str:
        """Return the size of the neuron, and what a candidate takes at full fidelity."""
        simulated = f"{settings['experiments']:g} simulations of {settings['seconds']:g} s"
        return f"one neuron with {settings['inputs']:g} inputs, and its teacher; {simulated} a candidate"

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the time of learning [s]; the experiments go on side by side."""
        return settings["seconds"]

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the best rule of the paper: the plain delta rule at twice its learning rate."""
        return _PAPER.rules

    def control(self, settings: Settings) -> RuleSet:
        """Return the rule of the paper's poorest run."""
        return self.parse("v*(v - v_target)/(2*(k*v_target*psp + v**2)); k = 1 mV")

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the best rules of the paper, and the control."""
        known = {self.known_rule: self.baseline(settings), "e2l-error": known_rule("e2l-error").rules}
        return {**known, "control": self.control(settings)}

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Let students learn from teachers, one pair per experiment.

        **Returns:** metrics, each a mean over experiments: `fitness`: minus the root of the summed squares of the
        differences of potentials [mV] at every ms; `rms_mV`: the root of their mean square instead.
        """
        experiments = screened(settings["experiments"], _SCREENED, fidelity)
        rule, dt, given = (
            rules.only(),
            settings["dt"] * 1e-3,
            _kept.drawn(_draw_pairs, seed, experiments, settings, _READ),
        )
        program = encode([rule.slots["on_step"]], SYMBOLS, rule.constant_values())
        announce(follow, "the simulator of taught students", backend)
        registers, squares = program.workspace(given.pairs.wanted.size), np.zeros(experiments)
        start = np.clip(settings["w_start"] * given.factors, *rule.bounds)
        registers[SYMBOLS.index("w"), : start.size] = start * given.there
        steps, since = given.pairs.offsets.size - 1, round(_SKIPPED * settings["seconds"] / dt)
        code, done = follow(
            program.compiled() if backend == "jit" else program.bytecode,
            registers,
            int(program.segments[0, 2]),
            *given.pairs,
            (*map(float, _MEMBRANE.after(dt)), _REST),
            (math.exp(-dt / _INDUCTION), dt / _INDUCTION),
            (float(rule.eta) * dt, float(rule.bounds[0]), float(rule.bounds[1])),
            (round(_TOLD / dt), round(_SAMPLED / dt), since, int(settings["swapped"])),
            Limits().weight,
            squares,
        )
        work = done * start.size
        if code != OK:
            return Trial(STATUS[code], None, work=work, died_at=done / steps)
        if not np.all(np.isfinite(squares)):
            return Trial("nonfinite", None, work=work)
        errors = np.sqrt(squares)
        samples = (1.0 - _SKIPPED) * settings["seconds"] / _SAMPLED
        cases = tuple(float(error) for error in errors / math.sqrt(samples))
        error = float(np.mean(errors))
        metrics = {"fitness": -error, "rms_mV": error / math.sqrt(samples)}
        return Trial("ok", sum(cases) / len(cases), metrics, cases, work)


@dataclass(frozen=True, slots=True)
class _Input:
    """Pairs with their input.

    **Fields:** `factors` `(lanes,)` on first weights; `there` `(lanes,)`: 0 where a synapse misses, else 1.
    """

    pairs: Pairs
    factors: Array
    there: Array

    @property
    def nbytes(self) -> int:
        """Memory in use [bytes]."""
        return self.pairs.nbytes + self.factors.nbytes + self.there.nbytes


_kept: KeptInputs[_Input] = KeptInputs(16)
_READ = ("seconds", "inputs", "rate", "dt")


def _draw_pairs(seed: int, experiments: int, settings: Settings) -> _Input:
    """Draw pairs of a seed, and what they receive."""
    inputs, dt = int(settings["inputs"]), settings["dt"] * 1e-3
    low, high = (share * settings["rate"] for share in _RATES)
    damage = damage_of(settings)
    wanted, rates = np.zeros((experiments, inputs)), np.zeros((experiments, inputs))
    factors, there = np.ones((experiments, inputs)), np.ones((experiments, inputs))
    for n in range(experiments):
        child = np.random.SeedSequence([seed, 304, n])
        generator = np.random.default_rng(child)
        wanted[n], rates[n] = generator.uniform(*_TEACHER, inputs), generator.uniform(low, high, inputs)
        if damage:
            missing, noise = generators_of(child)
            there[n], factors[n] = damage.there(inputs, missing), damage.factors(inputs, noise)
    # What misses has no spikes: neither the student nor its teacher has it.
    source = Poisson("inputs", rates.size, (rates * there).ravel())
    spikes = np.random.default_rng(np.random.SeedSequence([seed, 304]))
    offsets, lanes = source.stream(spikes, dt).draw(0, round(settings["seconds"] / dt))
    return _Input(Pairs(offsets, lanes, wanted), factors.ravel(), there.ravel())
