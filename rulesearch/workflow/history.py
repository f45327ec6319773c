"""How a search went, read from its store: figures of every generation, and where a rule came from."""

from __future__ import annotations

from dataclasses import dataclass

from rulesearch.evaluation.records import Records, reading
from rulesearch.workflow.run import Run

_ANCESTORS, _DEEP = 30, 14


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of a search, counted since its start but for what it says of itself.

    **Fields:** `distinct` functions at full fidelity; `duplicates` proposed; `best_loss`, None before there is one;
    `population` kept; `evaluated` rules of this generation and their `structures`, constants left out.
    """

    number: int
    distinct: int
    duplicates: int
    best_loss: float | None
    population: int
    evaluated: int = 0
    structures: int = 0


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A rule that another came from: `depth` steps back (0: the rule itself), how it came about, and its `parents`."""

    fingerprint: str
    depth: int
    generation: int
    origin: str
    rule: str
    loss: float | None
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """How a search went: its generations, evaluations by status, the ancestors of the recommended rule,
    and the kind of machine."""

    generations: tuple[Generation, ...]
    deaths: dict[str, int]
    ancestors: tuple[Ancestor, ...]
    hardware: str = ""


def read_history(run: Run) -> History:
    """Read how the search of a run went."""
    with reading(run.folder) as records:
        spread = {number: (count, forms) for number, count, forms in records.structures()}
        generations = tuple(
            Generation(number, distinct, duplicates, loss, population, *spread.get(number, (0, 0)))
            for number, _, distinct, duplicates, loss, population in records.generations()
        )
        source = run.members[0].source if run.members else ""
        return History(generations, records.deaths(), _ancestors(records, source), records.fact("hardware") or "")


def _ancestors(records: Records, fingerprint: str) -> tuple[Ancestor, ...]:
    found: dict[str, Ancestor] = {}
    layer = [fingerprint] if fingerprint else []
    for depth in range(_DEEP):
        above: list[str] = []
        for key in layer:
            row = records.ancestry(key) if key not in found and len(found) < _ANCESTORS else None
            if row is not None:
                found[key] = Ancestor(key, depth, *row)
                above += row[4]
        layer = list(dict.fromkeys(above))
    return tuple(found.values())
