"""Task `familiarity`: the layer that tells familiar stimuli from novel ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.grammar import load_grammar
from rulesearch.tasks import Trial, load_task
from rulesearch.workflow.discover import discover
from rulesearch.workflow.membership import accepts

TASK = load_task("familiarity")
SMALL = {"components": 25, "units": 2, "interval": 2}


def tried(text: str) -> Trial:
    values = TASK.resolve(SMALL)
    return TASK.trial(TASK.bind(TASK.parse(text), values), 3, values, "full")


def test_a_layer_answers_as_the_published_one_with_the_constants_of_its_size_alone() -> None:
    assert tried("-0.204*w - 0.265*x*y").metrics["accuracy"] == pytest.approx(0.98, abs=0.015)
    assert tried("-0.012*w - 0.135*x*y").metrics["accuracy"] < 0.9


def test_without_a_trace_of_what_was_seen_two_thirds_of_the_answers_are_right() -> None:
    # A stimulus is repeated with probability 1/2 where the one before was novel: 2/3 are novel.
    found = tried("0*x*y*w")
    assert found.metrics["accuracy"] == pytest.approx(2 / 3, abs=0.015)
    assert found.loss == pytest.approx(1.0 - found.metrics["accuracy"])


def test_right_answers_are_those_to_familiar_stimuli_and_those_to_novel_ones() -> None:
    found = tried("-0.204*w - 0.265*x*y").metrics
    familiar = (found["accuracy"] - (1.0 - found["p_false_positive"])) / (
        found["p_true_positive"] - (1.0 - found["p_false_positive"])
    )
    assert familiar == pytest.approx(1 / 3, abs=0.015)


def test_weights_that_grow_without_limit_end_the_trial() -> None:
    found = tried("1e3*w + x")
    assert (found.status, found.loss, found.metrics) == ("nonfinite", None, {})


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"units": 6}, "units of task familiarity must be a power of 2, found 6"), ({"components": 4}, "at least 5")],
)
def test_units_have_addresses_within_a_stimulus(settings: dict[str, float], said: str) -> None:
    with pytest.raises(RulesearchError, match=said):
        TASK.resolve(settings)


def test_candidates_tried_together_give_what_each_gives_alone() -> None:
    values = TASK.resolve({**SMALL, "stimuli": 500})
    texts = ["-0.204*w - 0.265*x*y", "x*y - w", "1e3*w + x", "0.2*y*(w - x) - 0.2*w"]
    bound = [TASK.bind(TASK.parse(text), values) for text in texts]
    for fidelity in ("screen", "full"):
        assert TASK.trials(bound, 5, values, fidelity) == [TASK.trial(each, 5, values, fidelity) for each in bound]


def test_a_screen_is_scored_on_the_sequence_of_the_readout_alone() -> None:
    values = TASK.resolve(SMALL)
    rules = TASK.bind(TASK.parse("-0.204*w - 0.265*x*y"), values)
    screened = TASK.trial(rules, 5, values, "screen")
    assert screened == TASK.trial(rules, 5, {**values, "stimuli": 100.0, "tested": 9.0}, "screen")
    assert screened.loss == pytest.approx(TASK.trial(rules, 5, values, "full").loss, abs=0.012)


def test_wrong_answers_to_familiar_and_to_novel_stimuli_are_the_two_cases() -> None:
    found = tried("x - w")
    familiar = 1.0 / 3.0
    expected = (
        2.0 * familiar * (1.0 - found.metrics["p_true_positive"]),
        found.metrics["p_false_positive"] * 4.0 / 3.0,
    )
    assert found.cases == pytest.approx(expected, abs=0.02)


def test_the_constants_of_the_baseline_are_those_of_the_published_network_or_follow_their_pattern() -> None:
    def constants(**settings: float) -> dict[str, float]:
        return dict(TASK.baseline(TASK.resolve(settings)).only().constant_values())

    assert constants() == {"decay": 0.012, "gain": 0.135}
    assert constants(**SMALL) == pytest.approx({"decay": 0.204, "gain": 0.265})
    assert constants(components=69, units=8, interval=7) == pytest.approx({"decay": 0.05, "gain": 0.1})


def test_a_memory_that_is_long_enough_is_asked_for_other_intervals_with_the_same_readout() -> None:
    values = {"components": 50, "units": 8, "interval": 3, "stimuli": 2000}
    text = "-0.031*w - 0.136*x*y"

    def accuracy(tested: int) -> float:
        settings = TASK.resolve({**values, "tested": tested})
        return TASK.trial(TASK.bind(TASK.parse(text), settings), 2, settings, "full").metrics["accuracy"]

    assert accuracy(0) == accuracy(3) > 0.98
    assert accuracy(9) > 0.97
    assert accuracy(200) < 0.75


@pytest.mark.parametrize(
    ("text", "linear"),
    [("-0.05*w - 0.25*x*y", True), ("0.1*x*y*y - 0.08*(w + x)", True), ("-0.05*w - 0.2*y*(x - w)", False)],
)
def test_the_weight_stands_in_products_in_the_wider_grammar_alone(text: str, linear: bool) -> None:
    rules = TASK.parse(text)
    assert accepts(load_grammar("familiarity"), rules)["accepted"] is linear
    assert accepts(load_grammar("familiarity-products"), rules)["accepted"] is True


@pytest.mark.slow
def test_a_rule_is_shown_by_the_intervals_at_which_it_knows_stimuli_again() -> None:
    values = TASK.resolve({"components": 50, "units": 8, "interval": 3})
    right, familiar, novel = (
        TASK.courses(TASK.bind(TASK.parse(text), values), 2, values)[0].values
        for text in ("-0.031*w - 0.136*x*y", "-0.031*w + 0.136*x*y", "0*w*x")
    )
    times = TASK.courses(TASK.bind(TASK.baseline(values), values), 2, values)[0].times
    assert times[0] == 1.0 and times[-1] == 24.0
    beyond = (times > 3) & (times <= 9)
    assert right[beyond].min() > 0.95 > familiar[beyond].max()
    assert novel == pytest.approx(2.0 / 3.0, abs=0.05)


@pytest.mark.slow
def test_r_max_is_that_of_the_published_network() -> None:
    values = TASK.resolve({**SMALL, "stimuli": 20000, "r_max": 1})
    assert TASK.trial(TASK.bind(TASK.baseline(values), values), 1, values, "full").metrics["r_max"] == 2.0
    assert TASK.trial(TASK.bind(TASK.control(values), values), 1, values, "full").metrics["r_max"] == 1.0


@pytest.mark.slow
def test_a_quick_search_finds_that_what_was_seen_must_excite_less(tmp_path: Path) -> None:
    settings = {**SMALL, "stimuli": 1000}
    run = discover("familiarity", seed=2, budget=40, settings=settings, out=tmp_path / "run", permutations=0)
    assert run.solved
    best = run.members[0].rules.only()
    change = {y: best.change(x=1.0, y=y, w=0.0) for y in (0.0, 1.0)}
    assert change[1.0] < change[0.0]
    known = {each.label: each.loss for each in run.references}
    assert run.members[0].held_out_loss <= TASK.enough(known["hebbff"])
    assert known["control"] > 2.0 * known["hebbff"]
