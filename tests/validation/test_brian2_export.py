"""Exported Brian2 scripts give our weights on random spikes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from peers import make_environment, run_peer

from rulesearch.errors import RulesearchError
from rulesearch.export import export
from rulesearch.rules import Lowpass, Rule, RuleSet, known_rules, parse_rules
from rulesearch.simulate.respond import respond
from rulesearch.simulate.synapse import Voltage

pytestmark = pytest.mark.slow

SECONDS = 2.0
POTENTIAL = -52.0
HARD = {
    "functions": "on_pre: 0.01*(tanh(y) + sin(3*y) - cos(w)*exp(-y) + sqrt(w) + log(1 + y)); on_post: 0.01*abs(x - 1)",
    "jumps": "on_pre: 0.01*(step(y - 0.3) - sign(y - 0.6) + relu(0.5 - y)); on_post: 0.02*(min(x, w) - max(x, 0.4)*w)",
    "nearest": "on_pre: -0.01*y*w**0.4; on_post: 0.01*x*y2; x = trace(pre, 20 ms, nearest); "
    "y = trace(post, 30 ms, nearest); y2 = trace(post, 100 ms)",
    "eligibility": "on_post: 0.05*E*(1 - w); E = synaptic(on_pre: y; on_post: -0.5*E*x; tau = 300 ms)",
    "names": "on_pre: 0.01*(e - N*y); on_post: 0.01*x*dt*True; e = 0.2; N = 0.7; dt = 1.3; True = 2",
    "lasting": "on_pre: 0.02*C; C = synaptic(on_post: 0.1*x - 0.05*C); bounds = [0.2, 40]",
}
CLOCKED = {
    "logistic": "drift: 0.5*w*(1 - w)",
    "quadratic": "on_post: 0.02*E; E = synaptic(on_pre: 1; drift: -0.5*E*E; tau = 300 ms)",
    "decay": "on_pre: 0.05*y; drift: -0.3*w",
    "product": "drift: 0.4*x*y - 0.2*w",
    "slow": "on_post: 0.02*z; z = lowpass(x**2, 60 ms)",
    "potential": "drift: 0.002*x*relu(v - theta); on_pre: -0.01*u; u = lowpass(v + 60 mV, 10 ms); theta = -55 mV",
}
NOT_IN_BRIAN2 = {
    "steps": "anti-hebb bcm covariance e2l-error e2l-reward hebb hebbff oja sanger",
    "trial": "fremaux",
}
"""Known rules of rate networks and trials: the first are refused, the second has no weight that spikes alone decide."""


def _known() -> dict[str, RuleSet]:
    left = {name for names in NOT_IN_BRIAN2.values() for name in names.split()}
    return {
        each.name: each.rules for known in known_rules().values() if known.name not in left for each in known.family()
    }


def _cases(rules: RuleSet, name: str, folder: Path, dt: float) -> list[tuple[dict[str, Any], float]]:
    script = folder / f"{name}.py"
    script.write_text(export(rules, "brian2"), "utf-8")
    found = []
    for number, (member, rule) in enumerate(rules.rules.items()):
        generator = np.random.default_rng(np.random.SeedSequence([7, number]))
        trains = [np.sort(generator.choice(np.arange(1, 1990), 40, replace=False)) * 1e-3 for _ in range(2)]
        low, high = rule.bounds or (0.0, 1.0)
        start = min(max(0.5, low), high)
        held = {"R": 1.0, "v_dend": POTENTIAL} if {"R", "v_dend"} & set(rule.symbols) else {}
        clamp = Voltage(np.array([0.0, SECONDS]), np.array([POTENTIAL] * 2)) if "v" in rule.symbols else None
        ours = respond(rule, list(trains[0]), list(trains[1]), 1, SECONDS, start, held, clamp)
        case = {
            "script": str(script),
            "maker": "make_synapses" if len(rules.rules) == 1 else f"make_{member}_synapses",
            "pre": trains[0].tolist(),
            "post": trains[1].tolist(),
            "seconds": SECONDS,
            "dt": dt,
            "w0": start,
            "potential": POTENTIAL,
            "initial": _initial(rule, clamp),
        }
        found.append((case, ours.weight))
    return found


def _initial(rule: Rule, clamp: Voltage | None) -> dict[str, float]:
    """Return what a low-pass of a clamped potential begins at, and signals that are held."""
    values = {**rule.constant_values(), "v": POTENTIAL, **dict.fromkeys(rule.states, 0.0)}
    found = {"R": 1.0} if "R" in rule.symbols else {}
    for name, state in rule.states.items():
        if isinstance(state, Lowpass) and clamp is not None:
            found[name] = float(state.expression.evaluate({**values, "w": 0.5}))
    return found


def _moves_with_the_clock(rules: RuleSet) -> bool:
    return any("(clock-driven)" in line for line in export(rules, "brian2").splitlines())


@pytest.fixture(scope="module")
def brian2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("brian2"), "brian2==2.9.0", "numpy<2", "setuptools")


def test_rules_that_move_at_spikes_give_our_weights(brian2: Path, tmp_path: Path) -> None:
    all_rules = {**_known(), **{name: parse_rules(text) for name, text in HARD.items()}}
    chosen = {name: rules for name, rules in all_rules.items() if not _moves_with_the_clock(rules)}
    pairs = [(name, *each) for name, rules in chosen.items() for each in _cases(rules, name, tmp_path, 1e-4)]
    found = run_peer(brian2, "brian2_exports.py", {"cases": [case for _, case, _ in pairs]})
    far = {}
    for (name, _, expected), weight in zip(pairs, found, strict=True):
        difference = abs(weight - expected) / max(abs(expected), 1e-3)
        print(f"{name}: {expected:.6g}, relative difference {difference:.2g}")
        if not difference < 1e-6:
            far[name] = (expected, weight)
    assert len(pairs) >= 25
    assert not far


def test_rules_that_move_with_the_clock_come_nearer_with_smaller_steps(brian2: Path, tmp_path: Path) -> None:
    all_rules = {**_known(), **{name: parse_rules(text) for name, text in CLOCKED.items()}}
    chosen = {name: rules for name, rules in all_rules.items() if _moves_with_the_clock(rules)}
    errors: dict[str, list[float]] = {name: [] for name in chosen}
    for dt in (2e-4, 1e-4):
        pairs = [(name, *each) for name, rules in chosen.items() for each in _cases(rules, name, tmp_path, dt)]
        found = run_peer(brian2, "brian2_exports.py", {"cases": [case for _, case, _ in pairs]})
        for (name, case, expected), weight in zip(pairs, found, strict=True):
            errors[name].append(abs(weight - expected) / max(abs(expected - case["w0"]), 1e-9))
    print(errors)
    for name, (coarse, fine) in errors.items():
        assert fine < 0.03, name
        assert fine < 0.7 * coarse or fine < 1e-9, name


def test_rate_rules_are_refused_by_name() -> None:
    for name in NOT_IN_BRIAN2["steps"].split():
        with pytest.raises(RulesearchError, match=r"Brian2|python"):
            export(known_rules()[name].rules, "brian2")
    with pytest.raises(RulesearchError, match="w_mean"):
        export(parse_rules("on_pre: y - w_mean"), "brian2")
