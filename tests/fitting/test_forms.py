"""Forms at many sets of numbers: the same as one by one, and as the simulator of single protocols."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rulesearch.fitting.form import ProtocolForm
from rulesearch.measurements.protocols import Measured
from rulesearch.measurements.usual import usual_protocols
from rulesearch.rules import parse_rules
from rulesearch.simulate.synapse.respond import respond

TRIPLET = parse_rules(
    "on_pre: -a*y; on_post: b*x*y2; a = 0.005; b = 0.004; eta = 1; tau_x = 17 ms; tau_y = 34 ms; tau_y2 = 114 ms"
).only()


def test_protocols_are_those_of_the_exact_simulation() -> None:
    rows = usual_protocols(20)
    form = ProtocolForm(TRIPLET, rows)
    found = form.predictions(form.own_numbers)
    for place in range(0, len(rows), 3):
        row = rows[place]
        exact = respond(TRIPLET, row.pre, row.post, row.repeats, row.every, 1.0)
        assert found[place] == pytest.approx(exact.delta_w, rel=1e-9, abs=1e-12)


def test_many_sets_of_numbers_are_those_one_by_one() -> None:
    form = ProtocolForm(TRIPLET, usual_protocols(5))
    numbers = form.own_numbers * np.exp(np.random.default_rng(2).normal(size=(9, form.size)))
    together = form.many(numbers)
    for row, point in zip(together, numbers, strict=True):
        assert np.array_equal(form.predictions(point), row)


def test_of_pairs_the_window_is_the_sum_of_exponentials() -> None:
    rule = parse_rules("on_pre: -a*y; on_post: b*x; a = 0.005; b = 0.01; eta = 1; tau_x = 17 ms; tau_y = 34 ms").only()
    rows = [Measured("", math.nan, 1.0, (max(0.0, -dt),), (max(0.0, dt),), 100.0, 60) for dt in (-0.02, 0.01)]
    form = ProtocolForm(rule, rows)
    before, after = form.predictions(form.own_numbers)
    assert after == pytest.approx(60 * 0.01 * math.exp(-10 / 17), rel=1e-12)
    assert before == pytest.approx(-60 * 0.005 * math.exp(-20 / 34), rel=1e-12)
    # Of other protocols the same numbers say the same.
    assert form.elsewhere(rows[1:], form.own_numbers[np.newaxis])[0] == pytest.approx([after])


def test_each_preparation_has_its_own_numbers_elsewhere_too() -> None:
    rows = [Measured("", math.nan, 1.0, (0.0,), (0.01,), 1.0, 10, preparation=name) for name in ("a", "b")]
    rule = parse_rules("on_post: b*x; b = 0.01; eta = 1; tau_x = 17 ms").only()
    form = ProtocolForm(rule, rows, own=["b"])
    numbers = np.array([[0.01, 0.02, 0.017]])
    first, second = form.many(numbers)[0]
    assert second == pytest.approx(2.0 * first)
    assert form.elsewhere(rows[:1], numbers, group=1)[0] == pytest.approx([second])
