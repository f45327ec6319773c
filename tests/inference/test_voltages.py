"""Rules that read the membrane potential, fitted to protocols with files of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError

RULE = "on_pre: A*relu(v - theta); A = 0.01; eta = 1; theta = -60 mV"
HEAD = "id,pre_ms,post_ms,change,sem,voltage\n"


def _clamp(folder: Path, level: float) -> str:
    name = f"clamp{-level:g}.csv"
    (folder / name).write_text(f"t_ms,v_mV\n0,{level}\n30,{level}\n", "utf-8")
    return name


def test_a_rule_reads_the_potential_of_each_row(tmp_path: Path) -> None:
    levels = [-70.0, -50.0, -45.0, -40.0, -30.0]
    rows = [
        f"row{place},10,,{2.0e-3 * max(0.0, level + 55.0)},0.001,{_clamp(tmp_path, level)}"
        for place, level in enumerate(levels)
    ]
    path = tmp_path / "clamped.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    found = rs.fit(RULE, str(path))
    numbers = {number.label: number.value for number in found.numbers}
    # 0.002 per mV above -55 mV; potentials are in volts or mV as the rule has them.
    per_mv = numbers["A"] * (1.0 if abs(numbers["theta"]) > 1.0 else 1e-3)
    assert per_mv == pytest.approx(2.0e-3, rel=1e-2)
    assert numbers["theta"] == pytest.approx(-55.0 * (1.0 if abs(numbers["theta"]) > 1.0 else 1e-3), rel=1e-2)
    assert np.isfinite(found.predictions[0].z2)


def test_a_row_without_its_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "clamped.csv"
    path.write_text(HEAD + "first,10,,0.1,0.01,none.csv\n", "utf-8")
    with pytest.raises(RulesearchError, match=r"row 1, column voltage: there is no file .*none\.csv"):
        rs.fit(RULE, str(path))
    name = _clamp(tmp_path, -50.0)
    path.write_text(HEAD + f"first,10,,0.1,0.01,{name}\nsecond,10,,0.1,0.01,\nthird,10,,0.2,0.01,{name}\n", "utf-8")
    with pytest.raises(
        RulesearchError, match="row 1 has no voltage, which the rule reads as v: name its file in a column"
    ):
        rs.fit("on_post: A*v; A = 1; eta = 1", {"pre_ms": [0], "post_ms": [10], "change": [0.1], "sem": [0.1]})
    with pytest.raises(RulesearchError, match="second has no voltage, which the rule reads"):
        rs.fit(RULE, str(path))


def test_spikes_are_on_the_clock_of_the_file(tmp_path: Path) -> None:
    times = np.arange(0.0, 200.0, 1.0)
    volts = -70.0 + 40.0 * np.exp(-0.5 * ((times - 50.0) / 5.0) ** 2)
    lines = [f"{time},{volt}" for time, volt in zip(times, volts, strict=True)]
    (tmp_path / "bump.csv").write_text("t_ms,v_mV\n" + "\n".join(lines) + "\n", "utf-8")
    rows = [f"at{time},{time},,{1e-3 * max(0.0, volts[time] + 70.0)},0.001,bump.csv" for time in (10, 40, 45, 50, 60)]
    path = tmp_path / "bumps.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    found = rs.fit("on_pre: A*relu(v - theta); A = 0.01; eta = 1; theta = -70 mV", str(path), fixed="theta=-70")
    assert found.found.z2 < 1e-4
