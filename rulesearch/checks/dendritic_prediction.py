r"""A neuron of soma and dendrite whose soma is nudged by a teacher, as a check of rules that predict it.

After Urbanczik & Senn 2014 (doi 10.1016/j.neuron.2013.11.030), figure 1, with the constants of NEST's
`pp_cond_exp_mc_urbanczik`. Afferents repeat a frozen pattern of spikes to the dendrite, while two conductances at the
soma pull its potential towards a teacher's, $U_M = (g_E E_E + g_I E_I)/(g_E + g_I)$, with $g_E + g_I$ constant. The
soma follows the dendrite but not the other way round, and is not reset by spikes. Then the teacher is taken away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.checks.simulations import Measures
from rulesearch.rules import RuleSet
from rulesearch.simulate import (
    AllToAll,
    Dendrite,
    Escape,
    FrozenPatterns,
    Network,
    Neuron,
    Poisson,
    Population,
    Projection,
    Receptor,
    Record,
)
from rulesearch.simulate import Simulation as NetworkSimulation

Array = npt.NDArray[np.float64]

_DT = 5e-4
_PERIOD = 0.25
"""Length of the pattern and of the teacher's oscillation [s]."""
_REST, _INHIBITORY = -70.0, -75.0
_SYNAPSE, _MEMBRANE = 0.003, 0.01
_LEAK, _COUPLING = 30.0, 600.0
_NUDGE = 1000.0
"""Conductance of the teacher in all [nS]."""
_MEAN, _AMPLITUDE = -61.0, 4.0
"""Of the teacher's potential [mV]."""
_GAIN = 2.0
"""Potential of the dendrite per unit of weight [mV], which together with eta sets the pace of learning."""
_NUDGING, _NUDGING_RATE, _BIN = 100, 1000.0, 0.005
"""Afferents of the teacher's conductances, their highest rate [Hz], and for how long a rate is held [s]."""
_FREE = 10
"""Periods without a teacher; the first is left out."""


def dendritic_prediction(rules: RuleSet, settings: Mapping[str, Any], seed: int) -> Measures:
    """Let a neuron learn to predict its teacher, and look at its soma without one.

    **Settings:** `afferents`; their `rate` [Hz]; `seconds` of learning.
    **Returns:** of the somatic potential without a teacher, over the last periods: `rms_mV`, its distance from the
    teacher's potential; `slope` of its regression on that; `correlation`.
    """
    network_seed, pattern_seed = np.random.SeedSequence([seed, 303]).spawn(2)
    generator = np.random.default_rng(pattern_seed)
    periods = round(settings["seconds"] / _PERIOD)
    simulation = NetworkSimulation(_network(rules, settings, periods, generator), network_seed)
    if simulation.run(periods * _PERIOD, Record([])).status != "ok":
        return {}
    free = simulation.run(_FREE * _PERIOD, Record([], potentials={"neuron": [0]}), learning=False)
    if free.status != "ok":
        return {}
    kept = free.potential_times >= (periods + 1) * _PERIOD - 0.5 * _DT
    found, wanted = free.potentials["neuron"][kept, 0], teacher(free.potential_times[kept])
    if not np.all(np.isfinite(found)) or float(found.std()) == 0.0:
        return {}
    return {
        "rms_mV": float(np.sqrt(np.mean((found - wanted) ** 2))),
        "slope": float(np.cov(found, wanted)[0, 1] / wanted.var(ddof=1)),
        "correlation": float(np.corrcoef(found, wanted)[0, 1]),
    }


def teacher(times: Array) -> Array:
    """Return the teacher's potential [mV] at times [s]."""
    return _MEAN + _AMPLITUDE * np.sin(2.0 * math.pi * times / _PERIOD)


def _network(rules: RuleSet, settings: Mapping[str, Any], periods: int, generator: np.random.Generator) -> Network:
    afferents = int(settings["afferents"])
    number = generator.poisson(settings["rate"] * _PERIOD, afferents)
    steps = generator.integers(0, round(_PERIOD / _DT), number.sum())
    # An afferent spikes at most once in a step.
    pattern = np.unique(np.column_stack((np.repeat(np.arange(afferents), number), steps)), axis=0)
    starts = _PERIOD * np.arange(periods + _FREE, dtype=np.float64)
    bins = round(periods * _PERIOD / _BIN)
    middle = _BIN * (np.arange(bins, dtype=np.float64) + 0.5)
    share = 1.0 - teacher(middle) / _INHIBITORY
    weight = _NUDGE / (_NUDGING * _NUDGING_RATE * _SYNAPSE)
    off = np.zeros((1, 1))
    rates = {"excitation": share, "inhibition": 1.0 - share}
    cell = Neuron(
        {
            "dendrite": Receptor(_SYNAPSE, sign=_GAIN, site="dendrite"),
            "excitation": Receptor(_SYNAPSE, 0.0),
            "inhibition": Receptor(_SYNAPSE, _INHIBITORY),
        },
        rest=_REST,
        threshold=-55.0,
        reset=None,
        tau_membrane=_MEMBRANE,
        leak=_LEAK,
        refractory=0.0,
        escape=Escape(300.0, 3.0, ceiling=150.0),
        dendrite=Dendrite(_MEMBRANE, 1.0, _REST, _COUPLING),
    )
    return Network(
        [Population("neuron", 1, cell)],
        [
            Projection("plastic", "pattern", "neuron", "dendrite", AllToAll(), 0.0, rule=rules.only()),
            *(Projection(name, name, "neuron", name, AllToAll(), weight) for name in rates),
        ],
        [
            FrozenPatterns(
                "pattern",
                afferents,
                ((pattern[:, 1] * _DT, pattern[:, 0]),),
                _PERIOD,
                starts,
                np.zeros(starts.size, dtype=np.int64),
            ),
            *(
                Poisson(name, _NUDGING, np.concatenate((_NUDGING_RATE * part[:, None], off)), _BIN)
                for name, part in rates.items()
            ),
        ],
        _DT,
    )
