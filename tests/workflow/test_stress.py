"""Whether a rule holds when the experiment is changed: known rules that do, and rules that live from one condition."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.rules import parse_rules
from rulesearch.rules.bound import BoundRule
from rulesearch.tasks import Fidelity, Protocol, Setting, Stress, Task, TaskSymbol, Trial, load_task
from rulesearch.tasks.registry import TASKS
from rulesearch.workflow.one_side import SPIKES, STEPS, one_side
from rulesearch.workflow.scorer import Scorer
from rulesearch.workflow.stress import AS_IT_IS, FROZEN, NAMES, SIDES, StressRow, StressTest
from rulesearch.workflow.stress_within import stress_within

SMALL: dict[str, dict[str, float]] = {
    "oja": {"data_sets": 3, "points": 1000},
    "pca-network": {"presentations": 16000, "data_sets": 2},
    "inhibitory-rate": {"learning": 40, "scoring": 20, "eta": 0.01},
    "inhibitory-network": {"neurons": 1000, "learning": 6, "scoring": 2},
    "plastic-network": {"neurons": 1000, "learning": 6, "scoring": 2},
    "reward-patterns": {"experiments": 2, "trials": 100},
    "error-driven": {"experiments": 2, "seconds": 1},
    "correlation-pattern": {"experiments": 2, "seconds": 20, "test_seconds": 2},
    "stability": {"neurons": 640, "learning": 5, "scoring": 2, "dt": 0.25},
    "spiking-familiarity": {"neurons": 640, "settling": 3, "training": 3, "interval": 1, "networks": 2, "dt": 0.25},
    "familiarity": {"components": 25, "units": 8, "interval": 5, "stimuli": 2000},
}
"""Settings that keep all conditions of a task short."""
QUICK = ("oja", "stdp-frequency", "stdp-triplets")


class Growth(Task):
    """A weight must come to 1 within ten seconds, in steps of dt."""

    name = "growth"
    title = "growth"
    summary = "A weight must come to 1."
    reference = doi = bibtex = grammar = ""
    slots = ("on_step",)
    symbols = {"tick": TaskSymbol("the time step"), "w": TaskSymbol("the weight")}  # noqa: RUF012
    settings = {  # noqa: RUF012
        "eta": Setting(1.0, "learning rate", 1e-6, 10.0),
        "dt": Setting(1.0, "time step", 0.01, 10.0, unit="s"),
        "w_start": Setting(0.0, "weight at the start", -10.0, 10.0),
    }
    fidelities = (Fidelity("full", 1, "all of it"),)
    deterministic = True
    bounds = (-np.inf, np.inf)
    known_rule = "growth"
    protocol = Protocol(tolerance=1e-9)
    stress = Stress(start=({"w_start": 0.5}, {"w_start": 1.0}))

    def trial(self, rules, seed, settings, fidelity, backend="vm"):  # type: ignore[no-untyped-def]
        rule, w = rules.only(), settings["w_start"]
        for _ in range(round(10.0 / settings["dt"])):
            w += float(rule.change(tick=settings["dt"], w=w))
        loss = abs(w - 1.0)
        return Trial("ok", loss, {}, (loss,), 1)

    def baseline(self, settings):  # type: ignore[no-untyped-def]
        return self.parse("tick*(1 - w)")

    def control(self, settings):  # type: ignore[no-untyped-def]
        return self.parse("0*w")


def row(found: StressTest, name: str, place: int = 0) -> StressRow:
    return [each for each in found.rows if each.condition == name][place]


def passed(found: StressTest, name: str, place: int = 0) -> bool:
    standing = row(found, name, place).rule
    assert standing is not None
    return standing.passed


def test_a_rule_that_counts_steps_fails_with_half_the_time_step_and_one_that_counts_seconds_holds() -> None:
    # 10 steps of 1 s: 0.1 each; with 20 steps of 0.5 s the weight comes to 2.
    by_steps, by_seconds = (rs.stress(text, Growth()) for text in ("0.1", "0.1*tick"))
    assert passed(by_steps, AS_IT_IS) and passed(by_seconds, AS_IT_IS)
    halved = row(by_steps, "halved time step")
    assert halved.changes == {"dt": (1.0, 0.5)}
    assert halved.rule is not None and halved.rule.loss == pytest.approx(1.0)
    assert not halved.rule.passed
    assert halved.known is not None and halved.known.passed
    assert passed(by_seconds, "halved time step")


def test_a_rule_that_only_adds_fails_from_another_weight_and_the_known_rule_does_not() -> None:
    found = rs.stress("0.1*tick", Growth())
    started = row(found, "other initial weights")
    assert started.rule is not None and started.rule.loss == pytest.approx(0.5)
    assert started.rule.why == "worse than growth as the task has it"
    assert started.known is not None and started.known.passed
    assert not found.holds
    assert found.sentence() == (
        "passes under 3 of 5 conditions; fails under: other initial weights (w_start 0 -> 0.5), "
        "other initial weights (w_start 0 -> 1)"
    )


def test_where_nothing_needs_to_be_learnt_frozen_weights_pass_and_so_the_test_fails() -> None:
    found = rs.stress("tick*(1 - w)", Growth(), {"w_start": 1.0}, only=FROZEN)
    frozen = found.rows[0].rule
    assert frozen is not None
    assert not frozen.passed and frozen.why == "passes without plasticity"
    assert found.sentence() == "passes under 0 of 1 condition; fails as the known rule does under: plasticity frozen"


def test_a_value_that_a_setting_cannot_have_is_a_reason() -> None:
    found = rs.stress("tick*(1 - w)", Growth(), {"dt": 0.01})
    assert "dt of task growth must lie in" in row(found, "halved time step").reason
    assert row(found, "halved time step").rule is None


def test_ojas_rule_at_half_its_learning_rate_holds_under_every_condition() -> None:
    found = rs.stress("y*(x - w*y); eta = 0.005", "oja", {"data_sets": 3}, seeds=2)
    assert found.holds, found.sentence()
    # Where time is ten times as long its angle is that of the theory: small.
    long = row(found, "ten times as long").rule
    assert long is not None and long.metrics["angle_deg"] < 3.0
    assert row(found, "halved time step").reason == "it counts presentations"


def test_where_some_synapses_do_not_learn_those_of_the_known_rules_do_not_either() -> None:
    text = "EE[on_pre: 1 - y2; y2 = trace(post, 100 ms)]; EI[on_pre: 0]; IE[on_pre: 0]; II[on_pre: 0]"
    small = {"neurons": 500, "learning": 2, "scoring": 1}
    found = rs.stress(text, "plastic-network", small, seeds=1, only=[AS_IT_IS])
    known = found.rows[0].known
    assert known is not None
    static = {f"w_{kind}": known.metrics[f"w_{kind}"] for kind in ("EI", "II")}
    assert static == pytest.approx({"w_EI": 0.03, "w_II": 0.3})
    assert known.metrics["w_EE"] != pytest.approx(0.03, rel=1e-3)


def test_hebbs_rule_does_not_hold() -> None:
    found = rs.stress("hebb", "oja", SMALL["oja"], seeds=1, only=[AS_IT_IS])
    standing = found.rows[0].rule
    assert standing is not None
    assert (standing.passed, standing.status) == (False, "runaway")
    assert standing.why == "activity or weights grew beyond the task's limit"


def test_losses_are_those_of_held_out_seeds_under_the_changed_setting() -> None:
    found = rs.stress("oja", "oja", SMALL["oja"], seeds=2, only="other initial weights")
    started = found.rows[1]
    there = rs.evaluate("oja", "oja", 2, 800_000, {**SMALL["oja"], "w_start": 3.0})
    assert started.changes == {"w_start": (1.0, 3.0)}
    assert started.rule is not None and started.rule.loss == there.loss


def test_within_no_time_conditions_are_named_and_left_out() -> None:
    task = load_task("oja")
    settings = task.resolve(SMALL["oja"])
    with Evaluator("oja", settings) as evaluator:
        scorer = Scorer(evaluator, None, 3)
        rules = task.baseline(settings)
        short, long = (stress_within(rules, scorer, settings, 2, "2 seeds", seconds) for seconds in (0.0, 600.0))
    assert short is not None and long is not None
    assert [each.condition for each in short.rows] == [each.condition for each in long.rows]
    for fast, full in zip(short.rows, long.rows, strict=True):
        if full.changes:
            assert f"--only '{fast.condition}'" in fast.reason and fast.rule is None
            assert fast.changes == full.changes
        else:
            assert fast == full
    whole = rs.stress(rules, task, SMALL["oja"], 2)
    assert [(each.condition, each.changes, each.reason) for each in long.rows] == [
        (each.condition, each.changes, each.reason) for each in whole.rows
    ]


def test_a_stress_test_is_read_back_from_json() -> None:
    found = rs.stress("hebb", "oja", SMALL["oja"], seeds=1)
    assert StressTest.from_json(json.loads(json.dumps(asdict(found)))) == found


def test_an_unknown_condition_is_refused() -> None:
    with pytest.raises(RulesearchError, match="no condition 'halved time'; did you mean 'halved time step'"):
        rs.stress("oja", "oja", only="halved time")


@pytest.mark.parametrize(
    "task",
    [each if each in QUICK else pytest.param(each, marks=pytest.mark.slow) for each in TASKS],
)
def test_without_plasticity_no_task_is_done(task: str) -> None:
    on = load_task(task)
    found = rs.stress(on.baseline(on.resolve(SMALL.get(task))), task, SMALL.get(task), seeds=1, only=FROZEN)
    assert passed(found, FROZEN), found.rows[0].rule


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_condition_of_every_task_gives_a_verdict_or_a_reason(task: str) -> None:
    on = load_task(task)
    found = rs.stress(on.baseline(on.resolve(SMALL.get(task))), task, SMALL.get(task), seeds=1)
    assert list(dict.fromkeys(each.condition for each in found.rows)) == list(NAMES)
    for each in found.rows:
        assert (each.rule is None) == bool(each.reason)
        assert each.rule is None or bool(each.rule.why) != each.rule.passed
    # The rule is the known one: it stands as that does, and holds as the task is.
    assert all(each.rule.loss == each.known.loss for each in found.rows if each.rule and each.known)


def test_a_table_has_no_condition_but_itself(tmp_path: Path) -> None:
    x = np.linspace(-1.0, 1.0, 40)
    path = tmp_path / "measured.csv"
    path.write_text("x,dw\n" + "\n".join(f"{a!r},{2.0 * a!r}" for a in x.tolist()))
    found = rs.stress("x", f"{path}:dw")
    assert found.holds
    assert [each.condition for each in found.rows if each.rule is not None] == [AS_IT_IS, FROZEN]
    assert {each.reason for each in found.rows if each.rule is None} == {
        "nothing is simulated: its rows are measurements"
    }


def bound(text: str, **changes: object) -> BoundRule:
    given = parse_rules(text).only()
    return BoundRule(given.slots, **{"eta": 1.0, "states": given.states, "constants": given.constants, **changes})  # type: ignore[arg-type]


def test_spikes_of_one_side_change_the_weight_as_often_as_they_come() -> None:
    rule = bound("on_pre: -0.0001 + y; on_post: x; tau_x = 20 ms; tau_y = 20 ms")
    assert one_side(rule, "pre").after == pytest.approx(1.0 - 0.0001 * SPIKES)
    assert one_side(rule, "post").after == 1.0
    assert not one_side(rule, "pre").runs_away


def test_growth_with_every_spike_of_one_side_runs_away_to_a_bound_or_beyond_any() -> None:
    text = "on_pre: 0.01; on_post: 0*w"
    free, held = bound(text), bound(text, bounds=(0.0, 4.0))
    assert one_side(free, "pre").after == pytest.approx(1.0 + 0.01 * SPIKES)
    assert one_side(free, "pre").runs_away and not one_side(free, "post").runs_away
    assert (one_side(held, "pre").before, one_side(held, "pre").after) == (2.0, 4.0)
    assert one_side(held, "pre").runs_away


def test_presentations_of_one_side_do_to_a_weight_what_the_rule_says() -> None:
    oja = bound("y*(x - w*y)", eta=1e-4)
    assert one_side(oja, "pre").after == 1.0
    assert one_side(oja, "post").after == pytest.approx((1.0 - 1e-4) ** STEPS)
    assert one_side(bound("x", eta=1e-3), "pre").runs_away
    assert not one_side(bound("y*x", eta=1e-3), "pre").runs_away


def test_one_side_of_a_rule_that_reads_more_is_refused_with_what_it_reads() -> None:
    with pytest.raises(RulesearchError, match="the rule reads v, to which both sides contribute"):
        one_side(bound("on_pre: v"), "pre")


def test_each_rule_of_a_set_is_looked_at_by_itself() -> None:
    found = rs.stress("feedforward[y*(x - w*y)]; lateral[x]", "pca-network", SMALL["pca-network"], 1, list(SIDES))
    pre = row(found, "presynaptic side alone").rule
    assert pre is not None
    assert pre.why == "the weight runs away of lateral"
    assert set(pre.weights) == {"feedforward", "lateral"}
