"""Task `familiarity`: the layer that tells familiar stimuli from novel ones."""

from __future__ import annotations

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.tasks import Trial, load_task

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
