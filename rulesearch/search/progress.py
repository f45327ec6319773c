"""How far a search is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """How far a search is, for whoever watches it.

    **Fields:** `evaluations`: all simulations; `distinct`: distinct functions at full fidelity; `duplicates`:
    candidates that were not evaluated because their function was known; `work`: counted work; `simulated` time, in
    the task's clock; `first_hit`: distinct functions at full fidelity when the first rule did as well as the known one,
    None before; `deaths`: evaluations by status; `population`: number of candidates kept.
    """

    generation: int = 0
    evaluations: int = 0
    distinct: int = 0
    screened: int = 0
    duplicates: int = 0
    work: int = 0
    simulated: float = 0.0
    first_hit: int | None = None
    population: int = 0
    started: float = field(default_factory=time.monotonic)
    deaths: dict[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self.started

    @property
    def duplicate_share(self) -> float:
        """Share of proposed candidates whose function was known."""
        proposed = self.duplicates + self.screened
        return self.duplicates / proposed if proposed else 0.0
