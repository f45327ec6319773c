"""Task `correlation-pattern`: what is signal, what is noise, and a neuron that keeps no weight."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.tasks import Trial, load_task
from rulesearch.tasks.correlation_pattern import draw_inputs

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


def test_afferents_of_the_pattern_have_the_rate_of_the_others_only_where_they_fire_less_between() -> None:
    known = TASK.resolve({"test_seconds": 40})

    def rates(**settings: float) -> tuple[float, float]:
        """Return mean rates [Hz] of afferents that fire in the pattern, and of the others, while it is looked at."""
        values = {**known, **settings}
        train = draw_inputs(1, 0, values).test
        counts, pattern = train.counts() / values["test_seconds"], draw_inputs(1, 0, values).pattern
        member = np.isin(np.arange(train.afferents), pattern)
        return float(counts[member].mean()), float(counts[~member].mean())

    # 0.8 of the time at a sixth of 3 Hz and one spike in each period; else the whole of 3 Hz.
    assert rates() == (pytest.approx(2.4, rel=0.03), pytest.approx(2.4, rel=0.03))
    assert rates(thinned=0.0) == (pytest.approx(4.4, rel=0.03), pytest.approx(2.4, rel=0.03))


def test_what_was_absent_is_not_found() -> None:
    values = TASK.resolve({"experiments": 2})
    bound = TASK.bind(TASK.baseline(values), values)
    present, absent = (
        TASK.trial(bound, 1, {**values, "absent": each}, "full").metrics.get("signal_to_noise", 0.0)
        for each in (0.0, 1.0)
    )
    assert present > 3.0 * absent
