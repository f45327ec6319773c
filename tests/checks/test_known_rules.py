"""Every known rule does what it is known to do, in simulation, and a control does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rulesearch.checks import SIMULATIONS, load_simulation, run_check
from rulesearch.errors import RulesearchError
from rulesearch.rules import Check, KnownRule, known_rules, parse_rules


def simulated(check: Check) -> str:
    """Return the simulation of a check, or its task."""
    return str(check.settings["task"]) if check.simulation == "task" else check.simulation


ALL = [each for known in known_rules().values() for each in known.family()]
QUICK = ("closed-form", "presentations", "linear-layer", "lateral-layer", "orthogonal-patterns", "familiarity")
CASES = [
    pytest.param(known, check, id=f"{known.name}-{n}", marks=() if simulated(check) in QUICK else (pytest.mark.slow,))
    for known in ALL
    for n, check in enumerate(known.checks)
]


@pytest.mark.parametrize(("known", "check"), CASES)
def test_the_rule_does_what_it_is_known_to_do_and_the_control_does_not(known: KnownRule, check: Check) -> None:
    found = run_check(known.rules, check)
    assert found.passed, f"{check.claim}: expected {check.expected}, found {found.found}; control {found.control}"


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.name)
def test_every_known_rule_has_a_check(known: KnownRule) -> None:
    assert known.checks


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.name)
def test_every_control_is_a_rule(known: KnownRule) -> None:
    assert all(parse_rules(check.control).size > 0 for check in known.checks)


def test_names_and_aliases_are_given_once() -> None:
    names = [name for known in ALL for name in (known.name, *known.aliases)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", SIMULATIONS)
def test_every_simulation_can_be_loaded(name: str) -> None:
    assert callable(load_simulation(name))


def test_an_unknown_simulation_is_refused() -> None:
    with pytest.raises(RulesearchError, match="unknown simulation 'tsak'"):
        load_simulation("tsak")


def test_a_simulation_that_ends_early_fails_its_check() -> None:
    oja = next(known for known in ALL if known.name == "oja")
    found = run_check(parse_rules("x*y"), oja.checks[0])
    assert found.found is None
    assert not found.passed


def test_a_control_must_fail_by_a_number() -> None:
    oja = next(known for known in ALL if known.name == "oja")
    found = run_check(oja.rules, replace(oja.checks[0], control="x*y"))
    assert found.check.meets(found.found)
    assert found.control is None
    assert not found.passed


def test_an_unknown_closed_form_is_refused() -> None:
    pair = next(known for known in ALL if known.name == "stdp-pair")
    check = next(check for check in pair.checks if check.simulation == "closed-form")
    with pytest.raises(RulesearchError, match="unknown closed form 'pair'; did you mean 'pairs'"):
        run_check(pair.rules, replace(check, settings={**check.settings, "model": "pair"}))
