"""One short search that the tests of this folder compare with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rulesearch.workflow.discover import discover
from rulesearch.workflow.run import Run

SHORT: dict[str, Any] = {"seed": 3, "budget": 600, "settings": {"data_sets": 2, "points": 400}}
"""A search of task oja that takes a second."""

Search = Callable[..., Run]


def _search(folder: Path, **changes: Any) -> Run:
    return discover("oja", out=folder, **{**SHORT, **changes})


@pytest.fixture(scope="session")
def search() -> Search:
    """Return a function that runs the short search into a folder."""
    return _search


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The short search, undisturbed."""
    return _search(tmp_path_factory.mktemp("runs") / "reference")


@pytest.fixture(scope="session")
def front(reference: Run) -> bytes:
    """The bytes of its front.csv."""
    return (reference.folder / "front.csv").read_bytes()
