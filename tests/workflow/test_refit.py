"""Prediction of what a rule was not fitted to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.fitting.form import ProtocolForm
from rulesearch.grammar import load_grammar
from rulesearch.inference.fitting import fit
from rulesearch.inference.judging import leave_out
from rulesearch.rules.library import known_rule
from rulesearch.tasks import load_task
from rulesearch.workflow.refit import left_out_prediction, predictive_metrics
from tests.known_pair import Measured

FREQUENCY = load_task("stdp-frequency")


MINIMAL = (
    "on_pre: -A_minus*y; on_post: A_plus*x*y2; A_plus = 0.0065; A_minus = 0.0071; eta = 1; "
    "tau_x = 16.8 ms; tau_y = 33.7 ms; tau_y2 = 114 ms"
)


def test_left_out_errors_of_a_linear_model_are_those_of_the_hat_matrix() -> None:
    """For least squares the residual of a point that is left out is r/(1 - h), h from the hat matrix."""
    settings = FREQUENCY.resolve()
    form, data = FREQUENCY.form_of(FREQUENCY.parse(MINIMAL), settings)
    held = {each.name: each.start for each in form.parameters if each.name not in {"A_plus", "A_minus"}}
    form = ProtocolForm(form.rule, FREQUENCY.measured(), fixed={**held, "eta": 1.0})
    found = fit(form, data, np.random.default_rng(1))
    none = data.residuals(form.predictions(np.zeros(2)))
    design = np.column_stack([data.residuals(form.predictions(1e-3 * unit)) - none for unit in np.eye(2)])
    hat = design @ np.linalg.inv(design.T @ design) @ design.T
    left_out = (none - hat @ none) / (1.0 - np.diag(hat))
    assert leave_out(found, "row", range(10)).residuals == pytest.approx(left_out, rel=1e-4)


def test_the_errors_of_a_rule_are_those_of_its_form() -> None:
    settings, rules = FREQUENCY.resolve(), FREQUENCY.parse(MINIMAL)
    predicted = left_out_prediction(rules, FREQUENCY, settings)
    metrics = predictive_metrics(rules, FREQUENCY, settings)
    assert predicted is not None and metrics["leave_one_out_error"] == pytest.approx(predicted.z2)


@pytest.mark.parametrize("name", ["triplet", "control", "pair, free tau"])
def test_a_search_and_a_fit_say_the_same_of_left_out_rows(name: str) -> None:
    settings = FREQUENCY.resolve()
    rules = FREQUENCY.references(settings)[name]
    predicted = left_out_prediction(rules, FREQUENCY, settings)
    assert predicted is not None
    fitted = rs.fit(str(rules), "stdp-frequency").predictions[0].z2
    assert predicted.z2 == pytest.approx(fitted, rel=1e-3)


def test_a_rule_predicts_worse_than_it_fits_and_other_data_without_refitting() -> None:
    triplet = FREQUENCY.baseline(FREQUENCY.resolve())
    found = predictive_metrics(triplet, FREQUENCY, FREQUENCY.resolve())
    fitted = rs.evaluate(triplet, FREQUENCY).loss
    assert fitted is not None and found["leave_one_out_error"] > fitted
    assert found["error_on_stdp_triplets"] == rs.evaluate(triplet, "stdp-triplets").loss


def test_tasks_without_measurements_have_nothing_to_leave_out() -> None:
    task = load_task("oja")
    assert predictive_metrics(known_rule("oja").rules, task, task.resolve()) == {}


def test_the_best_pair_rule_with_free_time_constants() -> None:
    # Least squares with free time constants reaches 2.31; here they stay within 5 to 150 ms.
    settings = FREQUENCY.resolve()
    rule = FREQUENCY.references(settings)["pair, free tau"]
    assert 2.3 <= (rs.evaluate(rule, FREQUENCY).loss or 0.0) <= 2.8
    taus = [state.tau for state in rule.only().states.values()]
    assert all(tau is not None and 5e-3 <= tau <= 150e-3 for tau in taus)


def test_the_numbers_of_all_rules_of_a_set_are_fitted_to_what_is_left() -> None:
    """Without noise all is predicted, but for the one place of each rule that tells its time constant: 20 for 10 ms."""
    task = Measured()
    rules = task.parse(
        "feedforward[c1*y*(x - w*y); c1 = 0.5; tau_x = 20 ms]; lateral[c1*x*y; c1 = -0.5; tau_x = 20 ms]"
    )
    untold = 2.0 * np.log(2.0) ** 2
    predicted = left_out_prediction(rules, task, task.resolve())
    assert predicted is not None and predicted.z2 == pytest.approx(untold / 26, rel=1e-4)
    # A rule that is given keeps its numbers: half of what is missing of -x*y is left everywhere.
    x, y, _ = np.random.default_rng(0).normal(size=(3, 12))
    given = left_out_prediction(replace(rules, given=frozenset({"lateral"})), task, task.resolve())
    assert given is not None
    assert given.z2 == pytest.approx((untold + np.sum((0.5 * x * y) ** 2)) / 26, rel=1e-4)


def test_time_constants_stay_where_they_are_searched_when_a_row_is_left_out() -> None:
    """Without the row of -10 ms at 0.1 Hz the least misfit of the minimal triplet is at a slow trace of some 4 s."""
    settings = FREQUENCY.resolve()
    rules = FREQUENCY.spelled_out(FREQUENCY.parse("on_pre: -y; on_post: x*y2"), settings)
    for taus, wanted in ((load_grammar("stdp").taus, 0.583), ({"y2": (1e-3, 10.0), "y": (1e-3, 10.0)}, 1.474)):
        predicted = left_out_prediction(rules, FREQUENCY, settings, taus)
        assert predicted is not None and predicted.z2 == pytest.approx(wanted, abs=2e-3)
