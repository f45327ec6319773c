"""One synapse under random spike trains: rules in our slots against the plastic synapses of NEST 3.10.

In NEST a postsynaptic spike reaches the synapse after the dendritic delay, and weights move at presynaptic spikes
alone: postsynaptic spikes are given to ours later by the delay, and both trains end with a presynaptic spike.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from validation.peers import make_environment, run_peer

from rulesearch.rules import parse_rules
from rulesearch.simulate.synapse.events import Protocols, run_protocols
from rulesearch.simulate.synapse.respond import respond

DELAY = 1.5
POST = {"tau_minus": 33.7, "tau_minus_triplet": 125.0}

CASES: dict[str, tuple[str, dict[str, Any], float]] = {
    "additive": (
        "on_pre: -a*y; on_post: x; a = 1.05; eta = 0.01; tau_x = 17 ms; tau_y = 33.7 ms; bounds = [0, 1]",
        {
            "model": "stdp_synapse",
            "synapse": {
                "weight": 0.5,
                "Wmax": 1.0,
                "lambda": 0.01,
                "alpha": 1.05,
                "mu_plus": 0.0,
                "mu_minus": 0.0,
                "tau_plus": 17.0,
            },
        },
        0.5,
    ),
    "multiplicative": (
        "on_pre: -a*w*y; on_post: (1 - w)*x; a = 1.05; eta = 0.02; tau_x = 17 ms; tau_y = 33.7 ms; bounds = [0, 1]",
        {
            "model": "stdp_synapse",
            "synapse": {
                "weight": 0.5,
                "Wmax": 1.0,
                "lambda": 0.02,
                "alpha": 1.05,
                "mu_plus": 1.0,
                "mu_minus": 1.0,
                "tau_plus": 17.0,
            },
        },
        0.5,
    ),
    "Guetig": (
        "on_pre: -a*w**m*y; on_post: (1 - w)**m*x; a = 1.05; m = 0.4; eta = 0.02; tau_x = 17 ms; tau_y = 33.7 ms; "
        "bounds = [0, 1]",
        {
            "model": "stdp_synapse",
            "synapse": {
                "weight": 0.5,
                "Wmax": 1.0,
                "lambda": 0.02,
                "alpha": 1.05,
                "mu_plus": 0.4,
                "mu_minus": 0.4,
                "tau_plus": 17.0,
            },
        },
        0.5,
    ),
    "power law": (
        "on_pre: -a*w*y; on_post: w**m*x; a = 0.11; m = 0.4; eta = 0.1; tau_x = 20 ms; tau_y = 33.7 ms; "
        "bounds = [0, inf]",
        {
            "model": "stdp_pl_synapse_hom",
            "synapse": {"weight": 2.0},
            "common": {"lambda": 0.1, "alpha": 0.11, "mu": 0.4, "tau_plus": 20.0},
        },
        2.0,
    ),
    "triplet": (
        "on_pre: -y*(0.007 + 0.00023*x2); on_post: x*(5e-10 + 0.0062*y2); tau_x = 16.8 ms; tau_y = 33.7 ms; "
        "tau_x2 = 101 ms; tau_y2 = 125 ms; bounds = [0, 10000]",
        {"model": "stdp_triplet_synapse", "synapse": {"weight": 1.0, "Wmax": 10000.0}},
        1.0,
    ),
    "Vogels": (
        "on_pre: y - alpha; on_post: x; alpha = 0.3; eta = 0.001; tau_x = 33.7 ms; tau_y = 33.7 ms; bounds = [0, 10]",
        {
            "model": "vogels_sprekeler_synapse",
            "synapse": {"weight": 0.5, "Wmax": 10.0, "eta": 0.001, "alpha": 0.3, "tau": 33.7},
        },
        0.5,
    ),
}
"""By name: our rule, NEST's synapse, and the weight at the start."""


def trains(seed: int) -> tuple[list[float], list[float]]:
    """Return random spike times [ms] on NEST's grid of 0.1 ms; none coincide at the synapse."""
    rng = np.random.default_rng(seed)
    late = round(10 * DELAY)
    pre = {int(k) for k in rng.choice(np.arange(100, 30_000), 600, replace=False)}
    post = {int(k) for k in rng.choice(np.arange(100, 30_000), 600, replace=False)}
    post = {k for k in post if k + late not in pre}
    return [k / 10 for k in [*sorted(pre), 31_000]], [k / 10 for k in sorted(post)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("nest") / "environment", "nest-simulator==3.10.0")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_weights_are_those_of_nest(python: Path) -> None:
    for seed in (1, 2):
        pre, post = trains(seed)
        synapses = {name: {"post": POST, **synapse} for name, (_, synapse, _) in CASES.items()}
        theirs = run_peer(
            python, "nest_synapses.py", {"pre": pre, "post": post, "dendritic_delay": DELAY, "synapses": synapses}
        )
        before, after = [1e-3 * t for t in pre], [1e-3 * (t + DELAY) for t in post]
        for name, (text, _, weight) in CASES.items():
            rule = parse_rules(text).only()
            assert rule.bounds is not None
            ours = respond(rule, before, after, weight=weight).weight
            assert abs(ours - weight) > 0.02, name
            assert ours == pytest.approx(theirs[name], rel=1e-9), name
            plain = dataclasses.replace(rule, bounds=None)
            eta = 1.0 if rule.eta is None else rule.eta
            compiled = run_protocols(plain, Protocols.of([(before, after)]), weight, eta, rule.bounds)
            assert compiled[0] == pytest.approx(theirs[name], rel=1e-9), name
