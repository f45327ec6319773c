"""Task `correlation-pattern`: what is signal, what is noise, and a neuron that keeps no weight."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.tasks import Trial, load_task

TASK = load_task("correlation-pattern")


def tried(text: str, **settings: float) -> Trial:
    values = TASK.resolve({"experiments": 2, "seconds": 10, "test_seconds": 2, **settings})
    return TASK.trial(TASK.bind(TASK.parse(text), values), 1, values, "full")


def test_the_loss_is_the_share_of_noise() -> None:
    found = tried("on_pre: 0*x")
    ratios = 1.0 / np.array(found.cases) - 1.0
    assert found.metrics["fitness"] == pytest.approx(ratios.min())
    assert found.metrics["signal_to_noise"] == pytest.approx(ratios.mean())
    assert found.metrics["share_found"] == np.mean(ratios > 10.0)
    assert found.loss == pytest.approx(np.mean(found.cases))


def test_a_neuron_that_has_lost_all_weights_is_silent() -> None:
    found = tried("on_pre: -1; eta = 1")
    assert (found.status, found.loss, found.metrics) == ("silent", None, {})
    assert found.died_at == 0.5


@pytest.mark.parametrize("name", ["seconds", "test_seconds"])
def test_the_pattern_is_shown_to_its_end(name: str) -> None:
    assert TASK.resolve({name: 7.5})[name] == 7.5
    with pytest.raises(RulesearchError, match=rf"setting {name} of .* must be a multiple of 0.5 s.*, found 7.7"):
        TASK.resolve({name: 7.7})
