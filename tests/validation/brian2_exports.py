"""Runs exported Brian2 scripts on given spikes, as a JSON task says; prints final weights."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    TimedArray,
    defaultclock,
    mV,
    pA,
    prefs,
    second,
)

prefs.codegen.target = "numpy"

CELL = """
v : volt
v_dend : volt
I_E : amp
I_I : amp
"""


def read(script: str) -> Any:
    """Return an exported script as a module."""
    spec = importlib.util.spec_from_file_location("exported", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def example(script: str, seconds: float) -> list[float]:
    """Return the bounds of the weights of an exported example, and the least and greatest of its weights."""
    module = read(script)
    _, weights = module.example(seconds)
    text = Path(script).read_text("utf-8")
    ends = [re.search(rf'"{name}": (?:float\("(-?inf)"\)|(\S+)),', text) for name in ("w_min", "w_max")]
    low, high = (float(end[1] or end[2]) if end else sign * np.inf for end, sign in zip(ends, (-1, 1), strict=True))
    return [low, high, float(np.min(weights)), float(np.max(weights))]


def final_weight(case: dict[str, Any]) -> float:
    """Return the weight that an exported rule leaves."""
    module = read(case["script"])
    dt = case["dt"]
    defaultclock.dt = dt * second
    steps = round(case["seconds"] / dt)
    fires = np.zeros(steps + 1)
    fires[np.round(np.array(case["post"]) / dt).astype(int)] = 1.0
    source = SpikeGeneratorGroup(1, np.zeros(len(case["pre"]), dtype=int), np.array(case["pre"]) * second)
    target = NeuronGroup(
        1,
        CELL,
        threshold="fires(t) > 0.5",
        reset="",
        namespace={"fires": TimedArray(fires, dt=dt * second)},
    )
    target.v = target.v_dend = case["potential"] * mV
    target.I_E, target.I_I = np.array(case["currents"]) * pA
    synapses = getattr(module, case["maker"])(source, target)
    synapses.connect()
    synapses.w = case["w0"]
    for name, value in case["initial"].items():
        setattr(synapses, name, value)
    Network(source, target, synapses).run(steps * dt * second)
    return float(synapses.w[0])


def main() -> None:
    """Read the task, run every case, print the weights."""
    task = json.load(sys.stdin)
    if "examples" in task:
        found = {name: example(script, task["seconds"]) for name, script in task["examples"].items()}
        print("RESULT " + json.dumps(found))
        return
    print("RESULT " + json.dumps([final_weight(case) for case in task["cases"]]))


if __name__ == "__main__":
    main()
