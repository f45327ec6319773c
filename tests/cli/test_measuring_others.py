"""The commands `predict` and `decide`: what they print, and what they say of what is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = ["on_pre: -c*y; on_post: x; c = 1", "on_pre: -y; on_post: x*y2", "--table", "stdp-frequency"]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chains that are too short for their numbers, not for what is printed of them."""
    from rulesearch.inference import sampling

    monkeypatch.setattr(sampling, "_SHORTEST", 100)
    monkeypatch.setattr(sampling, "_LONGEST", 100)


def test_what_rules_say_of_a_protocol_is_shown(call: Callable[..., Any]) -> None:
    asked = ["--pre", "0,20", "--post", "10", "--repeats", "60", "--every", "1000"]
    shown = call("predict", *ARGUMENTS, *asked).out
    assert "on_pre: -y; on_post: x*y2" in shown and "90 % interval" in shown and "refuted" in shown
    found = json.loads(call("predict", *ARGUMENTS, *asked, "--level", "0.5", "--json").out)
    (row,) = found["rows"]
    low, high = row["interval"]
    assert found["level"] == 0.5 and low <= row["mean"] <= high
    # What survives is asked: the table refutes the rule of pairs.
    assert list(row["by_rule"]) == ["on_pre: -y; on_post: x*y2"]
    assert [rule["refuted"] for rule in found["rules"]] == [True, False]
    assert [rule["settled"] for rule in found["rules"]] == [None, False]
    assert sum(rule["weight"] for rule in found["rules"]) == pytest.approx(1.0)


def test_protocols_are_ranked(call: Callable[..., Any], tmp_path: Path) -> None:
    plans = tmp_path / "plans.csv"
    plans.write_text("id,pre_ms,post_ms,repeats,every_ms\nslow,0,10,60,1000\ntriplet,0 10,5,60,1000\n", "utf-8")
    rules = ["on_pre: y*(x - y2)", *ARGUMENTS]
    shown = call("decide", *rules, "--candidates", str(plans), "-o", str(tmp_path / "out.csv")).out
    assert "bits" in shown and "refuted" in shown and "triplet" in shown
    assert (tmp_path / "out.csv").read_text("utf-8").startswith("id,pre_ms,post_ms,repeats,every_ms,information_bits")
    found = json.loads(call("decide", *rules, "--candidates", str(plans), "--json").out)
    first = found["protocols"][0]
    assert set(first) >= {"pre_ms", "post_ms", "repeats", "every_ms", "information", "n_for_decision", "predictions"}
    assert found["refuted"] == ["on_pre: -c*y; on_post: x"]


@pytest.fixture
def table(tmp_path: Path) -> str:
    """A table that only options can read: its changes and labels have names of their own, and one change is missing."""
    delays = (2, 5, 10, 20, 40)
    rows = "".join(f"{dt};{0.6 * math.exp(-dt / 20):.5f};0.01;{dt}\n" for dt in delays)
    (tmp_path / "t.csv").write_text(f"dt_ms;dw;spread;day\n{rows}8;;0.01;3\n", "utf-8")
    return str(tmp_path / "t.csv")


OPTIONS = ["--target", "dw", "--error", "spread", "--ignore", "day", "--gaps", "skip", "--fixed", "tau_x=20ms"]
SOFT = "on_post: A*(1 - w)*x; A = 0.1; eta = 1; bounds = [0, 1]"
HARD = "on_post: A*x; A = 0.1; eta = 1; bounds = [0, 1]"


def test_what_fit_is_told_of_a_table_predict_and_decide_are_told_too(
    call: Callable[..., Any], table: str, tmp_path: Path
) -> None:
    fitted = call("fit", SOFT, table, *OPTIONS, "--before", "0.5", "--json").document
    # Relative to 0.5 a change of A (1 - 0.5) x is A x.
    assert fitted["constants"]["A"]["value"] == pytest.approx(0.6, rel=1e-4)
    asked = ["--pre", "0", "--post", "14"]
    found = call("predict", SOFT, "--table", table, *OPTIONS, "--before", "0.5", *asked, "--json").document
    assert found["rows"][0]["mean"] == pytest.approx(0.6 * math.exp(-14 / 20), rel=0.05)
    (tmp_path / "plans.csv").write_text("dt_ms\n10\n-10\n", "utf-8")
    plans = ["--candidates", str(tmp_path / "plans.csv"), "--repeats", "3", "--every", "1000"]
    told = [*OPTIONS, "--before", "0.5", "--table-repeats", "1"]
    decided = call("decide", SOFT, HARD, "--table", table, *told, *plans, "--json").document
    assert [each["repeats"] for each in decided["protocols"]] == [3, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", *ARGUMENTS], "there is no protocol to predict: give --pre or --post"),
        (["predict", ARGUMENTS[0], "--pre", "0"], "say which table the rule is fitted to, with --table"),
        (["predict", *ARGUMENTS, "--pre", "a"], "--pre takes times in ms"),
        (["predict", *ARGUMENTS, "--pre", "nan"], "--pre takes times in ms, such as 0,50; found 'nan'"),
        (["predict", *ARGUMENTS, "--pre", "0", "--post", "1e999"], "--post takes times in ms"),
        (["predict", *ARGUMENTS, "--pre", "0", "--repeats", "5"], "the protocol that is asked about, row 1: 5 repeats"),
        (["decide", ARGUMENTS[0], *ARGUMENTS[2:]], "there is one rule: to decide takes two at least"),
        (["decide", *ARGUMENTS, "--candidates", "none.csv"], "none.csv"),
        (["decide", *ARGUMENTS, "-o", "none/t.csv"], "there is no folder none"),
        (["decide", *ARGUMENTS, "-o", "."], ". is a folder"),
        (["decide", *ARGUMENTS, "--repeats", "5"], "--repeats and --every are those of --candidates"),
        (
            ["predict", *ARGUMENTS, "--pre", "0", "--before", "-1"],
            "before: the weight before protocols must be above 0",
        ),
        (["predict", *ARGUMENTS, "--pre", "0", "--gaps", "drop"], "gaps can be skipped (--gaps skip); found"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(refused: Callable[..., str], arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)


def test_the_folder_of_a_run_is_no_rule(refused: Callable[..., str], run_folder: Path) -> None:
    assert f"a rule of a run is given as {run_folder}:1" in refused("fit", str(run_folder), "stdp-frequency")


NEAR = "'stdp-pare' is no known rule, and no expression; did you mean 'stdp-pair'?"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "stdp-pare", "stdp-frequency"], NEAR),
        (["predict", "stdp-pare", "--table", "stdp-frequency", "--pre", "0"], NEAR),
        (["decide", "triplet", "stdp-pare", "--table", "stdp-frequency"], NEAR),
        (["evaluate", "stdp-pare", "--task", "stdp-frequency"], NEAR),
        (["fit", "tripplet", "stdp-frequency"], "did you mean 'triplet'"),
        (["fit", "confavreux-quartt[EE]", "stdp-frequency"], "did you mean 'confavreux-quartet'"),
        (["fit", "results/none:1", "stdp-frequency"], "there is no run folder results/none"),
        (["fit", "triplet", "stdp-frequncy"], "nor a task on measurements; did you mean 'stdp-frequency'"),
        (["fit", "triplet", "oja"], "the data of task oja are no measurements under protocols; give a table"),
        # What is no name, or like none, is an expression.
        (["fit", "on_pre: tripplet", "stdp-frequency"], "unknown symbol 'tripplet'"),
        (["fit", "q", "stdp-frequency"], "unknown symbol 'q'"),
    ],
)
def test_a_known_rule_whose_name_is_misspelt_is_named(
    refused: Callable[..., str], words: list[str], message: str
) -> None:
    assert message in refused(*words)
