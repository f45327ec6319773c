"""The contract of an engine, and the list of engines."""

from __future__ import annotations

import dataclasses
import gc
import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.grammar import Grammar
from rulesearch.search.problem import Problem
from rulesearch.tasks.task import Task


class Engine(ABC):
    """Proposes candidates until its problem says that the search is over.

    An engine is a deterministic function of the problem's seed and of the outcomes it is given: that is what
    makes resuming by replay possible. It ends each generation with `problem.end_generation`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    settings_type: ClassVar[type[Any]] = type(None)
    """Dataclass of what steers the engine, all fields with defaults; it is the one argument of such an engine."""
    settings: Any = None

    def check(self, task: Task, grammar: Grammar) -> None:  # noqa: B027
        """Refuse what the engine cannot do, before anything is written.

        **Raises:** `RulesearchError`, `MissingPartError` where an optional part is not installed.
        """

    @abstractmethod
    def search(self, problem: Problem) -> None:
        """Search until `problem.end_generation` returns False."""

    def run(self, problem: Problem) -> None:
        """Search as `search` does, with what is in memory by now left out of the collection of garbage.

        Libraries hold hundreds of thousands of objects, and to look through them again and again took a twentieth of
        the time of a search.
        """
        gc.freeze()
        try:
            self.search(problem)
        finally:
            gc.unfreeze()


ENGINES: dict[str, tuple[str, str]] = {
    "deap": ("rulesearch.search.deap_engine", "DeapEngine"),
    "enumerate": ("rulesearch.search.enumerate_engine", "EnumerateEngine"),
    "pysr": ("rulesearch.search.pysr_engine", "PysrEngine"),
    "random": ("rulesearch.search.random_engine", "RandomEngine"),
    "volterra": ("rulesearch.search.volterra_engine", "VolterraEngine"),
}
"""Module and class of each engine; modules are imported on use."""


def load_engine(name: str, options: Mapping[str, object] | None = None) -> Engine:
    """Return an engine by name.

    **Arguments:** `options`: values of fields of its settings, also as text.
    **Raises:** `RulesearchError` where there is no such engine or option, or a value is of the wrong kind.
    """
    if name not in ENGINES:
        raise RulesearchError(f"unknown engine {name!r}{did_you_mean(name, ENGINES)}")
    module, kind = ENGINES[name]
    made: type[Engine] = getattr(importlib.import_module(module), kind)
    if not options:
        return made()
    fields = {
        field.name: type(field.default)
        for field in (dataclasses.fields(made.settings_type) if dataclasses.is_dataclass(made.settings_type) else ())
        if isinstance(field.default, (int, float))
    }
    for option in options:
        if option not in fields:
            hint = did_you_mean(option, fields) if fields else "; it has none"
            raise RulesearchError(f"engine {name} has no option {option!r}{hint}")
    values = {option: _converted(name, option, value, fields[option]) for option, value in options.items()}
    engine: Engine = made(made.settings_type(**values))  # type: ignore[call-arg]
    return engine


def _converted(engine: str, option: str, value: object, kind: type[Any]) -> object:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    whole = kind is not float
    if not math.isfinite(number) or (whole and number != int(number)):
        wanted = "a whole number" if whole else "a number"
        raise RulesearchError(f"option {option} of engine {engine} must be {wanted}, found {value!r}")
    return int(number) if whole else number
