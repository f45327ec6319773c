"""new: files to start from, which run as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "good", "least"),
    [
        (("task", "follow-the-mean"), "x - w", 0.01),
        (("task", "steady-rate", "--spiking"), "on_pre: y - 0.14; on_post: x", 0.05),
        (("objective", "my-score"), "oja", 0.01),
    ],
)
def test_a_new_task_runs_as_it_is(call: Call, words: tuple[str, ...], good: str, least: float) -> None:
    reference = call("new", *words, "--json").document["reference"]
    score = call("evaluate", good, "--task", reference, "--seeds", "2", "--json").document
    assert score["status"] == "ok" and score["loss"] < least
    assert call("new", "experiment", "search", "--task", reference).code == 0
    brief = ("--set", "learning=2", "--budget", "4") if "--spiking" in words else ("--budget", "25")
    found = call("discover", "search.toml", *brief, "--time", "30", "--no-report", "--out", "run", "--json")
    assert found.document["front"]
    labels = [each["label"] for each in found.document["references"]]
    # A slow machine has no time left for the references, and says so in one way or another.
    assert "control" in labels or "time was left" in found.document["conclusion"]


@pytest.mark.slow
def test_a_new_grammar_passes_its_check(call: Call) -> None:
    assert call("new", "grammar", "hebbian").code == 0
    assert call("grammar", "check", "hebbian.toml", "--json").document["ok"]
    assert call("new", "experiment", "mine", "--grammar", "hebbian.toml").code == 0
    assert call("discover", "mine.toml", "--dry-run", "--json").document["task"] == "oja"


def test_nothing_is_overwritten_and_names_are_names(refused: Callable[..., str], call: Call) -> None:
    call("new", "grammar", "hebbian")
    assert "is there already" in refused("new", "grammar", "hebbian")
    assert "letters, digits" in refused("new", "task", "../escape")
    assert "unknown task" in refused("new", "experiment", "x", "--task", "ojja")
    call("new", "task", "plain")
    own = Path("plain.py")
    own.write_text(re.sub('    grammar = "[a-z]+"', '    grammar = ""', own.read_text()))
    assert "no grammar of its own yet; name one" in refused("new", "experiment", "x", "--task", "plain.py:Plain")
    assert not Path("x.toml").exists()
