"""Experiments: what to search, with which engine, for how long; read from TOML files and written resolved.

`Experiment` is the one list of what steers a search: the keys of its file, the arguments of the Python call and the
options of the command line are its fields.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.files import name_from, parse_toml, plain_name, read_text, toml_key, toml_value
from rulesearch.shipped import shipped_folder, shipped_names


@dataclass(frozen=True, slots=True)
class Limit:
    """What values of a field are allowed.

    **Fields:** `holds` for one that is; `must`: what it must do, in words; `low`: the least whole number.
    """

    holds: Callable[[Any], bool]
    must: str
    low: float = -math.inf


@dataclass(frozen=True, slots=True)
class SearchOption:
    """How a field is given by who starts a search.

    **Fields:** `help` and `metavar` of the command line; `flag`: its name there, where that is not the field's;
    `example` of a pair `key=value`.
    """

    help: str
    metavar: str
    flag: str = ""
    example: str = ""


def _between(low: int, high: int) -> Limit:
    return Limit(lambda value: low <= value <= high, f"lie in {low} to {high}", low)


def _option(
    default: Any, metavar: str, help_text: str, *, limit: Limit | None = None, flag: str = "", example: str = ""
) -> Any:
    """Return a field that the command line has an option for; `default` may be a type that makes it."""
    metadata = {"option": SearchOption(help_text, metavar, flag, example), "limit": limit}
    if isinstance(default, type):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A search, described.

    **Fields:** `task`: name or `file.py:Name`; `grammar`: name or file; `engine`; `seed`; `budget`: distinct
    evaluations at full fidelity; `settings` of the task that differ from its defaults; `time_limit` [s] and
    `stop_loss` end a search early; `backend` `vm` or `jit`; `start`: text of rules to grow from;
    `given`: text of those of the task's rules that are held fixed: simulated, not searched, not counted;
    `options`: what steers the engine, where it differs from the engine's own defaults;
    `template`: a rule with holes `?` to be searched; `forbid`: words of the grammar that no rule may have;
    `require`: those that every rule must have, where there are several slots as `slot:word`, or several rules as
    `rule[word]`;
    `permutations`: searches on permuted targets, None for the task's own default.
    """

    name: str
    task: str
    grammar: str = _option(MISSING, "G", "A shipped grammar's name, or a TOML file.")
    description: str = ""
    engine: str = _option("deap", "E", "The search engine; see rulesearch engines.")
    seed: int = _option(1, "N", "Seed of the whole run.", limit=_between(0, 2**31 - 1))
    budget: int = _option(
        20_000,
        "N",
        "Distinct rules to try at full fidelity; the last batch is finished.",
        limit=_between(1, 10**12),
    )
    settings: Mapping[str, float | str] = _option(
        dict, "KEY=VALUE", "A setting of the task; may be repeated.", flag="set", example="dims=10"
    )
    time_limit: float | None = _option(
        None,
        "SECONDS",
        "What the run may take in all: search, clean-up, report.",
        limit=Limit(lambda value: value > 0, "be above 0 s"),
        flag="time",
    )
    stop_loss: float | None = _option(
        None,
        "L",
        "End the search at this loss.",
        limit=Limit(lambda value: 0 <= value < math.inf, "be a number of at least 0, as losses are"),
    )
    backend: str = field(default="vm", metadata={"limit": Limit(lambda value: value in ("vm", "jit"), "be vm or jit")})
    start: str | None = _option(None, "RULE", "A rule to grow from.")
    given: str | None = _option(None, "RULES", "Rules of the task that are held fixed, not searched: EE[…]; II[…].")
    options: Mapping[str, float | str] = _option(
        dict, "KEY=VALUE", "What steers the engine; see: rulesearch engines E.", flag="option", example="islands=8"
    )
    template: str | None = _option(None, "RULE", "A form to keep, with ? for what is searched: x*y - ?")
    forbid: Sequence[str] = _option((), "WORD", "A symbol, operator or function to leave out.")
    require: Sequence[str] = _option((), "WORD", "One that every rule must have; or SLOT:WORD, or RULE[WORD].")
    permutations: int | None = _option(
        None,
        "N",
        "Searches on permuted targets, for the p of the result; the task's default.",
        limit=_between(0, 9_999),
    )

    def with_changes(self, **changes: Any) -> Experiment:
        """Return the experiment with the given fields replaced; None leaves a field as it is, an empty list too.

        Settings and options are added to those that there are; with another engine the options are those given alone.
        **Raises:** `RulesearchError` for a field that there is not, or a value that it cannot have.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        for name, kinds in _KINDS.items():
            if kinds == _WORDS and name in given and isinstance(given[name], Sequence) and not given[name]:
                del given[name]
            elif kinds == (Mapping,) and isinstance(given.get(name), Mapping):
                given[name] = {**getattr(self, name), **given[name]}
        if given.get("engine", self.engine) != self.engine:
            given["options"] = changes.get("options") or {}
        return _checked(replace(self, **_typed(given, self.name)), self.name)


_WORDS = (list, tuple)
_KINDS_OF: dict[Any, tuple[type, ...]] = {float: (int, float), Sequence: _WORDS}
_KIND_NAMES: dict[type, str] = {Mapping: "dict", tuple: "list"}


def _kinds(hint: Any) -> tuple[type, ...]:
    """Return the types that a value of a field may have, None left out."""
    plain = next(part for part in get_args(hint) if part is not NoneType) if isinstance(hint, UnionType) else hint
    origin = get_origin(plain) or plain
    return _KINDS_OF.get(origin, (origin,))


_KINDS = {name: _kinds(hint) for name, hint in get_type_hints(Experiment).items()}
_LIMITS: dict[str, Limit] = {
    each.name: each.metadata["limit"] for each in fields(Experiment) if each.metadata.get("limit")
}


@dataclass(frozen=True, slots=True)
class GivenField:
    """A field of an experiment that whoever starts a search may give.

    **Fields:** `name`; `option`; `kinds` of its values; `default`, None where there is none; `limit` of its values.
    """

    name: str
    option: SearchOption
    kinds: tuple[type, ...]
    default: Any
    limit: Limit | None

    @property
    def flag(self) -> str:
        """What is typed before it at the command line."""
        return f"--{self.option.flag or self.name.replace('_', '-')}"


def given_fields() -> list[GivenField]:
    """Return the fields that the command line and the Python call of a search take, in order."""
    return [
        GivenField(
            each.name,
            each.metadata["option"],
            _KINDS[each.name],
            None if each.default is MISSING else each.default,
            each.metadata["limit"],
        )
        for each in fields(Experiment)
        if "option" in each.metadata
    ]


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
    given = parse_toml(read_text(path), str(path))
    given.pop("versions", None)
    given = _typed(given, str(path))
    for key in ("task", "grammar"):
        if key not in given:
            raise RulesearchError(f'{path}: the key {key!r} is missing; type for example {key} = "..."')
    given.setdefault("name", name_from(path.stem))
    return _checked(Experiment(**given), str(path))


def _typed(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return fields of an experiment of the kinds that they must have; a whole number may be written as 1e5."""
    found = {}
    for key, value in given.items():
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
    for key in (name for name, kinds in _KINDS.items() if kinds == _WORDS):
        words = getattr(experiment, key)
        if not all(isinstance(word, str) for word in words):
            raise RulesearchError(f'{where}: {key} must be a list of words, such as ["tanh"], found {words!r}')
    plain_name(experiment.name, f"{where}, name")
    for key, limit in _LIMITS.items():
        value = getattr(experiment, key)
        if value is not None and not limit.holds(value):
            raise RulesearchError(f"{where}: {key} must {limit.must}, found {shown(value)}")
    return experiment


def experiment_text(experiment: Experiment, versions: Mapping[str, str]) -> str:
    """Return an experiment as TOML, everything resolved, with the versions of what ran it."""
    given = {key: getattr(experiment, key) for key in _KINDS}
    lines = [
        f"{key} = {toml_value(value)}"
        for key, value in given.items()
        if not isinstance(value, Mapping) and value is not None and value != ()
    ]
    tables = {key: value for key, value in given.items() if isinstance(value, Mapping)} | {"versions": versions}
    for key, table in tables.items():
        if table:
            lines += ["", f"[{key}]", *(f"{toml_key(name)} = {toml_value(value)}" for name, value in table.items())]
    return "\n".join(lines) + "\n"
