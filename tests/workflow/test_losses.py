"""What losses on held-out seeds say: intervals, paired differences, and nothing called held out that was not."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from rulesearch.cli.run_view import show_run
from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.report.page import write_report
from rulesearch.rules import parse_rules
from rulesearch.tasks import load_task
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial
from rulesearch.workflow.confirm import Confirmation
from rulesearch.workflow.discover import discover
from rulesearch.workflow.front import FrontMember, ReferenceScore
from rulesearch.workflow.losses import better_beyond_chance, chance_of, difference, estimate
from rulesearch.workflow.run import Run
from rulesearch.workflow.scores import own_score
from rulesearch.workflow.shown_losses import beside_first


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A search on measurements, all of which rules are fitted to."""
    return discover("stdp-frequency", budget=150, permutations=0, out=tmp_path_factory.mktemp("fitted") / "run")


def test_an_interval_is_students() -> None:
    """Sleep of ten patients (Student 1908): mean 0.75, s.e.m. 0.566; t(9) at 97.5 % is 2.262."""
    found = estimate([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    assert found is not None and found.count == 10
    assert (found.mean, found.low, found.high) == pytest.approx((0.75, -0.530, 2.030), abs=1e-3)
    assert estimate([1.0]) is None


def test_a_difference_is_that_of_pairs() -> None:
    """The same ten patients under two drugs: 1.58 hours, 95 % interval 0.70 to 2.46 (Student 1908)."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = difference(second, first)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((1.58, 0.700, 2.460), abs=1e-3)
    assert difference(second, first[:9]) is None


@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        ((0.11, 0.22, 0.31, 0.42), "loss +0.015 ± 0.0092 (95 %) on the same 4 held-out seeds: rank 1 is better"),
        ((0.09, 0.18, 0.29, 0.38), "loss -0.015 ± 0.0092 (95 %) on the same 4 held-out seeds: rank 2 is better"),
        ((0.15, 0.12, 0.41, 0.35), "not told apart"),
        ((), ""),
    ],
)
def test_rank_2_is_compared_with_rank_1_seed_by_seed(reference: Run, second: tuple[float, ...], verdict: str) -> None:
    ranks = {1: (0.1, 0.2, 0.3, 0.4), 2: second}
    members = [replace(reference.members[0], rank=rank, held_out_losses=losses) for rank, losses in ranks.items()]
    assert beside_first(members, "4 held-out seeds").endswith(verdict)
    assert bool(beside_first(members, "4 held-out seeds")) == bool(second)


def test_the_front_has_the_loss_of_every_held_out_seed(reference: Run) -> None:
    task = load_task("oja")
    settings = task.resolve({"data_sets": 2, "points": 400})
    for member in reference.members:
        outcome = evaluate_rules(task, member.rules, trial_seeds(3, "report", task.protocol.report_trials), settings)
        if not outcome.ok:
            assert member.held_out_loss is None and member.spread is None
            continue
        losses = [trial.loss for trial in outcome.trials if trial.loss is not None]
        assert member.held_out_losses == tuple(losses) and member.held_out_loss == outcome.loss
        expected = estimate(losses)
        assert expected is not None and member.spread == expected
    assert (reference.chosen_on, reference.held_out_on) == ("20 selection seeds", "10 held-out seeds")
    row = next(csv.DictReader(io.StringIO((reference.folder / "front.csv").read_text("utf-8"))))
    assert float(row["held_out_low"]) < float(row["held_out_loss"]) < float(row["held_out_high"])


def test_where_all_is_fitted_nothing_is_called_held_out(fitted: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert fitted.members and all(member.held_out_loss is None for member in fitted.members)
    assert Run.open(fitted.folder).to_json() == fitted.to_json()
    assert (fitted.chosen_on, fitted.held_out_on) == ("the 10 measurements", "")
    errors = [member.metrics["leave_one_out_error"] for member in fitted.members]
    assert "nothing was held out; leave-one-out error" in fitted.conclusion
    show_run(fitted)
    shown = capsys.readouterr().out
    heading, first = shown.splitlines()[:2]
    assert heading.split() == ["rank", "size", "loss", "leave-one-out", "rule", "compared"]
    assert first.split()[3] == f"{errors[0]:.4g}"
    page = write_report(fitted, brief=True).read_text("utf-8")
    for text in (shown, page):
        assert "held out" not in text.replace("nothing was held out", "")
        assert "held-out" not in text and "selection seed" not in text


def test_json_has_intervals_and_differences(reference: Run) -> None:
    best = reference.members[0]
    worse = tuple(loss + 0.1 + 0.01 * (k % 2) for k, loss in enumerate(best.held_out_losses))
    run = replace(reference, members=(best, replace(best, rank=2, held_out_losses=worse)))
    first, second = run.to_json()["front"]
    assert first["minus_rank_1"] is None and best.spread is not None
    assert first["held_out_interval"] == [best.spread.low, best.spread.high]
    assert second["minus_rank_1"]["mean"] == pytest.approx(0.105) and second["minus_rank_1"]["pairs"] == 10
    low, high = second["minus_rank_1"]["interval"]
    assert 0.1 < low < 0.105 < high < 0.11
    known = next(each for each in run.to_json()["references"] if each["label"] == "oja")
    assert known["held_out_interval"][0] < known["held_out_loss"] < known["held_out_interval"][1]


def test_a_rule_that_dies_on_held_out_seeds_is_not_shown_with_another_loss(reference: Run) -> None:
    dead = replace(reference.members[0], held_out_loss=None, held_out_losses=())
    own = own_score(replace(reference, members=(dead,)))
    assert (own.status, own.loss, own.spread) == ("died", None, None)
    assert own_score(reference).loss == reference.members[0].held_out_loss


@pytest.mark.parametrize(
    ("left_out", "loss", "recommended"),
    [(13.3, 8.05, False), (0.8, 0.3, True), (None, 8.05, False), (None, 0.3, True)],
)
def test_a_rule_that_does_no_better_than_the_control_is_not_recommended_where_nothing_is_held_out(
    fitted: Run, left_out: float | None, loss: float, recommended: bool
) -> None:
    def metrics(value: float | None) -> dict[str, float]:
        return {} if value is None else {"leave_one_out_error": value}

    member = replace(fitted.members[0], loss=loss, metrics=metrics(left_out))
    # No change at all: 7.582, and 4.518 where each measurement is left out.
    scores = [replace(each, metrics=metrics(left_out and 4.518)) for each in fitted.references]
    found = Confirmation.of(member, scores, Outcome("ok", loss), load_task("stdp-frequency"), "", "")
    assert found.idle == found.refuted != recommended
    assert ("no better than the control" in found.sentence) != recommended


def test_a_small_share_of_the_error_comes_by_chance_as_often_as_a_small_ball_is_hit() -> None:
    """A ball of radius sqrt(r) v in the normal density at v: for n = 1 at most 2 sqrt(r/(2 pi e)), for n = 2 r/e."""
    assert chance_of(1e-6, 1) == pytest.approx(2e-3 / math.sqrt(2.0 * math.pi * math.e), rel=1e-3)
    assert chance_of(1e-4, 2) == pytest.approx(1e-4 / math.e, rel=1e-3)
    assert chance_of(0.0, 2) == 0.0


@pytest.mark.parametrize("rows", [2, 3, 5, 9])
def test_a_prediction_that_knows_nothing_seldom_beats_the_control_beyond_chance(rows: int) -> None:
    rng = np.random.default_rng(rows)
    often = []
    for size in (0.3, 1.0, 1.5):
        errors, apart = rng.normal(size=(2, 400, rows))
        pairs = zip((errors - size * apart) ** 2, errors**2, strict=True)
        often.append(np.mean([better_beyond_chance(tuple(ours), tuple(theirs)) for ours, theirs in pairs]))
    assert max(often) < 0.05


def test_a_rule_without_error_beats_the_control_beyond_chance_on_two_rows() -> None:
    assert better_beyond_chance((0.0, 0.0), (3.4, 0.02))
    assert not better_beyond_chance((1.1, 0.4), (3.4, 0.02))
    assert not better_beyond_chance((0.0, 0.0), (0.0, 0.0))
    assert not better_beyond_chance((), ())
    # Half of the error, always: a paired difference that chance does not make.
    assert better_beyond_chance((0.50, 0.51) * 20, (1.0, 1.0) * 20)
    assert not better_beyond_chance((0.9, 1.1) * 20, (1.0, 1.01) * 20)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """A table of ten rows, two of which are held out."""
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text("x,dw\n" + "".join(f"{k},{k * k}\n" for k in range(10)))
    return load_task(f"{path}:dw")


def _confirmed(task: Task, ours: tuple[float, ...], theirs: tuple[float, ...], held_out_on: str) -> Confirmation:
    """Return what held-out losses say of a rule, beside those of a control; a known rule has a loss of 4.33."""
    rules = parse_rules("x")
    mean, other = (sum(losses) / len(losses) if losses else None for losses in (ours, theirs))
    member = FrontMember(1, rules, 1, 0.7, mean, {}, (), held_out_losses=ours)
    control = ReferenceScore("control", rules, "ok", 1.0, {}, other, theirs)
    known = ReferenceScore(task.known_rule, rules, "ok", 0.8, {}, 4.33)
    metrics = {item.metric: item.most for item in task.requirements}
    return Confirmation.of(member, [known, control], Outcome("ok", 0.7, metrics), task, held_out_on, held_out_on)


@pytest.mark.parametrize(
    ("ours", "theirs", "idle", "sentence"),
    [
        ((0.0, 0.0), (3.4, 0.02), False, "its loss is 0, that of linear fit 4.33, that of the mean of dw 1.71"),
        (
            (0.9, 0.7),
            (1.4, 1.1),
            True,
            "its loss is 0.8, that of linear fit 4.33, that of the mean of dw 1.25; that may be chance",
        ),
        # A constant that happens to lie nearer to these rows than the mean of the others.
        (
            (2.50, 2.51),
            (2.62, 2.63),
            True,
            "its loss is 2.5, that of linear fit 4.33, that of the mean of dw 2.62, that of their own mean 1",
        ),
        ((3.0, 2.9), (2.6, 2.7), True, "it does no better than the mean of dw (loss 2.95, against 2.65)"),
    ],
)
def test_a_rule_is_recommended_for_a_table_only_beyond_chance(
    table: Task, ours: tuple[float, ...], theirs: tuple[float, ...], idle: bool, sentence: str
) -> None:
    found = _confirmed(table, ours, theirs, "2 held-out rows")
    assert (found.idle, found.sentence) == (idle, f"on 2 held-out rows {sentence}")


def test_what_was_not_held_out_may_be_chance(table: Task) -> None:
    found = _confirmed(table, (), (), "")
    assert found == Confirmation("nothing was held out, so that it may be chance", idle=True)


def test_rules_of_simulations_are_compared_with_the_control_as_they_are() -> None:
    found = _confirmed(load_task("oja"), (0.9, 0.7), (1.4, 1.1), "2 held-out seeds")
    assert found == Confirmation("on 2 held-out seeds its loss is 0.8, that of Oja 1982 4.33")


def test_a_known_rule_that_dies_on_held_out_seeds_is_said_to() -> None:
    rules, task = parse_rules("x"), load_task("oja")
    member = FrontMember(1, rules, 1, 0.7, 0.8, {}, (), held_out_losses=(0.9, 0.7))
    metrics = {item.metric: item.most for item in task.requirements}
    known = ReferenceScore(task.known_rule, rules, "runaway", None, {}, failed_on="3 of 10 seeds")
    outcome = Outcome("ok", 0.8, metrics)
    found = Confirmation.of(member, [known], outcome, task, "10 held-out seeds", "10 held-out seeds")
    said = "its loss is 0.8, and Oja 1982 does not run to its end (runaway on 3 of 10 seeds)"
    assert found.sentence == f"on 10 held-out seeds {said}"


def test_a_rule_that_dies_on_some_seeds_is_said_to_on_how_many(reference: Run) -> None:
    good, bad = Trial("ok", 0.5, {"norm": 1.0}), Trial("runaway", None)
    outcome = Outcome.of((1, 2, 3), [good, bad, good])
    assert (outcome.status, outcome.ended) == ("runaway", "runaway on 1 of 3 seeds")
    assert Outcome.of((1, 2), [bad, bad]).ended == "runaway" and Outcome.of((1,), [bad]).ended == "runaway"
    assert Outcome.of((1, 2), [good, good]).ended == "ok"
    some = {"held_out_loss": None, "held_out_losses": (), "failed_on": outcome.failed_on}
    dead = replace(reference.members[0], **some)
    run = replace(reference, members=(dead,))
    own = own_score(run)
    assert own.ended == "died on 1 of 3 seeds"
    # A mean over the other seeds is not to be read beside those over all of them.
    assert own.metric("norm") is None and own.metrics["norm"] == reference.members[0].metrics["norm"]
    assert run.to_json()["front"][0]["failed_on"] == "1 of 3 seeds"
    assert "failed_on" not in reference.to_json()["front"][0]


@pytest.mark.parametrize(("gain", "tried", "chance"), [(3.0, 20, False), (2.9, 20, True), (30.0, 10_000, False)])
def test_a_rule_of_protocols_must_tell_changes_apart_better_than_the_best_of_as_many_would_by_chance(
    fitted: Run, gain: float, tried: int, chance: bool
) -> None:
    metrics = {"leave_one_out_error": 0.8, "over_exchanged": gain}
    member = replace(fitted.members[0], loss=0.3, metrics=metrics)
    scores = [replace(each, metrics={"leave_one_out_error": 4.518}) for each in fitted.references]
    outcome = Outcome("ok", 0.3)
    found = Confirmation.of(member, scores, outcome, load_task("stdp-frequency"), "", "", tried=tried)
    assert found.refuted == found.idle == chance == ("may be chance" in found.sentence)
