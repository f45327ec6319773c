"""The simulations that checks of known rules name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.rules import RuleSet

Measures = Mapping[str, float]
"""Numbers by name; empty where the simulation ended early (runaway, silent, not finite)."""

Simulation = Callable[[RuleSet, Mapping[str, Any], int], Measures]
"""Simulates rules: rules, settings, seed."""

SIMULATIONS: dict[str, str] = {
    "closed-form": "rulesearch.checks.closed_forms:closed_form",
    "delayed-reward": "rulesearch.checks.delayed_reward:delayed_reward",
    "dendritic-prediction": "rulesearch.checks.dendritic_prediction:dendritic_prediction",
    "lateral-layer": "rulesearch.checks.rate_layers:lateral_layer",
    "linear-layer": "rulesearch.checks.rate_layers:linear_layer",
    "mean-drift": "rulesearch.checks.poisson_synapses:mean_drift",
    "orthogonal-patterns": "rulesearch.checks.rate_layers:orthogonal_patterns",
    "poisson-pairs": "rulesearch.checks.poisson_synapses:equilibrium",
    "presentations": "rulesearch.checks.rate_layers:presentations",
    "repeated-spikes": "rulesearch.checks.repeated_spikes:repeated_spikes",
    "rewarded-trials": "rulesearch.checks.rewarded_trials:rewarded_trials",
    "task": "rulesearch.checks.tasks:on_task",
    "triplet-order": "rulesearch.checks.tasks:triplet_order",
    "voltage-clamp": "rulesearch.checks.poisson_synapses:voltage_clamp",
}
"""Module and function by name; modules are imported on use."""


def load_simulation(name: str) -> Simulation:
    """Return a simulation.

    **Raises:** `RulesearchError` where there is none of that name.
    """
    if name not in SIMULATIONS:
        raise RulesearchError(f"unknown simulation {name!r}{did_you_mean(name, SIMULATIONS)}")
    module, _, function = SIMULATIONS[name].partition(":")
    found: Simulation = getattr(importlib.import_module(module), function)
    return found
