"""A table of protocols and measured weight changes as a task: the rule of spikes that gives the changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from rulesearch.errors import RulesearchError
from rulesearch.measurements.columns import Columns, told_apart
from rulesearch.measurements.protocols import LEAST_CHANGE, Measured, misses, read_protocols, same_protocols
from rulesearch.measurements.sheet import Sheet
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.additive_fit import TAUS, TRIPLET, AdditiveFit
from rulesearch.tasks.declaration import Setting, Settings
from rulesearch.tasks.stdp_protocols import Array, StdpProtocols

_FEWEST_ROWS = 4


class ProtocolTable(StdpProtocols):
    """Find the rule behind weight changes that were measured under given spikes.

    The loss is the mean of ((model - data)/s.e.m.)^2 over the rows. Where a row only says LTP, LTD or none, the model
    is off by what it lacks to a change of the least size that is seen, or what it exceeds that by.

    **Arguments:** `path` of the table; `sheet`: what it holds; `columns`: which columns are what.
    **Raises:** `RulesearchError` with row and column where the table is none.
    """

    summary = "The rule must give the weight changes of a table from the spikes under which they were measured."
    reference = ""
    doi = ""
    bibtex = ""
    settings: ClassVar[Mapping[str, Setting]] = {
        **StdpProtocols.settings,
        "least_change": Setting(
            LEAST_CHANGE, "smallest change that counts as LTP or LTD where a word tells it", 1e-6, 10.0
        ),
    }
    known_rule = "fitted triplet"
    nothing = "no change at all"

    def __init__(self, path: Path, sheet: Sheet, columns: Columns) -> None:
        told, _ = told_apart(sheet, columns)
        self.path, self.target = path, told.target
        self._measured = read_protocols(sheet, columns)
        changes = np.array([row.change for row in self._rows])
        signs = {row.sign for row in self._rows if row.sign is not None}
        if len(self._rows) < _FEWEST_ROWS:
            raise RulesearchError(f"{path} has {len(self._rows)} rows; a rule needs at least {_FEWEST_ROWS}")
        numbers = changes[np.isfinite(changes)]
        if len(set(numbers.tolist())) + len(signs) < 2:
            raise RulesearchError(
                f"{path}: all values in column {told.target} are the same; there is nothing to explain"
            )
        if columns.own and len({row.preparation for row in self._rows}) < 2:
            raise RulesearchError(
                f"{path}: own: there is one preparation, which has all numbers for itself; a column preparation tells "
                "rows apart, or the one that --group names"
            )
        self.own = columns.own
        self.errors_told = bool(told.error)
        self.noise = self._known_noise()
        self.name = f"{path.name}:{told.target}"  # type: ignore[misc]
        self.title = f"{told.target} of {path.name}, {len(self._rows)} protocols"  # type: ignore[misc]
        if any(not row.pre or not row.post for row in self._rows):
            # Then the data say what spikes of one side do.
            self.requirements = ()  # type: ignore[misc]

    def measured(self) -> tuple[Measured, ...]:
        """Return the rows of the table."""
        return tuple(self._measured)

    def errors(self, predictions: Array, changes: Array, settings: Settings) -> Array:
        """Return how far predictions are from changes; where only a sign is known, from what that allows."""
        return misses(self._in_order(settings), predictions, changes, settings["least_change"])

    def _known_noise(self) -> float:
        """Return the mean squared residual that noise alone makes; 0 where nothing tells it.

        That is 1 where rows have standard errors; else what rows differ by that were measured under the same spikes.
        """
        if self.errors_told:
            return 1.0
        repeated = [places for places in same_protocols(self._rows) if len(places) > 1]
        free = sum(len(places) - 1 for places in repeated)
        if not free:
            return 0.0
        changes, sem = self.targets(0.0)
        squares = sum(float(np.sum((changes[places] - changes[places].mean()) ** 2)) for places in repeated)
        return squares / free / float(np.mean(sem**2))

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the triplet rule with the time constants of visual cortex and the best amplitudes of at least 0."""
        fit = AdditiveFit(self.protocols, self.targets(settings["permutation"]), TRIPLET, positive=True)
        return fit.rules(TAUS, self.known_rule)

    def control(self, settings: Settings) -> RuleSet:
        """Return the rule that changes nothing: pairs, which must fail in visual cortex, may be right elsewhere."""
        return self.parse("on_pre: 0")

    def _in_order(self, settings: Settings) -> list[Measured]:
        return [self._rows[place] for place in self.order(settings["permutation"])]
