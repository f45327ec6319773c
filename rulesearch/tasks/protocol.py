"""What a search does with a task, apart from what the task is: how rules are chosen, reported and looked into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a search does with a task; the defaults suit a task of seconds whose seeds differ."""

    aims: tuple[str, ...] = ()
    """Metrics, smaller is better, that name parts of the problem: a search keeps the best at each part as well."""
    tolerance: float = 0.0
    """Difference of losses that does not matter between two rules."""
    fits_eta: bool = False
    """Whether a rule that gives no learning rate gets the one that fits best, so that each form has its own."""
    fits_numbers: bool = False
    """Whether all numbers of a rule that a search proposes are fitted before it is judged, its learning rate among
    them, so that every structure counts once: for tasks that are cheap, and give `residuals` or fit `by_trials`."""
    by_trials: bool = False
    """Whether these numbers are those with which trials do best, on a seed that judges nothing; known rules then get
    learning rates in the same way."""
    finalists: int = 24
    """Candidates that are cleaned up after a search."""
    selection_trials: int = 5
    """Selection seeds on which a rule is judged during the clean-up."""
    front_trials: int = 0
    """Selection seeds that decide which cleaned rules make the front, where that is more than `selection_trials`."""
    calibrated: int = 0
    """Constants, in all, that are fitted once more at full fidelity after the clean-up: for noisy simulations."""
    report_trials: int = 10
    """Report seeds, which choose nothing, on which the rules of the front are scored."""
    condition_trials: int = 0
    """Report seeds on which rank 1 is scored under other conditions, where that is not `report_trials`."""
    evidence_rules: int = 12
    """Rules of a front that are looked into for the report: ablations, ranges of constants."""
    evidence_seeds: int = 5
    """Report seeds on which they are."""
    permutations: int = 0
    """Searches on permuted targets that a run makes unless it is told otherwise; 0 where they would take long."""
    refitted: bool = False
    """Whether the cases are measurements, so that each can be left out and predicted by a rule fitted to the others."""
    transfer: tuple[str, ...] = ()
    """Tasks on which the rules of a front are scored as they are, without refitting."""

    @property
    def choosing_trials(self) -> int:
        """Selection seeds over which the losses are by which rules are chosen for a front."""
        return max(self.selection_trials, self.front_trials)


_FIELDS = tuple(field.name for field in fields(Protocol))
_EVIDENCE = "evidence"
FORMER = (*_FIELDS, _EVIDENCE)
"""Class variables by which a task, before it had a protocol, said what is now a field of it."""


def with_former(protocol: Protocol, values: Mapping[str, Any]) -> Protocol:
    """Return a protocol with the values that a task gives by the names in `FORMER`; other names are left alone.

    Files of users and the stores of old runs have them; `evidence` is a pair, of rules and seeds.
    """
    told = {name: values[name] for name in _FIELDS if name in values}
    if _EVIDENCE in values:
        told["evidence_rules"], told["evidence_seeds"] = values[_EVIDENCE]
    return replace(protocol, **told) if told else protocol
