"""Experiments: what to search, with which engine, for how long; read from TOML files and written resolved."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.files import name_from, parse_toml, plain_name, read_text
from rulesearch.shipped import shipped_folder, shipped_names

_RANGES = {"budget": (1, 10**12), "seed": (0, 2**31 - 1), "permutations": (0, 9_999)}


@dataclass(frozen=True, slots=True)
class Experiment:
    """A search, described.

    **Fields:** `task`: name or `file.py:Name`; `grammar`: name or file; `engine`; `seed`; `budget`: distinct
    evaluations at full fidelity; `settings` of the task that differ from its defaults; `time_limit` [s] and
    `stop_loss` end a search early; `backend` `vm` or `jit`; `start`: text of a rule to grow from;
    `options`: what steers the engine, where it differs from the engine's own defaults;
    `template`: a rule with holes `?` to be searched; `forbid`: words of the grammar that no rule may have;
    `require`: those that every rule must have, where there are several slots as `slot:word`;
    `permutations`: searches on permuted targets, None for the task's own default.
    """

    name: str
    task: str
    grammar: str
    description: str = ""
    engine: str = "deap"
    seed: int = 1
    budget: int = 20_000
    settings: Mapping[str, float | str] = field(default_factory=dict)
    time_limit: float | None = None
    stop_loss: float | None = None
    backend: str = "vm"
    start: str | None = None
    options: Mapping[str, float | str] = field(default_factory=dict)
    template: str | None = None
    forbid: Sequence[str] = ()
    require: Sequence[str] = ()
    permutations: int | None = None

    def with_changes(self, **changes: Any) -> Experiment:
        """Return the experiment with the given fields replaced; None leaves a field as it is.

        **Raises:** `RulesearchError` for a field that there is not, or a value that it cannot have.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        return _checked(replace(self, **_typed(given, self.name)), self.name)


_KINDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "task": (str,),
    "grammar": (str,),
    "description": (str,),
    "engine": (str,),
    "seed": (int,),
    "budget": (int,),
    "settings": (Mapping,),
    "time_limit": (int, float),
    "stop_loss": (int, float),
    "backend": (str,),
    "start": (str,),
    "options": (Mapping,),
    "template": (str,),
    "forbid": (list, tuple),
    "require": (list, tuple),
    "permutations": (int,),
}

_KIND_NAMES: dict[type, str] = {Mapping: "dict", tuple: "list"}


def experiment_names() -> tuple[str, ...]:
    """Return the names of the shipped experiments."""
    return shipped_names("experiments")


def load_experiment(name_or_path: str | Path) -> Experiment:
    """Read a shipped experiment by name, or a TOML file.

    **Raises:** `RulesearchError` with the file, the key, and what was expected there.
    """
    text = str(name_or_path)
    if text in experiment_names():
        return read_experiment(shipped_folder("experiments") / f"{text}.toml")
    if not os.path.isfile(text):
        if text.endswith(".toml") or "/" in text:
            raise RulesearchError(f"there is no file {text}")
        raise RulesearchError(f"unknown experiment {text!r}{did_you_mean(text, experiment_names())}")
    return read_experiment(Path(text))


def read_experiment(path: Path) -> Experiment:
    """Read an experiment file; a table `[versions]` is allowed and passed over."""
    fields = parse_toml(read_text(path), str(path))
    fields.pop("versions", None)
    fields = _typed(fields, str(path))
    for key in ("task", "grammar"):
        if key not in fields:
            raise RulesearchError(f'{path}: the key {key!r} is missing; type for example {key} = "..."')
    fields.setdefault("name", name_from(path.stem))
    return _checked(Experiment(**fields), str(path))


def _typed(fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return fields of an experiment of the kinds that they must have; a whole number may be written as 1e5."""
    found = {}
    for key, value in fields.items():
        if key not in _KINDS:
            raise RulesearchError(f"{where}: unknown key {shown(key)}{did_you_mean(key, _KINDS)}")
        found[key] = _plain(value, _KINDS[key])
        if not isinstance(found[key], _KINDS[key]) or isinstance(value, bool):
            wanted = " or ".join(dict.fromkeys(_KIND_NAMES.get(kind, kind.__name__) for kind in _KINDS[key]))
            raise RulesearchError(f"{where}: {key} must be of type {wanted}, found {shown(value)}")
    return found


def _plain(value: Any, kinds: tuple[type, ...]) -> Any:
    """Return a value as Python has it: numbers of NumPy, a whole number with a point, and paths are met in scripts."""
    if isinstance(value, Integral) or (kinds == (int,) and isinstance(value, float) and value.is_integer()):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return str(value) if isinstance(value, Path) else value


def _checked(experiment: Experiment, where: str) -> Experiment:
    for key, words in (("forbid", experiment.forbid), ("require", experiment.require)):
        if not all(isinstance(word, str) for word in words):
            raise RulesearchError(f'{where}: {key} must be a list of words, such as ["tanh"], found {words!r}')
    plain_name(experiment.name, f"{where}, name")
    for key, (low, high) in _RANGES.items():
        value = getattr(experiment, key)
        if value is not None and not low <= value <= high:
            raise RulesearchError(f"{where}: {key} must lie in {low} to {high}, found {shown(value)}")
    if experiment.time_limit is not None and not experiment.time_limit > 0:
        raise RulesearchError(f"{where}: the time must be above 0 s, found {shown(experiment.time_limit)}")
    if experiment.stop_loss is not None and not 0 <= experiment.stop_loss < math.inf:
        found = shown(experiment.stop_loss)
        raise RulesearchError(f"{where}: stop_loss must be a number of at least 0, as losses are, found {found}")
    if experiment.backend not in ("vm", "jit"):
        raise RulesearchError(f"{where}: backend must be vm or jit, found {experiment.backend!r}")
    return experiment


def experiment_text(experiment: Experiment, versions: Mapping[str, str]) -> str:
    """Return an experiment as TOML, everything resolved, with the versions of what ran it."""
    lines = []
    for key in _KINDS:
        value = getattr(experiment, key)
        if key not in ("settings", "options") and value is not None and value != ():
            lines.append(f"{key} = {_toml(value)}")
    lines += ["", "[settings]", *(f"{name} = {_toml(value)}" for name, value in experiment.settings.items())]
    if experiment.options:
        lines += ["", "[options]", *(f"{name} = {_toml(value)}" for name, value in experiment.options.items())]
    lines += ["", "[versions]", *(f"{_toml(name)} = {_toml(value)}" for name, value in versions.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        escaped = "".join(f"\\u{ord(one):04x}" if one < " " or one == "\x7f" else one for one in escaped)
        return f'"{escaped}"'
    return repr(value)
