"""Task `stability`: four rules at a time, and what is plausible."""

from __future__ import annotations

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.tasks import Trial, load_task

TASK = load_task("stability")
SMALL = {"neurons": 640, "learning": 1, "scoring": 1, "dt": 0.5}
STILL = "EE[on_pre: 0]; EI[on_pre: 0]; IE[on_pre: 0]; II[on_pre: 0]"


def tried(text: str, fidelity: str = "full", **settings: float) -> Trial:
    values = TASK.resolve({**SMALL, **settings})
    return TASK.trial(TASK.bind(TASK.parse(text), values), 1, values, fidelity)


def test_weights_that_stay_are_where_they_began() -> None:
    found = tried(STILL)
    shown = {name: found.metrics[name] for name in ("w_EE", "w_EI", "w_IE", "w_II", "at_bounds", "creep")}
    assert shown == pytest.approx({"w_EE": 0.1, "w_EI": 0.1, "w_IE": 1.0, "w_II": 1.0, "at_bounds": 0.0, "creep": 0.0})
    assert found.metrics["plausible"] == (found.metrics["violated"] == 0.0)
    assert found.loss == pytest.approx(sum(found.cases) / 3)


def test_weights_at_their_bounds_fail_the_second_stage() -> None:
    found = tried(STILL.replace("IE[on_pre: 0]", "IE[on_pre: 0; bounds = [1, 20]]"))
    # A fourth of the weights is where a bound is: 0.15 more than 0 to 0.1, one of six quantities of weights.
    assert found.metrics["at_bounds"] == 0.25
    assert found.cases == pytest.approx((0.0, 0.15 / 0.25 / 6, 1.0))
    free = tried(STILL.replace("IE[on_pre: 0]", "IE[on_pre: 0; bounds = [1, 20]]"), most_at_bounds=0.25)
    assert free.cases[:2] == (0.0, 0.0)


def test_the_rate_of_the_afferents_is_drawn_unless_it_is_given() -> None:
    values = TASK.resolve(SMALL)
    drawn = {
        TASK.trial(TASK.bind(TASK.parse(STILL), values), seed, values, "full").metrics["input_rate_hz"]
        for seed in (1, 2)
    }
    assert len(drawn) == 2 and all(5.0 <= rate <= 15.0 for rate in drawn)
    assert tried(STILL, rate=7.0).metrics["input_rate_hz"] == 7.0


def test_the_cheap_fidelity_has_an_eighth_of_the_neurons_coarse_steps_and_half_of_the_learning() -> None:
    quick = tried(STILL, "screen", dt=0.2, learning=2)
    assert tried(STILL, "screen", neurons=5120, dt=0.2, learning=2) == quick == tried(STILL, dt=0.4, learning=1)


def test_excitation_that_only_grows_ends_the_trial() -> None:
    found = tried(STILL.replace("EE[on_pre: 0]", "EE[on_pre: 100]"))
    assert (found.status, found.loss, found.metrics) == ("runaway", None, {})
    assert found.died_at < 1.0


def test_all_four_rules_are_asked_for() -> None:
    with pytest.raises(RulesearchError, match="task stability takes the rules EE, EI, IE, II; found IE"):
        TASK.parse("IE[on_pre: 0]")
    with pytest.raises(RulesearchError, match="neurons of task stability must be a multiple of 5, found 641"):
        TASK.resolve({"neurons": 641})


def test_a_network_that_is_busy_for_long_ends_a_cheap_trial_alone() -> None:
    asked = {"learning": 20, "dt": 0.25, "most_rate_e_hz": 1.0, "rate": 15.0}
    found = tried(STILL, "screen", **asked)
    # Two stretches of 5 s are half of the learning, and the first one is too busy; scoring would take 1 s more.
    assert (found.status, found.loss, found.died_at) == ("runaway", None, pytest.approx(5.0 / 11.0))
    assert tried(STILL, **{**asked, "learning": 6}).status == "ok"
    assert tried(STILL, "screen", **{**asked, "most_rate_e_hz": 50.0}).status == "ok"
