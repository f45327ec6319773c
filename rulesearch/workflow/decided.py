"""Which experiment decides between the rules that survive a table of measurements.

Rules that the table refutes are left out. Those of which no protocol in question tells half a bit with a hundred cells
are one family: which of them it is need not be decided. Families are held to be as probable before as each other.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.seeds import generator
from rulesearch.fitting.form import ProtocolForm
from rulesearch.given import whole_number
from rulesearch.inference.deciding import cells_for_decision, told
from rulesearch.inference.fitting import Fit
from rulesearch.measurements.protocols import Measured
from rulesearch.measurements.usual import usual_protocols
from rulesearch.workflow.predicted import Survivor, asked_protocols, none_fits, survivors_of, weighted_quantiles
from rulesearch.workflow.resolve import RuleLike
from rulesearch.workflow.run import Run
from rulesearch.writing import write_file

Array = npt.NDArray[np.float64]

PAIRS = 60
_POOL = 10
_MANY, _APART = 100, 0.5
_DRAWS = 1000
_LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class Kin:
    """Rules that no protocol in question tells apart.

    **Fields:** `name`: the rule that weighs most; `rules`: all of them by their names; `weight` of all.
    """

    name: str
    rules: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What a protocol would tell.

    **Fields:** `protocol`; `information` [bits] that as many cells as a row of the table has tell in the mean;
    `cells` that make the true family 95 % probable in the mean, None for more than a thousand; `predictions`: mean and
    90 % interval of the change by family.
    """

    protocol: Measured
    information: float
    cells: int | None
    predictions: Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Decided:
    """Protocols ranked by what they would tell.

    **Fields:** `table`; `survivors`: all rules, also those that the table refutes; `families` of the others; `single`:
    standard deviation of one cell; `n`: cells of a usual row; `choices`, the most telling first.
    """

    table: str
    survivors: tuple[Survivor, ...]
    families: tuple[Kin, ...]
    single: float
    n: float
    choices: tuple[Choice, ...]

    @property
    def warning(self) -> str:
        """What is wrong with all of the rules, empty where nothing is."""
        return none_fits(self.survivors)

    def to_json(self) -> dict[str, Any]:
        """Return it as a document; times in ms."""
        return {
            "table": self.table,
            "standard_deviation_of_a_cell": self.single,
            "cells_of_a_row": self.n,
            "families": [
                {"family": each.name, "rules": list(each.rules), "weight": each.weight} for each in self.families
            ],
            "warning": self.warning,
            "refuted": [each.name for each in self.survivors if each.refuted],
            "protocols": [
                {
                    "id": each.protocol.label,
                    "pre_ms": [round(1e3 * time, 6) for time in each.protocol.pre],
                    "post_ms": [round(1e3 * time, 6) for time in each.protocol.post],
                    "repeats": each.protocol.repeats,
                    "every_ms": round(1e3 * each.protocol.every, 6),
                    "information": each.information,
                    "n_for_decision": each.cells,
                    "predictions": {name: list(values) for name, values in each.predictions.items()},
                }
                for each in self.choices
            ],
        }

    def write(self, path: Path) -> None:
        """Write all protocols, the most telling first, as a table that other commands read.

        **Raises:** `RulesearchError` where the file cannot be written.
        """
        names = list(self.choices[0].predictions) if self.choices else []
        head = ["id", "pre_ms", "post_ms", "repeats", "every_ms", "information_bits", "cells", *names]

        def write(place: Path) -> None:
            with place.open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow(head)
                for each in self.choices:
                    protocol = each.protocol
                    times = [" ".join(f"{1e3 * time:.9g}" for time in side) for side in (protocol.pre, protocol.post)]
                    cells = f"{each.cells}" if each.cells is not None else ""
                    means = [f"{each.predictions[name][0]:.4g}" for name in names]
                    start = [protocol.label, *times, protocol.repeats, f"{1e3 * protocol.every:.9g}"]
                    rows.writerow([*start, f"{each.information:.4g}", cells, *means])

        write_file(path, write)


def decide(
    rules: RuleLike | Run | Iterable[RuleLike],
    table: object = None,
    *,
    candidates: object = None,
    pairs: int = PAIRS,
    repeats: float | None = None,
    every: float | None = None,
    preparation: str = "",
    seed: int = 1,
    **options: Any,
) -> Decided:
    """Rank protocols by what measuring them would tell of which family of rules it is.

    **Arguments:** `rules`, `table`, `preparation`, `options` as of `predict`; `candidates`: a table of protocols that
    can be done, many usual ones where not given; `pairs`: how often pairs and triplets repeat in these; `repeats` and
    `every` [ms] of rows of `candidates` that do not tell theirs.
    **Raises:** `RulesearchError` for whatever is wrong with these, or fewer than two rules.
    """
    whole_number(seed, "seed", 0)
    if candidates is None and (repeats is not None or every is not None):
        raise RulesearchError("--repeats and --every are those of --candidates; of usual protocols: --pairs N")
    protocols = (
        usual_protocols(whole_number(pairs, "pairs", 1))
        if candidates is None
        else asked_protocols((), (), repeats, every, candidates)
    )
    everything, name = survivors_of(rules, table, seed, least=2, preparation=preparation, asked=protocols, **options)
    found = [each for each in everything if not each.refuted]
    by_rule = [each.predictions(protocols, preparation)[-_DRAWS:] for each in found]
    single, usual = _cell(found[0].found)
    families, pooled = [], []
    for place, places in enumerate(_families(by_rule, single)):
        own = [found[each] for each in places]
        first = max(own, key=lambda each: each.weight)
        families.append(Kin(first.name, tuple(each.name for each in own), sum(each.weight for each in own)))
        parts = [by_rule[each] for each in places]
        pooled.append(_pooled(parts, [each.weight for each in own], generator(seed, _POOL, place)))
    names = [each.name for each in families]
    chances = np.full(len(families), 1.0 / len(families))
    choices = []
    for place, protocol in enumerate(protocols):
        columns = [part[:, place] for part in pooled]
        choices.append(_choice(protocol, columns, names, chances, single, usual))
    choices.sort(key=lambda each: -each.information)
    order = sorted(families, key=lambda each: -each.weight)
    return Decided(name, tuple(everything), tuple(order), single, usual, tuple(choices))


def _choice(
    protocol: Measured,
    parts: Sequence[Array],
    names: Sequence[str],
    chances: Array,
    single: float,
    usual: float,
) -> Choice:
    tail = 0.5 * (1.0 - _LEVEL)
    information, _ = told(parts, chances, single / math.sqrt(usual))
    # What is one family needs no decision.
    cells = cells_for_decision(parts, chances, single) if len(parts) > 1 else None
    predictions = {}
    for name, part in zip(names, parts, strict=True):
        low, high = weighted_quantiles(part, np.ones(len(part)), [tail, 1.0 - tail])
        predictions[name] = float(part.mean()), low, high
    return Choice(protocol, information, cells, predictions)


def _cell(found: Fit) -> tuple[float, float]:
    """Return the standard deviation of one cell, and how many a usual row has; a row counts as one where none says."""
    form = found.form
    numbers = np.array([row.n for row in form.rows]) if isinstance(form, ProtocolForm) else np.empty(0)
    if found.noise is not None:
        return found.noise.base, 1.0
    known = np.isfinite(numbers)
    if not known.any():
        return float(np.median(found.data.sem)), 1.0
    return float(np.median(found.data.sem[known] * np.sqrt(numbers[known]))), float(np.median(numbers[known]))


def _families(by_rule: Sequence[Array], single: float) -> list[list[int]]:
    """Return the places of rules that no protocol tells apart: many cells tell less than half of which it is."""
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(by_rule)))
    error, even = single / math.sqrt(_MANY), np.array([0.5, 0.5])
    for first, one in enumerate(by_rule):
        for second in range(first + 1, len(by_rule)):
            columns = zip(one.T, by_rule[second].T, strict=True)
            if all(told(pair, even, error)[0] < _APART for pair in columns):
                graph.add_edge(first, second)
    return [sorted(places) for places in networkx.connected_components(graph)]


def _pooled(parts: Sequence[Array], weights: Sequence[float], rng: np.random.Generator) -> Array:
    """Return draws of several rules, of each as many as it weighs."""
    if len(parts) == 1:
        return parts[0]
    shares = np.array(weights) + 1e-6
    chosen = rng.choice(len(parts), size=_DRAWS, p=shares / shares.sum())
    return np.array([parts[place][int(rng.integers(len(parts[place])))] for place in chosen])
