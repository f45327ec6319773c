"""Runs beside each other: by experiment and engine, with medians and quartiles over seeds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.report.figures import runs_figure
from rulesearch.rules import parse_rules
from rulesearch.workflow.compared_runs import grouped_runs, middle
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.front import FrontMember
from rulesearch.workflow.run import Run


def a_run(seed: int, loss: float, hit: int | None = None, held_out: float | None = None, **told: Any) -> Run:
    rules = parse_rules("x*y")
    member = FrontMember(1, rules, 3, loss, held_out, {}, ())
    experiment = Experiment("oja", "oja", "rate", seed=seed, **told)
    solved = hit is not None
    ended = {"effort": {"first_hit": hit}, "solved": solved, "held_out_on": "10 held-out seeds" if held_out else ""}
    return Run(Path(f"run-{seed}"), experiment, "done", 100, 100, 1.0, "", (member,), **ended)  # type: ignore[arg-type]


def test_runs_are_summed_up_over_their_seeds() -> None:
    losses = [0.5, 0.1, 0.3, 0.2]
    runs = [a_run(seed, loss, 10 * seed if seed > 2 else None, 2.0 * loss) for seed, loss in enumerate(losses, 1)]
    (group,) = grouped_runs(runs[::-1])
    assert group.label == "oja, deap"
    assert [run.experiment.seed for run in group.runs] == [1, 2, 3, 4]
    # Quartiles of 0.1, 0.2, 0.3, 0.5 with linear interpolation.
    assert group.loss == pytest.approx((0.25, 0.175, 0.35))
    assert group.held_out_loss == pytest.approx((0.5, 0.35, 0.7))
    assert group.solved == 2
    assert group.hits == [30, 40]


def test_what_runs_were_told_tells_them_apart_where_it_differs() -> None:
    runs = [
        a_run(1, 0.1, engine="random"),
        a_run(1, 0.1, budget=400),
        a_run(2, 0.2, budget=4000, settings={"points": 300.0}),
        a_run(3, 0.3, budget=4000, settings={"points": 300.0}),
        a_run(4, 0.3, budget=4000, settings={"points": 600.0}),
    ]
    assert [(group.label, len(group.runs)) for group in grouped_runs(runs)] == [
        ("oja, deap, budget 400", 1),
        ("oja, deap, budget 4000, points 300", 2),
        ("oja, deap, budget 4000, points 600", 1),
        ("oja, random", 1),
    ]


def test_nothing_held_out_is_called_so() -> None:
    (group,) = grouped_runs([a_run(1, 0.1)])
    assert group.held_out_loss is None
    assert group.hits == []
    assert middle([]) is None


def test_the_figure_shows_each_run_and_ends_curves_where_searches_end() -> None:
    groups = grouped_runs([a_run(1, 0.1, 20), a_run(2, 0.3), a_run(1, 0.2, 5, engine="random")])
    losses, hits = runs_figure(groups).axes
    assert sum(len(line.get_xdata()) for line in losses.lines if line.get_marker() == "o") == 3
    curves = [line for line in hits.lines if line.get_drawstyle() == "steps-post"]
    assert [line.get_ydata()[-1] for line in curves] == [0.5, 1.0]
    assert [line.get_xdata()[-1] for line in curves] == [100, 100]


def test_a_rule_that_died_on_held_out_seeds_has_no_point_among_held_out_losses() -> None:
    dead = replace(a_run(3, 0.001), held_out_on="10 held-out seeds")
    (group,) = grouped_runs([a_run(1, 0.1, 20, 0.2), a_run(2, 0.3, None, 0.4), dead])
    assert group.died == 1
    losses, _ = runs_figure([group]).axes
    assert [list(line.get_xdata()) for line in losses.lines] == [[0.2, 0.4], [pytest.approx(0.3)] * 2]
    assert "".join(losses.get_yticklabels()[0].get_text().split()) == "oja,deap;1of3diedheldout"


def test_folders_are_read_and_what_is_no_run_is_refused(reference: Run, tmp_path: Path) -> None:
    (group,) = rs.compare_runs(reference.folder, reference.folder.parent)
    assert reference.folder in [run.folder for run in group.runs]
    assert len({run.folder for run in group.runs}) == len(group.runs)
    with pytest.raises(RulesearchError, match="no runs in"):
        rs.compare_runs(tmp_path)
    with pytest.raises(RulesearchError, match="there is no folder"):
        rs.compare_runs(tmp_path / "none")


def test_the_command_prints_one_row_for_each_group(
    reference: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from rulesearch.cli import main

    figure = tmp_path / "runs.svg"
    assert main(["runs", "--compare", str(reference.folder), "-o", str(figure), "--json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    assert (group["experiment"], group["engine"], group["seeds"]) == ("oja", "deap", [3])
    assert group["loss"]["median"] == reference.members[0].loss
    assert "<svg" in figure.read_text("utf-8")
    assert main(["runs", "--compare", str(reference.folder)]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[:4] == ["experiment", "engine", "runs", "loss"]
    assert main(["runs", "-o", str(figure)]) == 2
    assert "--compare" in capsys.readouterr().err
