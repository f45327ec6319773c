"""What rules that were fitted say of other protocols, and which protocol decides between them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.workflow.predicted import _without_support, asked_protocols

PAIR = "on_pre: -A_minus*y; on_post: A_plus*x; A_plus = 0.005; A_minus = 0.005; eta = 1; tau_x = 20 ms; tau_y = 20 ms"
POTENTIATION = "on_post: A*x; A = 0.005; eta = 1; tau_x = 20 ms"
TWICE = "on_post: A*x + A*x; A = 0.005; eta = 1; tau_x = 20 ms"


def _table() -> dict[str, Any]:
    delays = np.array([5.0, 10.0, 15.0, 25.0, 40.0])
    changes = 0.6 * np.exp(-delays / 17.0)
    return {"dt_ms": delays, "change": changes, "sem": [0.02] * 5, "repeats": [60] * 5, "every_ms": [1000] * 5}


@pytest.fixture(scope="module")
def found() -> Any:
    protocols = {"pre_ms": ["0", "10"], "post_ms": ["20", "0"], "repeats": [60, 60], "every_ms": [1000, 1000]}
    return rs.predict([POTENTIATION, PAIR], _table(), protocols=protocols, fixed="tau_x=17ms")


def test_what_was_measured_is_predicted_and_what_was_not_is_open(found: Any) -> None:
    potentiation, depression = found.rows
    assert potentiation.low < 0.6 * np.exp(-20 / 17) < potentiation.high
    assert potentiation.high - potentiation.low < 0.05
    # Depression was never seen: the pair rule leaves it open, the other one says there is none.
    name, pair = (each.name for each in found.survivors)
    assert depression.by_rule[name] == (0.0, 0.0, 0.0)
    mean, low, high = depression.by_rule[pair]
    assert low < -0.1 and low <= mean <= high <= 0.0
    assert sum(each.weight for each in found.survivors) == pytest.approx(1.0)
    document = found.to_json()
    assert set(document["rows"][0]) == {"id", "mean", "interval", "by_rule"}


@pytest.mark.slow
def test_the_protocol_that_decides_is_the_one_on_which_rules_differ(tmp_path: Path) -> None:
    candidates = {"id": ["same", "other"], "dt_ms": [20, -10], "repeats": [60, 60], "every_ms": [1000, 1000]}
    decided = rs.decide([POTENTIATION, PAIR, TWICE], _table(), candidates=candidates, fixed="tau_x=17ms")
    # A rule and the same with twice the amplitude are one family.
    assert sorted(len(each.rules) for each in decided.families) == [1, 2]
    first, second = decided.choices
    assert (first.protocol.label, second.protocol.label) == ("other", "same")
    assert first.information > 0.5 > 0.05 > second.information and second.cells is None
    decided.write(tmp_path / "protocols.csv")
    again = rs.predict(POTENTIATION, _table(), protocols=str(tmp_path / "protocols.csv"), fixed="tau_x=17ms")
    assert [row.label for row in again.rows] == ["other", "same"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give --pre or --post"),
        ({"pre": [0.0], "protocols": {"dt_ms": [5]}}, "not both"),
        ({"protocols": {"x": [5]}}, "expected columns pre_ms and post_ms, or dt_ms"),
        ({"pre": [0.0], "repeats": 5}, "5 repeats need the time between them"),
        ({"protocols": {"dt_ms": []}}, "there are no rows below the header"),
        ({"pre": [0.0], "preparation": "slice"}, "has no preparation 'slice'; it has none by name"),
        ({"pre": [0.0], "level": 1.5}, "level must be between 0 and 1, found 1.5"),
        ({"pre": [0.0], "befor": 1.5}, "unknown argument 'befor'; did you mean 'before'"),
        ({"pre": [0.0, np.nan]}, "the protocol that is asked about, row 1, column pre_ms: expected times"),
    ],
)
def test_what_cannot_be_predicted_is_said(given: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        rs.predict(POTENTIATION, _table(), **given)


def test_a_table_among_rules_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("dt_ms,change\n", "utf-8")
    with pytest.raises(RulesearchError, match="is a table: rules are fitted to it with --table"):
        rs.predict([POTENTIATION, str(path)], pre=[0.0])


@pytest.mark.filterwarnings("error")
def test_one_row_is_enough_for_one_number() -> None:
    table = {"dt_ms": [10.0], "change": [0.3], "sem": [0.1]}
    found = rs.predict(POTENTIATION, table, pre=[0.0], post=[10.0], fixed="tau_x=17ms")
    assert found.rows[0].low < 0.3 < found.rows[0].high and not found.survivors[0].refuted


@pytest.mark.parametrize(
    ("squares", "lost"),
    [
        # One number each: AIC differs by chi^2, which one degree of freedom of each row scales only where noise is told
        # too small.
        ((9.0, 18.9), [False, False]),
        ((9.0, 19.1), [False, True]),
        ((90.0, 189.0), [False, False]),
        ((90.0, 191.0), [False, True]),
    ],
)
def test_what_is_less_likely_by_far_has_no_support_unless_nothing_fits(
    squares: tuple[float, float], lost: list[bool]
) -> None:
    table = {"dt_ms": [float(k) for k in range(1, 11)], "change": [0.1] * 10, "sem": [0.1] * 10}
    found = rs.fit(POTENTIATION, table, fixed="tau_x=17ms").found
    off = [0.1 * math.sqrt(total / 10.0) for total in squares]
    fits = [replace(found, predictions=found.data.changes + each) for each in off]
    assert _without_support(fits) == lost


def test_rules_that_all_fail_are_said_to() -> None:
    table = {"dt_ms": [5.0, 10.0, 20.0, 40.0], "change": [0.3, -0.3, 0.3, -0.3], "sem": [0.02] * 4}
    found = rs.predict(POTENTIATION, table, pre=[0.0], post=[10.0])
    assert found.warning.startswith("none of these rules fits the table: the best leaves a mean z² of ")
    assert rs.predict(POTENTIATION, _table(), pre=[0.0], post=[10.0]).warning == ""


def test_one_rule_that_is_left_has_all_of_the_weight() -> None:
    decided = rs.decide([POTENTIATION, "on_pre: y; tau_y = 20 ms"], _table())
    assert [each.weight for each in decided.families] == [1.0] and len(decided.families[0].rules) == 1


def test_times_that_are_asked_about_keep_their_digits() -> None:
    (row,) = asked_protocols([0.0], [100_000.125], None, None, None)
    assert row.post == (100.000125,)


def test_a_rule_needs_a_table_and_a_decision_two_rules() -> None:
    with pytest.raises(RulesearchError, match="say which table the rule is fitted to, with --table"):
        rs.predict(POTENTIATION, pre=[0.0])
    with pytest.raises(RulesearchError, match="there is one rule: to decide takes two"):
        rs.decide(POTENTIATION, _table(), fixed="tau_x=17ms")


def test_repeats_of_the_table_are_not_those_that_are_asked_about() -> None:
    table = {name: column for name, column in _table().items() if name not in {"repeats", "every_ms"}}
    asked = {"pre": [0.0], "post": [10.0], "fixed": "tau_x=17ms", "table_repeats": 60, "table_every": 1000}
    one, many = (rs.predict(POTENTIATION, table, repeats=count, every=1000, **asked).rows[0].mean for count in (1, 60))
    assert many == pytest.approx(0.6 * np.exp(-10 / 17), rel=0.05) and many == pytest.approx(60 * one, rel=1e-6)


def test_pairs_of_which_it_is_not_told_how_often_they_came_are_refused() -> None:
    table = {name: column for name, column in _table().items() if name not in {"repeats", "every_ms"}}
    reason = "does not tell how often its pairs were repeated: give --table-repeats"
    with pytest.raises(RulesearchError, match=reason):
        rs.predict(PAIR, table, pre=[0.0], post=[10.0], repeats=60, every=1000)
    with pytest.raises(RulesearchError, match=reason):
        rs.decide([PAIR, POTENTIATION], table)


def test_words_alone_leave_changes_of_a_size_that_can_be_seen() -> None:
    table = {"dt_ms": [5.0, 10.0, -5.0, -10.0], "change": ["LTP", "LTP", "LTD", "LTD"]}
    found = rs.predict(PAIR, table, pre=[0.0], post=[10.0], repeats=60, every=1000, table_repeats=60, table_every=1000)
    assert found.rows[0].low > 0.0 and found.rows[0].high < 60.0


@pytest.mark.slow
def test_rules_that_the_table_leaves_wide_open_are_not_one_family() -> None:
    delays = np.array([-50.0, -40.0, -25.0, -15.0, -10.0, -5.0, 5.0, 10.0, 15.0, 25.0, 40.0, 50.0])
    exact = np.where(delays > 0, 0.6 * np.exp(-delays / 17.0), -0.36 * np.exp(delays / 34.0))
    table = {"dt_ms": delays, "change": exact, "sem": [0.03] * 12, "repeats": [60] * 12, "every_ms": [1000] * 12}
    decided = rs.decide(["triplet", "stdp-pair"], table)
    # Pairs at 1 Hz tell nothing of triplets: what these do is wide open, and so worth a measurement.
    assert len(decided.families) == 2 and decided.choices[0].information > 0.3
