"""The contract of an engine, and the list of engines."""

from __future__ import annotations

import gc
import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.grammar import Grammar
from rulesearch.search.deadline import TimeIsUp
from rulesearch.search.genome import Genome
from rulesearch.search.options import read_options
from rulesearch.search.primitives import GrammarPrimitives
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

    def check_start(self, primitives: GrammarPrimitives, start: Genome | None) -> None:  # noqa: B027
        """Refuse rules that the engine cannot grow from, or that there are none, before anything is written.

        **Raises:** `RulesearchError`.
        """

    @abstractmethod
    def search(self, problem: Problem) -> None:
        """Search until `problem.end_generation` returns False; the rules in `problem.start` are tried first."""

    def run(self, problem: Problem) -> None:
        """Search as `search` does, until the time is over, with what is in memory left out of garbage collection.

        Libraries hold hundreds of thousands of objects, and to look through them again and again took a twentieth of
        the time of a search.
        """
        gc.freeze()
        try:
            self.search(problem)
        except TimeIsUp:
            problem.end_in_time()
        finally:
            gc.unfreeze()


ENGINES: dict[str, tuple[str, str]] = {
    "deap": ("rulesearch.search.deap_engine", "DeapEngine"),
    "enumerate": ("rulesearch.search.enumerate_engine", "EnumerateEngine"),
    "pysr": ("rulesearch.search.pysr_engine", "PysrEngine"),
    "random": ("rulesearch.search.random_engine", "RandomEngine"),
    "sbi": ("rulesearch.search.sbi_engine", "SbiEngine"),
    "volterra": ("rulesearch.search.volterra_engine", "VolterraEngine"),
}
"""Module and class of each engine; modules are imported on use."""


def load_engine(name: str, options: Mapping[str, object] | None = None) -> Engine:
    """Return an engine by name.

    **Arguments:** `options`: values of fields of its settings, also as text.
    **Raises:** `RulesearchError` where there is no such engine or option, or a value that it cannot take.
    """
    if name not in ENGINES:
        raise RulesearchError(f"unknown engine {name!r}{did_you_mean(name, ENGINES)}")
    module, kind = ENGINES[name]
    made: type[Engine] = getattr(importlib.import_module(module), kind)
    if not options:
        return made()
    engine: Engine = made(made.settings_type(**read_options(name, made.settings_type, options)))  # type: ignore[call-arg]
    return engine
