"""Where bias and readout of a familiarity layer come from, and what it then answers to fresh stimuli."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rulesearch.rules.bound import BoundSet
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.familiarity_layer import (
    EXCESSES,
    SELECTIVITY,
    SEQUENCES,
    Answer,
    Fixed,
    Synapses,
    addresses,
    answers,
    best_readout,
    network,
    sequence,
)
from rulesearch.tasks.familiarity_training import trained

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

READOUT = 3000
"""Stimuli on which a readout is fitted."""

Readout = tuple[int, Fixed]
"""Index of the excess that is best, and what follows from it."""


def fixed_numbers(rules: BoundSet, seed: int, settings: Settings) -> tuple[BoundSet, Fixed] | None:
    """Return rules and the fixed numbers that go with them, fitted or trained; None where there are none."""
    components, units, interval, steps = (int(settings[k]) for k in ("components", "units", "interval", "training"))
    if steps:
        return trained(rules, units, components, interval, steps, seed)
    ((_, _, readout),) = readouts([rules], seed, settings, READOUT, EXCESSES, "vm")
    return None if readout is None else (rules, readout[1])


def readouts(
    candidates: Sequence[BoundSet], seed: int, settings: Settings, steps: int, excesses: Array, backend: str
) -> list[tuple[Answer, Flags, Readout | None]]:
    """Show a sequence to candidates and fit bias and readout of each; None where it did not run to its end."""
    components, units = int(settings["components"]), int(settings["units"])
    weights, synapses = addresses(components, units), Synapses.of(settings, seed)
    base = -SELECTIVITY * (units.bit_length() - 1)
    stimuli, familiar = _shown(seed, settings, int(settings["interval"]), steps, 0)
    found: list[tuple[Answer, Flags, Readout | None]] = []
    for shown in answers(candidates, network(weights, base, synapses), stimuli, excesses, backend):
        if shown.status != "ok":
            found.append((shown, familiar, None))
            continue
        index, sign, threshold, _ = best_readout(shown.responses, familiar)
        fixed = Fixed(weights, base + float(excesses[index]), sign, -sign * threshold)
        found.append((shown, familiar, (index, fixed)))
    return found


def fresh(
    candidates: Sequence[BoundSet], fixed: Mapping[int, Fixed], seed: int, settings: Settings, backend: str
) -> dict[int, tuple[Answer, Flags]]:
    """Show fresh stimuli to those candidates that have a readout, those with the same bias in one call."""
    interval, synapses = int(settings["tested"] or settings["interval"]), Synapses.of(settings, seed)
    stimuli, familiar = _shown(seed, settings, interval, int(settings["stimuli"]), 1)
    found = {}
    for bias in sorted({each.bias for each in fixed.values()}):
        places = [place for place, each in fixed.items() if each.bias == bias]
        layer = network(fixed[places[0]].weights, bias, synapses)
        alike = answers([candidates[place] for place in places], layer, stimuli, np.zeros(1), backend)
        found.update({place: (each, familiar) for place, each in zip(places, alike, strict=True)})
    return found


def _shown(seed: int, settings: Settings, interval: int, steps: int, child: int) -> tuple[Array, Flags]:
    seeds = np.random.SeedSequence([seed, SEQUENCES]).spawn(2)[child]
    return sequence(int(settings["components"]), interval, steps, np.random.default_rng(seeds))
