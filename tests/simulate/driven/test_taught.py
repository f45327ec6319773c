"""Students of the fast loop are those of a network whose rule acts through a low-pass of its own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rulesearch.expression import parse_expression
from rulesearch.expression.tree import Expression
from rulesearch.rules import parse_rules
from rulesearch.rules.bound import FREE
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass, Synaptic, Trace
from rulesearch.simulate import AllToAll, Network, Neuron, Population, Projection, Receptor, Simulation, SpikeTimes
from rulesearch.simulate.codes import OK, STATUS
from rulesearch.simulate.driven.membrane import Membrane
from rulesearch.simulate.driven.taught import SYMBOLS, follow
from rulesearch.simulate.machine.program import encode

Array = npt.NDArray[np.float64]
DT, SECONDS, REST, INPUTS = 1e-4, 2.0, -70.0, 3
MEMBRANE, INDUCTION, TOLD = Membrane(0.01, 0.002, 25.0), 0.1, 0.005
STEPS, ETA = round(SECONDS / DT), 1700.0
WANTED = np.array([[30.0, -3.0, 12.0]])


def spikes(seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
    """Return offsets and lanes of Poisson spikes of 400 Hz."""
    at, lane = np.nonzero(np.random.default_rng(seed).random((STEPS, INPUTS)) < 400.0 * DT)
    return np.concatenate(([0], np.cumsum(np.bincount(at, minlength=STEPS)))), lane.astype(np.uint32)


def followed(text: str, eta: float, seed: int, bounds: tuple[float, float] = FREE) -> tuple[int, int, float, Array]:
    rule = parse_rules(text, "on_step").only()
    program = encode([rule.slots["on_step"]], SYMBOLS, dict(rule.constants))
    registers, squares = program.workspace(INPUTS), np.zeros(1)
    registers[SYMBOLS.index("w"), :INPUTS] = 5.0
    schedule = round(TOLD / DT), round(TOLD / DT), 0, 0
    moves: Any = (*map(float, MEMBRANE.after(DT)), REST)
    low_pass = math.exp(-DT / INDUCTION), DT / INDUCTION
    result = int(program.segments[0, 2])
    code, done = follow(
        program.bytecode,
        registers,
        result,
        *spikes(seed),
        WANTED,
        moves,
        low_pass,
        (eta * DT, *bounds),
        schedule,
        1e6,
        squares,
    )
    return code, done, float(squares[0]), registers[SYMBOLS.index("w"), :INPUTS].copy()


def networked(text: str, seed: int) -> tuple[Array, Array]:
    """Return the weights of a student and its potential every 5 ms, told the potential of its teacher."""
    rule = parse_rules(text, "on_step").only()
    induced = Expression.apply("div", rule.slots["on_step"], Expression.number(INDUCTION))
    states = {
        "x": Trace("pre", MEMBRANE.tau_synapse),
        "psp": Lowpass(parse_expression(f"x/{MEMBRANE.leak}"), MEMBRANE.tau),
        "induction": Synaptic({"drift": induced}, INDUCTION),
    }
    plastic = Rule({"drift": Expression.symbol("induction")}, ETA, states, rule.constants)
    cell = Neuron(
        {"current": Receptor(MEMBRANE.tau_synapse)},
        rest=REST,
        threshold=math.inf,
        reset=None,
        tau_membrane=MEMBRANE.tau,
        leak=MEMBRANE.leak,
        refractory=0.0,
    )
    offsets, lanes = spikes(seed)
    times = np.repeat(np.arange(STEPS), np.diff(offsets)) * DT
    network = Network(
        [Population("student", 1, cell), Population("teacher", 1, cell)],
        [
            Projection("taught", "input", "teacher", "current", AllToAll(), WANTED.T),
            Projection("learnt", "input", "student", "current", AllToAll(), 5.0, rule=plastic),
        ],
        [SpikeTimes("input", INPUTS, times, lanes.astype(np.int64))],
        DT,
        signals={"v_target": REST},
    )
    simulation, seen = Simulation(network, 0), []
    for _ in range(round(SECONDS / TOLD)):
        simulation.signal(v_target=float(simulation.potentials("teacher")[0]))
        simulation.run(TOLD)
        seen.append(float(simulation.potentials("student")[0] - simulation.potentials("teacher")[0]))
    return simulation.weights("learnt"), np.array(seen)


@pytest.mark.parametrize("text", ["(v_target - v)*psp", "psp*(v_target - v)*(2*v - 1)/v_target"])
def test_they_learn_what_students_of_a_network_learn(text: str) -> None:
    code, done, _, weights = followed(text, ETA, 1)
    theirs, _ = networked(text, 1)
    assert (code, done) == (OK, STEPS)
    assert np.abs(weights - 5.0).max() > 3.0
    # A step sooner or later moves a weight by the share of a step in the low-pass and in the membrane.
    np.testing.assert_allclose(weights, theirs, atol=0.03 * np.abs(theirs - 5.0).max())


def test_without_learning_the_difference_is_that_of_the_weights() -> None:
    _, _, squares, weights = followed("0*psp", ETA, 2)
    _, seen = networked("0*psp", 2)
    assert np.all(weights == 5.0)
    # A network lets a current act for a whole step before it decays: its charge is larger by this.
    charge = DT / MEMBRANE.tau_synapse / (1.0 - math.exp(-DT / MEMBRANE.tau_synapse))
    assert squares * charge**2 == pytest.approx(np.sum(seen**2), rel=0.005)


def test_it_ends_where_weights_run_away_or_are_not_finite() -> None:
    code, done, _, _ = followed("(v - v_target)*psp", 1e7, 1)
    assert STATUS[code] == "runaway" and 0 < done < STEPS
    code, done, _, _ = followed("psp/0", ETA, 1)
    assert STATUS[code] == "nonfinite" and done == round(TOLD / DT)


def test_bounds_hold_weights() -> None:
    *_, weights = followed("(v_target - v)*psp", ETA, 1, (4.0, 6.0))
    assert weights.max() == 6.0 and weights.min() >= 4.0
