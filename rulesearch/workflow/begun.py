"""What a run began with, noted in its store, so that its results are never told of another search.

The files of a run folder can be edited. How long a search goes on may be changed before it is resumed; with another
seed, task, grammar or engine it would be another search.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rulesearch.errors import RulesearchError, shown
from rulesearch.evaluation.records import Records, reading
from rulesearch.evaluation.store import Store
from rulesearch.files import read_text
from rulesearch.tasks.source import digest
from rulesearch.workflow.experiment import Experiment, read_experiment

BEGUN = "begun"
_EXPERIMENT, _GRAMMAR = "experiment.toml", "grammar.toml"
_FIXED = ("task", "grammar", "engine", "seed", "given", "start", "template", "forbid", "require", "settings", "options")


def note_begun(folder: Path, store: Store, page: bool = True) -> None:
    """Note the experiment and the grammar that a new run folder holds, and whether a page is wanted of the run."""
    experiment = _fixed(read_experiment(folder / "experiment.toml"))
    store.set_fact(BEGUN, json.dumps({"experiment": experiment, "grammar": _digest(folder), "page": page}))


def wants_page(folder: Path) -> bool:
    """Return whether a run was begun with a page at its end, or has one, which another front would belie."""
    with reading(folder) as records:
        noted = json.loads(records.fact(BEGUN) or "{}")
    return bool(noted.get("page", True)) or (folder / "report.html").is_file()


def lacking(folder: Path) -> str:
    """Return the name of a file without which a run cannot be resumed and which its folder lacks; empty for none."""
    return next((name for name in (_EXPERIMENT, _GRAMMAR) if not os.path.isfile(folder / name)), "")


def check_begun(folder: Path, experiment: Experiment, records: Records) -> None:
    """Refuse a run folder whose experiment or grammar is not what its run began with; older runs have no note of it.

    **Raises:** `RulesearchError` with what was changed, and what to type.
    """
    noted = json.loads(records.fact(BEGUN) or "{}")
    before, now = noted.get("experiment", {}), _fixed(experiment)
    changed = [
        f"{key} was {_told(before.get(key))} and is now {_told(now.get(key))}"
        for key in {**before, **now}
        if before and before.get(key) != now.get(key)
    ]
    again = f"rulesearch discover {folder}/experiment.toml"
    if changed:
        raise RulesearchError(
            f"{folder}/experiment.toml was changed since the run began: {', '.join(changed)}; change it back, or "
            f"search anew: {again}"
        )
    if "grammar" in noted and (folder / _GRAMMAR).is_file() and _digest(folder) != noted["grammar"]:
        raise RulesearchError(
            f"{folder}/{_GRAMMAR} was changed since the run began; change it back, or search anew: "
            f"{again} --grammar {folder}/{_GRAMMAR}"
        )


def _fixed(experiment: Experiment) -> dict[str, Any]:
    """Return what a run must keep, by key; tables key by key."""
    found: dict[str, Any] = {}
    for key in _FIXED:
        value: Any = getattr(experiment, key)
        if isinstance(value, Mapping):
            found |= {f"{key}.{name}": each for name, each in value.items()}
        elif value not in (None, ()):
            found[key] = list(value) if isinstance(value, tuple) else value
    return found


def _told(value: Any) -> str:
    return "not given" if value is None else shown(value)


def _digest(folder: Path) -> str:
    return digest({_GRAMMAR: read_text(folder / _GRAMMAR).encode()})
