"""The contract of an engine, and the list of engines."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from typing import ClassVar

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.search.problem import Problem


class Engine(ABC):
    """Proposes candidates until its problem says that the search is over.

    An engine is a deterministic function of the problem's seed and of the outcomes it is given: that is what
    makes resuming by replay possible. It ends each generation with `problem.end_generation`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def search(self, problem: Problem) -> None:
        """Search until `problem.end_generation` returns False."""


ENGINES: dict[str, tuple[str, str]] = {
    "deap": ("rulesearch.search.deap_engine", "DeapEngine"),
    "enumerate": ("rulesearch.search.enumerate_engine", "EnumerateEngine"),
    "random": ("rulesearch.search.random_engine", "RandomEngine"),
}
"""Module and class of each engine; modules are imported on use."""


def load_engine(name: str) -> Engine:
    """Return an engine by name.

    **Raises:** `RulesearchError` where there is none.
    """
    if name not in ENGINES:
        raise RulesearchError(f"unknown engine {name!r}{did_you_mean(name, ENGINES)}")
    module, kind = ENGINES[name]
    engine: Engine = getattr(importlib.import_module(module), kind)()
    return engine
