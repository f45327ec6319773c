"""A noisy task from start to end: constants are calibrated, other inputs shown, and a replay gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.tasks import load_task
from rulesearch.workflow.discover import discover, resume

SETTINGS = {"learning": 30, "scoring": 10, "afferents": 200}


ONE_FORM = """name = "depression-and-growth"
description = "One form: a constant is all that is searched."

[symbols.x]
meaning = "presynaptic trace"
unit = ""
definition = "trace(pre, 20 ms)"

[symbols.y]
meaning = "postsynaptic trace"
unit = ""
definition = "trace(post, 20 ms)"

[constants.c]
range = [-1.0, 0.0]
prior = "uniform"
unit = ""

[slots]
on_pre = "depression"
on_post = "growth"

[productions]
depression = ["y + c"]
growth = ["x + x"]

[limits]
size = 6
depth = 3
"""


@pytest.mark.slow
def test_a_spiking_search_calibrates_constants_and_repeats(tmp_path: Path) -> None:
    task = load_task("inhibitory-rate")
    told: list[str] = []
    grammar = tmp_path / "one-form.toml"
    grammar.write_text(ONE_FORM, "utf-8")
    run = discover(
        "inhibitory-rate",
        seed=4,
        budget=10,
        settings=SETTINGS,
        grammar=str(grammar),
        out=tmp_path / "run",
        notify=told.append,
    )
    assert run.status == "done"
    best = run.members[0]
    assert best.metrics["tuning_r"] > 0.9
    assert any(message.startswith("calibrating the constants of ") for message in told)
    assert any(step.startswith("calibrated ") for member in run.members for step in member.steps)
    values = task.resolve(SETTINGS)
    seeds = trial_seeds(4, "report", task.protocol.report_trials)
    assert best.held_out_loss == evaluate_rules(task, best.rules, seeds, values).loss
    labels = {score.label for score in run.conditions}
    assert labels == {"ou_sd = 50", "ou_sd = 100", "ou_sd = 300", "ou_sd = 400", "background = 2", "background = 10"}
    weak = next(score for score in run.conditions if score.label == "ou_sd = 50")
    fewer = seeds[: task.protocol.condition_trials]
    assert 0 < len(fewer) < len(seeds)
    assert weak.loss == evaluate_rules(task, best.rules, fewer, {**values, "ou_sd": 50.0}).loss
    assert {score.label for score in run.references} >= {"vogels", "vogels, alpha = 0.20", "control"}
    front = (run.folder / "front.csv").read_bytes()
    (run.folder / "front.csv").unlink()
    resume(run.folder)
    assert (run.folder / "front.csv").read_bytes() == front
