"""Rules beside each other on a task."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.report.figures import comparison_figure
from rulesearch.rules import RuleSet, known_rule, parse_rules
from rulesearch.rules.bound import BoundSet
from rulesearch.tasks import Activity, Fidelity, Oja, TaskSymbol, Trial, load_task
from rulesearch.tasks.declaration import Settings
from rulesearch.workflow.side_by_side import activity_distance, side_by_side, stdp_window
from tests.known_pair import Pair


def _steps(generator: np.random.Generator) -> Activity:
    return Activity({name: generator.normal(size=(500, 4)) for name in "wxy"})


def test_proportional_rules_have_no_distance_and_opposite_ones_all() -> None:
    activity = _steps(np.random.default_rng(0))
    oja = known_rule("oja").rules.only()
    for text, expected in (("3*x*y - 3*w*y**2", 0.0), ("w*y**2 - x*y", 1.0), ("y*(x - w*y)", 0.0)):
        assert activity_distance(oja, parse_rules(text).only(), activity) == pytest.approx(expected, abs=1e-7)


def test_the_distance_is_the_sine_of_the_angle_between_changes() -> None:
    # Of independent standard normal numbers x and y, x and x + y are 45 degrees apart.
    generator = np.random.default_rng(1)
    activity = Activity({name: generator.normal(size=(200_000, 1)) for name in "xy"})
    found = activity_distance(parse_rules("x").only(), parse_rules("x + y").only(), activity)
    assert found == pytest.approx(math.sin(math.pi / 4), abs=0.005)


def test_low_passes_are_run_along_the_steps() -> None:
    activity = Activity({"x": np.ones((4, 1)), "y": np.zeros((4, 1))})
    slow = parse_rules("x_bar; x_bar = lowpass(x, 2)").only()
    found = activity_distance(slow, parse_rules("x").only(), activity)
    levels = np.array([0.0, 0.5, 0.75, 0.875])
    cosine = levels.sum() / (2.0 * np.linalg.norm(levels))
    assert found == pytest.approx(math.sqrt(1.0 - cosine**2))


def test_spikes_are_replayed() -> None:
    trains = ((np.array([0.0, 0.1]), np.array([0.01, 0.2])),)
    activity = Activity(trains=trains, weights_before=(0.5,))
    pair = parse_rules("on_pre: -y; on_post: x").only()
    assert activity_distance(pair, parse_rules("on_pre: -2*y; on_post: 2*x").only(), activity) == pytest.approx(0.0)
    assert activity_distance(pair, parse_rules("on_pre: y; on_post: -x").only(), activity) == pytest.approx(1.0)
    assert activity_distance(pair, parse_rules("drift: v").only(), activity) is None


def test_losses_are_compared_at_the_best_learning_rate() -> None:
    task = load_task("oja")
    doubled, hebb = parse_rules("2*x*y - 2*w*y**2"), known_rule("hebb").rules
    found = side_by_side(known_rule("oja").rules, {"doubled": doubled, "hebb": hebb}, task, task.resolve(), 2)
    oja, twice, growing = found
    assert [each.label for each in found] == ["this rule", "doubled", "hebb"]
    assert twice.factor == pytest.approx(oja.factor / 2.0)
    assert twice.fitted.loss == pytest.approx(oja.fitted.loss)
    assert growing.outcome.status == "runaway"
    assert oja.distance == twice.distance == pytest.approx(0.0, abs=1e-7)
    assert oja.weights[-1] == pytest.approx(math.sqrt(0.5), abs=0.02)


def test_a_learning_rate_that_is_best_in_short_must_be_best_in_full() -> None:
    class Short(Oja):
        fidelities = (Fidelity("short", 1, ""), Fidelity("long", 1, ""))

        def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
            # The best rate is 1/2 in full, and 8 in short: the further off, the larger the loss.
            best = 8.0 if fidelity == "short" else 0.5
            return Trial("ok", abs(math.log(rules.only().eta / best)))

    task = Short()
    [found] = side_by_side(parse_rules("y*(x - w*y); eta = 2"), {}, task, task.resolve(), 2)
    assert found.factor == pytest.approx(0.25)
    assert found.fitted.loss == pytest.approx(0.0, abs=1e-12) and found.outcome.loss == pytest.approx(math.log(4.0))


def test_a_learning_rate_that_dies_on_report_seeds_is_said_to() -> None:
    class Mortal(Oja):
        fidelities = (Fidelity("full", 1, ""),)

        def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
            if rules.only().eta > 1.0 and seed in trial_seeds(0, "report", 2):
                return Trial("runaway", None)
            return Trial("ok", 1.0 / rules.only().eta)

    task = Mortal()
    rules = parse_rules("y*(x - w*y); eta = 1")
    [found] = side_by_side(rules, {}, task, task.resolve(), 2)
    assert found.factor == pytest.approx(8.0)
    assert (found.outcome.status, found.outcome.loss, found.fitted.status) == ("ok", 1.0, "runaway")
    losses = comparison_figure(rules, [found]).axes[0]
    assert [text.get_text() for text in losses.texts] == ["runaway at the best rate"]


def test_others_that_do_not_fit_or_come_twice_are_left_out() -> None:
    task = load_task("stdp-frequency")
    triplet, vogels = known_rule("triplet").rules, known_rule("vogels").rules
    found = side_by_side(triplet, {"same": triplet, "rate": known_rule("oja").rules, "v": vogels}, task, task.resolve())
    assert [each.label for each in found] == ["this rule", "v"]
    assert found[0].outcome.loss == pytest.approx(0.342, abs=0.005)


def test_the_window_of_a_pair_rule_is_its_exponentials() -> None:
    found = stdp_window(known_rule("stdp-pair").rules.only())
    assert found[0.02] == pytest.approx(0.005 * math.exp(-1.0))
    assert found[-0.02] == pytest.approx(-0.00525 * math.exp(-1.0))
    assert stdp_window(known_rule("oja").rules.only()) == {}


@pytest.mark.parametrize("name", ["oja", "inhibitory-rate", "stdp-frequency", "stdp-triplets"])
def test_a_task_shows_what_its_synapses_saw(name: str) -> None:
    task = load_task(name)
    short = {"learning": 10, "scoring": 5} if name == "inhibitory-rate" else {}
    settings = task.resolve(short)
    baseline = task.bind(task.baseline(settings), settings)
    activity = task.activity(baseline, 3, settings)
    assert activity is not None
    assert activity_distance(baseline.only(), baseline.only(), activity) == pytest.approx(0.0, abs=1e-7)
    other = "x" if activity.series else "on_pre: 1; on_post: -3*x"
    assert activity_distance(baseline.only(), task.bind(task.parse(other), settings).only(), activity) > 0.1


def test_sets_stand_beside_each_other_with_a_window_of_each_rule() -> None:
    class Spiking(Pair):
        slots = ("on_pre", "on_post")
        rule_names = ("EE", "IE")
        symbols = {"x": TaskSymbol("trace"), "y": TaskSymbol("trace"), "w": TaskSymbol("weight")}  # noqa: RUF012

        def trial(self, rules: RuleSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
            return Trial("ok", abs(sum(rule.eta or 0.0 for rule in rules.rules.values()) - 4.0))

        def baseline(self, settings: Settings) -> RuleSet:
            return parse_rules("EE[on_post: x; tau_x = 10 ms]; IE[on_pre: -y; tau_y = 50 ms]")

    task = Spiking()
    ours = parse_rules("EE[on_post: x; eta = 1; tau_x = 20 ms]; IE[on_pre: -0.5*y; eta = 1; tau_y = 20 ms]")
    first, second = side_by_side(ours, {"known": task.baseline({})}, task, task.resolve({}))
    assert (first.window, first.distance, list(first.windows)) == ({}, None, ["EE", "IE"])
    assert first.windows["EE"][0.02] == pytest.approx(np.exp(-1.0))
    assert first.windows["IE"][-0.02] == pytest.approx(-0.5 * np.exp(-1.0))
    assert first.windows["IE"][0.02] == 0.0
    assert (first.outcome.loss, first.factor, first.fitted.loss) == (2.0, 2.0, 0.0)
    assert second.windows["EE"][0.02] == pytest.approx(np.exp(-2.0))
    figure = comparison_figure(ours, [first, second])
    labels = [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]
    assert labels == ["EE", "IE"]
