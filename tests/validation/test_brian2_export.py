"""Exported Brian2 scripts give our weights on random spikes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from peers import make_environment, run_peer

from rulesearch.errors import RulesearchError
from rulesearch.export import export
from rulesearch.rules import Lowpass, Rule, RuleSet, known_rules, parse_rules
from rulesearch.simulate.synapse.respond import respond
from rulesearch.simulate.synapse.synapse import Voltage

pytestmark = pytest.mark.slow

SECONDS = 2.0
POTENTIAL, HIGH = -52.0, {"clopath": -40.0, "btsp": -20.0}
"""Clamped potentials [mV]: of all rules, and of those whose thresholds are above that."""
CURRENTS = {"I_E": 30.0, "I_I": -40.0}
"""Currents of the neuron that are held [pA]."""
HARD = {
    "functions": "on_pre: 0.01*(tanh(y) + sin(3*y) - cos(w)*exp(-y) + sqrt(w) + log(1 + y)); on_post: 0.01*abs(x - 1)",
    "jumps": "on_pre: 0.01*(step(y - 0.3) - sign(y - 0.6) + relu(0.5 - y)); on_post: 0.02*(min(x, w) - max(x, 0.4)*w)",
    "nearest": "on_pre: -0.01*y*w**0.4; on_post: 0.01*x*y2; x = trace(pre, 20 ms, nearest); "
    "y = trace(post, 30 ms, nearest); y2 = trace(post, 100 ms)",
    "presynaptic-centred": "on_pre: -0.02*y; on_post: 0.03*x; x = trace(pre, 20 ms, next); "
    "y = trace(post, 30 ms, nearest)",
    "reduced symmetric": "on_pre: -0.02*y; on_post: 0.03*x; x = trace(pre, 20 ms, immediate); "
    "y = trace(post, 30 ms, immediate)",
    "eligibility": "on_post: 0.05*E*(1 - w); E = synaptic(on_pre: y; on_post: -0.5*E*x; tau = 300 ms)",
    "names": "on_pre: 0.01*(e - N*y); on_post: 0.01*x*dt*True; e = 0.2; N = 0.7; dt = 1.3; True = 2",
    "keywords": "on_post: 0.01*in*is - 0.02*volt*from*floor*_k; in = 0.4; _k = 0.9; volt = 0.7; floor = 1.2; "
    "is = trace(pre, 20 ms); from = trace(post, 30 ms)",
    "units": "on_post: 0.01*amp*double + 0.02*re*g - 0.01*_s*mvolt*w; double = 2; g = 0.7; mvolt = 3; "
    "amp = trace(pre, 20 ms); re = synaptic(on_pre: 1; tau = 50 ms); _s = trace(post, 40 ms)",
    "lasting": "on_pre: 0.02*C; C = synaptic(on_post: 0.1*x - 0.05*C); bounds = [0.2, 40]",
}
CLOCKED = {
    "logistic": "drift: 0.5*w*(1 - w)",
    "quadratic": "on_post: 0.02*E; E = synaptic(on_pre: 1; drift: -0.5*E*E; tau = 300 ms)",
    "decay": "on_pre: 0.05*y; drift: -0.3*w",
    "product": "drift: 0.4*x*y - 0.2*w",
    "equal rates": "on_post: 0.02*q; q = lowpass(x, 20 ms); x = trace(pre, 20 ms)",
    "chain": "on_post: 0.02*q; p = lowpass(2*x + y, 10 ms); q = lowpass(p, 10 ms)",
    "coupled": "drift: S; S = synaptic(on_pre: 1; drift: -0.5*w; tau = 40 ms); bounds = [0, 1]; eta = 0.1",
    "slow": "on_post: 0.02*z; z = lowpass(x**2, 60 ms)",
    "potential": "drift: 0.002*x*relu(v - theta); on_pre: -0.01*u; u = lowpass(v + 60 mV, 10 ms); theta = -55 mV",
}
STDP = "on_pre: -0.01*y; on_post: 0.01*x; tau_x = 20 ms; tau_y = 20 ms"
NOT_IN_BRIAN2 = {
    "steps": "anti-hebb bcm covariance e2l-error e2l-reward hebb hebbff oja rubner-tavan sanger",
    "trial": "fremaux",
}
"""Known rules of rate networks and trials: the first are refused, the second has no weight that spikes alone decide."""

IN_STEPS, NEAR = "graupner-brunel", 5e-3
"""Known rules whose drift jumps at thresholds, which Brian2 crosses within a step, and how near it comes."""


def _known() -> dict[str, RuleSet]:
    left = {name for names in NOT_IN_BRIAN2.values() for name in names.split()}
    found = {
        each.name: each.rules for known in known_rules().values() if known.name not in left for each in known.family()
    }
    # Without a learning rate these go from one bound to the other at each spike.
    return {
        name: RuleSet.single(replace(rules.only(), eta=1e-4)) if name.startswith("e2l-correlation") else rules
        for name, rules in found.items()
    }


def _cases(rules: RuleSet, name: str, folder: Path, dt: float = 1e-4) -> list[tuple[dict[str, Any], float]]:
    script = folder / f"{name}.py"
    script.write_text(export(rules, "brian2"), "utf-8")
    found = []
    for number, (member, rule) in enumerate(rules.rules.items()):
        generator = np.random.default_rng(np.random.SeedSequence([7, number]))
        trains = [np.sort(generator.choice(np.arange(1, 1990), 40, replace=False)) * 1e-3 for _ in range(2)]
        low, high = rule.bounds or (0.0, 1.0)
        start = min(max(0.5, low), high)
        potential = HIGH.get(name, POTENTIAL)
        held = {"R": 1.0, "v_dend": potential, **CURRENTS}
        clamp = Voltage(np.array([0.0, SECONDS]), np.array([potential] * 2)) if "v" in rule.symbols else None
        # Brian2 moves states by a time step before it delivers the spikes of that step.
        shifted = [list(train + dt) for train in trains]
        ours = respond(rule, *shifted, 1, SECONDS, start, held, clamp)
        case = {
            "script": str(script),
            "maker": "make_synapses" if len(rules.rules) == 1 else f"make_{member}_synapses",
            "pre": trains[0].tolist(),
            "post": trains[1].tolist(),
            "seconds": SECONDS,
            "dt": dt,
            "w0": start,
            "potential": potential,
            "currents": list(CURRENTS.values()),
            "initial": _initial(rule, clamp, potential),
        }
        found.append((case, ours.weight))
    return found


def _initial(rule: Rule, clamp: Voltage | None, potential: float) -> dict[str, float]:
    """Return what a low-pass of a clamped potential begins at, and signals that are held."""
    values = {**rule.constant_values(), "v": potential, **dict.fromkeys(rule.states, 0.0)}
    found = {"R": 1.0} if "R" in rule.symbols else {}
    for name, state in rule.states.items():
        if isinstance(state, Lowpass) and clamp is not None:
            found[name] = float(state.expression.evaluate({**values, "w": 0.5}))
    return found


@pytest.fixture(scope="module")
def brian2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("brian2"), "brian2==2.9.0", "numpy<2", "setuptools")


def test_exported_rules_give_our_weights(brian2: Path, tmp_path: Path) -> None:
    rules = {**_known(), **{name: parse_rules(text) for name, text in (HARD | CLOCKED).items()}}
    pairs = [(name, *each) for name, one in rules.items() for each in _cases(one, name, tmp_path)]
    found = run_peer(brian2, "brian2_exports.py", {"cases": [case for _, case, _ in pairs]})
    far = {}
    for (name, case, expected), weight in zip(pairs, found, strict=True):
        difference = abs(weight - expected) / max(abs(expected - case["w0"]), 1e-9)
        print(f"{name}: {expected:.6g}, difference relative to the change {difference:.2g}")
        if not difference < (NEAR if name.startswith(IN_STEPS) else 1e-6):
            far[name] = (expected, weight)
    assert len(pairs) >= 38
    assert not far


def test_a_step_at_the_end_of_a_trial_gives_our_weight(brian2: Path, tmp_path: Path) -> None:
    """Brian2 takes the step of fremaux after 1 s, from an eligibility that here is the weight of a rule of its own."""
    case, _ = _cases(parse_rules(STDP), "stdp", tmp_path)[0]
    Path(case["script"]).write_text(export(known_rules()["fremaux"].rules, "brian2"), "utf-8")
    case["initial"] = {"R": 1.0, "R_bar": 0.25}
    weight = run_peer(brian2, "brian2_exports.py", {"cases": [case]})[0]
    eligibility = parse_rules(f"{STDP}; drift: -w/tau; tau = 500 ms").only()
    before = [[time + 1e-4 for time in case[side] if time < 1.00005] for side in ("pre", "post")]
    change = 0.75 * respond(eligibility, *before, 1, 1.0001, 0.0).weight
    assert abs(change) > 1e-4
    assert abs(weight - case["w0"] - change) < 1e-6 * abs(change)


def test_the_example_of_every_known_rule_keeps_finite_weights_within_bounds(brian2: Path, tmp_path: Path) -> None:
    left = NOT_IN_BRIAN2["steps"].split()
    scripts = {}
    for known in known_rules().values():
        for each in known.family() if known.name not in left else ():
            scripts[each.name] = str(tmp_path / f"{each.name}.py")
            Path(scripts[each.name]).write_text(export(each, "brian2"), "utf-8")
    found = run_peer(brian2, "brian2_exports.py", {"examples": scripts, "seconds": 1.0})
    assert set(found) == set(scripts)
    for name, (low, high, least, most) in found.items():
        assert low <= least <= most <= high, name
    assert {name: found[name][1] for name in ("vogels", "confavreux", "stdp-pair")} == {
        "vogels": 5.0,
        "confavreux": 2.5,
        "stdp-pair": 1.0,
    }


def test_rate_rules_are_refused_by_name() -> None:
    for name in NOT_IN_BRIAN2["steps"].split():
        with pytest.raises(RulesearchError, match=r"Brian2|python"):
            export(known_rules()[name].rules, "brian2")
    with pytest.raises(RulesearchError, match="w_mean"):
        export(parse_rules("on_pre: y - w_mean"), "brian2")
