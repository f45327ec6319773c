"""Which rule of a front is recommended where measurements can be left out."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules import parse_rules
from rulesearch.tasks import load_task
from rulesearch.workflow.choose import recommended
from rulesearch.workflow.clean_up import CleanUp

TASK = load_task("stdp-frequency")
FRONT = [
    CleanUp(parse_rules(text), 0, 0, Outcome("ok", loss, {"alone": alone}), loss, loss, ())
    for text, loss, alone in (
        ("on_post: x", 5.0, 0.0),
        ("on_pre: -y; on_post: x*y2", 0.4, 0.0),
        ("on_pre: y - y2; on_post: x*y", 0.3, 0.0),
        ("on_pre: y - 1; on_post: x*y2", 0.1, 0.5),
    )
]
KNOWN = Outcome("ok", 0.3)


@pytest.mark.parametrize(
    ("squares", "place"),
    [
        # To within their noise: which of those predicts best is chance.
        (([6.0, 5.0], [1.9, 1.5], [0.1, 0.1], [0.0, 0.0]), 1),
        # The one that lives by a cancellation fits better, and predicts nothing.
        (([6.0, 5.0], [3.0, 2.0], [40.0, 50.0], [0.0, 0.0]), 1),
        # As well as the best up to one standard error of the difference: 1.5 +- 0.5, then 0.5 +- 0.5.
        (([6.0, 5.0], [4.0, 3.0], [2.0, 2.0], [0.0, 0.0]), 2),
        (([6.0, 5.0], [3.0, 2.0], [2.0, 2.0], [0.0, 0.0]), 1),
        # A true rule leaves 0.39 in 95 of 100 tables of ten rows: standard errors that are told are too large.
        (([6.0, 5.0] * 5, [0.4, 0.6] * 5, [0.02, 0.03] * 5, [0.0] * 10), 2),
        # What died where a measurement was left out is not judged.
        (([6.0, 5.0], None, [2.0, 2.0], [0.0, 0.0]), 2),
    ],
)
def test_the_smallest_rule_that_predicts_as_well_as_can_be_told_is_recommended(
    squares: tuple[list[float] | None, ...], place: int
) -> None:
    left_out = [None if each is None else np.array(each) for each in squares]
    assert recommended(FRONT, KNOWN, TASK, left_out) == place


def test_without_predictions_it_is_the_smallest_that_does_as_well_as_the_known_rule() -> None:
    assert recommended(FRONT, KNOWN, TASK) == 1
    assert TASK.enough(0.3) == pytest.approx(1.8307, abs=1e-4)
