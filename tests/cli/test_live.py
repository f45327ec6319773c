"""What a running search shows: at most 80 columns in a terminal, whole lines in a log."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from rulesearch.cli.live import LiveView, duration, progress_line, summary_lines
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.grammar import load_grammar
from rulesearch.search.engine import load_engine
from rulesearch.search.problem import Problem
from rulesearch.tasks import load_task


@pytest.fixture(scope="module")
def searched() -> Iterator[Problem]:
    """A search over long rules, as it stands at its end."""
    task = load_task("oja")
    with Evaluator("oja", task.resolve({"points": 200})) as evaluator:
        problem = Problem(evaluator, load_grammar("rate"), 5, 300)
        load_engine("random").search(problem)
        yield problem


def test_a_terminal_of_80_columns_is_enough(searched: Problem) -> None:
    stream = io.StringIO()
    view = LiveView("an experiment with quite a long name, as people give them to their experiments, and more of it")
    view.watch(searched)
    view.notify("cleaning up rule 3 of 24: " + "tanh(x*y - w*y**2)*" * 9 + "x")
    Console(file=stream, width=80, force_terminal=True, color_system=None).print(view._draw())
    lines = stream.getvalue().splitlines()
    assert len(lines) > 6 and max(map(len, lines)) <= 80


def test_what_is_known_is_said_in_short_lines(searched: Problem) -> None:
    lines = summary_lines("oja", searched)
    assert all(len(line) < 80 for line in lines)
    assert f"{searched.progress.distinct:,} of {searched.budget:,} rules" in lines[1]
    assert any(line.startswith("how simulations ended: ") for line in lines)


def test_a_log_gets_one_line_at_a_time_without_control_characters(
    searched: Problem, capsys: pytest.CaptureFixture[str]
) -> None:
    with LiveView("oja") as view:
        view.watch(searched)
        view.watch(searched)
    written = capsys.readouterr().err
    assert written.count("\n") == 1 and "\x1b" not in written
    assert progress_line(searched).split(",")[0] in written


def test_a_log_gets_one_line_for_what_only_counts_on(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveView("oja") as view:
        for number in range(1, 25):
            view.notify(f"cleaning up rule {number} of 24: x*y")
        view.notify("scoring 6 rules on 10 held-out seeds")
    assert capsys.readouterr().err.splitlines() == [
        "cleaning up rule 1 of 24: x*y",
        "scoring 6 rules on 10 held-out seeds",
    ]


def test_durations_have_a_fitting_unit() -> None:
    assert [duration(seconds) for seconds in (45.0, 720.0, 12600.0)] == ["45 s", "12 min", "3.5 h"]


def test_nothing_is_shown_for_json(searched: Problem, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with LiveView("oja", quiet=True) as view:
        view.watch(searched)
        view.notify("cleaning up")
    assert capsys.readouterr().err == ""
