"""What sets of four rules are described by, and how many of them remember."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from rulesearch.tasks import load_task

TASK = load_task("stability")
RATE, TAU, A, WEIGHT = {"E": 4.0, "I": 8.0}, 0.02, 0.2, 0.5
METRICS = {"rate_e_hz": RATE["E"], "rate_i_hz": RATE["I"], **{f"w_{kind}": WEIGHT for kind in ("EE", "EI", "IE", "II")}}
SETS = (
    "EE[on_post: x - 2*w*y; tau_x = 20 ms; tau_y = 20 ms]; EI[on_pre: 0.3 - w]; "
    "IE[on_pre: y - 0.2; on_post: x; tau_x = 20 ms; tau_y = 20 ms]; II[on_pre: 0]"
)


@pytest.fixture(scope="module")
def portraits(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("coactive_portraits")


@pytest.fixture(scope="module")
def coactive(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("coactive")


def _bound(text: str) -> object:
    return TASK.bind(TASK.parse(text), TASK.resolve({}))


def test_the_portrait_of_known_rules_is_that_of_the_closed_form(portraits: ModuleType) -> None:
    found = portraits.portraits(_bound(SETS), METRICS)
    inhibition = found["IE"]
    pre = RATE["I"] * (RATE["E"] * TAU - A)
    post = RATE["E"] * RATE["I"] * TAU
    total = abs(pre) + abs(post)
    assert inhibition.sizes["post"] == pytest.approx(2.0 * post / total, rel=1e-6)
    assert inhibition.sizes["pre"] == pytest.approx((pre + post) / total, rel=1e-6)
    assert inhibition.sizes["weight"] == 0.0
    middle = len(portraits.FACTORS) // 2
    assert portraits.FACTORS[middle] == pytest.approx(1.0)
    assert inhibition.drift[middle] == pytest.approx((pre + post) / total, rel=1e-6)
    pair = np.exp(-np.abs(portraits.DELAYS) / TAU) - A
    assert inhibition.window == pytest.approx(pair / np.abs(pair).max(), abs=1e-9)


def test_the_sign_of_what_the_drift_changes_with(portraits: ModuleType) -> None:
    found = portraits.portraits(_bound(SETS), METRICS)
    # A trace of the own side holds what all spikes before this one left, so that it grows with their rate.
    assert found["EE"].signs == {"post": -1, "pre": 1, "weight": -1, "area": found["EE"].signs["area"]}
    # The drift is r_pre (0.3 - w): below 0, so that a higher rate makes it more so.
    assert found["EI"].signs == {"post": 0, "pre": -1, "weight": -1, "area": -1}
    assert found["EI"].sizes["weight"] == pytest.approx(-WEIGHT / abs(0.3 - WEIGHT), rel=1e-6)
    assert set(found["II"].signs.values()) == {0}
    assert portraits.behaviour(found) == "EE +pre -post -weight; EI -pre -weight; IE -pre +post; II static"


def test_correlations_are_those_of_ranks(portraits: ModuleType) -> None:
    sets = [
        portraits.portraits(_bound(SETS.replace("0.3", str(level)).replace("0.2", str(level))), METRICS)
        for level in (0.3, 0.35, 0.4, 0.45)
    ]
    names, values = portraits.correlations(sets)
    place = {name: number for number, name in enumerate(names)}
    assert values.shape == (len(names), len(names))
    assert np.allclose(values, values.T)
    # Both grow or fall with the level, whatever the form of the curve; what is constant goes with nothing.
    weakest = [each["EI"].sizes["weight"] for each in sets]
    assert np.all(np.diff(weakest) < 0.0)
    assert abs(values[place["EI weight"], place["IE post"]]) == pytest.approx(1.0)
    assert values[place["II post"], place["II post"]] == 0.0


def test_holm_steps_down(coactive: ModuleType) -> None:
    # Holm 1979: 4 p, 3 p, 2 p, p, none below one before it.
    assert coactive.holm([0.04, 0.01, 0.03, 0.005]) == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert coactive.holm([0.9, 0.8]) == [1.0, 1.0]
    assert coactive.holm([]) == []


def test_counts_tell_how_many_pass_at_both_sizes(coactive: ModuleType) -> None:
    def size(group: str, small: int, full: int) -> dict[str, object]:
        return {"group": group, "plausible eighth": small, "plausible full": full}

    sizes = [size("found", 1, 1), size("found", 1, 0), size("drawn", 0, 0)]
    counts = coactive.counts_of(3, 0, [], sizes, 10)
    assert counts["found: plausible at an eighth, and plausible in the full network"].startswith("1 of 2 (50%")
    assert counts["found: not plausible at an eighth, and plausible in the full network"] == "none"
    assert counts["drawn: not plausible at an eighth, and plausible in the full network"].startswith("0 of 1 (0%")
    assert not any(isinstance(value, float) and math.isnan(value) for value in counts.values())
