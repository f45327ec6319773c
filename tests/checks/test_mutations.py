"""The checks of known rules see changes of constants and terms, by the benchmark that makes them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from rulesearch.rules import KnownRule, known_rule, known_rules, parse_rules

BENCHMARK = Path(__file__).parents[2] / "experiments" / "benchmarks" / "mutations.py"
ALL = [each for known in known_rules().values() for each in known.family()]


@pytest.fixture(scope="module")
def mutations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutations", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = module
    spec.loader.exec_module(module)
    return module


def test_every_constant_bound_and_time_constant_and_every_summand_is_changed_once(mutations: ModuleType) -> None:
    rules = parse_rules("on_pre: -a*(y - 2*w**3); on_post: x; a = 4; eta = 0.5; tau_y = 20 ms; bounds = [0, 1]")
    found = {name: str(mutant) for name, mutant in mutations.mutants(rules).items()}
    assert list(found) == [
        *("a * 2", "a / 2", "a sign", "eta * 2", "eta / 2", "eta sign"),
        *("upper bound * 2", "upper bound / 2", "bounds out", "tau of y * 2", "tau of y / 2", "y of nearest spikes"),
        *("on_pre: number 2 * 2", "on_pre: number 2 / 2", "on_pre: number 2 sign"),
        *("on_pre: number 3 * 2", "on_pre: number 3 / 2"),
        *("on_pre: -a*(y - 2*w**3) out", "on_pre: -a*(y - 2*w**3) negated", "on_pre: y out", "on_pre: y negated"),
        *("on_pre: 2*w**3 out", "on_pre: 2*w**3 negated", "on_post: x out", "on_post: x negated"),
    ]
    rest = "; on_post: x; eta = 0.5; a = 4; tau_y = 20 ms; bounds = [0, 1]"
    assert found["on_pre: number 3 / 2"] == f"on_pre: -a*(y - 2*w**1.5){rest}"
    assert found["on_pre: 2*w**3 out"] == f"on_pre: -a*(y - 0){rest}"
    assert found["tau of y / 2"] == str(rules).replace("tau_y = 20 ms", "tau_y = 10 ms")
    assert found["bounds out"] == str(rules).replace("; bounds = [0, 1]", "")


def test_states_and_every_member_of_a_set_are_changed(mutations: ModuleType) -> None:
    text = "drift: E + z; E = synaptic(on_pre: y - 1; tau = 1 s); z = lowpass(R, 2 s)"
    found = mutations.mutants(parse_rules(f"A[{text}]; B[on_pre: z; z = lowpass(R, 1 s)]"))
    assert {"A, tau of E / 2", "A, E, on_pre: 1 negated", "A, z: R out", "B, tau of z * 2", "B, z: R out"} <= set(found)
    assert found["B, tau of z * 2"].rules["A"] == parse_rules(f"A[{text}]; B[on_pre: 1]").rules["A"]


@pytest.mark.parametrize("known", [each for each in ALL if each.equal_mutants], ids=lambda known: known.name)
def test_mutants_that_are_equal_in_theory_exist(mutations: ModuleType, known: KnownRule) -> None:
    assert set(known.equal_mutants) <= set(mutations.mutants(known.rules))


def test_every_change_of_the_triplet_rules_is_seen() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--rules", "triplet", "--seeds", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["rules"], found["mutants"], found["equal"]) == (8, 234, 0)
    assert found["killed"] == 234, found["reports"]


def test_a_change_that_no_check_sees_survives_and_one_said_to_be_equal_must(mutations: ModuleType) -> None:
    known = known_rule("triplet-hippocampus-all-minimal")
    assert known.checks[0].simulation == "triplet-order"
    said = {"A2_minus sign": "both orders alike", "A3_plus sign": "wrong", "A4 / 2": "there is none"}
    found = mutations.examine(replace(known, checks=known.checks[:1], equal_mutants=said), [1])
    assert "A2_plus * 2" in found.survivors
    assert found.equal == ["A2_minus sign"]
    assert found.died == ["A3_plus sign"]
    assert found.unknown == ["A4 / 2"]
    assert found.mutants == 26 == found.killed + len(found.survivors) + 2
