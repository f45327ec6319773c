"""Tables of protocols: read row by row, and as a task whose predictions are those of closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.measurements.columns import parse_columns
from rulesearch.measurements.protocols import Measured, read_protocols
from rulesearch.measurements.sheet import read_sheet
from rulesearch.tasks import load_task
from rulesearch.tasks.protocol_table import ProtocolTable
from rulesearch.tasks.table import Table

HEAD = "id,preparation,pre_ms,post_ms,repeats,every_ms,change,sem,n,source\n"
ROWS = (
    "a,L5,0 500 1000,5 505 1005,10,4000,-0.01,0.04,2,Markram 1997\n"
    "b,L5,0,10,60,1000,0.3,0.1,4,Markram 1997\n"
    "c,L4,10,0,60,1000,-0.2,,16,Egger 1999\n"
    "d,L4,,0 10,60,1000,none,,,Egger 1999\n"
    "e,L4,100,120,1,,LTP,,,Egger 1999\n"
)
PAIR = "on_pre: -0.02*y; on_post: 0.03*x; tau_x = 20 ms; tau_y = 30 ms; eta = 1"


def _rows(tmp_path: Path, text: str, columns: str = "change") -> tuple[Measured, ...]:
    path = tmp_path / "p.csv"
    path.write_text(text, "utf-8")
    return read_protocols(read_sheet(path), parse_columns(columns))


def test_rows_are_read_with_their_spikes(tmp_path: Path) -> None:
    a, b, c, d, e = _rows(tmp_path, HEAD + ROWS)
    assert (a.label, a.preparation, a.source, a.repeats, a.every) == ("a", "L5", "Markram 1997", 10, 4.0)
    assert a.pre == (0.0, 0.5, 1.0) and a.post == pytest.approx((0.005, 0.505, 1.005))
    pre, post = b.trains()
    assert len(pre) == 60 and pre[-1] == 59.0 and post[0] == 0.01
    assert (c.pre, c.post, c.change) == ((0.01,), (0.0,), -0.2)
    assert d.pre == () and d.sign == 0 and math.isnan(d.change)
    # The first spike of a repeat is at 0, from whenever its times are told.
    assert e.sign == 1 and e.pre == (0.0,) and e.post == pytest.approx((0.02,))


def test_standard_errors_that_are_not_told_are_those_of_the_others(tmp_path: Path) -> None:
    a, b, c, d, _ = _rows(tmp_path, HEAD + ROWS)
    assert (a.sem, b.sem) == (0.04, 0.1)
    single = np.median([0.04 * math.sqrt(2), 0.1 * math.sqrt(4)])
    assert c.sem == pytest.approx(single / 4.0)
    assert d.sem == pytest.approx(np.median([0.04, 0.1]))


def test_pairs_in_short(tmp_path: Path) -> None:
    text = "dt_ms;change\n-20,5;-0,1\n10;0,4\n30;0,2\n-5;-0,3\n"
    rows = _rows(tmp_path, text, "change; repeats = 60; every = 1000")
    assert rows[0].pre == pytest.approx((0.0205,)) and rows[0].post == (0.0,)
    assert rows[1].pre == (0.0,) and rows[1].post == (0.01,)
    assert [row.sem for row in rows] == pytest.approx([np.std([-0.1, 0.4, 0.2, -0.3])] * 4)


@pytest.mark.parametrize("every", [1000.0, 7_200_000.0])
def test_predictions_are_those_of_the_closed_form(tmp_path: Path, every: float) -> None:
    delays = [-40.0, -10.0, 5.0, 25.0, 60.0]
    path = tmp_path / "p.csv"
    path.write_text("dt_ms,change,sem\n" + "".join(f"{dt},{0.01 * dt},0.1\n" for dt in delays), "utf-8")
    task = load_task(f"{path}:change; repeats = 60; every = {every}")
    assert isinstance(task, ProtocolTable)
    found = rs.evaluate(PAIR, task)
    wanted = [
        60 * (0.03 * math.exp(-dt / 20.0) if dt > 0 else -0.02 * math.exp(dt / 30.0))
        + 59 * (-0.02 * math.exp(-(every - dt) / 30.0) + 0.03 * math.exp(-(every + dt) / 20.0))
        for dt in delays
    ]
    assert found.details["predictions"] == pytest.approx(wanted, abs=1e-9)
    z = (np.array(wanted) - 0.01 * np.array(delays)) / 0.1
    assert found.loss == pytest.approx(float(np.mean(z**2)))


@pytest.mark.parametrize(("word", "change", "off"), [("LTP", 0.2, 0.0), ("ltp", 0.02, -0.03), ("LTD", 0.1, 0.15)])
def test_a_word_is_met_by_a_change_that_is_seen(tmp_path: Path, word: str, change: float, off: float) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f"dt_ms,change,sem\n10,{word},0.1\n20,0.1,0.1\n30,0.05,0.1\n40,0.2,0.1\n", "utf-8")
    task = load_task(f"{path}:change")
    trial = rs.evaluate(f"on_post: {change}*exp(1)*x/exp(1); tau_x = 1 s; eta = {math.exp(0.01)}", task).trials[0]
    assert trial.details["predictions"][0] == pytest.approx(change)
    assert trial.details["residuals"][0] == pytest.approx(off / 0.1, abs=1e-9)


def test_none_is_met_by_a_change_that_is_not_seen(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("dt_ms,change,sem\n10,none,0.1\n20,0.1,0.1\n30,0.05,0.1\n40,0.2,0.1\n", "utf-8")
    task = load_task(f"{path}:change")
    for change, off in ((0.04, 0.0), (0.15, 0.1), (-0.15, -0.1)):
        found = rs.evaluate(f"on_post: {change}*x; tau_x = 1 s; eta = {math.exp(0.01)}", task)
        assert found.trials[0].details["residuals"][0] == pytest.approx(off / 0.1, abs=1e-9)


def test_noise_sets_the_ceiling(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("dt_ms,change,sem\n" + "".join(f"{dt},{0.01 * dt},0.1\n" for dt in range(1, 11)), "utf-8")
    # The 95 % point of chi squared with ten degrees of freedom is 18.307.
    assert load_task(f"{path}:change").enough(5.0) == pytest.approx(1.8307, abs=1e-4)
    path.write_text("dt_ms,change\n" + "5,0.1\n5,0.3\n20,0.4\n20,0.4\n", "utf-8")
    changes = np.array([0.1, 0.3, 0.4, 0.4])
    noise = (2 * 0.1**2) / 2 / changes.var()
    assert load_task(f"{path}:change").enough(5.0) == pytest.approx(noise * 9.4877 / 4, rel=1e-4)


def test_one_side_alone_is_asked_about_where_nothing_is_measured_of_it(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(HEAD + ROWS.replace(",0 10,", ",0 10,"), "utf-8")
    assert load_task(f"{path}:change").requirements == ()
    path.write_text("dt_ms,change\n1,2\n2,3\n3,4\n4,5\n", "utf-8")
    assert [each.metric for each in load_task(f"{path}:change").requirements] == ["alone"]


def test_rows_whose_spikes_are_not_known_are_skipped_and_those_without_spikes_are_not(tmp_path: Path) -> None:
    rows = "a,,0,-,1,,0.1,,,\nb,,,0,1,,0.2,,,\nc,,NA,5,1,,0.3,,,\nd,,0,?,1,,0.4,,,\ne,,none,5,1,,0.5,,,\n"
    kept = _rows(tmp_path, HEAD + rows, "change; gaps = skip")
    assert [(row.label, len(row.pre), len(row.post)) for row in kept] == [("a", 1, 0), ("b", 0, 1), ("e", 0, 1)]
    kept = _rows(tmp_path, "dt_ms,change\n1,0.1\n,0.2\n3,-\n4,0.4\n", "change; gaps = skip")
    assert [row.change for row in kept] == [0.1, 0.4]


@pytest.mark.parametrize("head", ["dt", "dt (s)"])
def test_a_table_of_pairs_without_its_unit_is_told_of_it(tmp_path: Path, head: str) -> None:
    (tmp_path / "p.csv").write_text(f"{head},change\n1,2\n2,3\n3,4\n4,5\n", "utf-8")
    (tmp_path / "q.csv").write_text("dt (ms);\u0394w;SEM\n1;2;1\n2;3;1\n3;4;1\n4;5;1\n", "utf-8")
    assert isinstance(load_task(f"{tmp_path / 'q.csv'}:\u0394w"), ProtocolTable)
    with pytest.raises(RulesearchError, match=r"which column has the weight changes. --target dt or dw or SEM$"):
        rs.distil(tmp_path / "q.csv")
    with pytest.raises(RulesearchError, match=r"which column has.*--target dt or change; .* in ms: call it dt .ms."):
        rs.distil(tmp_path / "p.csv")


def test_what_is_told_of_protocols_is_refused_where_there_are_none(tmp_path: Path) -> None:
    frame = {"x": np.arange(12.0), "dw": np.arange(12.0) ** 2}
    with pytest.raises(RulesearchError, match=r"no protocols, which repeats and every would be of.*--repeats --every"):
        rs.distil(frame, "dw", repeats=60, every=1000, out=tmp_path / "run")
    with pytest.raises(RulesearchError, match=r"no protocols, which before would be of.*leave out --before"):
        rs.fit("a*x; a = 1", frame, "dw", before=0.5)
    assert not list(tmp_path.iterdir())


def test_pairs_beside_other_columns_are_no_protocols(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    rows = "".join(f"{k},{k % 3},{0.1 * k}\n" for k in range(12))
    path.write_text(f"dt_ms,w,change\n{rows}", "utf-8")
    assert isinstance(load_task(f"{path}:change"), Table)
    assert isinstance(load_task(f"{path}:change; ignore = w"), ProtocolTable)


def test_columns_of_protocols_are_known_by_their_units(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("DT (ms),Change,SEM\n10,0.3,0.1\n20,0.2,0.1\n-10,-0.2,0.1\n-20,-0.1,0.1\n", "utf-8")
    task = load_task(f"{path}:change")
    assert isinstance(task, ProtocolTable) and task.measured()[0].post == (0.01,)
    assert task.measured()[0].sem == 0.1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dt_ms,change (%)\n1,20\n2,30\n3,40\n4,50\n", "column change is in %; write relative changes, 0.29 for"),
        ("dt_ms,pre_ms,post_ms,change\n" + "1,0,1,0.2\n" * 4, "has both dt_ms and pre_ms or post_ms; leave one out"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(RulesearchError, match=reason):
        load_task(f"{path}:change")


def test_a_column_that_protocols_do_not_have_is_named(tmp_path: Path) -> None:
    frame = {"dt_ms": [1.0, 2.0], "change": [0.1, 0.2], "temperature": [32.0, 33.0]}
    with pytest.raises(RulesearchError, match="columns that protocols do not have: temperature; --ignore temperature"):
        rs.fit("on_post: A*x; A = 1", frame)
    with pytest.raises(RulesearchError, match="columns that protocols do not have: temperature"):
        rs.distil(frame)


@pytest.mark.parametrize(
    ("text", "columns", "reason"),
    [
        (
            HEAD + "a,L,0 x,5,1,,0.1,,,\n",
            "change",
            "row 1, column pre_ms: expected times in ms with blanks between, found 'x'",
        ),
        (HEAD + "a,L,,,1,,0.1,,,\n", "change", "row 1: there is no spike in pre_ms and post_ms"),
        (
            HEAD + "a,L,0,5,60,,0.1,,,\n",
            "change",
            "row 1: 60 repeats need the time between them .none is given.; a column",
        ),
        (HEAD + "a,L,0 100,5,60,50,0.1,,,\n", "change", "50 ms, while the spikes of one last 100 ms"),
        (HEAD + "a,L,0,5,2.5,50,0.1,,,\n", "change", "row 1, column repeats: expected a whole number of repeats"),
        (HEAD + "a,L,0,5,-1,50,0.1,,,\n", "change", "row 1, column repeats: .*found '-1'"),
        (
            HEAD + "a,L,0,5,1,50,up,,,\n",
            "change",
            "row 1, column change: expected a relative change, such as 0.29, or LTP",
        ),
        (
            HEAD + "a,L,0,5,1,50,,,,\n",
            "change",
            "row 1, column change: expected a number, found ''; leave out rows with gaps",
        ),
        (HEAD + "a,L,0,5,1,50,0.1,0,,\n", "change", "row 1, column sem: expected a standard error above 0, found '0'"),
        (HEAD + "a,L,0,5,1,50,0.1,0.1,0,\n", "change", "row 1, column n: expected a number of measurements, found '0'"),
        (HEAD + "a,L,0 nan 9,5,1,,0.1,,,\n", "change", "row 1, column pre_ms: expected times in ms .*, found 'nan'"),
        (HEAD + "a,L,0,5 inf,1,,0.1,,,\n", "change", "row 1, column post_ms: expected times in ms .*, found 'inf'"),
        (HEAD + "a,L,0 -,5,1,,0.1,,,\n", "change", "row 1, column pre_ms: expected times in ms .*, found '-'"),
        (
            HEAD + "a,L,NaN,5,1,,0.1,,,\n",
            "change",
            "column pre_ms: .* found 'NaN'; leave it empty .*; leave out rows",
        ),
        (
            HEAD + "a,L,1\u202f000,5,1,,0.1,,,\n",
            "change",
            "column pre_ms: .*; write it without separators of thousands",
        ),
        (
            "pre_ms,post_ms,change,repeat\n0,5,0.1,60\n",
            "change",
            "protocols have no column repeat; is it repeats. then call it so; else --ignore repeat",
        ),
        (
            "dt_ms,change\n1,30%\n",
            "change",
            "column change: expected a relative change.*'30%'; write a share",
        ),
        ("dt_ms,change,sem\n1,0.3,5%\n", "change", "column sem: expected a standard error.*'5%'; write a share"),
        ("dt_ms,change\n1,1e200\n", "change", "column change: expected a relative change, such as 0.29, found '1e200'"),
        ("pre,post_ms,change\n0,5,0.1\n", "change", "protocols have no column pre; is it pre_ms"),
        ("pre_ms,post_ms,change,every (s)\n0,5,0.1,1\n", "change", "protocols have no column every; is it every_ms"),
        ("dt_ms,change,n\n1,2,3\n", "change; weight = n", "rows of protocols weigh by their standard errors.*--error"),
        ("dt_ms,change\n1,2\nfar,3\n", "change", "row 2, column dt_ms: expected a number, found 'far'"),
        (
            "dt_ms,change\n1,2\n",
            "change; repeats = many; every = 10",
            "repeats: expected a whole number of repeats.*found 'many'",
        ),
        ("dt_ms,change\n1,2\n", "change; repeats = 2.5; every = 10", "repeats: expected a whole number.*found '2.5'"),
        ("dt_ms,change\n1,2\n", "change; repeats = 2; every = -5", "every: expected a time in ms .*found '-5'"),
        ("dt_ms,change\n", "change", "has no rows"),
    ],
)
def test_what_is_wrong_is_told_with_row_and_column(tmp_path: Path, text: str, columns: str, reason: str) -> None:
    with pytest.raises(RulesearchError, match=reason):
        _rows(tmp_path, text, columns)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dt_ms,change\n1,2\n2,3\n3,4\n", "has 3 rows; a rule needs at least 4"),
        ("dt_ms,change\n1,2\n2,2\n3,2\n4,2\n", "all values in column change are the same"),
    ],
)
def test_a_table_that_is_too_small_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(RulesearchError, match=reason):
        load_task(f"{path}:change")


def test_a_rule_is_distilled_from_protocols(tmp_path: Path) -> None:
    delays = [-60.0, -40.0, -25.0, -15.0, -10.0, -5.0, 5.0, 10.0, 15.0, 25.0, 40.0, 60.0]
    noise = 0.02 * np.random.default_rng(3).normal(size=len(delays))
    changes = [60 * (0.01 * math.exp(-dt / 17.0) if dt > 0 else -0.006 * math.exp(dt / 34.0)) for dt in delays]
    frame = {"dt_ms": delays, "change": changes + noise, "sem": [0.02] * len(delays)}
    run = rs.distil(
        frame, repeats=60, every=1000, budget=400, seed=4, permutations=0, out=tmp_path / "run", report=False
    )
    assert run.members[0].loss < rs.evaluate("on_pre: 0*y", run.experiment.task).loss
    text = (tmp_path / "run" / "experiment.toml").read_text("utf-8")
    assert "frame.csv:change; repeats = 60; every = 1000" in text
    assert rs.resume(tmp_path / "run", report=False).members == run.members


@pytest.mark.parametrize("sem", [0.02, 0.2])
def test_a_table_in_which_there_is_nothing_is_not_called_solved(tmp_path: Path, sem: float) -> None:
    """Changes that have nothing to do with delays; where noise is told as large, nothing is needed to explain them."""
    delays = [-60.0, -40.0, -25.0, -15.0, -10.0, -5.0, 5.0, 10.0, 15.0, 25.0, 40.0, 60.0]
    changes = 0.2 * np.random.default_rng(8).normal(size=len(delays))
    frame = {"dt_ms": delays, "change": changes, "sem": [sem] * len(delays)}
    run = rs.distil(
        frame, repeats=60, every=1000, budget=60, seed=4, permutations=0, out=tmp_path / "run", report=False
    )
    assert not run.solved and not run.recommended and run.conclusion.startswith("not solved: ")


def test_the_control_of_a_table_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("dt_ms,change,sem\n5,0.1,0.1\n10,-0.3,0.1\n-5,0.2,0.1\n-10,0.4,0.2\n", "utf-8")
    task = load_task(f"{path}:change")
    control = rs.evaluate(task.control(task.resolve()), task)
    assert control.loss == pytest.approx((1.0 + 9.0 + 4.0 + 4.0) / 4.0)


def test_the_target_of_other_tables_must_be_told(tmp_path: Path) -> None:
    with pytest.raises(RulesearchError, match=r"which column has the weight changes. --target x or y"):
        rs.distil({"x": [1.0] * 12, "y": [2.0] * 12})
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(RulesearchError, match=r"t\.xlsx"):
        rs.distil(tmp_path / "t.xlsx")
