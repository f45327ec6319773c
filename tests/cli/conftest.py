"""Calls of the command line inside the test process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rulesearch.cli import main


@dataclass(frozen=True)
class Called:
    """How a call ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on standard output, read strictly."""

        def refuse(text: str) -> float:
            raise ValueError(f"{text} is not JSON")

        return json.loads(self.out, parse_constant=refuse)


Call = Callable[..., Called]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a function that calls the command line with the given words."""

    def run(*words: str) -> Called:
        capsys.readouterr()
        code = main(list(words))
        printed = capsys.readouterr()
        return Called(code, printed.out, printed.err)

    return run


@pytest.fixture
def refused(call: Call) -> Callable[..., str]:
    """Return a function that checks that a call is refused in one line with code 2, and returns the line."""

    def run(*words: str) -> str:
        called = call(*words)
        assert called.code == 2, called
        assert called.out == ""
        assert called.err.startswith("error: ")
        assert called.err.count("\n") == 1
        return called.err

    return run


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a short search."""
    folder = tmp_path_factory.mktemp("runs") / "short"
    words = [
        "discover",
        "oja",
        "--engine",
        "random",
        "--budget",
        "40",
        "--set",
        "points=200",
        "--out",
        str(folder),
        "--no-report",
        "--json",
    ]
    assert main(words) == 0
    return folder


@pytest.fixture(autouse=True)
def _wide_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
