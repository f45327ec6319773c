"""Spike protocols against published fits of the triplet model (Pfister & Gerstner 2006) and least squares."""

from __future__ import annotations

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.rules import parse_rules
from rulesearch.tasks import load_task
from rulesearch.tasks.stdp_protocols import StdpProtocols

FREQUENCY, TRIPLETS = load_task("stdp-frequency"), load_task("stdp-triplets")

TRIPLET = (
    "on_pre: -y*({a2_minus} + {a3_minus}*x2); on_post: x*({a2_plus} + {a3_plus}*y2); eta = 1; "
    "x = trace(pre, 16.8 ms, {scheme}); y = trace(post, 33.7 ms, {scheme}); "
    "x2 = trace(pre, {tau_x} ms, {scheme}); y2 = trace(post, {tau_y} ms, {scheme})"
)


def triplet(
    a2_plus: float, a3_plus: float, a2_minus: float, a3_minus: float, tau_x: float, tau_y: float, scheme: str
) -> str:
    return TRIPLET.format(**locals())


@pytest.mark.parametrize(
    ("constants", "error"),
    [
        ((5e-10, 6.2e-3, 7e-3, 2.3e-4, 101, 125, "all"), 0.342),
        ((0, 6.5e-3, 7.1e-3, 0, 100, 114, "all"), 0.356),
        ((8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, 714, 40, "nearest"), 0.232),
        ((0, 5e-2, 8e-3, 0, 100, 40, "nearest"), 0.348),
    ],
    ids=["all-to-all full", "all-to-all minimal", "nearest full", "nearest minimal"],
)
def test_the_triplet_model_of_visual_cortex_fits_as_it_should(constants: tuple[float, ...], error: float) -> None:
    found = rs.evaluate(triplet(*constants), FREQUENCY)  # type: ignore[arg-type]
    assert found.loss == pytest.approx(error, abs=0.005)
    assert found.metrics["error"] == found.loss
    assert found.metrics["alone"] == pytest.approx(0.0, abs=1e-12)


def test_the_best_pair_rule_at_these_time_constants_and_no_plasticity() -> None:
    assert rs.evaluate(FREQUENCY.control(FREQUENCY.resolve()), FREQUENCY).loss == pytest.approx(7.58, abs=0.02)
    assert rs.evaluate("on_pre: 0*y", FREQUENCY).loss == pytest.approx(9.20, abs=0.005)


def test_no_other_amplitudes_of_the_pair_rule_do_better() -> None:
    for task in (FREQUENCY, TRIPLETS):
        best = task.control(task.resolve()).only()
        least = rs.evaluate(best, task).loss
        assert least is not None
        for name, value in best.constant_values().items():
            for factor in (0.97, 1.03):
                other = rs.evaluate(best.with_constants({name: factor * value}), task).loss
                assert other is not None
                assert other > least


def test_the_triplet_model_of_hippocampus_predicts_triplets_as_it_should() -> None:
    found = rs.evaluate(TRIPLETS.baseline({}), TRIPLETS).details["predictions"]
    assert found == pytest.approx((0.043, 0.005, -0.078, 0.102, 0.358, 0.204, 0.108, 0.325), abs=0.001)
    minimal = triplet(4.6e-3, 9.1e-3, 3e-3, 0, 100, 48, "nearest")
    found = rs.evaluate(minimal, TRIPLETS).details["predictions"]
    assert found == pytest.approx((0.050, 0.018, -0.042, 0.090, 0.379, 0.217, 0.105, 0.357), abs=0.001)


def test_predictions_and_cases_belong_to_the_data_in_order() -> None:
    for task in (FREQUENCY, TRIPLETS):
        assert isinstance(task, StdpProtocols)
        data = task.measured()
        trial = rs.evaluate(task.baseline({}), task).trials[0]
        assert len(trial.details["predictions"]) == len(trial.cases) == len(data)
        z = [(p - d.change) / d.sem for p, d in zip(trial.details["predictions"], data, strict=True)]
        np.testing.assert_allclose(trial.cases, np.square(z))


def test_a_rule_that_moves_under_spikes_of_one_side_misses_the_requirement() -> None:
    found = rs.evaluate("on_pre: -0.001; on_post: 0.002*x; eta = 1", FREQUENCY)
    assert found.metrics["alone"] == pytest.approx(0.06)
    assert found.shortfall(FREQUENCY.requirements) == pytest.approx(0.04)


def test_a_weight_that_grows_without_limit_is_no_number() -> None:
    assert rs.evaluate("on_pre: w; eta = 1", FREQUENCY).status == "runaway"
    assert rs.evaluate("on_pre: x/(w - w); eta = 1", FREQUENCY).status == "nonfinite"


@pytest.mark.parametrize("text", ["x*y", "drift: -w", "on_pre: z; z = lowpass(x, 1 s)", "on_step: x"])
def test_what_spikes_do_not_move_is_refused(text: str) -> None:
    with pytest.raises(RulesearchError):
        FREQUENCY.parse(text)
    assert parse_rules(text)
