"""Experiments: what to search, with which engine, for how long; read from TOML files and written resolved."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.shipped import shipped_folder, shipped_names

_MAX_BYTES = 262_144
_MOST_PERMUTATIONS = 9_999


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
        """Return the experiment with the given fields replaced; None leaves a field as it is."""
        return _checked(
            replace(self, **{name: value for name, value in changes.items() if value is not None}), self.name
        )


_KINDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "task": (str,),
    "grammar": (str,),
    "description": (str,),
    "engine": (str,),
    "seed": (int,),
    "budget": (int,),
    "settings": (dict,),
    "time_limit": (int, float),
    "stop_loss": (int, float),
    "backend": (str,),
    "start": (str,),
    "options": (dict,),
    "template": (str,),
    "forbid": (list,),
    "require": (list,),
    "permutations": (int,),
}


def experiment_names() -> tuple[str, ...]:
    """Return the names of the shipped experiments."""
    return shipped_names("experiments")


def load_experiment(name_or_path: str | Path) -> Experiment:
    """Read a shipped experiment by name, or a TOML file.

    **Raises:** `RulesearchError` with the file, the key, and what was expected there.
    """
    text = str(name_or_path)
    path = Path(text)
    if text in experiment_names():
        path = shipped_folder("experiments") / f"{text}.toml"
    elif not path.is_file():
        if path.suffix == ".toml" or "/" in text:
            raise RulesearchError(f"there is no file {text}")
        raise RulesearchError(f"unknown experiment {text!r}{did_you_mean(text, experiment_names())}")
    return read_experiment(path)


def read_experiment(path: Path) -> Experiment:
    """Read an experiment file; a table `[versions]` is allowed and passed over."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RulesearchError(f"{path} is larger than {_MAX_BYTES} bytes; that is no experiment file")
        fields = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RulesearchError(f"{path} cannot be read as TOML: {error}") from None
    fields.pop("versions", None)
    for key, value in fields.items():
        if key not in _KINDS:
            raise RulesearchError(f"{path}: unknown key {key!r}{did_you_mean(key, _KINDS)}")
        if not isinstance(value, _KINDS[key]) or isinstance(value, bool):
            wanted = " or ".join(kind.__name__ for kind in _KINDS[key])
            raise RulesearchError(f"{path}: {key} must be of type {wanted}, found {value!r}")
    for key in ("task", "grammar"):
        if key not in fields:
            raise RulesearchError(f'{path}: the key {key!r} is missing; type for example {key} = "..."')
    fields.setdefault("name", path.stem)
    return _checked(Experiment(**fields), str(path))


def _checked(experiment: Experiment, where: str) -> Experiment:
    for key, words in (("forbid", experiment.forbid), ("require", experiment.require)):
        if not all(isinstance(word, str) for word in words):
            raise RulesearchError(f'{where}: {key} must be a list of words, such as ["tanh"], found {words!r}')
    if experiment.budget < 1:
        raise RulesearchError(f"{where}: budget must be at least 1, found {experiment.budget}")
    if not 0 <= experiment.seed < 2**31:
        raise RulesearchError(f"{where}: seed must lie in 0 to {2**31 - 1}, found {experiment.seed}")
    if experiment.time_limit is not None and not experiment.time_limit > 0:
        raise RulesearchError(f"{where}: the time must be above 0 s, found {experiment.time_limit:g}")
    if experiment.permutations is not None and not 0 <= experiment.permutations <= _MOST_PERMUTATIONS:
        raise RulesearchError(
            f"{where}: permutations must lie in 0 to {_MOST_PERMUTATIONS}, found {experiment.permutations}"
        )
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
