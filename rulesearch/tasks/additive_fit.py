"""Rules that add terms, such as pairs and triplets of spikes, with the amplitudes that fit measured changes best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.synapse.events import Protocols, run_protocols

Array = npt.NDArray[np.float64]

_TAUS = (5e-3, 150e-3)
_GRID, _REFINEMENTS = 13, 5
_NEXT_TO_NONE = 1e-9
PAIR = {"A_plus": "on_post: x", "A_minus": "on_pre: -y"}
TRIPLET = {**PAIR, "A3_plus": "on_post: x*y2", "A3_minus": "on_pre: -y*x2"}
"""Terms of additive rules, by their amplitudes."""
TAUS = {"x": 16.8e-3, "y": 33.7e-3, "x2": 0.101, "y2": 0.125}
"""Time constants of the triplet model in visual cortex, all-to-all [s] (Pfister & Gerstner 2006, table 4)."""


class AdditiveFit:
    """Fits rules that add terms, each with an amplitude, to changes: by least squares for given time constants.

    **Arguments:** `protocols`, of which the first are those of the changes; `targets`: changes and their standard
    errors, `(rows,)` each; `terms` by their amplitudes, such as `on_pre: -y`; `positive`: no amplitude is below 0.
    """

    def __init__(
        self, protocols: Protocols, targets: tuple[Array, Array], terms: Mapping[str, str], positive: bool = False
    ) -> None:
        self.protocols, self.terms, self.positive = protocols, terms, positive
        self.change, self.sem = targets
        self.kept = np.isfinite(self.change)
        self._columns: dict[tuple[str, tuple[float, ...]], Array] = {}

    def _column(self, text: str, taus: Mapping[str, float]) -> Array:
        read = [name for name in parse_rules(text).only().symbols if name in taus]
        place = text, tuple(taus[name] for name in read)
        if place not in self._columns:
            rule = parse_rules(f"{text}{_said({name: taus[name] for name in read})}").only()
            changes = run_protocols(rule, self.protocols, 0.0, 1.0, (-math.inf, math.inf))
            self._columns[place] = (changes[: len(self.change)] / self.sem)[self.kept]
        return self._columns[place]

    def amplitudes(self, taus: Mapping[str, float]) -> tuple[list[float], float]:
        """Return the amplitudes at given time constants [s], and the mean z^2."""
        design = np.column_stack([self._column(text, taus) for text in self.terms.values()])
        target = (self.change / self.sem)[self.kept]
        found = nnls(design, target)[0] if self.positive else np.linalg.lstsq(design, target, rcond=None)[0]
        return [float(each) for each in found], float(np.mean((design @ found - target) ** 2)) if len(target) else 0.0

    def best(self, names: Sequence[str], name: str) -> RuleSet:
        """Return the rule with the best time constants of two traces, from a grid that is made finer."""
        low, high = np.log(_TAUS[0]), np.log(_TAUS[1])
        centre, width = np.array([(low + high) / 2.0] * 2), (high - low) / 2.0
        for _ in range(_REFINEMENTS):
            steps = np.linspace(-width, width, _GRID)
            grid = [
                (x, y) for x in np.clip(centre[0] + steps, low, high) for y in np.clip(centre[1] + steps, low, high)
            ]
            errors = [self.amplitudes(dict(zip(names, np.exp(point).tolist(), strict=True)))[1] for point in grid]
            centre, width = np.array(grid[int(np.argmin(errors))]), 2.0 * width / (_GRID - 1)
        taus = [float(f"{tau:.4g}") for tau in np.exp(centre)]
        return self.rules(dict(zip(names, taus, strict=True)), name)

    def rules(self, taus: Mapping[str, float], name: str) -> RuleSet:
        """Return the rule with the best amplitudes for given time constants [s]."""
        slots: dict[str, str] = {}
        for amplitude, text in self.terms.items():
            slot, _, term = text.partition(": ")
            sign = "-" if term.startswith("-") else "+" if slot in slots else ""
            slots[slot] = f"{slots.get(slot, '')}{sign}{amplitude}*{term.removeprefix('-')}"
        written = "; ".join(f"{slot}: {slots[slot]}" for slot in ("on_pre", "on_post") if slot in slots)
        constants = "".join(f"; {amplitude} = 1" for amplitude in self.terms)
        rule = parse_rules(f"{written}{constants}; eta = 1{_said(taus)}").only()
        values = dict(zip(self.terms, self.amplitudes(taus)[0], strict=True))
        if self.positive:
            # An amplitude of 0 has no sign that it keeps where numbers are fitted anew.
            values = {name: max(value, _NEXT_TO_NONE) for name, value in values.items()}
        return RuleSet({"w": rule.with_constants(values)}, name)


def _said(taus: Mapping[str, float]) -> str:
    return "".join(f"; tau_{name} = {tau!r} s" for name, tau in taus.items())
