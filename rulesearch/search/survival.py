"""Who survives: layers of candidates that nothing else beats at once in size and in every aim.

Aims are compared on a coarse logarithmic grid (epsilon-dominance, Laumanns et al. 2002,
doi:10.1162/106365602760234108), so that differences within noise do not make a candidate better, and one
candidate per cell of the grid survives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.search.candidate import Candidate
from rulesearch.simulate.machine.kernel import compiled
from rulesearch.tasks.declaration import Requirement


class Survival:
    """Sorts candidates into layers.

    **Arguments:** `aims`: metrics of the task, smaller is better; without any, the loss; `requirements`: what a
    candidate lacks of them is one more aim; `cell`: width of the grid, in powers of ten.
    """

    def __init__(
        self, aims: Sequence[str], requirements: Sequence[Requirement], cell: float, fine: float, floor: float
    ) -> None:
        self.aims = tuple(aims)
        self.requirements = tuple(requirements)
        self.cell = cell
        self.fine = fine
        self.floor = floor

    def cell_of(self, candidate: Candidate) -> tuple[float, ...]:
        """Return where a candidate lies: size, then one grid index per aim."""
        if candidate.cell is None:
            candidate.cell = self._place(candidate)
        return candidate.cell

    def _place(self, candidate: Candidate) -> tuple[float, ...]:
        loss, metrics = candidate.known.loss, candidate.known.metrics
        values = [metrics.get(aim, float("inf")) for aim in self.aims]
        values += [requirement.shortfall(metrics) for requirement in self.requirements]
        error = _index(float("inf") if loss is None else loss, self.fine, self.floor * 0.1)
        return (float(candidate.size), error, *(_index(value, self.cell, self.floor) for value in values))

    def layers(self, candidates: Sequence[Candidate], capacity: int) -> list[list[Candidate]]:
        """Return the first layers, together at most `capacity` candidates; the last one may be cut."""
        if not candidates:
            return []
        best: dict[tuple[float, ...], Candidate] = {}
        for candidate in sorted(candidates, key=lambda item: (item.rank, item.key)):
            best.setdefault(self.cell_of(candidate), candidate)
        cells = sorted(best)
        points: npt.NDArray[np.float64] = np.array(cells, dtype=np.float64).reshape(len(cells), -1)
        layers: list[list[Candidate]] = []
        for index, layer in enumerate(_layer_of(points).tolist()):
            layers += [[] for _ in range(layer + 1 - len(layers))]
            layers[layer].append(best[cells[index]])
        kept: list[list[Candidate]] = []
        for row in layers:
            kept.append(row[:capacity])
            capacity -= len(kept[-1])
            if capacity == 0:
                break
        return kept


@compiled()
def _layer_of(points: Any) -> Any:
    """Return the layer of each of the distinct points `(points, aims)`, which are sorted: one above what beats it."""
    layers = np.zeros(points.shape[0], dtype=np.int64)
    for later in range(points.shape[0]):
        for earlier in range(later):
            if layers[earlier] >= layers[later]:
                beaten = True
                for aim in range(points.shape[1]):
                    if points[earlier, aim] > points[later, aim]:
                        beaten = False
                        break
                if beaten:
                    layers[later] = layers[earlier] + 1
    return layers


def _index(value: float, cell: float, floor: float) -> float:
    if not value < 1e9:
        return float("inf")
    return float(math.floor(math.log10(max(value, floor)) / cell))
