"""The symbolic side on thousands of random rules, by the benchmarks that report it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "experiments" / "benchmarks"


def _figures(*words: str, script: str = "symbolic.py") -> dict[str, Any]:
    options = ["--json"] if script == "symbolic.py" else []
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *options, *words], capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_ten_thousand_rules_are_read_back_and_simplified_without_changing_what_they_compute() -> None:
    found = _figures("--rules", "10000")
    assert found["points_compared"] > 500_000
    assert found["made_smaller"] > 5_000
    assert (found["read_back_otherwise"], found["not_equal"], found["grew"]) == (0, 0, 0), found["wrong_rules"]


@pytest.mark.slow
def test_rewritten_rules_are_recognised() -> None:
    found = _figures("--rewrites", "1000")
    assert found["recognised_share"] >= 0.99, found["missed_rewrites"]


@pytest.mark.slow
def test_perturbed_rules_are_never_called_equal() -> None:
    found = _figures("--perturbations", "1000")
    assert found["false_equals"] == 0, found["falsely_equal"]


def test_the_benchmark_runs() -> None:
    found = _figures("--rules", "20", "--rewrites", "20", "--perturbations", "5")
    assert (found["rules"], found["rewrites"], found["perturbations"]) == (20, 20, 5)
    assert found["points_compared"] > 500


@pytest.mark.slow
def test_search_compare_and_simplify_agree_on_which_of_two_thousand_pairs_are_the_same() -> None:
    found = _figures("--pairs", "2000", script="verdicts.py")
    assert set(found["false_equals"].values()) == {0}, found["examples"]
    assert found["changed_by_simplify"] == 0, found["examples"]
    assert min(found["share_of_equal_seen"].values()) >= 0.99, found["examples"]
    assert found["disagreements"] <= 10, found["examples"]


def test_the_benchmark_of_verdicts_runs() -> None:
    found = _figures("--pairs", "12", "--seed", "3", script="verdicts.py")
    assert sum(found["kinds"].values()) == 12
    assert set(found["false_equals"].values()) == {0}
