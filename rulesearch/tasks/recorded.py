"""A task as a run's store tells it: what readers of the run need, without the file that the task came from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import BoundSet
from rulesearch.rules.json_format import rules_from_json, rules_to_json, state_from_json, state_to_json
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.declaration import Fidelity, Requirement, Setting, Settings, TaskSymbol
from rulesearch.tasks.protocol import Protocol, with_former
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial

_APART = ("symbols", "settings", "fidelities", "requirements", "protocol", "stress")

_UNSET: dict[str, tuple[()]] = {"slots": (), "bounds": ()}
"""Kinds of what `Task` declares without a default; what is not here is text."""


def task_to_json(task: Task, settings: Settings) -> dict[str, Any]:
    """Return what a task declares, the values of its settings in a run, and the rules that a front is shown beside."""
    declared = {}
    for name in Task.__annotations__:
        if name not in _APART and hasattr(task, name):
            declared[name] = _encoded(getattr(task, name))
    return {
        "declared": declared,
        "symbols": {
            name: {
                "meaning": symbol.meaning,
                "unit": symbol.unit,
                "state": None if symbol.state is None else state_to_json(symbol.state),
            }
            for name, symbol in task.symbols.items()
        },
        "settings": {name: _encoded(asdict(setting)) for name, setting in task.settings.items()},
        "values": _encoded(dict(settings)),
        "etas": {name: _eta(task, name, settings) for name in task.rule_names},
        "bounds": _encoded(task.default_bounds(settings)),
        "fidelities": [
            {**asdict(each), "conditions": [dict(condition) for condition in each.conditions]}
            for each in task.fidelities
        ],
        "requirements": [_encoded(asdict(each)) for each in task.requirements],
        "protocol": _encoded(asdict(task.protocol)),
        "baseline": rules_to_json(task.baseline(settings)),
        "control": rules_to_json(task.control(settings)),
        "references": {label: rules_to_json(rules) for label, rules in task.references(settings).items()},
    }


class RecordedTask(Task):
    """A task of a run that can be read about, and whose rules can be read and completed, but that cannot be simulated.

    Its settings are those of the run.

    **Raises:** `RulesearchError` where the document is none of `task_to_json`.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        try:
            declared = {name: _decoded(value) for name, value in document["declared"].items()}
            vars(self).update({name: value for name, value in declared.items() if name in Task.__annotations__})
            for name in vars(self):
                _check_kind(name, declared[name], getattr(Task, name, _UNSET.get(name, "")))
            self.symbols = {  # type: ignore[misc]
                name: TaskSymbol(
                    str(symbol["meaning"]),
                    str(symbol["unit"]),
                    None if symbol["state"] is None else state_from_json(symbol["state"], f"symbols.{name}"),
                )
                for name, symbol in document["symbols"].items()
            }
            # Stores of old runs have the fields of the protocol among what is declared.
            self.protocol = with_former(Protocol(), _decoded(document.get("protocol", document["declared"])))  # type: ignore[misc]
            for field in fields(Protocol):
                _check_kind(field.name, getattr(self.protocol, field.name), field.default)
            settings = document["settings"].items()
            self.settings = {name: Setting(**_decoded(each)) for name, each in settings}  # type: ignore[misc]
            self.fidelities = tuple(  # type: ignore[misc]
                Fidelity(str(each["name"]), int(each["trials"]), str(each["description"]), tuple(each["conditions"]))
                for each in document["fidelities"]
            )
            self.requirements = tuple(  # type: ignore[misc]
                Requirement(**_decoded(each)) for each in document["requirements"]
            )
            self._values = {name: float(value) for name, value in _decoded(document["values"]).items()}
            # Stores of old runs have one learning rate.
            etas = document.get("etas") or dict.fromkeys(self.rule_names, document["eta"])
            self._etas = {name: float(eta) for name, eta in etas.items()}
            self.bounds = _decoded(document.get("bounds", self.bounds))  # type: ignore[misc]
            _check_kind("bounds", self.bounds, _UNSET["bounds"])
            self._baseline, self._control = (rules_from_json(document[role]) for role in ("baseline", "control"))
            self._references = {label: rules_from_json(rules) for label, rules in document["references"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RulesearchError(f"what the run keeps of its task is damaged: {error!r}") from None

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Refuse: what simulates is in the task's own file.

        **Raises:** `RulesearchError`.
        """
        raise RulesearchError(f"task {self.name} is only described by the run; name its file: --task my_task.py:Name")

    def resolve(self, overrides: Mapping[str, str | float] | None = None) -> dict[str, float]:
        """Return the settings of the run."""
        return dict(self._values)

    def default_eta_of(self, name: str, settings: Settings) -> float:
        """Return the learning rate that a rule of the run had where it gave none."""
        return self._etas[name]

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the known rule, as it was in the run."""
        return self._baseline

    def control(self, settings: Settings) -> RuleSet:
        """Return the rule that must fail, as it was in the run."""
        return self._control

    def references(self, settings: Settings) -> dict[str, RuleSet]:
        """Return the rules that the front is shown beside, as they were in the run."""
        return dict(self._references)


def _eta(task: Task, name: str, settings: Settings) -> float:
    try:
        return task.default_eta_of(name, settings)
    except KeyError:  # fitted to each rule
        return 1.0


def _encoded(value: Any) -> Any:
    """Return a value as strict JSON can hold it: a number that is not finite becomes an object."""
    if isinstance(value, Mapping):
        return {str(name): _encoded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value if isinstance(value, bool | int | str) or value is None else float(value)


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"float"}:
            return float(value["float"])
        return {name: _decoded(item) for name, item in value.items()}
    return tuple(_decoded(item) for item in value) if isinstance(value, list) else value


def _check_kind(name: str, value: object, default: object) -> None:
    """Refuse a value of another kind than the default; raises `TypeError`."""
    if not isinstance(value, (float, int) if isinstance(default, float) else type(default)):
        raise TypeError(f"{name} is {value!r}")
